"""How many requests, bytes and milliseconds it takes to open a run over http, and to draw a map.

usage: python benchmarks/remote.py [--gigabytes 2] [--steps 1000000] [--latency 50] [--folder DIR]

Two runs are made first: one of large maps (12 heads × 128 × 128, as many as it takes), one of very
many small ones (one glimpse at 9 regions each). A server on this machine waits for --latency ms
before each answer, as a far one would; nothing limits its bandwidth, so the bytes are said too.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from recorders import read_run
from recorders.run.reader import Remote
from recorders.run.writer import SegmentWriter

_BATCH = 20_000


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder = Path()
    latency = 0.0
    requests: list[int] = []  # noqa: RUF012

    def do_GET(self) -> None:
        time.sleep(self.latency)
        path = self.folder / self.path.strip("/")
        size = path.stat().st_size
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert found is not None
        first, last = int(found[1]), min(int(found[2]), size - 1)
        with path.open("rb") as file:
            data = os.pread(file.fileno(), last - first + 1, first)
        self.requests.append(len(data))
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def large_maps(path: Path, size: int) -> None:
    """A run of ``size`` bytes, most of them maps that hardly compress."""
    rng = np.random.default_rng(0)
    with_rows = np.full((16, 12, 128), 1.0)
    raw = rng.random((16, 12, 128, 128)) ** 4
    maps = raw / raw.sum(-1, keepdims=True)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site("layers.0", kind="self", heads=12, key_axis="tokens")
    number = 0
    while writer.written_bytes < size:
        names = [writer.add_example(f"text-{number + k}") for k in range(16)]
        number += 16
        writer.add_events(
            site=site,
            examples=np.array(names),
            step=0,
            snapshot=0,
            probabilities=np.roll(maps, number, axis=-1),
            log_prob=np.full_like(with_rows, np.nan),
            entropy=with_rows,
        )
        if number % 64 == 0:
            writer.flush()
    writer.close()


def many_steps(path: Path, steps: int) -> None:
    """A run of ``steps`` glimpses, ten for each example."""
    rng = np.random.default_rng(0)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site("glimpse", kind="glimpse", heads=1, key_axis="regions", hard=True)
    for start in range(0, steps // 10, _BATCH):
        count = min(_BATCH, steps // 10 - start)
        examples = np.array([writer.add_example(f"digit-{start + k}") for k in range(count)])
        for step in range(10):
            raw = rng.random((count, 1, 1, 9))
            writer.add_events(
                site=site,
                examples=examples,
                step=step,
                snapshot=0,
                probabilities=raw / raw.sum(-1, keepdims=True),
                log_prob=rng.random((count, 1, 1)),
                entropy=rng.random((count, 1, 1)),
                selection=rng.integers(0, 9, (count, 1, 1, 1)),
            )
        writer.flush()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--latency", type=float, default=50.0, metavar="MS")
    parser.add_argument("--folder", type=Path, help="keep the runs there for the next time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        _Handler.folder, _Handler.latency = folder, arguments.latency / 1e3
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, make in (
            ("maps", lambda path: large_maps(path, int(arguments.gigabytes * 2**30))),
            ("steps", lambda path: many_steps(path, arguments.steps)),
        ):
            path = folder / f"{name}.h5"
            if not path.exists():
                make(path)
            report(f"http://127.0.0.1:{server.server_port}/{path.name}", path)
        server.shutdown()
        server.server_close()


def report(url: str, path: Path) -> None:
    """Open the run from here and from there, and say what each thing took."""
    print(f"{path.name}: {path.stat().st_size / 1e9:.2f} GB")
    with read_run(path) as local:
        last = len(local.examples) - 1
        site = local.sites[0]
        expected = local.map(site, last)

    def timed(what: str, work: Callable[[], object]) -> object:
        _Handler.requests.clear()
        started = time.perf_counter()
        result = work()
        took = time.perf_counter() - started
        asked = _Handler.requests
        print(
            f"  {what:<24} {len(asked):>4} requests {sum(asked) / 1e6:>8.2f} MB "
            f"{1e3 * took:>8.0f} ms"
        )
        return result

    with tempfile.TemporaryDirectory() as cache:
        for when in ("", " again, from disk"):
            remote = Remote(cache_folder=Path(cache))
            run = timed(f"open{when}", lambda remote=remote: read_run(url, remote=remote))
            seen = timed(f"first map{when}", lambda run=run: run.map(site, last))
            if not np.array_equal(seen, expected):
                sys.exit("the map that came is not the map that was recorded")
            if not when:
                timed("next map", lambda run=run: run.map(site, last - 1))
                timed("a map far away", lambda run=run: run.map(site, last // 2))
                timed("the table of examples", lambda run=run: run.columns())
            run.close()


if __name__ == "__main__":
    main()
