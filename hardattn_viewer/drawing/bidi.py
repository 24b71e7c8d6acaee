"""The order of tokens on a line where scripts run in both directions.

The Unicode Bidirectional Algorithm (UAX #9) with tokens in the place of characters: a token is as
its first strong letter, and letters within it are ordered by the type setter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

Direction = Literal["L", "R", "D", "N"]
_STRONG: dict[str, Direction] = {"L": "L", "R": "R", "AL": "R"}


@lru_cache(maxsize=1 << 16)
def direction_of(text: str) -> Direction:
    """``L`` or ``R`` by the first strong letter, ``D`` for digits without any, else ``N``."""
    if text.isascii():
        if any(letter.isalpha() for letter in text):
            return "L"
        return "D" if any(letter.isdigit() for letter in text) else "N"
    found: Direction = "N"
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in _STRONG:
            return _STRONG[kind]
        if kind in ("EN", "AN"):
            found = "D"
    return found


def runs_right_to_left(directions: Sequence[Direction]) -> bool:
    """Whether a paragraph runs from the right: its first strong token does (rules P2, P3)."""
    return next((one == "R" for one in directions if one in "LR"), False)


def levels_of(directions: Sequence[Direction], base: int) -> list[int]:
    """The embedding level of each token of a paragraph.

    Args:
        directions: of each token.
        base: 1 where the paragraph runs from the right, else 0.
    """
    resolved = list(directions)
    strong: Direction = "R" if base else "L"
    for at, one in enumerate(directions):
        if one in "LR":
            strong = one
        elif one == "D" and strong == "L":
            # A number after left-to-right text goes on with it (rule W7).
            resolved[at] = "L"
    _resolve_neutrals(resolved, "R" if base else "L")
    step = {"L": (0, 2), "R": (1, 1), "D": (2, 2), "N": (0, 1)}
    return [step[one][base] for one in resolved]


def _resolve_neutrals(directions: list[Direction], base: Direction) -> None:
    """Between two of one direction neutrals take it, else that of the paragraph (N1, N2)."""
    at, count = 0, len(directions)
    while at < count:
        if directions[at] != "N":
            at += 1
            continue
        end = at
        while end < count and directions[end] == "N":
            end += 1
        before = _side(directions[at - 1]) if at else base
        after = _side(directions[end]) if end < count else base
        directions[at:end] = [before if before == after else base] * (end - at)
        at = end


def _side(direction: Direction) -> Direction:
    # Numbers count as right-to-left there.
    return "R" if direction == "D" else direction


def visual_order(levels: Sequence[int]) -> list[int]:
    """The tokens of one line from left to right (rule L2)."""
    order = list(range(len(levels)))
    for level in range(max(levels, default=0), 0, -1):
        at = 0
        while at < len(order):
            if levels[order[at]] < level:
                at += 1
                continue
            end = at
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            order[at:end] = order[at:end][::-1]
            at = end
    return order
