"""GIF files with one palette for all frames, so that no colour changes from one to the next."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# One of 256 is left for what Pillow writes where a frame is as the one before.
COLOURS = 255
# As many of the most frequent colours are kept exactly: grounds, lines and plain type.
EXACT = 64
_TOGETHER = 4_096


class GifWriter:
    """Takes frames, and writes them when the palette of all is known.

    Args:
        size: width and height of every frame, px.
        durations: of every frame, hundredths of a second.
        comment: what the file says of itself.
    """

    def __init__(self, size: tuple[int, int], durations: tuple[int, ...], comment: str) -> None:
        self._size, self._durations, self._comment = size, durations, comment
        self._frames: list[bytes] = []
        self._counts: dict[int, int] = {}

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Take the next frame, uint8 [height, width, 3]."""
        codes = _codes(frame)
        found, counts = np.unique(codes, return_counts=True)
        for colour, count in zip(found.tolist(), counts.tolist(), strict=True):
            self._counts[colour] = self._counts.get(colour, 0) + count
        # Figures are mostly ground: this is a tenth of the memory, for little time.
        self._frames.append(zlib.compress(codes.tobytes(), 1))

    def finish(self) -> bytes:
        """The file, as it always is for these frames."""
        colours = np.array(sorted(self._counts), np.uint32)
        counts = np.array([self._counts[colour] for colour in colours.tolist()])
        palette = palette_of(colours, counts)
        nearest = _nearest(colours, palette)
        pictures = self._pictures(colours, palette, nearest)
        first = next(pictures)
        out = io.BytesIO()
        first.save(
            out,
            "GIF",
            save_all=True,
            append_images=pictures,
            # Given once more: without it, Pillow writes the palette again with every frame.
            palette=palette.tobytes(),
            duration=[10 * one for one in self._durations],
            loop=0,
            optimize=False,
            disposal=1,
            comment=self._comment.encode("utf-8", errors="replace"),
        )
        return out.getvalue()

    def close(self) -> None:
        """Let go of the frames."""
        self._frames.clear()

    def _pictures(
        self, colours: NDArray[np.uint32], palette: NDArray[np.uint8], nearest: NDArray[np.uint8]
    ) -> Iterator[Image.Image]:
        width, height = self._size
        flat = palette.tobytes()
        for packed in self._frames:
            codes = np.frombuffer(zlib.decompress(packed), np.uint32)
            picture = Image.frombytes(
                "P", (width, height), nearest[np.searchsorted(colours, codes)].tobytes()
            )
            picture.putpalette(flat)
            yield picture


def palette_of(colours: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """At most 255 colours for all pixels, uint8 [colours, 3].

    The most frequent colours are in it as they are. Then comes, time after time, the colour that
    is furthest from all so far (Gonzalez 1985, "Clustering to minimize the maximum intercluster
    distance"): a strong colour of few pixels must not become another one, since it is an amount.

    Args:
        colours: every colour that occurs, as red, green and blue in 24 bits.
        counts: how many pixels have it.
    """
    if colours.size <= COLOURS:
        return _channels(colours)
    points = _channels(colours).astype(np.float32)
    chosen = np.argsort(-counts, kind="stable")[:EXACT].tolist()
    gaps = np.full(colours.size, np.inf, np.float32)
    for at in chosen:
        np.minimum(gaps, _squares(points, points[at]), out=gaps)
    while len(chosen) < COLOURS:
        at = int(gaps.argmax())
        chosen.append(at)
        np.minimum(gaps, _squares(points, points[at]), out=gaps)
    return _channels(colours[np.array(chosen)])


def _squares(points: NDArray[np.float32], one: NDArray[np.float32]) -> NDArray[np.float32]:
    away = points - one
    squares: NDArray[np.float32] = np.einsum("ij,ij->i", away, away)
    return squares


def _nearest(colours: NDArray[np.uint32], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The index into the palette of what is nearest to each colour."""
    found = np.empty(colours.size, np.uint8)
    wanted = palette.astype(np.float32)
    squares = (wanted**2).sum(1)
    for first in range(0, colours.size, _TOGETHER):
        here = _channels(colours[first : first + _TOGETHER]).astype(np.float32)
        found[first : first + _TOGETHER] = (squares - 2 * here @ wanted.T).argmin(1)
    return found


def _codes(frame: NDArray[np.uint8]) -> NDArray[np.uint32]:
    wide = frame.reshape(-1, 3).astype(np.uint32)
    return np.asarray((wide[:, 0] << 16) | (wide[:, 1] << 8) | wide[:, 2], np.uint32)


def _channels(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.stack([codes >> 16, (codes >> 8) & 255, codes & 255], 1).astype(np.uint8)
