"""A model that reads images, whose items are regions of them."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hardattn_viewer.faithfulness.engine import evaluating
from hardattn_viewer.faithfulness.subject import WHOLE, Floats, Inputs, Row
from hardattn_viewer.faithfulness.subjects.answers import outputs_of

OPERATORS = {
    "grey": "painted in the middle between the darkest and the brightest pixel",
    "mean": "painted in the mean of the image",
    "blur": "blurred until no detail is left",
    "noise": "replaced by pixels of the same image, shuffled",
    "inpaint": "filled in from the pixels around it",
}
_ROUNDS = 64


class PictureSubject:
    """A model of images ``[batch, channels, height, width]``, or without channels.

    A pixel belongs to the region whose middle is nearest among those that cover it, so that windows
    that overlap are told apart; pixels in no region are never touched.

    Args:
        model: called with such a batch; returns outputs.
        images: float ``[examples, …]``, as the model takes them.
        regions: ``[items, 4]`` boxes x0, y0, x1, y1 in pixels, of all examples or one a row.
        outputs: names of the outputs.
        call: how the model is called, where it is called otherwise.

    Raises:
        ValueError: shapes do not go together, or a region holds no pixel.
    """

    def __init__(
        self,
        model: Callable[[Tensor], Any],
        images: Tensor,
        regions: NDArray[np.floating],
        *,
        outputs: Sequence[str] = (),
        call: Callable[[Tensor], Any] | None = None,
    ) -> None:
        if images.ndim not in (3, 4) or not len(images) or not images.is_floating_point():
            raise ValueError(
                "images must be [examples, height, width] or [examples, channels, height, width] "
                f"floats, not {images.dtype} {tuple(images.shape)}"
            )
        self.model, self.images, self.outputs = model, images, tuple(outputs)
        self._call = call or model
        self._owners = torch.from_numpy(owners(regions, *images.shape[-2:]))
        self._count = len(regions)
        self._grid = grid_of(regions)
        low, high = images.aminmax()
        self._grey = float(low + high) / 2
        self.operators: Mapping[str, str] = OPERATORS
        self._fillers: dict[tuple[int, str], Tensor] = {}

    def __len__(self) -> int:
        return len(self.images)

    def items(self, example: int) -> int:
        """Regions."""
        return self._count

    def grid(self, example: int) -> tuple[int, ...] | None:
        """Rows and columns, where the regions are those of a grid, row by row."""
        return self._grid

    def digest(self, example: int) -> bytes:
        """Its pixels."""
        return self.images[example].numpy().tobytes()

    def lengths(self, example: int, kept: NDArray[np.bool_], operator: str) -> NDArray[np.int64]:
        """A position a region: images are all of one size."""
        return np.full(len(kept), self._count)

    def run(self, rows: Sequence[Row]) -> Tensor:
        """Outputs of rows."""
        return outputs_of(self.call(self.changed(rows), rows))

    def call(self, images: Tensor, rows: Sequence[Row]) -> Any:
        """Run the model on images that some rows became."""
        if not isinstance(self.model, nn.Module):
            return self._call(images)
        with evaluating(self.model):
            return self._call(images)

    def inputs(self, example: int) -> Inputs:
        """The pixels, with grey for nothing."""
        values = self.images[example : example + 1]
        return Inputs(
            values=values,
            baseline=torch.full_like(values, self._grey),
            forward=lambda changed: outputs_of(self._call(changed)),
            pool=self.pooled,
            module=self.model if isinstance(self.model, nn.Module) else None,
        )

    def moved(self, example: int, change: Tensor) -> PictureSubject:
        """The same with a change ``[1, …]`` added to the pixels of one example."""
        made = copy.copy(self)
        made.images = self.images.clone()
        made.images[example] += change[0]
        made._fillers = {}
        return made

    def pooled(self, found: Tensor) -> Floats:
        """Attributions of pixels ``[1, …, height, width]`` as one number a region."""
        each = found.detach()[0].reshape(-1, *found.shape[-2:]).sum(0).double()
        owned = self._owners >= 0
        sums = torch.zeros(self._count, dtype=torch.double)
        sums.index_add_(0, self._owners[owned], each[owned])
        return np.asarray(sums.numpy())

    def inside(self, box: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which items own a pixel that lies in a box x0, y0, x1, y1, bool ``[items]``."""
        height, width = self.images.shape[-2:]
        x0, y0, x1, y1 = box
        rows = slice(max(0, int(np.floor(y0))), min(height, int(np.ceil(y1))))
        columns = slice(max(0, int(np.floor(x0))), min(width, int(np.ceil(x1))))
        found = np.zeros(self._count, bool)
        there = np.unique(self._owners[rows, columns].numpy())
        found[there[there >= 0]] = True
        return found

    def changed(self, rows: Sequence[Row]) -> Tensor:
        """The images of rows, ``[rows, …]``."""
        made = []
        for row in rows:
            image = self.images[row.example]
            if row.operator == WHOLE:
                made.append(image)
                continue
            # Pixels of no region point at a last item that is always there.
            there = torch.from_numpy(np.append(row.mask, True))
            gone = ~there[self._owners]
            if row.operator == "inpaint":
                made.append(inpainted(image, gone))
            else:
                made.append(torch.where(gone, self._filler(row.example, row.operator), image))
        return torch.stack(made)

    def _filler(self, example: int, operator: str) -> Tensor:
        key = example, operator
        if key not in self._fillers:
            self._fillers[key] = self._filled(self.images[example], operator)
        return self._fillers[key]

    def _filled(self, image: Tensor, operator: str) -> Tensor:
        if operator == "grey":
            return torch.full_like(image, self._grey)
        if operator == "mean":
            return image.mean((-2, -1), keepdim=True).expand_as(image).contiguous()
        if operator == "blur":
            return blurred(image)
        seed = zlib.crc32(image.numpy().tobytes())
        pixels = image.reshape(-1, image.shape[-2] * image.shape[-1])
        order = torch.randperm(pixels.shape[1], generator=torch.Generator().manual_seed(seed))
        return pixels[:, order].reshape(image.shape)


def owners(regions: NDArray[np.floating], height: int, width: int) -> NDArray[np.int64]:
    """The region that each pixel belongs to, ``[height, width]``; -1 for none.

    Raises:
        ValueError: regions are not boxes, or one of them would own no pixel.
    """
    boxes = np.asarray(regions, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes):
        raise ValueError(f"regions must be [items, 4] boxes, not {boxes.shape}")
    y, x = np.mgrid[:height, :width] + 0.5
    best = np.full((height, width), np.inf)
    found = np.full((height, width), -1, np.int64)
    for at, (x0, y0, x1, y1) in enumerate(boxes):
        far = (x - (x0 + x1) / 2) ** 2 + (y - (y0 + y1) / 2) ** 2
        inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1) & (far < best)
        found[inside], best[inside] = at, far[inside]
    empty = np.setdiff1d(np.arange(len(boxes)), found)
    if len(empty):
        raise ValueError(f"region {empty[0]} holds no pixel of an image of {width} × {height}")
    return found


def grid_of(regions: NDArray[np.floating]) -> tuple[int, int] | None:
    """Rows and columns of regions that are a grid, row by row; None where they are none."""
    boxes = np.asarray(regions, np.float64)
    columns = len(np.unique(boxes[:, 0]))
    rows, left = divmod(len(boxes), columns)
    if left:
        return None
    table = boxes.reshape(rows, columns, 4)
    across = (table[:, :, [0, 2]] == table[:1, :, [0, 2]]).all()
    down = (table[:, :, [1, 3]] == table[:, :1, [1, 3]]).all()
    return (rows, columns) if bool(across) and bool(down) else None


def blurred(image: Tensor) -> Tensor:
    """An image after a box filter of a quarter of its smaller side, three times over."""
    size = max(3, min(image.shape[-2:]) // 4 | 1)
    found = image.reshape(1, -1, *image.shape[-2:])
    for _ in range(3):
        padded = functional.pad(found, (size // 2,) * 4, mode="replicate")
        found = functional.avg_pool2d(padded, size, stride=1)
    return found.reshape(image.shape)


def inpainted(image: Tensor, gone: Tensor) -> Tensor:
    """An image with some pixels taken from the known ones nearest to them, and smoothed.

    Args:
        image: ``[…, height, width]``.
        gone: bool ``[height, width]``; where all are, the mean of the image stands everywhere.
    """
    planes = image.reshape(-1, 1, *image.shape[-2:])
    if bool(gone.all()):
        return (
            planes.mean((-2, -1), keepdim=True).expand_as(planes).reshape(image.shape).contiguous()
        )
    known = (~gone).to(image.dtype)[None, None]
    filled = planes * known
    weight = known.clone()
    kernel = torch.ones(1, 1, 3, 3, dtype=image.dtype)
    while not bool((weight > 0).all()):
        sums = functional.conv2d(filled, kernel, padding=1)
        counts = functional.conv2d((weight > 0).to(image.dtype), kernel, padding=1)
        new = (weight == 0) & (counts > 0)
        filled = torch.where(new, sums / counts.clamp_min(1), filled)
        weight = torch.where(new, torch.ones_like(weight), weight)
    for _ in range(_ROUNDS):
        near = functional.avg_pool2d(
            functional.pad(filled, (1,) * 4, mode="replicate"), 3, stride=1
        )
        filled = torch.where(known > 0, planes, near)
    return filled.reshape(image.shape)
