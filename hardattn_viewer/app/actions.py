"""The one registry of what a person can do: menus, keys, palette and help are made from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from hardattn_viewer.app.submenus import SUBMENUS, submenu_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.parts import plain_tooltip

Menu = Literal["File", "Edit", "View", "Playback", "Analyse", "Window", "Help"]
MENUS: tuple[Menu, ...] = ("File", "Edit", "View", "Playback", "Analyse", "Window", "Help")


def _always(_: SessionState) -> bool:
    return True


@dataclass(frozen=True)
class Command:
    """One thing that can be done.

    Attributes:
        id: a name that stays the same, for settings and tests.
        menu: the menu that it is in.
        text: what it does, as a menu shows it.
        keys: its keys; the first one is shown.
        tooltip: one sentence more.
        handler: does it.
        enabled: whether it can be done in a state.
        checked: whether it is on in a state; None where it is not something that is on or off.
        group: a menu draws a line between commands of different groups; some have a submenu.
    """

    id: str
    menu: Menu
    text: str
    handler: Callable[[], None]
    keys: tuple[str, ...] = ()
    tooltip: str = ""
    enabled: Callable[[SessionState], bool] = field(default=_always)
    checked: Callable[[SessionState], bool] | None = None
    group: str = ""

    @property
    def shown_keys(self) -> str:
        """The first key as the desktop writes it; empty where there is none."""
        if not self.keys:
            return ""
        return QKeySequence(self.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)


class Actions(QObject):
    """Commands as Qt actions, enabled and checked as the session's state says.

    Args:
        commands: everything that can be done, in the order of the menus.
        session: the session whose state enables them.
        window: the window where the keys work.
    """

    def __init__(self, commands: list[Command], session: Session, window: QWidget) -> None:
        super().__init__(window)
        ids = [command.id for command in commands]
        if len(set(ids)) != len(ids):
            raise ValueError("two commands have the same id")
        self.commands = tuple(commands)
        self._session = session
        # Asking Qt for what it already has would take longer than all else.
        self._shown: dict[str, tuple[bool, bool | None]] = {}
        self._actions = {command.id: self._made(command, window) for command in commands}
        session.changed.connect(self._on_changed)
        self._refresh(session.state)

    def __getitem__(self, id_: str) -> QAction:
        return self._actions[id_]

    def fill(self, bar: QMenuBar) -> dict[Menu, QMenu]:
        """Put every command into its menu, or into a submenu of it."""
        menus: dict[Menu, QMenu] = {}
        for name in MENUS:
            own = [command for command in self.commands if command.menu == name]
            if not own:
                continue
            menu = bar.addMenu(f"&{name}")
            menu.setObjectName(f"menu{name}")
            menu.setToolTipsVisible(True)
            self._add(menu, [command for command in own if submenu_of(command) is None])
            for submenu in SUBMENUS.get(name, ()):
                if submenu.first:
                    menu.addSeparator()
                inner = menu.addMenu(submenu.text)
                inner.setObjectName(f"menu{name}{submenu.id}")
                inner.setToolTipsVisible(True)
                inner.menuAction().setToolTip(plain_tooltip(submenu.note))
                self._add(inner, [command for command in own if submenu_of(command) is submenu])
            menus[name] = menu
        return menus

    def _add(self, menu: QMenu, commands: Sequence[Command]) -> None:
        """Put commands into a menu, with a line between those of different groups."""
        group = None
        for command in commands:
            if group is not None and command.group != group:
                menu.addSeparator()
            group = command.group
            menu.addAction(self._actions[command.id])

    def _made(self, command: Command, window: QWidget) -> QAction:
        action = QAction(command.text, window)
        action.setObjectName(command.id)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        keys = f" ({command.shown_keys})" if command.keys else ""
        plain = command.text.replace("&", "").rstrip("…")
        action.setToolTip(plain_tooltip(f"{command.tooltip or plain}{keys}"))
        action.setStatusTip("")
        action.setCheckable(command.checked is not None)
        action.triggered.connect(lambda *_: self._do(command))
        window.addAction(action)
        return action

    def _do(self, command: Command) -> None:
        command.handler()
        if command.checked is not None:
            # Qt has switched it over, also where the state stayed as it was.
            self._actions[command.id].setChecked(command.checked(self._session.state))

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        # Hovering alone enables nothing, and happens a hundred times a second.
        moved = replace(old, hovered=new.hovered, hovered_query=new.hovered_query)
        if new != moved:
            # At once: the next key may wait already, and must not find its action disabled.
            self._refresh(new)

    def _refresh(self, state: SessionState) -> None:
        for command in self.commands:
            enabled = command.enabled(state)
            checked = None if command.checked is None else command.checked(state)
            if self._shown.get(command.id) == (enabled, checked):
                continue
            self._shown[command.id] = (enabled, checked)
            action = self._actions[command.id]
            action.setEnabled(enabled)
            if checked is not None:
                action.setChecked(checked)
