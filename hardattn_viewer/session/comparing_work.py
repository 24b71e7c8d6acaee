"""The work behind a comparison of two runs: events matched, read in batches, numbers gathered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures import PAIR_MEASURES, Interval, bootstrap_slices
from hardattn_viewer.session.comparing import LEVEL, RESAMPLES, CompareStudy, Comparison, Numbers
from hardattn_viewer.session.comparing_events import Batch, Matched, band_numbers, batch_numbers
from hardattn_viewer.session.comparing_events import matched as matched_events
from hardattn_viewer.session.disagreements import Block, Tops, nothing, worst_of

if TYPE_CHECKING:
    from recorders.run.reader import Run

# Short enough that a frame which is asked for meanwhile comes without a noticeable wait.
SLICE_SECONDS = 0.008
# How often what is known so far is told, and by how many resamples its intervals are.
TELL_SECONDS = 0.25
FEW_RESAMPLES = 100
# Steps that numbers are told of one by one, and values that all such numbers may take.
STEPS = 64
_VALUES = 1 << 24
# Examples whose events are sorted by their shape, so that equal ones are read together.
_TOGETHER = 512
# Values of maps that are read at once; a larger map is read a band of rows at a time.
_AT_ONCE = 1 << 17
_BUFFERED = 1 << 13
_M = len(PAIR_MEASURES)


class Work:
    """One comparison that goes on.

    Args:
        study: what is compared.
        run_a: the run in slot A.
        run_b: the run in slot B.
    """

    def __init__(self, study: CompareStudy, run_a: Run, run_b: Run) -> None:
        self._study = study
        self._runs = run_a, run_b
        self._match: Matched = matched_events(study, run_a, run_b)
        examples, lanes = len(self._match.examples), len(study.lanes)
        self._sums = np.zeros((examples, lanes, _M))
        self._counts = np.zeros((examples, lanes, _M))
        self._steps = self._room_for_steps(examples, lanes)
        self._blocks: list[list[Block]] = [[nothing()] for _ in range(lanes)]
        self._buffered = 0
        self._seen = 0
        self._told = time.perf_counter()

    def slices(self) -> Iterator[Comparison | None]:
        """Compare; None where there is nothing new to tell."""
        match = self._match
        total = len(match.examples)
        started = time.perf_counter()
        for first in range(0, total, _TOGETHER):
            last = min(first + _TOGETHER, total)
            for batch in match.batches(first, last, _AT_ONCE):
                if batch.cells > _AT_ONCE:
                    yield from self._in_bands(batch)
                else:
                    self._take(batch, *batch_numbers(self._study, self._runs, batch))
                if time.perf_counter() - started > SLICE_SECONDS:
                    yield None
                    started = time.perf_counter()
            if last < total and time.perf_counter() - self._told > TELL_SECONDS:
                yield from self._tell(last, FEW_RESAMPLES)
                started = time.perf_counter()
        yield from self._tell(total, RESAMPLES)

    def _in_bands(self, batch: Batch) -> Iterator[None]:
        """One event whose maps are too large to be read in one slice."""
        found: list[tuple[NDArray[np.float64], NDArray[np.int64]]] = []
        for one in band_numbers(self._study, self._runs, batch, _AT_ONCE):
            if one is None:
                yield None
            else:
                found.append(one)
        self._take(batch, *found[-1])

    def _room_for_steps(self, examples: int, lanes: int) -> NDArray[np.float32]:
        """float32 [examples, steps, lanes, measures], for fewer lanes or none where it is much."""
        steps = min(self._match.steps, STEPS)
        for kept in (lanes, 1, 0):
            if examples * steps * kept * _M <= _VALUES:
                return np.full((examples, steps, kept, _M), np.nan, np.float32)
        return np.full((examples, 0, 0, _M), np.nan, np.float32)

    def _take(self, batch: Batch, values: NDArray[np.float64], query: NDArray[np.int64]) -> None:
        """Take in numbers [events, lanes, measures] and the worst queries [events, lanes]."""
        known = ~np.isnan(values)
        np.add.at(self._sums, batch.at, np.where(known, values, 0.0))
        np.add.at(self._counts, batch.at, known)
        steps, lanes = self._steps.shape[1:3]
        early = batch.place[:, 2] < steps
        self._steps[batch.at[early], batch.place[early, 2]] = values[early, :lanes]
        for lane, blocks in enumerate(self._blocks):
            blocks.append(Block(batch.place, query[:, lane], values[:, lane]))
        self._seen += len(values)
        self._buffered += len(values)
        if self._buffered > _BUFFERED:
            self._shorten()

    def _shorten(self) -> None:
        self._blocks = [[worst_of(blocks)] for blocks in self._blocks]
        self._buffered = 0

    def _tell(self, done: int, resamples: int) -> Iterator[Comparison | None]:
        """What is known of the first ``done`` examples."""
        self._shorten()
        yield None
        lanes = len(self._study.lanes)
        with np.errstate(invalid="ignore"):
            means = self._sums[:done] / self._counts[:done]
        columns: list[NDArray[np.floating]] = [means.reshape(done, lanes * _M)]
        _, steps, kept = self._steps.shape[:3]
        # What is told on the way must not take long itself.
        if done * steps * kept * _M > _VALUES // 16 and resamples < RESAMPLES:
            steps = 0
        columns.append(self._steps[:done, :steps].reshape(done, steps * kept * _M))
        intervals: tuple[Interval, ...] = ()
        values = np.concatenate(columns, axis=1)
        for found in bootstrap_slices(values, level=LEVEL, resamples=resamples):
            yield None
            intervals = found or intervals
        cut = iter(intervals)
        overall = tuple(_numbers(cut) for _ in range(lanes))
        by_step = [[_numbers(cut) for _ in range(kept)] for _ in range(steps)]
        match = self._match
        self._told = time.perf_counter()
        yield Comparison(
            done=done,
            total=len(match.examples),
            skipped=int(np.count_nonzero(match.skipped[:done])),
            lanes=self._study.lanes,
            overall=overall,
            steps=tuple(tuple(at[lane] for at in by_step) for lane in range(kept if steps else 0)),
            tops=Tops(tuple(blocks[0] for blocks in self._blocks), self._seen),
            level=LEVEL,
            resamples=resamples,
            words=match.words,
            differs=match.differs,
            one_hard=self._study.a.hard != self._study.b.hard,
        )


def _numbers(intervals: Iterator[Interval]) -> Numbers:
    return {name: next(intervals) for name in PAIR_MEASURES}
