"""Patches of an image that are keys: seen where a convolution cuts the image up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Box = tuple[float, float, float, float]

_SPECIAL = (
    ("[CLS]", frozenset({"cls_token", "class_token", "class_embedding"})),
    ("[DIST]", frozenset({"distillation_token", "dist_token"})),
    ("[REG]", frozenset({"register_tokens", "reg_token", "reg_tokens"})),
)
_TRAILING = frozenset({"detection_tokens"})
_IMAGE_CHANNELS = 4


@dataclass(frozen=True)
class Grid:
    """Patches that an image was cut into, in reading order.

    Attributes:
        path: module that cut it.
        rows: patches from top to bottom.
        columns: patches from left to right.
        height: of the image that was cut, in its pixels.
        width: of the image that was cut, in its pixels.
        size: height and width of a patch, in the same pixels.
        padding: pixels added above and to the left.
    """

    path: str
    rows: int
    columns: int
    height: int
    width: int
    size: tuple[int, int]
    padding: tuple[int, int] = (0, 0)

    @property
    def count(self) -> int:
        """Number of patches."""
        return self.rows * self.columns

    def boxes(self, covered: Box | None = None) -> NDArray[np.float32]:
        """Corners of the patches in the original image.

        Args:
            covered: x0, y0, x1, y1 of the part of the original image that the model was given, in
                its pixels; None where the original is what the model was given.

        Returns:
            float32 [count, 4], x0, y0, x1, y1.
        """
        x0, y0, x1, y1 = covered or (0.0, 0.0, float(self.width), float(self.height))
        tops = np.arange(self.rows, dtype=np.float64) * self.size[0] - self.padding[0]
        lefts = np.arange(self.columns, dtype=np.float64) * self.size[1] - self.padding[1]
        top, left = (axis.reshape(-1) for axis in np.meshgrid(tops, lefts, indexing="ij"))
        across, down = (x1 - x0) / self.width, (y1 - y0) / self.height
        corners = [
            x0 + across * left,
            y0 + down * top,
            x0 + across * (left + self.size[1]),
            y0 + down * (top + self.size[0]),
        ]
        return np.stack(corners, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Specials:
    """Keys of an image model that are no patches.

    Attributes:
        leading: names of those before the first patch, as far as the model's parameters tell.
        trailing: number of those after the last patch.
    """

    leading: tuple[str, ...] = ()
    trailing: int = 0

    def names(self, count: int) -> tuple[str, ...]:
        """Names of ``count`` leading keys; ``[S1]`` … where the model's parameters do not tell."""
        if len(self.leading) == count:
            return self.leading
        return tuple(f"[S{number}]" for number in range(1, count + 1))


def specials_in(model: nn.Module, path: str) -> Specials:
    """The special tokens that a part of a model learns, in the order that is usual.

    Args:
        model: the model.
        path: its part that the patches belong to; empty for all of it.
    """
    counts = {name: 0 for name, _ in _SPECIAL}
    trailing = 0
    for name, parameter in model.named_parameters():
        if path and not name.startswith(f"{path}."):
            continue
        last = name.rpartition(".")[2]
        length = parameter.shape[-2] if parameter.ndim > 1 else 1
        if last in _TRAILING:
            trailing = length
        for special, names in _SPECIAL:
            if last in names:
                counts[special] = length
    leading = ["[CLS]"] * counts["[CLS]"] + ["[DIST]"] * counts["[DIST]"]
    leading += [f"[REG{number}]" for number in range(1, counts["[REG]"] + 1)]
    return Specials(tuple(leading), trailing)


def cut_by_convolution(
    path: str, args: Sequence[Any], kwargs: dict[str, Any], output: Tensor, images: set[Any]
) -> Grid | None:
    """The grid that a call of ``conv2d`` cuts an image into, or None where it does something else.

    Args:
        path: the module that calls it.
        args: positional arguments of the call.
        kwargs: arguments by name.
        output: what it returned.
        images: heights and widths of the model's inputs that may be images.
    """
    names = ("input", "weight", "bias", "stride", "padding", "dilation")
    given = dict(zip(names, args, strict=False)) | kwargs
    padding = given.get("padding", 0)
    return _grid(
        path,
        given["input"],
        _pair(given["weight"].shape[-2:]),
        _pair(given.get("stride", 1)),
        (0, 0) if isinstance(padding, str) else _pair(padding),
        _pair(given.get("dilation", 1)),
        (output.shape[-2], output.shape[-1]),
        images,
    )


def cut_by_unfolding(
    path: str, args: Sequence[Any], kwargs: dict[str, Any], images: set[Any]
) -> Grid | None:
    """The grid that a call of ``unfold`` cuts an image into; see ``cut_by_convolution``."""
    names = ("input", "kernel_size", "dilation", "padding", "stride")
    given = dict(zip(names, args, strict=False)) | kwargs
    image = given["input"]
    kernel, stride = _pair(given["kernel_size"]), _pair(given.get("stride", 1))
    padding = _pair(given.get("padding", 0))
    rows, columns = (
        (length + 2 * pad - size) // step + 1
        for length, pad, size, step in zip(image.shape[-2:], padding, kernel, stride, strict=True)
    )
    dilation = _pair(given.get("dilation", 1))
    return _grid(path, image, kernel, stride, padding, dilation, (rows, columns), images)


def _grid(
    path: str,
    image: Any,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    shape: tuple[int, int],
    images: set[Any],
) -> Grid | None:
    if image.ndim != 4 or kernel != stride or min(kernel) < 2 or dilation != (1, 1):
        return None
    height, width = int(image.shape[-2]), int(image.shape[-1])
    # A pyramid cuts its own feature maps up as well; those are no image.
    if image.shape[1] > _IMAGE_CHANNELS and (height, width) not in images:
        return None
    return Grid(path, int(shape[0]), int(shape[1]), height, width, kernel, padding)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    numbers = [int(number) for number in value]
    return numbers[0], numbers[-1]
