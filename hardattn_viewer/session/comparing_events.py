"""Events of two runs matched by example and step, and the numbers between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures import PAIR_MEASURES, pair_numbers
from hardattn_viewer.session.rows import align

if TYPE_CHECKING:
    from hardattn_viewer.session.comparing import CompareStudy
    from recorders.run.batches import EventTable
    from recorders.run.reader import Run

Floats = NDArray[np.float32]
Numbers = tuple[NDArray[np.float64], NDArray[np.int64]]
_M = len(PAIR_MEASURES)
_HEADS, _QUERIES, _KEYS, _CHOSEN = range(4)


@dataclass(frozen=True, eq=False)
class Batch:
    """Events of A and B of one shape each.

    Attributes:
        a: int64 [events], the events of A.
        b: int64 [events], those of B.
        at: int64 [events], which of the matched examples they are of.
        place: int64 [events, 3]: example in A, example in B, step.
        heads: heads of A and of B.
        queries: queries of each event.
        keys: keys of each query.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    at: NDArray[np.int64]
    place: NDArray[np.int64]
    heads: tuple[int, int]
    queries: int
    keys: int

    @property
    def cells(self) -> int:
        """Values of the maps of the side that has more of them."""
        return len(self.a) * max(self.heads) * self.queries * self.keys


@dataclass(frozen=True, eq=False)
class Matched:
    """The events that two runs have in common.

    Attributes:
        examples: int64 [examples, 2], the indices of each example in A and in B, in A's order.
        steps: the largest number of steps of any of them.
        skipped: bool [examples], where some of it could not be compared.
        words: sentences that say what could not be aligned.
        differs: indices into A of examples that are another input in B.
        events: int64 [events, 2] of A and B, comparable ones.
        at: int64 [events], which of the examples each is of; ascending.
        step: int64 [events].
        shape: int64 [events, 8]: heads, queries, keys, selected keys of A, then of B.
        kind: int64 [events], a number for each shape.
    """

    examples: NDArray[np.int64]
    steps: int
    skipped: NDArray[np.bool_]
    words: tuple[str, ...]
    differs: frozenset[int]
    events: NDArray[np.int64]
    at: NDArray[np.int64]
    step: NDArray[np.int64]
    shape: NDArray[np.int64]
    kind: NDArray[np.int64]

    def batches(self, first: int, last: int, cells: int) -> Iterator[Batch]:
        """The events of some examples, those of one shape together.

        Args:
            first: the first example.
            last: one past the last.
            cells: most values that the maps of a batch hold; a larger event is alone.
        """
        low, high = np.searchsorted(self.at, (first, last))
        if low == high:
            return
        kind = self.kind[low:high]
        for number in np.unique(kind).tolist():
            here = low + np.flatnonzero(kind == number)
            shape = self.shape[here[0]].tolist()
            heads = shape[_HEADS], shape[4 + _HEADS]
            queries, keys = shape[_QUERIES], shape[_KEYS]
            each = max(1, cells // max(1, max(heads) * queries * keys))
            for start in range(0, here.size, each):
                some = here[start : start + each]
                place = np.column_stack([self.examples[self.at[some]], self.step[some]])
                a, b = self.events[some].T
                yield Batch(a, b, self.at[some], place, heads, queries, keys)


def matched(study: CompareStudy, run_a: Run, run_b: Run) -> Matched:
    """The events of both sides of the same example and step."""
    names_a, names_b = run_a.example_names, run_b.example_names
    index_a, index_b = align(names_a, names_b)
    both = (index_a >= 0) & (index_b >= 0)
    examples = np.column_stack([index_a[both], index_b[both]])
    inputs = run_a.example_digests[examples[:, 0]], run_b.example_digests[examples[:, 1]]
    differing = (inputs[0] != inputs[1]).any(axis=1)
    table_a = run_a.event_table(study.a.site, study.a.snapshot)
    table_b = run_b.event_table(study.b.site, study.b.snapshot)
    in_a, in_b = _common(table_a, table_b, examples, len(names_a), len(names_b))
    order_of_a = np.full(len(names_a), -1)
    order_of_a[examples[:, 0]] = np.arange(len(examples))
    at = order_of_a[table_a.example[in_a]]
    shape = np.concatenate([table_a.shape[in_a], table_b.shape[in_b]], axis=1)
    fits = (shape[:, [_QUERIES, _KEYS]] == shape[:, [4 + _QUERIES, 4 + _KEYS]]).all(axis=1)
    skipped = np.zeros(len(examples), bool)
    skipped[at[~fits]] = True
    missing = np.bincount(at, minlength=len(examples)) == 0
    skipped |= missing
    words = (
        *_example_words(len(names_a), len(names_b), len(examples)),
        *_differing_words(int(differing.sum()), len(examples)),
        *_missing_words(int(missing.sum())),
        *_step_words(table_a, table_b, examples),
        *_key_words(shape[~fits], at[~fits], run_a, study),
    )
    step = table_a.step[in_a]
    return Matched(
        examples=examples,
        steps=int(step.max(initial=-1)) + 1,
        skipped=skipped,
        words=words,
        differs=frozenset(examples[differing, 0].tolist()),
        events=np.column_stack([table_a.event[in_a], table_b.event[in_b]])[fits],
        at=at[fits],
        step=step[fits],
        shape=shape[fits],
        kind=_kinds(shape[fits]),
    )


def _kinds(shape: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each row of shapes, the same for equal ones."""
    kind = np.zeros(len(shape), np.int64)
    for column in shape.T:
        if column.size and (column != column[0]).any():
            _, value = np.unique(column, return_inverse=True)
            _, kind = np.unique(kind * (int(value.max()) + 1) + value, return_inverse=True)
    return kind.reshape(-1)


def batch_numbers(study: CompareStudy, runs: tuple[Run, Run], batch: Batch) -> Numbers:
    """Numbers [events, lanes, measures] of a batch, and the worst query [events, lanes] of each."""
    maps_a, maps_b = runs[0].maps_at(batch.a), runs[1].maps_at(batch.b)
    by, chosen = _choices(study, runs, batch)
    events, lanes = len(batch.a), len(study.lanes)
    values = np.full((events, lanes, _M), np.nan)
    query = np.zeros((events, lanes), np.int64)
    for number, (head_a, head_b) in enumerate(study.lanes):
        if not _has(head_a, batch.heads[0]) or not _has(head_b, batch.heads[1]):
            continue
        a = maps_a.mean(axis=1) if head_a is None else maps_a[:, head_a]
        b = maps_b.mean(axis=1) if head_b is None else maps_b[:, head_b]
        picked = _picked(chosen, head_a if by == "A" else head_b)
        rows = pair_numbers(
            a.reshape(-1, batch.keys),
            b.reshape(-1, batch.keys),
            None if picked is None else picked.reshape(events * batch.queries, -1),
            by,
        ).reshape(events, batch.queries, _M)
        values[:, number] = _known_means(rows)
        query[:, number] = np.nan_to_num(rows[..., 1], nan=-1.0).argmax(axis=1)
    return values, query


def band_numbers(
    study: CompareStudy, runs: tuple[Run, Run], batch: Batch, cells: int
) -> Iterator[Numbers | None]:
    """The same of one event, some rows of one head at a time; None until all of it is known."""
    example_a, example_b, step = batch.place[0].tolist()
    by, chosen = _choices(study, runs, batch)
    sums, counts = np.zeros((len(study.lanes), _M)), np.zeros((len(study.lanes), _M))
    worst = np.full(len(study.lanes), -1.0)
    query = np.zeros(len(study.lanes), np.int64)
    height = max(1, cells // max(1, batch.keys))
    for first in range(0, batch.queries, height):
        rows = slice(first, min(first + height, batch.queries))
        places = (study.a, runs[0], example_a), (study.b, runs[1], example_b)
        bands = [
            _Band(run, side.site, example, step, side.snapshot, rows, heads)
            for (side, run, example), heads in zip(places, batch.heads, strict=True)
        ]
        for number, lane in enumerate(study.lanes):
            if not all(_has(head, band.heads) for head, band in zip(lane, bands, strict=True)):
                continue
            for head, band in zip(lane, bands, strict=True):
                for _ in band.ready(head):
                    yield None
            a, b = (band.take(head) for head, band in zip(lane, bands, strict=True))
            picked = _picked(chosen, lane[0] if by == "A" else lane[1])
            found = pair_numbers(a, b, None if picked is None else picked[0, rows], by)
            known = ~np.isnan(found)
            sums[number] += np.where(known, found, 0).sum(axis=0)
            counts[number] += known.sum(axis=0)
            far = np.nan_to_num(found[:, 1], nan=-1.0)
            if far.size and far.max() > worst[number]:
                worst[number] = far.max()
                query[number] = first + int(far.argmax())
            yield None
    with np.errstate(invalid="ignore"):
        yield (sums / counts)[None], query[None]


class _Band:
    """Some rows of all heads of one event, read head by head."""

    def __init__(
        self,
        run: Run,
        site: str,
        example: int,
        step: int,
        snapshot: int | None,
        rows: slice,
        heads: int,
    ) -> None:
        self._run, self._where = run, (site, example, step)
        self._snapshot, self._rows, self.heads = snapshot, rows, heads
        self._mean: Floats | None = None
        self._one: tuple[int, Floats] | None = None

    def ready(self, head: int | None) -> Iterator[None]:
        """Read what is needed of a head, or of all for their mean, one at a time."""
        if head is not None:
            self._one = head, self._read(head)
            yield None
        elif self._mean is None:
            total = self._read(0)
            for other in range(1, self.heads):
                yield None
                total += self._read(other)
            self._mean = total / np.float32(self.heads)
            yield None

    def take(self, head: int | None) -> Floats:
        """The rows [queries, keys] that are ready."""
        if head is None and self._mean is not None:
            return self._mean
        if self._one is None or self._one[0] != head:
            raise ValueError(f"head {head} was not read")
        return self._one[1]

    def _read(self, head: int) -> Floats:
        rows: Floats = self._run.window(
            *self._where,
            heads=slice(head, head + 1),
            queries=self._rows,
            snapshot=self._snapshot,
        )[0]
        return rows


def _common(
    a: EventTable, b: EventTable, examples: NDArray[np.int64], size_a: int, size_b: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of both tables of the same example and step, in the order of the matched examples."""
    wide = int(max(a.step.max(initial=0), b.step.max(initial=0))) + 1
    keys = []
    for table, column, size in ((a, 0, size_a), (b, 1, size_b)):
        order = np.full(size, -1, np.int64)
        order[examples[:, column]] = np.arange(len(examples))
        at = order[table.example]
        keys.append((at * wide + table.step, np.flatnonzero(at >= 0)))
    (key_a, known_a), (key_b, known_b) = keys
    wanted, there = key_a[known_a], key_b[known_b]
    order = np.argsort(there, kind="stable")
    found = np.searchsorted(there[order], wanted)
    hit = np.flatnonzero(found < there.size)
    hit = hit[there[order][found[hit]] == wanted[hit]]
    return known_a[hit], known_b[order[found[hit]]]


def _choices(
    study: CompareStudy, runs: tuple[Run, Run], batch: Batch
) -> tuple[str, NDArray[np.int64] | None]:
    """Which side's choice counts, and what it chose [events, heads, queries, n]; None for none."""
    if study.a.hard == study.b.hard:
        return "", None
    by, run, events = ("A", runs[0], batch.a) if study.a.hard else ("B", runs[1], batch.b)
    return by, run.selections_at(events)


def _picked(chosen: NDArray[np.int64] | None, head: int | None) -> NDArray[np.int64] | None:
    """What a head chose, or all of them: [events, queries, n]."""
    if chosen is None:
        return None
    if head is not None:
        return chosen[:, head]
    events, heads, queries, count = chosen.shape
    return chosen.transpose(0, 2, 1, 3).reshape(events, queries, heads * count)


def _has(head: int | None, heads: int) -> bool:
    return head is None or head < heads


def _known_means(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means [events, measures] over the queries that are known."""
    if rows.shape[1] == 1:
        return rows[:, 0]
    known = ~np.isnan(rows)
    with np.errstate(invalid="ignore"):
        means: NDArray[np.float64] = np.where(known, rows, 0.0).sum(axis=1) / known.sum(axis=1)
    return means


def _example_words(in_a: int, in_b: int, both: int) -> Sequence[str]:
    alone = [
        f"{count - both:,} of {slot}" for slot, count in (("A", in_a), ("B", in_b)) if count > both
    ]
    words = " and ".join(alone)
    return [f"Examples without a partner of the same name: {words}."] if alone else []


def _differing_words(count: int, of: int) -> Sequence[str]:
    if not count:
        return []
    return [
        f"{count:,} of {of:,} examples hold another input (or label) in B under the same name; "
        "they are compared all the same."
    ]


def _missing_words(count: int) -> Sequence[str]:
    return [f"{count:,} examples hold no common step at these sites."] if count else []


def _step_words(a: EventTable, b: EventTable, examples: NDArray[np.int64]) -> Sequence[str]:
    counts = [
        np.bincount(table.example, minlength=int(column.max(initial=-1)) + 1)[column]
        for table, column in ((a, examples[:, 0]), (b, examples[:, 1]))
    ]
    other = counts[0] != counts[1]
    if not other.any():
        return []
    first = int(other.argmax())
    return [
        f"Steps differ in {int(other.sum()):,} examples (A has {counts[0][first]}, B "
        f"{counts[1][first]} in the first): only common steps are compared."
    ]


def _key_words(
    shape: NDArray[np.int64], at: NDArray[np.int64], run: Run, study: CompareStudy
) -> Sequence[str]:
    if not len(shape):
        return []
    one = shape[0].tolist()
    noun = next((site.key_axis for site in run.sites if site.name == study.a.site), "") or "keys"
    what, where = (noun, _KEYS) if one[_KEYS] != one[4 + _KEYS] else ("queries", _QUERIES)
    kind = "Keys" if where == _KEYS else "Queries"
    return [
        f"{kind} differ in {np.unique(at).size:,} examples: A has {one[where]:,} {what}, "
        f"B {one[4 + where]:,}; they are left out."
    ]
