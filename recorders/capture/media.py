"""Sounds, videos and points that examples are described with, and what keys are in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.capture.events import Block
from recorders.capture.values import as_array
from recorders.run.sounds import Sound, checked_sound
from recorders.run.videos import Video, checked_video

MEDIA_FIELDS = frozenset(
    {"audio", "rate", "input_span", "video", "fps", "times", "region_frames", "points", "memory"}
)
_NEEDS = {
    "rate": "audio",
    "input_span": "audio",
    "fps": "video",
    "times": "video",
    "region_frames": "video",
}


@dataclass(frozen=True)
class Span:
    """The part of a sound that the model's input covers.

    Attributes:
        begin: seconds.
        end: seconds, above ``begin``; may lie behind the sound's end, where models pad.
        top: highest frequency that the sound can hold, hertz.
    """

    begin: float
    end: float
    top: float

    def boxes(self, count: int) -> NDArray[np.float32]:
        """So many frames of equal length, [count, 4] as x0, y0, x1, y1 in seconds and hertz."""
        edges = np.linspace(self.begin, self.end, count + 1)
        boxes = np.zeros((count, 4), np.float32)
        boxes[:, 0], boxes[:, 2], boxes[:, 3] = edges[:-1], edges[1:], self.top
        return boxes


def check_fields(fields: Mapping[str, Any]) -> None:
    """That each field has the one that it says more of.

    Raises:
        ValueError: one stands alone, or an example is two things at once.
    """
    for name, other in _NEEDS.items():
        if fields.get(name) is not None and fields.get(other) is None:
            raise ValueError(f"{name} says more of {other}, which is missing; pass {other} too")
    kinds = [name for name in ("image", "audio", "video", "points") if fields.get(name) is not None]
    if len(kinds) > 1:
        raise ValueError(f"an example is described with {' and '.join(kinds)}; pass one of them")
    if fields.get("points") is not None and fields.get("regions") is not None:
        raise ValueError("an example has points or regions, not both; leave one out")


def sound_of(fields: Mapping[str, Any]) -> Sound | None:
    """The sound of an example, or None.

    Raises:
        ValueError: it is no sound, or nobody says how fast it is.
    """
    audio, rate = fields.get("audio"), fields.get("rate")
    if audio is None:
        return None
    if rate is None:
        raise ValueError("audio has no rate; pass rate=, the samples a second")
    return checked_sound(as_array(audio), float(rate))


def video_of(fields: Mapping[str, Any]) -> Video | None:
    """The video of an example, or None.

    Raises:
        ValueError: it is no video.
    """
    video = fields.get("video")
    if video is None:
        return None
    of = fields.get("region_frames")
    return checked_video(
        as_array(video),
        fields.get("fps"),
        fields.get("times"),
        None if of is None else as_array(of),
    )


def points_of(fields: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """Points of a plane as boxes of no size [n, 4], or None.

    Raises:
        ValueError: they are no points.
    """
    told = fields.get("points")
    if told is None:
        return None
    points = as_array(told).astype(np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"points are [n, 2] of x and y, not {list(points.shape)}")
    return np.concatenate([points, points], axis=1)


def span_of(fields: Mapping[str, Any], sound: Sound | None) -> Span | None:
    """What of an example's sound the model's input covers: as told, or all of it.

    Raises:
        ValueError: what is told is no span.
    """
    if sound is None:
        return None
    told = fields.get("input_span")
    if told is None:
        return Span(0.0, sound.seconds, sound.rate / 2)
    span = as_array(told).astype(float).reshape(-1)
    if span.size != 2 or not np.isfinite(span).all() or span[0] >= span[1]:
        raise ValueError(f"input_span is {told!r}; pass its begin and end in seconds")
    return Span(float(span[0]), float(span[1]), sound.rate / 2)


def memory_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """What each slot of an example's memory holds at first.

    Raises:
        ValueError: it is no list of texts.
    """
    told = fields.get("memory")
    if told is None:
        return ()
    if isinstance(told, str) or not isinstance(told, Sequence):
        raise ValueError(f"memory is {told!r}; pass a list with one text for each slot")
    return tuple(str(text) for text in told)


def with_frames(blocks: Sequence[Block], spans: Sequence[Span | None]) -> Iterator[Block]:
    """Blocks of a site whose keys are frames of a sound, with the time that each key is.

    Args:
        blocks: what the site did.
        spans: of each row of the batch, what its frames cover; None where it has no sound.
    """
    for block in blocks:
        if block.boxes is not None or block.windows > 1:
            yield block
            continue
        keys = block.probabilities.shape[-1] - block.sink
        by_span: dict[Span | None, list[int]] = {}
        for at, row in enumerate(block.rows.tolist()):
            by_span.setdefault(spans[row], []).append(at)
        for span, rows in by_span.items():
            part = block if len(by_span) == 1 else _rows_of(block, np.array(rows))
            yield part if span is None else replace(part, boxes=span.boxes(keys))


def _rows_of(block: Block, at: NDArray[np.int64]) -> Block:
    temperature = np.broadcast_to(block.temperature, block.rows.shape)
    return replace(
        block,
        rows=block.rows[at],
        probabilities=block.probabilities[at],
        log_prob=block.log_prob[at],
        entropy=block.entropy[at],
        selection=None if block.selection is None else block.selection[at],
        temperature=temperature[at],
    )
