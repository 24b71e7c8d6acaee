"""The scores of a check as a table below its page, as high as its rows need."""

from __future__ import annotations

import math

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter, QResizeEvent

from hardattn_viewer.checks.scores import places_of, score_of
from hardattn_viewer.checks.words import score_cell
from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.drawing.checks.scores import COLUMNS, paint_scores, scores_height
from hardattn_viewer.drawing.strokes import pen
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.views.canvas import Canvas

_MARGIN = 12.0


class ScoresCanvas(Canvas[ChecksPicture]):
    """Every score under one operator; gone where a check has none."""

    def __init__(self) -> None:
        super().__init__("checksScores", _paint)
        self.setAccessibleName("Scores of the explanations")

    def show_scores(self, picture: ChecksPicture) -> None:
        """Show the scores of a report, and say them."""
        scores = picture.report.scores
        said = [
            f"{name} by {operator}: "
            + ", ".join(
                f"{kind.name} {score_cell(score_of(scores, name, operator, kind))}"
                for kind in COLUMNS
            )
            for name, operator in places_of(scores)
            if picture.measured is not None and operator == picture.measured.operator
        ]
        self.show_picture(picture, "; ".join(said))
        self.setVisible(bool(said))
        self._fit()

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        super().set_theme(theme)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Reasons take more lines where it is narrow."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self.picture is None or self.width() <= 2 * _MARGIN:
            return
        high = scores_height(self.picture, self.width() - 2 * _MARGIN, self._theme)
        if high:
            self.setFixedHeight(math.ceil(high + 2 * 8))


def _paint(painter: QPainter, rect: QRectF, picture: ChecksPicture, theme: Theme) -> None:
    painter.setPen(pen(theme.line, 1))
    painter.drawLine(QLineF(rect.left(), rect.top(), rect.right(), rect.top()))
    paint_scores(painter, rect.adjusted(_MARGIN, 8, -_MARGIN, -8), picture, theme)
