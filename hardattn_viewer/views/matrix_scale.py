"""The colours of a matrix and what they stand for; a drag along them clips the scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from hardattn_viewer.drawing.colours import ENTRIES, amount_table, rgb
from hardattn_viewer.drawing.matrix.cells import paint_image
from hardattn_viewer.drawing.matrix.codes import shares, signed_table
from hardattn_viewer.drawing.pixels import to_qimage
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.text import amount, draw_text, first_that_fits
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.display import AmountTable
from hardattn_viewer.session.matrix import Transform

HEIGHT = 22
_BAR_WIDTH = 190.0
_BAR_HEIGHT = 10.0
_LEAST = 0.01


@dataclass(frozen=True)
class MatrixScale:
    """What a colour bar shows.

    Attributes:
        top: value at the end of the bar.
        clip: the share of it that the strongest colour is at.
        scope: where that maximum was taken, in words.
        transform: of values before they are coloured.
        colours: table of amounts.
        signed: whether it is a difference.
    """

    top: float
    clip: float
    scope: str
    transform: Transform
    colours: AmountTable
    signed: bool = False

    @property
    def words(self) -> list[str]:
        """What is said beside the bar, longest first."""
        names = {"linear": "linear", "sqrt": "square root", "log": "logarithm, 4 decades"}
        how = names[self.transform]
        ends = (
            f"−{amount(self.top)} – +{amount(self.top)}"
            if self.signed
            else f"0 – {amount(self.top)}"
        )
        clip = f"clipped at {amount(self.top * self.clip)}" if self.clip < 1 else ""
        parts = [part for part in (ends, how, clip) if part]
        return [" · ".join([self.scope, *parts]), " · ".join(parts), ends]


class ScaleBar(QWidget):
    """A colour bar as wide as values go, with a handle where the strongest colour is.

    Args:
        name: object name.
    """

    clipped = Signal(float)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName("Colour scale")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT)
        self.setToolTip("Drag along the colours to clip the scale; double click for all of it")
        self._theme = DARK
        self.scale: MatrixScale | None = None

    def sizeHint(self) -> QSize:
        """A line."""
        return QSize(320, HEIGHT)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.update()

    def show_scale(self, scale: MatrixScale | None) -> None:
        """Show a scale, or nothing."""
        if scale != self.scale:
            self.scale = scale
            self.setAccessibleDescription(scale.words[0] if scale is not None else "")
            self.update()

    @property
    def bar(self) -> QRectF:
        """Where the colours are."""
        width = min(_BAR_WIDTH, self.width() / 3)
        return QRectF(4, (self.height() - _BAR_HEIGHT) / 2, width, _BAR_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint."""
        if self.scale is None:
            return
        painter = QPainter(self)
        scale, bar, theme = self.scale, self.bar, self._theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        paint_image(painter, bar, to_qimage(_colours(scale, theme)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme.line, 1.0))
        painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))
        for x in _handles(scale, bar):
            painter.setPen(pen(theme.text, 2.0))
            painter.drawLine(QLineF(x, bar.top() - 4, x, bar.bottom() + 4))
        text = QRectF(bar.right() + 10, 0, self.width() - bar.right() - 12, self.height())
        found = first_that_fits(scale.words, text.width(), theme, theme.size_small)
        draw_text(
            painter, text, found or scale.words[-1], theme, size=theme.size_small,
            colour=theme.muted,
        )  # fmt: skip
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Clip where the pointer is."""
        self._clip_at(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Clip where the pointer is."""
        self._clip_at(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Clip nothing."""
        self.clipped.emit(1.0)

    def _clip_at(self, event: QMouseEvent) -> None:
        bar = self.bar
        if self.scale is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        if event.position().x() > bar.right() + 12 and event.type() == event.Type.MouseButtonPress:
            return
        share = (event.position().x() - bar.left()) / bar.width()
        if self.scale.signed:
            share = abs(2 * share - 1)
        self.clipped.emit(min(1.0, max(_LEAST, share)))


def _handles(scale: MatrixScale, bar: QRectF) -> list[float]:
    if scale.clip >= 1:
        return []
    if scale.signed:
        half = bar.width() / 2
        return [bar.center().x() - half * scale.clip, bar.center().x() + half * scale.clip]
    return [bar.left() + bar.width() * scale.clip]


def _colours(scale: MatrixScale, theme: Theme) -> np.ndarray:
    """The colour of each value along the bar, uint8 [1, 256, 3]."""
    at = np.linspace(-1 if scale.signed else 0, 1, ENTRIES, dtype=np.float32)
    up = shares(np.abs(at), scale.clip, scale.transform)
    if scale.signed:
        signed = np.rint((np.copysign(up, at) + 1) * (ENTRIES - 2) / 2).astype(int)
        found = signed_table(theme)[signed]
    else:
        found = amount_table(scale.colours)[np.rint(up * (ENTRIES - 1)).astype(int)].copy()
    found[np.abs(at) > scale.clip * (1 + 1e-6)] = rgb(theme.bad)
    return np.ascontiguousarray(found[None])
