"""How probabilities become stored values, and values become stored chunks.

Probabilities: 16-bit square-root fixed point by default. The square root spends the levels where
attention maps need them (small values), and its table of 65,536 levels turns straight into colours.
Chunks: byte-shuffled and deflated exactly as HDF5's own shuffle and gzip filters would, by ISA-L,
so that any HDF5 tool reads them without a plugin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from recorders.run.errors import RunError

_BLOCK = 1 << 18
_LEVEL = 1
# The package's own type stub declares the class as an instance.
_InflateError = cast("type[Exception]", isal_zlib.error)


@dataclass(frozen=True)
class Codec:
    """How a probability in [0, 1] is stored.

    Attributes:
        name: name in the file.
        dtype: numpy dtype string of the stored values.
        max_error: largest absolute error of a stored probability.
        levels: largest stored integer of a square-root codec; 0 for a floating-point codec.
        doc: the rule in one line.
    """

    name: str
    dtype: str
    max_error: float
    levels: int
    doc: str

    def row_error(self, keys: int) -> float:
        """Most that the stored values of a row of ``keys`` probabilities can sum away from 1."""
        if self.levels:
            # |Δp| <= 2 √p δ + δ² each with δ half a level, and Σ √p <= √keys (Cauchy-Schwarz).
            half = 0.5 / self.levels
            return 2 * half * math.sqrt(keys) + keys * half**2
        return 2 * self.max_error

    def encode(self, probabilities: NDArray[np.floating[Any]]) -> NDArray[Any]:
        """Store probabilities (any shape, values in [0, 1]; others are clipped), flattened."""
        flat = probabilities.reshape(-1)
        if not self.levels:
            return flat.astype(self.dtype)
        stored = np.empty(flat.size, self.dtype)
        # A block that stays in the cache is three times as fast as the whole array at once.
        for start in range(0, flat.size, _BLOCK):
            root = np.clip(flat[start : start + _BLOCK], 0.0, 1.0).astype(np.float32)
            np.sqrt(root, out=root)
            root *= np.float32(self.levels)
            root += np.float32(0.5)
            stored[start : start + _BLOCK] = root
        return stored

    def decode(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Probabilities as float32 from stored values of the same shape."""
        values = stored.astype(np.float32)
        if self.levels:
            values *= np.float32(1.0 / self.levels)
            values *= values
        return values


CODECS = {
    codec.name: codec
    for codec in (
        Codec("sqrt16", "<u2", 1.54e-5, 65_535, "p = (u / 65535)², u an unsigned 16-bit integer"),
        Codec("sqrt8", "|u1", 3.93e-3, 255, "p = (u / 255)², u an unsigned 8-bit integer"),
        Codec("float16", "<f2", 2.45e-4, 0, "p itself, in IEEE half precision"),
        Codec("float32", "<f4", 6.0e-8, 0, "p itself, in IEEE single precision"),
    )
}


def codec_named(name: str) -> Codec:
    """The codec of that name.

    Raises:
        ValueError: there is none; the sentence lists those there are.
    """
    if name not in CODECS:
        raise ValueError(f"there is no codec {name!r}; choose one of {', '.join(CODECS)}")
    return CODECS[name]


def pack(values: NDArray[Any]) -> bytes:
    """Shuffle and deflate one whole chunk of values [n] into the bytes that HDF5 stores."""
    size = values.dtype.itemsize
    if size == 2:
        word = values.view("<u2")
        shuffled = (word & 255).astype(np.uint8).tobytes() + (word >> 8).astype(np.uint8).tobytes()
    elif size == 1:
        shuffled = values.tobytes()
    else:
        shuffled = np.ascontiguousarray(values.view(np.uint8).reshape(-1, size).T).tobytes()
    packed: bytes = isal_zlib.compress(shuffled, _LEVEL)
    return packed


def unpack(stored: bytes, dtype: str, count: int) -> NDArray[Any]:
    """The ``count`` values of one stored chunk; never more memory than they need.

    Raises:
        RunError: the bytes are not ``count`` deflated values.
    """
    size = np.dtype(dtype).itemsize
    inflater = isal_zlib.decompressobj()
    try:
        # One byte more than expected tells a longer stream from one that ends where it should.
        raw = inflater.decompress(stored, count * size + 1)
    except (_InflateError, ValueError) as problem:
        raise RunError(f"a stored chunk cannot be decompressed ({problem})") from problem
    if len(raw) != count * size or not inflater.eof:
        raise RunError(f"a stored chunk holds {len(raw)} bytes where {count * size} belong")
    if size == 1:
        return np.frombuffer(raw, dtype)
    shuffled = np.frombuffer(raw, np.uint8).reshape(size, count)
    if size == 2:
        # Nine times as fast as transposing the bytes.
        words: NDArray[Any] = shuffled[1].astype("<u2")
        words <<= 8
        words |= shuffled[0]
        return words.view(dtype)
    values = np.zeros((count, size), np.uint8)
    for at, plane in enumerate(shuffled):
        # Small numbers, which most columns hold, leave their high bytes zero.
        if plane.any():
            values[:, at] = plane
    return values.view(dtype).reshape(count)


def stored_limit(dtype: str, count: int) -> int:
    """Most bytes that an honest deflated chunk of ``count`` values takes (zlib's own bound)."""
    raw = count * np.dtype(dtype).itemsize
    return raw + (raw >> 8) + 1024


def crc32(data: bytes | NDArray[Any], start: int = 0) -> int:
    """CRC-32 (ISO 3309, as in zlib) of bytes or of an array's bytes."""
    buffer = data if isinstance(data, bytes) else np.ascontiguousarray(data).data
    value: int = isal_zlib.crc32(buffer, start)
    return value
