"""A recording that is open: which examples, which step, which moment, and the run they go into."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.capture.examples import OpenExamples, add_examples
from recorders.capture.values import Attended, as_array, attended, per_example
from recorders.run.writer import SegmentWriter

_FLUSH_BYTES = 32 << 20
_RESERVED = frozenset({"entropy", "log_prob"})
_SCORE_TOLERANCE = 2e-2


@dataclass(frozen=True)
class SiteFacts:
    """What is known about a site before its first event.

    Attributes:
        kind: ``glimpse``, ``pointer``, ``self`` …
        mechanism: ``soft``, ``argmax``, ``sampled`` …
        key_axis: what a key is.
        query_axis: what a query is.
        capture: how it was found.
        verified: what is known about whether the record is what the model used.
    """

    kind: str = ""
    mechanism: str = ""
    key_axis: str = "keys"
    query_axis: str = "queries"
    capture: str = "log"
    verified: str = "as logged by the caller"


class Recording:
    """Puts events, scalars and outcomes where they belong in a run; safe from several threads.

    Args:
        writer: the run.
        heads: heads to keep; None for all.
        flush_every: seconds after which an event is followed by a flush.
    """

    def __init__(
        self, writer: SegmentWriter, heads: Sequence[int] | None, flush_every: float
    ) -> None:
        self.writer = writer
        self._heads = heads
        self._flush_every = flush_every
        self._lock = RLock()
        self._open: OpenExamples | None = None
        self._sites: dict[str, int] = {}
        self._snapshots: dict[int, int] = {}
        self._snapshot: int | None = None
        self._recorded: set[tuple[int, int]] = set()
        self._flushed = time.monotonic()
        self._failed = False

    @property
    def listening(self) -> bool:
        """Whether an example is open, so that events belong somewhere."""
        return self._open is not None

    def begin(self, described: Sequence[Mapping[str, Any]], *, batched: bool) -> None:
        """Open examples. Raises ValueError where they are not described as they should be."""
        if self._open is not None:
            raise ValueError("an example is open already; leave it before the next")
        if not described:
            raise ValueError("batch=[] has no example; give one dict for each row of the batch")
        with self._lock:
            opened = add_examples(self.writer, described, batched=batched)
            pairs = {(self._moment(), int(number)) for number in opened.numbers}
            if pairs & self._recorded:
                raise ValueError(
                    "an example of this name was recorded already in this snapshot; "
                    "give it another name, or call recorder.snapshot(step=...) first"
                )
            self._recorded |= pairs
            self._open = opened

    def end(self) -> None:
        """Close the open examples, if any."""
        self._open = None

    def event(self, name: str, facts: SiteFacts, values: Mapping[str, Any]) -> None:
        """Add what a site did; ValueError where the values are not what they should be."""
        with self._lock:
            examples = self._examples("log")
            seen = attended(name, values, examples.batch, self._heads)
            if facts.key_axis == "regions":
                _check_regions(name, seen, examples)
            if name not in self._sites:
                self._sites[name] = self._add_site(name, facts, seen)
            self.writer.add_events(
                site=self._sites[name],
                examples=examples.numbers,
                step=examples.step_of(name),
                snapshot=self._moment(),
                probabilities=seen.probabilities,
                log_prob=seen.log_prob,
                entropy=seen.entropy,
                selection=seen.selection,
                temperature=seen.temperature,
            )
            examples.called(name)
            self._flush_in_time()

    def end_step(self, scalars: Mapping[str, Any]) -> None:
        """End the current step and add the numbers that belong to it."""
        with self._lock:
            examples = self._examples("step")
            values = {
                _checked_name(name): per_example(name, value, examples.batch, missing=np.nan)
                for name, value in scalars.items()
                if value is not None
            }
            step = examples.end_step()
            for name, numbers in values.items():
                self._add_scalars(name, examples.numbers, np.full(examples.batch, step), numbers)

    def all_steps(self, scalars: Mapping[str, Any]) -> None:
        """Add numbers of all steps of the open examples."""
        with self._lock:
            examples = self._examples("steps")
            tables = {
                _checked_name(name): _step_table(name, value, examples)
                for name, value in scalars.items()
                if value is not None
            }
            for name, table in tables.items():
                steps = np.tile(np.arange(table.shape[1], dtype=np.int64), examples.batch)
                numbers = np.repeat(examples.numbers, table.shape[1])
                self._add_scalars(name, numbers, steps, table.reshape(-1))

    def outcome(
        self, scores: Any, prediction: Any, confidence: Any, label_probability: Any
    ) -> None:
        """Add what the model answered for the open examples."""
        with self._lock:
            examples = self._examples("outcome")
            size = examples.batch
            classes = per_example("prediction", prediction, size, missing=-1).astype(np.int64)
            confidences = per_example("confidence", confidence, size, missing=np.nan)
            truths = per_example("label_probability", label_probability, size, missing=np.nan)
            if scores is not None:
                table = _score_table(scores, size)
                rows = np.arange(size)
                classes = table.argmax(axis=1)
                confidences = table[rows, classes]
                known = (examples.labels >= 0) & (examples.labels < table.shape[1])
                truths = np.where(known, table[rows, examples.labels * known], np.nan)
            self.writer.add_outcomes(
                examples=examples.numbers,
                snapshot=self._moment(),
                prediction=classes,
                confidence=confidences,
                label_probability=truths,
            )

    def snapshot(self, step: int) -> None:
        """What follows belongs to this training step."""
        with self._lock:
            if self._open is not None:
                raise ValueError("snapshot() belongs between examples; leave the open one first")
            if step not in self._snapshots:
                self._snapshots[step] = self.writer.add_snapshot(step)
            self._snapshot = self._snapshots[step]

    def flush(self) -> None:
        """When this returns, everything recorded so far survives a kill."""
        with self._lock:
            self._flushed = time.monotonic()
            self._failed = True
            self.writer.flush()
            self._failed = False

    def _flush_in_time(self) -> None:
        late = time.monotonic() - self._flushed >= self._flush_every
        # After a failure the model shall not pay for another try at every event.
        if late or (self.writer.pending_bytes >= _FLUSH_BYTES and not self._failed):
            self.flush()

    def _examples(self, what: str) -> OpenExamples:
        if self._open is None:
            raise ValueError(f"{what}() belongs inside `with recorder.example(...)`")
        return self._open

    def _moment(self) -> int:
        if self._snapshot is None:
            self._snapshot = self._snapshots[0] = self.writer.add_snapshot(0)
        return self._snapshot

    def _add_site(self, name: str, facts: SiteFacts, seen: Attended) -> int:
        return self.writer.add_site(
            name,
            kind=facts.kind,
            mechanism=facts.mechanism,
            hard=seen.selection is not None,
            heads=seen.probabilities.shape[1],
            head_indices=self._heads,
            query_axis=facts.query_axis,
            key_axis=facts.key_axis,
            capture=facts.capture,
            verified=facts.verified,
        )

    def _add_scalars(
        self,
        name: str,
        numbers: NDArray[np.int64],
        steps: NDArray[np.int64],
        values: NDArray[np.float64],
    ) -> None:
        self.writer.add_scalars(
            name, examples=numbers, steps=steps, snapshot=self._moment(), values=values
        )


def _check_regions(name: str, seen: Attended, examples: OpenExamples) -> None:
    keys = seen.probabilities.shape[-1]
    for boxes in examples.n_regions:
        if boxes and boxes != keys:
            raise ValueError(
                f"site {name!r}: there are {keys} keys for {boxes} regions; give the example one "
                "box for each key, or the site another key_axis"
            )


def _checked_name(name: str) -> str:
    if name in _RESERVED:
        raise ValueError(f"{name} is recorded with each event; choose another name for a scalar")
    return name


def _step_table(name: str, value: Any, examples: OpenExamples) -> NDArray[np.float64]:
    """Numbers of all steps as float64 [batch, steps]."""
    table = as_array(value).astype(np.float64)
    if table.ndim == 1 and not examples.batched:
        table = table[None]
    if table.ndim != 2 or table.shape[0] != examples.batch:
        wanted = f"[{examples.batch}, steps]" if examples.batched else "[steps]"
        raise ValueError(f"{name} has shape {list(table.shape)}; pass {wanted}")
    if examples.last >= 0 and table.shape[1] != examples.last + 1:
        raise ValueError(
            f"{name} is of {table.shape[1]} steps, but {examples.last + 1} were recorded; "
            "pass one number a step"
        )
    if not np.isfinite(table).all():
        raise ValueError(f"{name} is NaN or infinite; leave it out where there is none")
    return table


def _score_table(scores: Any, batch: int) -> NDArray[np.float64]:
    """Class probabilities as float64 [batch, classes]."""
    table = as_array(scores).astype(np.float64)
    table = table[None] if table.ndim == 1 and batch == 1 else table
    if table.ndim != 2 or table.shape[0] != batch or not table.shape[1]:
        raise ValueError(f"scores have shape {list(table.shape)}; pass [{batch}, classes]")
    off = np.abs(table.sum(axis=1) - 1)
    if not ((off < _SCORE_TOLERANCE).all() and (table >= -_SCORE_TOLERANCE).all()):
        raise ValueError("scores are no probabilities; softmax them over the classes first")
    return table
