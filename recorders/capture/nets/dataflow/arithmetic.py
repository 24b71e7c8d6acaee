"""Arithmetic on weights, noise and scores: sums of weights, products with values, Gumbel noise."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import Any

from torch import Tensor

from recorders.capture.nets.aside import aside
from recorders.capture.nets.dataflow import noise
from recorders.capture.nets.dataflow.choices import GATES, Choice, picked
from recorders.capture.nets.dataflow.flow import (
    Args,
    Flow,
    Kwargs,
    argument,
    before,
    first_argument,
    handled,
    name_of,
)
from recorders.capture.nets.dataflow.marks import (
    Exponentials,
    Factors,
    Index,
    Mark,
    Noise,
    Peak,
    Perturbed,
    Term,
    Total,
    Weights,
    has_values,
)
from recorders.capture.nets.dataflow.weighted_sum import Softmax
from recorders.capture.nets.mode import Function, Handler

_ABOUT = 1e-3
_LOSSES = (
    "xlogy",
    "entr",
    "kl_div",
    "cross_entropy",
    "binary_cross_entropy",
    "mse_loss",
    "l1_loss",
)
_UNFINISHED = Exponentials | Total | Peak


class Arithmetic:
    """Follows marks through sums, products and logarithms.

    Args:
        flow: marks of the pass.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def handlers(self) -> dict[Function, Handler]:
        """What the function mode hands over."""
        return {
            **handled(self._multiply, "mul", "multiply", "mul_"),
            **handled(self._divide, "div", "divide", "true_divide", "div_"),
            **handled(self._add, "add", "add_"),
            **handled(self._subtract, "sub", "subtract", "sub_"),
            **handled(self._subtract_from, "rsub", "__rsub__"),
            **handled(self._negate, "neg", "negative", "neg_"),
            **handled(self._log, "log", "log_"),
            **handled(self._exp, "exp", "exp_"),
            **handled(self._compare, *_LOSSES),
        }

    def _multiply(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        found = self._operands(function, args, kwargs)
        output = function(*args, **kwargs)
        if found is None or not isinstance(output, Tensor):
            return output
        tensor, mark, other, second = found
        if isinstance(mark, Noise):
            self._put(output, noise.scaled(mark, other))
        elif isinstance(mark, Exponentials):
            if output.shape == tensor.shape:
                self._put(output, mark)
        elif isinstance(mark, Perturbed):
            factor = noise.constant(other)
            if factor:
                self._put(output, replace(mark, temperature=mark.temperature / factor))
        elif isinstance(mark, Weights) and not mark.log and not isinstance(second, Weights):
            if isinstance(other, Tensor) and other.dim():
                self._times(function, tensor, mark, other, output)
            else:
                self._flow.changed(function, tensor, mark, output)
        return output

    def _times(
        self, function: Function, tensor: Tensor, mark: Weights, other: Tensor, output: Tensor
    ) -> None:
        present = mark.present
        if len(present) == 1 and isinstance(present[0].source, Choice):
            choice, clean = present[0].source, present[0].clean
            if choice.law == GATES:
                gates = tensor.detach() if clean is None else clean
                picked(self._flow.host, choice, lambda: gates * other.detach(), output)
                return
        axis = mark.axis if mark.axis < 0 else mark.axis + output.dim() - tensor.dim()
        mark = mark.cleaned(tensor)
        terms = tuple(
            Term(term.source, term.coefficient, term.own(tensor).expand(output.shape))
            for term in mark.terms
        )
        changes = (*mark.changes, name_of(function))
        factors = Factors(tensor.detach(), mark, other.detach())
        product = replace(mark, terms=terms, axis=axis, changes=changes, factors=factors)
        self._put(output, product)

    def _divide(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        found = self._operands(function, args, kwargs)
        output = function(*args, **kwargs)
        if found is None or found[0] is not first_argument(args, kwargs):
            return output
        tensor, mark, other, second = found
        if isinstance(mark, Exponentials):
            if isinstance(second, Total):
                self._divided(mark, second, output)
        elif isinstance(mark, Perturbed):
            factor = noise.constant(other)
            if factor:
                self._put(output, replace(mark, temperature=mark.temperature * factor))
        elif isinstance(mark, Weights) and not mark.log:
            self._flow.changed(function, tensor, mark, output)
        return output

    def _add(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        return self._sum(function, args, kwargs, (1, 1))

    def _subtract(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        return self._sum(function, args, kwargs, (1, -1))

    def _subtract_from(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        return self._sum(function, args, kwargs, (-1, 1))

    def _sum(self, function: Function, args: Args, kwargs: Kwargs, signs: tuple[int, int]) -> Any:
        found = self._operands(function, args, kwargs)
        output = function(*args, **kwargs)
        if found is None or kwargs.get("alpha", 1) != 1 or not isinstance(output, Tensor):
            return output
        if self._normalised(args, kwargs, signs, output):
            return output
        tensor, mark, other, second = found
        if isinstance(mark, Total) and mark.scores is None and isinstance(other, int | float):
            self._put(output, mark)
        swapped = tensor is not first_argument(args, kwargs)
        sign, other_sign = (signs[1], signs[0]) if swapped else signs
        if isinstance(second, Noise):
            drawn = second if other_sign > 0 else noise.negated(second)
            if self._perturbed(tensor, mark, sign, drawn, output):
                return output
        if isinstance(mark, Noise):
            drawn = mark if sign > 0 else noise.negated(mark)
            shifted = noise.shifted(drawn, other)
            if shifted is None:
                self._perturbed(other, second, other_sign, drawn, output)
            self._put(output, shifted)
        elif isinstance(mark, Weights) and not mark.log:
            if isinstance(second, Weights) and not second.log:
                self._combined(tensor, mark, sign, other, second, other_sign, output)
            else:
                self._flow.changed(function, tensor, mark, output)
        return output

    def _normalised(
        self, args: Args, kwargs: Kwargs, signs: tuple[int, int], output: Tensor
    ) -> bool:
        """Follow scores minus the logarithm of their exponentials' sum. Returns whether it is."""
        scores = first_argument(args, kwargs)
        mark = self._flow.marks.get(argument(args, kwargs, 1, "other"))
        if signs != (1, -1) or not isinstance(mark, Total) or mark.scores is None:
            return False
        known = mark.scores()
        if known is None or known is not scores or output is scores or output.shape != known.shape:
            return False
        self._flow.weighed(mark.scores, output, mark.axis, log=True)
        return True

    def _divided(self, mark: Exponentials, total: Total, output: Any) -> None:
        """Follow exponentials that were divided by a sum: a softmax, where that is theirs."""
        axis = total.axis
        if not isinstance(output, Tensor) or axis >= output.dim() or total.scores is not None:
            return
        if output.shape[axis] < 2 or not has_values(output):
            return
        with aside(output.device):
            sums = output.sum(axis)
            whole = bool((((sums - 1).abs() < _ABOUT) | (sums == 0)).all())
        if whole:
            self._flow.weighed(mark.scores, output, axis)

    def _perturbed(
        self, scores: Any, mark: Mark | None, sign: int, drawn: Noise, output: Tensor
    ) -> bool:
        """Follow scores to which Gumbel noise was added. Returns whether they are that."""
        if drawn != Noise("gumbel") or sign < 0 or not isinstance(scores, Tensor):
            return False
        if scores.shape != output.shape or isinstance(mark, Noise):
            return False
        clean = scores.detach()
        if isinstance(mark, Weights) and mark.log and not mark.changes:
            clean = mark.terms[0].own(scores)
        self._put(output, Perturbed(clean))
        return True

    def _combined(
        self,
        tensor: Tensor,
        mark: Weights,
        sign: int,
        other: Tensor,
        second: Weights,
        other_sign: int,
        output: Tensor,
    ) -> None:
        if tensor.shape != other.shape or mark.axis != second.axis:
            return
        terms: dict[int, Term] = {}
        for part, factor in (
            *((term, sign) for term in mark.cleaned(tensor).terms),
            *((term, other_sign) for term in second.cleaned(other).terms),
        ):
            before = terms.get(id(part.source))
            weight = part.coefficient * factor + (before.coefficient if before else 0)
            terms[id(part.source)] = Term(part.source, weight, part.clean)
        self._put(
            output,
            replace(
                mark,
                terms=tuple(terms.values()),
                dropped=mark.dropped or second.dropped,
                cut=mark.cut or second.cut,
                changes=(*mark.changes, *second.changes),
                factors=None,
            ),
        )

    def _negate(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        tensor, mark = self._first(function, args, kwargs)
        output = function(*args, **kwargs)
        if isinstance(mark, Noise):
            self._put(output, noise.negated(mark))
        elif isinstance(mark, Weights) and not mark.log:
            mark = mark.cleaned(tensor)
            terms = tuple(replace(term, coefficient=-term.coefficient) for term in mark.terms)
            self._put(output, replace(mark, terms=terms, factors=None))
        return output

    def _log(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        tensor, mark = self._first(function, args, kwargs)
        output = function(*args, **kwargs)
        if isinstance(mark, Noise):
            self._put(output, noise.logarithm(mark))
        elif isinstance(mark, Weights) and not mark.log and len(mark.terms) == 1:
            _settle(mark)
            with aside(tensor.device):
                clean = mark.terms[0].own(tensor).log()
                self._put(output, _with(mark, replace(mark.terms[0], clean=clean), log=True))
        return output

    def _exp(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        tensor, mark = self._first(function, args, kwargs)
        output = function(*args, **kwargs)
        if isinstance(mark, Weights) and mark.log:
            source = mark.terms[0].source
            with aside(tensor.device):
                clean = mark.terms[0].own(tensor).exp()
                self._put(output, _with(mark, replace(mark.terms[0], clean=clean), log=False))
            if isinstance(source, Softmax) and mark.axis >= 0:
                self._flow.watch(source, output, mark.axis)
        elif isinstance(tensor, Tensor) and tensor.dim():
            self._put(output, Exponentials(weakref.ref(tensor)))
        return output

    def _compare(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        if len(self._flow.marks):
            for value in (*args, *kwargs.values()):
                mark = self._flow.marks.weights(value)
                if mark is not None:
                    _settle(mark)
        return function(*args, **kwargs)

    def _first(self, function: Function, args: Args, kwargs: Kwargs) -> tuple[Tensor, Mark | None]:
        tensor = first_argument(args, kwargs)
        mark = self._flow.marks.get(tensor)
        return tensor, None if mark is None else before(function, tensor, mark)

    def _operands(
        self, function: Function, args: Args, kwargs: Kwargs
    ) -> tuple[Tensor, Mark, Any, Mark | None] | None:
        """A marked operand, its mark, the other operand and the mark of that; None without."""
        marks = self._flow.marks
        if not len(marks):
            return None
        left, right = first_argument(args, kwargs), argument(args, kwargs, 1, "other")
        first, second = marks.get(left), marks.get(right)
        for mark in (first, second):
            if isinstance(mark, Index):
                self._flow.use(mark.choice)
                return None
        yields = isinstance(first, Noise) and isinstance(second, Weights)
        yields |= isinstance(first, _UNFINISHED) and not isinstance(second, _UNFINISHED | None)
        if first is not None and not yields:
            return left, before(function, left, first), right, second
        return None if second is None else (right, second, left, first)

    def _put(self, output: Any, mark: Mark | None) -> None:
        if mark is not None:
            self._flow.marks.put(output, mark)


def _settle(mark: Weights) -> None:
    # Attention blends; what a logarithm is taken of is part of a loss or an entropy.
    for term in mark.terms:
        if isinstance(term.source, Softmax):
            term.source.settle()


def _with(mark: Weights, term: Term, *, log: bool) -> Weights:
    return replace(mark, terms=(term,), log=log, factors=None)
