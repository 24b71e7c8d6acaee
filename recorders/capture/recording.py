"""A recording that is open: which examples, which step, which moment, and the run they go into."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.capture.captured import Check
from recorders.capture.events import Block, SiteFacts
from recorders.capture.examples import OpenExamples, add_examples
from recorders.capture.ledger import Ledger
from recorders.capture.locations import located
from recorders.capture.media import with_frames
from recorders.capture.numbers import checked_name, one_number, score_table, step_table
from recorders.capture.own_lock import OwnLock
from recorders.capture.placement.pieces import Ended
from recorders.capture.policy import Policy, in_words
from recorders.capture.values import Attended, attended, per_example
from recorders.capture.verifying import Verifications
from recorders.run.layout import BEAM_PARENT, MAX_STEPS, MEMORY_AXIS, TARGET_AXIS
from recorders.run.writer import SegmentWriter

_FLUSH_BYTES = 48 << 20
# What waits while the disk refuses; beyond it the model would pay with its memory.
_MOST_WAITING = 256 << 20
# A probability at its largest and its share of entropies; a table's rows are small beside them.
_BYTES_A_VALUE = 4


class Recording:
    """Puts events, scalars and outcomes where they belong in a run; safe from several threads.

    Args:
        writer: the run.
        policy: what is recorded.
        flush_every: seconds after which an event is followed by a flush.

    Attributes:
        writer: as given.
        policy: as given.
        ledger: what was left out.
    """

    def __init__(self, writer: SegmentWriter, policy: Policy, flush_every: float) -> None:
        self.writer = writer
        self.policy = policy
        self.ledger = Ledger(policy)
        self._verifications = Verifications()
        self._flush_every = flush_every
        self._lock = OwnLock(writer.check_process)
        self._opened: dict[int, OpenExamples] = {}
        self._begun = 0
        self._sites: dict[str, int] = {}
        self._snapshots: dict[int, int] = {}
        self._snapshot: int | None = None
        self._recorded: set[tuple[int, int]] = set()
        self._flushed = time.monotonic()
        self._refusal = ""

    @property
    def current(self) -> OpenExamples | None:
        """The examples that what happens in this thread belongs to.

        They are those that this thread opened, or the only ones that are open at all: a model may
        share its work among threads of its own. A process that was forked meanwhile records none.
        """
        if not self.writer.is_mine:
            return None
        opened = self._opened.get(get_ident())
        if opened is None and len(self._opened) == 1:
            opened = next(iter(self._opened.values()), None)
        return opened

    def begin(self, described: Sequence[Mapping[str, Any]], *, batched: bool) -> bool:
        """Open examples. Returns whether any of them is recorded.

        Raises:
            ValueError: they are not described as they should be.
        """
        if get_ident() in self._opened:
            raise ValueError("an example is open already; leave it before the next")
        if not described:
            raise ValueError("batch=[] has no example; give one dict for each row of the batch")
        with self._lock:
            self._check_waiting("example", len(described))
            opened = add_examples(
                self.writer, described, batched=batched, policy=self.policy, first=self._begun
            )
            self._begun += opened.batch
            self.ledger.examples(int((~opened.kept).sum()))
            pairs = {(self._moment(), int(number)) for number in opened.numbers[opened.kept]}
            if pairs & self._recorded:
                raise ValueError(
                    "an example of this name was recorded already in this snapshot; "
                    "give it another name, or call recorder.snapshot(step=...) first"
                )
            self._recorded |= pairs
            for number, slots in zip(opened.numbers.tolist(), opened.memories, strict=True):
                if number >= 0 and slots:
                    self._add_texts(
                        MEMORY_AXIS, np.full(len(slots), number), 0, range(len(slots)), slots
                    )
            for number, target in zip(opened.numbers.tolist(), opened.targets, strict=True):
                if number >= 0 and target:
                    whose = np.full(len(target), number)
                    self._add_texts(TARGET_AXIS, whose, 0, range(len(target)), target)
            self._opened[get_ident()] = opened
            return bool(opened.kept.any())

    def end(self) -> None:
        """Close the examples that this thread opened, if any."""
        examples = self._opened.pop(get_ident(), None)
        if examples is not None and examples.placement is not None:
            examples.placement.close()

    def event(self, name: str, facts: SiteFacts, values: Mapping[str, Any]) -> None:
        """Add what a site did; ValueError where the values are not what they should be."""
        with self._lock:
            examples = self._examples("log")
            if not self.due(name, examples):
                return
            if "location" in values:
                self._add_located(name, facts, values, examples)
                return
            seen = attended(name, values, examples.batch, self.policy.heads)
            if facts.key_axis == "regions":
                _check_regions(name, seen, examples)
            block = self._block(seen)
            if facts.query_axis == "target" and seen.probabilities.shape[2] == 1:
                # What writes a token a step asks once a step, for the token that it then writes.
                block = replace(block, first_query=examples.step_of(name))
            self.add(name, facts, examples, [block])

    def _add_located(
        self, name: str, facts: SiteFacts, values: Mapping[str, Any], examples: OpenExamples
    ) -> None:
        """Add a place on an image that a site drew from a Normal distribution."""
        try:
            parts, numbers = located(values, examples.input_boxes, examples.regions)
        except ValueError as problem:
            raise ValueError(f"site {name!r}: {problem}") from problem
        blocks = []
        for part in parts:
            seen = attended(name, part.values, len(part.rows), self.policy.heads)
            blocks.append(replace(self._block(seen), rows=part.rows, boxes=part.boxes))
        kept, step = examples.kept, examples.step_of(name)
        facts = replace(facts, key_axis="regions", mechanism=facts.mechanism or "sampled")
        self.add(name, facts, examples, blocks)
        for number, column in numbers.items():
            steps = np.full(int(kept.sum()), step)
            self._add_scalars(f"{name}.{number}", examples.numbers[kept], steps, column[kept])

    def due(self, site: str, examples: OpenExamples) -> bool:
        """Whether the next event of a site is to be recorded; if not, it counts as left out."""
        if self.policy.wants_step(examples.step_of(site)) and examples.kept.any():
            return True
        if examples.kept.any():
            self.ledger.step(int(examples.kept.sum()))
        examples.called(site)
        return False

    def add(
        self,
        name: str,
        facts: SiteFacts,
        examples: OpenExamples,
        blocks: Sequence[Block],
        check: Check | None = None,
    ) -> bool:
        """Add the next event of a site, with every head, and as many queries as were asked for.

        Args:
            name: the site.
            facts: what is known about it.
            examples: what was open when it happened.
            blocks: what it did.
            check: what is known about whether that is what the model used.

        Returns:
            Whether it is the first event of the site that does not agree with the model.

        Raises:
            OSError: the disk refused; the event is kept and tried again.
        """
        with self._lock:
            step, moment = examples.step_of(name), self._moment()
            examples.called(name)
            if facts.key_axis == "frames" and any(examples.spans):
                blocks = list(with_frames(blocks, examples.spans))
            self._check_waiting("event", sum(len(block.rows) for block in blocks))
            if not self._has_room(name, examples, step, blocks):
                return False
            if name not in self._sites:
                self._sites[name] = self._add_site(name, facts, blocks[0])
            events = 0
            for block in blocks:
                numbers = self._numbers_of(examples, block.rows, block.beam)
                keep = numbers >= 0
                if not keep.any():
                    continue
                events += int(keep.sum())
                self.writer.add_events(
                    site=self._sites[name],
                    examples=numbers[keep],
                    step=step,
                    snapshot=moment,
                    probabilities=_kept(block.probabilities, keep),
                    log_prob=_kept(block.log_prob, keep),
                    entropy=_kept(block.entropy, keep),
                    selection=None if block.selection is None else _kept(block.selection, keep),
                    temperature=np.broadcast_to(block.temperature, keep.shape)[keep],
                    first_query=block.first_query,
                    query_stride=block.query_stride,
                    first_key=block.first_key,
                    first_region=block.first_region,
                    region_set=(
                        -1 if block.boxes is None else self.writer.add_region_set(block.boxes)
                    ),
                    windows=block.windows,
                    sink=block.sink,
                )
            mismatch = check is not None and self._verifications.add(
                self._sites[name], check, events
            )
            self._flush_in_time()
            return mismatch

    def end_step(self, scalars: Mapping[str, Any]) -> None:
        """End the current step and add the numbers that belong to it."""
        with self._lock:
            examples = self._examples("step")
            values = {
                checked_name(name): per_example(name, value, examples.batch, missing=np.nan)
                for name, value in scalars.items()
                if value is not None
            }
            step = examples.end_step()
            kept = examples.kept
            for name, numbers in values.items():
                steps = np.full(int(kept.sum()), step)
                self._add_scalars(name, examples.numbers[kept], steps, numbers[kept])

    def all_steps(self, scalars: Mapping[str, Any]) -> None:
        """Add numbers of all steps of the open examples."""
        with self._lock:
            examples = self._examples("steps")
            tables = {
                checked_name(name): step_table(name, value, examples)
                for name, value in scalars.items()
                if value is not None
            }
            kept = examples.kept
            for name, table in tables.items():
                steps = np.tile(np.arange(table.shape[1], dtype=np.int64), int(kept.sum()))
                numbers = np.repeat(examples.numbers[kept], table.shape[1])
                self._add_scalars(name, numbers, steps, table[kept].reshape(-1))

    def ended(self, examples: OpenExamples, told: Ended) -> None:
        """Add what is known at the end of a pass: tokens that came, beams that went on."""
        with self._lock:
            for new in told.tokens:
                numbers = self._numbers_of(examples, new.examples, new.beams)
                keep = numbers >= 0
                self.writer.add_later_tokens(
                    examples=numbers[keep],
                    step=new.step,
                    snapshot=self._moment(),
                    axis=new.axis,
                    positions=new.positions[keep],
                    ids=new.ids[keep],
                    texts=[text for text, kept in zip(new.texts, keep, strict=True) if kept],
                )
            if told.parents is not None:
                parents = told.parents
                numbers = self._numbers_of(examples, parents.examples, parents.beams)
                keep = numbers >= 0
                steps = np.full(int(keep.sum()), parents.step)
                values = parents.parents[keep].astype(np.float64)
                self._add_scalars(BEAM_PARENT, numbers[keep], steps, values)

    def _numbers_of(
        self, examples: OpenExamples, rows: NDArray[np.int64], beams: NDArray[np.int64] | int
    ) -> NDArray[np.int64]:
        """Numbers in the run of the beams of these rows; -1 where they are not recorded.

        A further beam is an example of its own, made when it is first heard of.
        """
        numbers = examples.numbers[rows].copy()
        further = np.broadcast_to(beams, rows.shape)
        for index in np.flatnonzero((further > 0) & (numbers >= 0)):
            key = int(rows[index]), int(further[index])
            if key not in examples.beams:
                examples.beams[key] = self.writer.add_beam(int(numbers[index]), key[1])
                self._recorded.add((self._moment(), examples.beams[key]))
            numbers[index] = examples.beams[key]
        return numbers

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
                table = score_table(scores, size)
                rows = np.arange(size)
                classes = table.argmax(axis=1)
                confidences = table[rows, classes]
                known = (examples.labels >= 0) & (examples.labels < table.shape[1])
                truths = np.where(known, table[rows, examples.labels * known], np.nan)
            kept = examples.kept
            self.writer.add_outcomes(
                examples=examples.numbers[kept],
                snapshot=self._moment(),
                prediction=classes[kept],
                confidence=confidences[kept],
                label_probability=truths[kept],
            )

    def snapshot(self, step: int, scalars: Mapping[str, Any]) -> None:
        """What follows belongs to this training step; ``scalars`` is what training tells of it."""
        with self._lock:
            if self._opened:
                raise ValueError("snapshot() belongs between examples; leave the open one first")
            if step not in self._snapshots:
                self._snapshots[step] = self.writer.add_snapshot(step)
            self._snapshot = self._snapshots[step]
            # Only now, so that what follows belongs to this moment though a number is no number.
            told = {name: one_number(name, value) for name, value in scalars.items()}
            for name, value in told.items():
                self.writer.add_training_scalar(name, snapshot=self._snapshot, value=value)

    def flush(self) -> None:
        """When this returns, everything recorded so far survives a kill."""
        with self._lock:
            self._flushed = time.monotonic()
            self.conclude()
            try:
                self.writer.flush()
            except OSError as problem:
                self._refusal = str(problem)
                raise
            self._refusal = ""

    def seize(self, seconds: float) -> bool:
        """Keep all other threads out for ever; False where one is inside for that long."""
        return self._lock.acquire(seconds)

    def conclude(self) -> None:
        """Put what is known by now about verification and omissions into what waits."""
        with self._lock:
            self._verifications.write(self.writer)
            news = self.ledger.news()
            if news is not None:
                self.writer.describe(**news)

    def _flush_in_time(self) -> None:
        # After a failure the model shall not pay for another try at every event.
        if self._is_late() or (self.writer.pending_bytes >= _FLUSH_BYTES and not self._refusal):
            self.flush()

    def _is_late(self) -> bool:
        return time.monotonic() - self._flushed >= self._flush_every

    def _check_waiting(self, what: str, count: int) -> None:
        """Raise OSError where the disk refuses and no more shall wait for it in memory."""
        if not self._refusal or self.writer.pending_bytes < _MOST_WAITING:
            return
        if self._is_late():
            try:
                self.flush()
            except OSError:
                self.ledger.refused(what, count)
                raise
            return
        self.ledger.refused(what, count)
        raise OSError(
            f"{self.writer.parts} takes nothing ({self._refusal}) and {_MOST_WAITING >> 20} MiB "
            "wait in memory; make room on the disk"
        )

    def _examples(self, what: str) -> OpenExamples:
        opened = self.current
        if opened is None:
            raise ValueError(f"{what}() belongs inside `with recorder.example(...)`")
        return opened

    def _moment(self) -> int:
        if self._snapshot is None:
            self._snapshot = self._snapshots[0] = self.writer.add_snapshot(0)
        return self._snapshot

    def _block(self, seen: Attended) -> Block:
        """What a site of the model's own did, for all rows of the batch and the queries to keep."""
        wanted = self.policy.queries or slice(None)
        kept = range(seen.probabilities.shape[2])[wanted]
        if not len(kept):
            raise ValueError(f"queries={in_words(wanted)} names none of its queries")
        if len(kept) < seen.probabilities.shape[2]:
            self.ledger.queries()
        return Block(
            np.arange(len(seen.probabilities)),
            seen.probabilities[:, :, wanted],
            seen.log_prob[:, :, wanted],
            seen.entropy[:, :, wanted],
            None if seen.selection is None else seen.selection[:, :, wanted],
            seen.temperature,
            first_query=kept.start,
            query_stride=kept.step,
        )

    def _has_room(
        self, name: str, examples: OpenExamples, step: int, blocks: Sequence[Block]
    ) -> bool:
        """Whether an event fits into ``max_bytes``; if not, it counts as left out."""
        limit = self.policy.max_bytes
        if limit is None:
            return True
        # What waits is counted as if it did not compress, until its true size is needed.
        size = sum(block.probabilities.size for block in blocks) * _BYTES_A_VALUE
        if self.writer.written_bytes + self.writer.pending_bytes + size > limit:
            if self.writer.written_bytes + size <= limit:
                self.flush()
            if self.writer.written_bytes + self.writer.pending_bytes + size > limit:
                first = self.writer.example_name(int(examples.numbers[examples.kept][0]))
                events = sum(int(examples.kept[block.rows].sum()) for block in blocks)
                self.ledger.full(f"step {step} of example {first!r} at {name}", events)
                return False
        return True

    def _add_site(self, name: str, facts: SiteFacts, block: Block) -> int:
        return self.writer.add_site(
            name,
            kind=facts.kind,
            mechanism=facts.mechanism,
            hard=block.selection is not None,
            heads=block.probabilities.shape[1],
            head_indices=self.policy.heads,
            query_axis=facts.query_axis,
            key_axis=facts.key_axis,
            capture=facts.capture,
            verified=facts.verified,
            layer=facts.layer,
            module=facts.module,
            special_keys=" ".join(facts.special_keys),
        )

    def remember(self, slot: int, text: Any) -> None:
        """What a slot of memory holds from this step on: a text, or [batch] with None for as is."""
        with self._lock:
            examples = self._examples("remember")
            texts = [text] * examples.batch if text is None or isinstance(text, str) else list(text)
            if len(texts) != examples.batch:
                raise ValueError(
                    f"{len(texts)} texts for a batch of {examples.batch}; pass one a row"
                )
            if not 0 <= slot < MAX_STEPS:
                raise ValueError(f"slot {slot} is none; slots are counted from 0")
            told = [
                (number, str(one))
                for number, one in zip(examples.numbers.tolist(), texts, strict=True)
                if number >= 0 and one is not None
            ]
            numbers = np.array([number for number, _ in told], np.int64)
            step = max(examples.base, examples.last)
            written = [one for _, one in told]
            self._add_texts(MEMORY_AXIS, numbers, step, [slot] * len(told), written)

    def written(self, texts: Sequence[Any]) -> None:
        """What was written at each step: [batch] lists of texts; [steps] of one example."""
        with self._lock:
            examples = self._examples("written")
            rows = list(texts) if examples.batched else [texts]
            if len(rows) != examples.batch or any(isinstance(row, str) for row in rows):
                raise ValueError(
                    f"what was written is one list of texts a row of a batch of {examples.batch}, "
                    f"not {len(rows)}"
                )
            for number, row in zip(examples.numbers.tolist(), rows, strict=True):
                for step, text in enumerate(row if number >= 0 else ()):
                    self.writer.add_later_tokens(
                        examples=np.array([number], np.int64),
                        step=step,
                        snapshot=self._moment(),
                        axis=TARGET_AXIS,
                        positions=np.array([step], np.int64),
                        ids=np.array([-1]),
                        texts=[str(text)],
                    )

    def _add_texts(
        self,
        axis: int,
        examples: NDArray[np.int64],
        step: int,
        positions: Sequence[int],
        texts: Sequence[str],
    ) -> None:
        self.writer.add_later_tokens(
            examples=examples,
            step=step,
            snapshot=self._moment(),
            axis=axis,
            positions=np.array(positions, np.int64),
            ids=np.full(len(examples), -1),
            texts=texts,
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


def _kept(values: NDArray[Any], keep: NDArray[np.bool_]) -> NDArray[Any]:
    """The rows to keep; the array itself where that is all, since maps are large."""
    return values if keep.all() else values[keep]


def _check_regions(name: str, seen: Attended, examples: OpenExamples) -> None:
    keys = seen.probabilities.shape[-1]
    for boxes in examples.n_regions:
        if boxes and boxes != keys:
            raise ValueError(
                f"site {name!r}: there are {keys} keys for {boxes} regions; give the example one "
                "box for each key, or the site another key_axis"
            )
