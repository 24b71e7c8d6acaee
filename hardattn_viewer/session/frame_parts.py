"""Parts of a frame that are read from a run: site, boxes of keys, scalars; and its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hardattn_viewer.session.frames import Frame
    from hardattn_viewer.session.maps import StepMap
    from recorders.run.reader import Run, Site

TOKEN_AXES = ("tokens", "target", "slots", "gate")


def site_of(run: Run, name: str | None) -> Site:
    """The site of a run with a name; None is its first one.

    Raises:
        IndexError: there is none.
    """
    if not run.sites:
        raise IndexError(f"{run.name} holds no attention site: nothing was recorded in it")
    for site in run.sites:
        if name is None or site.name == name:
            return site
    raise IndexError(f"{run.name} has no site {name}: it holds {run.sites[0].name}")


def boxes_of(
    run: Run, site: Site, example: int, maps: tuple[StepMap | None, ...]
) -> tuple[NDArray[np.float32] | None, NDArray[np.int32] | None]:
    """The boxes of the site's keys; None where its keys are no regions.

    And the frame of a video that each of them lies in, None where they lie in all of them.
    """
    event = next(one.event for one in maps if one is not None)
    number = event.region_set if event.region_set >= 0 else run.region_set_of(example)
    boxes = run.region_set(number) if number >= 0 else None
    # The keys of a window are counted within it, and no box is known of them.
    if boxes is None or not len(boxes) or event.windows > 1 or site.key_axis in TOKEN_AXES:
        return None, None
    fits = all(one is None or one.event.first_region + len(boxes) <= one.event.keys for one in maps)
    if not fits or (site.key_axis != "regions" and len(boxes) != event.keys):
        return None, None
    return boxes, run.region_frames(number)


def padded(values: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """``values`` as float64 [steps], NaN where there are fewer."""
    if values.size == steps:
        return values
    found = np.full(steps, np.nan)
    found[: min(steps, values.size)] = values[:steps]
    return found


def frame_bytes(frame: Frame) -> int:
    """How much memory a frame holds, for the cache's bound."""
    # Numbers of very many steps are shared by all frames of the example.
    scalars = () if frame.curves is not None else frame.scalars.values()
    arrays: list[NDArray[Any]] = [frame.distributions, *scalars]
    arrays += [array for array in (frame.image, frame.boxes, *frame.levels) if array is not None]
    tokens = sum(map(len, frame.axes.own)) + sum(map(len, frame.axes.target))
    maps = sum(one.nbytes for one in frame.maps if one is not None)
    maps += frame.whole.nbytes if frame.whole is not None else 0
    maps += frame.scene.nbytes
    return sum(int(array.nbytes) for array in arrays) + tokens + maps + 2_000
