"""Where the chunks of a run's bulk datasets lie, over all its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.codec import CODECS


@dataclass(frozen=True, eq=False)
class BulkIndex:
    """Where the chunks of one bulk dataset of a run lie, over all its files.

    Attributes:
        dtype: numpy dtype string of the values.
        chunk: values in one chunk.
        file: int32 [chunks], index into the run's files.
        offset: int64 [chunks], first byte in that file.
        size: int64 [chunks], stored bytes.
        crc32: uint32 [chunks], checksum of the stored bytes.
    """

    dtype: str
    chunk: int
    file: NDArray[np.int32]
    offset: NDArray[np.int64]
    size: NDArray[np.int64]
    crc32: NDArray[np.uint32]

    @property
    def length(self) -> int:
        """Number of values, the padding of the last chunks included."""
        return int(self.file.size) * self.chunk

    def continues(self, other: BulkIndex) -> bool:
        """Whether the first chunks of this are all those of another, wherever they lie."""
        count = other.crc32.size
        return (
            (self.dtype, self.chunk) == (other.dtype, other.chunk)
            and np.array_equal(self.crc32[:count], other.crc32)
            and np.array_equal(self.size[:count], other.size)
        )


def joined_bulk(name: str, codec: str, parts: Iterable[Mapping[str, BulkIndex]]) -> BulkIndex:
    """The chunks of one dataset of several files, one file's after another's.

    Args:
        name: path of the dataset.
        codec: how the run's probabilities are stored.
        parts: where the chunks of each file lie, by path.
    """
    bulk = dict(layout.bulk_paths())[name]
    own = [part[name] for part in parts if name in part]
    return BulkIndex(
        bulk.dtype or CODECS[codec].dtype,
        bulk.chunk,
        np.concatenate([np.zeros(0, np.int32), *(part.file for part in own)]),
        np.concatenate([np.zeros(0, np.int64), *(part.offset for part in own)]),
        np.concatenate([np.zeros(0, np.int64), *(part.size for part in own)]),
        np.concatenate([np.zeros(0, np.uint32), *(part.crc32 for part in own)]),
    )
