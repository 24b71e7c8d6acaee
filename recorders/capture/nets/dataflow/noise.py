"""Gumbel noise as a model makes it: -log(-log(uniform)), or -log(exponential)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from recorders.capture.nets.dataflow.marks import Noise, has_values

_LOGS = {
    # Minus the logarithm of a uniform number is exponential, that of an exponential one Gumbel.
    Noise("uniform"): Noise("exponential", negative=True),
    Noise("exponential"): Noise("gumbel", negative=True),
}
_ABOUT = 1e-3


def logarithm(noise: Noise) -> Noise | None:
    """What the logarithm of random numbers is, None where it is nothing that matters here."""
    return _LOGS.get(noise)


def negated(noise: Noise) -> Noise:
    """Minus these random numbers."""
    return Noise(noise.law, not noise.negative)


def scaled(noise: Noise, factor: Any) -> Noise | None:
    """Random numbers times a constant; None where that is not about 1 or -1."""
    number = constant(factor)
    if number is None or abs(abs(number) - 1) > _ABOUT:
        return None
    return noise if number > 0 else negated(noise)


def shifted(noise: Noise, offset: Any) -> Noise | None:
    """Random numbers plus a constant; None where that is not about 0."""
    number = constant(offset)
    return noise if number is not None and abs(number) < _ABOUT else None


def constant(value: Any) -> float | None:
    """The number that a value is everywhere, or None."""
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, Tensor) or not value.numel() or value.is_complex():
        return None
    if not has_values(value):
        return None
    first = value.detach().reshape(-1)[0]
    if value.numel() > 1 and not bool((value.detach() == first).all()):
        return None
    return float(first)
