"""Where the docks of the main window are: at first, as they were left, and reset."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from hardattn_viewer.app.bars import DockTitle

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


class Layout:
    """The docks around the pictures.

    Args:
        window: what they are docked to.
    """

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._first = QByteArray()
        self.docks: dict[str, QDockWidget] = {}
        self._hidden: set[str] = set()
        window.setDockNestingEnabled(True)
        # A number that has another width lays the docks out anew; nothing has to be seen moving.
        window.setAnimated(False)
        window.setCorner(Qt.Corner.BottomLeftCorner, BOTTOM)
        window.setCorner(Qt.Corner.BottomRightCorner, BOTTOM)

    def add(
        self,
        name: str,
        widget: QWidget,
        area: Qt.DockWidgetArea,
        title: DockTitle | None = None,
        *,
        hidden: bool = False,
    ) -> None:
        """Add a dock; without a title it has no title bar. It may be hidden at first."""
        dock = QDockWidget(name, self._window)
        dock.setObjectName(f"dock{name}")
        dock.setWidget(widget)
        dock.setTitleBarWidget(title if title is not None else QWidget())
        self._window.addDockWidget(area, dock)
        self.docks[name] = dock
        if hidden:
            self._hidden.add(name)
            dock.hide()

    def share_out(self) -> None:
        """Give every dock its usual size, and less in a small window."""
        width, height = self._window.width(), self._window.height()
        side = [_between(262, 0.163 * width, 274), _between(278, 0.182 * width, 306)]
        docks, resize = self.docks, self._window.resizeDocks
        resize([docks["Runs"], docks["Inspector"]], side, Qt.Orientation.Horizontal)
        stacked = [docks["Runs"], docks["Examples"]]
        cards = _between(188, 0.23 * height, 230)
        resize(stacked, [cards, height - 250 - cards], Qt.Orientation.Vertical)
        bottom = _between(172, 0.204 * height, 208)
        resize([docks["Timeline"]], [bottom], Qt.Orientation.Vertical)

    def keep_as_first(self) -> None:
        """Take what the docks are now for what :meth:`reset` brings back."""
        self._first = self._window.saveState()

    def restore(self, geometry: QByteArray, docks: QByteArray) -> None:
        """Put window and docks where they were; what is empty stays as it is."""
        if not geometry.isEmpty():
            self._window.restoreGeometry(geometry)
        if not docks.isEmpty():
            self._window.restoreState(docks)

    def reset(self) -> None:
        """Put every dock back where it was at first, in its usual size."""
        self._window.restoreState(self._first)
        for name, dock in self.docks.items():
            dock.setVisible(name not in self._hidden)
        self.share_out()


def _between(least: int, value: float, most: int) -> int:
    return min(max(int(value), least), most)
