"""Functions that pass marks on: casts, views, dropout and masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from recorders.capture.nets.aside import aside
from recorders.capture.nets.dataflow.flow import (
    Args,
    Flow,
    Kwargs,
    argument,
    before,
    first_argument,
    handled,
    is_basic,
)
from recorders.capture.nets.dataflow.marks import Exponentials, Index, Noise, Total, Weights
from recorders.capture.nets.dataflow.views import relaid
from recorders.capture.nets.mode import Function, Handler

_SAME = (
    "to",
    "type",
    "type_as",
    "float",
    "double",
    "half",
    "bfloat16",
    "long",
    "int",
    "cpu",
    "cuda",
    "contiguous",
    "clone",
    "detach",
    "alias",
)
_LAID = (
    "view",
    "view_as",
    "reshape",
    "reshape_as",
    "flatten",
    "unflatten",
    "transpose",
    "swapaxes",
    "swapdims",
    "permute",
    "movedim",
    "moveaxis",
    "t",
    "unsqueeze",
    "squeeze",
    "expand",
    "expand_as",
    "broadcast_to",
    "narrow",
    "select",
    "chunk",
    "split",
    "tensor_split",
    "unbind",
)
_GETTERS: tuple[Any, ...] = (torch.Tensor.T, torch.Tensor.mT)
_CHANGED = (
    "masked_fill",
    "masked_fill_",
    "where",
    "clamp",
    "clamp_",
    "clamp_min",
    "clamp_min_",
    "clip",
    "nan_to_num",
    "nan_to_num_",
)
_DROPPED = (
    "dropout",
    "dropout_",
    "dropout1d",
    "dropout2d",
    "feature_dropout",
    "alpha_dropout",
    "feature_alpha_dropout",
)


class Passing:
    """Follows marks through the functions that do not use what they mark.

    Args:
        flow: marks of the pass.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def handlers(self) -> dict[Function, Handler]:
        """What the function mode hands over."""
        return {
            **handled(self._same, *_SAME),
            **handled(self.lay_out, *_LAID),
            **{getter.__get__: self.lay_out for getter in _GETTERS},
            **handled(self._change, *_CHANGED),
            **handled(self._drop, *_DROPPED),
            functional.pad: self._pad,
        }

    def _same(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        marks = self._flow.marks
        if not len(marks):
            return output
        tensor = first_argument(args, kwargs)
        mark = marks.get(tensor)
        if mark is None or output is tensor or not isinstance(output, Tensor):
            return output
        if isinstance(mark, Weights) and output.dtype != tensor.dtype:
            mark = mark.cleaned(tensor)
        if isinstance(mark, Index):
            if output.is_floating_point():
                self._flow.use(mark.choice)
                return output
            with aside(output.device):
                mark = replace(mark, clean=function(mark.clean, *args[1:], **kwargs))
        marks.put(output, mark)
        return output

    def lay_out(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        """Follow a function that lays values out anew, or slices them."""
        output = function(*args, **kwargs)
        marks = self._flow.marks
        if not len(marks):
            return output
        tensor = first_argument(args, kwargs)
        mark = marks.get(tensor)
        if not isinstance(mark, Weights | Index):
            if mark is not None:
                marks.put(output, mark)
            return output
        if function is torch.Tensor.__getitem__ and not is_basic(args[1]):
            return output
        if any(isinstance(other, torch.dtype) for other in args[1:]):
            return output
        rest = {name: value for name, value in kwargs.items() if name != "input"}

        def again(other: Function) -> Callable[[Tensor], Any]:
            return lambda stand_in: other(stand_in, *args[1:], **rest)

        with aside(tensor.device):
            for out, passed in relaid(mark, tensor, output, again, function):
                marks.put(out, passed)
        return output

    def _change(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        marks = self._flow.marks
        if not len(marks):
            return function(*args, **kwargs)
        tensor, mark = next(
            (
                (value, found)
                for value in (*args[:3], *kwargs.values())
                if isinstance(value, Tensor) and (found := marks.get(value)) is not None
            ),
            (None, None),
        )
        if tensor is None or mark is None or isinstance(mark, Index):
            return function(*args, **kwargs)
        mark = before(function, tensor, mark)
        output = function(*args, **kwargs)
        if isinstance(mark, Noise | Exponentials | Total):
            marks.put(output, mark)
        elif isinstance(mark, Weights) and not mark.log:
            self._flow.changed(function, tensor, mark, output)
        return output

    def _pad(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        marks, tensor = self._flow.marks, first_argument(args, kwargs)
        mark = marks.weights(tensor) if len(marks) else None
        plain = argument(args, kwargs, 2, "mode", "constant") == "constant"
        if mark is None or mark.axis < 0 or not plain or argument(args, kwargs, 3, "value", 0.0):
            return output
        with aside(tensor.device):
            terms = tuple(
                replace(term, clean=None if term.clean is None else functional.pad(term.clean, pad))
                for pad in [argument(args, kwargs, 1, "pad")]
                for term in mark.terms
            )
        cut = mark.cut or output.shape[mark.axis] < tensor.shape[mark.axis]
        marks.put(output, replace(mark, terms=terms, cut=cut, lead=None, factors=None))
        return output

    def _drop(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        marks = self._flow.marks
        tensor = first_argument(args, kwargs)
        mark = marks.get(tensor) if len(marks) else None
        if not isinstance(mark, Weights):
            return function(*args, **kwargs)
        active = bool(argument(args, kwargs, 1, "p", 0.5)) and bool(
            argument(args, kwargs, 2, "training", kwargs.get("train", True))
        )
        if argument(args, kwargs, 3, "inplace", False) or function.__name__.endswith("_"):
            mark = mark.cleaned(tensor.detach().clone()) if active else mark
        output = function(*args, **kwargs)
        if active:
            mark = replace(mark.cleaned(tensor), dropped=True, factors=None)
        marks.put(output, mark)
        return output
