"""Choices by comparison: ``p == p.max()`` is one where the largest is."""

from __future__ import annotations

import weakref
from typing import Any

import torch

from recorders.capture.nets.aside import aside
from recorders.capture.nets.dataflow.choices import Choice
from recorders.capture.nets.dataflow.choosing import Choosing, chosen_axis
from recorders.capture.nets.dataflow.flow import (
    Args,
    Flow,
    Kwargs,
    argument,
    first_argument,
    handled,
)
from recorders.capture.nets.dataflow.marks import Peak, Term, Weights, has_values
from recorders.capture.nets.mode import Function, Handler

_EQUAL = ("eq", "__eq__", "ge", "__ge__", "greater_equal")


class Comparing:
    """Finds scores that are compared with the largest of them.

    Args:
        flow: marks of the pass.
        choosing: makes the choice that this is.
    """

    def __init__(self, flow: Flow, choosing: Choosing) -> None:
        self._flow = flow
        self._choosing = choosing

    def handlers(self) -> dict[Function, Handler]:
        """What the function mode hands over."""
        return {**handled(self._amax, "amax"), **handled(self._equal, *_EQUAL)}

    def _amax(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        scores, dims = first_argument(args, kwargs), argument(args, kwargs, 1, "dim")
        if isinstance(dims, list | tuple) and len(dims) == 1:
            dims = dims[0]
        axis = chosen_axis(scores, dims)
        if axis is not None:
            self._flow.marks.put(output, Peak(weakref.ref(scores), axis))
        return output

    def _equal(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        output = function(*args, **kwargs)
        if not len(self._flow.marks):
            return output
        peak = self._flow.marks.get(argument(args, kwargs, 1, "other"))
        if not isinstance(peak, Peak) or not has_values(output):
            return output
        scores = peak.scores()
        if scores is None or scores is not args[0] or output.shape != scores.shape:
            return output
        with aside(output.device):
            index = scores.detach().argmax(peak.axis, keepdim=True)
            # Where several are the largest, the model takes them all: the record does not agree.
            clean = torch.zeros_like(scores).scatter_(peak.axis, index, 1)
        choice = peak.choice or self._choosing.compared(scores, peak.axis, index)
        if isinstance(choice, Choice):
            self._flow.use(choice)
            terms = (Term(choice, 1.0, clean),)
            self._flow.marks.put(output, Weights(terms, peak.axis, output.shape[peak.axis]))
        return output
