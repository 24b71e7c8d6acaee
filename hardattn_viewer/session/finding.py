"""What a search for steps has found, and what it still waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardattn_viewer.session.expressions.needs import needs
from hardattn_viewer.session.expressions.syntax import ExpressionError
from hardattn_viewer.session.hits import Find, Hits, HitsStudy
from hardattn_viewer.session.listing import columns_of, tables_for, vocabulary_of

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState


def checked(state: SessionState, text: str) -> Find:
    """The search for ``text``, with what is wrong with it."""
    try:
        needs(text, vocabulary_of(state), "steps")
    except ExpressionError as error:
        return Find(text, str(error), (error.start, error.end))
    return Find(text)


def hits_of(state: SessionState) -> Hits | None:
    """The hits of the search; None while they are searched."""
    known, wanted = state.studies.get("hits"), hits_wanted(state)
    if known is None or known.study is not wanted or not known.finished:
        return None
    return known.value if isinstance(known.value, Hits) else None


def hits_wanted(state: SessionState) -> HitsStudy | None:
    """The search that goes on, once all for it was read."""
    if not state.find.text.strip() or state.rows is None or columns_of(state) is None:
        return None
    try:
        tables = tables_for(state.find.text, state, "steps")
    except ExpressionError:
        return None
    if tables is None:
        return None
    known = state.studies.get("hits")
    if known is not None and isinstance(known.study, HitsStudy):
        before = known.study
        a, b = before.tables, tables
        same = (before.text, a.vocabulary, a.notes) == (state.find.text, b.vocabulary, b.notes)
        if same and a.rows is b.rows and a.a is b.a and a.b is b.b:
            return before
    return HitsStudy(tables, state.find.text)
