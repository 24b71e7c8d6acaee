"""A soft model run hard: some of its heads look at one item where they used to blend.

What that changes in the output is what a head's blending is worth to the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from hardattn_viewer.faithfulness.attending import Attending, AttendingError, probabilities

__all__ = ["HOW", "Hardened", "HardeningError", "probabilities"]

HOW = ("argmax", "sample", "temperature")


class HardeningError(AttendingError):
    """A model could not be run hard, in one sentence."""


class Hardened(Attending):
    """While it is entered, heads of ``scaled_dot_product_attention`` attend hard.

    Heads that are not named, and sites that are not, return what they returned before, bit for
    bit: their output is torch's own.

    Args:
        site: which attention of one forward pass, from 0 in the order in which they run; None for
            every one of them.
        heads: heads of it, from 0; None for all.
        how: "argmax" takes the most probable key, "sample" draws one by its probability,
            "temperature" sharpens without choosing: ``softmax(log p / temperature)``.
        temperature: for "temperature", above zero; 1 changes nothing.
        generator: source of the draws; torch's global one if not given.

    Attributes:
        calls: how many attentions ran since it was entered.
        heads_seen: heads of each of them, in order.

    Raises:
        ValueError: an argument that makes no sense.
        HardeningError: when it is left: no attention was called, or not the one that was named;
            or a head that it has not.

    Example:
        >>> with Hardened(site=3, heads=[5]):  # doctest: +SKIP
        ...     changed = model(**inputs)
    """

    error: ClassVar[type[AttendingError]] = HardeningError
    purpose: ClassVar[str] = "hardened"

    def __init__(
        self,
        site: int | None = None,
        heads: Sequence[int] | None = None,
        *,
        how: str = "argmax",
        temperature: float = 1.0,
        generator: Generator | None = None,
    ) -> None:
        if how not in HOW:
            raise ValueError(f"attention is not hardened by {how!r}: choose {', '.join(HOW)}")
        if not (math.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature must be a finite number above zero, not {temperature}")
        super().__init__(lambda call, p: self._weights(p), site=site, heads=heads)
        self._how, self._temperature, self._generator = how, temperature, generator

    def _weights(self, p: Tensor) -> Tensor:
        """What the items of each row weigh from now on; rows that attend nowhere stay zero."""
        if self._how == "temperature":
            sharp = (p.clamp_min(torch.finfo(p.dtype).tiny).log() / self._temperature).softmax(-1)
            return torch.where(p.sum(-1, keepdim=True) > 0, sharp, p)
        if self._how == "argmax":
            chosen = p.argmax(-1)
        else:
            rows = p.reshape(-1, p.shape[-1])
            # Padding may attend nowhere; what it draws is thrown away below.
            rows = torch.where(rows.sum(-1, keepdim=True) > 0, rows, torch.ones_like(rows))
            drawn = torch.multinomial(rows, 1, generator=self._generator)
            chosen = drawn.reshape(p.shape[:-1])
        return one_hot(chosen, p.shape[-1]).to(p.dtype) * (p.sum(-1, keepdim=True) > 0)
