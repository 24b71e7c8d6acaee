"""A layout that puts widgets beside each other and starts a new line where they do not fit."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Widgets in lines, like words.

    Args:
        spacing: pixels between widgets.
        gap: pixels between lines.
        margins: left, top, right, bottom.
        push: number of the widget from which on all are moved to the right edge, where
            everything fits on one line; None moves none.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        spacing: int = 8,
        gap: int = 6,
        margins: tuple[int, int, int, int] = (0, 0, 0, 0),
        push: int | None = None,
    ) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._sizes: list[tuple[QLayoutItem, QSize]] | None = None
        self._heights: dict[int, int] = {}
        self._gap = gap
        self._push = push
        self.setSpacing(spacing)
        self.setContentsMargins(*margins)

    def addItem(self, item: QLayoutItem) -> None:
        """Add an item at the end."""
        self._items.append(item)

    def count(self) -> int:
        """The number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """The item at a place, or None."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Take the item at a place out, or None."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """It takes no more room than it needs."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """Whether height depends on width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height that goes with a width."""
        height = self._heights.get(width)
        if height is None:
            height = self._heights[width] = self._place(QRect(0, 0, width, 0), move=False)
        return height

    def invalidate(self) -> None:
        """Forget what was worked out: an item came, went or wants another size."""
        self._heights.clear()
        self._sizes = None
        super().invalidate()

    def sizeHint(self) -> QSize:
        """The size that suits it."""
        margins = self.contentsMargins()
        shown = self._shown()
        width = sum(size.width() for _, size in shown)
        width += self.spacing() * max(len(shown) - 1, 0) + margins.left() + margins.right()
        return QSize(width, self.heightForWidth(width))

    def minimumSize(self) -> QSize:
        """The smallest size that it can have."""
        margins = self.contentsMargins()
        sizes = [item.minimumSize() for item, _ in self._shown()]
        width = max((size.width() for size in sizes), default=0)
        height = max((size.height() for size in sizes), default=0)
        return QSize(
            width + margins.left() + margins.right(), height + margins.top() + margins.bottom()
        )

    def setGeometry(self, rect: QRect) -> None:
        """Lay everything out in a rectangle."""
        super().setGeometry(rect)
        self._place(rect, move=True)

    def _shown(self) -> list[tuple[QLayoutItem, QSize]]:
        """The items that are shown, with the sizes that they want; asked once a layout."""
        if self._sizes is None:
            self._sizes = [(item, item.sizeHint()) for item in self._items if not item.isEmpty()]
        return self._sizes

    def _place(self, rect: QRect, *, move: bool) -> int:
        """Lay out the widgets inside ``rect``; the height that they need."""
        margins = self.contentsMargins()
        inner = rect.adjusted(margins.left(), margins.top(), -margins.right(), -margins.bottom())
        lines = self._lines(inner.width())
        pushed = self._first_pushed()
        y = inner.top()
        for items in lines:
            height = max(size.height() for _, size in items)
            used = sum(size.width() for _, size in items) + self.spacing() * (len(items) - 1)
            x = inner.left()
            for item, wanted in items:
                size = wanted.boundedTo(QSize(inner.width(), 10_000))
                if len(lines) == 1 and item is pushed:
                    x += inner.width() - used
                    used = inner.width()
                if move:
                    middle = (height - size.height()) // 2
                    item.setGeometry(QRect(QPoint(x, y + middle), size))
                x += size.width() + self.spacing()
            y += height + self._gap
        bottom = y - self._gap if lines else y
        return bottom - rect.top() + margins.bottom()

    def _first_pushed(self) -> QLayoutItem | None:
        """The first shown item of those that go to the right edge."""
        if self._push is None:
            return None
        return next((one for one in self._items[self._push :] if not one.isEmpty()), None)

    def _lines(self, width: int) -> list[list[tuple[QLayoutItem, QSize]]]:
        lines: list[list[tuple[QLayoutItem, QSize]]] = []
        used = 0
        for item, size in self._shown():
            wanted = size.width()
            if lines and used + self.spacing() + wanted <= width:
                lines[-1].append((item, size))
                used += self.spacing() + wanted
            else:
                lines.append([(item, size)])
                used = wanted
        return lines
