"""Finding the rows of an example, and numbers over all examples, without reading any map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run import layout


class RowIndex:
    """Rows of a table by (snapshot, site, example), then by step.

    Args:
        keys: the columns that a row is looked up by, most important first, all not negative.
    """

    def __init__(self, *keys: NDArray[Any]) -> None:
        # lexsort takes the most important key last.
        self._order = np.lexsort([key.astype(np.int64) for key in reversed(keys)])
        self._keys = [key.astype(np.int64)[self._order] for key in keys]

    def rows(self, *prefix: int) -> NDArray[np.int64]:
        """Rows whose first keys are ``prefix``, ordered by the keys that follow."""
        low, high = 0, self._order.size
        for key, value in zip(self._keys, prefix, strict=False):
            part = key[low:high]
            low, high = (
                low + int(np.searchsorted(part, value, "left")),
                low + int(np.searchsorted(part, value, "right")),
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


def example_columns(
    columns: Mapping[str, NDArray[Any]],
    entropy: NDArray[np.float64],
    log_prob: NDArray[np.float64],
    *,
    site: int,
    snapshot: int,
    reward_name: int | None,
) -> dict[str, NDArray[Any]]:
    """One number an example for everything that a table of examples shows.

    Args:
        columns: the run's columns by path.
        entropy: [events], mean entropy of each event, nat.
        log_prob: [events], mean log-probability of each event, nat.
        site: number of the site.
        snapshot: number of the snapshot.
        reward_name: number of the scalar called reward, or None.

    Returns:
        label and prediction (int64, -1 for none), confidence, label_probability, steps, entropy
        (mean over steps), log_prob (sum over steps), reward (last step), float64 with NaN for none.
    """
    total = len(columns["examples/label"])
    here = (columns["events/site"] == site) & (columns["events/snapshot"] == snapshot)
    example = columns["events/example"][here]
    events = np.bincount(example, minlength=total)
    steps = np.zeros(total, np.int64)
    np.maximum.at(steps, example, columns["events/step"][here].astype(np.int64) + 1)
    spread = entropy[here]
    known = ~np.isnan(spread)
    with np.errstate(invalid="ignore"):
        mean_entropy = np.bincount(example[known], spread[known], total) / np.bincount(
            example[known], minlength=total
        )
    summed = np.bincount(example, log_prob[here], total)
    summed[events == 0] = np.nan
    outcome = columns["outcomes/snapshot"] == snapshot
    judged = columns["outcomes/example"][outcome]
    prediction = np.full(total, -1, np.int64)
    prediction[judged] = columns["outcomes/prediction"][outcome]
    result = {
        "label": columns["examples/label"].astype(np.int64),
        "prediction": prediction,
        "steps": steps.astype(np.float64),
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
