"""Functions that make weights and multiply by them: softmax, matmul, einsum, a sum of products."""

from __future__ import annotations

import weakref
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
)
from recorders.capture.nets.dataflow.marks import Perturbed, Term, Weights
from recorders.capture.nets.dataflow.products import of_einsum, of_matrices, of_sum
from recorders.capture.nets.dataflow.weighted_sum import Softmax
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
        before = self._flow.marks.get(scores)
        if isinstance(before, Perturbed) and not log:
            softmax = Softmax(weakref.ref(scores), before.temperature, before.scores)
        else:
            softmax = Softmax(weakref.ref(scores))
        keys = output.shape[axis]
        mark = Weights((Term(softmax),), axis if keys > 1 else -1, keys, log=log)
        self._flow.marks.put(output, mark)
        return output

    def _matrices(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
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
        if len(self._flow.marks):
            self._flow.multiplied(of_matrices(self._flow.marks, args[1], args[0], output))
        return output

    def _baddbmm(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
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
        if len(self._flow.marks) and args:
            operands = args[1:]
            if len(operands) == 1 and isinstance(operands[0], list | tuple):
                operands = tuple(operands[0])
            self._flow.multiplied(of_einsum(self._flow.marks, args[0], operands, output))
        return output

    def _sum(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        if not len(self._flow.marks):
            return output
        tensor = first_argument(args, kwargs)
        mark = self._flow.marks.weights(tensor)
        if mark is None or mark.factors is None:
            return output
        dims = argument(args, kwargs, 1, "dim", kwargs.get("axis"))
        if isinstance(dims, list | tuple) and len(dims) == 1:
            dims = dims[0]
        axis = axis_of(tensor, dims)
        if axis is not None:
            keepdim = bool(argument(args, kwargs, 2, "keepdim", False))
            self._flow.multiplied(of_sum(tensor, mark, axis, keepdim, output))
        return output
