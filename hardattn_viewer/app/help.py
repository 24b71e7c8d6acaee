"""Every command with its keys, made from the registry."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QPushButton, QScrollArea, QWidget

from hardattn_viewer.app.actions import MENUS, Command
from hardattn_viewer.views.parts import column, heading, label, row

MOUSE = (
    ("hover a region or bar", "preview it in every view"),
    ("click a region or bar", "pin it; again to let go"),
    ("click a token or a row of the matrix", "look from it"),
    ("Shift+click or drag over tokens", "mean of several queries"),
    ("Ctrl+click a token", "pin it as a key"),
    ("right-click a token", "copy it, its weight, the row or the text"),
    ("wheel, drag, double click on the matrix", "zoom, move, go to a cell; right click copies"),
    ("click or drag in the timeline", "go to a step"),
    ("wheel over the timeline", "step"),
    ("click a run’s card", "look at it, or put it into a slot"),
    ("drop files onto the window", "open them"),
)


class HelpDialog(QDialog):
    """All keys on one page.

    Args:
        commands: the registry.
        parent: the window that it appears over.
    """

    def __init__(self, commands: tuple[Command, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self.setWindowTitle("Keys and commands")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(900, 620)
        columns = [column(spacing=4), column(spacing=4), column(spacing=4)]
        places = {"View": 1, "Playback": 2, "Analyse": 2}
        for menu in MENUS:
            own = [command for command in commands if command.menu == menu]
            lines = [(command.text.replace("&", ""), _keys(command)) for command in own]
            columns[places.get(menu, 0)].addWidget(_section(menu, lines))
        columns[2].addWidget(_section("Mouse", list(MOUSE)))
        for one in columns:
            one.addStretch(1)
        inside = QWidget()
        across = row(spacing=28, margins=(18, 14, 18, 14))
        for one in columns:
            across.addLayout(one, 1)
        inside.setLayout(across)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        close = QPushButton("Close")
        close.setObjectName("helpClose")
        close.clicked.connect(self.close)
        self.setLayout(column(scroll, row(1, close, margins=(0, 0, 14, 12))))


def _section(title: str, lines: list[tuple[str, str]]) -> QWidget:
    grid = QGridLayout()
    grid.setContentsMargins(0, 4, 0, 14)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(0, 1)
    for at, (name, keys) in enumerate(lines):
        words = label(name)
        words.setWordWrap(True)
        shown = label(keys, "muted")
        shown.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        shown.setWordWrap(title == "Mouse")
        grid.addWidget(words, at, 0)
        grid.addWidget(shown, at, 1)
    section = QWidget()
    section.setLayout(column(heading(title), grid))
    return section


def _keys(command: Command) -> str:
    return (
        "  or  ".join(command.keys)
        .replace("Left", "←")
        .replace("Right", "→")
        .replace("Up", "↑")
        .replace("Down", "↓")
    )
