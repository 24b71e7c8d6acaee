"""The order of things in a sealed file: first whatever tells where the rest lies.

Who opens a run on another machine then learns all of it from the first few megabytes, whatever the
file's size, and fetches the columns behind them in one go.
"""

from __future__ import annotations

from typing import Any

import h5py
from numpy.typing import NDArray

from recorders.run.image import begin_column, packed_chunks
from recorders.run.layout import Dataset


class Arranged:
    """Columns whose headers are written at once, and whose values later.

    HDF5 makes room for the index of a dataset's chunks when it gets its first chunk. So the order
    is: headers, ``write_first`` (and the first chunk of each bulk dataset), ``write_rest``.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[h5py.Dataset, NDArray[Any]]] = []

    def column(self, group: h5py.Group, spec: Dataset, values: NDArray[Any]) -> None:
        """Write the header of a column [n], with the checksum of its values."""
        self._waiting.append(begin_column(group, spec, values))

    def write_first(self) -> None:
        """Write the first chunk of each column that has several."""
        for dataset, values in self._waiting:
            chunk = dataset.chunks[0]
            if values.size > chunk:
                for start, packed in packed_chunks(values[:chunk], chunk):
                    dataset.id.write_direct_chunk((start,), packed)

    def write_rest(self) -> None:
        """Write everything else."""
        for dataset, values in self._waiting:
            chunk = dataset.chunks[0]
            begun = chunk if values.size > chunk else 0
            for start, packed in packed_chunks(values[begun:], chunk):
                dataset.id.write_direct_chunk((begun + start,), packed)
        self._waiting.clear()
