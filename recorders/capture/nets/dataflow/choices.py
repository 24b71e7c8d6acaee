"""The net on choices: what was chosen from which distribution, and whether that was used."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from recorders.capture.captured import Captured, Check, Host, Ticket
from recorders.capture.nets import verification
from recorders.capture.nets.aside import CannotReadError, aside, hand_over
from recorders.capture.nets.dataflow.arrangement import choice_shape
from recorders.capture.nets.dataflow.marks import Source, Term, has_values, version_of
from recorders.capture.nets.dataflow.products import Product
from recorders.capture.nets.verification import relative_error, tolerance_of

NET = "choice"

UNSEEN = "the selection was not seen to pick anything"
UNNORMALISED = (
    "the model compares scores and normalises nothing: the probabilities are their softmax"
)

_SMALL = 1 << 16
ROUTING = re.compile(r"rout|gat(e|ing)|moe|expert|switch", re.IGNORECASE)

SCORES, LOGS, SHARES, GATES = "scores", "logs", "shares", "gates"
"""What a choice was made from: scores, log-probabilities, shares of a whole, chances of a 1."""


@dataclass(eq=False)
class Choice(Source):
    """One choice, kept until it is seen to be used or the pass ends.

    Attributes:
        ticket: the recorder's leave.
        mechanism: how it was made.
        law: ``scores``, ``logs``, ``shares`` or ``gates``: what the numbers are.
        numbers: what it was made from; axes before the keys first, keys last.
        version: of the memory of ``numbers``; -1 for a copy.
        selection: int64, as ``numbers`` with the selected keys last; of gates, 0 or 1 for each.
        lead: sizes of the axes before the keys, before the model merged some.
        temperature: of the distribution, or None.
        sampled: whether chance took part.
        quiet: whether it is recorded only where something was seen to be picked by it.
        scores: what the model computed the distribution of, while it holds that.
        used: whether the selection went into anything at all.
        note: why picking by it could not be followed.
        done: whether it is recorded.
        number: its place among the choices of the pass.
    """

    ticket: Ticket
    mechanism: str
    law: str
    numbers: Tensor
    version: int
    selection: Tensor
    lead: tuple[int, ...]
    temperature: float | None = None
    sampled: bool = False
    quiet: bool = False
    scores: tuple[weakref.ref[Tensor], ...] = ()
    used: bool = False
    note: str = UNSEEN
    done: bool = False
    number: int = 0

    @property
    def keys(self) -> int:
        """Keys to choose from."""
        return 2 if self.law == GATES else self.numbers.shape[-1]

    @property
    def is_routing(self) -> bool:
        """Whether the running module is called a router, a gate or the like."""
        name = f"{type(self.ticket.module).__name__} {self.ticket.path.rpartition('.')[2]}"
        return ROUTING.search(name) is not None

    def is_source(self, tensor: Tensor) -> bool:
        """Whether a tensor is what was chosen from, rather than what was picked."""
        if not has_values(tensor):
            return False
        known = [reference() for reference in self.scores] + [self.numbers]
        memory = tensor.untyped_storage().data_ptr()
        return any(
            other is not None and other.untyped_storage().data_ptr() == memory for other in known
        )


def make(
    ticket: Ticket,
    mechanism: str,
    law: str,
    numbers: Tensor,
    axis: int,
    selection: Tensor,
    *,
    lead: tuple[int, ...] | None = None,
    temperature: float | None = None,
    sampled: bool = False,
    quiet: bool = False,
    scores: tuple[weakref.ref[Tensor], ...] = (),
) -> Choice:
    """Remember a choice.

    Args:
        ticket: the recorder's leave.
        mechanism: how it was made.
        law: what the numbers are.
        numbers: what it was made from, as the model holds it.
        axis: the axis of the keys, from 0.
        selection: selected keys along that axis, or without it where one was selected.
        lead: sizes of the axes before the keys, before the model merged some.
        temperature: of the distribution.
        sampled: whether chance took part.
        quiet: whether it is recorded only where something was seen to be picked by it.
        scores: what the model computed the distribution of.
    """
    held = numbers.detach()
    version = version_of(numbers)
    with aside(numbers.device):
        if held.numel() <= _SMALL:
            held, version = held.clone(), -1
        if selection.dim() < held.dim():
            selection = selection.unsqueeze(axis)
        chosen = selection.detach().movedim(axis, -1).to(torch.int64, copy=True)
        held = held.movedim(axis, -1)
    sizes = tuple(held.shape[:-1])
    fits = lead is not None and torch.Size(lead).numel() == torch.Size(sizes).numel()
    return Choice(
        ticket,
        mechanism,
        law,
        held,
        version,
        chosen,
        lead if lead is not None and fits else sizes,
        temperature,
        sampled,
        quiet,
        (weakref.ref(numbers), *scores),
    )


def picked(host: Host, choice: Choice, expected: Callable[[], Tensor], output: Any) -> None:
    """Record a choice whose selection picked something.

    Args:
        host: the recorder.
        choice: the choice.
        expected: computes what the recorded selection picks.
        output: what the model picked.
    """
    if choice.done or not isinstance(output, Tensor):
        return
    choice.used = True

    def compared() -> Check:
        if not choice.ticket.verify:
            return verification.OFF
        mine, its = expected(), output.detach()
        tolerance = tolerance_of(output)
        if torch.equal(mine, its):
            return Check(0.0, tolerance)
        exact = torch.promote_types(mine.dtype, torch.float32)
        difference = (mine.to(exact) - its.to(exact)).abs().max().item()
        return Check(relative_error(difference, its.to(exact).abs().max().item()), tolerance)

    _record(host, choice, compared)


def multiplied(host: Host, product: Product, term: Term, choice: Choice) -> None:
    """Record a choice whose selection, as ones and zeros, multiplied values.

    Args:
        host: the recorder.
        product: the multiplication.
        term: what the selection is in the weights.
        choice: the choice.
    """
    if choice.done:
        return
    choice.used = True
    clean = term.own(product.weights)
    through = len(product.mark.terms) > 1 and choice.mechanism == "argmax"
    if through and all(other.coefficient == 0 for other in product.mark.terms if other is not term):
        # The weights of a softmax, added and subtracted again, carry only the gradient.
        choice.mechanism = "straight-through"

    def compared() -> Check:
        if product.mark.dropped:
            return verification.DROPPED
        return product.check(clean) if choice.ticket.verify else verification.OFF

    _record(host, choice, compared)


def unpicked(host: Host, choice: Choice) -> None:
    """Record, at the end of a pass, a choice that nothing was seen to be picked by.

    A maximum whose place nobody looked at is no choice, nor is one that was only handed out.
    """
    if choice.done or (choice.quiet and not choice.used):
        return
    _record(host, choice, lambda: Check(reason=choice.note))


def _record(host: Host, choice: Choice, check: Callable[[], Check]) -> None:
    choice.done = True
    numbers = choice.numbers
    hand_over(host, choice.ticket, (numbers,), lambda: _captured(choice, check()))
    # What the model computed need not live until the pass ends.
    choice.numbers = numbers.new_empty((*([0] * (numbers.dim() - 1)), numbers.shape[-1]))


def _captured(choice: Choice, check: Check) -> Captured:
    numbers = choice.numbers
    if choice.version >= 0 and version_of(numbers) != choice.version:
        raise CannotReadError(
            "the model wrote over what it chose from before the choice was used; "
            "show the choice with an AttentionTap"
        )
    exact = numbers.to(torch.promote_types(numbers.dtype, torch.float32))
    if choice.law == GATES:
        return _gates(choice, exact, check)
    probabilities = _normalised(choice, exact).reshape(*choice.lead, choice.keys)
    selection = choice.selection.reshape(*choice.lead, -1)
    shape = choice_shape(choice.ticket, choice.lead)
    probabilities, selection = shape.of(probabilities), shape.of(selection)
    if choice.law == SCORES and not choice.sampled:
        check = Check(
            check.error, check.tolerance, "; ".join(filter(None, (check.reason, UNNORMALISED)))
        )
    return Captured(
        probabilities,
        check,
        kind="routing" if choice.is_routing else "",
        mechanism=choice.mechanism,
        selection=selection,
        log_prob=_log_prob(choice, probabilities, selection),
        temperature=choice.temperature,
    )


def _normalised(choice: Choice, numbers: Tensor) -> Tensor:
    if choice.law == SHARES:
        sums = numbers.sum(-1, keepdim=True)
        if bool((numbers < 0).any()) or not bool(sums.isfinite().all()):
            raise CannotReadError("it chose from numbers that are no shares of a whole")
        return torch.where(sums > 0, numbers / sums, 0)
    if choice.law == LOGS:
        return numbers.exp()
    # A row that is masked everywhere has no distribution.
    return torch.softmax(numbers, -1).nan_to_num(0.0)


def _gates(choice: Choice, chances: Tensor, check: Check) -> Captured:
    """Each item is a query that chooses between closed (key 0) and open (key 1)."""
    lead = choice.lead
    items = chances.shape[-1]
    rows = lead[0] if lead else 1
    heads = torch.Size(lead[1:]).numel()
    probabilities = torch.stack([1 - chances, chances], -1).reshape(rows, heads, items, 2)
    selection = choice.selection.reshape(rows, heads, items, 1)
    return Captured(
        probabilities,
        check,
        kind="gate",
        mechanism=choice.mechanism,
        selection=selection,
        log_prob=_log_prob(choice, probabilities, selection),
        temperature=choice.temperature,
    )


def _log_prob(choice: Choice, probabilities: Tensor, selection: Tensor) -> Tensor | None:
    """Log-probability of what chance selected; None where chance took no part or several keys."""
    if not choice.sampled or selection.shape[-1] != 1:
        return None
    return probabilities.gather(-1, selection)[..., 0].double().log()
