"""What is painted of one row of attention over tokens, worked out before any painting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.drawing.colours import amount_rgba, marks
from hardattn_viewer.drawing.keys import known_key
from hardattn_viewer.drawing.names import key_labels, query_labels
from hardattn_viewer.drawing.token_arcs import ARC_ROOM
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.shown_tokens import (
    Arcs,
    arcs_of,
    queries_apart,
    query_groups,
    query_items,
    shown_frame,
)
from hardattn_viewer.session.token_groups import Groups, group_tokens

# From one line of text to the next where nothing is painted between them.
PITCH = 32.0
# A background of almost nothing keeps this much, so that it differs from none.
_FAINTEST = 0.12
_NO_ARCS = Arcs((), 0.0)


@dataclass(frozen=True, eq=False)
class TokensPicture:
    """Everything to paint of one row of attention over tokens; made by ``tokens_picture``.

    Items are tokens or words, as the display says; ``groups`` tells which keys they are.

    Attributes:
        groups: the items that are keys.
        query_groups: the items that are queries where these are others than the keys, else None.
        values: float32 [items].
        rgba: uint8 [items, 4].
        marks: ``Mark`` of each item.
        chosen: the selected items.
        looking: the items that are looked from: of ``query_groups`` where there are such.
        arcs: where lines lead to.
        hard: whether items were selected at this site.
        step: the step shown.
        hover: item under the mouse.
        pinned: item held by a click.
        size: height of the text, px.
    """

    groups: Groups
    query_groups: Groups | None
    values: NDArray[np.float32]
    rgba: NDArray[np.uint8]
    marks: NDArray[np.uint8]
    chosen: tuple[int, ...]
    looking: tuple[int, ...]
    arcs: Arcs
    hard: bool
    step: int
    hover: int | None
    pinned: int | None
    size: float

    @property
    def keys(self) -> tuple[str, ...]:
        """What is written for each item that is a key."""
        return self.groups.labels

    @property
    def queries(self) -> tuple[str, ...]:
        """What is written for each item that is a query; empty where these are the keys."""
        return () if self.query_groups is None else self.query_groups.labels

    @property
    def query(self) -> int | None:
        """The item looked from, the first of several; None where it is not shown."""
        return self.looking[0] if self.looking else None

    @property
    def pitch(self) -> float:
        """From one line of text to the next, px."""
        return PITCH + (ARC_ROOM if self.arcs.items else 0.0)


def tokens_picture(
    frame: Frame,
    display: Display,
    *,
    scale_max: float,
    hover: int | None = None,
    pinned: int | None = None,
    size: float = 14.0,
) -> TokensPicture:
    """Work out what ``paint_tokens`` paints.

    Args:
        frame: one run at one place.
        display: what is shown of the tokens, and the table of colours.
        scale_max: weight of the strongest colour, positive.
        hover: key under the mouse.
        pinned: key held by a click.
        size: height of the text, px.

    Raises:
        ValueError: scale_max is not positive.
    """
    if not scale_max > 0:
        raise ValueError(f"scale_max is {scale_max}; it must be positive")
    there = shown_frame(frame, display)
    values = np.asarray(there.probabilities, dtype=np.float32)
    groups = there.groups if there.groups is not None else _numbered(there, len(values))
    own = None
    if queries_apart(frame):
        own = query_groups(frame, display) or group_tokens(query_labels(frame), scheme="plain")
    looking = query_items(frame, display)
    hover, pinned = (
        known_key(there.item_of(known_key(key, groups.keys)), len(values))
        for key in (hover, pinned)
    )
    return TokensPicture(
        groups=groups,
        query_groups=own,
        values=values,
        rgba=_backgrounds(values, groups, scale_max, display),
        marks=marks(values, scale_max),
        chosen=there.selection,
        looking=looking,
        arcs=arcs_of(there, display.arc_count) if display.arcs and looking else _NO_ARCS,
        hard=frame.hard,
        step=frame.place.step,
        hover=hover,
        pinned=pinned,
        size=size,
    )


def _numbered(frame: Frame, count: int) -> Groups:
    labels = key_labels(frame)
    # A frame that is not read from a run may hold fewer names than keys.
    labels += tuple(str(key) for key in range(len(labels), count))
    return group_tokens(labels[:count], scheme="plain")


def _backgrounds(
    values: NDArray[np.float32], groups: Groups, scale_max: float, display: Display
) -> NDArray[np.uint8]:
    rgba = amount_rgba(values, scale_max, 1.0, display.colours)
    # Many faint tokens side by side must leave the text as readable as the page is.
    share = np.clip(np.nan_to_num(values) / scale_max, 0.0, 1.0) ** 0.6
    alpha = np.rint(255 * (_FAINTEST + (1 - _FAINTEST) * share))
    rgba[:, 3] = np.where((rgba[:, 3] > 0) & ~groups.dimmed, alpha, 0)
    return rgba
