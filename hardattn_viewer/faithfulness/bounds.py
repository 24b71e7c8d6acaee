"""The best and the worst order that there is, by search: what a score can be at all.

Edin et al. 2024, Normalized AOPC, arXiv:2408.08137, normalise by these bounds, since what a model
can be made to lose differs from one to the next.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hardattn_viewer.faithfulness.engine import Ask, Engine
from hardattn_viewer.faithfulness.rankings import Order, kept_only, kept_without
from hardattn_viewer.faithfulness.subject import Floats

EXHAUSTIVE = 6
"""Items up to which every order is tried."""
BEAM = 5

Score = Callable[[Floats, Floats], Floats]
"""From deletion and insertion ``[rankings, shares]`` to a score of each ranking, high is good."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """What a score lies between, for one example.

    Attributes:
        best: the order of the highest score found, ``[items]``.
        worst: that of the lowest.
        highest: its score.
        lowest: its score.
        exact: whether every order was tried; else a beam search found them.
    """

    best: Order
    worst: Order
    highest: float
    lowest: float
    exact: bool

    def normalised(self, score: float) -> float:
        """Where a score lies between the bounds; NaN where they are the same."""
        width = self.highest - self.lowest
        return (score - self.lowest) / width if width > 0 else float("nan")


def bounds(
    engine: Engine, operator: str, example: int, score: Score, shares: tuple[float, ...]
) -> Bounds:
    """The best and the worst order of one example's items."""
    items = engine.subject.items(example)
    exact = items <= EXHAUSTIVE
    if exact:
        orders = np.array(list(itertools.permutations(range(items))), np.int64).reshape(-1, items)
    else:
        orders = np.concatenate([_searched(engine, operator, example, sign) for sign in (-1, 1)])
    scores = score(
        _read(engine, operator, example, kept_without(orders, shares)),
        _read(engine, operator, example, kept_only(orders, shares)),
    )
    best, worst = int(scores.argmax()), int(scores.argmin())
    return Bounds(orders[best], orders[worst], float(scores[best]), float(scores[worst]), exact)


def _searched(engine: Engine, operator: str, example: int, sign: int) -> Order:
    """Orders that make the output fall (−1) or stay (1) the longest, by a beam, and opposites."""
    items = engine.subject.items(example)
    beams: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for _ in range(items):
        grown: dict[frozenset[int], tuple[float, tuple[int, ...]]] = {}
        longer = [
            (total, (*order, item))
            for total, order in beams
            for item in range(items)
            if item not in order
        ]
        kept = np.ones((len(longer), items), bool)
        for at, (_, order) in enumerate(longer):
            kept[at, list(order)] = False
        for (total, order), value in zip(
            longer, _read(engine, operator, example, kept[:, None]).ravel(), strict=True
        ):
            one = (total + sign * float(value), order)
            removed = frozenset(order)
            # Of orders that removed the same, only the best way there can go on to be the best.
            if removed not in grown or one[0] > grown[removed][0]:
                grown[removed] = one
        beams = sorted(grown.values(), reverse=True)[:BEAM]
    found = np.array([order for _, order in beams], np.int64)
    return np.concatenate([found, found[:, ::-1]])


def _read(engine: Engine, operator: str, example: int, kept: np.ndarray) -> Floats:
    rows = kept.reshape(-1, kept.shape[-1])
    (values,) = engine.values([Ask(example, rows, operator)])
    return values.reshape(kept.shape[:-1])
