"""Smaller copies of a large image, made where it is read, so that drawing never waits for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The longer side of the smallest copy is at most this many px; smaller images need none.
SMALLEST = 1024
# Rows that are halved at once, so that the arrays in between stay small.
_ROWS = 256

Image = NDArray[np.uint8]


def smaller_levels(image: Image | None) -> tuple[Image, ...]:
    """Copies of ``image`` at 1/2, 1/4, … of its size, each px the mean of the 2 × 2 below it.

    Args:
        image: uint8 [height, width] or [height, width, channels], or None.

    Returns:
        From large to small, until the longer side is at most ``SMALLEST``; an odd last row or
        column is a mean of what there is. Nothing for a small image, or for None.
    """
    levels: list[Image] = []
    while image is not None and max(image.shape[:2]) > SMALLEST:
        image = _halved(image)
        levels.append(image)
    return tuple(levels)


def _halved(image: Image) -> Image:
    height, width = image.shape[:2]
    half = np.empty(((height + 1) // 2, (width + 1) // 2, *image.shape[2:]), np.uint8)
    for top in range(0, height, _ROWS):
        rows = image[top : top + _ROWS]
        odd = ((0, rows.shape[0] % 2), (0, width % 2), *((0, 0),) * (image.ndim - 2))
        even = np.pad(rows, odd, mode="edge").astype(np.uint16)
        total = even[0::2, 0::2] + even[1::2, 0::2] + even[0::2, 1::2] + even[1::2, 1::2]
        half[top // 2 : top // 2 + len(total)] = (total + 2) >> 2
    return half
