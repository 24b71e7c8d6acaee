"""Exporting a figure: what is seen in the preview is what is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from hardattn_viewer.app.export_fields import choice, number
from hardattn_viewer.app.export_recipes import (
    courses_of,
    film_of,
    heads_of,
    preset_choices,
    recipe_of_checks,
    recipe_of_frames,
    recipe_of_heads,
    recipe_of_training,
    report_of,
    told,
)
from hardattn_viewer.app.export_views import figure_views, series_views
from hardattn_viewer.app.series_dialog import SeriesDialog
from hardattn_viewer.app.series_job import counts
from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.figures.checks_page import make_checks_figure
from hardattn_viewer.figures.curve_pages import make_timeline_figure, make_training_figure
from hardattn_viewer.figures.figure import (
    Figure,
    FigureError,
    FigureOptions,
    make_figure,
)
from hardattn_viewer.figures.heads import make_heads_figure
from hardattn_viewer.figures.widths import width_of
from hardattn_viewer.session.checking import checked_run
from hardattn_viewer.session.comparing import comparison_of
from hardattn_viewer.session.display import AmountTable
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.pairing import pairing_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SLOTS, SessionState
from hardattn_viewer.views.compare import not_aligned
from hardattn_viewer.views.faithfulness import FaithfulnessView
from hardattn_viewer.views.parts import column, label, row, set_property

FORMATS = {
    "SVG, vector": ".svg",
    "PDF, vector": ".pdf",
    "PNG, pixels": ".png",
    "CSV, the numbers": ".csv",
    "NPZ, the numbers": ".npz",
}


# What is wide enough in one column of a journal.
ONE_COLUMN = ("regions", "tokens", "matrix")


class ExportDialog(QDialog):
    """Options on the left, the figure as it will be written on the right.

    Args:
        session: what is shown in it is what is exported.
        folder: where files go unless another place is chosen.
        parent: the window that it appears over.
    """

    def __init__(self, session: Session, folder: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setWindowTitle("Export figure")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(980, 620)
        self._session = session
        self.saved: Path | None = None
        state = session.state
        self.view = choice("exportView", "What to export", figure_views(state))
        self.format = choice("exportFormat", "File format", FORMATS)
        self.theme = choice("exportTheme", "Theme", {"Light": "light", "Dark": "dark"})
        self.preset = choice("exportPreset", "Column of a paper", preset_choices())
        self.width_mm = number("exportWidth", "Width in millimetres", 20, 600, 85, " mm", 2)
        self.font_pt = number("exportFont", "Font size in points", 4, 24, 8, " pt")
        self.dpi = number("exportDpi", "Dots per inch", 30, 1200, 300, " dpi", 0)
        tables = {name: name for name in get_args(AmountTable)}
        self.colours = choice("exportMap", "Map of colours", tables)
        self.colours.setCurrentIndex(self.colours.findData(state.display.colours))
        self.caption = QCheckBox("Caption with provenance")
        self.caption.setObjectName("exportCaption")
        self.caption.setChecked(True)
        self.all_steps = QCheckBox("All steps below, small")
        self.all_steps.setObjectName("exportAllSteps")
        self.path = QLineEdit()
        self.path.setObjectName("exportPath")
        self.path.setAccessibleName("File")
        self._named_by_hand = False
        self._folder = folder
        browse = QPushButton("Choose…")
        browse.setObjectName("exportBrowse")
        browse.clicked.connect(self._browse)
        self.message = label(name="exportMessage")
        self.message.setWordWrap(True)
        self.save = QPushButton("Save")
        self.save.setObjectName("exportSave")
        self.save.setProperty("kind", "accent")
        self.save.setDefault(True)
        self.save.clicked.connect(self._save)
        close = QPushButton("Close")
        close.setObjectName("exportClose")
        close.clicked.connect(self.close)
        self.several = QPushButton("Animation or contact sheet…")
        self.several.setObjectName("exportSeveral")
        self.several.setEnabled(bool(counts(state)))
        self.several.clicked.connect(self._open_series)
        self.preview = Preview()
        self._lay_out(browse, close)
        if (
            state.view in ("heads", "faithfulness", "training")
            and self.view.findData(state.view) >= 0
        ):
            self.view.setCurrentIndex(self.view.findData(state.view))
        elif state.view == "compare" and len(state.frames.present) == 2:
            self.view.setCurrentIndex(self.view.findData("compare"))
        elif state.view == "matrix" and self.view.findData("matrix") >= 0:
            self.view.setCurrentIndex(self.view.findData("matrix"))
        wide = self.view.currentData() in ("heads", "compare", "faithfulness", "training")
        self.width_mm.setValue(170.0 if wide else 85.0)
        # Typing a number redraws once, not once a digit.
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(120)
        self._pause.timeout.connect(self._refresh)
        self.preset.currentIndexChanged.connect(self._take_preset)
        self.width_mm.valueChanged.connect(self._show_preset)
        for one in (self.view, self.format, self.theme, self.colours):
            one.currentIndexChanged.connect(self._changed)
        for field in (self.width_mm, self.font_pt, self.dpi):
            field.valueChanged.connect(self._changed)
        for box in (self.caption, self.all_steps):
            box.toggled.connect(self._changed)
        self.path.textEdited.connect(self._typed)
        self._changed()
        self._refresh()

    def _lay_out(self, browse: QPushButton, close: QPushButton) -> None:
        self._form = form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(9)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.addRow("View", self.view)
        form.addRow("Format", self.format)
        form.addRow("Column", self.preset)
        form.addRow("Width", self.width_mm)
        form.addRow("Font", self.font_pt)
        form.addRow("Resolution", self.dpi)
        form.addRow("Theme", self.theme)
        form.addRow("Colours", self.colours)
        form.addRow("", self.caption)
        form.addRow("", self.all_steps)
        form.addRow("File", row(self.path, browse))
        side = QWidget()
        side.setFixedWidth(390)
        side.setLayout(
            column(form, self.message, 1, row(self.several, 1, close, self.save), spacing=12)
        )
        layout = row(side, self.preview, spacing=18, margins=(16, 16, 16, 16))
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def _open_series(self) -> None:
        """Go over to the dialog for several places, with the views that it can draw."""
        parent = self.parent()
        views = series_views(self._session.state)
        here = str(self.view.currentData())
        window = parent if isinstance(parent, QWidget) else self
        dialog = SeriesDialog(self._session, views, here, self._folder, Preview(), window)
        self.close()
        dialog.open()

    def _is_compare(self) -> bool:
        return bool(self.view.currentData() == "compare")

    def _facts(self) -> tuple[tuple[str, str], ...]:
        """The whole-run agreement, as it stands beside a comparison on the screen."""
        comparison = comparison_of(self._session.state)
        if not self._is_compare() or comparison is None or not comparison.finished:
            return ()
        pairing = pairing_of(self._session.state)
        same = pairing is not None and pairing.lanes == comparison.lanes
        lane = pairing.shown if pairing is not None and same else 0
        agree = comparison.overall[lane]["same_argmax"]
        if not agree.count:
            return ()
        value = f"{100 * agree.mean:.1f} ± {100 * agree.half_width:.1f} %"
        return ((f"all {comparison.total:,}: agree", value),)

    def _typed(self) -> None:
        self._named_by_hand = True

    def _take_preset(self, *_: object) -> None:
        preset = str(self.preset.currentData())
        if preset:
            self.width_mm.setValue(width_of(preset))

    def _show_preset(self, width: float) -> None:
        """Name the preset of a width that was typed; none where it is of no paper's column."""
        preset = str(self.preset.currentData())
        if preset and width_of(preset) != width:
            self.preset.setCurrentIndex(0)

    def _changed(self, *_: object) -> None:
        suffix = str(self.format.currentData())
        self._form.setRowVisible(self.dpi, suffix == ".png")
        self.all_steps.setEnabled(self.view.currentData() == "regions")
        if self._named_by_hand:
            typed = Path(self.path.text())
            if typed.suffix in FORMATS.values():
                self.path.setText(str(typed.with_suffix(suffix)))
        else:
            self.path.setText(str(self._folder / (self._name() + suffix)))
        self._pause.start()

    def _name(self) -> str:
        frame = self._session.state.frame
        if frame is None:
            return "figure"
        kind = "compare" if self._is_compare() else frame.run_name
        kind += "-heads" if self.view.currentData() == "heads" else ""
        if self.view.currentData() in ("timeline", "training"):
            return _safe(f"{self.view.currentData()}-{frame.run_name}-{frame.example_name}")
        return _safe(f"{kind}-{frame.example_name}-step{frame.place.step + 1}")

    def _figure(self) -> Figure | str:
        """The figure as the options say, or words why there is none."""
        state = self._session.state
        frames = _frames(state, self._is_compare())
        if not frames:
            return (
                "A comparison needs a run in A and one in B that both hold this example."
                if self._is_compare()
                else "There is nothing to export yet: open a run first."
            )
        options = FigureOptions(
            view=self.view.currentData(),
            width_mm=self.width_mm.value(),
            font_pt=self.font_pt.value(),
            theme=DARK if self.theme.currentData() == "dark" else LIGHT,
            caption=self.caption.isChecked(),
            dpi=round(self.dpi.value()),
            all_steps=self.all_steps.isChecked() and self.view.currentData() == "regions",
            facts=self._facts(),
            notes=not_aligned(state) if self._is_compare() else (),
        )
        display = replace(state.display, colours=self.colours.currentData())
        numbers = heads_of(state)
        try:
            if options.view == "heads" and numbers is not None:
                figure = make_heads_figure(numbers, state.atlas, options, display)
                return told(figure, recipe_of_heads(state, numbers, options, display))
            report, run = report_of(state), checked_run(state)
            if options.view == "faithfulness" and report is not None and run is not None:
                parent = self.parent()
                view = parent.findChild(FaithfulnessView) if parent is not None else None
                page = view.page.picture if isinstance(view, FaithfulnessView) else None
                picture = page or ChecksPicture(report)
                figure = make_checks_figure(picture, run.name, options)
                return told(figure, recipe_of_checks(state, run, picture, options, display))
            if options.view == "training":
                film = film_of(state)
                figure = make_training_figure(courses_of(state), film, options, display)
                return told(figure, recipe_of_training(state, film, options, display))
            if options.view == "timeline":
                shown: dict[str, Frame] = {
                    slot: f for slot in SLOTS if (f := state.frames.of(slot)) is not None
                }
                figure = make_timeline_figure(shown, options, display)
                return told(figure, recipe_of_frames(shown.values(), options, display))
            figure = make_figure(options.view, frames, options, display)
            return told(figure, recipe_of_frames(frames, options, display))
        except FigureError as error:
            return str(error)

    def _refresh(self) -> None:
        figure = self._figure()
        if isinstance(figure, str):
            self._say(figure, bad=True)
            self.preview.show_image(None, None)
            self.save.setEnabled(False)
            return
        self.save.setEnabled(True)
        width, height = figure.size_mm
        self._say(f"{width:.0f} × {height:.0f} mm")
        pixels = round(self.preview.width() * self.devicePixelRatioF())
        self.preview.show_image(figure.image(max(pixels, 200)), figure.options.theme)

    def _browse(self) -> None:
        dialog = QFileDialog(self, "Save figure", self.path.text())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"Figure (*{self.format.currentData()})")
        dialog.setDefaultSuffix(str(self.format.currentData())[1:])
        dialog.fileSelected.connect(self._chosen)
        dialog.open()

    def _chosen(self, path: str) -> None:
        self._named_by_hand = True
        self.path.setText(path)

    def _save(self) -> None:
        figure = self._figure()
        if isinstance(figure, str):
            self._say(figure, bad=True)
            return
        path = Path(self.path.text().strip()).expanduser()
        if not path.suffix:
            path = path.with_suffix(str(self.format.currentData()))
        try:
            figure.save(path)
        except (OSError, FigureError) as error:
            self._say(" ".join(str(error).split()), bad=True)
            return
        self.saved = path
        self._say(f"Saved {path}")

    def _say(self, words: str, bad: bool = False) -> None:
        self.message.setText(words)
        set_property(self.message, "tone", "bad" if bad else "")


class Preview(QWidget):
    """The figure, as large as fits, on the surface that it is made for."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("exportPreview")
        self.setAccessibleName("Preview")
        self.setMinimumSize(QSize(320, 240))
        self.image: QImage | None = None
        self._theme: Theme | None = None

    def show_image(self, image: QImage | None, theme: Theme | None) -> None:
        """Show a rendered figure, or nothing."""
        self.image, self._theme = image, theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint."""
        if self.image is None or self._theme is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = self.image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
        where = QRectF(left, top, size.width(), size.height())
        painter.fillRect(where, QColor(self._theme.window))
        painter.drawImage(where, self.image)
        painter.setPen(QColor(self._theme.line))
        painter.drawRect(where.adjusted(0, 0, -1, -1))
        painter.end()


def _frames(state: SessionState, compare: bool) -> list[Frame]:
    if compare:
        return list(state.frames.present) if len(state.frames.present) == 2 else []
    return [state.frame] if state.frame is not None else []


def _safe(name: str) -> str:
    """A file name without anything that a file system or shell would mind."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)
    return kept.strip("-.")[:80] or "figure"
