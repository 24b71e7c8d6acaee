"""How networks of the zoo see the frames of a clip: each by itself, by the same convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from hardattn_models.weights import kept_size


def reader(size: int, width: int, channels: tuple[int, ...]) -> nn.Sequential:
    """Convolutions that halve an image one after another, and a vector of what is seen."""
    layers: list[nn.Module] = []
    for before, after in zip((1, *channels[:-1]), channels, strict=True):
        layers += [nn.Conv2d(before, after, 5 if before == 1 else 3, 2, 2 if before == 1 else 1)]
        layers += [nn.ReLU()]
        size //= 2
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * size**2, width))
    kept_size(network)
    return network


def of_each(network: nn.Module, frames: Tensor) -> Tensor:
    """A network of each frame ``[batch, n, height, width]``: ``[batch, n, features]``."""
    found: Tensor = network(frames.flatten(0, 1).unsqueeze(1)).unflatten(0, frames.shape[:2])
    return found
