"""Functions that choose: argmax, max, topk, sort, multinomial, gumbel_softmax, bernoulli."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from recorders.capture.captured import Ticket
from recorders.capture.nets.aside import aside
from recorders.capture.nets.dataflow import choices
from recorders.capture.nets.dataflow.choices import GATES, LOGS, NET, SCORES, SHARES, Choice
from recorders.capture.nets.dataflow.flow import (
    Args,
    Flow,
    Kwargs,
    argument,
    axis_of,
    first_argument,
    handled,
)
from recorders.capture.nets.dataflow.marks import (
    Index,
    Noise,
    Peak,
    Perturbed,
    Source,
    Term,
    Weights,
    has_values,
    is_plain,
)
from recorders.capture.nets.dataflow.views import key_axis, probe
from recorders.capture.nets.dataflow.weighted_sum import Softmax
from recorders.capture.nets.mode import Function, Handler


@dataclass(frozen=True, eq=False)
class _Law:
    """What a choice is made from."""

    law: str
    numbers: Tensor
    lead: tuple[int, ...] | None = None
    temperature: float | None = None
    noise: str = ""
    scores: tuple[weakref.ref[Tensor], ...] = ()


@dataclass(eq=False)
class Ranking(Source):
    """A sorting, which is a choice once only some ranks are kept."""

    law: _Law
    axis: int


class Choosing:
    """Finds choices as the model makes them.

    Args:
        flow: marks of the pass.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def handlers(self) -> dict[Function, Handler]:
        """What the function mode hands over."""
        return {
            **handled(self._argmax, "argmax"),
            **handled(self._max, "max"),
            **handled(self._topk, "topk"),
            **handled(self._sort, "sort", "argsort"),
            **handled(self._multinomial, "multinomial"),
            **handled(self._bernoulli, "bernoulli"),
            functional.gumbel_softmax: self._gumbel,
        }

    def _argmax(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        scores = first_argument(args, kwargs)
        axis = chosen_axis(scores, argument(args, kwargs, 1, "dim"), flat=True)
        if axis is None:
            return function(*args, **kwargs)
        return self._best(function, args, kwargs, scores, axis, "argmax")

    def _max(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        scores = first_argument(args, kwargs)
        axis = chosen_axis(scores, argument(args, kwargs, 1, "dim"))
        if axis is None or kwargs.get("out") is not None:
            return function(*args, **kwargs)
        return self._best(function, args, kwargs, scores, axis, "max")

    def _best(
        self, function: Function, args: Args, kwargs: Kwargs, scores: Tensor, axis: int, name: str
    ) -> Any:
        if self._is_known_choice(scores):
            output = function(*args, **kwargs)
            self._again(scores, output if name == "argmax" else output[1])
            return output
        ticket = self._flow.host.wants(NET, suffix=f":{name}", sure=False)
        law = self._law(scores, axis, settle=name != "max") if ticket is not None else None
        output = function(*args, **kwargs)
        if ticket is None or law is None:
            return output
        index = output if name == "argmax" else output[1]
        keepdim = argument(args, kwargs, 2, "keepdim", False)
        selection = index.detach() if keepdim else index.detach().reshape(_without(scores, axis))
        choice = _made(ticket, "argmax", law, axis, selection, quiet=name == "max")
        self._flow.chosen(choice, index, index)
        if name == "max":
            self._flow.marks.put(output[0], Peak(weakref.ref(scores), axis, choice))
        return output

    def compared(self, scores: Tensor, axis: int, index: Tensor) -> Choice | None:
        """The choice that a comparison with the largest score is.

        Args:
            scores: what was compared.
            axis: the axis that the largest is of, from 0.
            index: the place of the largest, with that axis.
        """
        ticket = self._flow.host.wants(NET, suffix=":max", sure=False)
        if ticket is None:
            return None
        choice = _made(ticket, "argmax", self._law(scores, axis), axis, index, quiet=True)
        self._flow.pending(choice)
        return choice

    def _topk(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        scores = first_argument(args, kwargs)
        axis = chosen_axis(scores, argument(args, kwargs, 2, "dim", -1))
        count = argument(args, kwargs, 1, "k")
        largest = argument(args, kwargs, 3, "largest", True)
        if axis is None or not largest or not 0 < int(count) < scores.shape[axis]:
            return function(*args, **kwargs)
        ticket = self._flow.host.wants(NET, suffix=":topk", sure=False)
        law = self._law(scores, axis) if ticket is not None else None
        output = function(*args, **kwargs)
        if ticket is not None and law is not None:
            mechanism = "top-k" if int(count) > 1 else "argmax"
            self._rank(ticket, mechanism, law, axis, output[1], output[1])
        return output

    def _sort(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        scores = first_argument(args, kwargs)
        plain = [value for value in args[1:] if type(value) is int]
        axis = chosen_axis(scores, kwargs.get("dim", plain[0] if plain else -1))
        output = function(*args, **kwargs)
        if axis is not None and kwargs.get("out") is None:
            index = output if isinstance(output, Tensor) else output[1]
            ranking = Ranking(self._law(scores, axis), axis)
            self._flow.marks.put(index, Index(ranking, index.detach(), axis))
        return output

    def sliced(self, function: Function, args: Args, kwargs: Kwargs, mark: Index) -> Any:
        """Follow a slice of ranked keys: where it leaves some out, it is a choice."""
        output = function(*args, **kwargs)
        ranking = mark.choice
        if not isinstance(ranking, Ranking) or not isinstance(output, Tensor):
            return output
        ranks = first_argument(args, kwargs)
        axis, kept = key_axis(function(probe(ranks, mark.axis), *args[1:], **kwargs))
        if kept == ranks.shape[mark.axis]:
            self._flow.marks.put(output, Index(ranking, output.detach(), axis))
            return output
        if output.numel() * ranks.shape[mark.axis] != ranks.numel() * max(kept, 1):
            # Other axes were sliced as well.
            return output
        if axis not in (ranking.axis, -1) or mark.axis != ranking.axis:
            return output
        ticket = self._flow.host.wants(NET, suffix=":sort", sure=False)
        if ticket is not None:
            mechanism = "top-k" if kept > 1 else "argmax"
            selection = output if kept else output.unsqueeze(ranking.axis)
            self._rank(ticket, mechanism, ranking.law, ranking.axis, selection, output)
        return output

    def _rank(
        self,
        ticket: Ticket,
        mechanism: str,
        law: _Law,
        axis: int,
        selection: Tensor,
        output: Tensor,
    ) -> None:
        choice = _made(ticket, mechanism, law, axis, selection)
        self._flow.chosen(choice, output, output)

    def _multinomial(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        shares = first_argument(args, kwargs)
        axis = chosen_axis(shares, -1)
        if axis is None or kwargs.get("out") is not None:
            return function(*args, **kwargs)
        ticket = self._flow.host.wants(NET, suffix=":multinomial", sure=False)
        output = function(*args, **kwargs)
        if ticket is not None:
            law = self._law(shares, axis)
            choice = choices.make(
                ticket,
                "sampled",
                SHARES,
                shares,
                axis,
                output,
                lead=law.lead,
                sampled=True,
                scores=law.scores,
            )
            self._flow.chosen(choice, output, output)
        return output

    def _bernoulli(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        chances = first_argument(args, kwargs)
        told = [value for value in args[1:] if not isinstance(value, torch.Generator)]
        wanted = isinstance(chances, Tensor) and chances.is_floating_point() and chances.dim()
        if not wanted or not has_values(chances):
            return function(*args, **kwargs)
        if told or set(kwargs) - {"input", "generator"} or chances.numel() < 2:
            return function(*args, **kwargs)
        with aside(chances.device):
            # One chance for all is dropout.
            if bool((chances == chances.reshape(-1)[0]).all()):
                return function(*args, **kwargs)
        ticket = self._flow.host.wants(NET, suffix=":bernoulli", sure=False)
        output = function(*args, **kwargs)
        if ticket is not None:
            single = chances.dim() > 1 and chances.shape[-1] == 1
            items, gates = (chances[..., 0], output[..., 0]) if single else (chances, output)
            choice = choices.make(
                ticket,
                "bernoulli",
                GATES,
                items.detach(),
                items.dim() - 1,
                gates.detach().to(torch.int64),
                sampled=True,
            )
            self._flow.pending(choice)
            axis = items.dim() - 1
            clean = output.detach().clone()
            terms = (Term(choice, 1.0, clean),)
            self._flow.marks.put(output, Weights(terms, axis, output.shape[axis]))
        return output

    def _gumbel(self, function: Function, args: Args, kwargs: Kwargs) -> Any:
        logits: Any = argument(args, kwargs, 0, "logits")
        axis = chosen_axis(logits, argument(args, kwargs, 4, "dim", -1))
        if axis is None:
            return function(*args, **kwargs)
        temperature = float(argument(args, kwargs, 1, "tau", 1))
        if not argument(args, kwargs, 2, "hard", False):
            output = function(*args, **kwargs)
            softmax = Softmax(weakref.ref(logits), temperature, logits.detach())
            self._flow.marks.put(output, Weights((Term(softmax),), axis, output.shape[axis]))
            return output
        ticket = self._flow.host.wants(NET, suffix=":gumbel_softmax", sure=False)
        output = function(*args, **kwargs)
        if ticket is None:
            return output
        with aside(output.device):
            index = output.detach().argmax(axis, keepdim=True)
            clean = torch.zeros_like(output).scatter_(axis, index, 1)
        choice = choices.make(
            ticket,
            "gumbel-softmax",
            SCORES,
            logits,
            axis,
            index,
            temperature=temperature,
            sampled=True,
        )
        self._flow.pending(choice)
        terms = (Term(choice, 1.0, clean),)
        self._flow.marks.put(output, Weights(terms, axis, output.shape[axis]))
        return output

    def _law(self, scores: Tensor, axis: int, *, settle: bool = True) -> _Law:
        """What a tensor that is chosen from holds along an axis."""
        mark = self._flow.marks.get(scores)
        plain = _Law(SCORES, scores, scores=(weakref.ref(scores),))
        if isinstance(mark, Perturbed):
            return _Law(SCORES, mark.scores, noise="sampled", scores=plain.scores)
        if mark == Noise("gumbel"):
            # The scores that it was added to are all zero.
            return _Law(SCORES, torch.zeros_like(scores), noise="sampled", scores=plain.scores)
        if not isinstance(mark, Weights) or mark.axis != axis or len(mark.terms) != 1:
            return plain
        source, clean = mark.terms[0].source, mark.terms[0].own(scores)
        if not isinstance(source, Softmax):
            return plain
        if settle:
            source.settle()
        known = (*plain.scores, source.scores)
        if source.original is not None:
            original, tau = source.original, source.temperature
            if original.shape == scores.shape:
                return _Law(SCORES, original, mark.lead, tau, "gumbel-softmax", known)
            return plain
        if mark.log:
            return _Law(LOGS, clean, mark.lead, scores=known)
        if mark.changes and has_values(scores) and bool((scores.detach() >= 0).all()):
            return _Law(SHARES, scores, mark.lead, scores=known)
        return _Law(SHARES, clean, mark.lead, scores=known)

    def _is_known_choice(self, tensor: Tensor) -> bool:
        mark = self._flow.marks.weights(tensor)
        return (
            mark is not None
            and len(mark.present) == 1
            and isinstance(mark.present[0].source, Choice)
            and mark.present[0].source.law != GATES
        )

    def _again(self, tensor: Tensor, index: Tensor) -> None:
        """The place of the one in a one-hot selection is that selection."""
        mark = self._flow.marks.weights(tensor)
        if mark is not None:
            self._flow.marks.put(index, Index(mark.present[0].source, index.detach().clone()))


def _made(
    ticket: Ticket, mechanism: str, law: _Law, axis: int, selection: Tensor, *, quiet: bool = False
) -> Choice:
    return choices.make(
        ticket,
        law.noise or mechanism,
        law.law,
        law.numbers,
        axis,
        selection,
        lead=law.lead,
        temperature=law.temperature,
        sampled=bool(law.noise),
        quiet=quiet,
        scores=law.scores,
    )


def chosen_axis(scores: Any, axis: Any, *, flat: bool = False) -> int | None:
    """The axis that a choice is made along; None where there is nothing to choose."""
    if not isinstance(scores, Tensor) or not scores.is_floating_point() or not scores.numel():
        return None
    if not is_plain(scores):
        return None
    if axis is None and flat:
        # Without an axis it is the only one that has more than one entry.
        wide = [number for number, size in enumerate(scores.shape) if size > 1]
        axis = wide[0] if len(wide) == 1 else None
    found = axis_of(scores, axis)
    return found if found is not None and scores.shape[found] > 1 else None


def _without(scores: Tensor, axis: int) -> torch.Size:
    return torch.Size((*scores.shape[:axis], *scores.shape[axis + 1 :]))
