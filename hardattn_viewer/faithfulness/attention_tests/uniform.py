"""All allowed keys weigh the same (Wiegreffe & Pinter 2019, arXiv:1908.04626).

The paper trains a model anew under uniform attention; here the trained model runs with it, which
says what its attention is worth to it, and not what a model could do without.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

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
from hardattn_viewer.faithfulness.engine import Engine, read
from hardattn_viewer.faithfulness.errors import UndefinedError


@dataclass(frozen=True)
class Uniform:
    """What uniform attention does to the output of one example.

    Attributes:
        example: its index.
        distance: of the outputs with and without.
        before: what is read of the output.
        after: the same under uniform attention.
        flipped: whether another class is highest; None where there is one output.
        not_identifiable: the output stayed where it was, though the weights are not uniform.
        reason: why there are no numbers; empty where there are.
    """

    example: int
    distance: float = nan
    before: float = nan
    after: float = nan
    flipped: bool | None = None
    not_identifiable: bool = False
    reason: str = ""


def uniform(engine: Engine, example: int, place: Place, *, tolerance: float = STILL) -> Uniform:
    """Run an example with uniform weights at a place.

    Args:
        engine: runs the model, and says what is read of its outputs.
        example: its index.
        place: whose weights.
        tolerance: distance up to which an output stayed where it was.
    """
    try:
        even = [
            (evenly(weights, allowed) - weights).abs().max()
            for weights, allowed in weights_at(engine, example, place)
        ]
        if max(even) <= STILL:
            raise UndefinedError("the weights are uniform as they are")
        usual = run_changed(engine, example, place)
        check_asked(engine, usual)
    except UndefinedError as error:
        return Uniform(example, reason=str(error))

    def weigh(call: Call, weights: Tensor, allowed: Tensor, runs: slice) -> Tensor:
        return evenly(weights, allowed)

    changed = run_changed(engine, example, place, weigh)
    target, distance = engine.target(example), distances(engine, example, changed, usual)[0]
    return Uniform(
        example,
        distance=float(distance),
        before=float(read(usual, engine.reading, target)[0]),
        after=float(read(changed, engine.reading, target)[0]),
        flipped=bool(usual[0].argmax() != changed[0].argmax()) if usual.shape[1] > 1 else None,
        not_identifiable=bool(distance <= tolerance),
    )


def evenly(weights: Tensor, allowed: Tensor) -> Tensor:
    """The sum of each row of ``[..., keys]`` shared evenly by its allowed keys."""
    count = allowed.sum(-1, keepdim=True).clamp_min(1)
    return allowed * weights.sum(-1, keepdim=True) / count
