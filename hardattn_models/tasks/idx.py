"""Reads the IDX format of the MNIST distribution, gzipped or not.

The format (LeCun, Cortes and Burges, "The MNIST database"): four bytes, of which the third names
the element type and the fourth counts the dimensions; each dimension as a big-endian 32-bit
integer; then the elements, row-major. Only unsigned bytes (type 8) are read here.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hardattn_models.errors import TaskError

_UNSIGNED_BYTE = 8
# The largest file of the distribution is 47 MB; a bomb must not fill the memory.
_MOST_BYTES = 256 * 2**20


def read_bytes(path: Path) -> bytes:
    """The content of a file, decompressed where it is gzip.

    Args:
        path: a file, gzipped or not; told apart by its first bytes, not by its name.

    Returns:
        The (decompressed) bytes.

    Raises:
        TaskError: if the file cannot be read, is cut short, or holds more than 256 MiB.
    """
    try:
        with path.open("rb") as plain:
            if plain.read(2) != b"\x1f\x8b":
                plain.seek(0)
                content = plain.read(_MOST_BYTES + 1)
            else:
                plain.seek(0)
                with gzip.open(plain, "rb") as unpacked:
                    content = unpacked.read(_MOST_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TaskError(f"{path} is cut short or damaged ({error}); fetch it again") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise TaskError(f"{path} cannot be read: {reason}") from error
    if len(content) > _MOST_BYTES:
        raise TaskError(f"{path} holds more than 256 MiB, which no file of this data set does")
    return content


def parse_idx(content: bytes, where: str) -> npt.NDArray[np.uint8]:
    """The array in the bytes of an IDX file.

    Args:
        content: a whole IDX file, decompressed.
        where: what to call it in an error, usually its path.

    Returns:
        uint8 array with the dimensions that the file names, read-only.

    Raises:
        TaskError: if the bytes are not IDX, hold another type than unsigned bytes, or are fewer
            or more than the dimensions call for.
    """
    if len(content) < 4 or content[:2] != b"\0\0":
        raise TaskError(f"{where} is not an IDX file (it must begin with two zero bytes)")
    kind, dimensions = content[2], content[3]
    if kind != _UNSIGNED_BYTE:
        raise TaskError(f"{where} holds IDX elements of type {kind:#x}; only bytes (0x8) are read")
    head = 4 + 4 * dimensions
    if dimensions == 0 or len(content) < head:
        raise TaskError(f"{where} ends within its header of {dimensions} dimensions")
    shape = struct.unpack(f">{dimensions}I", content[4:head])
    wanted = 1
    for size in shape:
        wanted *= size
    if len(content) - head != wanted:
        raise TaskError(
            f"{where} says {' × '.join(map(str, shape))} = {wanted} elements "
            f"but holds {len(content) - head}; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def idx_bytes(array: npt.NDArray[np.uint8]) -> bytes:
    """The IDX file of a uint8 array: the inverse of :func:`parse_idx`.

    Args:
        array: uint8, at least one dimension.

    Returns:
        The bytes of the file, not compressed.
    """
    header = struct.pack(f">4B{array.ndim}I", 0, 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    return header + array.tobytes()
