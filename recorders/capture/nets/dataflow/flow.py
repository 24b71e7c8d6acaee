"""What the parts of the dataflow nets share: the recorder, and what each thread's pass knows."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from recorders.capture.captured import Host
from recorders.capture.nets.dataflow import choices, unseen, weighted_sum
from recorders.capture.nets.dataflow.choices import Choice
from recorders.capture.nets.dataflow.marks import (
    Index,
    Mark,
    Marks,
    Perturbed,
    Source,
    Term,
    Weights,
)
from recorders.capture.nets.dataflow.products import Product
from recorders.capture.nets.dataflow.unseen import Watched
from recorders.capture.nets.dataflow.weighted_sum import Softmax
from recorders.capture.nets.mode import Function, Handler

Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_HOLDERS = (torch, torch.Tensor, functional, torch.special, torch.linalg)
# The index of a slice or an integer picks no key by a selection; tensors and masks do.
_BASIC = (int, slice, type(None), type(Ellipsis))


class _Pass(threading.local):
    """What is known in the pass of one thread."""

    def __init__(self) -> None:
        self.marks = Marks()
        self.choices: list[Choice] = []
        self.made = 0
        self.softmaxes: list[Watched] = []
        self.products = 0


class Flow:
    """Marks and unfinished choices of the pass that runs in this thread.

    Args:
        host: the recorder.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self._pass = _Pass()

    @property
    def marks(self) -> Marks:
        """The marks of this thread's pass."""
        return self._pass.marks

    def weighed(
        self, scores: weakref.ref[Tensor], output: Tensor, axis: int, *, log: bool = False
    ) -> None:
        """Follow a new softmax of scores over an axis, or its logarithm."""
        before = self.marks.get(scores())
        if isinstance(before, Perturbed):
            softmax = Softmax(scores, before.temperature, before.scores)
        else:
            softmax = Softmax(scores)
        keys = output.shape[axis]
        term = Term(softmax)
        self.marks.put(output, Weights((term,), axis if keys > 1 else -1, keys, log=log))
        if not log:
            self.watch(softmax, output, axis)

    def watch(self, softmax: Softmax, output: Tensor, axis: int) -> None:
        """Remark a softmax at the end of the pass, unless something becomes known of it."""
        if softmax.watched is None and not softmax.captured:
            place = self.host.place(weighted_sum.NET)
            softmax.watched = unseen.watched(place, output, axis, self._pass.products)
            if softmax.watched is not None:
                self._pass.softmaxes.append(softmax.watched)

    def computed(self) -> None:
        """Note a multiplication, of whatever: the model has not come to its end."""
        self._pass.products += 1

    def chosen(self, choice: Choice, output: Any, index: Tensor) -> None:
        """Follow a new choice; ``output`` holds the ``index`` es that it returned."""
        self.pending(choice)
        self.marks.put(output, Index(choice, index.detach().clone()))

    def pending(self, choice: Choice) -> None:
        """Keep a choice until it is seen to be used or the pass ends.

        One that must be used to be recorded lives only as long as its selection.
        """
        choice.number = self._pass.made
        self._pass.made += 1
        if choice.sampled or choice.is_routing:
            self._pass.choices.append(choice)

    def use(self, source: Source, note: str = "") -> None:
        """Note that a selection went into something, by ``note`` of a kind that hides its use."""
        if not isinstance(source, Choice):
            return
        if not source.used and not (source.sampled or source.is_routing):
            self._pass.choices.append(source)
        source.used = True
        source.note = note or source.note

    def multiplied(self, product: Product | None) -> None:
        """Record what a multiplication by weights reveals, if anything."""
        if product is None:
            return
        present = product.mark.present
        if len(present) > 1:
            for term in present:
                if isinstance(term.source, Softmax):
                    term.source.settle()
        for term in present:
            if isinstance(term.source, Softmax):
                weighted_sum.capture(self.host, product, term, term.source)
                return
        if len(present) == 1 and isinstance(present[0].source, Choice):
            choices.multiplied(self.host, product, present[0], present[0].source)

    def changed(self, function: Function, tensor: Tensor, mark: Weights, output: Any) -> None:
        """Follow weights whose values a function changed."""
        if isinstance(output, Tensor) and output.shape == tensor.shape:
            changes = (*mark.changes, name_of(function))
            self.marks.put(output, replace(mark.cleaned(tensor), changes=changes, factors=None))

    def end(self) -> None:
        """Record the choices that are left and forget everything: the pass is over."""
        running = self._pass
        left, running.choices, running.made = running.choices, [], 0
        softmaxes, running.softmaxes = running.softmaxes, []
        products, running.products = running.products, 0
        self.marks.clear()
        for softmax in softmaxes:
            unseen.remark(self.host, softmax, products)
        for choice in sorted(left, key=lambda choice: choice.number):
            choices.unpicked(self.host, choice)


def functions(*names: str) -> Iterator[Function]:
    """Every function and method of torch that has one of these names."""
    for name in names:
        for holder in _HOLDERS:
            found = getattr(holder, name, None)
            if callable(found):
                yield found


def handled(handler: Handler, *names: str) -> dict[Function, Handler]:
    """One handler for every function of torch that has one of these names."""
    return dict.fromkeys(functions(*names), handler)


def argument(
    args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str, default: Any = None
) -> Any:
    """An argument of a function, given by place or by name."""
    return args[place] if len(args) > place else kwargs.get(name, default)


def first_argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The tensor that a function works on."""
    return argument(args, kwargs, 0, "input")


def axis_of(tensor: Tensor, axis: Any) -> int | None:
    """An axis counted from 0; None where it is no axis of the tensor."""
    if type(axis) is not int or not -tensor.dim() <= axis < tensor.dim():
        return None
    return axis % tensor.dim()


def is_basic(index: Any) -> bool:
    """Whether an index only slices."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(part, _BASIC) and not isinstance(part, bool) for part in parts)


def name_of(function: Function) -> str:
    """The name of a function without underscores around it."""
    return function.__name__.strip("_")


def before(function: Function, tensor: Tensor, mark: Mark) -> Mark:
    """The mark as it will be true once a function has changed its tensor in place, if it does."""
    name = function.__name__
    if isinstance(mark, Weights) and name.endswith("_") and not name.endswith("__"):
        return mark.cleaned(tensor.detach().clone())
    return mark
