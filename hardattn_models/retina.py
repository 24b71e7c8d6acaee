"""What is seen of an image from a place: a window, and larger ones around it, each drawn as small.

The retina of Mnih et al. 2014 (arXiv:1406.6247, section 3.1), whose patches grow by two.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from hardattn_models.plane import square_around


@dataclass(frozen=True)
class Retina:
    """Windows around the positions of a grid, or around places on a plane.

    Attributes:
        size: height and width of the images in pixels.
        stride: distance between neighbouring positions in pixels; ``size`` is a multiple of it.
        window: height and width of the smallest window in pixels.
        scales: windows around a place, each of twice the side of the one before.
    """

    size: int
    stride: int
    window: int
    scales: int = 1

    def check(self) -> None:
        """Say what does not fit.

        Raises:
            ValueError: pixels do not come out even.
        """
        if self.size % self.stride:
            raise ValueError(f"a size of {self.size} is not a multiple of stride {self.stride}")
        if self.window < self.stride or (self.window - self.stride) % 2:
            raise ValueError(
                f"a window of {self.window} must exceed stride {self.stride} by an even number"
            )
        if self.stride % 2 ** (self.scales - 1):
            raise ValueError(
                f"a stride of {self.stride} pixels is no multiple of {2 ** (self.scales - 1)}, "
                f"which {self.scales} scales ask for"
            )

    @property
    def grid(self) -> int:
        """Positions along one side of the image."""
        return self.size // self.stride

    @property
    def times(self) -> tuple[int, ...]:
        """Pixels of the image along one of each scale."""
        return tuple(2**scale for scale in range(self.scales))

    def regions(self) -> Tensor:
        """The smallest windows as boxes x0, y0, x1, y1 in pixels, row by row: float32 ``[n, 4]``.

        Those at the border reach outside the image.
        """
        centres = torch.arange(self.grid, dtype=torch.float32) * self.stride + self.stride / 2
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        half = self.window / 2
        return torch.stack([x - half, y - half, x + half, y + half], -1).reshape(-1, 4)

    def levels(self, images: Tensor) -> list[Tensor]:
        """Images ``[batch, 1, size, size]`` with a black margin, as each scale sees them."""
        around = [
            functional.pad(images, [(times * self.window - self.stride) // 2] * 4)
            for times in self.times
        ]
        return [
            functional.avg_pool2d(level, times) if times > 1 else level
            for times, level in zip(self.times, around, strict=True)
        ]

    def windows(self, images: Tensor) -> Tensor:
        """What is seen from every position: ``[batch, n, scales · window²]``."""
        seen = [
            functional.unfold(level, self.window, stride=self.stride // times)
            for times, level in zip(self.times, self.levels(images), strict=True)
        ]
        return (torch.cat(seen, 1) if self.scales > 1 else seen[0]).transpose(1, 2)

    def cut(self, levels: list[Tensor], at: Tensor) -> Tensor:
        """What is seen from some positions alone, as :meth:`windows` has it.

        Args:
            levels: the images, from :meth:`levels`.
            at: int64 ``[batch, k]``, numbers of positions.

        Returns:
            ``[batch, k, scales · window²]``.
        """
        inside = torch.arange(self.window)
        rows = torch.arange(len(at))[:, None, None, None]
        y, x = at // self.grid, at % self.grid
        seen = []
        for times, level in zip(self.times, levels, strict=True):
            step = self.stride // times
            down = (y * step)[..., None, None] + inside[:, None]
            across = (x * step)[..., None, None] + inside
            seen.append(level[rows, 0, down, across].flatten(2))
        return torch.cat(seen, -1) if self.scales > 1 else seen[0]

    def offsets(self) -> list[Tensor]:
        """Of each scale, where its pixels lie about a place, for :meth:`around`."""
        return [square_around(times * self.window, self.size) for times in self.times]

    def around(self, images: Tensor, place: Tensor, offsets: list[Tensor]) -> Tensor:
        """What is seen from any place, interpolated between pixels.

        Args:
            images: ``[batch, 1, size, size]``.
            place: ``[batch, 2]``, x and y from -1 to 1, edge to edge.
            offsets: from :meth:`offsets`.

        Returns:
            ``[batch, scales · window²]``.
        """
        seen = []
        for times, offset in zip(self.times, offsets, strict=True):
            at = place[:, None, None] + offset
            sight = functional.grid_sample(images, at, align_corners=False)
            seen.append(functional.avg_pool2d(sight, times).flatten(1))
        return torch.cat(seen, 1)
