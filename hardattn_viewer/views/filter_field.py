"""The field that filters the example table."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.expressions.completing import Completion, completions_at
from hardattn_viewer.session.listing import is_quick, listing_wanted, vocabulary_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.session.step_columns import ReadColumns
from hardattn_viewer.views.expression_field import ExpressionField
from hardattn_viewer.views.parts import column, plain_tooltip


class FilterField(QWidget):
    """Where an expression such as ``wrong(A) & entropy > 2`` is typed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._past: Callable[[], list[str]] = list
        self._keep: Callable[[str], None] = _forget
        self.expression = ExpressionField(
            "filterField",
            "Filter examples",
            "wrong(A) & entropy > 2",
            self._complete,
            lambda: self._past(),
        )
        self.field = self.expression.field
        self.error = self.expression.error
        self.field.setToolTip(plain_tooltip(_HELP))
        self.expression.applied.connect(session.set_filter)
        self.expression.entered.connect(self._entered)
        self.setLayout(column(self.expression))
        session.changed.connect(self._on_changed)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.expression.set_theme(theme)

    def remember(self, past: Callable[[], list[str]], keep: Callable[[str], None]) -> None:
        """Offer expressions used before, and keep those that are entered."""
        self._past, self._keep = past, keep

    def _complete(self, text: str) -> tuple[str, tuple[Completion, ...]]:
        return completions_at(text, vocabulary_of(self._session.state), "examples")

    def _entered(self) -> None:
        text = self.field.text().strip()
        if text and not self._session.state.filter_error:
            self._keep(text)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.filter != self.field.text() and new.filter != old.filter:
            self.expression.set_text(new.filter)
        now, before = _shown(new), _shown(old)
        if now != before:
            error, mark, note = now
            self.expression.show_error(error, mark)
            if note and not error:
                self.expression.show_note(note)


def _shown(state: SessionState) -> tuple[str, tuple[int, int], str]:
    return state.filter_error, state.filter_mark, _progress(state)


def _progress(state: SessionState) -> str:
    """What is still to be read before the filter can be answered."""
    if not state.filter or state.rows is None or is_quick(state):
        return ""
    listing, columns = state.studies.get("listing"), state.studies.get("columns")
    if columns is not None and columns.error:
        return columns.error
    if listing is not None and listing.finished and listing.study is listing_wanted(state):
        return ""
    if columns is not None and not columns.finished:
        done = columns.value.done if isinstance(columns.value, ReadColumns) else 0.0
        return f"Reading steps… {100 * done:.0f} %"
    return "Filtering…"


def _forget(_: str) -> None:
    """Keep nothing, as in a window without settings."""


_HELP = (
    "Which examples to list. Start to type for the names there are; ↓ shows what was used before.\n"
    "Combine with & | ~ and brackets; compare with > >= < <= == != and search text with ~.\n"
    "Of steps: any(entropy > 2), all(…), count(…), mean(…), max(…), min(…), first(…), last(…)."
)
