"""A virtual X screen with a real pointer and a real keyboard, for tests of the real window."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from Xlib import XK, X, display
from Xlib.ext import xtest

START_SECONDS = 20.0
WIDTH, HEIGHT = 1680, 1020


def can_start() -> bool:
    return shutil.which("Xvfb") is not None


def _first_line(descriptor: int) -> str:
    # The server writes the number and the newline apart: closing between them would kill it.
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], START_SECONDS)
        piece = os.read(descriptor, 16) if ready else b""
        if not piece:
            return ""
        line += piece
    return line.decode().strip()


class XScreen:
    """Xvfb on a display number of its own choice; events go through the XTEST extension."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        read_end, write_end = os.pipe()
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{width}x{height}x24",
             "-nolisten", "tcp", "-noreset"],
            pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(write_end)
        number = _first_line(read_end)
        os.close(read_end)
        if not number:
            self._server.kill()
            raise RuntimeError("Xvfb did not start")
        self.name = f":{number}"
        self._display = display.Display(self.name)
        self._root = self._display.screen().root

    def __enter__(self) -> XScreen:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._display.close()
        self._server.terminate()
        self._server.wait(10)

    def move(self, x: int, y: int) -> None:
        xtest.fake_input(self._display, X.MotionNotify, x=x, y=y)
        self._display.sync()
        time.sleep(0.03)

    def click(self, x: int, y: int) -> None:
        self.move(x, y)
        self._button(X.ButtonPress)
        self._button(X.ButtonRelease)

    def drag(self, start: tuple[int, int], end: tuple[int, int], pieces: int = 12) -> None:
        self.move(*start)
        self._button(X.ButtonPress)
        for piece in range(1, pieces + 1):
            share = piece / pieces
            self.move(
                round(start[0] + share * (end[0] - start[0])),
                round(start[1] + share * (end[1] - start[1])),
            )
        self._button(X.ButtonRelease)

    def key(self, *names: str) -> None:
        """Press the keys together, for example ``key("Control_L", "e")``."""
        codes = [self._display.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
        for code in codes:
            xtest.fake_input(self._display, X.KeyPress, code)
        for code in reversed(codes):
            xtest.fake_input(self._display, X.KeyRelease, code)
        self._display.sync()
        time.sleep(0.05)

    def type(self, text: str) -> None:
        named = {"/": "slash", ".": "period", "-": "minus", "_": "underscore", " ": "space"}
        shifted = {"_"}
        for character in text:
            name = named.get(character, character)
            held = ("Shift_L",) if character.isupper() or character in shifted else ()
            self.key(*held, name)

    def focus_top_window(self) -> None:
        """Give the keyboard to the newest window, as a window manager would."""
        windows = [w for w in self._root.query_tree().children if self._is_shown(w)]
        windows[-1].set_input_focus(X.RevertToParent, X.CurrentTime)
        self._display.sync()
        time.sleep(0.1)

    def picture(self) -> NDArray[np.uint8]:
        """What the screen shows, uint8 [height, width, 3]."""
        size = self._root.get_geometry()
        raw = self._root.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF)
        pixels = np.frombuffer(raw.data, np.uint8).reshape(size.height, size.width, 4)
        return pixels[:, :, 2::-1].copy()

    def _is_shown(self, window: object) -> bool:
        attributes = window.get_attributes()  # type: ignore[attr-defined]
        return bool(attributes.map_state == X.IsViewable and not attributes.override_redirect)

    def _button(self, kind: int) -> None:
        xtest.fake_input(self._display, kind, 1)
        self._display.sync()
        time.sleep(0.03)


class TracedApp:
    """The app as a process, and the state changes that it prints with HARDATTN_TRACE=1."""

    def __init__(self, command: list[str], screen: XScreen, home: Path) -> None:
        self.log = home / "app.log"
        environment = {
            **os.environ,
            "DISPLAY": screen.name,
            "QT_QPA_PLATFORM": "xcb",
            "QT_SCALE_FACTOR": "1",
            "HARDATTN_TRACE": "1",
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CACHE_HOME": str(home / "cache"),
        }
        environment.pop("WAYLAND_DISPLAY", None)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=home
            )

    def lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines()

    def wait_for(self, what: str, seconds: float = 20.0) -> str:
        """The first line that holds ``what`` as one of its words, waited for."""
        return self.wait_until(lambda line: what in line.split(), what, seconds)

    def wait_until(self, fits: Callable[[str], bool], what: str, seconds: float = 20.0) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in self.lines():
                if fits(line):
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        tail = "\n".join(self.lines()[-20:])
        raise AssertionError(f"no line with {what!r} within {seconds} s; the last lines:\n{tail}")

    def newest_line(self, kind: str) -> str:
        """The newest line of a kind (``state``, ``shows``, ``at NAME``, ``message``)."""
        found = [line for line in self.lines() if line.startswith(kind + " ")]
        assert found, f"the app printed no line {kind!r}"
        return found[-1].removeprefix(kind + " ")

    def newest(self, kind: str) -> dict[str, str]:
        """The newest line of ``name=value`` words of a kind."""
        return dict(word.split("=", 1) for word in self.newest_line(kind).split())

    def centre(self, widget: str) -> tuple[int, int]:
        """Where the middle of a widget is on the screen."""
        x, y = self.newest_line(f"at {widget}").split()
        return int(x), int(y)

    def wait_for_widget(self, widget: str) -> None:
        self.wait_until(lambda line: line.startswith(f"at {widget} "), widget)


def wait_until_true(what: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return what()


@contextmanager
def traced_app(command: list[str], screen: XScreen, home: Path) -> Iterator[TracedApp]:
    app = TracedApp(command, screen, home)
    try:
        app.wait_for("READY", 60)
        screen.focus_top_window()
        yield app
    finally:
        if app.process.poll() is None:
            app.process.terminate()
        app.process.wait(20)
