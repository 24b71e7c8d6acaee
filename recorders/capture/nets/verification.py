"""Whether captured weights times the values are what a layer returned."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import torch
from torch import Tensor

from recorders.capture.captured import Check

DROPPED = Check(reason="dropout is active")
OFF = Check(reason="verification is off")

# Largest errors seen of kernels that keep scores in float32, at 16 to 1,500 keys and scores of up
# to several hundred: 2e-14, 7e-7, 5e-4, 4e-3. A layer that rounds large scores to half precision
# itself may miss these, and then rightly: other weights were used than exact ones.
_TOLERANCES = {
    torch.float64: 1e-9,
    torch.float32: 1e-5,
    torch.float16: 2e-3,
    torch.bfloat16: 2e-2,
}
# What float32 products are rounded to where the user allows that (TF32 keeps 10 bits as float16).
_PRECISIONS = {"highest": torch.float32, "high": torch.float16, "medium": torch.bfloat16}
_CHUNK = 1 << 22

MANY_QUERIES = 256
"""Queries of a map up to which all are compared."""

_TURN = count()


def tolerance_of(*computed: Tensor | torch.dtype) -> float:
    """Error above which captured weights are not those that a layer used.

    The coarsest type that took part decides: float64 1e-9, float32 1e-5, float16 2e-3,
    bfloat16 2e-2. Where float32 products may be rounded
    (``torch.set_float32_matmul_precision``), float32 counts as what they are rounded to.

    Args:
        computed: what the layer computed with and returned, or the types of it.
    """
    types = {item.dtype if isinstance(item, Tensor) else item for item in computed}
    known = types & set(_TOLERANCES) or {torch.float32}
    if torch.float32 in known:
        known.add(_PRECISIONS[_precision()])
    return max(_TOLERANCES[dtype] for dtype in known)


def check(
    probabilities: Tensor,
    values: Tensor,
    output: Tensor,
    *,
    alive: Tensor | None = None,
    tolerance: float | None = None,
    thorough: bool = True,
) -> Check:
    """Compare weights times values with what the layer returned.

    Rows where everything is masked are passed over: layers return zeros, NaN or the mean of all
    values for them, as they please.

    Args:
        probabilities: float [rows, heads, queries, keys]; keys without a value come last.
        values: float [rows, value heads, keys, depth]; each value head serves several heads.
        output: float [rows, heads, queries, depth].
        alive: bool, broadcastable to [rows, heads, queries, 1]: rows to compare; None for all.
        tolerance: error that is allowed; None for that of the types given.
        thorough: compare every query; without it, of a map of more than ``MANY_QUERIES`` every
            few, beginning at another one each time.

    Returns:
        The largest absolute difference over the largest absolute output, and the tolerance.
    """
    allowed = tolerance_of(values, output) if tolerance is None else tolerance
    queries = probabilities.size(2)
    if not thorough and queries > MANY_QUERIES:
        stride = queries // (MANY_QUERIES // 2)
        some = slice(next(_TURN) % stride, None, stride)
        probabilities, output = probabilities[:, :, some], output[:, :, some]
        alive = alive if alive is None or alive.size(2) == 1 else alive[:, :, some]
    if output.shape != (*probabilities.shape[:3], values.size(-1)):
        found = "×".join(str(size) for size in output.shape)
        return Check(reason=f"the layer returned {found}, which is no rows×heads×queries×depth")
    largest = [
        torch.stack([_largest(difference), _largest(scale)])
        for difference, scale in _compared(probabilities, values, output, alive)
    ]
    if not largest:
        return Check(0.0, allowed)
    error, scale = torch.stack(largest).amax(0).tolist()
    return Check(relative_error(error, scale), allowed)


def relative_error(difference: float, scale: float) -> float:
    """``difference / scale``, and 0 for 0 / 0: a layer that returns zeros can be right.

    Args:
        difference: largest absolute difference.
        scale: largest absolute value.
    """
    if difference == 0:
        return 0.0
    return difference / scale if scale else float("inf")


def _compared(
    probabilities: Tensor, values: Tensor, output: Tensor, alive: Tensor | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Difference and output, a bounded piece at a time."""
    rows, heads, queries, _ = probabilities.shape
    keys = values.size(2)
    exact = torch.promote_types(
        torch.float32, torch.promote_types(values.dtype, probabilities.dtype)
    )
    group = heads // values.size(1)
    values = values.expand(rows, -1, -1, -1)
    if alive is not None:
        alive = alive.expand(rows, heads, queries, 1)
    head_size = max(1, group * queries * keys)
    n_rows = max(1, _CHUNK // (head_size * values.size(1)))
    n_heads = max(1, min(values.size(1), _CHUNK // head_size)) if n_rows == 1 else values.size(1)
    for row in range(0, rows, n_rows):
        for head in range(0, values.size(1), n_heads):
            place = (
                slice(row, row + n_rows),
                slice(head * group, (head + n_heads) * group),
            )
            v = values[place[0], head : head + n_heads].to(exact)
            # The heads that share values are more queries of them: no value is copied for them.
            p = probabilities[place][..., :keys].to(exact)
            p = p.reshape(v.size(0) * v.size(1), -1, keys)
            returned = output[place].to(exact)
            product = torch.bmm(p, v.reshape(p.size(0), keys, -1)).view(returned.shape)
            difference = product.sub_(returned)
            if alive is not None:
                dead = ~alive[place]
                difference.masked_fill_(dead, 0)
                returned = returned.masked_fill(dead, 0)
            yield difference, returned


def _largest(tensor: Tensor) -> Tensor:
    """Largest absolute value; NaN where there is one."""
    if not tensor.numel():
        return tensor.new_zeros(())
    low, high = torch.aminmax(tensor)
    return torch.maximum(-low, high)


def _precision() -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        # torch refuses to say where it was set for one backend by itself.
        return "high"
