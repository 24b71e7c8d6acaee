"""Weights dealt out to other keys at random (Jain & Wallace 2019, arXiv:1902.10186)."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import torch
from torch import Tensor

from hardattn_viewer.faithfulness.attending import Call
from hardattn_viewer.faithfulness.attention_tests.changing import (
    STILL,
    Place,
    check_asked,
    distances,
    run_changed,
    weights_at,
)
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.rankings import generator_of


@dataclass(frozen=True)
class Permuted:
    """What permutations of attention do to the output of one example.

    Attributes:
        example: its index.
        median: median distance of outputs over permutations (Δy^med of the paper).
        largest: the largest.
        weight: the largest weight of the place, which the paper sets beside the median.
        draws: permutations.
        not_identifiable: every permutation left the output where it was: attention cannot be told
            from its permutations here. That it is identifiable does not make it faithful.
        reason: why there are no numbers; empty where there are.
    """

    example: int
    median: float = nan
    largest: float = nan
    weight: float = nan
    draws: int = 0
    not_identifiable: bool = False
    reason: str = ""


def permuted(
    engine: Engine,
    example: int,
    place: Place,
    *,
    draws: int = 100,
    seed: int = 0,
    tolerance: float = STILL,
) -> Permuted:
    """Deal the weights of each head and row of a place to its allowed keys at random, many times.

    Args:
        engine: runs the model, and says what is read of its outputs.
        example: its index.
        place: whose weights.
        draws: permutations; each head and row has its own.
        seed: of the draws.
        tolerance: distance up to which an output stayed where it was.
    """
    try:
        before = weights_at(engine, example, place)
        if not any(_differ(weights, allowed) for weights, allowed in before):
            raise UndefinedError("all weights are equal, so that a permutation changes none")
        usual = run_changed(engine, example, place)
        check_asked(engine, usual)
    except UndefinedError as error:
        return Permuted(example, reason=str(error))

    def weigh(call: Call, weights: Tensor, allowed: Tensor, runs: slice) -> Tensor:
        drawn = np.stack(
            [
                generator_of(seed, "permutation", example, call.site, at).random(weights.shape[1:])
                for at in range(runs.start, runs.stop)
            ]
        )
        return permutation_of(weights, allowed, torch.from_numpy(drawn))

    outputs = run_changed(engine, example, place, weigh, draws)
    far = distances(engine, example, outputs, usual)
    return Permuted(
        example,
        median=float(np.median(far)),
        largest=float(far.max()),
        weight=max(float(weights.max()) for weights, _ in before),
        draws=draws,
        not_identifiable=bool(far.max() <= tolerance),
    )


def permutation_of(weights: Tensor, allowed: Tensor, drawn: Tensor) -> Tensor:
    """Weights of allowed keys dealt to them in the order of some numbers.

    Args:
        weights: ``[..., keys]``.
        allowed: bool, of the same shape; other keys keep what they have.
        drawn: numbers of the same shape.
    """
    slots = (~allowed).to(drawn.dtype).argsort(dim=-1, stable=True)
    order = drawn.masked_fill(~allowed, 2.0).argsort(dim=-1, stable=True)
    # Keys that are not allowed come last in both, each at its own place.
    return torch.empty_like(weights).scatter(-1, slots, weights.gather(-1, order))


def _differ(weights: Tensor, allowed: Tensor) -> bool:
    low = weights.masked_fill(~allowed, torch.inf).amin(-1)
    high = weights.masked_fill(~allowed, -torch.inf).amax(-1)
    return bool((high - low > STILL).any())
