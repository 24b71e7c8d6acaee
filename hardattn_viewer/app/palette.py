"""The command palette: any command by a few letters of its name."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QWidget

from hardattn_viewer.app.actions import Actions, Command
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
        self.list = QListWidget()
        self.list.setObjectName("paletteList")
        self.list.setAccessibleName("Matching commands")
        self.list.setUniformItemSizes(True)
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
                last = self.list.count() - 1
                self.list.setCurrentRow(min(max(self.list.currentRow() + by, 0), last))
                return True
        return super().eventFilter(watched, event)

    def _fill(self, text: str) -> None:
        self.list.clear()
        for command in matching(self._actions.commands, text):
            action = self._actions[command.id]
            name = command.text.replace("&", "")
            keys = f"      {command.shown_keys}" if command.keys else ""
            item = QListWidgetItem(f"{command.menu} › {name}{keys}")
            item.setData(Qt.ItemDataRole.UserRole, command.id)
            item.setToolTip(action.toolTip())
            if not action.isEnabled():
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _run(self) -> None:
        item = self.list.currentItem()
        if item is None:
            return
        action = self._actions[item.data(Qt.ItemDataRole.UserRole)]
        if action.isEnabled():
            self.close()
            action.trigger()


def matching(commands: tuple[Command, ...], text: str) -> list[Command]:
    """The commands that hold every word of ``text``; those that begin with it come first."""
    words = text.lower().split()
    found = []
    for command in commands:
        name = command.text.replace("&", "").lower()
        described = f"{command.menu} {name} {command.tooltip}".lower()
        if all(word in described for word in words):
            found.append((not name.startswith(text.lower().strip()), command))
    return [command for _, command in sorted(found, key=lambda pair: pair[0])]
