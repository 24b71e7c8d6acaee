"""The rows of a frame: of one query, or the mean of several and of the pieces of their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.token_groups import word_numbers

if TYPE_CHECKING:
    from hardattn_viewer.session.frames import Frame
    from recorders.run.records import Event


def averaged(
    event: Event, texts: Sequence[str], query: int, also: Sequence[int], words: bool
) -> tuple[int, ...]:
    """The queries of one event whose rows are averaged, the one looked from first.

    Args:
        event: how large it is and where it lies on its axes.
        texts: the tokens of the query axis; may be empty.
        query: the query looked from, one of the event's.
        also: further queries; those that the event does not have are left out.
        words: whether every query stands for all pieces of its word.
    """
    rows = [query, *(at for at in also if 0 <= at < event.queries)]
    if words and event.windows == 1 and texts:
        numbers = word_numbers(tuple(texts))
        places = event.first_query + event.query_stride * np.arange(event.queries)
        known = np.where(places < len(numbers), places, 0)
        of_place = np.where(places < len(numbers), numbers[known], -1 - places)
        rows += np.flatnonzero(np.isin(of_place, of_place[rows])).tolist()
    return tuple(dict.fromkeys(rows))


def rows_at(frame: Frame, step: int) -> tuple[int, ...]:
    """The queries of a step whose rows the frame shows the mean of; none of a missing step."""
    at = step - frame.first_step
    return _rows(frame, at, frame.asked_query, frame.asked_also, frame.by_words)


def holds_rows(frame: Frame, query: int | None, also: tuple[int, ...], words: bool) -> bool:
    """Whether all rows that would be shown are in memory."""
    return all(
        one is None or all(map(one.holds, _rows(frame, at, query, also, words)))
        for at, one in enumerate(frame.maps)
    )


def same_rows(frame: Frame, query: int | None, also: tuple[int, ...], words: bool) -> bool:
    """Whether what would be shown is what is shown, as where steps have one query only."""
    asked = (frame.asked_query, frame.asked_also, frame.by_words)
    return all(
        _rows(frame, at, *asked) == _rows(frame, at, query, also, words)
        for at in range(len(frame.maps))
    )


def with_rows(frame: Frame, query: int | None, also: tuple[int, ...], words: bool) -> Frame:
    """``frame`` with everything that depends on which queries are looked at.

    Probabilities, entropies and log-probabilities are means over the queries; what any of them
    selected is selected.
    """
    as_read = (frame.asked_query, frame.asked_also, frame.by_words) == (query, also, words)
    frame = replace(frame, asked_query=query, asked_also=also, by_words=words)
    steps = len(frame.maps)
    width = max(one.event.keys for one in frame.maps if one is not None)
    distributions = np.full((steps, width), np.nan, dtype=np.float32)
    entropy, log_prob, p_selected = np.full((3, steps), np.nan)
    selections: list[tuple[int, ...]] = []
    for at, one in enumerate(frame.maps):
        if one is None:
            selections.append(())
            continue
        rows = list(_rows(frame, at, query, also, words))
        distributions[at, : one.event.keys] = (
            one.row(rows[0])
            if len(rows) == 1
            else np.mean([one.row(row) for row in rows], axis=0, dtype=np.float64)
        )
        entropy[at], log_prob[at] = one.entropy[rows].mean(), one.log_prob[rows].mean()
        chosen = tuple(dict.fromkeys(key for row in rows for key in one.selected(row)))
        selections.append(chosen)
        if chosen:
            p_selected[at] = float(distributions[at, list(chosen)].sum())
    rowwise = {"entropy": entropy, "log_prob": log_prob, "p_selected": p_selected}
    if frame.curves is not None:
        # Numbers of all steps were read of one query; of others those in memory are known.
        rowwise = {} if as_read else _within(frame, rowwise)
    return replace(
        frame,
        distributions=distributions,
        selections=tuple(selections),
        scalars=frame.scalars | rowwise,
    )


def _within(
    frame: Frame, rowwise: dict[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Numbers of all steps, with those of other queries at the steps that are in memory."""
    first, last = frame.first_step, frame.first_step + len(frame.maps)
    found = {name: frame.scalars[name].copy() for name in rowwise}
    for name, values in found.items():
        values[first:last] = rowwise[name]
    return found


def _rows(
    frame: Frame, at: int, query: int | None, also: tuple[int, ...], words: bool
) -> tuple[int, ...]:
    one = frame.maps[at]
    if one is None:
        return ()
    first = one.usual if query is None else min(max(query, 0), one.queries - 1)
    if not also and not words:
        return (first,)
    axes = frame.step_axes[at] if frame.step_axes else frame.axes
    return averaged(one.event, axes.on(frame.query_axis), first, also, words)
