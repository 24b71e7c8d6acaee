"""Functions that use a selection: gather, indexing, embedding, one_hot, scatter, arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from recorders.capture.nets.aside import aside
from recorders.capture.nets.dataflow.choices import Choice, picked
from recorders.capture.nets.dataflow.choosing import Choosing, Ranking
from recorders.capture.nets.dataflow.flow import (
    Args,
    Flow,
    Kwargs,
    argument,
    axis_of,
    first_argument,
    handled,
)
from recorders.capture.nets.dataflow.marks import Index, Noise, Term, Weights, has_values
from recorders.capture.nets.dataflow.passing import Passing
from recorders.capture.nets.mode import Function, Handler

READ_AS_NUMBER = (
    "the selection was read as a Python number, and what that picked cannot be followed"
)
_NUMBERS = ("item", "tolist", "numpy", "__int__", "__index__", "__float__")
_ARITHMETIC = ("floor_divide", "__floordiv__", "remainder", "fmod", "divmod", "bitwise_right_shift")
_CONVERTED = (
    "scatter_add",
    "scatter_add_",
    "index_add",
    "index_add_",
    "index_copy",
    "unravel_index",
)


class Picking:
    """Finds what selections pick.

    Args:
        flow: marks of the pass.
        passing: follows slices of marked tensors.
        choosing: follows slices of ranked keys.
    """

    def __init__(self, flow: Flow, passing: Passing, choosing: Choosing) -> None:
        self._flow = flow
        self._passing = passing
        self._choosing = choosing

    def handlers(self) -> dict[Function, Handler]:
        """What the function mode hands over."""
        return {
            **handled(self._along, "gather", "take_along_dim"),
            **handled(self._select, "index_select"),
            **handled(self._embed, "embedding"),
            **handled(self._one_hot, "one_hot"),
            functional.one_hot: self._one_hot,
            **handled(self._scatter, "scatter", "scatter_"),
            torch.Tensor.__getitem__: self._get,
            **handled(self._read, *_NUMBERS),
            **handled(self._compute, *_ARITHMETIC, *_CONVERTED),
            **handled(self._random, "rand", "rand_like"),
            **handled(self._fill, "uniform_", "exponential_"),
        }

    def _along(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        if len(self._flow.marks):
            values = first_argument(args, kwargs)
            dims = [value for value in (*args[1:], *kwargs.values()) if type(value) is int]
            for index in (*args[1:], *kwargs.values()):
                mark = self._index(index)
                axis = axis_of(values, dims[0]) if dims else None
                if mark is None or axis is None:
                    continue
                clean = mark.clean
                self._picked(
                    mark,
                    values,
                    axis,
                    partial(_gathered, values, clean, axis),
                    output,
                )
        return output

    def _select(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        mark = self._index(argument(args, kwargs, 2, "index"))
        values = first_argument(args, kwargs)
        axis = axis_of(values, argument(args, kwargs, 1, "dim"))
        if mark is not None and axis is not None:
            self._picked(
                mark,
                values,
                axis,
                lambda: values.detach().index_select(axis, mark.clean.reshape(-1)),
                output,
            )
        return output

    def _embed(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        for index, values in (args[:2], args[:2][::-1]) if len(args) > 1 else ():
            mark = self._index(index)
            if mark is not None:
                self._picked(mark, values, 0, partial(_rows, values, mark.clean), output)
        return output

    def _get(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        marks = self._flow.marks
        if not len(marks):
            return function(*args, **kwargs)
        values, place = args
        own = marks.get(values)
        if isinstance(own, Index) and isinstance(own.choice, Ranking):
            return self._choosing.sliced(function, args, kwargs, own)
        parts = place if isinstance(place, tuple) else (place,)
        found = [(number, self._index(part)) for number, part in enumerate(parts)]
        chosen = [(number, mark) for number, mark in found if mark is not None]
        if not chosen:
            return self._passing.lay_out(function, args, kwargs)
        output = function(*args, **kwargs)
        number, mark = chosen[0]
        axis = _axis_of_part(values, parts, number)
        clean = tuple(mark.clean if at == number else part for at, part in enumerate(parts))
        if axis is None:
            self._flow.use(mark.choice)
        else:
            self._picked(mark, values, axis, lambda: values.detach()[clean], output)
        return output

    def _picked(
        self,
        mark: Index,
        values: Any,
        axis: int,
        expected: Callable[[], Tensor],
        output: Any,
    ) -> None:
        choice = mark.choice
        if not isinstance(choice, Choice) or not isinstance(values, Tensor):
            return
        if self._flow.marks.weights(values) is not None or choice.is_source(values):
            # What it was chosen from was read where it was chosen, as for a log-probability.
            return
        if isinstance(self._flow.marks.get(values), Weights):
            return
        self._flow.use(mark.choice)
        if values.shape[axis] != choice.keys:
            self._flow.use(
                choice,
                f"the selection picked among {values.shape[axis]:,} things, "
                f"but was made among {choice.keys:,} keys",
            )
            return
        picked(self._flow.host, choice, expected, output)

    def _one_hot(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        mark = self._index(argument(args, kwargs, 0, "self", kwargs.get("tensor")))
        if mark is None or not isinstance(mark.choice, Choice):
            return output
        self._flow.use(mark.choice)
        if output.shape[-1] == mark.choice.keys:
            with aside(output.device):
                clean = torch.zeros_like(output).scatter_(-1, mark.clean.unsqueeze(-1), 1)
            terms = (Term(mark.choice, 1.0, clean),)
            self._flow.marks.put(output, Weights(terms, output.dim() - 1, output.shape[-1]))
        return output

    def _scatter(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        index = argument(args, kwargs, 2, "index")
        mark = self._index(index)
        if mark is None or not isinstance(mark.choice, Choice):
            return output
        self._flow.use(mark.choice)
        axis = axis_of(output, argument(args, kwargs, 1, "dim"))
        if axis is None or output.shape[axis] != mark.choice.keys or not has_values(output):
            return output
        with aside(output.device):
            clean = torch.zeros_like(output, dtype=torch.float32)
            clean.scatter_(axis, mark.clean, 1.0)
            if not torch.equal(clean.to(output.dtype), output.detach()):
                return output
        terms = (Term(mark.choice, 1.0, clean),)
        self._flow.marks.put(output, Weights(terms, axis, output.shape[axis]))
        return output

    def _read(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        mark = self._index(first_argument(args, kwargs))
        if mark is not None:
            self._flow.use(mark.choice, READ_AS_NUMBER)
        return function(*args, **kwargs)

    def _compute(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        if len(self._flow.marks):
            for value in (*args, *kwargs.values()):
                mark = self._index(value)
                if mark is not None:
                    self._flow.use(mark.choice)
        return function(*args, **kwargs)

    def _random(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        self._flow.marks.put(output, Noise("uniform"))
        return output

    def _fill(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        limits = (*args[1:], *(value for name, value in kwargs.items() if name != "generator"))
        if function.__name__ == "exponential_":
            if all(limit == 1 for limit in limits):
                self._flow.marks.put(output, Noise("exponential"))
        elif all(-1e-3 < limit < 1e-3 or limit == 1 for limit in limits):
            self._flow.marks.put(output, Noise("uniform"))
        return output

    def _index(self, value: Any) -> Index | None:
        if not isinstance(value, Tensor):
            return None
        mark = self._flow.marks.get(value)
        return mark if isinstance(mark, Index) else None


def _gathered(values: Tensor, index: Tensor, axis: int) -> Tensor:
    """What ``gather`` and, where the shapes differ otherwise, ``take_along_dim`` pick."""
    return torch.take_along_dim(values.detach(), index, axis)


def _rows(values: Tensor, index: Tensor) -> Tensor:
    return values.detach()[index]


def _axis_of_part(values: Any, parts: tuple[Any, ...], number: int) -> int | None:
    """The axis that one part of an index indexes; None where it cannot be told."""
    if not isinstance(values, Tensor):
        return None
    taken = 0
    for part in parts[:number]:
        if part is None or part is Ellipsis or isinstance(part, bool):
            return None
        taken += part.dim() if isinstance(part, Tensor) and part.dtype == torch.bool else 1
    return taken if taken < values.dim() else None
