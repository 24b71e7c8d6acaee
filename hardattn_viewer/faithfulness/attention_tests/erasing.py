"""Weights of items set to zero until the decision flips (Serrano & Smith 2019, arXiv:1906.03731).

The rest is scaled up to the same sum. The order of the most attended is compared with random
ones; any other ranking, such as the paper's gradients, can take its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import torch
from torch import Tensor

from hardattn_viewer.faithfulness.attending import Call
from hardattn_viewer.faithfulness.attention_tests.changing import (
    Place,
    renormalised,
    run_changed,
    weights_at,
)
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.observing import length_of, pooled_mass, positions_of
from hardattn_viewer.faithfulness.rankings import (
    Order,
    generator_of,
    orders_of,
    random_orders,
    ranks_of,
)
from hardattn_viewer.faithfulness.subject import Floats, Kept


@dataclass(frozen=True)
class Erased:
    """What erasing attention does to the decision of one example.

    Attributes:
        example: its index.
        most_attended: share of the items whose weights are erased when the decision first flips,
            most attended first; mean over draws where weights are tied; 1 where it never flips.
        at_random: the same for random orders, mean.
        sooner: share of random orders that take longer, ties counting half; 0.5 is chance.
        draws: random orders.
        reason: why there are no numbers; empty where there are.
    """

    example: int
    most_attended: float = nan
    at_random: float = nan
    sooner: float = nan
    draws: int = 0
    reason: str = ""


def erased(
    engine: Engine,
    example: int,
    place: Place,
    *,
    scores: Floats | None = None,
    draws: int = 20,
    seed: int = 0,
) -> Erased:
    """Erase items from the attention of a place, the most attended first, until the class changes.

    Args:
        engine: runs the model.
        example: its index.
        place: whose weights.
        scores: another ranking to go by, ``[items]``; the place's own attention if not given.
        draws: random orders to compare with.
        seed: of random orders and ties.
    """
    try:
        positions = positions_of(engine.subject, example)
        found = weights_at(engine, example, place)
        usual = run_changed(engine, example, place)
        if usual.shape[1] < 2:
            raise UndefinedError("a single output is no decision that could flip")
        if len(positions) < 2:
            raise UndefinedError("there is one item, and no order to erase it in")
        own = _received(found, positions, length_of(engine.subject, example))
        wanted = own if scores is None else scores
        ranked = orders_of(wanted, generator_of(seed, "ties", example))
        controls = random_orders(len(positions), draws, generator_of(seed, "erasing", example))
        shares = _shares(engine, example, place, np.concatenate([ranked, controls]), usual)
        if (shares == 1).all():
            raise UndefinedError("the decision stays, whatever is erased")
    except UndefinedError as error:
        return Erased(example, reason=str(error))
    one, many = shares[: len(ranked)].mean(), shares[len(ranked) :]
    return Erased(
        example,
        most_attended=float(one),
        at_random=float(many.mean()),
        sooner=float((0.5 + 0.5 * np.sign(many - one)).mean()),
        draws=draws,
    )


def _shares(engine: Engine, example: int, place: Place, orders: Order, usual: Floats) -> Floats:
    """Share of the items that are erased when each order first flips the decision."""
    items = orders.shape[1]
    # With every item erased a row may have no weight left, which is no attention at all.
    steps = np.arange(1, items)
    gone = ranks_of(orders)[:, None, :] < steps[None, :, None]
    outputs = run_erased(engine, example, place, gone.reshape(-1, items))
    flipped = (outputs.argmax(-1) != usual[0].argmax()).reshape(len(orders), -1)
    return np.where(flipped.any(1), (flipped.argmax(1) + 1) / items, 1.0)


def run_erased(engine: Engine, example: int, place: Place, gone: Kept) -> Floats:
    """Outputs ``[runs, outputs]`` with the weights of some items at zero, the others scaled up.

    Args:
        engine: runs the model.
        example: its index.
        place: whose weights.
        gone: bool ``[runs, items]``.
    """
    places = torch.zeros(len(gone), length_of(engine.subject, example), dtype=torch.bool)
    for item, positions in enumerate(positions_of(engine.subject, example)):
        places[:, positions] = torch.from_numpy(gone[:, item, None])

    def weigh(call: Call, weights: Tensor, allowed: Tensor, runs: slice) -> Tensor:
        _check_keys(weights, places.shape[1])
        return renormalised(weights, places[runs, None, None])

    return run_changed(engine, example, place, weigh, len(gone))


def _received(
    found: list[tuple[Tensor, Tensor]], positions: list[list[int]], length: int
) -> Floats:
    """Mass on each item, mean over sites, heads and rows."""
    for weights, _ in found:
        _check_keys(weights, length)
    each = [weights.mean((0, 1)) for weights, _ in found]
    return pooled_mass(torch.stack(each).mean(0), positions)


def _check_keys(weights: Tensor, length: int) -> None:
    if weights.shape[-1] != length:
        raise UndefinedError(
            f"the attention has {weights.shape[-1]} keys where the example has {length} positions, "
            "so that what to erase is not known"
        )
