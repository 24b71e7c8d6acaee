"""A wavy line below the part of a field that is wrong."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QLineEdit, QWidget

from hardattn_viewer.drawing.theme import DARK, Theme

HEIGHT = 5
_WAVE = 2.5


class ErrorMark(QWidget):
    """Stands directly below a field, as wide as that, and marks some of its characters.

    Args:
        field: what is typed into.
    """

    def __init__(self, field: QLineEdit) -> None:
        super().__init__()
        self.setObjectName("errorMark")
        self.setFixedHeight(HEIGHT)
        self._field = field
        self._part: tuple[int, int] | None = None
        self._theme = DARK
        # The text slides under the cursor where it is longer than the field.
        field.cursorPositionChanged.connect(self.update)
        field.textChanged.connect(self.update)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.update()

    def show_part(self, part: tuple[int, int] | None) -> None:
        """Mark characters, first and after the last; None marks nothing."""
        self._part = part
        self.setVisible(part is not None)
        self.update()

    def extent(self) -> tuple[float, float] | None:
        """Where the mark begins and ends, in pixels from the left; None without one."""
        if self._part is None:
            return None
        start, end = self._part
        text, metrics = self._field.text(), self._field.fontMetrics()
        first = self._field.cursorPositionAt(QPoint(0, self._field.height() // 2))
        left = float(self._field.cursorRect().center().x())
        cursor = self._field.cursorPosition()
        # From the cursor, whose place is known, to the characters before or behind it.
        base = left - metrics.horizontalAdvance(text[:cursor])
        begin = base + metrics.horizontalAdvance(text[: max(start, first)])
        # At the end of the text nothing stands that could be marked.
        width = metrics.horizontalAdvance(text[max(start, first) : end]) or 8.0
        right = self._field.width() - 4.0
        begin = min(max(begin, 4.0), right - 8.0)
        return begin, min(begin + width, right)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint."""
        found = self.extent()
        if found is None:
            return
        begin, end = found
        wave = QPolygonF()
        x, up = begin, False
        while x <= end:
            wave.append(QPointF(x, 1.0 if up else 1.0 + _WAVE))
            x, up = x + _WAVE, not up
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.bad), 1.2))
        painter.drawPolyline(wave)
        painter.end()
