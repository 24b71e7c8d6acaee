"""What regions lie on: an image, the frames of a video, a sound's spectrogram, or a plane.

All of these become pixels, so that whatever draws regions on an image draws them here as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures.spectrogram import spectrogram, spectrogram_image
from recorders.run.errors import DamagedError

if TYPE_CHECKING:
    from recorders.run.reader import Run

Kind = Literal["", "image", "video", "sound", "points"]

VIDEO_BYTES = 48 * 2**20
"""Most bytes of a video's frames in memory; a larger one is shown at a half, a third … the size."""

ROWS = 256
"""Most rows of a spectrogram."""

POINTS_PIXELS = 1000.0
POINT_SIZE = 0.024
"""Pixels along the longer side of a plane of points, and the side of a point's mark in it."""

FRAME_SCALAR = "frame"
"""The scalar by which a recorder says which frame of a video a step sees."""


@dataclass(frozen=True, eq=False)
class Scene:
    """The pixels that an example's regions lie on.

    Attributes:
        kind: what it is; empty where there is nothing to see.
        images: uint8 [height, width] or [height, width, 3]: one, or one a frame of a video; none
            for points.
        times: seconds of each frame; None where it is no video.
        stride: 2 where every second pixel of a video's frames is kept, and so on.
        begin: of a sound, when the picture begins, s.
        seconds: of a sound, how long a pixel is.
        top: of a sound, the highest frequency, Hz.
        box: of points, x0, y0, x1, y1 of the plane that is shown, in its own units.
    """

    kind: Kind = ""
    images: tuple[NDArray[np.uint8], ...] = ()
    times: NDArray[np.float64] | None = None
    stride: int = 1
    begin: float = 0.0
    seconds: float = 0.0
    top: float = 0.0
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)

    @property
    def nbytes(self) -> int:
        """Memory that its pixels take."""
        return sum(image.nbytes for image in self.images)

    def in_pixels(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes [n, 4] as the run holds them, in pixels of the picture."""
        if self.kind == "video":
            scaled: NDArray[np.float32] = boxes / np.float32(self.stride)
            return scaled
        if self.kind == "sound":
            height = self.images[0].shape[0]
            found = np.empty_like(boxes)
            found[:, [0, 2]] = (boxes[:, [0, 2]] - self.begin) / self.seconds
            found[:, 1] = height * (1 - boxes[:, 3] / self.top)
            found[:, 3] = height * (1 - boxes[:, 1] / self.top)
            return found
        if self.kind == "points":
            x0, y0, x1, y1 = self.box
            scale = POINTS_PIXELS / max(x1 - x0, y1 - y0)
            x, y = (boxes[:, 0] - x0) * scale, (y1 - boxes[:, 1]) * scale
            half = POINTS_PIXELS * POINT_SIZE / 2
            return np.stack([x - half, y - half, x + half, y + half], axis=1).astype(np.float32)
        return boxes

    def frame_of_step(self, steps: int, told: NDArray[np.float64] | None) -> NDArray[np.int64]:
        """The frame that each step sees, [steps]; -1 where nobody knows.

        Args:
            steps: number of steps of the example.
            told: by the recorder, [steps]; NaN where it did not say.
        """
        count = len(self.images)
        if told is not None and np.isfinite(told).any():
            known = np.where(np.isfinite(told), told, -1)
            inside = (known >= 0) & (known < count)
            return np.where(inside, known, -1).astype(np.int64)
        return np.arange(steps) if steps == count else np.full(steps, -1)


def scene_of(run: Run, example: int, boxes: NDArray[np.float32] | None, damage: list[str]) -> Scene:
    """What the regions of an example lie on.

    Args:
        run: the run.
        example: number of the example.
        boxes: of its regions, as the run holds them; None where its keys are none.
        damage: takes a sentence about what is damaged, and then not shown.
    """
    try:
        times = run.frame_times(example)
        if times is not None:
            return _video(run, example, times)
        sound = run.sound(example)
        if sound is not None:
            return _sound(sound.samples, sound.rate, boxes)
        image = run.image(example)
    except DamagedError as problem:
        damage.append(str(problem))
        return Scene()
    if image is not None:
        return Scene("image", (image,))
    if boxes is not None and len(boxes) and (boxes[:, :2] == boxes[:, 2:]).all():
        return _points(boxes)
    return Scene()


def _video(run: Run, example: int, times: NDArray[np.float64]) -> Scene:
    first = run.frame(example, 0)
    stride = 1
    while first.nbytes * len(times) > VIDEO_BYTES * stride**2:
        stride += 1
    frames = [
        np.ascontiguousarray(run.frame(example, number)[::stride, ::stride])
        for number in range(len(times))
    ]
    return Scene("video", tuple(frames), times=times, stride=stride)


def _sound(samples: NDArray[np.int16], rate: float, boxes: NDArray[np.float32] | None) -> Scene:
    length = samples.size / rate
    begin, end = 0.0, length
    if boxes is not None and len(boxes):
        # A model's input may cover more than the sound: what is there is silence.
        begin = min(begin, float(boxes[:, 0].min()))
        end = max(end, float(boxes[:, 2].max()))
    before, after = (round(seconds * rate) for seconds in (-begin, end - length))
    found = spectrogram(np.pad(samples, (before, max(after, 0))), rate)
    return Scene(
        "sound",
        (spectrogram_image(found, rows=ROWS),),
        begin=begin,
        seconds=found.step,
        top=found.top,
    )


def _points(boxes: NDArray[np.float32]) -> Scene:
    low, high = boxes[:, :2].min(axis=0), boxes[:, :2].max(axis=0)
    margin = 0.06 * max(float((high - low).max()), 1e-6)
    return Scene(
        "points",
        box=(
            float(low[0]) - margin,
            float(low[1]) - margin,
            float(high[0]) + margin,
            float(high[1]) + margin,
        ),
    )
