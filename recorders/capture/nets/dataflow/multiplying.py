"""Functions that make weights and multiply by them: softmax, matmul, einsum, a sum of products."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import Any

from torch import Tensor

from recorders.capture.nets.aside import aside
from recorders.capture.nets.dataflow.flow import (
    Args,
    Flow,
    Kwargs,
    argument,
    axis_of,
    first_argument,
    handled,
    name_of,
)
from recorders.capture.nets.dataflow.marks import Exponentials, Total, Weights, has_values
from recorders.capture.nets.dataflow.products import of_einsum, of_linear, of_matrices, of_sum
from recorders.capture.nets.mode import Function, Handler


class Multiplying:
    """Finds softmaxes, and multiplications of their results with values.

    Args:
        flow: marks of the pass.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def handlers(self) -> dict[Function, Handler]:
        """What the function mode hands over."""
        return {
            **handled(self._softmax, "softmax"),
            **handled(self._log_softmax, "log_softmax"),
            **handled(self._matrices, "matmul", "__matmul__", "bmm", "mm", "mv"),
            **handled(self._from_right, "__rmatmul__"),
            **handled(self._baddbmm, "baddbmm", "baddbmm_"),
            **handled(self._einsum, "einsum"),
            **handled(self._sum, "sum"),
            **handled(self._mean, "mean"),
            **handled(self._logsumexp, "logsumexp"),
            **handled(self._linear, "linear"),
            **handled(self._convolve, "conv1d", "conv2d", "conv3d"),
        }

    def _softmax(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        return self._normalise(function, args, kwargs, log=False)

    def _log_softmax(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        return self._normalise(function, args, kwargs, log=True)

    def _normalise(self, function: Function, args: Args, kwargs: Kwargs, *, log: bool) -> Any:
        output = function(*args, **kwargs)
        scores = first_argument(args, kwargs)
        axis = axis_of(output, argument(args, kwargs, 1, "dim"))
        if axis is None or kwargs.get("out") is not None:
            return output
        self._flow.weighed(weakref.ref(scores), output, axis, log=log)
        return output

    def _logsumexp(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        scores = first_argument(args, kwargs)
        axis = _single(scores, argument(args, kwargs, 1, "dim"))
        if axis is not None:
            self._flow.marks.put(output, Total(axis, weakref.ref(scores)))
        return output

    def _linear(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        self._flow.computed()
        marks = self._flow.marks
        values, matrix = first_argument(args, kwargs), argument(args, kwargs, 1, "weight")
        if not len(marks) or (marks.weights(values) is None and marks.weights(matrix) is None):
            return output
        bias = argument(args, kwargs, 2, "bias")
        product = output
        if bias is not None and has_values(output):
            with aside(output.device):
                product = output.detach() - bias.detach()
        self._flow.multiplied(of_linear(marks, values, matrix, product))
        return output

    def _convolve(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        self._flow.computed()
        return output

    def _matrices(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        self._flow.computed()
        if len(self._flow.marks):
            left = first_argument(args, kwargs)
            right = next(
                (value for value in (*args[1:2], *kwargs.values()) if isinstance(value, Tensor)),
                None,
            )
            self._flow.multiplied(of_matrices(self._flow.marks, left, right, output))
        return output

    def _from_right(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        self._flow.computed()
        if len(self._flow.marks):
            self._flow.multiplied(of_matrices(self._flow.marks, args[1], args[0], output))
        return output

    def _baddbmm(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        self._flow.computed()
        marks = self._flow.marks
        added = first_argument(args, kwargs)
        left, right = argument(args, kwargs, 1, "batch1"), argument(args, kwargs, 2, "batch2")
        alone = None
        if marks.weights(left) is not None or marks.weights(right) is not None:
            beta, alpha = kwargs.get("beta", 1), kwargs.get("alpha", 1)
            with aside(added.device):
                alone = added.detach() * beta, alpha
                # What is written in place must be read before.
                alone = (alone[0].clone(), alpha)
        output = function(*args, **kwargs)
        if alone is not None and alone[1]:
            with aside(output.device):
                product = (output.detach() - alone[0]) / alone[1]
            self._flow.multiplied(of_matrices(marks, left, right, product))
        return output

    def _einsum(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        self._flow.computed()
        if len(self._flow.marks) and args:
            operands = args[1:]
            if len(operands) == 1 and isinstance(operands[0], list | tuple):
                operands = tuple(operands[0])
            self._flow.multiplied(of_einsum(self._flow.marks, args[0], operands, output))
        return output

    def _sum(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        marks = self._flow.marks
        if not len(marks):
            return output
        tensor = first_argument(args, kwargs)
        mark = marks.get(tensor)
        if not isinstance(mark, Weights | Exponentials):
            return output
        axis = _single(tensor, argument(args, kwargs, 1, "dim", kwargs.get("axis")))
        if axis is None:
            return output
        if isinstance(mark, Exponentials):
            marks.put(output, Total(axis))
        elif not mark.log:
            keepdim = bool(argument(args, kwargs, 2, "keepdim", False))
            if mark.factors is not None:
                self._flow.multiplied(of_sum(tensor, mark, axis, keepdim, output))
            else:
                self._reduced(function, tensor, mark, axis, keepdim, output)
        return output

    def _mean(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        tensor = first_argument(args, kwargs)
        mark = self._flow.marks.weights(tensor) if len(self._flow.marks) else None
        axis = _single(tensor, argument(args, kwargs, 1, "dim", kwargs.get("axis")))
        if mark is not None and axis is not None:
            keepdim = bool(argument(args, kwargs, 2, "keepdim", False))
            self._reduced(function, tensor, mark, axis, keepdim, output)
        return output

    def _reduced(
        self,
        function: Function,
        tensor: Tensor,
        mark: Weights,
        axis: int,
        keepdim: bool,
        output: Any,
    ) -> None:
        """Follow weights that are added up over heads or rows."""
        if mark.axis in (axis, -1) or not isinstance(output, Tensor):
            return
        with aside(tensor.device):
            terms = tuple(
                replace(term, clean=function(term.own(tensor), axis, keepdim))
                for term in mark.terms
            )
        place = mark.axis - (axis < mark.axis and not keepdim)
        changes = (*mark.changes, name_of(function))
        self._flow.marks.put(
            output,
            replace(mark, terms=terms, axis=place, changes=changes, lead=None, factors=None),
        )


def _single(tensor: Any, dims: Any) -> int | None:
    """The one axis that a function reduces, from 0; None where it is another number of axes."""
    if isinstance(dims, list | tuple) and len(dims) == 1:
        dims = dims[0]
    return axis_of(tensor, dims) if isinstance(tensor, Tensor) else None
