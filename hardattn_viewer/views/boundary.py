"""A part of the window that is laid out by itself."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget


class Boundary(QWidget):
    """Holds one widget, and asks what is around it for room only where that needs other room.

    A layout whose parts change tells the layout around it, that one the next, up to the window,
    which lays out all docks, whether or not anything needs another size. Here that ends.

    Args:
        content: the widget; it takes all of the room.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content = content
        content.setParent(self)
        self.setFocusProxy(content)
        self.setSizePolicy(content.sizePolicy())
        self._asked = self._wanted()

    def sizeHint(self) -> QSize:
        """That of the content."""
        return self._content.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """The least that the content asks for, or that was set for it."""
        hint, least = self._content.minimumSizeHint(), self._content.minimumSize()
        return QSize(least.width() or hint.width(), least.height() or hint.height())

    def hasHeightForWidth(self) -> bool:
        """Whether the content's height depends on its width."""
        return self._content.sizePolicy().hasHeightForWidth()

    def heightForWidth(self, width: int) -> int:
        """That of the content; -1 where it does not depend on the width."""
        return self._content.heightForWidth(width) if self.hasHeightForWidth() else -1

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give all of the room to the content."""
        self._content.setGeometry(self.rect())

    def event(self, event: QEvent) -> bool:
        """Take in that the content was laid out anew."""
        if event.type() == QEvent.Type.LayoutRequest:
            wanted = self._wanted()
            if wanted != self._asked:
                self._asked = wanted
                self.updateGeometry()
        return super().event(event)

    def _wanted(self) -> tuple[QSize, int]:
        """The least size, and the height that goes with the width: more would not be granted."""
        high = self.heightForWidth(self.width())
        return self.minimumSizeHint(), high if high >= 0 else self.sizeHint().height()
