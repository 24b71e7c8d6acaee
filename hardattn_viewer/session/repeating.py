"""Whether a run that samples its choices makes the same ones when it sees the same input again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures import Interval, bootstrap_slices, expected_agreement
from hardattn_viewer.session.comparing import LEVEL, RESAMPLES, Side, grown_of
from hardattn_viewer.session.pairing import site_in
from hardattn_viewer.session.wants import snapshot_of
from recorders.run.layout import BEAM

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState, Slot
    from recorders.run.batches import EventTable
    from recorders.run.reader import Run

KIND = "repeats"
# Nothing is drawn there, so that there is nothing to repeat.
CERTAIN = ("argmax", "top_k", "top-k", "topk")
SLICE_SECONDS = 0.008
_AT_ONCE = 1 << 16
_STEPS = 64
Floats = NDArray[np.float64]
Number = Literal["agreement", "most", "expected"]
NUMBERS: tuple[Number, ...] = ("agreement", "most", "expected")


@dataclass(frozen=True, eq=False)
class Draws:
    """How the draws of one input at one step fell.

    Attributes:
        examples: the examples that are this input, each of which drew once.
        keys: int64 [examples, heads, queries, n], what was drawn.
    """

    examples: tuple[int, ...]
    keys: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stability:
    """How stable the choices of a run are.

    Numbers are means over steps, heads and queries of an input; the intervals draw whole inputs.

    Attributes:
        inputs: number of different inputs.
        repeated: how many of them were recorded more than once.
        overall: ``agreement``, share of the pairs of draws that are the same item; ``most``, share
            of the draws that are the item drawn most often; ``expected``, the probability Σp²
            that two draws from the recorded distribution are the same.
        steps: the same of one step each.
        draws: how the draws fell, by example and step; of repeated inputs only.
        level: coverage of the intervals.
        resamples: bootstrap resamples of the intervals.
    """

    inputs: int
    repeated: int
    overall: Mapping[Number, Interval]
    steps: tuple[Mapping[Number, Interval], ...]
    draws: Mapping[tuple[int, int], Draws]
    level: float = LEVEL
    resamples: int = RESAMPLES


@dataclass(frozen=True)
class RepeatsStudy:
    """The stability of the choices of one or two runs.

    Attributes:
        sides: the slots whose runs sample, with what is shown of them.
    """

    sides: tuple[tuple[Slot, Side], ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return tuple(side.key for _, side in self.sides)

    def results(self, runs: Mapping[int, Run]) -> Iterator[Mapping[Slot, Stability] | None]:
        """Read, a slice at a time; a result whenever a slot is known.

        Raises:
            recorders.RunError: a run is damaged.
        """
        found: dict[Slot, Stability] = {}
        for slot, side in self.sides:
            for one in stability_slices(runs[side.key], side):
                if one is not None:
                    found = {**found, slot: one}
                    yield found
                else:
                    yield None


def samples(mechanism: str, hard: bool) -> bool:
    """Whether a site draws its choices."""
    return hard and mechanism.lower() not in CERTAIN


def repeats_wanted(state: SessionState) -> RepeatsStudy | None:
    """The stability of what is compared, or None where nothing of it is drawn."""
    if state.view != "compare" or state.rows is None:
        return None
    sides: list[tuple[Slot, Side]] = []
    slots: tuple[Slot, ...] = ("A", "B")
    for slot in slots:
        site, run = site_in(state, slot), state.run_in(slot)
        if site is None or run is None or run.status != "ready":
            continue
        if samples(site.mechanism, site.hard):
            where = snapshot_of(state, slot)
            sides.append((slot, Side(run.key, site.name, where, site.hard, grown_of(run))))
    return RepeatsStudy(tuple(sides)) if sides else None


def stability_of(state: SessionState) -> Mapping[Slot, Stability]:
    """What is known by now of the slots that sample."""
    result = state.studies.get(KIND)
    found: Mapping[Slot, Stability] = {}
    if result is not None and isinstance(result.value, dict):
        found = result.value
    return found


def stability_slices(run: Run, side: Side) -> Iterator[Stability | None]:
    """How stable the choices of a run are, a slice at a time; None until all of it is known."""
    table = run.event_table(side.site, side.snapshot)
    inputs, of = _inputs(run)
    steps = min(int(table.step.max(initial=-1)) + 1, _STEPS)
    sums = np.zeros((inputs, steps, len(NUMBERS)))
    counts = np.zeros_like(sums)
    draws: dict[tuple[int, int], Draws] = {}
    started = time.perf_counter()
    for batch in _batches(table):
        expected = expected_agreement(run.maps_at(table.event[batch])).mean(axis=(1, 2))
        _add(sums, counts, of[table.example[batch]], table.step[batch], 2, expected)
        if time.perf_counter() - started > SLICE_SECONDS:
            yield None
            started = time.perf_counter()
    for rows in _repeated(table, of):
        keys = run.selections_at(table.event[rows])
        examples = tuple(table.example[rows].tolist())
        step = int(table.step[rows[0]])
        fallen = Draws(examples, keys)
        for example in examples:
            draws[example, step] = fallen
        one = of[table.example[rows[:1]]], table.step[rows[:1]]
        for column, value in enumerate(agreement_of(keys)):
            _add(sums, counts, *one, column, np.array([value]))
        if time.perf_counter() - started > SLICE_SECONDS:
            yield None
            started = time.perf_counter()
    with np.errstate(invalid="ignore"):
        by_step = sums / counts
        whole = sums.sum(axis=1) / counts.sum(axis=1)
    values = np.concatenate([whole, by_step.reshape(inputs, steps * len(NUMBERS))], axis=1)
    intervals: tuple[Interval, ...] = ()
    for result in bootstrap_slices(values, level=LEVEL, resamples=RESAMPLES):
        yield None
        intervals = result or intervals
    cut = iter(intervals)
    each = [{name: next(cut) for name in NUMBERS} for _ in range(1 + steps)]
    repeated = len({draw.examples for draw in draws.values()})
    yield Stability(inputs, repeated, each[0], tuple(each[1:]), draws)


def agreement_of(keys: NDArray[np.int64]) -> tuple[float, float]:
    """Share of pairs of draws that are the same, and of draws that are the commonest one.

    Of queries that draw several keys at once, the share of keys that two draws have in common.

    Args:
        keys: int64 [draws, heads, queries, n]; two draws or more.

    Returns:
        Both in [0, 1], means over heads and queries.
    """
    draws, *_, count = keys.shape
    same = (keys[:, None, ..., :, None] == keys[None, ..., None, :]).any(axis=-1)
    common = same.sum(axis=-1) / count
    pairs = (common.sum(axis=(0, 1)) - draws) / (draws * (draws - 1))
    commonest = common.sum(axis=1).max(axis=0) / draws
    return float(pairs.mean()), float(commonest.mean())


def _inputs(run: Run) -> tuple[int, NDArray[np.int64]]:
    """The number of different inputs, and which of them each example is."""
    digests = np.ascontiguousarray(run.example_digests).view("V32").reshape(-1)
    _, of = np.unique(digests, return_inverse=True)
    of = of.reshape(-1).astype(np.int64)
    # Beams share the content of their example, but go on from each other.
    beams = [row for row, name in enumerate(run.example_names) if BEAM in name]
    of[beams] = of.max(initial=-1) + 1 + np.arange(len(beams))
    _, of = np.unique(of, return_inverse=True)
    return int(of.max(initial=-1)) + 1, of.reshape(-1).astype(np.int64)


def _batches(table: EventTable) -> Iterator[NDArray[np.int64]]:
    """Rows of a table of one shape each, not too many at once."""
    shapes, kind = np.unique(table.shape[:, :3], axis=0, return_inverse=True)
    for number, (heads, queries, keys) in enumerate(shapes.tolist()):
        here = np.flatnonzero(kind.reshape(-1) == number)
        each = max(1, _AT_ONCE // max(1, heads * queries * keys))
        for start in range(0, here.size, each):
            yield here[start : start + each]


def _repeated(table: EventTable, of: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Rows of a table that are the same input at the same step, two or more of one shape."""
    chooses = np.flatnonzero(table.shape[:, 3] > 0)
    if not chooses.size:
        return
    where = of[table.example[chooses]] * (int(table.step.max()) + 1) + table.step[chooses]
    _, inverse, count = np.unique(where, return_inverse=True, return_counts=True)
    chooses = chooses[count[inverse] > 1]
    if not chooses.size:
        return
    what = np.column_stack([of[table.example], table.step, table.shape])[chooses]
    order = np.lexsort(what.T[::-1])
    cuts = np.flatnonzero((np.diff(what[order], axis=0) != 0).any(axis=1)) + 1
    for part in np.split(chooses[order], cuts):
        if part.size > 1:
            yield part


def _add(
    sums: Floats,
    counts: Floats,
    inputs: NDArray[np.int64],
    steps: NDArray[np.int64],
    column: int,
    values: Floats,
) -> None:
    kept = (steps < sums.shape[1]) & ~np.isnan(values)
    where = inputs[kept], steps[kept], np.full(int(kept.sum()), column)
    np.add.at(sums, where, values[kept])
    np.add.at(counts, where, 1.0)
