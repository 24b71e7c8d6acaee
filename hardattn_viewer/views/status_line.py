"""What is read, how long it took, how much memory is used, and the keys that work here."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import QLabel, QStatusBar

from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import OpenRun, SessionState
from hardattn_viewer.views.parts import label
from recorders.run.text import visible

KEYS = "Space play · ←/→ step · ↑/↓ example · [ ] head · ? all keys"


class StatusLine(QStatusBar):
    """The bar at the bottom of the window."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("statusLine")
        self.setSizeGripEnabled(False)
        self.file = label(role="muted", name="statusFile")
        self.read = _Steady("read from memory", "statusRead")
        self.frame = _Steady("frame 9999.9 ms", "statusFrame")
        self.memory = label(role="muted", name="statusMemory")
        for part in (self.file, self.read, self.frame, self.memory):
            part.setContentsMargins(8, 0, 8, 0)
            self.addWidget(part)
        keys = label(KEYS, "muted", "statusKeys")
        keys.setContentsMargins(8, 0, 8, 0)
        self.addPermanentWidget(keys)
        self._timer = QTimer(self)
        self._timer.setInterval(2000)
        self._timer.timeout.connect(self._show_memory)
        self._timer.start()
        session.changed.connect(self._on_changed)
        self._show_memory()

    def show_frame_time(self, milliseconds: float) -> None:
        """Show how long the last change took from the session to the screen."""
        self.frame.setText(f"frame {milliseconds:.1f} ms")

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if (new.runs, new.focus, new.slot_a, new.slot_b) != (
            old.runs,
            old.focus,
            old.slot_a,
            old.slot_b,
        ):
            self.file.setText(_file_words(new.run_in(new.shown_slot)))
        if new.frames != old.frames:
            took = new.frames.milliseconds
            self.read.setText(f"read {took:.1f} ms" if took else "read from memory")

    def _show_memory(self) -> None:
        megabytes = resident_bytes() / 2**20
        self.memory.setText(f"memory {megabytes:.0f} MB" if megabytes else "")


class _Steady(QLabel):
    """A label that keeps its size: else the whole window is laid out whenever it changes.

    Args:
        widest: the widest that it says.
        name: object name.
    """

    def __init__(self, widest: str, name: str) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "muted")
        self.setObjectName(name)
        self._widest = widest

    def changeEvent(self, event: QEvent) -> None:
        """Take the size that goes with another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            metrics, margins = self.fontMetrics(), self.contentsMargins()
            width = metrics.horizontalAdvance(self._widest) + margins.left() + margins.right() + 2
            self.setFixedSize(width, metrics.height() + 4)


def _file_words(run: OpenRun | None) -> str:
    if run is None:
        return "no run"
    size = size_words(run.facts.size) if run.facts else run.status
    return f"{visible(run.path.name)} · {size}"


def size_words(size: int) -> str:
    """Bytes with a unit that people read."""
    if size < 1_000:
        return f"{size} bytes"
    for unit, factor in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if size < 999.5 * factor:
            return f"{size / factor:.{1 if size < 10 * factor else 0}f} {unit}"
    return f"{size / 1e12:.1f} TB"


def resident_bytes() -> int:
    """Memory that this process holds now; 0 where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * 4096
