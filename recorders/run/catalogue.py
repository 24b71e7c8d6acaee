"""The examples of a run being written: each kept once, images and boxes shared."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recorders.run.images import checked_image, encode_png, image_digest
from recorders.run.layout import BEAM
from recorders.run.pending import Pending

_FACTS = ("label", "image", "region_set", "token_offset", "token_count", "regions")


class Catalogue:
    """Adds examples to what waits to be written, and finds them again by name.

    Args:
        pending: what waits to be written.
    """

    def __init__(self, pending: Pending) -> None:
        self._pending = pending
        self._examples: dict[str, tuple[int, bytes]] = {}
        self._images: dict[bytes, int] = {}
        self._region_sets: dict[bytes, int] = {}
        # Arrays, since a recording may run over a million examples.
        self._names: list[str] = []
        self._facts = {name: array("q") for name in _FACTS}

    def add(
        self,
        name: str,
        label: int | None,
        image: NDArray[np.uint8] | None,
        regions: ArrayLike | None,
        tokens: Sequence[str] | None,
    ) -> int:
        """Number of the example of that name, added if it is new; see SegmentWriter.add_example."""
        pixels = None if image is None else checked_image(image)
        boxes = None if regions is None else _checked_boxes(regions)
        words = list(tokens or ())
        content = _digest(
            repr((label, words)).encode(),
            b"" if pixels is None else image_digest(pixels),
            b"" if boxes is None else boxes.tobytes(),
        )
        if name in self._examples:
            number, known = self._examples[name]
            bare = label is None and pixels is None and boxes is None and not words
            if not bare and known != content:
                raise ValueError(
                    f"example {name!r} was recorded before with another label, image, regions or "
                    "tokens; give this one another name"
                )
            return number
        if label is not None and label < 0:
            raise ValueError(f"label {label} is negative; a label is 0 or more, or None")
        facts = {
            "label": -1 if label is None else label,
            "image": -1 if pixels is None else self._image(pixels),
            "region_set": -1 if boxes is None else self._region_set(boxes),
            "token_offset": self._pending.add_rows("tokens", len(words), text=words),
            "token_count": len(words),
        }
        return self._add(name, content, facts, 0 if boxes is None else len(boxes))

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
        return self._region_set(_checked_boxes(regions))

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

    def _region_set(self, boxes: NDArray[np.float32]) -> int:
        key = _digest(boxes.tobytes())
        if key not in self._region_sets:
            self._region_sets[key] = self._pending.add_rows(
                "region_sets",
                box_offset=self._pending.add_rows("boxes", len(boxes), corners=boxes),
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
