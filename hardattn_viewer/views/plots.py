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
# Left of the first column, for the names of the tracks.
GUTTER_PIXELS = 112
_LINES = {
    "solid": Qt.PenStyle.SolidLine,
    "dashed": Qt.PenStyle.DashLine,
    "dotted": Qt.PenStyle.DotLine,
}


class TrackPlots:
    """Draws tracks; ``widget`` is what is put into a layout.

    Plots are costly to make and cheap to change, so that they are made anew only where the
    number of steps or the kinds of curves differ.
    """

    def __init__(self) -> None:
        self._view = pg.GraphicsLayoutWidget()
        self._view.setFrameShape(self._view.Shape.NoFrame)
        self._view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._view.ci.layout.setContentsMargins(0, 0, 0, 0)
        self._view.ci.layout.setSpacing(0)
        self._theme = DARK
        self._plots: list[_TrackPlot] = []
        self._built_for: object = None
        self._steps = 0
        self._step = 0

    @property
    def widget(self) -> QGraphicsView:
        """The view that holds the plots."""
        view: QGraphicsView = self._view
        return view

    def set_theme(self, theme: Theme) -> None:
        """Draw in ``theme`` from now on."""
        self._theme = theme
        self._view.setBackground(theme.panel)
        for plot in self._plots:
            plot.set_theme(theme)

    def show_tracks(self, tracks: tuple[Track, ...], steps: int) -> None:
        """Draw tracks."""
        kinds = [
            (track.name, [(c.slot, c.hard, c.line, c.values.size) for c in track.curves])
            for track in tracks
        ]
        wanted = (kinds, steps)
        if wanted != self._built_for:
            self._built_for = wanted
            self._build(tracks, steps)
        for plot, track in zip(self._plots, tracks, strict=True):
            plot.show_track(track)
        self.show_step(min(self._step, max(steps - 1, 0)))

    def show_step(self, step: int) -> None:
        """Mark the column of a step."""
        self._step = step
        for plot in self._plots:
            plot.show_step(step)

    def step_at(self, point: QPointF) -> int | None:
        """The step whose column is at a point of the view; clamped to the steps there are."""
        if not self._plots:
            return None
        scene = self._view.mapToScene(point.toPoint())
        x = self._plots[0].box.mapSceneToView(scene).x()
        return min(max(int(x // 1), 0), self._steps - 1)

    def centre_of(self, step: int) -> QPointF:
        """Where in the view the middle of a step's column is."""
        box = self._plots[0].box
        scene = box.mapViewToScene(QPointF(step + 0.5, sum(box.viewRange()[1]) / 2))
        return QPointF(self._view.mapFromScene(scene))

    def _build(self, tracks: tuple[Track, ...], steps: int) -> None:
        self._view.clear()
        for plot in self._plots:
            plot.menu.deleteLater()
        self._steps = steps
        self._plots = []
        if not steps:
            return
        for at, track in enumerate(tracks):
            plot = self._view.addPlot(row=at, col=0, enableMenu=False)
            made = _TrackPlot(plot, track, steps, self._theme, self._view, first=at == 0)
            self._plots.append(made)


class _TrackPlot:
    """One track."""

    def __init__(
        self, plot: Any, track: Track, steps: int, theme: Theme, view: Any, *, first: bool
    ) -> None:
        self.box = plot.getViewBox()
        self._plot = plot
        self._view = view
        self._first = first
        for side in ("left", "bottom"):
            plot.hideAxis(side)
        plot.hideButtons()
        # It is never shown, but belongs to nobody and would outlive the plot.
        self.menu = plot.ctrlMenu
        view.destroyed.connect(self.menu.deleteLater)
        plot.setMouseEnabled(x=False, y=False)
        self.box.setDefaultPadding(0)
        self._steps = steps
        self._column = pg.LinearRegionItem((0, 1), movable=False, pen=pg.mkPen(None))
        self._column.setZValue(-20)
        self._ground = pg.InfiniteLine(0, angle=0)
        edges = range(steps) if steps <= MOST_LINES else range(0)
        self._lines = [self._ground, *(pg.InfiniteLine(step) for step in edges)]
        self._playhead = pg.InfiniteLine(0.5)
        for item in (self._column, *self._lines, self._playhead):
            plot.addItem(item)
        self._name = self._text("")
        self._name.setAnchor((0, 0.5))
        self._labels = self._column_labels(steps) if first else []
        self._kinds = track.curves
        self._curves = [self._curve(curve) for curve in track.curves]
        self.box.sigResized.connect(self._keep_gutter)
        self._keep_gutter()
        self.set_theme(theme)

    def _keep_gutter(self, *_: object) -> None:
        """Leave the same room in pixels for the name, however wide the plot is."""
        columns = max(self.box.width() - GUTTER_PIXELS, 1.0)
        left = -GUTTER_PIXELS / columns * self._steps
        self._plot.setXRange(left, self._steps, padding=0)
        self._name.setPos(left, self._name.pos().y())

    def set_theme(self, theme: Theme) -> None:
        """Draw in ``theme`` from now on."""
        self._column.setBrush(_faded(theme.accent, 34))
        for line in self._lines:
            line.setPen(pg.mkPen(theme.line))
        self._playhead.setPen(pg.mkPen(theme.accent, width=2))
        self._name.setColor(theme.muted)
        for _, item in self._labels:
            item.setColor(theme.faint)
        for item, kind in zip(self._curves, self._kinds, strict=True):
            colour = theme.hard if kind.hard else theme.soft
            item.setPen(pg.mkPen(colour, width=2, style=_LINES[kind.line]))
            item.setSymbolPen(pg.mkPen(colour))
            item.setSymbolBrush(theme.panel if kind.line == "dotted" else colour)

    def show_step(self, step: int) -> None:
        """Mark a column."""
        self._column.setRegion((step, step + 1))
        self._playhead.setPos(step + 0.5)

    def show_track(self, track: Track) -> None:
        """Show other values of the same kinds of curves."""
        span = track.high - track.low
        # Room above the first track for the labels of the columns.
        room = 0.42 if self._first else 0.2
        low, high = track.low - 0.14 * span, track.high + room * span
        self._plot.setYRange(low, high, padding=0)
        self._ground.setPos(low)
        self._name.setText(f"{track.name}\n{track.low:.3g} – {track.high:.3g}")
        self._name.setPos(self._name.pos().x(), (low + high) / 2)
        for step, item in self._labels:
            item.setPos(step, high)
        for item, curve in zip(self._curves, track.curves, strict=True):
            item.setData([step + 0.5 for step in range(curve.values.size)], curve.values)

    def _column_labels(self, steps: int) -> list[tuple[int, Any]]:
        room = max(self._view.width() / max(steps, 1), 1.0)
        every = max(1, round(LABEL_PIXELS / room + 0.49))
        return [(step, self._text(f"step {step + 1}")) for step in range(0, steps, every)]

    def _text(self, text: str) -> Any:
        item = pg.TextItem(text, anchor=(0, 0))
        font = self._view.font()
        font.setPixelSize(int(DARK.size_small))
        item.setFont(font)
        self._plot.addItem(item, ignoreBounds=True)
        return item

    def _curve(self, curve: Curve) -> Any:
        few = curve.values.size <= MOST_LINES
        item = pg.PlotDataItem(
            symbol=("o" if curve.hard else "s") if few else None,
            symbolSize=7,
            connect="finite",
            antialias=True,
        )
        self._plot.addItem(item)
        # Only once it is in a plot: before, it takes the view for its view box.
        item.setDownsampling(auto=True, method="peak")
        item.setClipToView(True)
        return item


def _faded(colour: str, alpha: int) -> QColor:
    faded = QColor(colour)
    faded.setAlpha(alpha)
    return faded
