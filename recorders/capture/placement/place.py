"""Placement: which examples, positions, tokens and boxes a captured attention belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import RLock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recorders.capture.captured import Call, Captured, Ticket
from recorders.capture.placement.axes import Axes, Axis, Sources, has_halves
from recorders.capture.placement.cutting import Cutting, windowed
from recorders.capture.placement.entrances import NOTE, Entrances, Function, Running
from recorders.capture.placement.generation import BeamWatch, running_generation
from recorders.capture.placement.grids import Box
from recorders.capture.placement.inputs import Inputs, numbers, past_length
from recorders.capture.placement.passes import Pass, Tokens
from recorders.capture.placement.pieces import BeamParents, Ended, NewTokens, Piece, UnplacedError
from recorders.capture.placement.rows import Rows, rows_of
from recorders.capture.placement.spans import Spans
from recorders.capture.placement.tokens import OWN, TARGET, Known

_HEADS = ("num_heads", "num_attention_heads", "n_heads", "n_head", "nhead")


class Placement:
    """Tells for one open example, or the examples of one batch, what was captured of each.

    A token that ``generate()`` returns but never feeds to the model, as the last of each sequence,
    is in no pass, so nobody is told of it here.

    Args:
        model: the model.
        running: which pass and module runs.
        batch: number of examples.
        tokenizer: its ``convert_ids_to_tokens`` shows tokens; None where there is none.
        token_counts: tokens that each example was described with; 0 for none.
        input_boxes: of each example the part of its image that the model's input covers, crop and
            resize included, as x0, y0, x1, y1 in the image's pixels; None where it has no image,
            and boxes are in pixels of the model's input.

    Attributes:
        remarks: sentences that the run should say, in the order they came up.
    """

    def __init__(
        self,
        model: nn.Module,
        running: Running,
        batch: int,
        *,
        tokenizer: Any = None,
        token_counts: Sequence[int] = (),
        input_boxes: Sequence[Box | None] | None = None,
    ) -> None:
        self.remarks: list[str] = []
        self._model = model
        self._batch = batch
        self._told = np.array([*token_counts, *([0] * (batch - len(token_counts)))], np.int64)
        self._known = Known(self._told.tolist(), tokenizer)
        self._boxes = list(input_boxes or [None] * batch)
        self._halves = has_halves(model)
        self._pad = _config_number(model, "pad_token_id")
        self._sources = Sources(model)
        self._entrances = Entrances(self._sources, running)
        self._watch = BeamWatch(self._reordered)
        self._order: list[int] | None = None
        self._ended: set[int] = set()
        self._length = 0
        self._left: dict[str, Any] = {}
        self._whole: dict[tuple[str, int], set[int]] = {}
        self._lock = RLock()

    def handlers(self) -> dict[Function, Callable[..., Any]]:
        """By torch function: what must be called instead of it while the model runs."""
        return self._entrances.handlers()

    def close(self) -> None:
        """Let go of everything that was listened to; the examples are over."""
        self._watch.close()

    def began(self, call: Call) -> None:
        """A pass begins, and its model has computed nothing yet."""
        with self._lock, _quiet():
            call.notes[NOTE] = self._pass(call)

    def pieces(
        self, ticket: Ticket, captured: Captured, queries: slice | None = None
    ) -> list[Piece]:
        """What was captured, apart by example.

        Args:
            ticket: the leave it was captured with.
            captured: what was captured, all rows.
            queries: queries to keep of each example, counted without its padding (of each window
                where there are windows), with a step above 0; None for all. Not asked where the
                ticket let the net leave out the others.

        Returns:
            The pieces; none where nothing of any example is left.

        Raises:
            UnplacedError: its rows cannot be told.
        """
        with self._lock, _quiet():
            passed = self._passed(ticket.call)
            if passed.refused:
                raise UnplacedError(passed.refused)
            rows = self._rows(passed, ticket, captured)
            if ticket.queries is not None:
                queries = None
            if rows.windows > 1:
                return windowed(rows, captured, queries)
            captured = _unfolded(rows, captured)
            axes = self._sources.axes(ticket, captured, passed)
            return self._cut(ticket, passed, rows, captured, axes, queries)

    def ended(self, call: Call) -> Ended:
        """A pass is over: which tokens it brought, and which beams went on from which."""
        with self._lock, _quiet():
            passed = call.notes.pop(NOTE, None)
            if passed is None or passed.refused or passed.rows != self._batch * passed.beams:
                return Ended()
            step = self._known.step(TARGET if passed.halves else OWN)
            told = [
                self._came(passed, OWN, passed.source),
                self._came(passed, TARGET, passed.target if passed.halves else None),
            ]
            self._disagreements()
            self._mark_ended(passed)
            parents = None
            if passed.parents is not None:
                rows = np.arange(passed.rows, dtype=np.int64)
                parents = BeamParents(
                    step, rows // passed.beams, rows % passed.beams, passed.parents % passed.beams
                )
            return Ended(tuple(tokens for tokens in told if tokens is not None), parents)

    def _pass(self, call: Call) -> Pass:
        inputs = Inputs(call.inputs)
        generation = running_generation()
        main = inputs.main
        rows = 0 if main is None else int(main.shape[0])
        if main is not None and main.ndim > 1 and rows != self._batch:
            # A model that has its sequence first.
            rows = self._batch if main.shape[1] == self._batch and generation is None else rows
        many = generation is not None and rows > self._batch and rows % self._batch == 0
        beams = rows // self._batch if many else 1
        passed = Pass(
            inputs,
            rows,
            frozenset(int(value.shape[0]) for value in inputs.tensors.values() if value.ndim),
            beams,
            self._halves,
            past_length(inputs.cache),
            generation,
            told=self._told.repeat(beams),
            pad=self._pad if generation is None or generation.pad < 0 else generation.pad,
            left=self._left,
        )
        self._sources.began(passed)
        self._watch.follow(inputs.cache)
        tokens = passed.target if self._halves else passed.source
        if tokens is not None:
            self._continue(passed, tokens)
        return passed

    def _continue(self, passed: Pass, tokens: Tokens) -> None:
        """How a pass goes on from the one before it."""
        order, self._order = self._order, None
        if not passed.past:
            self._ended.clear()
        elif passed.past < self._length:
            passed.refused = (
                f"the model went back from token {self._length} to token {passed.past}, as "
                "assisted generation does; generate without an assistant"
            )
        elif order is not None and len(order) == passed.rows:
            passed.parents = np.array(order, np.int64)
        elif self._ended:
            passed.finished = np.array([row in self._ended for row in range(passed.rows)], bool)
        self._length = passed.past + tokens.length

    def _mark_ended(self, passed: Pass) -> None:
        tokens = passed.target if self._halves else passed.source
        if passed.generation is None or not passed.past or tokens is None or tokens.ids is None:
            return
        if passed.parents is None:
            fed = numbers(tokens.ids[:, -1])
            self._ended |= {
                row for row, token in enumerate(fed) if int(token) in passed.generation.ends
            }

    def _passed(self, call: Call) -> Pass:
        if NOTE not in call.notes:
            call.notes[NOTE] = self._pass(call)
        passed: Pass = call.notes[NOTE]
        return passed

    def _rows(self, passed: Pass, ticket: Ticket, captured: Captured) -> Rows:
        site, heads = captured.probabilities.shape[:2]
        named = (getattr(ticket.module, name, None) for name in _HEADS)
        missing = next((number for number in named if isinstance(number, int)), 1)
        return rows_of(
            self._batch,
            int(site),
            model=passed.rows or int(site),
            others=passed.others,
            generating=passed.generation is not None,
            heads_missing=missing if heads == 1 else 1,
        )

    def _cut(
        self,
        ticket: Ticket,
        passed: Pass,
        rows: Rows,
        captured: Captured,
        axes: Axes,
        queries: slice | None,
    ) -> list[Piece]:
        key_spans = self._spans(passed, axes.keys, rows, captured, axes.same)
        query_spans = key_spans if axes.same else self._spans(passed, axes.queries, rows)
        if axes.same and axes.keys.part != "target" and not axes.keys.past:
            self._sources.remember(axes.keys, key_spans)
        ended = passed.finished
        cutting = Cutting(
            rows,
            captured,
            axes,
            query_spans,
            key_spans,
            self._boxes,
            ended if ended is not None and ended.size == rows.count else None,
            self._whole.setdefault((axes.keys.part, rows.count), set()),
        )
        found = cutting.pieces(queries)
        if cutting.leaked:
            self._remark(
                f"{ticket.site} attends to padding with up to {cutting.leaked:.2g} of a query's "
                "mass, so the padding of these examples is kept; the model does not mask it"
            )
        return found

    def _spans(
        self,
        passed: Pass,
        axis: Axis,
        rows: Rows,
        captured: Captured | None = None,
        same: bool = False,
    ) -> Spans | None:
        """What of an axis is no padding; None for all."""
        if not axis.part:
            return None
        visible = None if captured is None else _visible(captured, axis.length)
        if axis.part == "memory":
            real = passed.inputs.real("memory", passed.rows, axis.length)
            if real is None and passed.halves:
                # A model of both halves gets one mask of what its encoder read.
                real = passed.inputs.real("source", passed.rows, axis.length)
            if real is not None:
                return Spans.of(real).for_rows(rows.count)
            if axis.spans is not None:
                return axis.spans.for_rows(rows.count)
        found = passed.span(
            axis.part, axis.length, past=axis.past, visible=visible, squared=same, ids=axis.ids
        )
        return found.for_rows(rows.count)

    def _came(self, passed: Pass, axis: int, tokens: Tokens | None) -> NewTokens | None:
        if tokens is None or (tokens.ids is not None and tokens.ids.shape[0] != passed.rows):
            return None
        part = "target" if axis == TARGET else "source"
        past = self._past(passed, part)
        total = past + tokens.length
        spans = passed.span(part, total, past=past, ids=tokens.ids)
        for row in self._whole.get((part, passed.rows), ()):
            spans.low[row], spans.high[row] = 0, total
        return self._known.came(
            axis,
            tokens.ids,
            past=past,
            spans=spans,
            beams=passed.beams,
            skipped=passed.finished,
        )

    @staticmethod
    def _past(passed: Pass, part: str) -> int:
        """Items of earlier passes that a cache holds of the source or the target."""
        return 0 if passed.halves and part == "source" else passed.past

    def _disagreements(self) -> None:
        for example, found in self._known.disagreeing.items():
            self._remark(
                f"example {example} of a batch was described with {self._told[example]} tokens, "
                f"but the model was given {found}; the model's are shown"
            )

    def _remark(self, sentence: str) -> None:
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def _reordered(self, order: list[int]) -> None:
        self._order = order


@contextmanager
def _quiet() -> Iterator[None]:
    """While inside, no net and no gradient sees what is computed."""
    with torch.no_grad(), torch._C.DisableTorchFunction():
        yield


def _unfolded(rows: Rows, captured: Captured) -> Captured:
    if rows.heads == 1:
        return captured
    visible = captured.visible
    if visible is not None and visible.ndim == 4 and visible.shape[0] > 1:
        visible = rows.unfolded(visible)
    return replace(
        captured,
        probabilities=rows.unfolded(captured.probabilities),
        selection=None if captured.selection is None else rows.unfolded(captured.selection),
        log_prob=None if captured.log_prob is None else rows.unfolded(captured.log_prob),
        visible=visible,
    )


def _visible(captured: Captured, length: int) -> Tensor | None:
    """What the queries may see of the first ``length`` keys, where the mask is of those keys."""
    mask = captured.visible
    if mask is None or mask.shape[-1] < length or captured.query_stride != 1:
        return None
    return mask[..., :length]


def _config_number(model: nn.Module, name: str) -> int:
    value = getattr(getattr(model, "config", None), name, None)
    return value if isinstance(value, int) else -1
