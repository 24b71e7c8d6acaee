"""The small images of examples that were read so far, and how texts begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hardattn_viewer.session.requests import ThumbnailsRead
from hardattn_viewer.session.state import SessionState

Image = np.ndarray[Any, np.dtype[np.uint8]]
# Key of an open run, and an example of it.
Source = tuple[int, int]


class Thumbnails:
    """Small images by run and example; None where an example has none."""

    def __init__(self) -> None:
        self._images: dict[Source, Image | None] = {}
        self._texts: dict[Source, str] = {}

    def of(self, state: SessionState, row: int) -> Image | None:
        """The small image of a row, None where there is none or it was not asked for yet."""
        source = _source(state, row)
        return None if source is None else self._images.get(source)

    def text_of(self, state: SessionState, row: int) -> str:
        """How the text of a row begins; empty where it has none or was not asked for yet."""
        source = _source(state, row)
        return "" if source is None else self._texts.get(source, "")

    def missing(self, state: SessionState, rows: Sequence[int]) -> tuple[Source, ...]:
        """What has to be read for the small images of ``rows``."""
        sources = [_source(state, row) for row in rows]
        return tuple(s for s in sources if s is not None and s not in self._images)

    def take(self, answer: ThumbnailsRead) -> None:
        """Keep what was read."""
        self._images.update(answer.images)
        self._texts.update(answer.texts)

    def forget(self, key: int) -> None:
        """Drop those of one run."""
        self._images = {source: image for source, image in self._images.items() if source[0] != key}
        self._texts = {source: text for source, text in self._texts.items() if source[0] != key}


def _source(state: SessionState, row: int) -> Source | None:
    if state.rows is None or not 0 <= row < len(state.rows):
        return None
    slot, example = state.rows.thumbnail_source(row)
    key = state.slot(slot)
    return None if key is None or example < 0 else (key, example)
