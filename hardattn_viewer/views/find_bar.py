"""The line above the tracks: find steps where something holds, and choose what is drawn."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton, QWidget

from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.expressions.completing import Completion, completions_at
from hardattn_viewer.session.finding import hits_of
from hardattn_viewer.session.listing import vocabulary_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.session.step_columns import ReadColumns
from hardattn_viewer.views.expression_field import ExpressionField
from hardattn_viewer.views.parts import ElidedLabel, plain_tooltip, row, set_property

WIDTH = 330


class FindBar(QWidget):
    """The field, the buttons to the hits before and after, how many there are, and the tracks."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("findBar")
        self._session = session
        self._past: Callable[[], list[str]] = list
        self._keep: Callable[[str], None] = _forget
        self.expression = ExpressionField(
            "findField",
            "Find steps where",
            "find steps: entropy > 2 and not correct",
            self._complete,
            lambda: self._past(),
            inline=True,
        )
        self.expression.setFixedWidth(WIDTH)
        self.field = self.expression.field
        self.field.setToolTip(plain_tooltip(_HELP))
        self.words = ElidedLabel(role="muted", name="findWords")
        self.previous = _button("findPrevious", "‹")
        self.next = _button("findNext", "›")
        self.loop = _button("loopWords", "")
        self.loop.setAccessibleName("Repeat all steps again")
        self.loop.hide()
        self.tracks = _button("tracks", "Tracks ▾")
        layout = row(
            self.expression,
            self.previous,
            self.next,
            self.words,
            self.loop,
            self.tracks,
            spacing=5,
            margins=(6, 0, 8, 0),
        )
        layout.setStretch(3, 1)
        self.setLayout(layout)
        self.expression.applied.connect(session.set_find)
        self.expression.entered.connect(self._entered)
        self.loop.clicked.connect(lambda *_: session.set_loop(None))
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.expression.set_theme(theme)

    def bind(self, actions: dict[str, QAction]) -> None:
        """Let the buttons do what the app's actions do."""
        buttons = {"findNext": self.next, "findPrevious": self.previous, "tracks": self.tracks}
        for name, button in buttons.items():
            action = actions[name]
            button.clicked.connect(lambda *_, action=action: action.trigger())
            button.setToolTip(action.toolTip())
            button.setAccessibleName(action.text().replace("&", "").rstrip("…"))
            button.setEnabled(action.isEnabled())
            action.enabledChanged.connect(button.setEnabled)

    def remember(self, past: Callable[[], list[str]], keep: Callable[[str], None]) -> None:
        """Offer expressions used before, and keep those that are entered."""
        self._past, self._keep = past, keep

    def _complete(self, text: str) -> tuple[str, tuple[Completion, ...]]:
        return completions_at(text, vocabulary_of(self._session.state), "steps")

    def _entered(self) -> None:
        find = self._session.state.find
        if find.text.strip() and not find.error:
            self._keep(find.text.strip())
            self._session.find_next()

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.find.text != self.field.text() and new.find.text != old.find.text:
            self.expression.set_text(new.find.text)
        before = (old.find, old.studies, old.order, old.loop, old.place)
        if (new.find, new.studies, new.order, new.loop, new.place) != before:
            self._show(new)

    def _show(self, state: SessionState) -> None:
        find = state.find
        self.expression.show_error(find.error, find.mark)
        set_property(self.words, "tone", "bad" if find.error else "")
        words = find.error or found_words(state)
        if words != self.words.whole:
            self.words.set_whole(words)
            self.words.setToolTip(plain_tooltip(words))
        self.loop.setVisible(state.loop is not None)
        if state.loop is not None:
            first, last = state.loop
            self.loop.setText(f"↻ {first + 1:,} – {last + 1:,}  ✕")
            self.loop.setToolTip("Playback repeats these steps; a click ends that")


def found_words(state: SessionState) -> str:
    """How many hits there are, which one this is, and whether the search began again."""
    if not state.find.text.strip():
        return ""
    hits, columns = hits_of(state), state.studies.get("columns")
    if hits is None:
        if columns is not None and columns.error:
            return columns.error
        done = columns.value.done if columns and isinstance(columns.value, ReadColumns) else 0.0
        return f"Reading steps… {100 * done:.0f} %" if done < 1 else "Searching…"
    total = hits.number(state.order)
    here = hits.of_row(state.place.example)
    words = f"{total:,} hit{'' if total == 1 else 's'}, {here.size:,} in this example"
    return f"{words} · {state.find.said}" if state.find.said else words


def _button(name: str, text: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setProperty("kind", "flat")
    button.setText(text)
    return button


def _forget(_: str) -> None:
    """Keep nothing, as in a window without settings."""


_HELP = (
    "Find steps where something holds. F3 goes to the next one, Shift+F3 to the one before, on "
    "through the examples that are listed.\nStart to type for the names there are; ↓ shows what "
    "was used before."
)
