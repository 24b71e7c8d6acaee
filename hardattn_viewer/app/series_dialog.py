"""Exporting several places: an animation that plays in the preview, or a contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QImage
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QWidget,
)

from hardattn_viewer.app.series_job import SeriesProcess, counts, job_of
from hardattn_viewer.drawing.theme import DARK, LIGHT
from hardattn_viewer.figures.animation import SUFFIXES
from hardattn_viewer.session.series import MOST_ITEMS, Over
from hardattn_viewer.session.session import Session
from hardattn_viewer.views.parts import column, label, row, set_property

FORMATS = {
    "GIF, animation": ".gif",
    "MP4, animation": ".mp4",
    "PDF, contact sheet": ".pdf",
    "SVG, contact sheet": ".svg",
    "PNG, contact sheet": ".png",
    "CSV, the numbers": ".csv",
    "NPZ, the numbers": ".npz",
}
WORDS: dict[Over, str] = {
    "steps": "Steps of this example",
    "snapshots": "Snapshots of training",
    "heads": "Heads of this site",
    "examples": "Examples in the list",
}
# More is drawn when it is saved: a preview is to come soon.
MOST_SHOWN = 60
PREVIEW_PX = 480


class SeriesDialog(QDialog):
    """What there is on the left, how it will look on the right.

    Args:
        session: what is shown in it is what is exported.
        views: by their names, the views that there are.
        view: the one that is chosen at first.
        folder: where files go unless another place is chosen.
        preview: shows pictures.
        parent: the window that it appears over.
    """

    def __init__(
        self,
        session: Session,
        views: dict[str, str],
        view: str,
        folder: Path,
        preview: Any,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("seriesDialog")
        self.setWindowTitle("Export an animation or a contact sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(980, 640)
        self._session, self._folder, self.preview = session, folder, preview
        self._counts = counts(session.state)
        self.saved: Path | None = None
        self.frames: dict[int, QImage] = {}
        self._saving: Path | None = None
        self._shown = 0
        self.over = _choice(
            "seriesOver", "What changes", {WORDS[over]: over for over in self._counts}
        )
        self.first = _whole("seriesFirst", "First")
        self.last = _whole("seriesLast", "Last")
        self.view = _choice("seriesView", "What is drawn of each", views)
        self.view.setCurrentIndex(max(self.view.findData(view), 0))
        self.format = _choice("seriesFormat", "File format", FORMATS)
        self.theme = _choice("seriesTheme", "Theme", {"Light": "light", "Dark": "dark"})
        wide = 170.0 if view == "compare" else 85.0
        self.width_mm = _number("seriesWidth", "Width in millimetres", 20, 600, wide, " mm")
        self.font_pt = _number("seriesFont", "Font size in points", 4, 24, 8, " pt")
        self.fps = _number("seriesFps", "Frames a second", 0.1, 50, 2, " frames a second")
        self.hold = _number("seriesHold", "How long the last frame stays", 0, 60, 1, " s")
        self.caption = QCheckBox("Caption with provenance")
        self.caption.setObjectName("seriesCaption")
        self.caption.setChecked(True)
        self.path = QLineEdit()
        self.path.setObjectName("seriesPath")
        self.path.setAccessibleName("File")
        self._by_hand = False
        self.message = label(name="seriesMessage")
        self.message.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setObjectName("seriesProgress")
        self.progress.setAccessibleName("Progress")
        self.progress.setRange(0, 1_000)
        self.progress.hide()
        self.save = QPushButton("Save")
        self.save.setObjectName("seriesSave")
        self.save.setProperty("kind", "accent")
        self.save.setDefault(True)
        self.save.clicked.connect(self._save)
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName("seriesCancel")
        self.cancel.setEnabled(False)
        self.cancel.clicked.connect(self._cancel)
        self._lay_out()
        self.process = SeriesProcess(self)
        self.process.drawn.connect(self._drawn)
        self.process.told.connect(lambda done: self.progress.setValue(round(1_000 * done)))
        self.process.ended.connect(self._ended)
        self._pause = QTimer(self, singleShot=True, interval=250)
        self._pause.timeout.connect(self._refresh)
        self._player = QTimer(self)
        self._player.timeout.connect(self._play)
        self.over.currentIndexChanged.connect(self._other)
        for choice in (self.view, self.format, self.theme):
            choice.currentIndexChanged.connect(self._changed)
        for number in (self.width_mm, self.font_pt, self.first, self.last):
            number.valueChanged.connect(self._changed)
        self.fps.valueChanged.connect(lambda fps: self._player.setInterval(round(1_000 / fps)))
        self.caption.toggled.connect(self._changed)
        self.path.textEdited.connect(self._typed)
        self._player.setInterval(500)
        self._other()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(9)
        form.addRow("Of", self.over)
        form.addRow("From, to", row(self.first, self.last))
        form.addRow("View", self.view)
        form.addRow("Format", self.format)
        form.addRow("Speed", self.fps)
        form.addRow("Last stays", self.hold)
        form.addRow("Width", self.width_mm)
        form.addRow("Font", self.font_pt)
        form.addRow("Theme", self.theme)
        form.addRow("", self.caption)
        form.addRow("File", self.path)
        close = QPushButton("Close")
        close.setObjectName("seriesClose")
        close.clicked.connect(self.close)
        side = QWidget()
        side.setFixedWidth(390)
        buttons = row(1, close, self.cancel, self.save)
        side.setLayout(column(form, self.message, self.progress, 1, buttons, spacing=12))
        layout = row(side, self.preview, spacing=18, margins=(16, 16, 16, 16))
        layout.setStretch(1, 1)
        self.setLayout(layout)

    @property
    def _over(self) -> Over | None:
        found = self.over.currentData()
        return next((over for over in self._counts if over == found), None)

    def _typed(self) -> None:
        self._by_hand = True

    def _other(self, *_: object) -> None:
        """Another thing changes: as many of it as there are, or as a sheet takes."""
        over = self._over
        count = self._counts.get(over, 1) if over is not None else 1
        for number in (self.first, self.last):
            number.setRange(1, count)
        self.first.setValue(1)
        self.last.setValue(min(count, 12 if over == "examples" else MOST_ITEMS))
        if over in ("examples", "heads") and self.format.currentData() in SUFFIXES:
            self.format.setCurrentIndex(self.format.findData(".pdf"))
            self.width_mm.setValue(170.0)
        self._changed()

    def _changed(self, *_: object) -> None:
        suffix = str(self.format.currentData())
        moves = suffix in SUFFIXES
        self.fps.setEnabled(moves)
        self.hold.setEnabled(moves)
        frame = self._session.state.frame
        if self._by_hand:
            self.path.setText(str(Path(self.path.text()).with_suffix(suffix)))
        elif frame is not None:
            name = f"{frame.run_name}-{self.over.currentData()}"
            kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)
            self.path.setText(str(self._folder / f"{kept[:80]}{suffix}"))
        self._pause.start()

    def _job(self, preview: int, path: Path) -> dict[str, Any] | str:
        over = self._over
        if over is None:
            return "There is only one of everything here: export a figure instead."
        low, high = sorted((self.first.value(), self.last.value()))
        if preview:
            high = min(high, low + MOST_SHOWN - 1)
        job = job_of(self._session.state, self.view.currentData(), over, range(low - 1, high))
        if isinstance(job, str):
            return job
        return job | {
            "output": str(path),
            "preview": preview,
            "width_mm": self.width_mm.value(),
            "font_pt": self.font_pt.value(),
            "theme": self.theme.currentData(),
            "caption": self.caption.isChecked(),
            "fps": self.fps.value(),
            "hold": self.hold.value(),
        }

    def _refresh(self) -> None:
        if self._saving is not None:
            return
        self._player.stop()
        self.frames.clear()
        pixels = round(min(max(self.preview.width(), PREVIEW_PX), 2 * PREVIEW_PX))
        # A film is previewed as the frames that it is made of, with or without ffmpeg.
        path = Path(f"preview{self.format.currentData()}".replace(".mp4", ".gif"))
        job = self._job(pixels, path)
        if isinstance(job, str):
            self.process.stop()
            self._say(job, bad=True)
            self.preview.show_image(None, None)
            self.save.setEnabled(False)
            return
        self.save.setEnabled(True)
        self._say("Drawing the preview…")
        self.process.start(job)

    def _drawn(self, at: int, of: int, image: QImage) -> None:
        self.frames[at] = image
        if at == 0:
            self._shown = 0
            self._show(image)
        if of > 1 and not self._player.isActive():
            self._player.start()

    def _play(self) -> None:
        if not self.frames:
            return
        self._shown = (self._shown + 1) % len(self.frames)
        self._show(self.frames[self._shown])

    def _show(self, image: QImage) -> None:
        theme = DARK if self.theme.currentData() == "dark" else LIGHT
        self.preview.show_image(image, theme)

    def _save(self) -> None:
        self._pause.stop()
        path = Path(self.path.text().strip()).expanduser()
        if not path.suffix:
            path = path.with_suffix(str(self.format.currentData()))
        job = self._job(0, path)
        if isinstance(job, str):
            self._say(job, bad=True)
            return
        self._saving, self.saved = path, None
        self.save.setEnabled(False)
        self.cancel.setEnabled(True)
        self.progress.setValue(0)
        self.progress.show()
        self._say(f"Writing {path}")
        self.process.start(job)

    def _cancel(self) -> None:
        self.process.stop()
        self._over_with("Cancelled: nothing was written.")

    def _ended(self, problem: str) -> None:
        if self._saving is None:
            if problem:
                self._say(problem, bad=True)
                self.preview.show_image(None, None)
            else:
                count = len(self.frames)
                low, high = sorted((self.first.value(), self.last.value()))
                part = f"the first {count:,} of them" if count < high - low + 1 else "all of them"
                self._say("" if count < 2 else f"The preview plays {part}.")
            return
        path = self._saving
        self.saved = None if problem else path
        self._over_with(problem or f"Saved {path}", bad=bool(problem))

    def _over_with(self, words: str, bad: bool = False) -> None:
        self._saving = None
        self.save.setEnabled(True)
        self.cancel.setEnabled(False)
        self.progress.hide()
        self._say(" ".join(words.split()), bad=bad)

    def _say(self, words: str, bad: bool = False) -> None:
        self.message.setText(words)
        set_property(self.message, "tone", "bad" if bad else "")

    def closeEvent(self, event: QCloseEvent) -> None:
        """End what is drawn."""
        self._end()
        super().closeEvent(event)

    def reject(self) -> None:
        """Escape ends what is drawn, too."""
        self._end()
        super().reject()

    def _end(self) -> None:
        self._pause.stop()
        self._player.stop()
        self.process.stop()


def _choice(name: str, words: str, items: dict[str, Any]) -> QComboBox:
    made = QComboBox()
    made.setObjectName(name)
    made.setAccessibleName(words)
    for text, data in items.items():
        made.addItem(text, data)
    return made


def _whole(name: str, words: str) -> QSpinBox:
    made = QSpinBox()
    made.setObjectName(name)
    made.setAccessibleName(words)
    made.lineEdit().setTextMargins(8, 0, 0, 0)
    return made


def _number(
    name: str, words: str, low: float, high: float, value: float, suffix: str
) -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setObjectName(name)
    made.setAccessibleName(words)
    made.setRange(low, high)
    made.setDecimals(1)
    made.setSuffix(suffix)
    made.lineEdit().setTextMargins(8, 0, 0, 0)
    made.setValue(value)
    return made
