"""What a view, a permutation or a slice of a marked tensor is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from recorders.capture.nets.dataflow.marks import Index, Weights
from recorders.capture.nets.mode import Function

_RESHAPED: dict[Function, Function] = {
    torch.Tensor.view: torch.Tensor.reshape,
    torch.Tensor.view_as: torch.Tensor.reshape_as,
}
_MERGING: frozenset[Function] = frozenset(
    {
        torch.Tensor.view,
        torch.Tensor.reshape,
        torch.reshape,
        torch.Tensor.flatten,
        torch.flatten,
    }
)


def relaid(
    mark: Weights | Index,
    tensor: Tensor,
    output: Any,
    again: Callable[[Function], Callable[[Tensor], Any]],
    function: Function,
) -> list[tuple[Tensor, Weights | Index]]:
    """The marks of what a function that only lays values out anew made of a marked tensor.

    Args:
        mark: the tensor's mark.
        tensor: the tensor.
        output: what the function returned: a tensor, or several.
        again: gives the function with its other arguments, to be used on another tensor.
        function: the function.
    """
    # Where the model's memory allows a view, that of the copy may not.
    apply = again(_RESHAPED.get(function, function))
    outputs = several(output)
    if isinstance(mark, Index):
        cleans = several(apply(mark.clean))
        return [
            (out, replace(mark, clean=clean))
            for out, clean in zip(outputs, cleans, strict=True)
            if out is not tensor
        ]
    places = [mark.axis] * len(outputs)
    lengths = [mark.keys] * len(outputs)
    if mark.axis >= 0:
        probes = several(apply(probe(tensor, mark.axis)))
        found = [key_axis(probe) for probe in probes]
        places, lengths = [axis for axis, _ in found], [length for _, length in found]
    cleans = [
        [None] * len(outputs) if term.clean is None else several(apply(term.clean))
        for term in mark.terms
    ]
    marked: list[tuple[Tensor, Weights | Index]] = []
    for number, (out, axis, length) in enumerate(zip(outputs, places, lengths, strict=True)):
        if out is tensor or (axis < 0 <= mark.axis):
            continue
        terms = tuple(
            replace(term, clean=clean[number])
            for term, clean in zip(mark.terms, cleans, strict=True)
        )
        cut = mark.cut or (mark.axis >= 0 and length < tensor.shape[mark.axis])
        lead = _lead(mark, tensor, out, axis) if function in _MERGING else None
        marked.append(
            (out, replace(mark, terms=terms, axis=axis, cut=cut, lead=lead, factors=None))
        )
    return marked


def several(output: Any) -> list[Any]:
    """What a function returned, as a list."""
    return list(output) if isinstance(output, list | tuple) else [output]


def probe(tensor: Tensor, axis: int) -> Tensor:
    """A tensor of the same shape, without values, where only the key axis has a stride."""
    strides = [0] * tensor.dim()
    strides[axis] = 1
    return torch.empty_strided(tensor.shape, strides, device="meta")


def key_axis(probe: Tensor) -> tuple[int, int]:
    """The only axis with a stride, and its length; -1 where the keys were merged or are gone."""
    moving = [
        (axis, size)
        for axis, (size, stride) in enumerate(zip(probe.shape, probe.stride(), strict=True))
        if size > 1 and stride
    ]
    if len(moving) == 1 and probe.stride(moving[0][0]) == 1:
        return moving[0]
    return -1, 0


def _lead(mark: Weights, tensor: Tensor, out: Tensor, axis: int) -> tuple[int, ...] | None:
    """What the axes before the keys were, where some of them are merged now."""
    last = {out.dim() - 1: mark.axis in (tensor.dim() - 1, -1), -1: out.shape[-1] == 1}
    if not out.dim() or not last.get(axis, False):
        return None
    before = tuple(tensor.shape[:-1]) if mark.lead is None else mark.lead
    same = out.shape[:-1].numel() == torch.Size(before).numel()
    return before if same and len(before) >= out.dim() - 1 else None
