"""One forward pass as placement sees it: its rows, its tokens, and what was padding in them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from recorders.capture.placement.generation import Generation
from recorders.capture.placement.inputs import (
    SOURCE_EMBEDS,
    SOURCE_IDS,
    TARGET_EMBEDS,
    TARGET_IDS,
    Inputs,
)
from recorders.capture.placement.spans import Spans, seen_keys, sees_nothing

# Embeddings of these are of something else than tokens.
_NO_TOKENS = ("pos", "wpe", "type", "segment", "wte_pos")


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens that a pass was given.

    Attributes:
        length: how many in each row.
        ids: integer [rows, length], or None where only their embeddings are known.
    """

    length: int
    ids: Tensor | None


@dataclass(eq=False)
class Pass:
    """One forward pass.

    Attributes:
        inputs: its arguments.
        rows: rows that the model runs on.
        others: first lengths of all its arguments.
        beams: rows of each example.
        halves: whether the model has an encoder and a decoder of its own.
        past: items of earlier passes that its cache holds.
        generation: settings of the ``generate()`` that it is a step of, or None.
        parents: int64 [rows], the row that each row continued, or None.
        finished: bool [rows], sequences that had ended before.
        refused: why its attentions cannot be placed, or empty.
        told: int64 [rows], tokens that each example was told to have; 0 for none.
        pad: token number of padding; -1 for unknown.
        left: int64 [rows] by part: padding on the left, from the pass that brought it on.
        embedded: token numbers seen on their way into an embedding, with its path.
        spans: what was found out about padding, by part and length.
    """

    inputs: Inputs
    rows: int
    others: frozenset[int]
    beams: int
    halves: bool
    past: int = 0
    generation: Generation | None = None
    parents: NDArray[np.int64] | None = None
    finished: NDArray[np.bool_] | None = None
    refused: str = ""
    told: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    pad: int = -1
    left: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    embedded: list[tuple[str, Tensor]] = field(default_factory=list)
    spans: dict[tuple[str, int], Spans] = field(default_factory=dict)

    def saw_embedding(self, path: str, ids: Tensor) -> bool:
        """Note what is looked up in an embedding; returns whether it may be tokens."""
        owner = ".".join(path.split(".")[-2:]).lower()
        if ids.ndim != 2 or any(part in owner for part in _NO_TOKENS):
            return False
        if ids.shape[0] != self.rows:
            if ids.shape[1] != self.rows:
                return False
            ids = ids.T
        self.embedded.append((path, ids))
        return True

    @property
    def source(self) -> Tokens | None:
        """Tokens that the model, or its encoder, reads."""
        found = self._told(SOURCE_IDS, SOURCE_EMBEDS)
        if found is not None or not self.embedded:
            return found
        if self.halves and (self._told(TARGET_IDS, TARGET_EMBEDS) or len(self.embedded) == 1):
            return None
        ids = self.embedded[0][1]
        return Tokens(int(ids.shape[1]), ids)

    @property
    def target(self) -> Tokens | None:
        """Tokens that the decoder of a model with both halves reads."""
        found = self._told(TARGET_IDS, TARGET_EMBEDS)
        if found is not None or not self.embedded or not self.halves:
            return found
        # Made inside of the model, from labels or from its input.
        if len(self.embedded) == 1 and self._told(SOURCE_IDS, SOURCE_EMBEDS) is not None:
            return None
        ids = self.embedded[-1][1]
        return Tokens(int(ids.shape[1]), ids)

    def span(
        self,
        part: str,
        length: int,
        *,
        past: int = 0,
        visible: Tensor | None = None,
        squared: bool = False,
        ids: Tensor | None = None,
    ) -> Spans:
        """What is no padding among the items of each row, found out once.

        Args:
            part: ``source``, ``target``, ``memory`` or ``frames``.
            length: items of a row, those of earlier passes included.
            past: position of the first item that this pass brought.
            visible: what the mask of an attention lets its queries see of these items.
            squared: whether the queries of ``visible`` are the same items.
            ids: their token numbers.
        """
        known = self.spans.get((part, length))
        if known is not None:
            return known
        real = self.inputs.real(part, self.rows, length, longer=self.inputs.cache is not None)
        if real is not None:
            found = Spans.of(real).for_rows(self.rows)
        elif past:
            left = self.left.get(part)
            if left is None or left.size != self.rows:
                return Spans.whole(self.rows, length)
            found = Spans(left, np.full(self.rows, length, np.int64))
        else:
            if visible is None:
                visible, squared = self.inputs.visible(part), True
            if visible is None:
                # A later attention of the pass may know more.
                return Spans.whole(self.rows, length)
            found = self._seen(visible, length, ids, squared)
        if not past:
            self.left[part] = found.low
        self.spans[part, length] = found
        return found

    def _seen(self, visible: Tensor, length: int, ids: Tensor | None, squared: bool) -> Spans:
        """Spans where only the mask of an attention tells: what no query sees is padding."""
        seen = seen_keys(visible)[:, :length]
        if seen.shape[1] < length or seen.all():
            return Spans.whole(self.rows, length)
        found = Spans.of(seen)
        found = found.for_rows(max(self.rows, found.low.size))
        low, high = found.low.copy(), found.high.copy()
        for row in range(low.size):
            told = int(self.told[row]) if row < self.told.size else 0
            if told == length:
                low[row], high[row] = 0, length
            elif low[row] and told != high[row] - low[row]:
                # Nobody may look at the first token of some models; that alone is no padding.
                start = int(low[row])
                padded = ids is not None and bool((ids[row, :start] == self.pad).all())
                if not padded and not (squared and sees_nothing(visible, row, start)):
                    low[row] = 0
        return Spans(low, high)

    def _told(self, ids: tuple[str, ...], embeds: tuple[str, ...]) -> Tokens | None:
        given = self.inputs.ids(ids)
        if given is not None:
            if given.shape[0] != self.rows and given.shape[1] == self.rows:
                given = given.T
            return Tokens(int(given.shape[1]), given)
        length = self.inputs.embedded_length(embeds)
        return None if length is None else Tokens(length, None)
