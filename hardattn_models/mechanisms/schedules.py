"""How a temperature falls while a model is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Exponential:
    """``start · (end / start)^(step / steps)``, and ``end`` after that.

    Attributes:
        start: the first temperature, above zero.
        end: the last, above zero.
        steps: training steps that it takes.
    """

    start: float = 5.0
    end: float = 0.1
    steps: int = 10_000

    def __post_init__(self) -> None:
        _check(self.start, self.end, self.steps)

    def at(self, step: int) -> float:
        """The temperature at a training step, from 0."""
        share = min(max(step / self.steps, 0.0), 1.0)
        return float(self.start * (self.end / self.start) ** share)


@dataclass(frozen=True)
class Linear:
    """``start + (end − start) · step / steps``, and ``end`` after that.

    Attributes:
        start: the first temperature, above zero.
        end: the last, above zero.
        steps: training steps that it takes.
    """

    start: float = 5.0
    end: float = 0.1
    steps: int = 10_000

    def __post_init__(self) -> None:
        _check(self.start, self.end, self.steps)

    def at(self, step: int) -> float:
        """The temperature at a training step, from 0."""
        share = min(max(step / self.steps, 0.0), 1.0)
        return self.start + (self.end - self.start) * share


class Adaptive:
    """Falls as fast as the choices allow: it keeps their mean entropy on a falling target.

    After each step ``log τ`` moves by ``rate · (target − entropy)``, in nats: up where choices are
    sharper than they should be by now, down where they are not yet. The target falls linearly
    from ``start_entropy`` to ``end_entropy``.

    Args:
        start_entropy: mean entropy to begin with, nats; ``log n`` is an even spread over n.
        end_entropy: mean entropy to end with, nats.
        steps: training steps that it takes.
        start: the first temperature, above zero.
        low: the lowest temperature, above zero.
        high: the highest.
        rate: how much a nat too few or too many moves ``log τ`` in one step, above zero.
    """

    def __init__(
        self,
        start_entropy: float,
        end_entropy: float,
        steps: int,
        *,
        start: float = 1.0,
        low: float = 0.1,
        high: float = 5.0,
        rate: float = 0.02,
    ) -> None:
        _check(low, high, steps)
        if not low <= start <= high:
            raise ValueError(f"start {start} must lie between low {low} and high {high}")
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"rate must be a finite number above zero, not {rate}")
        self.start_entropy, self.end_entropy, self.steps = start_entropy, end_entropy, steps
        self.low, self.high, self.rate = low, high, rate
        self.temperature = start

    def target(self, step: int) -> float:
        """The mean entropy to be at, at a training step, nats."""
        share = min(max(step / self.steps, 0.0), 1.0)
        return self.start_entropy + (self.end_entropy - self.start_entropy) * share

    def seen(self, step: int, entropy: float) -> float:
        """Take in the mean entropy at a step; returns the temperature of the next."""
        if math.isfinite(entropy):
            moved = self.temperature * math.exp(self.rate * (self.target(step) - entropy))
            self.temperature = min(max(moved, self.low), self.high)
        return self.temperature


def _check(start: float, end: float, steps: int) -> None:
    for name, value in (("first", start), ("last", end)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"the {name} temperature must be a finite number above zero")
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, not {steps}")
