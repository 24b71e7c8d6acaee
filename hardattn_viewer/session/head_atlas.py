"""A study of all heads of a run at one place: a small map and numbers of each."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures import mean_over_queries
from hardattn_viewer.session.atlas import MEASURES, Measure
from hardattn_viewer.session.head_numbers import SMALL, HeadNumbers, SiteHeads, coded
from hardattn_viewer.session.head_rows import Layout, layout_of, numbers_of_rows, special_keys
from hardattn_viewer.session.recorded import event_of
from hardattn_viewer.session.wants import snapshot_of
from recorders.run.detail import block_of, is_large
from recorders.run.errors import DamagedError

if TYPE_CHECKING:
    from hardattn_viewer.session.frames import Place
    from hardattn_viewer.session.state import SessionState, Slot
    from recorders.run.reader import Run, Site
    from recorders.run.records import Event

# Values that are read and measured at once: a few milliseconds.
AT_ONCE = 1 << 17
# Seconds between two results that are worth drawing.
SHOW_EVERY = 0.06
# Seconds after which pictures that were asked for meanwhile get their turn.
TURN = 0.006
# Queries of a large map whose rows are read for the numbers.
SAMPLED = 64
_KINDS = ("self", "cross")
_LN2 = float(np.log(2.0))
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Side:
    """One run at one example and moment of training.

    Attributes:
        key: the open run.
        example: index of the example in it.
        snapshot: index of the snapshot; None is the last.
        generation: grows when something comes to the run.
    """

    key: int
    example: int
    snapshot: int | None = None
    generation: int = 0


@dataclass(frozen=True)
class HeadStudy:
    """What is all of the heads of a run like, at one step?

    Attributes:
        run: whose heads.
        step: the step.
        other: the run that each head is compared with, or None.
    """

    run: Side
    step: int = 0
    other: Side | None = None

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return (self.run.key,) if self.other is None else (self.run.key, self.other.key)

    @property
    def place(self) -> HeadStudy:
        """The same question, however much of the runs there is by then."""
        other = None if self.other is None else replace(self.other, generation=0)
        return replace(self, run=replace(self.run, generation=0), other=other)

    def results(self, runs: Mapping[int, Run]) -> Iterator[HeadNumbers | None]:
        """Read site by site, by layer; each result holds all sites that are known by then."""
        here = _Moment(runs[self.run.key], self.run, self.step)
        other = None
        if self.other is not None:
            other = _Moment(runs[self.other.key], self.other, self.step)
        known: list[SiteHeads] = []
        shown = turn = time.monotonic()
        for site in sorted(here.run.sites, key=_by_layer):
            for found in _site_heads(here, site, other):
                if found is not None:
                    known.append(found)
                if time.monotonic() - turn > TURN:
                    yield None
                    turn = time.monotonic()
            if time.monotonic() - shown > SHOW_EVERY:
                yield _numbers(here, other, tuple(known))
                shown = turn = time.monotonic()
        yield _numbers(here, other, tuple(known))


def numbers_at(runs: Sequence[Run], places: Sequence[Place]) -> HeadNumbers:
    """The numbers of all heads of the first run, held against those of the second if there is one.

    Args:
        runs: one or two.
        places: where to look in each; its example, step and snapshot count.
    """
    sides = [Side(at, one.example, one.snapshot) for at, one in enumerate(places)]
    study = HeadStudy(sides[0], places[0].step, sides[1] if len(sides) > 1 else None)
    found = [one for one in study.results(dict(enumerate(runs))) if one is not None]
    return found[-1]


@dataclass(frozen=True)
class _Moment:
    """One run at one place of all its sites."""

    run: Run
    side: Side
    step: int

    @property
    def where(self) -> tuple[int, int, int]:
        last = len(self.run.snapshots) - 1
        snapshot = last if self.side.snapshot is None else self.side.snapshot
        return self.side.example, self.step, snapshot

    def event(self, site: Site) -> Event | None:
        return event_of(self.run, site, *self.where)


@dataclass(frozen=True)
class _Heads:
    """The heads of another run's site that belong to those of a site, and the run."""

    moment: _Moment
    site: Site
    of: tuple[int, ...]


def heads_wanted(state: SessionState) -> HeadStudy | None:
    """The study that the view of all heads shows; None where that is not shown."""
    if state.view != "heads" or state.rows is None:
        return None
    run = shown_side(state)
    if run is None:
        return None
    other = _side(state, "B" if state.shown_slot == "A" else "A")
    study = HeadStudy(run, state.place.step, other)
    known = state.studies.get("heads")
    # What was recorded of a step stays as it is, also while more of the run is recorded.
    if known is not None and isinstance(known.study, HeadStudy) and known.finished:
        value = known.value
        whole = isinstance(value, HeadNumbers) and all(one.queries for one in value.sites)
        if whole and known.study.place == study.place:
            return known.study
    return study


def shown_side(state: SessionState) -> Side | None:
    """The run whose heads are shown, at the state's example; None where it does not hold that."""
    return _side(state, state.shown_slot)


def _side(state: SessionState, slot: Slot) -> Side | None:
    run = state.run_in(slot)
    if run is None or run.status != "ready" or state.rows is None or not len(state.rows):
        return None
    example = state.rows.index(slot, state.place.example)
    if example < 0:
        return None
    snapshot, facts = snapshot_of(state, slot), run.facts
    if snapshot is None and facts is not None:
        snapshot = len(facts.snapshots) - 1
    return Side(run.key, example, snapshot, run.generation)


def _by_layer(site: Site) -> tuple[bool, int, int, int]:
    kind = _KINDS.index(site.kind) if site.kind in _KINDS else len(_KINDS)
    return site.layer < 0, site.layer, kind if site.layer >= 0 else 0, site.index


def _numbers(here: _Moment, other: _Moment | None, known: tuple[SiteHeads, ...]) -> HeadNumbers:
    run = here.run
    example, step, snapshot = here.where
    return HeadNumbers(
        run_name=run.name,
        example=example,
        example_name=run.examples[example].name,
        step=step,
        training_step=run.snapshots[snapshot].step if len(run.snapshots) > 1 else None,
        sites=known,
        total=sum(site.heads for site in run.sites),
        other_name="" if other is None else other.run.name,
    )


def _site_heads(here: _Moment, site: Site, other: _Moment | None) -> Iterator[SiteHeads | None]:
    """The heads of one site, after as many None as it takes time."""
    try:
        event = here.event(site)
        if event is None:
            yield _nothing(site, "nothing was recorded here at this step")
        else:
            yield from _measured(here, site, event, other)
    except DamagedError as problem:
        yield _nothing(site, str(problem))


def _measured(
    here: _Moment, site: Site, event: Event, other: _Moment | None
) -> Iterator[SiteHeads | None]:
    special = special_keys(site, event, here.run.key_names(site, *here.where))
    layout = layout_of(site, event, special)
    beside, why_not = _beside(here, site, event, other)
    why: dict[str, str] = {str(name): words for name, words in layout.why.items()}
    if why_not:
        why["disagreement"] = why_not
    reading = _Reading(here, site, event, layout, beside)
    large = is_large(event.queries, event.keys)
    block = (block_of(event.queries, SMALL), block_of(event.keys, SMALL))
    if large:
        maps, block = yield from reading.overviews(why)
        yield from reading.sampled()
    else:
        maps = yield from reading.everything(block)
    codes = [coded(one) for one in maps]
    numbers = {name: mean_over_queries(rows) for name, rows in reading.rows.items()}
    numbers["entropy"] = mean_over_queries(here.run.entropy(site, *here.where) / _LN2)
    yield SiteHeads(
        site=site.name,
        layer=site.layer,
        kind=site.kind,
        numbers_in_model=_numbered(site, event.heads),
        hard=site.hard,
        queries=event.queries,
        keys=event.keys,
        maps=np.stack([one for one, _ in codes]) if codes else np.zeros((0, 0, 0), np.uint8),
        largest=np.array([largest for _, largest in codes], np.float32),
        block=block,
        rows_read=min(SAMPLED, event.queries) if large else event.queries,
        numbers=numbers,
        why=why,
    )


class _Reading:
    """Reads the maps of one site part by part, and keeps the numbers of its rows."""

    def __init__(
        self, here: _Moment, site: Site, event: Event, layout: Layout, beside: _Heads | None
    ) -> None:
        self._here = here
        self._site = site
        self._event = event
        self._layout = layout
        self._beside = beside
        self._selection = here.run.selection(site, *here.where)
        self.rows: dict[Measure, NDArray[np.float64]] = {}

    def everything(self, block: tuple[int, int]) -> Generator[None, None, list[Floats]]:
        """All rows of all heads; returns the maps in blocks, one array a head."""
        event = self._event
        cells = event.queries * event.keys
        together = max(1, AT_ONCE // cells)
        step = max(1, AT_ONCE // (event.keys * block[0])) * block[0]
        maps: list[Floats] = []
        for start in range(0, event.heads, together):
            heads = slice(start, min(start + together, event.heads))
            parts = []
            for first in range(0, event.queries, step):
                queries = slice(first, min(first + step, event.queries))
                parts.append(_pooled(self._measure(heads, queries), block))
                yield
            maps += list(np.concatenate(parts, axis=1))
        return maps

    def sampled(self) -> Iterator[None]:
        """Rows of some queries, evenly spaced; those of the others stay unknown."""
        count = min(SAMPLED, self._event.queries)
        queries = ((np.arange(count) + 0.5) * self._event.queries / count).astype(int)
        together = max(1, AT_ONCE // self._event.keys)
        for start in range(0, self._event.heads, together):
            heads = slice(start, min(start + together, self._event.heads))
            for query in queries.tolist():
                self._measure(heads, slice(query, query + 1))
                yield

    def overviews(
        self, why: dict[str, str]
    ) -> Generator[None, None, tuple[list[Floats], tuple[int, int]]]:
        """The stored levels of large maps, in blocks; returns the maps and the blocks."""
        run, event = self._here.run, self._event
        if not run.sealed:
            why["maps"] = "small pictures of maps this large are made when the run is sealed"
            unknown = np.full((1, 1), np.nan, np.float32)
            return [unknown] * event.heads, (event.queries, event.keys)
        maps, block = [], (1, 1)
        for head in range(event.heads):
            found = run.overview(
                self._site,
                self._here.side.example,
                self._here.step,
                head=head,
                size=SMALL,
                snapshot=self._here.where[2],
            )
            maps.append(found.values)
            block = found.query_block, found.key_block
            yield
        return maps, block

    def _measure(self, heads: slice, queries: slice) -> Floats:
        """Read rows, keep their numbers, and return them [heads, rows, keys]."""
        example, step, snapshot = self._here.where
        read = partial(self._here.run.window, self._site, example, step, snapshot=snapshot)
        rows: Floats = read(heads=heads, queries=queries)
        chosen = None if self._selection is None else self._selection[heads, queries]
        found = numbers_of_rows(rows, queries, self._layout, chosen, self._others(heads, queries))
        for name, values in found.items():
            whole = self.rows.get(name)
            if whole is None:
                whole = np.full((self._event.heads, self._event.queries), np.nan)
                self.rows[name] = whole
            whole[heads, queries] = values
        return rows

    def _others(self, heads: slice, queries: slice) -> Floats | None:
        """The same rows of the other run; NaN for a head that it has none of."""
        if self._beside is None:
            return None
        moment, site = self._beside.moment, self._beside.site
        example, step, snapshot = moment.where
        read = partial(moment.run.window, site, example, step, snapshot=snapshot, queries=queries)
        return np.concatenate(
            [
                read(heads=slice(at, at + 1))
                if at >= 0
                else np.full((1, queries.stop - queries.start, self._event.keys), np.nan, "f4")
                for at in self._beside.of[heads]
            ]
        )


def _pooled(rows: Floats, block: tuple[int, int]) -> Floats:
    """[heads, rows, keys] with the largest of each block; a missing value hides no number."""
    for axis, size in ((1, block[0]), (2, block[1])):
        if size > 1:
            rows = np.fmax.reduceat(rows, np.arange(0, rows.shape[axis], size), axis=axis)
    return rows


def _beside(
    here: _Moment, site: Site, event: Event, other: _Moment | None
) -> tuple[_Heads | None, str]:
    """The heads of the other run that are compared with a site's, or why there are none."""
    if other is None:
        return None, "there is no other run beside this one"
    there = next((one for one in other.run.sites if one.name == site.name), None)
    if there is None:
        return None, f"{other.run.name} has no site {site.name}"
    theirs = other.event(there)
    if theirs is None:
        return None, f"{other.run.name} recorded nothing here at this step"
    placed = ("queries", "keys", "first_query", "query_stride", "first_key", "windows", "sink")
    same = all(getattr(event, name) == getattr(theirs, name) for name in placed)
    if not same or here.run.key_names(site, *here.where) != other.run.key_names(
        there, *other.where
    ):
        return None, f"{other.run.name} has other queries or keys here"
    numbers = _numbered(there, theirs.heads)
    found = tuple(
        numbers.index(number) if number in numbers else -1
        for number in _numbered(site, event.heads)
    )
    return _Heads(other, there, found), ""


def _numbered(site: Site, heads: int) -> tuple[int, ...]:
    """The heads' numbers in the model; their indices where those are not known."""
    known = site.head_indices
    return known if len(known) == heads else tuple(range(heads))


def _nothing(site: Site, why: str) -> SiteHeads:
    heads = site.heads
    return SiteHeads(
        site=site.name,
        layer=site.layer,
        kind=site.kind,
        numbers_in_model=_numbered(site, heads),
        hard=site.hard,
        queries=0,
        keys=0,
        maps=np.zeros((heads, 1, 1), np.uint8),
        largest=np.zeros(heads, np.float32),
        block=(1, 1),
        rows_read=0,
        numbers={},
        why={"maps": why, **dict.fromkeys(MEASURES, why)},
    )
