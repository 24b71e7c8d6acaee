"""The examples being recorded at the moment, and which step each site is at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.capture.media import (
    MEDIA_FIELDS,
    Span,
    check_fields,
    memory_of,
    points_of,
    sound_of,
    span_of,
    video_of,
)
from recorders.capture.placement.place import Placement
from recorders.capture.policy import Policy
from recorders.capture.values import as_array
from recorders.run.writer import SegmentWriter

_FIELDS = MEDIA_FIELDS | {"name", "image", "regions", "tokens", "target", "label", "input_box"}


@dataclass
class OpenExamples:
    """One example, or the examples of a batch, while the model runs on them.

    Attributes:
        numbers: int64 [batch], their numbers in the run; -1 for one that a policy leaves out.
        labels: int64 [batch], true classes; -1 for none.
        n_regions: boxes of each; 0 for none.
        batched: whether they were described as a batch.
        base: step that the next event of a site not called since belongs to.
        last: last step that anything was recorded at; -1 for none.
        input_boxes: for each the part of its image that the model's input covers, x0, y0, x1, y1
            in pixels; None where that is not known.
        regions: boxes that each was described with, float [n, 4] in pixels; None for none.
        token_counts: tokens that each was described with; 0 for none.
        spans: of each what of its sound the model's input covers; None where it has none.
        memories: of each what its slots of memory hold at first.
        targets: of each the tokens that the queries of a ``target`` site are.
        placement: where what the nets see belongs; None until the model runs.
        beams: numbers in the run of what further beams did, by row and beam.
    """

    numbers: NDArray[np.int64]
    labels: NDArray[np.int64]
    n_regions: tuple[int, ...]
    batched: bool
    base: int = 0
    last: int = -1
    input_boxes: tuple[tuple[float, float, float, float] | None, ...] = ()
    regions: tuple[NDArray[np.floating[Any]] | None, ...] = ()
    token_counts: tuple[int, ...] = ()
    spans: tuple[Span | None, ...] = ()
    memories: tuple[tuple[str, ...], ...] = ()
    targets: tuple[tuple[str, ...], ...] = ()
    placement: Placement | None = None
    beams: dict[tuple[int, int], int] = field(default_factory=dict)
    _calls: dict[str, int] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        """Number of examples."""
        return self.numbers.size

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Bool [batch], whether each is recorded."""
        return self.numbers >= 0

    def step_of(self, site: str) -> int:
        """The step that the next event of ``site`` belongs to."""
        return self.base + self._calls.get(site, 0)

    def called(self, site: str) -> None:
        """Note an event of ``site``."""
        self.last = max(self.last, self.step_of(site))
        self._calls[site] = self._calls.get(site, 0) + 1

    def end_step(self) -> int:
        """Let the next event belong to the next step. Returns the step that ended."""
        current = max(self.base, self.last)
        self.base, self.last = current + 1, current
        self._calls.clear()
        return current


def _default_name(writer: SegmentWriter, number: int) -> str:
    """A name for an example that has none, which no other rank gives."""
    return f"example-{number}" + (f"@rank{writer.rank}" if writer.world > 1 else "")


def _class_number(label: Any) -> int:
    array = as_array(label)
    if array.size != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"label is {label!r}; pass the number of the true class")
    return int(array.item())


def add_examples(
    writer: SegmentWriter,
    described: Sequence[Mapping[str, Any]],
    *,
    batched: bool,
    policy: Policy,
    first: int,
) -> OpenExamples:
    """Add examples to a run.

    Args:
        writer: the run.
        described: for each example its fields; see ``Recorder.example``.
        batched: whether they are the rows of a batch.
        policy: which examples are recorded.
        first: how many were opened before.

    Raises:
        ValueError: an example is not described as it should be.
    """
    numbers = []
    labels = []
    input_boxes = []
    spans = []
    memories = []
    targets = []
    for row, fields in enumerate(described):
        unknown = sorted(set(fields) - _FIELDS)
        if unknown:
            raise ValueError(
                f"an example has no {unknown[0]!r}; describe it by {', '.join(sorted(_FIELDS))}"
            )
        name = fields.get("name")
        name = _default_name(writer, first + row) if name is None else str(name)
        label, image, regions, tokens = (
            fields.get(key) for key in ("label", "image", "regions", "tokens")
        )
        labels.append(-1 if label is None else _class_number(label))
        check_fields(fields)
        try:
            sound, video, points = sound_of(fields), video_of(fields), points_of(fields)
            spans.append(span_of(fields, sound))
            memories.append(memory_of(fields))
            targets.append(_target_of(fields))
        except ValueError as problem:
            raise ValueError(f"example {name!r}: {problem}") from problem
        seen = image if video is None else video.frames[0]
        input_boxes.append(_input_box(fields.get("input_box"), seen))
        if not policy.wants_example(first + row, name):
            numbers.append(-1)
            continue
        try:
            number = writer.add_example(
                name,
                label=None if label is None else labels[-1],
                image=None if image is None else as_array(image),
                regions=points if regions is None else as_array(regions),
                tokens=None if tokens is None else [str(token) for token in tokens],
                sound=sound,
                video=video,
            )
        except ValueError as problem:
            raise ValueError(f"example {name!r}: {problem}") from problem
        numbers.append(number)
    recorded = [number for number in numbers if number >= 0]
    if len(set(recorded)) != len(recorded):
        raise ValueError("two examples of the batch have the same name; give each its own")
    return OpenExamples(
        np.array(numbers, np.int64),
        np.array(
            [
                label if number < 0 else writer.label(number)
                for label, number in zip(labels, numbers, strict=True)
            ],
            np.int64,
        ),
        tuple(0 if number < 0 else writer.region_count(number) for number in numbers),
        batched,
        input_boxes=tuple(input_boxes),
        regions=tuple(
            None if fields.get("regions") is None else as_array(fields["regions"])
            for fields in described
        ),
        token_counts=tuple(len(fields.get("tokens") or ()) for fields in described),
        spans=tuple(spans),
        memories=tuple(memories),
        targets=tuple(targets),
    )


def _target_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    told = fields.get("target")
    if told is None:
        return ()
    if isinstance(told, str) or not isinstance(told, Iterable):
        raise ValueError(f"target is {told!r}; pass one string for each token of the target")
    return tuple(str(token) for token in told)


def _input_box(told: Any, image: Any) -> tuple[float, float, float, float] | None:
    """The part of an image that the model's input covers: as told, or all of it."""
    if told is None:
        if image is None:
            return None
        height, width = as_array(image).shape[:2]
        return 0.0, 0.0, float(width), float(height)
    box = as_array(told).astype(float).reshape(-1)
    if box.size != 4 or not np.isfinite(box).all() or box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError(
            f"input_box is {told!r}; pass x0, y0, x1, y1 in pixels of the image, left above right"
        )
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])
