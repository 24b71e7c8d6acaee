"""What the output does while items are removed, and put back, in the order of a ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hardattn_viewer.checks.curves import SHARES
from hardattn_viewer.faithfulness.engine import Ask, Engine
from hardattn_viewer.faithfulness.rankings import (
    Order,
    generator_of,
    kept_only,
    kept_without,
    orders_of,
    random_orders,
)
from hardattn_viewer.faithfulness.subject import Floats


@dataclass(frozen=True, eq=False)
class Removal:
    """The curves of some rankings of one example.

    Attributes:
        deletion: ``[rankings, shares]``, the output with a share of the first items removed.
        insertion: ``[rankings, shares]``, the output with no others.
    """

    deletion: Floats
    insertion: Floats


def curves_of(
    engine: Engine,
    operator: str,
    orders: Mapping[int, Order],
    shares: tuple[float, ...] = SHARES,
) -> dict[int, Removal]:
    """The curves of each order ``[rankings, items]`` of several examples, run together."""
    asks = []
    for example, many in orders.items():
        asks += [
            Ask(example, kept.reshape(-1, kept.shape[-1]), operator)
            for kept in (kept_without(many, shares), kept_only(many, shares))
        ]
    found = iter(engine.values(asks))
    return {
        example: Removal(next(found).reshape(len(many), -1), next(found).reshape(len(many), -1))
        for example, many in orders.items()
    }


def scored_curves(
    engine: Engine,
    operator: str,
    scores: Mapping[int, Mapping[str, Floats]],
    *,
    seed: int,
    shares: tuple[float, ...] = SHARES,
) -> dict[int, dict[str, Removal]]:
    """The curves of explanations of several examples, ties drawn and averaged.

    Args:
        engine: runs the model.
        operator: how items are removed.
        scores: of each example, by explanation, ``[items]``.
        seed: of the ties.
        shares: where curves are measured.

    Returns:
        Of each example and explanation the mean curves, ``[1, shares]`` each.
    """
    orders = {
        example: {
            name: orders_of(values, generator_of(seed, "ties", example, name))
            for name, values in named.items()
        }
        for example, named in scores.items()
    }
    together = {
        example: np.concatenate(list(named.values())) for example, named in orders.items() if named
    }
    curves = curves_of(engine, operator, together, shares)
    found: dict[int, dict[str, Removal]] = {}
    for example, named in orders.items():
        found[example], at = {}, 0
        for name, many in named.items():
            end = at + len(many)
            both = curves[example]
            found[example][name] = Removal(
                both.deletion[at:end].mean(0, keepdims=True),
                both.insertion[at:end].mean(0, keepdims=True),
            )
            at = end
    return found


def control_orders(
    engine: Engine, examples: Sequence[int], count: int, *, seed: int
) -> dict[int, Order]:
    """The random rankings of each example, ``[count, items]``, the same for every operator."""
    return {
        example: random_orders(
            engine.subject.items(example), count, generator_of(seed, "controls", example)
        )
        for example in examples
    }


def leave_one_out(engine: Engine, operator: str, examples: Sequence[int]) -> dict[int, Floats]:
    """How far the output falls without each item alone, ``[items]`` for each example."""
    asks = []
    for example in examples:
        count = engine.subject.items(example)
        asks.append(Ask(example, ~np.eye(count, dtype=bool), operator))
        asks.append(Ask(example, np.ones((1, count), bool)))
    found = iter(engine.values(asks))
    return {example: -(next(found) - next(found)) for example in examples}
