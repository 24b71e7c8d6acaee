"""The list of where two runs disagree most, as a table for other programs."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from hardattn_viewer.measures import PAIR_MEASURES
from hardattn_viewer.session.disagreements import Disagreement
from hardattn_viewer.session.pairing import Lane

COLUMNS = (
    "rank",
    "name",
    "example_a",
    "example_b",
    "step",
    "head_a",
    "head_b",
    "query",
    *PAIR_MEASURES,
)


def disagreements_csv(
    items: Sequence[Disagreement], names: Sequence[str], lanes: Sequence[Lane]
) -> bytes:
    """One row a step, worst first, UTF-8 with a header line.

    Examples, steps, heads and queries count from 0; the query is the one whose rows are furthest
    apart, the numbers are means over queries, entropies and divergences in bits. A number that is
    not defined is empty.

    Args:
        items: the steps, worst first.
        names: the names of A's examples.
        lanes: the pairs of heads that the items count in.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rank, item in enumerate(items, 1):
        heads = ("mean" if head is None else head for head in lanes[item.lane])
        values = ("" if math.isnan(value) else f"{value:.9g}" for value in item.values)
        place = (rank, names[item.example], item.example, item.other, item.step)
        writer.writerow((*place, *heads, item.query, *values))
    return out.getvalue().encode("utf-8", errors="replace")
