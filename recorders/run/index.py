"""Finding the rows of an example, and numbers over all examples, without reading any map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run import layout

_STRETCH = 1 << 18
"""Values of rows that are read at once, and half of those that their means need in memory."""


class RowIndex:
    """Rows of a table by (snapshot, site, example), then by step.

    Args:
        keys: the columns that a row is looked up by, most important first, all not negative.
    """

    def __init__(self, *keys: NDArray[Any]) -> None:
        # lexsort takes the most important key last.
        self._order = np.lexsort(list(reversed(keys)))
        ordered = np.array_equal(self._order, np.arange(self._order.size))
        # Of millions of rows that come in their order there need be no second copy.
        self._keys = list(keys) if ordered else [key[self._order] for key in keys]

    def rows(self, *prefix: int) -> NDArray[np.int64]:
        """Rows whose first keys are ``prefix``, ordered by the keys that follow."""
        low, high = 0, self._order.size
        for key, value in zip(self._keys, prefix, strict=False):
            part = key[low:high]
            # Of another type than the column it would be compared with a copy of all of that.
            wanted = part.dtype.type(value)
            low, high = (
                low + int(np.searchsorted(part, wanted, "left")),
                low + int(np.searchsorted(part, wanted, "right")),
            )
        return self._order[low:high]


def known_mean(values: NDArray[np.float64]) -> float:
    """Mean of the values that are not NaN; NaN where there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def row_means(
    values: NDArray[np.float64], offsets: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean of what is not NaN in ``values[offset : offset + count]`` for each event, count >= 1."""
    if not offsets.size:
        return np.zeros(0)
    if (counts == 1).all():
        return values[offsets]
    # One gather of all rows, then one sum a stretch; far from a loop over the events.
    starts = np.cumsum(counts) - counts
    gathered = values[np.repeat(offsets - starts, counts) + np.arange(int(counts.sum()))]
    known = ~np.isnan(gathered)
    sums = np.add.reduceat(np.where(known, gathered, 0.0), starts)
    with np.errstate(invalid="ignore"):
        means: NDArray[np.float64] = sums / np.add.reduceat(known.astype(np.int64), starts)
    return means


def event_means(
    read: Callable[[int, int], NDArray[np.float64]],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Mean of what is not NaN in the values of each event, few values in memory at once.

    Args:
        read: gives so many values from an offset on.
        offsets: [events], the first value of each.
        counts: [events], 1 or more values each.
    """
    means = np.full(offsets.size, np.nan)
    order = np.argsort(offsets, kind="stable")
    starts, ends = offsets[order], (offsets + counts)[order]
    new = np.diff(starts // _STRETCH) > 0
    new |= starts[1:] - ends[:-1] > layout.ROW_CHUNK
    for stretch in np.split(order, np.flatnonzero(new) + 1) if order.size else ():
        first = int(offsets[stretch[0]])
        last = int((offsets[stretch] + counts[stretch]).max())
        values = read(first, last - first)
        means[stretch] = row_means(values, offsets[stretch] - first, counts[stretch])
    return means


def example_columns(
    columns: Mapping[str, NDArray[Any]],
    event_mean: Callable[[str, NDArray[np.int64]], NDArray[np.float64]],
    *,
    site: int,
    snapshot: int,
    reward_name: int | None,
) -> dict[str, NDArray[Any]]:
    """One number an example for everything that a table of examples shows.

    Args:
        columns: the run's columns by path.
        event_mean: gives, of the rows of a dataset by its path, the mean of each of some events.
        site: number of the site.
        snapshot: number of the snapshot.
        reward_name: number of the scalar called reward, or None.

    Returns:
        label and prediction (int64, -1 for none), confidence, label_probability, steps, tokens,
        entropy (mean over steps), log_prob (sum over steps), reward (last step), float64 with NaN
        for none.
    """
    total = len(columns["examples/label"])
    here = np.flatnonzero(
        (columns["events/site"] == site) & (columns["events/snapshot"] == snapshot)
    )
    example = columns["events/example"][here]
    events = np.bincount(example, minlength=total)
    steps = np.zeros(total, np.int64)
    np.maximum.at(steps, example, columns["events/step"][here].astype(np.int64) + 1)
    spread = event_mean("rows/entropy", here)
    known = ~np.isnan(spread)
    with np.errstate(invalid="ignore"):
        mean_entropy = np.bincount(example[known], spread[known], total) / np.bincount(
            example[known], minlength=total
        )
    # Without a single event, counting gives integers.
    summed = np.bincount(example, event_mean("rows/log_prob", here), total).astype(np.float64)
    summed[events == 0] = np.nan
    outcome = columns["outcomes/snapshot"] == snapshot
    judged = columns["outcomes/example"][outcome]
    prediction = np.full(total, -1, np.int64)
    prediction[judged] = columns["outcomes/prediction"][outcome]
    result = {
        "label": columns["examples/label"].astype(np.int64),
        "prediction": prediction,
        "steps": steps.astype(np.float64),
        "tokens": columns["examples/token_count"].astype(np.float64),
        "entropy": mean_entropy,
        "log_prob": summed,
        "reward": _last_reward(columns, total, snapshot, reward_name),
    }
    for name in ("confidence", "label_probability"):
        result[name] = np.full(total, np.nan)
        result[name][judged] = columns[f"outcomes/{name}"][outcome]
    return result


def _last_reward(
    columns: Mapping[str, NDArray[Any]], total: int, snapshot: int, name: int | None
) -> NDArray[np.float64]:
    reward = np.full(total, np.nan)
    if name is None:
        return reward
    here = (columns["scalars/name"] == name) & (columns["scalars/snapshot"] == snapshot)
    rows = np.flatnonzero(here)
    example, step = columns["scalars/example"][rows], columns["scalars/step"][rows]
    order = np.argsort(example.astype(np.int64) * layout.MAX_STEPS + step, kind="stable")
    example = example[order]
    # The last of each stretch of one example is its last step.
    last = np.append(example[1:] != example[:-1], True)[: example.size]
    reward[example[last]] = columns["scalars/value"][rows][order][last]
    return reward
