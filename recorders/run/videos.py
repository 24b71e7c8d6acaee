"""Videos as frames with their times."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recorders.run.images import checked_image, image_digest


@dataclass(frozen=True, eq=False)
class Video:
    """Frames, and when they are shown.

    Attributes:
        frames: uint8 [frames, height, width] or [frames, height, width, 3].
        times: float64 [frames], seconds from the beginning.
        region_frames: int32 [regions], the frame that each region lies in, -1 for all of them;
            None where all regions lie in all frames.
    """

    frames: NDArray[np.uint8]
    times: NDArray[np.float64]
    region_frames: NDArray[np.int32] | None = None


def checked_video(
    frames: NDArray[Any],
    fps: float | None = None,
    times: ArrayLike | None = None,
    region_frames: ArrayLike | None = None,
) -> Video:
    """A video as it is stored.

    Args:
        frames: uint8 [frames, height, width] or [frames, height, width, 3].
        fps: frames a second; 1 where neither this nor ``times`` is told.
        times: [frames], seconds, ascending, in place of ``fps``.
        region_frames: [regions], the frame that each region lies in, -1 for all of them.

    Raises:
        ValueError: it is something else; the sentence says what and the remedy.
    """
    shape = " x ".join(str(length) for length in frames.shape)
    if frames.ndim not in (3, 4) or not len(frames):
        raise ValueError(f"a video is frames x height x width (x 3), not {shape}")
    checked_image(frames[0])
    if times is not None and fps is not None:
        raise ValueError("a video has times or fps, not both; leave one out")
    if times is None:
        fps = 1.0 if fps is None else float(fps)
        if not (np.isfinite(fps) and fps > 0):
            raise ValueError(f"fps is {fps:g}; frames a second are above 0")
        at = np.arange(len(frames)) / fps
    else:
        at = np.asarray(times, np.float64)
        if at.shape != (len(frames),) or not np.isfinite(at).all() or (np.diff(at) < 0).any():
            raise ValueError(f"times are {len(frames)} ascending seconds, one for each frame")
    of = None
    if region_frames is not None:
        of = np.ascontiguousarray(region_frames, np.int32)
        if of.ndim != 1 or (of < -1).any() or (of >= len(frames)).any():
            raise ValueError(
                f"region_frames are frames from 0 to {len(frames) - 1}, or -1 for all, one a region"
            )
    return Video(frames, at, of)


def video_digest(video: Video) -> bytes:
    """SHA-256 of a video's frames and times: equal only for equal videos."""
    whole = hashlib.sha256(video.times.tobytes())
    for frame in video.frames:
        whole.update(image_digest(checked_image(frame)))
    return whole.digest()
