"""What a person asks about regions of an image: neighbours, sums, who looks there, copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.frame_items import query_of_key, query_tokens
from hardattn_viewer.session.frame_parts import TOKEN_AXES
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.image_view import Box, Size
from hardattn_viewer.session.naming import MINUS, key_name, key_noun
from hardattn_viewer.session.numbers import probability, signed

COLUMNS = ("key", "name", "x0_px", "y0_px", "x1_px", "y1_px", "probability", "selected")


@dataclass(frozen=True)
class Looker:
    """A token that looks at a region.

    Attributes:
        name: the token in quotes.
        weight: its probability of the region.
        step: the step that it is a query of.
        query: which query of that step.
    """

    name: str
    weight: float
    step: int
    query: int


def image_size(frame: Frame | None) -> Size | None:
    """Width and height in px of the image that a frame's regions lie on, or None."""
    if frame is None or frame.boxes is None or not len(frame.boxes):
        return None
    if frame.image is not None:
        return int(frame.image.shape[1]), int(frame.image.shape[0])
    if frame.scene.kind == "points":
        return frame.scene.plane
    width, height = np.ceil(frame.boxes[:, 2:].max(axis=0)).tolist()
    return max(1, int(width)), max(1, int(height))


def box_of(frame: Frame, key: int | None) -> Box | None:
    """x0, y0, x1, y1 in px of a region; None where the key is none."""
    if frame.boxes is None or key is None:
        return None
    region = key - frame.first_region
    if not 0 <= region < len(frame.boxes):
        return None
    x0, y0, x1, y1 = (float(edge) for edge in frame.boxes[region])
    return x0, y0, x1, y1


def neighbour(frame: Frame, key: int | None, dx: int, dy: int) -> int | None:
    """The next region in a direction.

    Of the regions whose centre lies within 45° of the direction it is the one with the smallest
    distance along it plus twice the distance across it.

    Args:
        frame: one run at one place.
        key: where to start; None, or a key that is no region, starts at the selected one, or
            else at the first.
        dx: 1 right, -1 left, else 0.
        dy: 1 down, -1 up, else 0.

    Returns:
        The key, or None where there is none in that direction.
    """
    if frame.boxes is None or not len(frame.boxes):
        return None
    first, start = frame.first_region, box_of(frame, key)
    if start is None:
        chosen = [one for one in frame.selection if box_of(frame, one) is not None]
        return chosen[0] if chosen else first
    boxes = frame.boxes.astype(np.float64)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    away = centres - ((start[0] + start[2]) / 2, (start[1] + start[3]) / 2)
    along = away @ np.array([dx, dy], dtype=np.float64)
    across = np.abs(away @ np.array([dy, dx], dtype=np.float64))
    cost = np.where((along > 1e-6) & (across <= along), along + 2 * across, np.inf)
    found = int(cost.argmin())
    return first + found if np.isfinite(cost[found]) else None


def picked_keys(picked: tuple[int, ...], keys: Sequence[int]) -> tuple[int, ...]:
    """``picked`` with the new ones of ``keys`` added, or, where all are in it, taken out."""
    if set(keys) <= set(picked):
        return tuple(key for key in picked if key not in keys)
    return (*picked, *(key for key in dict.fromkeys(keys) if key not in picked))


def mass_of(frame: Frame, keys: Sequence[int]) -> float:
    """The sum of the probabilities of ``keys``; NaN where none of them is known."""
    values = frame.probabilities[[key for key in keys if 0 <= key < frame.probabilities.size]]
    known: NDArray[np.float64] = values[~np.isnan(values)].astype(np.float64)
    return float(known.sum()) if known.size else float("nan")


def mass_words(frame: Frame, keys: Sequence[int]) -> str:
    """For example ``"3 regions = 0.41 of the mass"``; empty without keys."""
    if not keys:
        return ""
    noun = key_noun(frame, plural=len(keys) != 1)
    return f"{len(keys):,} {noun} = {probability(mass_of(frame, keys))} of the mass"


def lookers(frame: Frame, key: int, most: int = 3) -> tuple[Looker, ...]:
    """The tokens that look at a region most, where queries are tokens and their rows in memory.

    A decoder that looks once a step has one query a step; of a map with several queries only
    those of the step shown count.
    """
    if frame.query_axis not in TOKEN_AXES or not 0 <= key < frame.probabilities.size:
        return ()
    one = frame.map
    if one is not None and one.queries > 1:
        names = query_tokens(frame)
        if not one.is_whole or names is None:
            return ()
        weights = one.values[:, key]
        found = [(names[q], float(weights[q]), frame.place.step, q) for q in _largest(weights)]
    else:
        weights = frame.distributions[:, key]
        found = [
            (_token(frame, at), float(weights[at]), frame.first_step + at, 0)
            for at in _largest(weights)
        ]
    shown = [Looker(f"“{name}”", weight, at, q) for name, weight, at, q in found if name]
    return tuple(looker for looker in shown[:most] if looker.weight > 0)


def looker_words(frame: Frame, key: int) -> str:
    """For example ``"from “dog” 0.310, “a” 0.050"``; empty where no token is known to look."""
    found = ", ".join(f"{one.name} {probability(one.weight)}" for one in lookers(frame, key))
    return f"from {found}" if found else ""


def readout(
    frame: Frame, pixel: str, hovered: int | None, pinned: int | None, picked: Sequence[int]
) -> str:
    """One line about what is under the pointer, else about what is picked or pinned.

    Args:
        frame: one run at one place.
        pixel: what is known of the pixel under the pointer, from ``pixel_words``; may be empty.
        hovered: the key under the pointer.
        pinned: the key held by a click.
        picked: keys whose mass is summed.
    """
    words = [pixel]
    key = hovered if hovered is not None else None if picked else pinned
    if key is not None and 0 <= key < frame.probabilities.size:
        words += [f"{key_name(frame, key)} {weight_words(frame, key)}", looker_words(frame, key)]
    known = [one for one in picked if one < frame.probabilities.size]
    return " · ".join(filter(None, [*words, mass_words(frame, known)]))


def weight_words(frame: Frame, key: int | None) -> str:
    """The probability of a key; empty where there is none."""
    if key is None or not 0 <= key < frame.probabilities.size:
        return ""
    return probability(float(frame.probabilities[key]))


def difference_words(a: Frame, b: Frame, keys: Sequence[int]) -> str:
    """For example ``"(6, 10) A 0.120, B 0.310, B − A +0.190"``; of several keys their sums."""
    known = [key for key in keys if key < min(a.probabilities.size, b.probabilities.size)]
    if not known:
        return ""
    first, second = mass_of(a, known), mass_of(b, known)
    name = key_name(a, known[0]) if len(known) == 1 else f"{len(known):,} {key_noun(a, True)}"
    return (
        f"{name} A {probability(first)}, B {probability(second)}, "
        f"B {MINUS} A {signed(second - first, 3)}"
    )


def can_look_from(frame: Frame | None, key: int | None) -> bool:
    """Whether a key is the same item as a query of the step, so that it can be looked from."""
    if frame is None or key is None or frame.queries < 2:
        return False
    return query_of_key(frame, key) is not None


def region_row(frame: Frame, keys: Sequence[int]) -> str:
    """A table of keys as tab-separated values with a header line."""
    lines = ["\t".join(COLUMNS)]
    for key in keys:
        box = box_of(frame, key)
        edges = ("",) * 4 if box is None else tuple(f"{edge:g}" for edge in box)
        value = f"{np.float32(frame.probabilities[key])}"
        chosen = str(int(key in frame.selection))
        lines.append("\t".join((str(key), key_name(frame, key), *edges, value, chosen)))
    return "\n".join(lines)


def box_words(frame: Frame, key: int) -> str:
    """Edges of a region as ``x0, y0, x1, y1`` in px of the image; empty for other keys."""
    box = box_of(frame, key)
    return "" if box is None else ", ".join(f"{edge:g}" for edge in box)


def pixel_words(frame: Frame, x: float, y: float) -> str:
    """Coordinates and value of the pixel at a point of the image, e.g. ``"x 4, y 12: 203"``."""
    size = image_size(frame)
    if size is None or not (0 <= x < size[0] and 0 <= y < size[1]):
        return ""
    column, row = int(x), int(y)
    there = frame.scene.place_words(x, y)
    if there:
        return there
    where = f"x {column}, y {row}"
    if frame.image is None:
        return where
    value = frame.image[row, column]
    return f"{where}: {'/'.join(str(int(part)) for part in np.atleast_1d(value))}"


def _largest(weights: NDArray[np.float32]) -> list[int]:
    order = np.argsort(-np.nan_to_num(weights, nan=-1.0), kind="stable")
    return [int(at) for at in order if not np.isnan(weights[at])]


def _token(frame: Frame, held: int) -> str:
    """The token that the only query of a step stands for; counted among those in memory."""
    one, texts = frame.maps[held] if frame.maps else None, frame.texts.on(frame.query_axis)
    at = frame.first_step + held if one is None else one.event.first_query
    return texts[at] if at < len(texts) else ""
