"""Places on a plane from -1 to 1: what is around one, and which cell of a grid it is likely in."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from hardattn_models.mechanisms import Location


def square_around(pixels: int, size: int) -> Tensor:
    """Offsets ``[pixels, pixels, 2]`` of a square's pixel centres from its middle.

    Args:
        pixels: height and width of the square.
        size: height and width of the image, which is 2 in these units.
    """
    inside = (torch.arange(pixels) - (pixels - 1) / 2) * 2 / size
    return torch.stack(torch.meshgrid(inside, inside, indexing="xy"), -1)


@torch.no_grad()
def cell_masses(location: Location, edges: Tensor) -> Tensor:
    """Mass of each cell of a square grid ``[batch, n]``; the outer cells reach to infinity."""
    scaled = (edges - location.mean.unsqueeze(-1)) / (location.std * math.sqrt(2))
    below = (1 + torch.erf(scaled)) / 2
    whole = functional.pad(functional.pad(below, (1, 0)), (0, 1), value=1.0)
    x, y = whole.diff(dim=-1).clamp_min(0).unbind(1)
    masses = (y.unsqueeze(2) * x.unsqueeze(1)).flatten(1)
    return masses / masses.sum(-1, keepdim=True)
