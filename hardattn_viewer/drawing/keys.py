"""Which keys are regions, and which cursors still point at one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.frames import Frame


def region_values(frame: Frame) -> NDArray[np.float32]:
    """The probabilities of the regions, float32 [regions]; of all keys where there are none."""
    first = frame.first_region
    count = frame.probabilities.size if frame.boxes is None else first + len(frame.boxes)
    # Without special keys, what does not match the boxes is for the caller to complain of.
    shown = frame.probabilities[first:count] if first else frame.probabilities
    return np.asarray(shown, dtype=np.float32)


def known_region(key: int | None, first: int, count: int) -> int | None:
    """The region that ``key`` is, or None where it is none."""
    return None if key is None else known_key(key - first, count)


def known_key(key: int | None, count: int) -> int | None:
    """``key``, or None where this frame has no such key: a cursor may outlive its example."""
    return key if key is not None and 0 <= key < count else None
