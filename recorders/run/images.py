"""Images as PNG bytes and back, lossless."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recorders.run.errors import RunError
from recorders.run.layout import MAX_IMAGE_PIXELS


def checked_image(image: NDArray[Any]) -> NDArray[np.uint8]:
    """The image as a contiguous uint8 array [height, width] or [height, width, 3].

    Raises:
        ValueError: it is something else; the sentence says what and the remedy.
    """
    shape = " x ".join(str(length) for length in image.shape)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3) or not image.size:
        raise ValueError(
            f"an image is height x width or height x width x 3, not {shape}; "
            "move the channels last and keep one or three"
        )
    if image.dtype != np.uint8:
        raise ValueError(f"an image holds uint8 from 0 to 255, not {image.dtype}; scale and round")
    if image.shape[0] * image.shape[1] > MAX_IMAGE_PIXELS:
        raise ValueError(
            f"an image of {shape} has more than {MAX_IMAGE_PIXELS:,} pixels; make it smaller"
        )
    return np.ascontiguousarray(image)


def image_digest(image: NDArray[np.uint8]) -> bytes:
    """SHA-256 of an image's shape and pixels: equal only for equal images."""
    shape = " ".join(str(length) for length in image.shape)
    return hashlib.sha256(f"{shape}\n".encode() + image.tobytes()).digest()


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """PNG bytes of a uint8 image [height, width] or [height, width, 3]."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def decode_png(data: bytes, width: int, height: int, channels: int) -> NDArray[np.uint8]:
    """The pixels of a PNG whose size is known beforehand.

    Args:
        data: a PNG file.
        width: expected width in pixels.
        height: expected height in pixels.
        channels: 1 or 3.

    Returns:
        uint8 [height, width] for one channel, [height, width, 3] for three.

    Raises:
        RunError: the bytes are no PNG of that size.
    """
    mode = "L" if channels == 1 else "RGB"
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if picture.size != (width, height) or picture.mode != mode:
                raise RunError(
                    f"an image is {picture.size[0]} x {picture.size[1]} {picture.mode} "
                    f"where {width} x {height} {mode} belongs"
                )
            return np.array(picture, np.uint8)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as problem:
        raise RunError(f"an image cannot be decoded ({problem})") from problem
