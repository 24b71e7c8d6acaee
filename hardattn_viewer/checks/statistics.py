"""Whether an explanation does better than random ones, and how sure that is.

All of it rests on one thing: under the null hypothesis the explanation is one more random ranking,
so that in each example it could change places with any of the controls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardattn_viewer.measures.intervals import Interval, bootstrap_interval

Floats = NDArray[np.float64]

CONTROLS = 50
"""Random rankings of each example, at least."""
PERMUTATIONS = 5_000


@dataclass(frozen=True)
class AgainstRandom:
    """An explanation beside random ones.

    Attributes:
        win: share of the random ones that it beats, ties counting half, mean over examples; 0.5 is
            what chance gives.
        effect: its score less the mean of the random ones, mean over examples, in the unit of the
            score.
        p_better: probability that a random ranking does as well, one-sided.
        p_worse: probability that a random ranking does as badly, one-sided.
        examples: examples that went in.
        undefined: examples that did not, since all rankings score alike there.
    """

    win: Interval
    effect: Interval
    p_better: float
    p_worse: float
    examples: int
    undefined: int

    @property
    def p(self) -> float:
        """Two-sided."""
        least = min(self.p_better, self.p_worse)
        return min(1.0, 2 * least) if least == least else least


def against_random(
    scores: ArrayLike,
    controls: ArrayLike,
    *,
    tolerance: float = 0.0,
    level: float = 0.95,
    seed: int = 0,
) -> AgainstRandom:
    """Compare a score with those of random rankings of the same examples.

    The interval is a bootstrap over examples; the p-values are those of a permutation test that in
    each example exchanges the explanation with one of its controls.

    Args:
        scores: ``[examples]``, higher is better; NaN where undefined.
        controls: ``[controls, examples]``.
        tolerance: differences up to this are ties.
        level: coverage of the intervals.
        seed: of resampling.

    Raises:
        ValueError: shapes do not go together.
    """
    one, many = np.asarray(scores, np.float64), np.asarray(controls, np.float64)
    if one.ndim != 1 or many.ndim != 2 or many.shape[1:] != one.shape or not len(many):
        raise ValueError(
            f"scores must be [examples] and controls [controls, examples], not {one.shape} and "
            f"{many.shape}"
        )
    pools = np.concatenate([one[None], many]).T
    return against_others(list(pools), tolerance=tolerance, level=level, seed=seed)


def against_others(
    pools: Sequence[ArrayLike],
    *,
    groups: Sequence[int] | None = None,
    tolerance: float = 0.0,
    level: float = 0.95,
    seed: int = 0,
) -> AgainstRandom:
    """As :func:`against_random`, where each example has candidates of its own number.

    Args:
        pools: of each example what was chosen, then all that could have been chosen instead; NaN
            ones are left out.
        groups: the example that each pool is of, where one has several; intervals are then over
            the means of examples, since what is of one example hangs together.
        tolerance: differences up to this are ties.
        level: coverage of the intervals.
        seed: of resampling.
    """
    able, of = [], []
    for at, pool in enumerate(pools):
        values = np.asarray(pool, np.float64)
        known = values[~np.isnan(values)]
        if len(known) > 1 and not np.isnan(values[0]) and np.ptp(known) > tolerance:
            able.append(known)
            of.append(at if groups is None else groups[at])
    won = [_won(one, tolerance) for one in able]
    generator = np.random.default_rng(seed)
    seen = sum(float(one[0]) for one in won)
    drawn = np.zeros(PERMUTATIONS)
    for one in won:
        drawn += one[generator.integers(0, len(one), PERMUTATIONS)]
    nothing = float("nan")
    return AgainstRandom(
        win=bootstrap_interval(_grouped([one[0] for one in won], of), level=level, seed=seed),
        effect=bootstrap_interval(
            _grouped([one[0] - one[1:].mean() for one in able], of), level=level, seed=seed
        ),
        p_better=(1 + int((drawn >= seen - 1e-9).sum())) / (PERMUTATIONS + 1) if won else nothing,
        p_worse=(1 + int((drawn <= seen + 1e-9).sum())) / (PERMUTATIONS + 1) if won else nothing,
        examples=len(set(of)),
        undefined=len(set(range(len(pools)) if groups is None else groups) - set(of)),
    )


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """q-values: the false discovery rate at which each would be called (Benjamini, Hochberg 1995).

    Args:
        p: p-values of any shape; NaN ones are no tests.

    Returns:
        q-values of the same shape, NaN where there was no test.

    Raises:
        ValueError: one lies outside 0 to 1.
    """
    values = np.asarray(p, np.float64)
    found = np.full(values.shape, np.nan)
    known = ~np.isnan(values)
    tested = values[known]
    if ((tested < 0) | (tested > 1)).any():
        raise ValueError("p-values lie between 0 and 1")
    order = np.argsort(tested, kind="stable")
    count = len(tested)
    scaled = tested[order] * count / np.arange(1, count + 1)
    least = np.minimum.accumulate(scaled[::-1])[::-1]
    q = np.empty(count)
    q[order] = np.minimum(least, 1.0)
    found[known] = q
    return found


def _grouped(values: Sequence[float], groups: Sequence[int]) -> Floats:
    """The mean of the values of each group."""
    if not values:
        return np.zeros(0)
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    found: Floats = np.bincount(place, np.asarray(values, np.float64)) / np.bincount(place)
    return found


def _won(pool: Floats, tolerance: float) -> Floats:
    """The share of the others that each of a pool beats, ties counting half."""
    difference = pool[:, None] - pool[None]
    difference = np.where(np.abs(difference) <= tolerance, 0.0, difference)
    # Each is beside itself too, which is a tie that does not count.
    found: Floats = (np.sign(difference).sum(1) / (len(pool) - 1) + 1) / 2
    return found
