"""Tasks whose answer is a sequence of the things that were given: hulls, orders, tours.

After Vinyals, Fortunato and Jaitly 2015, "Pointer Networks" (arXiv:1506.03134), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hardattn_models.tasks.generated import GeneratedTask


@dataclass(frozen=True, eq=False)
class PointingBatch:
    """Things to point at, and in which order.

    Attributes:
        things: float32 ``[batch, n, d]``: points of the unit square, or numbers from 0 to 1.
        targets: int64 ``[batch, n + 1]``: what to point at, one after another; the first again
            closes the answer, and stands from there on.
        entries: what a recorder is told, one dict an example; empty where it is learnt from.
    """

    things: Tensor
    targets: Tensor
    entries: list[dict[str, Any]] = field(default_factory=list)


def convex_hull(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The convex hull of each set of points in general position.

    From j to k is an edge, counter-clockwise, where every other point lies to its left.

    Args:
        points: ``[batch, n, 2]``, no three of them on a line.

    Returns:
        int64 ``[batch, n + 1]``: the corners counter-clockwise from the one with the lowest index;
        that one again from the end on.
    """
    batch, n, _ = points.shape
    there = points[:, None, :] - points[:, :, None]
    cross = there[..., None, :, 0] * there[..., :, None, 1]
    cross = np.swapaxes(cross, -1, -2) - cross
    # cross[b, i, j, k]: on which side of i -> j lies k; i and j themselves do not count.
    left: npt.NDArray[np.bool_] = np.greater(cross, 0)
    index = np.arange(n)
    left[:, :, index, index] = True
    left[:, index, :, index] = True
    edge: npt.NDArray[np.bool_] = np.all(left, -1)
    edge[:, index, index] = False
    after = edge.argmax(-1)
    corner = edge.any(-1)
    rows = np.arange(batch)
    first = at = corner.argmax(-1)
    done = np.zeros(batch, bool)
    order = np.empty((batch, n + 1), np.int64)
    for step in range(n + 1):
        order[:, step] = np.where(done, first, at)
        at = after[rows, at]
        done |= at == first
    return order


def _hull(random: np.random.Generator, count: int, number: int, sizes: range) -> PointingBatch:
    points = random.random((count, sizes[number % len(sizes)], 2))
    return PointingBatch(
        torch.from_numpy(points.astype(np.float32)), torch.from_numpy(convex_hull(points))
    )


def _sort(random: np.random.Generator, count: int, number: int, size: int) -> PointingBatch:
    numbers = random.random((count, size))
    order = np.argsort(numbers, -1)
    return PointingBatch(
        torch.from_numpy(numbers[..., None].astype(np.float32)),
        torch.from_numpy(np.concatenate([order, order[:, :1]], 1)),
    )


def _points(batch: PointingBatch, row: int) -> dict[str, Any]:
    return {"points": batch.things[row].numpy()}


def _numbers(batch: PointingBatch, row: int) -> dict[str, Any]:
    return {"tokens": [f"{one:.3f}" for one in batch.things[row, :, 0].tolist()]}


def hull(low: int, high: int) -> GeneratedTask:
    """The convex hull of points drawn evenly from the unit square, ``low`` to ``high`` of them."""
    name = f"hull-{low}" if low == high else "hull"
    return GeneratedTask(
        name=name,
        source=f"points drawn evenly from the unit square, {low} to {high} in equal shares",
        make=partial(_hull, sizes=range(low, high + 1)),
        describe=_points,
        facts={"dimensions": 2},
    )


def sorting(size: int) -> GeneratedTask:
    """``size`` numbers drawn evenly from 0 to 1, to be pointed at from the least to the largest."""
    return GeneratedTask(
        name=f"sort-{size}",
        source=f"{size} numbers drawn evenly from 0 to 1",
        make=partial(_sort, size=size),
        describe=_numbers,
        facts={"dimensions": 1},
    )
