"""Which items of each row are the example's own, and which are padding around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Spans:
    """The example's own items of each row: those from ``low`` to before ``high``.

    Attributes:
        low: int64 [rows].
        high: int64 [rows].
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @classmethod
    def whole(cls, rows: int, length: int) -> Spans:
        """All items of all rows."""
        return cls(np.zeros(rows, np.int64), np.full(rows, length, np.int64))

    @classmethod
    def of(cls, real: NDArray[np.bool_]) -> Spans:
        """What lies between the padding on the left and that on the right.

        Args:
            real: bool [rows, length]; a row without any real item counts as whole.
        """
        length = real.shape[1]
        some = real.any(axis=1)
        low = np.where(some, real.argmax(axis=1), 0)
        high = np.where(some, length - real[:, ::-1].argmax(axis=1), length)
        return cls(low.astype(np.int64), high.astype(np.int64))

    def for_rows(self, rows: int) -> Spans:
        """These spans where the same examples have ``rows`` rows, as one encoded for all beams."""
        have = self.low.size
        if have == rows:
            return self
        if rows % have == 0:
            return Spans(self.low.repeat(rows // have), self.high.repeat(rows // have))
        step = have // rows
        return Spans(self.low[::step][:rows], self.high[::step][:rows])


def seen_keys(visible: Tensor, queries: slice = slice(None)) -> NDArray[np.bool_]:
    """Which keys any query of any head may see.

    Args:
        visible: bool, broadcastable to [rows, heads, queries, keys].
        queries: which queries count.

    Returns:
        bool [rows or 1, keys].
    """
    mask = visible.detach()
    mask = mask[(None,) * (4 - mask.ndim)]
    if mask.shape[2] > 1:
        mask = mask[:, :, queries]
    seen: NDArray[np.bool_] = mask.any(dim=1).any(dim=1).to("cpu").numpy()
    return seen


def sees_nothing(visible: Tensor, row: int, count: int) -> bool:
    """Whether the first ``count`` queries of a row may attend to no key at all."""
    mask = visible.detach()
    mask = mask[(None,) * (4 - mask.ndim)]
    row = min(row, mask.shape[0] - 1)
    return mask.shape[2] > 1 and not bool(mask[row, :, :count].any())


def kept(values: Tensor, start: int, end: int, *, sink: bool) -> Tensor:
    """Keys ``start`` to before ``end`` of [..., keys], and the sink behind them all."""
    if not sink:
        return values[..., start:end]
    if end == values.shape[-1] - 1:
        return values[..., start:]
    return torch.cat([values[..., start:end], values[..., -1:]], dim=-1)


def lost(values: Tensor, start: int, end: int, *, sink: bool) -> float:
    """The largest mass that one row of [..., keys] has outside of ``kept``."""
    last = values.shape[-1] - 1 if sink else values.shape[-1]
    outside = [part for part in (values[..., :start], values[..., end:last]) if part.numel()]
    if not outside:
        return 0.0
    totals = [part.sum(dim=-1, dtype=torch.float32) for part in outside]
    return float(totals[0].max() if len(totals) == 1 else (totals[0] + totals[1]).max())


def selected(chosen: Tensor, start: int, end: int, *, keys: int, sink: bool) -> Tensor | None:
    """Selections counted from key ``start``; None where one lies outside of ``kept``."""
    inside = (chosen >= start) & (chosen < end)
    at_sink = chosen == keys - 1 if sink else torch.zeros_like(inside)
    if not bool((inside | at_sink).all()):
        return None
    return torch.where(at_sink, torch.full_like(chosen, end - start), chosen - start)
