"""Attention as different as can be that leaves the output where it is, by search.

Jain & Wallace 2019, Attention is not explanation, arXiv:1902.10186, section 4.2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, nan

import numpy as np
import torch
from torch import Tensor

from hardattn_viewer.faithfulness.attending import Call
from hardattn_viewer.faithfulness.attention_tests.changing import (
    Place,
    check_asked,
    distances_tensor,
    observed_changed,
    run_changed,
    weights_at,
)
from hardattn_viewer.faithfulness.engine import Engine, quiet_run
from hardattn_viewer.faithfulness.errors import CancelledError, UndefinedError
from hardattn_viewer.faithfulness.rankings import generator_of
from hardattn_viewer.faithfulness.subject import Floats

EPSILON = 0.01
"""How far the output may go, as in the paper for classification."""
PENALTY = 500.0
RATE = 0.3
BOUND = log(2)
"""The largest Jensen–Shannon divergence there is, in nats: of rows that share no key."""


@dataclass(frozen=True, eq=False)
class Adversarial:
    """The most different attention that was found for one example.

    Attributes:
        example: its index.
        divergence: Jensen–Shannon divergence of it from the model's own in nats, mean over heads
            and rows of the place; at most ln 2. The search may miss more, never less.
        reachable: the largest that any weights have at this place, whatever the output does.
        distance: how far the output went, at most ε.
        weights: the attention itself, ``[heads, rows, keys]``.
        reason: why there are no numbers; empty where there are.
    """

    example: int
    divergence: float = nan
    reachable: float = nan
    distance: float = nan
    weights: Floats | None = None
    reason: str = ""


def adversarial(
    engine: Engine,
    example: int,
    place: Place,
    *,
    epsilon: float = EPSILON,
    restarts: int = 8,
    steps: int = 100,
    seed: int = 0,
) -> Adversarial:
    """Search for attention that diverges most while the output moves by no more than ε.

    Adam on logits of the weights, from several starts at once, with a penalty on what the output
    moves beyond ε.

    Args:
        engine: runs the model, and says what is read of its outputs.
        example: its index.
        place: whose weights; of one site.
        epsilon: how far the output may go, see :func:`changing.distances`.
        restarts: searches, run as one batch.
        steps: of each.
        seed: of the starts.

    Raises:
        ValueError: the place names no site, or ε is negative.
        CancelledError: somebody asked to stop.
    """
    if place.site is None or epsilon < 0:
        raise ValueError("adversarial attention is searched for at one site, with ε of 0 or more")
    try:
        ((own, allowed),) = weights_at(engine, example, place)
        if not bool((allowed.sum(-1) > 1).any()):
            raise UndefinedError("there is one key to attend to, and no other attention")
        usual = run_changed(engine, example, place)
        check_asked(engine, usual)
    except UndefinedError as error:
        return Adversarial(example, reason=str(error))
    drawn = generator_of(seed, "adversarial", example, place.site).normal(
        size=(restarts, *own.shape)
    )
    start = own.clamp_min(1e-6).log() + 3 * torch.from_numpy(drawn).to(own.dtype)
    best, weights, distance = _searched(
        engine, example, place, (own, allowed), start, torch.from_numpy(usual), epsilon, steps
    )
    return Adversarial(
        example,
        divergence=best,
        reachable=reachable(own, allowed),
        distance=distance,
        weights=weights.double().numpy(),
    )


def _searched(
    engine: Engine,
    example: int,
    place: Place,
    at: tuple[Tensor, Tensor],
    start: Tensor,
    usual: Tensor,
    epsilon: float,
    steps: int,
) -> tuple[float, Tensor, float]:
    """The best divergence, its weights and distance; at worst the model's own weights."""
    own, allowed = at
    logits = start.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], RATE)
    best, weights, distance = 0.0, own, 0.0
    for _ in range(steps):
        if engine.should_stop():
            raise CancelledError("stopped")
        with quiet_run(), torch.enable_grad():
            tried = logits.masked_fill(~allowed, -torch.inf).softmax(-1).nan_to_num(0.0)
            far = _far(engine, example, place, tried, usual)
            apart = jensen_shannon_nats(tried, own).mean((-2, -1))
            loss = (PENALTY * (far - epsilon).clamp_min(0) - apart).sum()
            (logits.grad,) = torch.autograd.grad(loss, [logits])
        within = torch.where(far <= epsilon, apart, -1.0)
        if within.max() > best:
            most = int(within.argmax())
            best, weights = float(within[most].detach()), tried[most].detach()
            distance = float(far[most].detach())
        optimizer.step()
    return best, weights, distance


def _far(engine: Engine, example: int, place: Place, tried: Tensor, usual: Tensor) -> Tensor:
    def weigh(call: Call, weights: Tensor, allowed: Tensor, runs: slice) -> Tensor:
        return tried[runs]

    outputs = observed_changed(engine, example, place, weigh, slice(0, len(tried))).outputs
    return distances_tensor(engine, example, outputs, usual.to(outputs.dtype))


def jensen_shannon_nats(a: Tensor, b: Tensor) -> Tensor:
    """Jensen–Shannon divergence of rows ``[..., keys]`` in nats, with gradients."""
    middle = (a + b) / 2
    tiny = torch.finfo(middle.dtype).tiny
    return sum(
        ((rows * ((rows + tiny) / (middle + tiny)).log()).sum(-1) / 2 for rows in (a, b)),
        start=torch.zeros((), dtype=middle.dtype),
    )


def reachable(own: Tensor, allowed: Tensor) -> float:
    """The largest divergence of any weights from some, in nats, mean over rows.

    Divergence is convex, so that it is largest at a corner: all weight on the least attended key,
    where with its weight p it is ln 2 + (p ln p − (1 + p) ln(1 + p)) / 2.
    """
    # A row with no key to attend to has nothing to diverge, as one with a single key.
    least = own.masked_fill(~allowed, torch.inf).amin(-1).clamp_max(1).double().numpy()
    found = BOUND + (least * np.log(np.maximum(least, 1e-300)) - (1 + least) * np.log1p(least)) / 2
    return float(np.mean(found))
