"""Hard attention to a place on a plane rather than to one of n candidates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Location:
    """A place that was looked at.

    Attributes:
        place: ``[..., 2]``, x and y, where -1 and 1 are the edges of the plane.
        mean: ``[..., 2]``, where the distribution is centred.
        std: its standard deviation along each axis.
        log_prob: ``[...]``, log-density of the place in nats; differentiable in ``mean``.
        entropy: ``[...]``, differential entropy ``log(2πe σ²)`` in nats.
    """

    place: Tensor
    mean: Tensor
    std: float
    log_prob: Tensor
    entropy: Tensor


def gaussian_location(
    mean: Tensor,
    *,
    std: float = 0.12,
    sample: bool = True,
    generator: torch.Generator | None = None,
) -> Location:
    """Look at a place drawn from a Normal distribution (Mnih et al. 2014, section 2).

    The place itself takes no gradient, only its log-density does: that is what REINFORCE needs,
    ``∇ log N(l; μ, σ²) = (l − μ) / σ²``. A place that is left attached to μ has, by that formula,
    a gradient of zero in every step.

    Args:
        mean: ``[..., 2]``; usually a tanh of the network's output.
        std: standard deviation, above zero.
        sample: whether it is drawn; else it is the mean.
        generator: source of randomness; torch's global one if not given.

    Returns:
        The place; it may lie outside of the plane.

    Raises:
        ValueError: the mean is no finite ``[..., 2]``, or ``std`` is not above zero.
    """
    if mean.ndim == 0 or mean.shape[-1] != 2 or not bool(mean.detach().isfinite().all()):
        raise ValueError(f"mean must be finite [..., 2], not {tuple(mean.shape)}")
    if not (math.isfinite(std) and std > 0):
        raise ValueError(f"std must be a finite number above zero, not {std}")
    place = mean.detach()
    if sample:
        noise = torch.empty_like(place).normal_(generator=generator)
        place = place + std * noise
    distance = (place - mean).square().sum(-1) / std**2
    log_prob = -0.5 * distance - 2 * math.log(std) - math.log(2 * math.pi)
    entropy = torch.full_like(log_prob.detach(), math.log(2 * math.pi * math.e * std**2))
    return Location(place, mean, std, log_prob, entropy)
