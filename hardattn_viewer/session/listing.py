"""Which examples are listed, in which order: at once where that is quick, else as a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hardattn_viewer.session.expressions.blocks import Tables
from hardattn_viewer.session.expressions.evaluating import Scope, evaluate
from hardattn_viewer.session.expressions.fields import Recorded, Vocabulary
from hardattn_viewer.session.expressions.needs import Needs, needs
from hardattn_viewer.session.expressions.parsing import parse
from hardattn_viewer.session.expressions.syntax import SLOTS, ExpressionError
from hardattn_viewer.session.pairing import site_in
from hardattn_viewer.session.rows import Rows, Sort, sort_rows
from hardattn_viewer.session.step_columns import ColumnsStudy, ReadColumns
from hardattn_viewer.session.wants import rows_wanted

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState, Slot
    from recorders.run.reader import Run

# Rows that are filtered and sorted in a few milliseconds, while the window waits.
QUICK_ROWS = 20_000


@dataclass(frozen=True)
class Listing:
    """Filter and sort the example table.

    Attributes:
        tables: what the filter is evaluated on.
        text: the filter; empty lets everything through.
        sort: the order.
    """

    tables: Tables
    text: str
    sort: Sort

    @property
    def keys(self) -> tuple[int, ...]:
        """It reads no run: everything was read before."""
        return ()

    def results(self, runs: Mapping[int, Run]) -> Iterator[object]:
        """The rows in their order, tuple[int, ...]."""
        rows = self.tables.rows
        keep = np.ones(len(rows), dtype=np.bool_)
        if self.text.strip():
            expression = parse(self.text)
            for block in self.tables.blocks():
                keep[block.low : block.high] = evaluate(expression, block, "examples")
                yield None
        yield sort_rows(rows, keep, self.sort)


def vocabulary_of(state: SessionState) -> Vocabulary:
    """The names that expressions can use: what the runs in A and B have recorded."""
    return Vocabulary(_recorded(state, "A"), _recorded(state, "B"))


def _recorded(state: SessionState, slot: Slot) -> Recorded | None:
    facts = state.facts(slot)
    if facts is None:
        return None
    what = set(facts.recorded)
    site = site_in(state, slot)
    if site is not None and site.hard:
        what.add("selection")
    if {"reward", "baseline"} <= set(facts.scalars):
        what.add("advantage")
    return Recorded(frozenset(what), facts.scalars)


def needs_of(text: str, state: SessionState, scope: Scope) -> Needs:
    """What an expression needs; nothing where it cannot be understood."""
    try:
        return needs(text, vocabulary_of(state), scope)
    except ExpressionError:
        return Needs()


def columns_wanted(state: SessionState) -> ColumnsStudy | None:
    """What has to be read of all steps, for the filter and for the search.

    What was read once is kept as long as the same runs are shown.
    """
    base = _base(state)
    if base is None:
        return None
    known = state.studies.get("columns")
    before = known.study if known is not None else None
    same = isinstance(before, ColumnsStudy) and replace(before, fields=frozenset()) == base
    both = (needs_of(state.filter, state, "examples"), needs_of(state.find.text, state, "steps"))
    if all(one.nothing for one in both) and not same:
        return None
    fields = frozenset().union(*(one.fields for one in both))
    value = None
    if same and isinstance(before, ColumnsStudy) and known is not None:
        if fields <= before.fields:
            return before
        fields |= before.fields
        value = known.value if known.finished and isinstance(known.value, ReadColumns) else None
    return replace(base, fields=fields, known=value)


def _base(state: SessionState) -> ColumnsStudy | None:
    request = rows_wanted(state)
    if request is None or state.rows is None:
        return None
    a, b = (found.name if (found := site_in(state, slot)) is not None else None for slot in SLOTS)
    return ColumnsStudy(request.a, request.b, request.grown, (a, b), request.snapshots)


def columns_of(state: SessionState) -> ReadColumns | None:
    """What was read of all steps, once it is everything that the state wants."""
    known, wanted = state.studies.get("columns"), columns_wanted(state)
    if known is None or wanted is None or known.study != wanted or not known.finished:
        return None
    return known.value if isinstance(known.value, ReadColumns) and not known.error else None


def tables_for(text: str, state: SessionState, scope: Scope) -> Tables | None:
    """What an expression is evaluated on; None while that has to be read.

    Raises:
        ExpressionError: it cannot be understood.
    """
    if state.rows is None or not _are_of_the_slots(state.rows, state):
        return None
    vocabulary = vocabulary_of(state)
    wanted = needs(text, vocabulary, scope)
    notes = notes_by_row(state) if "note" in text or "bookmarked" in text else {}
    if wanted.nothing:
        return Tables(state.rows, vocabulary, notes=notes)
    read = columns_of(state)
    return None if read is None else Tables(state.rows, vocabulary, read.a, read.b, notes)


def listing_wanted(state: SessionState) -> Listing | None:
    """The filtering and sorting that takes too long to wait for, once all for it was read."""
    if state.rows is None or is_quick(state):
        return None
    try:
        tables = tables_for(state.filter, state, "examples")
    except ExpressionError:
        return None
    if tables is None:
        return None
    known = state.studies.get("listing")
    wanted = Listing(tables, state.filter, state.sort)
    # The same as before stays the very same, so that it is not asked again.
    if known is not None and isinstance(known.study, Listing) and _same(known.study, wanted):
        return known.study
    return wanted


def _same(one: Listing, other: Listing) -> bool:
    a, b = one.tables, other.tables
    return (one.text, one.sort, a.vocabulary, a.notes) == (
        other.text,
        other.sort,
        b.vocabulary,
        b.notes,
    ) and (a.rows is b.rows and a.a is b.a and a.b is b.b)


def is_quick(state: SessionState) -> bool:
    """Whether filtering and sorting need no more than the example table, and that is short."""
    if state.rows is None or len(state.rows) > QUICK_ROWS:
        return not state.filter.strip() and state.sort == Sort()
    return needs_of(state.filter, state, "examples").nothing


def _are_of_the_slots(rows: Rows, state: SessionState) -> bool:
    """Whether the rows are not those of before a run came into a slot, or left it."""
    a, b = (state.facts(slot) is None for slot in SLOTS)
    return ((rows.a is None), (rows.b is None)) == (a, b)


def depends_on(state: SessionState) -> tuple[object, ...]:
    """What the list of examples depends on; the same where it stays as it is."""
    notes = state.notebooks if "note" in state.filter or "bookmarked" in state.filter else None
    found = (state.studies.get("columns"), state.studies.get("listing"))
    values = tuple(one.value if one is not None and one.finished else None for one in found)
    return (state.rows, state.filter, state.sort, vocabulary_of(state), notes, *values)


def with_order(state: SessionState) -> SessionState:
    """``state`` with its rows filtered and sorted; a wrong filter leaves the list as it was."""
    rows = state.rows
    if rows is None:
        return replace(state, order=(), filter_error="", filter_mark=(0, 0))
    plain = replace(state, filter_error="", filter_mark=(0, 0))
    try:
        tables = tables_for(state.filter, state, "examples")
    except ExpressionError as error:
        kept = _kept(state, rows)
        mark = (error.start, error.end)
        return replace(state, order=kept, filter_error=str(error), filter_mark=mark)
    if not _are_of_the_slots(rows, state):
        return replace(plain, order=_kept(state, rows))
    if not state.filter.strip() and state.sort == Sort():
        return replace(plain, order=tuple(range(len(rows))))
    if is_quick(state) and tables is not None:
        keep = np.ones(len(rows), dtype=np.bool_)
        if state.filter.strip():
            for block in tables.blocks():
                part = evaluate(parse(state.filter), block, "examples")
                keep[block.low : block.high] = part
        return replace(plain, order=sort_rows(rows, keep, state.sort))
    return with_listed(plain)


def with_listed(state: SessionState) -> SessionState:
    """``state`` with what a study found; until it has, the list stays as it was."""
    assert state.rows is not None
    known, wanted = state.studies.get("listing"), listing_wanted(state)
    there = known is not None and wanted is not None and known.study is wanted
    if known is not None and there and known.finished and isinstance(known.value, tuple):
        return replace(state, order=known.value)
    return replace(state, order=_kept(state, state.rows))


def _kept(state: SessionState, rows: Rows) -> tuple[int, ...]:
    """The list as it was, without rows that are not there any more; everything at first."""
    if not state.order:
        return tuple(range(len(rows)))
    if max(state.order) < len(rows):
        return state.order
    return tuple(row for row in state.order if row < len(rows))


def notes_by_row(state: SessionState) -> dict[int, str]:
    """The notes of bookmarked examples, by the row of the example."""
    if state.rows is None:
        return {}
    notes: dict[str, list[str]] = {}
    for key in (state.slot_a, state.slot_b):
        book = state.notebooks.get(key) if key is not None else None
        for mark in book.bookmarks if book is not None else ():
            notes.setdefault(mark.example, []).append(mark.note)
    if not notes:
        return {}
    found = ((row, notes.get(name)) for row, name in enumerate(state.rows.names))
    return {row: "\n".join(filter(None, texts)) for row, texts in found if texts is not None}
