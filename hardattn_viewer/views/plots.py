"""The tracks of the timeline as pyqtgraph plots above each other, one column a step."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsView

from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.tracks import Curve, Track

# Beyond this many steps columns have no lines of their own, and not every one has a label.
MOST_LINES = 60
LABEL_PIXELS = 64
_LINES = {
    "solid": Qt.PenStyle.SolidLine,
    "dashed": Qt.PenStyle.DashLine,
    "dotted": Qt.PenStyle.DotLine,
}


class TrackPlots:
    """Draws tracks; ``widget`` is what is put into a layout."""

    def __init__(self) -> None:
        self._view = pg.GraphicsLayoutWidget()
        self._view.setFrameShape(self._view.Shape.NoFrame)
        self._view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._view.ci.layout.setContentsMargins(0, 0, 0, 0)
        self._view.ci.layout.setSpacing(0)
        self._theme = DARK
        self._plots: list[Any] = []
        self._columns: list[Any] = []
        self._playheads: list[Any] = []
        self._steps = 0
        self._step = 0

    @property
    def widget(self) -> QGraphicsView:
        """The view that holds the plots."""
        view: QGraphicsView = self._view
        return view

    def set_theme(self, theme: Theme) -> None:
        """Draw in ``theme`` from the next :meth:`show_tracks` on."""
        self._theme = theme
        self._view.setBackground(theme.panel)

    def show_tracks(self, tracks: tuple[Track, ...], steps: int) -> None:
        """Draw tracks from scratch."""
        self._view.clear()
        self._plots, self._columns, self._playheads = [], [], []
        self._steps = steps
        if not steps:
            return
        for at, track in enumerate(tracks):
            plot = self._view.addPlot(row=at, col=0)
            self._prepare(plot, track, first=at == 0)
            for curve in track.curves:
                self._draw(plot, curve)
            self._plots.append(plot)
        self.show_step(min(self._step, steps - 1))

    def show_step(self, step: int) -> None:
        """Mark the column of a step."""
        self._step = step
        for column in self._columns:
            column.setRegion((step, step + 1))
        for playhead in self._playheads:
            playhead.setPos(step + 0.5)

    def step_at(self, point: QPointF) -> int | None:
        """The step whose column is at a point of the view; clamped to the steps there are."""
        if not self._plots:
            return None
        scene = self._view.mapToScene(point.toPoint())
        x = self._plots[0].getViewBox().mapSceneToView(scene).x()
        return min(max(int(x // 1), 0), self._steps - 1)

    def centre_of(self, step: int) -> QPointF:
        """Where in the view the middle of a step's column is."""
        box = self._plots[0].getViewBox()
        scene = box.mapViewToScene(QPointF(step + 0.5, sum(box.viewRange()[1]) / 2))
        return QPointF(self._view.mapFromScene(scene))

    def _prepare(self, plot: Any, track: Track, *, first: bool) -> None:
        theme, span = self._theme, track.high - track.low
        for side in ("left", "bottom"):
            plot.hideAxis(side)
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.getViewBox().setDefaultPadding(0)
        # Room above the first track for the labels of the columns, and for its own name.
        room = 0.42 if first else 0.2
        low, high = track.low - 0.14 * span, track.high + room * span
        plot.setXRange(0, self._steps, padding=0)
        plot.setYRange(low, high, padding=0)
        column = pg.LinearRegionItem(
            (0, 1), movable=False, brush=_faded(theme.accent, 34), pen=pg.mkPen(None)
        )
        column.setZValue(-20)
        plot.addItem(column)
        self._columns.append(column)
        if self._steps <= MOST_LINES:
            for step in range(self._steps):
                plot.addItem(pg.InfiniteLine(step, pen=pg.mkPen(theme.line)))
        plot.addItem(pg.InfiniteLine(low, angle=0, pen=pg.mkPen(theme.line)))
        playhead = pg.InfiniteLine(0.5, pen=pg.mkPen(theme.accent, width=2))
        plot.addItem(playhead)
        self._playheads.append(playhead)
        text = f"{track.name}   {track.low:.3g} – {track.high:.3g}"
        if first or _starts_high(track):
            self._write(plot, text, 0, low, theme.muted, anchor=(0, 1))
        else:
            self._write(plot, text, 0, high, theme.muted, anchor=(0, 0))
        if first:
            self._label_columns(plot, high)

    def _label_columns(self, plot: Any, top: float) -> None:
        room = max(self._view.width() / max(self._steps, 1), 1.0)
        every = max(1, round(LABEL_PIXELS / room + 0.49))
        for step in range(0, self._steps, every):
            self._write(plot, f"step {step + 1}", step, top, self._theme.faint, anchor=(0, 0))

    def _write(
        self, plot: Any, text: str, x: float, y: float, colour: str, anchor: tuple[float, float]
    ) -> None:
        item = pg.TextItem(text, color=colour, anchor=anchor)
        font = self._view.font()
        font.setPixelSize(int(self._theme.size_small))
        item.setFont(font)
        plot.addItem(item, ignoreBounds=True)
        item.setPos(x, y)

    def _draw(self, plot: Any, curve: Curve) -> None:
        colour = self._theme.hard if curve.hard else self._theme.soft
        few = curve.values.size <= MOST_LINES
        item = pg.PlotDataItem(
            [step + 0.5 for step in range(curve.values.size)],
            curve.values,
            pen=pg.mkPen(colour, width=2, style=_LINES[curve.line]),
            symbol=("o" if curve.hard else "s") if few else None,
            symbolSize=7,
            symbolBrush=colour if curve.line != "dotted" else self._theme.panel,
            symbolPen=pg.mkPen(colour),
            connect="finite",
            antialias=True,
        )
        plot.addItem(item)
        # Only once it is in a plot: before, it takes the view for its view box.
        item.setDownsampling(auto=True, method="peak")
        item.setClipToView(True)


def _starts_high(track: Track) -> bool:
    """Whether the curves begin in the upper half, so that there is room for words below."""
    first = [float(curve.values[0]) for curve in track.curves if curve.values.size]
    known = [value for value in first if value == value]
    return bool(known) and min(known) > (track.low + track.high) / 2


def _faded(colour: str, alpha: int) -> QColor:
    faded = QColor(colour)
    faded.setAlpha(alpha)
    return faded
