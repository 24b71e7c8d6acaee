"""What a model is run on: lines of text, pictures, or both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class Item:
    """One input, before the model's tokenizer or processor has seen it.

    Attributes:
        name: of the example in the run.
        text: a line, or None.
        picture: an RGB picture, upright, or None.
        label: true class, or None.
    """

    name: str
    text: str | None = None
    picture: Image | None = None
    label: int | None = None


@dataclass(frozen=True, eq=False)
class Inputs:
    """All inputs of a recording.

    Attributes:
        items: one after another, read only when they are needed.
        count: how many there are at most.
        has_text: whether each has a text.
        has_pictures: whether each has a picture.
        facts: where they came from, for the run's metadata.
    """

    items: Iterable[Item]
    count: int
    has_text: bool = False
    has_pictures: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
