"""What training itself told of each of its moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recorders.run.maps import RunMaps


class RunTraining(RunMaps):
    """The part of a ``Run`` that tells how training went; it reads no map."""

    def training_scalars(self) -> dict[str, NDArray[np.float64]]:
        """Numbers that ``recorder.snapshot(step=…, loss=…)`` was given.

        Returns:
            float64 [snapshots] by name, NaN where a snapshot was not given that number; of several
            the last. Empty where training told nothing.
        """
        named, snapshots, values = (
            self._columns[f"training_scalars/{column}"] for column in ("name", "snapshot", "value")
        )
        result = {}
        for code in np.unique(named):
            here = named == code
            numbers = np.full(len(self.snapshots), np.nan)
            numbers[snapshots[here]] = values[here]
            result[self._texts["scalar_names/name"][int(code)]] = numbers
        return result
