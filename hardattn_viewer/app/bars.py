"""The tool bar, and the headings of docks."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy, QToolBar, QToolButton, QWidget

from hardattn_viewer.app.actions import Actions
from hardattn_viewer.app.main_views import MAIN_VIEWS
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.views.icons import theme_icon
from hardattn_viewer.views.parts import heading, label, row


class DockTitle(QWidget):
    """A heading in place of a dock's title bar; it can still be dragged by it.

    Args:
        text: the heading.
        note: what stands at its right end.
        on_click: makes a button of the note.
    """

    def __init__(self, text: str, note: str, on_click: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._note = heading(note)
        right: QWidget = self._note
        if on_click is not None:
            button = QToolButton()
            button.setObjectName(f"title{text}Button")
            button.setProperty("kind", "flat")
            button.setText(note)
            button.setAccessibleName("Open runs")
            button.setToolTip("Open runs (Ctrl+O)")
            button.clicked.connect(lambda *_: on_click())
            right = button
        self.setLayout(row(heading(text), 1, right, margins=(12, 8, 10, 4)))

    def show_note(self, text: str) -> None:
        """Change what stands at the right end."""
        self._note.setText(text)


class Tools(QToolBar):
    """The buttons that are used most; every one of them is also a command.

    Args:
        actions: the registry.

    Attributes:
        segments: the buttons of the views.
        search: opens the palette.
    """

    def __init__(self, actions: Actions) -> None:
        super().__init__("Tools")
        self.setObjectName("tools")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._actions = actions
        self.addWidget(self._button("open", "Open…"))
        views = self.segments = QWidget()
        places = ["first", *(["middle"] * (len(MAIN_VIEWS) - 2)), "last"]
        segments = [
            self._segment(f"view_{view.id}", view.text.replace("&", ""), place)
            for view, place in zip(MAIN_VIEWS, places, strict=True)
        ]
        views.setLayout(row(*segments, spacing=0))
        self.addWidget(views)
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(space)
        palette = actions["palette"]
        search = self.search = QPushButton("Search actions…")
        search.setObjectName("toolSearch")
        search.setProperty("kind", "search")
        search.setMinimumWidth(214)
        search.setAccessibleName(palette.text().replace("&", ""))
        search.setToolTip(palette.toolTip())
        search.clicked.connect(lambda *_: palette.trigger())
        keys = label("Ctrl+Shift+P", "faint", "toolSearchKeys")
        keys.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        search.setLayout(row(1, keys, margins=(0, 0, 12, 0)))
        self.addWidget(search)
        self._theme = self._button("toggleTheme", "")
        self.addWidget(self._theme)
        export = self._button("export", "Export figure")
        export.setProperty("kind", "accent")
        self.addWidget(export)

    def set_theme(self, theme: Theme) -> None:
        """Draw icons in ``theme`` from now on."""
        self._theme.setIcon(theme_icon(theme.text))

    def _button(self, id_: str, text: str) -> QToolButton:
        action = self._actions[id_]
        button = QToolButton()
        button.setObjectName(f"tool_{id_}")
        button.setText(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(action.toolTip())
        button.setAccessibleName(action.text().replace("&", "").rstrip("…"))
        button.clicked.connect(lambda *_: action.trigger())
        button.setEnabled(action.isEnabled())
        action.enabledChanged.connect(button.setEnabled)
        return button

    def _segment(self, id_: str, text: str, place: str) -> QToolButton:
        button = self._button(id_, text)
        action = self._actions[id_]
        button.setProperty("kind", "segment")
        button.setProperty("place", place)
        button.setCheckable(True)
        button.setChecked(action.isChecked())
        action.toggled.connect(button.setChecked)
        # A click on the view that is on already must not switch its button off.
        button.clicked.connect(lambda *_: button.setChecked(action.isChecked()))
        return button
