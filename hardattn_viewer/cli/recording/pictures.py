"""Pictures as a Hugging Face model's input, with the part of each that the input covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from torch import Tensor

from hardattn_viewer.cli.recording.items import Item
from hardattn_viewer.cli.recording.notes import Notes
from hardattn_viewer.cli.recording.seen_part import Box, Scale, measured_box, measured_scale
from hardattn_viewer.cli.recording.subject import Pass, fields_of, stacked

# These look at what is in a picture before they cut it; a picture of coordinates tells nothing.
_BY_CONTENT = ("do_crop_margin",)
_SIZES_KEPT = 64


class PictureReader:
    """Turns pictures into forward passes.

    Args:
        processor: a Hugging Face image processor.
        dtype: floating type that the model computes in.
        grey: whether the model takes one channel.
        notes: told where the input's part of a picture is not known.
    """

    def __init__(self, processor: Any, dtype: torch.dtype, grey: bool, notes: Notes) -> None:
        self._processor = processor
        self._dtype = dtype
        self._grey = grey
        self._notes = notes
        self._scale: Scale | None = None
        self._measured = False
        self._boxes: dict[tuple[int, int], Box | None] = {}

    def __call__(self, items: Sequence[Item]) -> list[Pass]:
        """Forward passes of these items, as few as their sizes allow."""
        return stacked([self._read(item) for item in items])

    def _read(self, item: Item) -> Pass:
        assert item.picture is not None
        inputs = self._inputs(item.picture)
        fields = fields_of(item)
        box = self._box(item.picture)
        if box is not None:
            fields["input_box"] = box
        else:
            fields.pop("image")
            seen = self._as_seen(inputs)
            if seen is not None:
                fields["image"] = seen
        return Pass([fields], kwargs={k: self._cast(value) for k, value in inputs.items()})

    def _inputs(self, picture: Image) -> dict[str, Tensor]:
        picture = picture.convert("L" if self._grey else "RGB")
        return dict(self._processor(images=[picture], return_tensors="pt"))

    def _cast(self, value: Any) -> Any:
        floats = isinstance(value, Tensor) and value.is_floating_point()
        return value.to(self._dtype) if floats else value

    def _box(self, picture: Image) -> Box | None:
        if not self._measured:
            self._measured = True
            by_content = any(getattr(self._processor, name, False) for name in _BY_CONTENT)
            if not self._grey and not by_content:
                self._scale = measured_scale(self._pixels)
        box = None
        if self._scale is not None:
            if picture.size not in self._boxes:
                if len(self._boxes) >= _SIZES_KEPT:
                    self._boxes.clear()
                self._boxes[picture.size] = measured_box(self._pixels, self._scale, *picture.size)
            box = self._boxes[picture.size]
        if box is None:
            self._notes.say(
                f"{type(self._processor).__name__} does not show a straight view of one part of a "
                "picture; the run holds what the model sees instead of the pictures"
            )
        return box

    def _pixels(self, picture: Image) -> NDArray[Any]:
        """The input [3, height, width] of one picture; of another shape where it is none."""
        values = self._inputs(picture)["pixel_values"]
        return values[0].float().numpy()

    def _as_seen(self, inputs: dict[str, Tensor]) -> NDArray[np.uint8] | None:
        """The input as a picture, from its smallest to its largest value; None where it is none."""
        values = inputs["pixel_values"][0].float().numpy()
        if values.ndim != 3 or values.shape[0] not in (1, 3):
            return None
        if self._scale is not None:
            return self._scale.picture(values)
        low, high = float(values.min()), float(values.max())
        shades = np.rint((values - low) / (high - low or 1.0) * 255).astype(np.uint8)
        return np.ascontiguousarray(shades[0] if len(shades) == 1 else shades.transpose(1, 2, 0))
