"""Starting the desktop app: the window first, everything that takes time after it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from hardattn_viewer.app.errors import ExceptionHook
from hardattn_viewer.app.keeping import Keeping
from hardattn_viewer.app.main_window import USUAL, MainWindow
from hardattn_viewer.app.memory import leave_alone_what_stays, return_freed_memory
from hardattn_viewer.app.overrides import guard_overrides
from hardattn_viewer.app.settings import Settings, Unkept
from hardattn_viewer.app.trace import Trace, is_wanted
from hardattn_viewer.drawing.theme import DARK
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState, ThemeChoice, View
from hardattn_viewer.session.wants import is_settled
from recorders.run import inspector
from recorders.run.address import Address
from sample_runs import Sample, samples

# After how long one thread of Python lets another one go on. It is 5 ms by itself, and while
# something is read whoever paints may have to wait as long as that at every call of Qt.
SWITCH_SECONDS = 0.0005


class Bridge(QObject):
    """Carries the reader thread's "there are answers" over to the GUI thread."""

    woke = Signal()


def main(
    paths: Sequence[Address],
    screenshot: Path | None = None,
    *,
    size: tuple[int, int] | None = None,
    theme: ThemeChoice | None = None,
    view: View | None = None,
    example: int = 0,
    step: int = 0,
    follow: bool = False,
) -> int:
    """Show the app until its window is closed.

    Args:
        paths: runs to open; the first two become A and B. None given opens the sample runs.
        screenshot: render the window once into this picture and return.
        size: width and height of the window in pixels.
        theme: overrides the remembered theme.
        view: what to show; by default the comparison where there are two runs.
        example: row of the example table to start at, from 0.
        step: step to start at, from 0.
        follow: whether to show the newest step of a run that is being recorded as it comes.

    Returns:
        The exit status: 0, or 1 where a screenshot shows no run, not all, or cannot be written.
    """
    # It starts while Qt does, and has started by the time that a run is opened.
    inspector.shared.start()
    app = application()
    guard_overrides()
    if screenshot is not None:
        return take_screenshot(
            paths or sample_paths(), screenshot, size, theme or "dark", view, example, step
        )
    bridge = Bridge()
    session = Session(wake=bridge.woke.emit)
    bridge.woke.connect(session.collect, Qt.ConnectionType.QueuedConnection)
    settings = Settings()
    session.set_theme(theme or settings.theme)
    window = MainWindow(session, settings, present_samples(), QSize(*size) if size else USUAL)
    if size is not None:
        window.resize(*size)
    kept = Keeping(window.message.say)
    hook = ExceptionHook(window.message, kept.log)
    hook.install()
    restored = kept.begin(window.sessions, settings, asked=bool(paths))
    trace = Trace(window) if is_wanted() else None
    ready = trace.tell_ready if trace is not None else None
    if not paths and not restored and may_offer():
        window.offer_tour()
    paths = [] if restored else paths or sample_paths()
    starter = Starter(session, paths, view, example, step, ready, follow, restored)
    window.show()
    leave_alone_what_stays()
    QTimer.singleShot(0, starter.begin)
    status = app.exec()
    hook.remove()
    kept.end()
    return status


def application() -> QApplication:
    """The one QApplication, with the type of the themes."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    return_freed_memory()
    sys.setswitchinterval(SWITCH_SECONDS)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("hardattn")
    app.setOrganizationName("hardattn")
    app.setDesktopFileName("hardattn")
    app.setWindowIcon(QIcon(str(Path(__file__).with_name("images") / "hardattn.svg")))
    app.setStyle("Fusion")
    font = QFont()
    font.setFamilies(list(DARK.family))
    font.setPixelSize(round(DARK.size))
    app.setFont(font)
    return app


def whole(address: Address) -> Address:
    """The address, whatever the working directory is."""
    return address.absolute() if isinstance(address, Path) else address


def present_samples() -> list[Sample]:
    """The samples that come with hardattn; empty where this copy has none."""
    return [one for one in samples() if all(path.is_file() for path in one.paths)]


def sample_paths() -> list[Path]:
    """The runs that the app opens where it is told of none."""
    return [path for one in present_samples()[:1] for path in one.paths]


def may_offer() -> bool:
    """Whether there is somebody at a screen who could take a tour, and no program that watches."""
    return QGuiApplication.platformName() != "offscreen" and not is_wanted()


class Starter:
    """Opens runs once the window is on the screen, and goes to the place that was asked for."""

    def __init__(
        self,
        session: Session,
        paths: Sequence[Address],
        view: View | None,
        example: int,
        step: int,
        ready: Callable[[], None] | None,
        follow: bool = False,
        restored: bool = False,
    ) -> None:
        self._session = session
        self._paths = list(paths)
        self._view = view
        self._place = (example, step)
        self._ready = ready
        self._follow = follow
        # A session that is restored goes to its place by itself.
        self._placed = self._restored = restored

    def begin(self) -> None:
        """Open the runs."""
        self._session.changed.connect(self._on_changed)
        self._session.open([whole(path) for path in self._paths])
        if not self._paths and not self._restored and self._ready is not None:
            self._ready()

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        waiting = any(run.status == "loading" for run in new.runs)
        failed = bool(new.runs) and all(run.status == "failed" for run in new.runs)
        if waiting or not (failed or (is_settled(new) and new.frames.present)):
            return
        if not self._placed:
            self._placed = True
            if not failed:
                go_to(self._session, self._view, *self._place)
                if self._follow:
                    self._session.follow(True)
        if is_settled(self._session.state) or failed:
            self._session.changed.disconnect(self._on_changed)
            if self._ready is not None:
                # After the pictures of this state have been painted.
                QTimer.singleShot(50, self._ready)


def go_to(session: Session, view: View | None, example: int, step: int) -> None:
    """Show a view, an example and a step; two runs are compared unless told otherwise."""
    two = session.state.slot_a is not None and session.state.slot_b is not None
    session.set_view(view or ("compare" if two else "overlay"))
    session.go_to_row(example)
    session.go_to_step(step)


def take_screenshot(
    paths: Sequence[Address],
    target: Path,
    size: tuple[int, int] | None,
    theme: ThemeChoice,
    view: View | None,
    example: int,
    step: int,
) -> int:
    """Render the window once, with everything read, into a picture.

    Returns:
        0, or 1 where no run could be opened, something went wrong, or the picture cannot be
        written; all are said on standard error.
    """
    app = application()
    session = Session()
    # A picture must not depend on how somebody left the window.
    settings = Settings(Unkept())
    session.set_theme(theme)
    window = MainWindow(session, settings, [], QSize(*size) if size else USUAL)
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    faults: list[str] = []
    hook = ExceptionHook(window.message, faults.append)
    hook.install()
    window.show()
    session.open([whole(path) for path in paths])
    for _ in range(5):
        app.processEvents()
    go_to(session, view, example, step)
    app.processEvents()
    # Thumbnails are asked for when the table has come to rest.
    window.examples.table.ask_now()
    app.processEvents()
    window.overlay.filmstrip.steps.make_now()
    picture = window.grab()
    hook.remove()
    # Half a picture must not pass for one.
    ok = not faults and picture.save(str(target))
    failed = [run.error for run in session.state.runs if run.status == "failed"]
    failed += [
        f"nothing of {run.path} is on disk yet; try again when its recorder has written"
        for run in session.state.runs
        if run.status == "waiting"
    ]
    window.close()
    for details in faults:
        print(details, file=sys.stderr)
    if not ok:
        print(f"hardattn: the picture {target} cannot be written", file=sys.stderr)
    for sentence in failed:
        print(f"hardattn: {sentence}", file=sys.stderr)
    return 0 if ok and not failed else 1
