"""The command palette: any command by a few letters of its name."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QWidget

from hardattn_viewer.app.actions import Actions, Command
from hardattn_viewer.app.submenus import path_of
from hardattn_viewer.views.parts import column

WIDTH = 520
HEIGHT = 380


class Palette(QDialog):
    """A field and the commands that match it; Enter does the first one.

    Args:
        actions: the registry.
        parent: the window that the palette appears over.
    """

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("palette")
        self.setWindowTitle("Commands")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(WIDTH, HEIGHT)
        self._actions = actions
        self.field = QLineEdit()
        self.field.setObjectName("paletteField")
        self.field.setAccessibleName("Command")
        self.field.setPlaceholderText("Type what you want to do")
        self.field.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setObjectName("paletteList")
        self.list.setAccessibleName("Matching commands")
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.setLayout(column(self.field, self.list, spacing=8, margins=(12, 12, 12, 12)))
        self.field.textChanged.connect(self._fill)
        self.field.returnPressed.connect(self._run)
        self.list.itemClicked.connect(self._run)
        self._fill("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and down in the field move through the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            by = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if by is not None:
                self._go_to(self.list.currentIndex().row() + by)
                return True
        return super().eventFilter(watched, event)

    def _go_to(self, line: int) -> None:
        item = self.list.topLevelItem(min(max(line, 0), self.list.topLevelItemCount() - 1))
        if item is not None:
            self.list.setCurrentItem(item)

    def _fill(self, text: str) -> None:
        self.list.clear()
        for command in matching(self._actions.commands, text):
            action = self._actions[command.id]
            name = f"{path_of(command)} › {command.text.replace('&', '')}"
            item = QTreeWidgetItem([name, command.shown_keys])
            item.setData(0, Qt.ItemDataRole.UserRole, command.id)
            item.setToolTip(0, action.toolTip())
            if not action.isEnabled():
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addTopLevelItem(item)
        self._go_to(0)

    def _run(self) -> None:
        item = self.list.currentItem()
        if item is None:
            return
        action = self._actions[item.data(0, Qt.ItemDataRole.UserRole)]
        if action.isEnabled():
            self.close()
            action.trigger()


def matching(commands: tuple[Command, ...], text: str) -> list[Command]:
    """The commands that hold every word of ``text``.

    Those that begin with it come first, then those with every word in their name.
    """
    words = text.lower().split()
    found = []
    for command in commands:
        name = command.text.replace("&", "").lower()
        described = f"{path_of(command)} {name} {command.tooltip}".lower()
        if all(word in described for word in words):
            begins = name.startswith(text.lower().strip())
            named = all(word in name for word in words)
            found.append((0 if begins else 1 if named else 2, command))
    return [command for _, command in sorted(found, key=lambda pair: pair[0])]
