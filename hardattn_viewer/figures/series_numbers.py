"""The numbers behind an animation or a contact sheet: those of each place, one after the other."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.figures.numbers import csv_bytes, matrix_csv_bytes, npz_bytes
from hardattn_viewer.figures.options import View
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.series import Series

# The same at every step or head of an example: written with the first place only.
_OF_EXAMPLE = ("image", "boxes", "tokens", "query_tokens", "run", "site", "first_region")


def series_csv(view: View, series: Series) -> bytes:
    """One table: the rows that a single figure's table has for the step of each place."""
    parts = []
    for item in series.items:
        frames = [only_step(frame) for frame in item.frames]
        if view == "matrix":
            parts.append(matrix_csv_bytes(frames[0], "A"))
        else:
            parts.append(csv_bytes(frames, ("A", "B")[: len(frames)]))
    head, first = parts[0].split(b"\n", 1)
    return b"\n".join([head, first + b"".join(part.split(b"\n", 1)[1] for part in parts[1:])])


def series_npz(series: Series, caption: str, top: float, difference: float | None) -> bytes:
    """Arrays by name, each with the number of its place before it: ``0_A_probabilities`` …

    ``at`` has the step, snapshot, head or example of each place, ``over`` which of these it is.
    What does not change within an example is with its first place alone.
    """
    arrays: dict[str, NDArray[Any]] = {
        "caption": np.array(caption),
        "over": np.array(series.over),
        "at": np.array([item.at for item in series.items]),
        "scale_max": np.array(top),
    }
    if difference is not None:
        arrays["difference_scale_max"] = np.array(difference)
    for number, item in enumerate(series.items):
        frames = [only_step(frame) for frame in item.frames]
        names = ("A", "B")[: len(frames)]
        data = npz_bytes(frames, names, "", [top] * len(frames), None)
        with np.load(io.BytesIO(data), allow_pickle=False) as one:
            for name in one.files:
                known = name.partition("_")[2] in _OF_EXAMPLE and series.over != "examples"
                if name != "caption" and not (known and number):
                    arrays[f"{number}_{name}"] = one[name]
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def only_step(frame: Frame) -> Frame:
    """The frame with the numbers of its own step alone."""
    at, step = frame.place.step - frame.first_step, frame.place.step
    inside = slice(at, at + 1)
    return replace(
        frame,
        distributions=frame.distributions[inside],
        selections=frame.selections[inside],
        maps=frame.maps[inside],
        step_axes=frame.step_axes[inside],
        first_step=step,
        whole=None,
    )
