"""Numbers over the course of training: means over examples at every snapshot, read in slices."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures import largest_probability
from hardattn_viewer.session.rows import NATS_PER_BIT, Rows
from hardattn_viewer.session.studies import Study

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState, Slot
    from recorders.run.reader import Run, Site

Floats = NDArray[np.float64]

MOST_EXAMPLES = 2_000
"""Examples that means are taken of; of more, so many are drawn at random."""

SLICE_SECONDS = 0.008
NEWS_SECONDS = 0.1
LEVEL = 1.959964
"""Standard errors to each side of a mean that cover 95 % of a Normal distribution."""

_LAST_STEP = ("reward",)
_IN_NATS = ("entropy",)


@dataclass(frozen=True)
class Side:
    """One run of a study.

    Attributes:
        slot: where it is.
        key: the open run.
        generation: grows when something comes to it.
        site: name of the site; None for the first.
        maps: whether maps are small enough to be read for every example.
    """

    slot: Slot
    key: int
    generation: int
    site: str | None
    maps: bool


@dataclass(frozen=True, eq=False)
class Kept:
    """The rows that pass the filter: the same in whatever order they are listed."""

    rows: Rows
    order: tuple[int, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Kept):
            return NotImplemented
        if self.order is other.order and self.rows is other.rows:
            return True
        return self.rows.names == other.rows.names and sorted(self.order) == sorted(other.order)

    def __hash__(self) -> int:
        return hash(len(self.order))


@dataclass(frozen=True, eq=False)
class Means:
    """A number at every snapshot.

    Attributes:
        mean: float64 [snapshots], mean over the examples that hold it; NaN where none does.
        half_width: float64 [snapshots], half of a 95 % interval of that mean, from its standard
            error; NaN of fewer than two examples.
        count: int64 [snapshots], examples that went in.
    """

    mean: Floats
    half_width: Floats
    count: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Course:
    """How the training of one run went, as far as it was read.

    Attributes:
        slot: where the run is.
        run_name: its name.
        hard: whether the site selects items.
        steps: int64 [snapshots], the training steps.
        means: by name: numbers of the recorded examples. entropy in bits; hardness is the largest
            probability; accuracy the share of right predictions; p_true the probability of the
            true class.
        told: by name, float64 [snapshots]: what training itself told, entropy in bits.
        done: examples read.
        chosen: examples to read.
        total: examples that there are to choose from.
    """

    slot: Slot
    run_name: str
    hard: bool
    steps: NDArray[np.int64]
    means: Mapping[str, Means]
    told: Mapping[str, Floats]
    done: int
    chosen: int
    total: int


@dataclass(frozen=True)
class TrainingCourse(Study):
    """The course of training of the runs in A and B.

    Attributes:
        sides: the runs that have snapshots.
        kept: the examples to read; None for all.
    """

    sides: tuple[Side, ...]
    kept: Kept | None = None

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return tuple(side.key for side in self.sides)

    def results(self, runs: Mapping[int, Run]) -> Iterator[tuple[Course, ...] | None]:
        """The courses of all runs; each result holds more examples than the one before."""
        readers = [_Reader(side, runs[side.key], self._examples(side)) for side in self.sides]
        told = time.monotonic()
        yield tuple(reader.course() for reader in readers)
        waiting = [reader.read() for reader in readers]
        while waiting:
            # Run after run, so that both curves grow at once.
            waiting = [one for one in waiting if next(one, None) is not None]
            if time.monotonic() - told > NEWS_SECONDS:
                yield tuple(reader.course() for reader in readers)
                told = time.monotonic()
            else:
                yield None
        yield tuple(reader.course() for reader in readers)

    def _examples(self, side: Side) -> NDArray[np.int64] | None:
        if self.kept is None:
            return None
        columns = self.kept.rows.a if side.slot == "A" else self.kept.rows.b
        if columns is None:
            return np.zeros(0, np.int64)
        found = columns.index[list(self.kept.order)]
        return np.sort(found[found >= 0])


@dataclass
class _Running:
    """A mean and its spread at every snapshot, one number more at a time (Welford 1962)."""

    count: NDArray[np.int64]
    mean: Floats
    squares: Floats

    def add(self, snapshot: int, value: float) -> None:
        self.count[snapshot] += 1
        off = value - self.mean[snapshot]
        self.mean[snapshot] += off / self.count[snapshot]
        self.squares[snapshot] += off * (value - self.mean[snapshot])

    def means(self) -> Means:
        n = self.count
        mean = np.where(n > 0, self.mean, np.nan)
        several = np.maximum(n - 1, 1)
        spread = np.sqrt(self.squares / several / np.maximum(n, 1))
        return Means(mean, np.where(n > 1, LEVEL * spread, np.nan), n.copy())


@dataclass
class _Reader:
    """Reads one run, example after example, every snapshot of each."""

    side: Side
    run: Run
    examples: NDArray[np.int64] | None
    done: int = 0
    chosen: NDArray[np.int64] = field(init=False)
    total: int = field(init=False)
    running: dict[str, _Running] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = np.arange(len(self.run.examples)) if self.examples is None else self.examples
        self.total = int(found.size)
        # In random order the first few stand for all of them.
        order = np.random.default_rng(0).permutation(found.size)
        self.chosen = found[order[:MOST_EXAMPLES]]

    def read(self) -> Iterator[bool]:
        begun = time.monotonic()
        snapshots = len(self.run.snapshots)
        site = _site(self.run, self.side.site)
        for example in self.chosen.tolist():
            for snapshot in range(snapshots):
                numbers = example_numbers(self.run, site, example, snapshot, maps=self.side.maps)
                for name, value in numbers.items():
                    if name not in self.running:
                        zeros = np.zeros(snapshots)
                        counts = np.zeros(snapshots, np.int64)
                        self.running[name] = _Running(counts, zeros.copy(), zeros.copy())
                    self.running[name].add(snapshot, value)
                if time.monotonic() - begun > SLICE_SECONDS:
                    yield True
                    begun = time.monotonic()
            self.done += 1

    def course(self) -> Course:
        site = _site(self.run, self.side.site)
        return Course(
            slot=self.side.slot,
            run_name=self.run.name,
            hard=site is not None and site.hard,
            steps=np.array([snapshot.step for snapshot in self.run.snapshots], np.int64),
            means={name: one.means() for name, one in self.running.items()},
            told={
                name: values / NATS_PER_BIT if name in _IN_NATS else values
                for name, values in self.run.training_scalars().items()
            },
            done=self.done,
            chosen=int(self.chosen.size),
            total=self.total,
        )


def example_numbers(
    run: Run, site: Site | None, example: int, snapshot: int, *, maps: bool = True
) -> dict[str, float]:
    """The numbers of one example at one snapshot; what it does not hold is left out.

    Args:
        run: the run.
        site: whose entropy, log-probability, temperature and maps; None where there is none.
        example: index of the example.
        snapshot: index of the snapshot.
        maps: whether to read its maps, for hardness.

    Returns:
        By name: entropy (bits, mean over steps, heads and queries), hardness (the same mean of the
        largest probability of a row), temperature, baseline, advantage, log_prob and the
        recorder's own scalars (mean over steps), reward (of the last step), accuracy (1 where the
        prediction is the label, else 0) and p_true (probability of the true class).

    Raises:
        recorders.RunError: the run is damaged there.
    """
    found: dict[str, float] = {}
    for name, values in run.scalars(example, site, snapshot).items():
        known = values[np.isfinite(values)]
        if known.size:
            value = float(known[-1] if name in _LAST_STEP else known.mean())
            found[name] = value / NATS_PER_BIT if name in _IN_NATS else value
    outcome, label = run.outcome(example, snapshot), run.examples[example].label
    if outcome.prediction is not None and label is not None:
        found["accuracy"] = float(outcome.prediction == label)
    if outcome.label_probability is not None:
        found["p_true"] = outcome.label_probability
    if maps and site is not None:
        peaks = [
            largest_probability(one) for one in run.maps(site, example, snapshot) if one.shape[-1]
        ]
        # A query that may look nowhere has no largest probability.
        seen = [float(peak[peak > 0].mean()) for peak in peaks if (peak > 0).any()]
        if seen:
            found["hardness"] = float(np.mean(seen))
    return found


def course_wanted(state: SessionState) -> TrainingCourse | None:
    """The study that the training view draws."""
    sides = sides_of(state)
    if not sides or state.rows is None:
        return None
    kept = None
    if state.display.filtered_curves and state.filter:
        kept = Kept(state.rows, state.order)
    return TrainingCourse(sides, kept)


def sides_of(state: SessionState) -> tuple[Side, ...]:
    """The runs whose training can be shown, where the training view is shown."""
    if state.view != "training":
        return ()
    found = []
    slots: tuple[Slot, ...] = ("A", "B")
    for slot in slots:
        run, facts = state.run_in(slot), state.facts(slot)
        if run is None or facts is None or run.status != "ready" or len(facts.snapshots) < 2:
            continue
        site = facts.site(state.place.site) if facts.has_site(state.place.site) else None
        small = site is not None and not site.large
        found.append(Side(slot, run.key, run.generation, site.name if site else None, small))
    return tuple(found)


def _site(run: Run, name: str | None) -> Site | None:
    return next((site for site in run.sites if site.name == name), None)
