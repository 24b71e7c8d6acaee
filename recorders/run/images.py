"""Images as PNG bytes and back, lossless."""

from __future__ import annotations

import hashlib
import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recorders.run.errors import RunError
from recorders.run.layout import MAX_IMAGE_PIXELS

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_SIZE = struct.Struct(">II")


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
    _check_header(data, width, height)
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if picture.size != (width, height) or picture.mode != mode:
                raise RunError(
                    f"an image is {picture.size[0]} x {picture.size[1]} {picture.mode} "
                    f"where {width} x {height} {mode} belongs"
                )
            return np.array(picture, np.uint8)
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as problem:
        raise RunError(f"an image cannot be decoded ({problem})") from problem


def _check_header(data: bytes, width: int, height: int) -> None:
    """That the file is a PNG of that size and nothing in it says otherwise.

    Pillow warns of an image that is too large only after it has learnt the size, and its limit is
    the whole program's. So the size is known to be an honest one before Pillow sees the file.
    """
    size, first = _SIZE.pack(width, height), len(_SIGNATURE)
    if width * height > MAX_IMAGE_PIXELS:
        raise RunError(f"an image has more than {MAX_IMAGE_PIXELS:,} pixels")
    if not data.startswith(_SIGNATURE) or data[first + 4 : first + 8] != b"IHDR":
        raise RunError("an image is not a PNG file")
    at = first
    while at + 8 <= len(data):
        length, kind = _CHUNK.unpack_from(data, at)
        if kind == b"IHDR" and (at != first or data[at + 8 : at + 16] != size):
            other = _SIZE.unpack(data[at + 8 : at + 16].ljust(8, b"\0"))
            raise RunError(f"an image is {other[0]} x {other[1]} where {width} x {height} belongs")
        if kind == b"IEND":
            return
        at += length + 12
    raise RunError("an image is cut short")
