"""Scores explanations of an example by what its output did when random sets were removed.

The sets are those of the random rankings, so that no score by removal runs the model once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hardattn_viewer.checks.curves import counts_of
from hardattn_viewer.checks.report import TOLERANCE
from hardattn_viewer.checks.scoring import (
    BY_MOVING,
    BY_REMOVAL,
    Removed,
    Scored,
    scores_of,
)
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.moving import sensitivity
from hardattn_viewer.faithfulness.plan import Plan
from hardattn_viewer.faithfulness.rankings import Order, generator_of, ranks_of
from hardattn_viewer.faithfulness.removal import Removal
from hardattn_viewer.faithfulness.subject import Floats


def removed_by(
    orders: Order, controls: Removal, whole: float, alone: Floats, shares: tuple[float, ...]
) -> Removed:
    """What is known of random sets: the first of random rankings, of each size, and the last.

    Args:
        orders: ``[controls, items]``, the random rankings.
        controls: their curves.
        whole: the output with everything there.
        alone: ``[items]``, how far the output falls without each item alone.
        shares: where curves were measured.
    """
    items = orders.shape[1]
    ranks, counts = ranks_of(orders), counts_of(items, shares)
    sets, falls = [], []
    for gone, curve, first in (
        (counts, controls.deletion, True),
        (items - counts, controls.insertion, False),
    ):
        for size, at in zip(*np.unique(gone, return_index=True), strict=True):
            if size:
                sets.append(ranks < size if first else ranks >= items - size)
                falls.append(whole - curve[:, at])
    tolerance = TOLERANCE * max(1.0, abs(whole))
    return Removed(np.concatenate(sets), np.concatenate(falls), alone, tolerance)


def dealt(scores: Floats, count: int, seed: int, example: int) -> Floats:
    """Random explanations: the same scores, dealt to the items at random, ``[count, items]``.

    Apart from the rankings whose first items are removed: an explanation that was drawn together
    with a set would know of it.
    """
    generator = generator_of(seed, "dealt", example)
    return np.stack([scores[generator.permutation(len(scores))] for _ in range(count)])


def scored_by_removal(
    plan: Plan,
    examples: Sequence[int],
    scores: Mapping[int, Mapping[str, Floats]],
    seen: Mapping[int, Removed],
) -> dict[str, dict[str, Scored]]:
    """Scores of every explanation by what the output did, beside random ones."""
    found = {
        name: {kind.name: _empty(len(examples)) for kind in BY_REMOVAL} for name in plan.explainers
    }
    for at, example in enumerate(examples):
        for name, values in scores[example].items():
            others = dealt(values, plan.controls, plan.seed, example)
            for kind, (three, why) in scores_of(values, others, seen[example]).items():
                one = found[name][kind]
                one.values[at], one.random[at], one.won[at] = three
                if why:
                    one.reasons[example] = why
    return found


def scored_by_moving(
    engine: Engine,
    plan: Plan,
    operator: str,
    examples: Sequence[int],
    scores: Mapping[int, Mapping[str, Floats]],
    explainers: Mapping[str, Explainer],
) -> dict[str, dict[str, Scored]]:
    """How far explanations change when the input is moved a little."""
    absolute, relative = (kind.name for kind in BY_MOVING)
    found = {
        name: {kind.name: _empty(len(examples)) for kind in BY_MOVING} for name in plan.explainers
    }
    for at, example in enumerate(examples):
        for name, values in scores[example].items():
            asked = Asked(engine, operator, example, plan.seed)
            both = found[name]
            try:
                change = sensitivity(explainers[name], asked, values, plan.points)
            except UndefinedError as error:
                both[absolute].reasons[example] = both[relative].reasons[example] = str(error)
                continue
            both[absolute].values[at] = change
            size = float(np.linalg.norm(values))
            if size > 0:
                both[relative].values[at] = change / size
            else:
                both[relative].reasons[example] = "its scores are all zero"
    return found


def _empty(count: int) -> Scored:
    nothing = np.full(count, np.nan)
    return Scored(nothing, nothing.copy(), nothing.copy())
