"""What is written where in the window: painted words, and labels that are cut."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from hardattn_viewer.drawing import text

# Pixels by which a measured text may be wider than what is painted of it.
GRACE = 1.5


@dataclass(frozen=True)
class Painted:
    """A line of words, and the pixels that it may cover."""

    words: str
    place: QRectF


@contextmanager
def painted_words() -> Iterator[dict[Any, list[Painted]]]:
    """Write down what ``draw_text`` paints, by the widget or picture that it is painted on."""
    found: dict[Any, list[Painted]] = defaultdict(list)
    original = text.draw_text

    def written(painter: QPainter, rect: QRectF, words: Any, theme: Any, **options: Any) -> float:
        used = original(painter, rect, words, theme, **options)
        high = text.line_height(theme, options.get("size")) - 1
        left = {
            "left": rect.left(),
            "centre": rect.center().x() - used / 2,
            "right": rect.right() - used,
        }[options.get("align", "left")]
        place = QRectF(left, rect.center().y() - high / 2, used, high)
        turned = painter.combinedTransform()
        if used and not turned.isRotating():
            shown = words if isinstance(words, str) else "".join(one.text for one in words)
            whole = turned.mapRect(place)
            if painter.hasClipping():
                whole = whole.intersected(turned.mapRect(painter.clipBoundingRect()))
            # What lies outside of what can be seen covers nothing.
            if not whole.isEmpty():
                found[id(painter.device())].append(Painted(shown, whole))
        return used

    modules = [m for m in list(sys.modules.values()) if getattr(m, "draw_text", None) is original]
    for module in modules:
        module.draw_text = written  # type: ignore[attr-defined]
    try:
        yield found
    finally:
        for module in modules:
            module.draw_text = original  # type: ignore[attr-defined]


def overlaps(painted: list[Painted]) -> list[tuple[str, str]]:
    """The pairs of words of one picture that cover each other."""
    return [
        (one.words, other.words)
        for at, one in enumerate(painted)
        for other in painted[at + 1 :]
        if one.place.adjusted(1, 0.5, -1, -0.5).intersects(other.place.adjusted(1, 0.5, -1, -0.5))
        # The same words at the same place are one picture painted twice.
        and (one.words, one.place) != (other.words, other.place)
    ]


def overlaps_when_painted(widget: QWidget) -> list[tuple[str, str]]:
    """The pairs of words that cover each other when a widget is painted."""
    with painted_words() as found:
        widget.grab()
    return [pair for words in found.values() for pair in overlaps(words)]


def cut_labels(window: QWidget) -> list[str]:
    """The texts of labels and buttons that are seen, but not in full."""
    QApplication.processEvents()
    found = []
    for widget in window.findChildren(QWidget):
        seen = widget.isVisible() and widget.width() > 0 and not widget.visibleRegion().isEmpty()
        if isinstance(widget, QLabel | QAbstractButton) and seen and widget.text():
            check: Callable[[Any], bool] = _is_cut if isinstance(widget, QLabel) else _is_squeezed
            if check(widget):
                found.append(f"{widget.objectName() or type(widget).__name__}: {widget.text()}")
    return found


def _is_cut(shown: QLabel) -> bool:
    if shown.text().endswith("…") and not getattr(shown, "whole", "…").endswith("…"):
        # A token, or a slot of a memory, may be of any length.
        return not shown.text().startswith("“")
    room = shown.contentsRect()
    if shown.wordWrap():
        return shown.heightForWidth(shown.width()) > shown.height() + GRACE
    metrics = shown.fontMetrics()
    wide = max(metrics.horizontalAdvance(one) for one in shown.text().split("\n"))
    lines = shown.text().count("\n") + 1
    return wide > room.width() + GRACE or lines * metrics.ascent() > room.height() + GRACE


def _is_squeezed(button: QAbstractButton) -> bool:
    wide = button.fontMetrics().horizontalAdvance(button.text().replace("&", ""))
    return wide > button.width() + GRACE
