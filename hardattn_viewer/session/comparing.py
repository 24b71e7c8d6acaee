"""Two runs compared over every example that both hold, a slice at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures import (
    Interval,
    bootstrap_interval,
    jensen_shannon,
    mass_on,
    same_argmax,
)
from hardattn_viewer.session.maps import StepMap, read_step

if TYPE_CHECKING:
    from recorders.run.reader import Run, Site

    Side = tuple[Run, Site, int | None]

# Short enough that a frame which is asked for meanwhile comes without a noticeable wait.
SLICE_SECONDS = 0.01
RESAMPLES = 1000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RunComparison:
    """How far two runs agree, over the examples that were compared so far.

    Examples are averaged over their steps and queries first; the intervals draw whole examples.

    Attributes:
        done: number of examples compared.
        total: number of examples that both runs hold.
        skipped: how many of them have different keys in A and B, or maps too large to be read
            whole, and so are not compared.
        same_argmax: how often both look most at the same key, in [0, 1].
        jensen_shannon: divergence in bits.
        soft_mass: mass that the soft run puts on the key that the hard one chose; None where
            neither or both are hard.
    """

    done: int
    total: int
    skipped: int
    same_argmax: Interval
    jensen_shannon: Interval
    soft_mass: Interval | None

    @property
    def finished(self) -> bool:
        """Whether every example has been compared, and the intervals are known."""
        return self.done >= self.total


def compare_in_slices(
    run_a: Run,
    run_b: Run,
    pairs: tuple[tuple[int, int], ...],
    site: str | None,
    snapshots: tuple[int | None, int | None],
) -> Iterator[RunComparison]:
    """Compare two runs; every item covers more examples than the one before.

    Args:
        run_a: the run in slot A.
        run_b: the run in slot B.
        pairs: the same example in A and in B.
        site: name of the attention site; the first one of a run that does not hold it.
        snapshots: index of the snapshot of each run; None is the last one.

    Raises:
        recorders.RunError: a run is damaged.
        IndexError: an example holds nothing at the site.
    """
    if not run_a.sites or not run_b.sites:
        return
    sides = [(run_a, _site(run_a, site), snapshots[0]), (run_b, _site(run_b, site), snapshots[1])]
    values = np.full((len(pairs), 3), np.nan)
    skipped = 0
    started = time.perf_counter()
    for done, pair in enumerate(pairs):
        steps = _common_steps(sides, pair)
        if not steps or not all(_comparable(a, b) for a, b in steps):
            skipped += 1
        else:
            rows = np.concatenate([_row_numbers(a, b, sides) for a, b in steps])
            values[done] = [_mean_of_known(column) for column in rows.T]
        if time.perf_counter() - started > SLICE_SECONDS:
            yield _summary(values, done + 1, len(pairs), skipped, sides, RESAMPLES // 10)
            started = time.perf_counter()
    yield _summary(values, len(pairs), len(pairs), skipped, sides, RESAMPLES)


def _summary(
    values: Floats,
    done: int,
    total: int,
    skipped: int,
    sides: list[Side],
    resamples: int,
) -> RunComparison:
    same, divergence, mass = (
        bootstrap_interval(values[:done, column], resamples=resamples) for column in range(3)
    )
    one_hard = sides[0][1].hard != sides[1][1].hard
    return RunComparison(done, total, skipped, same, divergence, mass if one_hard else None)


def _common_steps(sides: list[Side], pair: tuple[int, int]) -> list[tuple[StepMap, StepMap]]:
    """The steps that both runs recorded, as means over heads."""
    (run_a, site_a, moment_a), (run_b, site_b, moment_b) = (
        (run, site, len(run.snapshots) - 1 if snapshot is None else snapshot)
        for run, site, snapshot in sides
    )
    steps = min(
        run_a.steps(site_a, pair[0], moment_a),
        run_b.steps(site_b, pair[1], moment_b),
    )
    both = (
        (
            read_step(run_a, site_a, pair[0], step, moment_a, None),
            read_step(run_b, site_b, pair[1], step, moment_b, None),
        )
        for step in range(steps)
    )
    return [(a, b) for a, b in both if a is not None and b is not None]


def _comparable(a: StepMap, b: StepMap) -> bool:
    return a.is_whole and b.is_whole and a.values.shape == b.values.shape


def _row_numbers(a: StepMap, b: StepMap, sides: list[Side]) -> Floats:
    """Float64 [queries, 3]: same argmax, divergence, soft mass on the choice of the hard side."""
    # A query that may look nowhere, such as padding, agrees with nothing.
    seen = (a.values.sum(axis=-1) > 0) & (b.values.sum(axis=-1) > 0)
    p, q = a.values[seen].astype(np.float64), b.values[seen].astype(np.float64)
    mass = np.full(len(p), np.nan)
    if sides[0][1].hard != sides[1][1].hard:
        hard, soft = (a, q) if sides[0][1].hard else (b, p)
        chosen = hard.chosen[seen]
        if chosen.shape[1]:
            mass = mass_on(soft, chosen)
    return np.column_stack([same_argmax(p, q), jensen_shannon(p, q), mass])


def _mean_of_known(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _site(run: Run, name: str | None) -> Site:
    return next((site for site in run.sites if site.name == name), run.sites[0])
