"""Which tokens came to which example in a pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from recorders.capture.placement.inputs import numbers
from recorders.capture.placement.pieces import NewTokens
from recorders.capture.placement.spans import Spans

OWN, TARGET = 0, 1


class Known:
    """The tokens of the open examples, as far as they were told or fed.

    Args:
        told: number of tokens that each example was told to have; 0 for none.
        tokenizer: whose ``convert_ids_to_tokens`` shows a token; None for no texts.
    """

    def __init__(self, told: Sequence[int], tokenizer: Any) -> None:
        self._told = told
        self._tokenizer = tokenizer
        self._ids: dict[tuple[int, int], NDArray[np.int64]] = {}
        self._steps = [0, 0]
        self.disagreeing: dict[int, int] = {}
        """Examples whose number of tokens is another than told, with the number they have."""

    def step(self, axis: int) -> int:
        """Passes that brought tokens to an axis so far."""
        return self._steps[axis]

    def came(
        self,
        axis: int,
        ids: Tensor | None,
        *,
        past: int,
        spans: Spans,
        beams: int,
        skipped: NDArray[np.bool_] | None,
    ) -> NewTokens | None:
        """Note the tokens of a pass.

        Args:
            axis: 0 for the examples' own, 1 for the target's.
            ids: [rows, length]; None where only embeddings are known.
            past: position of the first of them, padding counted.
            spans: which positions are no padding.
            beams: rows of each example.
            skipped: bool [rows], those that had ended before.

        Returns:
            Those that were not known, or None.
        """
        step = self._steps[axis]
        self._steps[axis] += 1
        if ids is None:
            return None
        table = numbers(ids)
        parts = []
        for row in range(table.shape[0]):
            if skipped is not None and skipped[row]:
                continue
            low, high = int(spans.low[row]), int(spans.high[row])
            start, end = max(low, past), min(high, past + table.shape[1])
            if start >= end:
                continue
            own = table[row, start - past : end - past]
            fresh = self._fresh(axis, row, row // beams, start - low, own, past)
            parts.append((row, fresh + start - low, own[fresh]))
        if not any(len(positions) for _, positions, _ in parts):
            return None
        rows = np.concatenate([np.full(len(at), row, np.int64) for row, at, _ in parts])
        found = np.concatenate([own for _, _, own in parts])
        return NewTokens(
            axis,
            step,
            rows // beams,
            rows % beams,
            np.concatenate([at for _, at, _ in parts]).astype(np.int64),
            found,
            self._texts(found),
        )

    def _fresh(
        self, axis: int, row: int, example: int, first: int, own: NDArray[np.int64], past: int
    ) -> NDArray[np.int64]:
        """Which of a row's tokens nobody knows yet, as indices into them."""
        everything = np.arange(len(own), dtype=np.int64)
        if past:
            return everything
        before = self._ids.get((axis, row))
        self._ids[axis, row] = own
        if before is not None:
            same = np.zeros(len(own), bool)
            common = min(len(own), len(before))
            same[:common] = own[:common] == before[:common]
            return everything[~same]
        told = self._told[example] if axis == OWN else 0
        if told == len(own):
            return everything[:0]
        if told:
            self.disagreeing[example] = len(own)
        return everything

    def _texts(self, ids: NDArray[np.int64]) -> tuple[str, ...]:
        if self._tokenizer is None:
            return ("",) * len(ids)
        shown = self._tokenizer.convert_ids_to_tokens(ids.tolist())
        return tuple("" if text is None else str(text) for text in shown)
