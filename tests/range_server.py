"""A web server that knows ranges, counts what it is asked, and misbehaves on demand."""

import base64
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class RangeServer:
    """Serves ``files`` (name to bytes).

    Attributes:
        files: what there is; changing it changes what is served from then on.
        asked: (name, first byte, last byte) of every request for a file.
        moods: names of what goes wrong, for one request each; the last one stays.
    """

    def __init__(self, **files):
        self.files = files
        self.asked = []
        self.headers = []
        self.moods = []
        self.etag = True
        self.password = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self._server.owner = self
        self._ended = threading.Event()

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, name, user=""):
        return f"http://{user}127.0.0.1:{self._server.server_port}/{name}"

    def mood(self):
        if not self.moods:
            return ""
        return self.moods.pop(0) if len(self.moods) > 1 else self.moods[0]

    def rest(self, seconds):
        """Wait, but not longer than the test."""
        self._ended.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        owner = self.server.owner
        name = self.path.strip("/").partition("?")[0]
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        first, last = int(found[1]), int(found[2])
        owner.asked.append((name, first, last))
        owner.headers.append(dict(self.headers))
        mood = owner.mood()
        if name.startswith("moved-"):
            return self._say(302, {"Location": f"/{name.removeprefix('moved-')}?token=secret"})
        if name == "round":
            return self._say(302, {"Location": "/round"})
        if mood.isdigit():
            return self._say(int(mood), {})
        if owner.password and self.headers.get("Authorization") != _basic(owner.password):
            return self._say(401, {})
        if name not in owner.files:
            return self._say(404, {})
        data = owner.files[name]
        headers = {"ETag": f'"{hash(data)}"'} if owner.etag else {}
        if mood == "silent":
            owner.rest(20)
            return None
        if mood == "hangs up":
            return self._hang_up()
        if mood == "no ranges":
            return self._say(200, headers, data)
        part = data[first : last + 1]
        if not part:
            return self._say(416, headers | {"Content-Range": f"bytes */{len(data)}"})
        span = f"bytes {first}-{first + len(part) - 1}/{len(data)}"
        if mood == "elsewhere":
            span = f"bytes {first + 1}-{first + len(part)}/{len(data)}"
        headers["Content-Range"] = span
        if mood == "compressed":
            headers["Content-Encoding"] = "gzip"
        if mood == "too much":
            part += b"more"
        if mood == "breaks off":
            self._head(206, headers, len(part))
            self.wfile.write(part[: len(part) // 2])
            return self._hang_up()
        if mood == "drips":
            self._head(206, headers, len(part))
            for at in range(len(part)):
                self.wfile.write(part[at : at + 1])
                owner.rest(0.1)
                if owner._ended.is_set():
                    return None
        if mood == "slow":
            time.sleep(0.3)
        return self._say(206, headers, part)

    def _hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _head(self, status, headers, length):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _say(self, status, headers, data=b""):
        self._head(status, headers, len(data))
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def _basic(pair):
    return "Basic " + base64.b64encode(pair.encode()).decode()
