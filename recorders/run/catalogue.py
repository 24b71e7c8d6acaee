"""The examples of a run being written: each kept once, images and boxes shared."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recorders.run.images import checked_image, encode_png, image_digest
from recorders.run.layout import BEAM
from recorders.run.pending import Pending
from recorders.run.sounds import Sound, sound_digest
from recorders.run.videos import Video, video_digest

_FACTS = ("label", "image", "region_set", "token_offset", "token_count", "sound", "regions")


@dataclass(frozen=True, eq=False)
class Input:
    """What a model is given, as the catalogue takes it.

    Attributes:
        label: true class, or None.
        image: uint8 [height, width] or [height, width, 3], or None.
        regions: boxes [n, 4], or None.
        tokens: its tokens.
        sound: its sound, or None.
        video: its frames, or None.
    """

    label: int | None = None
    image: NDArray[np.uint8] | None = None
    regions: ArrayLike | None = None
    tokens: Sequence[str] = ()
    sound: Sound | None = None
    video: Video | None = None


class Catalogue:
    """Adds examples to what waits to be written, and finds them again by name.

    Args:
        pending: what waits to be written.
    """

    def __init__(self, pending: Pending) -> None:
        self._pending = pending
        self._examples: dict[str, tuple[int, bytes]] = {}
        self._images: dict[bytes, int] = {}
        self._sounds: dict[bytes, int] = {}
        self._region_sets: dict[bytes, int] = {}
        # Arrays, since a recording may run over a million examples.
        self._names: list[str] = []
        self._facts = {name: array("q") for name in _FACTS}

    def add(self, name: str, given: Input) -> int:
        """Number of the example of that name, added if it is new; see SegmentWriter.add_example."""
        image, video = given.image, given.video
        if video is not None:
            if image is not None:
                raise ValueError("an example is an image or a video, not both; pass the video")
            image = video.frames[0]
        pixels = None if image is None else checked_image(image)
        boxes = None if given.regions is None else _checked_boxes(given.regions)
        frame = _frames_of(boxes, video)
        words = list(given.tokens)
        parts = [
            repr((given.label, words)).encode(),
            b"" if pixels is None else image_digest(pixels),
            b"" if boxes is None else boxes.tobytes(),
        ]
        # Only where there are any, so that other examples are what they were in older files.
        if given.sound is not None:
            parts.append(b"sound" + sound_digest(given.sound))
        if video is not None:
            parts.append(b"video" + video_digest(video) + frame.tobytes())
        content = _digest(*parts)
        if name in self._examples:
            number, known = self._examples[name]
            if _is_something(given) and known != content:
                raise ValueError(
                    f"example {name!r} was recorded before with another label, image, regions, "
                    "tokens, sound or video; give this one another name"
                )
            return number
        if given.label is not None and given.label < 0:
            raise ValueError(f"label {given.label} is negative; a label is 0 or more, or None")
        facts = {
            "label": -1 if given.label is None else given.label,
            "image": -1 if pixels is None else self._image(pixels),
            "region_set": -1 if boxes is None else self._region_set(boxes, frame),
            "token_offset": self._pending.add_rows("tokens", len(words), text=words),
            "token_count": len(words),
            "sound": -1 if given.sound is None else self._sound(given.sound),
        }
        number = self._add(name, content, facts, 0 if boxes is None else len(boxes))
        if video is not None:
            self._add_frames(number, video)
        return number

    def add_beam(self, example: int, beam: int) -> int:
        """Number of a further beam of an example, which shares its content."""
        name = f"{self._names[example]}{BEAM}{beam}"
        if name in self._examples:
            return self._examples[name][0]
        content = self._examples[self._names[example]][1]
        facts = {fact: self._facts[fact][example] for fact in _FACTS if fact != "regions"}
        return self._add(name, content, facts, self._facts["regions"][example])

    def name(self, example: int) -> str:
        """Name of an example by its number."""
        return self._names[example]

    def label(self, example: int) -> int:
        """True class of an example by its number; -1 for none."""
        return self._facts["label"][example]

    def region_count(self, example: int) -> int:
        """Boxes of an example by its number; 0 for none."""
        return self._facts["regions"][example]

    def _add(self, name: str, content: bytes, facts: dict[str, int], regions: int) -> int:
        number = self._pending.add_rows(
            "examples", name=[name], sha256=np.frombuffer(content, np.uint8), **facts
        )
        self._examples[name] = number, content
        self._names.append(name)
        for fact, value in {**facts, "regions": regions}.items():
            self._facts[fact].append(value)
        return number

    def add_region_set(self, regions: ArrayLike) -> int:
        """Number of this list of boxes [n, 4], added if it is new.

        Raises:
            ValueError: they are no finite boxes.
        """
        boxes = _checked_boxes(regions)
        return self._region_set(boxes, np.full(len(boxes), -1, np.int32))

    def _add_frames(self, example: int, video: Video) -> None:
        images = [self._image(checked_image(frame)) for frame in video.frames]
        self._pending.add_rows(
            "frames",
            len(images),
            example=example,
            number=np.arange(len(images)),
            image=np.array(images, np.int64),
            time=video.times,
        )

    def _sound(self, sound: Sound) -> int:
        key = sound_digest(sound)
        if key not in self._sounds:
            self._sounds[key] = self._pending.add_rows(
                "sounds",
                offset=self._pending.add_bulk("sounds/samples", sound.samples),
                length=sound.samples.size,
                rate=sound.rate,
                sha256=np.frombuffer(key, np.uint8),
            )
        return self._sounds[key]

    def _image(self, pixels: NDArray[np.uint8]) -> int:
        key = image_digest(pixels)
        if key not in self._images:
            png = np.frombuffer(encode_png(pixels), np.uint8)
            self._images[key] = self._pending.add_rows(
                "images",
                offset=self._pending.add_bulk("images/png", png),
                size=png.size,
                width=pixels.shape[1],
                height=pixels.shape[0],
                channels=1 if pixels.ndim == 2 else 3,
                sha256=np.frombuffer(key, np.uint8),
            )
        return self._images[key]

    def _region_set(self, boxes: NDArray[np.float32], frame: NDArray[np.int32]) -> int:
        # Boxes of no frame of their own are what they were in older files.
        of_frames = [frame.tobytes()] if (frame >= 0).any() else []
        key = _digest(boxes.tobytes(), *of_frames)
        if key not in self._region_sets:
            self._region_sets[key] = self._pending.add_rows(
                "region_sets",
                box_offset=self._pending.add_rows("boxes", len(boxes), corners=boxes, frame=frame),
                box_count=len(boxes),
                sha256=np.frombuffer(key, np.uint8),
            )
        return self._region_sets[key]


def _digest(*parts: bytes) -> bytes:
    """SHA-256 of the parts, each with its length, so that none can pass for two."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole.digest()


def _checked_boxes(regions: ArrayLike) -> NDArray[np.float32]:
    boxes = np.ascontiguousarray(regions, "<f4")
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes):
        raise ValueError(f"regions are boxes [n, 4] of x0, y0, x1, y1, not {list(boxes.shape)}")
    if not np.isfinite(boxes).all():
        raise ValueError("regions hold a coordinate that is NaN or infinite")
    return boxes


def _is_something(given: Input) -> bool:
    """Whether anything but a name was given."""
    return bool(
        given.tokens
        or any(
            one is not None
            for one in (given.label, given.image, given.regions, given.sound, given.video)
        )
    )


def _frames_of(boxes: NDArray[np.float32] | None, video: Video | None) -> NDArray[np.int32]:
    """The frame that each box lies in; -1 for all of them."""
    count = 0 if boxes is None else len(boxes)
    if video is None or video.region_frames is None:
        return np.full(count, -1, np.int32)
    frames = video.region_frames
    if frames.size != count:
        raise ValueError(f"region_frames names {frames.size} frames for {count} regions")
    return frames
