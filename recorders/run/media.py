"""What an example of a run looks and sounds like: its image, its video's frames, its sound."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recorders.run.address import Url
from recorders.run.axes import RunAxes
from recorders.run.chunks import ChunkReader
from recorders.run.errors import DamagedError, RunError
from recorders.run.images import decode_png, image_digest
from recorders.run.index import RowIndex
from recorders.run.records import Example
from recorders.run.sounds import Sound, sound_digest


class RunMedia(RunAxes):
    """The pictures and sounds of a run."""

    path: Path | Url
    _chunks: ChunkReader

    def image(self, example: int | Example) -> NDArray[np.uint8] | None:
        """The example's image, uint8 [height, width] or [height, width, 3], or None.

        Of a video it is the first frame.

        Raises:
            DamagedError: what is stored is not that image.
        """
        row = int(self._columns["examples/image"][self._example_number(example)])
        return None if row < 0 else self._image(row)

    def frame_times(self, example: int | Example) -> NDArray[np.float64] | None:
        """When each frame of the example's video is shown, [frames], s; None for no video."""
        rows = self._frame_rows(self._example_number(example))
        return self._columns["frames/time"][rows] if rows.size else None

    def frame(self, example: int | Example, number: int) -> NDArray[np.uint8]:
        """A frame of the example's video, uint8 [height, width] or [height, width, 3].

        Raises:
            IndexError: the video has no such frame, or the example is none.
            DamagedError: what is stored is not that image.
        """
        rows = self._frame_rows(self._example_number(example))
        if not 0 <= number < rows.size:
            raise IndexError(f"there is no frame {number}: the video has {rows.size}, from 0")
        return self._image(int(self._columns["frames/image"][rows[number]]))

    def region_set_of(self, example: int | Example) -> int:
        """Number of the region set of an example itself; -1 for none."""
        return int(self._columns["examples/region_set"][self._example_number(example)])

    def region_frames(self, number: int) -> NDArray[np.int32] | None:
        """The frame that each box of a region set lies in, [n], -1 for all; None where all do."""
        start = int(self._columns["region_sets/box_offset"][number])
        count = int(self._columns["region_sets/box_count"][number])
        frames: NDArray[np.int32] = self._columns["boxes/frame"][start : start + count].copy()
        return frames if (frames >= 0).any() else None

    def sound(self, example: int | Example) -> Sound | None:
        """The example's sound, or None.

        Raises:
            DamagedError: what is stored is not that sound.
        """
        row = int(self._columns["examples/sound"][self._example_number(example)])
        if row < 0:
            return None
        offset, length, rate = (
            self._columns[f"sounds/{name}"][row].item() for name in ("offset", "length", "rate")
        )
        samples = np.ascontiguousarray(self._chunks.read("sounds/samples", offset, length))
        sound = Sound(samples, rate)
        if sound_digest(sound) != self._columns["sounds/sha256"][row].tobytes():
            raise DamagedError(f"{self.path} is damaged: sound {row} does not match its SHA-256")
        return sound

    def _image(self, row: int) -> NDArray[np.uint8]:
        offset, size, width, height, channels = (
            int(self._columns[f"images/{name}"][row])
            for name in ("offset", "size", "width", "height", "channels")
        )
        data = self._chunks.read("images/png", offset, size).tobytes()
        try:
            pixels = decode_png(data, width, height, channels)
        except RunError as problem:
            raise DamagedError(f"{self.path} is damaged: {problem}") from problem
        if image_digest(pixels) != self._columns["images/sha256"][row].tobytes():
            raise DamagedError(f"{self.path} is damaged: image {row} does not match its SHA-256")
        return pixels

    def _frame_rows(self, example: int) -> NDArray[np.int64]:
        return self._frame_index.rows(example)

    @cached_property
    def _frame_index(self) -> RowIndex:
        return RowIndex(*(self._columns[f"frames/{name}"] for name in ("example", "number")))
