"""Two runs compared over every example that both hold: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardattn_viewer.measures import Interval, PairMeasure
from hardattn_viewer.session.disagreements import Tops
from hardattn_viewer.session.pairing import Lane, Pairing, pairing_of
from hardattn_viewer.session.wants import snapshot_of

if TYPE_CHECKING:
    from hardattn_viewer.session.state import OpenRun, SessionState, Slot
    from recorders.run.reader import Run

KIND = "compare"
RESAMPLES = 1000
LEVEL = 0.95
# Runs that grow are compared anew each time they have grown by a sixteenth.
_KEPT_BITS = 4

Numbers = Mapping[PairMeasure, Interval]


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        key: the open run.
        site: name of the site.
        snapshot: index of the snapshot; None is the last.
        hard: whether items are selected at the site.
        grown: what tells one state of a growing run from another.
    """

    key: int
    site: str
    snapshot: int | None
    hard: bool
    grown: tuple[bool, int] = (True, 0)


@dataclass(frozen=True, eq=False)
class Comparison:
    """How far two runs agree, over the examples that were compared so far.

    Examples are averaged over their queries, then over their steps; the intervals draw whole
    examples.

    Attributes:
        done: number of examples compared.
        total: number of examples that both runs hold.
        skipped: how many of those done could not be compared, wholly or in part.
        lanes: the pairs of heads that were compared; see ``Pairing``.
        overall: the numbers over all examples, for each lane.
        steps: the same of one step each, for as many of the lanes as there is memory for, and
            for the first steps; empty while they are not known yet.
        tops: where they disagree most.
        level: coverage of the intervals.
        resamples: bootstrap resamples of the intervals.
        words: sentences that say what could not be aligned or compared.
        differs: indices into A of examples that are another input in B under the same name.
        one_hard: whether exactly one side selects, so that there is a mass on its choice.
    """

    done: int
    total: int
    skipped: int
    lanes: tuple[Lane, ...]
    overall: tuple[Numbers, ...]
    steps: tuple[tuple[Numbers, ...], ...]
    tops: Tops
    level: float
    resamples: int
    words: tuple[str, ...]
    differs: frozenset[int]
    one_hard: bool

    @property
    def finished(self) -> bool:
        """Whether every example has been compared, and the intervals are known."""
        return self.done >= self.total and self.resamples >= RESAMPLES

    @property
    def same_argmax(self) -> Interval:
        """How often both look most at the same key, in [0, 1], of the first lane."""
        return self.overall[0]["same_argmax"]

    @property
    def jensen_shannon(self) -> Interval:
        """Divergence in bits, of the first lane."""
        return self.overall[0]["jensen_shannon"]

    @property
    def soft_mass(self) -> Interval | None:
        """Mass of the soft run on the hard one's choice; None where neither or both are hard."""
        return self.overall[0]["soft_mass"] if self.one_hard else None

    def step(self, step: int, lane: int = 0) -> Numbers | None:
        """The numbers over all examples at one step; None where they are not known."""
        known = lane < len(self.steps) and step < len(self.steps[lane])
        return self.steps[lane][step] if known else None

    @property
    def worst_lane(self) -> int | None:
        """The pair of heads whose divergence is largest; None where there are no several."""
        heads = range(1, len(self.lanes))
        known = [lane for lane in heads if self.overall[lane]["jensen_shannon"].count]
        if not known:
            return None
        return max(known, key=lambda lane: self.overall[lane]["jensen_shannon"].mean)


@dataclass(frozen=True)
class CompareStudy:
    """How far two sides agree over all examples of the same name.

    Attributes:
        a: the side in slot A.
        b: the side in slot B.
        lanes: the pairs of heads to compare.
    """

    a: Side
    b: Side
    lanes: tuple[Lane, ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return (self.a.key, self.b.key)

    def results(self, runs: Mapping[int, Run]) -> Iterator[Comparison | None]:
        """Compare, a slice at a time; each result covers more examples than the one before.

        Raises:
            recorders.RunError: a run is damaged.
        """
        # Only who compares needs what it is worked out with.
        from hardattn_viewer.session.comparing_work import Work

        yield from Work(self, runs[self.a.key], runs[self.b.key]).slices()


def compare_wanted(state: SessionState) -> CompareStudy | None:
    """The comparison that is shown, or None where none is."""
    return study_of(state) if state.view == "compare" and state.rows is not None else None


def study_of(state: SessionState) -> CompareStudy | None:
    """The comparison of A and B, whatever is shown; None where they cannot be compared."""
    pairing = pairing_of(state)
    if pairing is None:
        return None
    a, b = _side(state, "A", pairing), _side(state, "B", pairing)
    return None if a is None or b is None else CompareStudy(a, b, pairing.lanes)


def comparison_of(state: SessionState) -> Comparison | None:
    """What is known by now of the comparison that is shown."""
    result = state.studies.get(KIND)
    value = result.value if result is not None else None
    return value if isinstance(value, Comparison) else None


def grown_of(run: OpenRun) -> tuple[bool, int]:
    """What tells one state of a growing run from another, coarser the more it has grown."""
    if run.live is None:
        return True, run.generation
    coarse = max(0, run.generation.bit_length() - _KEPT_BITS - 1)
    return False, run.generation >> coarse << coarse


def _side(state: SessionState, slot: Slot, pairing: Pairing) -> Side | None:
    run = state.run_in(slot)
    if run is None or run.status != "ready":
        return None
    site = pairing.a if slot == "A" else pairing.b
    return Side(run.key, site.name, snapshot_of(state, slot), site.hard, grown_of(run))
