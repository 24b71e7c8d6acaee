"""What a model of the zoo is: it runs on a batch, asking a chooser wherever it attends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import torch
from torch import Generator, Tensor, nn

from hardattn_models.choosing import WAYS, Chooser

_LARGEST = 4096


@dataclass(frozen=True)
class ModelConfig:
    """What every model of the zoo is built from; each adds its own.

    Attributes:
        mechanism: how it chooses.
        temperature: what scores are divided by.
        k: candidates that "top-k" and "hybrid" take.
    """

    WHAT: ClassVar[str] = "model"
    MECHANISMS: ClassVar[tuple[str, ...]] = tuple(WAYS)

    mechanism: str = "sampled"
    temperature: float = 1.0
    k: int = 2

    def __post_init__(self) -> None:
        if self.mechanism not in self.MECHANISMS:
            raise ValueError(
                f"the {self.WHAT} has no mechanism {self.mechanism!r}: "
                f"choose {', '.join(self.MECHANISMS)}"
            )
        for one in fields(self):
            value = getattr(self, one.name)
            if one.type == "int" and (type(value) is not int or not 1 <= value <= _LARGEST):
                raise ValueError(
                    f"{one.name} must be a whole number from 1 to {_LARGEST}, not {value!r}"
                )
            if one.type == "float" and (
                type(value) not in (int, float) or not (math.isfinite(value) and value > 0)
            ):
                raise ValueError(f"{one.name} must be a number above zero, not {value!r}")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """From options by name.

        Raises:
            ValueError: there is no such option, or its value will not do.
        """
        known = [one.name for one in fields(cls)]
        unknown = sorted(options.keys() - set(known))
        if unknown:
            raise ValueError(
                f"the {cls.WHAT} has no option {', '.join(unknown)}: choose from {', '.join(known)}"
            )
        return cls(**options)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a model made of a batch.

    Attributes:
        loss: ``[batch]``, nats, with its gradient; what backpropagation lowers.
        reward: ``[batch]`` of the whole episode, or ``[batch, steps]``, what followed each choice;
            detached.
        right: ``[batch]``, 1 where the whole answer is right, else 0.
        baseline: ``[batch, steps]``, the reward expected before each choice, with its gradient into
            the network that expects; None where the model has none.
        scores: ``[batch, classes]``, class probabilities, detached; None for no classifier.
        figures: further numbers by name, ``[batch]`` each; NaN where one does not apply.
        ratios: numerators and denominators of further numbers by name, ``[batch]`` each, which are
            summed over all examples before one is divided by the other.
        tracks: further numbers of each choice by name, ``[batch, steps]`` each, for a recorder.
        words: what was written at each choice, for a recorder, one list an example; None where
            nothing is.
    """

    loss: Tensor
    reward: Tensor
    right: Tensor
    baseline: Tensor | None = None
    scores: Tensor | None = None
    figures: Mapping[str, Tensor] = field(default_factory=dict)
    ratios: Mapping[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    tracks: Mapping[str, Tensor] = field(default_factory=dict)
    words: Sequence[Sequence[str]] | None = None

    @property
    def total_reward(self) -> Tensor:
        """The reward of each episode, ``[batch]``."""
        return self.reward if self.reward.ndim == 1 else self.reward[:, 0]


class SystemModel(nn.Module):
    """A model of the zoo.

    A subclass sets ``config`` through ``super().__init__(config)``, takes its own class of
    configuration alone, and has :meth:`outcome`.

    Attributes:
        config: what it was built from.
        temperature: that of its choices now; it may fall while it is trained.
    """

    RECORDED_AT_ONCE: ClassVar[int] = 100
    """Examples that are recorded in one pass; 1 where each takes as many steps as it needs."""

    config: ModelConfig

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.temperature = float(config.temperature)

    @property
    def mechanism(self) -> str:
        """How it chooses."""
        return self.config.mechanism

    def outcome(self, batch: Any, choose: Chooser) -> Outcome:
        """Run on a batch of its task.

        Args:
            batch: as the task hands it out.
            choose: asked at every choice, always as often for batches of one task.
        """
        raise NotImplementedError

    def described(self, batch: Any) -> list[dict[str, Any]]:
        """What a recorder is told of a batch, one dict an example."""
        entries: list[dict[str, Any]] = batch.entries
        return entries

    def per_example(self, batch: Any, values: Tensor) -> Tensor:
        """Numbers ``[rows, steps]`` of a batch, as ``[examples, steps]`` of what is recorded.

        Every row is an example of its own, unless a model says otherwise.
        """
        return values

    def marginal(self, batch: Any, choose: Chooser) -> Outcome:
        """Run on a batch, the loss being summed over all that could have been chosen.

        Args:
            batch: as the task hands it out.
            choose: asked at every choice; what it chooses does not count for the loss.

        Returns:
            An outcome with the loss ``−log Σ_a p(a) p(y | a)``, in nats.

        Raises:
            ValueError: its answers have no probability given each choice alone.
        """
        raise ValueError(f"a {type(self).__name__} cannot sum over its choices")

    def answers(self, batch: Any) -> list[Tensor]:
        """The right choices, ``[batch]`` each, where the choices are the answer.

        Raises:
            ValueError: they are not.
        """
        raise ValueError(f"nobody knows the right choices of a {type(self).__name__}")

    def selector(self) -> list[nn.Parameter]:
        """The parameters that decide what is chosen, and learn from nothing but the choices."""
        return list(self.parameters())

    def chooser(
        self,
        generator: Generator | None = None,
        *,
        how: str | None = None,
        sample: bool = True,
    ) -> Chooser:
        """What makes its choices, by its mechanism unless ``how`` is another."""
        return Chooser(
            how or self.mechanism,
            temperature=self.temperature,
            k=self.config.k,
            generator=generator,
            sample=sample,
        )

    def with_mechanism(self, mechanism: str) -> Self:
        """The same weights with another way to choose: "argmax" for a trained "sampled", say.

        Args:
            mechanism: one that this model has.

        Returns:
            A new model that shares this one's parameters and has taps of its own.

        Raises:
            ValueError: if there is no such mechanism, or these weights cannot choose so.
        """
        # The weights drawn here are thrown away, so drawing them must not count.
        with torch.random.fork_rng(devices=[]):
            other = type(self)(
                replace(self.config, mechanism=mechanism, temperature=self.temperature)
            )
        weights = self.state_dict(keep_vars=True)
        wanted = {name: value.shape for name, value in other.state_dict().items()}
        if wanted != {name: value.shape for name, value in weights.items()}:
            raise ValueError(
                f"weights trained to choose by {self.mechanism} cannot choose by {mechanism}: "
                f"one points at candidates and the other at a place; train another"
            )
        other.load_state_dict(weights, assign=True)
        for name, buffer in self.named_buffers():
            home, _, last = name.rpartition(".")
            setattr(other.get_submodule(home), last, buffer)
        return other.train(self.training)

    def current_config(self) -> ModelConfig:
        """Its configuration, with the temperature that it has by now."""
        return replace(self.config, temperature=self.temperature)
