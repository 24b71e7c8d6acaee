"""How a model of the zoo chooses: one object a pass, which makes every choice and remembers it.

A model asks ``choose(logits)`` where it attends, and never knows by which mechanism. So one model
serves all of them, and an estimator can run it again with its choices made otherwise: greedily,
blended, or given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hardattn_models import mechanisms
from hardattn_models.mechanisms import Gates, Location, Selection, gaussian_location
from hardattn_models.through import gumbel_rao, reinmax
from recorders.capture.tap import AttentionTap

GAUSSIAN = "gaussian"
GATES = "gates"


@dataclass(frozen=True)
class Way:
    """A mechanism as a model uses it.

    Attributes:
        passes: whether a gradient goes through the weights to the logits.
        reads_all: whether, to learn, the model must read what was not chosen too.
        make: makes one choice.
    """

    passes: bool
    reads_all: bool
    make: Callable[[Tensor, Chooser], Selection]


class Chooser:
    """Makes the choices of one pass of a model, and keeps them.

    Args:
        how: a name in ``WAYS``.
        temperature: divides the scores (of the relaxed sample, where there is one).
        k: candidates taken by "top-k" and "hybrid".
        std: standard deviation of "gaussian", where 1 is half the plane.
        generator: source of randomness; torch's global one if not given.
        sample: whether what could be drawn is drawn; else the most probable is taken.

    Attributes:
        given: whether choices are given, not made; what a model answers are then its best ones.
        steps: the choices so far, in order.
        logits: what each was made from; empty for places.
    """

    def __init__(
        self,
        how: str,
        *,
        temperature: float = 1.0,
        k: int = 2,
        std: float = 0.12,
        generator: Generator | None = None,
        sample: bool = True,
    ) -> None:
        if how not in WAYS:
            raise ValueError(f"there is no mechanism {how!r}: choose {', '.join(WAYS)}")
        self.how, self.temperature, self.k, self.std = how, temperature, k, std
        self.generator, self.sample = generator, sample
        self.given = False
        self.steps: list[Selection | Location | Gates] = []
        self.logits: list[Tensor] = []
        self._live: list[Tensor | None] = []

    @property
    def passes(self) -> bool:
        """Whether a gradient goes through the weights to the logits."""
        return WAYS[self.how].passes

    @property
    def reads_all(self) -> bool:
        """Whether what was not chosen must be read too, for a gradient's sake or for a blend's."""
        way = WAYS[self.how]
        return way.reads_all and (torch.is_grad_enabled() or self.how in BLENDS)

    def __call__(self, logits: Tensor, live: Tensor | None = None) -> Selection:
        """Choose among candidates.

        Args:
            logits: ``[batch, n]``; ``-inf`` rules a candidate out. Or ``[batch, variables, n]``:
                each variable is chosen by itself, and all of them count as one choice.
            live: bool ``[batch]``, which rows still have a choice to make; the others' does not
                count. All if not given.
        """
        selection = self._select(logits)
        self.steps.append(selection)
        self.logits.append(logits)
        self._live.append(live)
        return selection

    def place(self, mean: Tensor) -> Location:
        """Choose a place on a plane, ``mean`` being ``[batch, 2]`` in [-1, 1]."""
        place = gaussian_location(mean, std=self.std, sample=self.sample, generator=self.generator)
        self.steps.append(place)
        self._live.append(None)
        return place

    def gates(self, logits: Tensor) -> Gates:
        """Let each of several items in or leave it out, ``logits`` being ``[batch, n]``."""
        made = self._open(logits)
        self.steps.append(made)
        self.logits.append(logits)
        self._live.append(None)
        return made

    def log_prob(self) -> Tensor:
        """Log-probability of each choice ``[batch, steps]``, nats; 0 where none had to be made."""
        return self._of_steps([step.log_prob for step in self.steps])

    def entropy(self) -> Tensor:
        """Entropy of each choice ``[batch, steps]``, nats; 0 where none had to be made."""
        return self._of_steps([step.entropy for step in self.steps])

    def made(self) -> Tensor:
        """Which choices had to be made, ``[batch, steps]``, 1 or 0."""
        return torch.stack(
            [
                torch.ones_like(_joint(step.entropy))
                if live is None
                else live.to(step.entropy.dtype)
                for step, live in zip(self.steps, self._live, strict=True)
            ],
            dim=1,
        )

    def mean_entropy(self) -> Tensor:
        """Mean entropy of the choices that had to be made, a scalar in nats."""
        if all(live is None for live in self._live):
            return self.entropy().mean()
        return self.entropy().sum() / self.made().sum().clamp_min(1)

    def _of_steps(self, values: list[Tensor]) -> Tensor:
        pairs = zip(values, self._live, strict=True)
        return torch.stack([_of_live(_joint(value), live) for value, live in pairs], dim=1)

    def _select(self, logits: Tensor) -> Selection:
        return WAYS[self.how].make(logits, self)

    def _open(self, logits: Tensor) -> Gates:
        return mechanisms.gates(
            logits, temperature=self.temperature, sample=self.sample, generator=self.generator
        )


def tell(tap: AttentionTap, selection: Selection) -> None:
    """Tell a tap what was chosen, by what probabilities and how."""
    index = selection.index
    tap(
        probabilities=selection.probabilities,
        selection=index,
        log_prob=None if index is None else selection.log_prob,
        temperature=selection.temperature,
    )


def tell_gates(tap: AttentionTap, gates: Gates) -> None:
    """Tell a tap of gates: each is a query with two keys, "closed" and "open"."""
    p = gates.probabilities
    index = (gates.weights > 0).long()
    both = torch.stack([1 - p, p], -1)
    # Zero has a logarithm of −inf, and a gate that is closed for sure is chosen for sure.
    taken = both.gather(-1, index.unsqueeze(-1)).squeeze(-1)
    tap(
        probabilities=both.unsqueeze(1),
        selection=index.unsqueeze(1),
        log_prob=taken.log().unsqueeze(1),
        temperature=gates.temperature,
    )


def _joint(value: Tensor) -> Tensor:
    """Of all variables of each row together, ``[batch]``: independent ones add up."""
    return value if value.ndim == 1 else value.flatten(1).sum(1)


def _of_live(value: Tensor, live: Tensor | None) -> Tensor:
    return value if live is None else torch.where(live, value, torch.zeros_like(value))


def _drawn(logits: Tensor, by: Chooser) -> Selection:
    if not by.sample:
        return mechanisms.argmax(logits, temperature=by.temperature)
    return mechanisms.sampled(logits, temperature=by.temperature, generator=by.generator)


def _straight(logits: Tensor, by: Chooser) -> Selection:
    return mechanisms.straight_through(
        logits, temperature=by.temperature, sample=by.sample, generator=by.generator
    )


def _no_place(logits: Tensor, by: Chooser) -> Selection:
    raise ValueError("gaussian chooses a place on a plane, not one of several candidates")


def _no_gates(logits: Tensor, by: Chooser) -> Selection:
    raise ValueError("gates let any number of items in; they are not one of several candidates")


WAYS: Mapping[str, Way] = {
    "sampled": Way(False, False, _drawn),
    "argmax": Way(
        False, False, lambda logits, by: mechanisms.argmax(logits, temperature=by.temperature)
    ),
    "soft": Way(True, True, lambda logits, by: mechanisms.soft(logits, temperature=by.temperature)),
    "uniform": Way(
        False, False, lambda logits, by: mechanisms.uniform(logits, generator=by.generator)
    ),
    "top-k": Way(
        False,
        False,
        lambda logits, by: mechanisms.top_k(
            logits,
            k=by.k,
            temperature=by.temperature,
            sample=by.sample,
            generator=by.generator,
        ),
    ),
    "gumbel-softmax": Way(
        True,
        True,
        lambda logits, by: mechanisms.gumbel_softmax(
            logits, temperature=by.temperature, generator=by.generator
        ),
    ),
    "straight-through": Way(True, True, _straight),
    "gumbel-straight-through": Way(
        True,
        True,
        lambda logits, by: mechanisms.gumbel_straight_through(
            logits, temperature=by.temperature, generator=by.generator
        ),
    ),
    "sparsemax": Way(
        True, True, lambda logits, by: mechanisms.sparsemax(logits, temperature=by.temperature)
    ),
    "entmax15": Way(
        True, True, lambda logits, by: mechanisms.entmax15(logits, temperature=by.temperature)
    ),
    "hybrid": Way(
        True,
        False,
        lambda logits, by: mechanisms.hybrid(logits, k=by.k, temperature=by.temperature),
    ),
    GAUSSIAN: Way(False, False, _no_place),
    GATES: Way(False, False, _no_gates),
    # How estimators choose while training; no mechanisms of a model.
    "argmax-straight-through": Way(
        True,
        True,
        lambda logits, by: mechanisms.straight_through(
            logits, temperature=by.temperature, sample=False
        ),
    ),
    "gumbel-rao": Way(
        True,
        True,
        lambda logits, by: gumbel_rao(logits, temperature=by.temperature, generator=by.generator),
    ),
    "reinmax": Way(
        True,
        True,
        lambda logits, by: reinmax(logits, temperature=by.temperature, generator=by.generator),
    ),
}

BLENDS = frozenset({"soft", "gumbel-softmax", "sparsemax", "entmax15"})
"""Mechanisms that choose nothing: every candidate may have weight."""
