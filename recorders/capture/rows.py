"""Rows of probabilities as a net hands them over: checked, and their entropy, fast."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recorders.run.layout import ROW_TOLERANCE

_NEGATIVE = -1e-6
_TOLERANCE = 1e-3
_SMALLEST = 1.2e-38
# Rows of a block that stays in the cache.
_BLOCK = 1 << 17


def on_cpu(value: Tensor) -> Tensor:
    """A float tensor as contiguous float32 (float64 stays) on the CPU, outside the graph."""
    plain = value.detach()
    if plain.dtype not in (torch.float32, torch.float64):
        plain = plain.float()
    return plain.to("cpu").contiguous()


def flaw_of(probabilities: Tensor, *, half: bool) -> str:
    """What keeps these from being probabilities over the last axis, or an empty string.

    A row may also be 0 throughout: a query that the mask leaves nothing to attend to.

    Args:
        probabilities: float [..., keys] on the CPU.
        half: whether they were computed in half precision.
    """
    sums = probabilities.sum(-1)
    if not bool(torch.isfinite(sums).all()):
        return "the probabilities hold NaN or infinity"
    if float(probabilities.min()) < _NEGATIVE:
        return f"a probability is {float(probabilities.min()):.4g}"
    off = torch.where(sums == 0, 0.0, (sums - 1).abs())
    worst = float(off.max())
    if worst > (ROW_TOLERANCE if half else _TOLERANCE):
        return f"a row of probabilities sums to 1 ± {worst:.3g}"
    return ""


def entropy_of_rows(probabilities: Tensor) -> NDArray[np.float64]:
    """Entropy in nats over the last axis, -sum p ln p with 0 ln 0 = 0; 0 for a row of zeros.

    Args:
        probabilities: float [..., keys] on the CPU.
    """
    keys = probabilities.shape[-1]
    rows = probabilities.reshape(-1, keys)
    entropy = torch.empty(len(rows), dtype=probabilities.dtype)
    step = max(1, _BLOCK // keys)
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        # p ln(max(p, tiny)) is 0 at 0, and one product of rows is faster than torch's entr.
        logs = block.clamp_min(_SMALLEST).log_()
        torch.linalg.vecdot(block, logs, out=entropy[start : start + step])
    whole: NDArray[Any] = entropy.numpy().astype(np.float64)
    result: NDArray[np.float64] = np.maximum(-whole, 0.0).reshape(probabilities.shape[:-1])
    return result
