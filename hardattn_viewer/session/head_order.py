"""Which heads are shown, and in which order: pure functions of what is known and chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hardattn_viewer.session.atlas import Atlas, HeadAt
from hardattn_viewer.session.expressions.syntax import ExpressionError
from hardattn_viewer.session.head_filter import columns_of, filtered
from hardattn_viewer.session.head_numbers import HeadNumbers


@dataclass(frozen=True)
class Shown:
    """The heads that are shown.

    Attributes:
        heads: in the order in which they are shown.
        of: number of heads that were read.
        error: what is wrong with the filter, in words; all heads are shown then.
        mark: the first character of the filter that is meant, and the one after the last.
    """

    heads: tuple[HeadAt, ...]
    of: int
    error: str = ""
    mark: tuple[int, int] = (0, 0)


def shown_heads(numbers: HeadNumbers, atlas: Atlas) -> Shown:
    """The heads that pass the filter, by the measure or in the order of the model.

    Equal ones keep the order of the model; those that the measure is not known of come last.
    """
    heads = numbers.heads
    error, mark = "", (0, 0)
    try:
        keep = filtered(atlas.filter, columns_of(numbers, atlas))
    except ExpressionError as problem:
        keep, error = np.ones(len(heads), np.bool_), str(problem)
        mark = problem.start, problem.end
    order = np.flatnonzero(keep)
    if atlas.by_measure:
        values = numbers.column(atlas.measure)[order]
        signed = -values if atlas.descending else values
        order = order[np.argsort(signed, kind="stable")]
    return Shown(tuple(heads[at] for at in order.tolist()), len(heads), error, mark)


def head_after(shown: Shown, here: HeadAt | None, by: int) -> HeadAt | None:
    """The head ``by`` places further on in the order shown; the ends hold.

    From a head that is not shown, the first one.
    """
    if not shown.heads:
        return None
    if here is None or here not in shown.heads:
        return shown.heads[0]
    at = shown.heads.index(here) + by
    return shown.heads[min(max(at, 0), len(shown.heads) - 1)]
