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
Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]

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
        images: uint8 [height, width] or [height, width, 3]: one, or one a frame of a video whose
            regions lie in all frames; none for points.
        times: seconds of each frame; None where it is no video.
        stride: 2 where every second pixel of a video's frames is kept, and so on.
        tiles: of a video whose regions lie in single frames, all of which are shown at once: the
            frame of each region, [regions], -1 for all; None otherwise.
        columns: how many such frames lie beside each other.
        size: width and height of a frame, pixels.
        begin: of a sound, when the picture begins, s.
        seconds: of a sound, how long a pixel is.
        top: of a sound, the highest frequency, Hz.
        box: of points, x0, y0, x1, y1 of the plane that is shown, in its own units.
    """

    kind: Kind = ""
    images: tuple[Image, ...] = ()
    times: NDArray[np.float64] | None = None
    stride: int = 1
    tiles: NDArray[np.int32] | None = None
    columns: int = 1
    size: tuple[int, int] = (0, 0)
    begin: float = 0.0
    seconds: float = 0.0
    top: float = 0.0
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)

    @property
    def nbytes(self) -> int:
        """Memory that its pixels take."""
        return sum(image.nbytes for image in self.images)

    @property
    def plane(self) -> tuple[int, int]:
        """Width and height in pixels of a plane of points, its margins included."""
        x0, y0, x1, y1 = self.box
        scale = POINTS_PIXELS / max(x1 - x0, y1 - y0)
        return round((x1 - x0) * scale), round((y1 - y0) * scale)

    def in_pixels(self, boxes: Boxes) -> Boxes:
        """Boxes [n, 4] as the run holds them, in pixels of the picture."""
        if self.kind == "video":
            scaled: Boxes = boxes / np.float32(self.stride)
            if self.tiles is not None:
                row, column = np.divmod(np.maximum(self.tiles, 0), self.columns)
                across = (column * self.size[0]).astype(np.float32)
                down = (row * self.size[1]).astype(np.float32)
                scaled = scaled + np.stack([across, down, across, down], axis=1)
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

    def image_at(self, step: int, steps: int, told: NDArray[np.float64] | None) -> Image | None:
        """What a step sees, or None.

        Args:
            step: the step.
            steps: number of steps of the example.
            told: frame of each step as the recorder said, [steps], NaN where it did not; or None.
        """
        count = len(self.images)
        if count < 2:
            return self.images[0] if count else None
        if told is not None and step < told.size and np.isfinite(told[step]):
            return self.images[min(max(int(told[step]), 0), count - 1)]
        return self.images[step] if steps == count else self.images[0]

    def numbers(self, steps: int, told: NDArray[np.float64] | None) -> NDArray[np.int64]:
        """The frame that each step sees, int64 [steps]; empty unless there are several.

        Args:
            steps: number of steps of the example.
            told: as for ``image_at``.
        """
        count = len(self.images)
        if self.kind != "video" or count < 2:
            return np.zeros(0, np.int64)
        found = np.arange(steps) if steps == count else np.zeros(steps, np.int64)
        if told is not None:
            known = np.flatnonzero(np.isfinite(told[:steps]))
            found[known] = np.clip(told[known].astype(np.int64), 0, count - 1)
        return found

    def region_name(self, region: int, box: tuple[float, float, float, float]) -> str:
        """What a region is called, its box being in pixels of the picture.

        Empty where it is called by its place in the image.
        """
        if self.kind == "points":
            return f"point {region}"
        if self.kind == "sound":
            begin, end = (self.begin + edge * self.seconds for edge in (box[0], box[2]))
            return f"{begin:.2f} – {end:.2f} s"
        if self.kind == "video" and self.tiles is not None and region < self.tiles.size:
            frame = int(self.tiles[region])
            x = (box[0] + box[2]) / 2 - max(frame, 0) % self.columns * self.size[0]
            y = (box[1] + box[3]) / 2 - max(frame, 0) // self.columns * self.size[1]
            where = f"({x * self.stride:.4g}, {y * self.stride:.4g})"
            return where if frame < 0 else f"frame {frame}, {where}"
        return ""

    def place_words(self, x: float, y: float) -> str:
        """What is at a pixel of the picture, in units of the scene; empty where pixels are it."""
        if self.kind == "points":
            x0, y0, x1, y1 = self.box
            scale = max(x1 - x0, y1 - y0) / POINTS_PIXELS
            return f"x {x0 + x * scale:.4g}, y {y1 - y * scale:.4g}"
        if self.kind == "sound":
            hertz = self.top * (1 - y / self.images[0].shape[0])
            return f"{self.begin + x * self.seconds:.2f} s, {hertz:,.0f} Hz"
        return ""


def scene_of(
    run: Run,
    example: int,
    boxes: Boxes | None,
    of_frames: NDArray[np.int32] | None,
    damage: list[str],
) -> Scene:
    """What the regions of an example lie on, other than an image.

    Args:
        run: the run.
        example: number of the example.
        boxes: of its regions, as the run holds them; None where its keys are none.
        of_frames: the frame of its video that each region lies in, -1 for all; None where all lie
            in all of them.
        damage: takes a sentence about what is damaged, and then not shown.
    """
    try:
        times = run.frame_times(example)
        if times is not None:
            return _video(run, example, times, of_frames)
        sound = run.sound(example)
        if sound is not None:
            return _sound(sound.samples, sound.rate, boxes)
    except DamagedError as problem:
        damage.append(str(problem))
        return Scene()
    if boxes is not None and len(boxes) and (boxes[:, :2] == boxes[:, 2:]).all():
        return _points(boxes)
    return Scene("image")


def _video(
    run: Run, example: int, times: NDArray[np.float64], tiles: NDArray[np.int32] | None
) -> Scene:
    count = len(times)
    first = run.frame(example, 0)
    stride = 1
    while first.nbytes * count > VIDEO_BYTES * stride**2:
        stride += 1
    frames = [
        np.ascontiguousarray(run.frame(example, number)[::stride, ::stride])
        for number in range(count)
    ]
    height, width = frames[0].shape[:2]
    if tiles is None or any(frame.shape != frames[0].shape for frame in frames):
        return Scene("video", tuple(frames), times, stride, size=(width, height))
    columns = max(1, round(float(np.sqrt(count * height / width))))
    rows = -(-count // columns)
    sheet = np.zeros((rows * height, columns * width, *frames[0].shape[2:]), np.uint8)
    for number, frame in enumerate(frames):
        row, column = divmod(number, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = frame
    return Scene("video", (sheet,), times, stride, tiles, columns, (width, height))


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
