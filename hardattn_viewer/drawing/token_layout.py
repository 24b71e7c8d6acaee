"""Where tokens stand: measured once, a slice at a time, and wrapped like words of a text."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.drawing.bidi import (
    Direction,
    direction_of,
    levels_of,
    runs_right_to_left,
    visual_order,
)
from hardattn_viewer.drawing.text import metrics_of
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.token_groups import Groups

PADDING = 6.0
# Pieces of one word stand closer together than words.
_INNER_PADDING = 2.0
_GAP = 3.0
_INNER_GAP = 1.0
_LEAST = 18.0
# Of a long text so much is measured before the first picture, and in each slice after it.
SLICE_SECONDS = 0.008
_AT_ONCE = 128
_JOINER = "\u200d"
# Where the letters of such scripts are: Hebrew to Arabic, their presentation forms, and the
# right-to-left part of the supplementary plane.
_FROM_THE_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U0001efff]")


@dataclass(frozen=True, eq=False)
class Lines:
    """Where items stand that are wrapped like words.

    Attributes:
        left: float64 [items], px from the left.
        line: int64 [items], the line of each.
        width: float64 [items], px with padding.
        indent: float64 [items], px from the item's left to its text.
        mirrored: bool [items], whether its text runs from the right.
        count: number of lines.
    """

    left: NDArray[np.float64]
    line: NDArray[np.int64]
    width: NDArray[np.float64]
    indent: NDArray[np.float64]
    mirrored: NDArray[np.bool_]
    count: int


class Measured:
    """How wide the items of a text are in one type; what is not measured yet is estimated.

    Args:
        groups: the items.
        theme: names the families.
        size: height of the text, px.
    """

    def __init__(self, groups: Groups, theme: Theme, size: float) -> None:
        self.texts = _joined(groups)
        self._labels, self._special = groups.labels, groups.special.tolist()
        self._theme, self._size = theme, size
        self._known: dict[str, float] = {}
        self.widths = np.array([0.6 * size * len(text) for text in self.texts])
        self.done = 0

    @cached_property
    def is_one_way(self) -> bool:
        """Whether no letter runs from the right, as in most texts."""
        return _FROM_THE_RIGHT.search("".join(self._labels)) is None

    @cached_property
    def directions(self) -> list[Direction]:
        """Where each item runs; special tokens follow the text around them."""
        return [
            "N" if special else direction_of(text)
            for text, special in zip(self._labels, self._special, strict=True)
        ]

    @property
    def is_complete(self) -> bool:
        """Whether nothing is estimated."""
        return self.done >= len(self.texts)

    def go_on(self, seconds: float | None = None) -> None:
        """Measure for some time, or to the end."""
        if self.is_complete:
            return
        metrics = metrics_of(self._theme, self._size)
        until = np.inf if seconds is None else time.perf_counter() + seconds
        while not self.is_complete:
            end = min(self.done + _AT_ONCE, len(self.texts))
            for at in range(self.done, end):
                text = self.texts[at]
                # Most of a text are words that occur in it more than once.
                wide = self._known.get(text)
                if wide is None:
                    wide = self._known[text] = metrics.horizontalAdvance(text)
                self.widths[at] = wide
            self.done = end
            if time.perf_counter() >= until:
                break


_MEASURED: WeakKeyDictionary[Groups, dict[tuple[object, ...], Measured]] = WeakKeyDictionary()


def measured(groups: Groups, theme: Theme, size: float) -> Measured:
    """The widths of a text in one type, as far as they are known."""
    known = _MEASURED.setdefault(groups, {})
    key = (theme.family, round(size))
    if key not in known:
        known[key] = Measured(groups, theme, size)
        known[key].go_on(SLICE_SECONDS)
    return known[key]


def lines_of(groups: Groups, width: float, theme: Theme, size: float) -> Lines:
    """Where the items stand when wrapped into ``width`` px."""
    widths = measured(groups, theme, size)
    return _arranged(groups, widths, widths.done, width)


@lru_cache(maxsize=12)
def _arranged(groups: Groups, measures: Measured, done: int, room: float) -> Lines:
    """``done`` tells layouts apart that were made while measuring went on."""
    starts = groups.starts
    ends = np.append(starts[1:], True) if len(groups) else starts
    before = np.where(starts, PADDING, _INNER_PADDING)
    after = np.where(ends, PADDING, _INNER_PADDING)
    width = np.minimum(np.maximum(measures.widths + before + after, _LEAST), room)
    gap = np.where(groups.spaced, _GAP, _INNER_GAP)
    left, line, count = _wrapped(width, gap, starts, groups.breaks, room)
    indent = before + np.maximum(0.0, (width - before - after - measures.widths) / 2)
    mirrored = np.zeros(len(groups), bool)
    if not measures.is_one_way:
        left, mirrored = _two_ways(measures.directions, line, left, width, gap, groups.breaks, room)
        indent = np.where(mirrored, indent - before + after, indent)
    return Lines(left, line, width, indent, mirrored, count)


def _wrapped(
    width: NDArray[np.float64],
    gap: NDArray[np.float64],
    starts: NDArray[np.bool_],
    breaks: NDArray[np.bool_],
    room: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Break lines before words, within one only where it is wider than a line."""
    count = len(width)
    if not count:
        return np.zeros(0), np.zeros(0, np.int64), 0
    ends = np.append(np.flatnonzero(starts), count)
    upto = np.append(0.0, np.cumsum(width + gap))
    # What each word takes, from its first item on.
    word = np.repeat(upto[ends[1:]] - upto[ends[:-1]], np.diff(ends))
    if ends[0] > 0:
        word = np.append(np.full(ends[0], upto[ends[0]]), word)
    whole = word - gap
    needed = np.where(starts & (whole <= room), whole, width)
    # Where each item would stand on one endless line, and how far it would have to reach there.
    left = np.append(0.0, np.cumsum(width[:-1] + gap[1:]))
    reach = np.maximum.accumulate(left + needed)
    offsets, reaches = left.tolist(), reach.tolist()
    forced = [*(np.flatnonzero(breaks) + 1).tolist(), count]
    firsts, at = [0], 0
    while True:
        fits = max(bisect_right(reaches, room + offsets[at], at), at + 1)
        at = min(fits, forced[bisect_right(forced, at)])
        if at >= count:
            break
        firsts.append(at)
    sizes = np.diff(np.append(firsts, count))
    line = np.repeat(np.arange(len(firsts)), sizes)
    return left - np.repeat(left[firsts], sizes), line, len(firsts)


def _two_ways(
    directions: list[Direction],
    line: NDArray[np.int64],
    left: NDArray[np.float64],
    width: NDArray[np.float64],
    gap: NDArray[np.float64],
    breaks: NDArray[np.bool_],
    room: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Order every line as its paragraph runs; those that run from the right begin there."""
    left, mirrored = left.copy(), np.zeros(len(left), bool)
    edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(left)]
    for a, b in pairwise(edges):
        own = directions[a:b]
        if "R" not in own:
            continue
        base = int(runs_right_to_left(own))
        levels = levels_of(own, base)
        lines = line[a:b]
        cuts = [0, *(np.flatnonzero(np.diff(lines)) + 1).tolist(), b - a]
        for first, end in pairwise(cuts):
            order = visual_order(levels[first:end])
            items = [a + first + at for at in order]
            spaces = [
                float(gap[max(one, two)]) if abs(one - two) == 1 else _GAP
                for one, two in pairwise(items)
            ]
            # Items that did not stand side by side before have the larger gap, for which a full
            # line has no room.
            free = room - float(width[items].sum())
            if sum(spaces) > free:
                spaces = [space * max(0.0, free) / sum(spaces) for space in spaces]
            taken = float(width[items].sum()) + sum(spaces)
            x = room - taken if base else 0.0
            for item, space in zip(items, [*spaces, 0.0], strict=True):
                left[item] = x
                x += float(width[item]) + space
        mirrored[a:b] = np.array(levels) % 2 == 1
    return left, mirrored


def _joined(groups: Groups) -> list[str]:
    """The labels, those of cursive scripts in the shapes that they have within a word."""
    texts = list(groups.labels)
    for at in np.flatnonzero(~groups.starts).tolist():
        if at and _is_cursive(groups.labels[at - 1][-1:]) and _is_cursive(groups.labels[at][:1]):
            texts[at - 1] += _JOINER
            texts[at] = _JOINER + texts[at]
    return texts


def _is_cursive(letter: str) -> bool:
    """Whether a letter is Arabic, Syriac, N’Ko or Mandaic, and so joins its neighbours."""
    at = ord(letter) if letter else 0
    return 0x0600 <= at <= 0x08FF or 0xFB50 <= at <= 0xFDFF or 0xFE70 <= at <= 0xFEFC
