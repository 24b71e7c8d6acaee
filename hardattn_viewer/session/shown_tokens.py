"""What is shown of a frame over tokens: words or pieces, special tokens or not, and what is said.

Every view draws the frame that ``shown_frame`` makes, so that bars, text and numbers agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures.distributions import most_probable
from hardattn_viewer.session.display import Display, Specials, Subwords
from hardattn_viewer.session.frame_items import key_of_query, named, query_tokens
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.maps import StepMap
from hardattn_viewer.session.token_groups import Groups, group_tokens
from hardattn_viewer.session.token_marks import scheme_of

_Options = tuple[Specials, Subwords, bool]
# What was made last of a frame that still lives: hovering draws the same frame again and again.
_LAST: WeakKeyDictionary[Frame, tuple[_Options, Frame]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Arcs:
    """The items that lines lead to.

    Attributes:
        items: most weight first; those without weight or colour are none of them.
        mass: the share of all attention that they hold, in [0, 1].
    """

    items: tuple[int, ...]
    mass: float


def shown_frame(frame: Frame, display: Display) -> Frame:
    """The frame with its keys as the display says; the frame itself where they are no tokens."""
    if frame.groups is not None or frame.tokens is None or not frame.tokens:
        return frame
    options = (display.specials, display.subwords, display.raw_tokens)
    known = _LAST.get(frame)
    if known is None or known[0] != options:
        known = options, _grouped(frame, display)
        _LAST[frame] = known
    return known[1]


def query_groups(frame: Frame, display: Display) -> Groups | None:
    """The queries of the frame's step as the display says; None where they are no tokens."""
    texts = query_tokens(frame)
    if not texts:
        return None
    whole = frame.texts.on(frame.query_axis)
    return group_tokens(
        texts,
        merge=display.subwords == "words",
        raw=display.raw_tokens,
        scheme=scheme_of(whole) if whole else None,
    )


def special_mass(frame: Frame) -> float:
    """The share of attention on the special tokens of a shown frame, whether shown or not."""
    groups = frame.groups
    if groups is None:
        return 0.0
    there = float(np.nansum(frame.probabilities[groups.special].astype(np.float64)))
    return there + frame.hidden_mass


def arcs_of(frame: Frame, count: int) -> Arcs:
    """The items of a shown frame that hold most, at most ``count``; dimmed ones are passed over."""
    weights = np.nan_to_num(frame.probabilities.astype(np.float64))
    if frame.groups is not None:
        weights = np.where(frame.groups.dimmed, 0.0, weights)
    items = tuple(item for item in most_probable(weights, count).tolist() if weights[item] > 0)
    return Arcs(items, float(weights[list(items)].sum()))


def coloured(frame: Frame, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Those of ``values`` [..., items] of a shown frame that have a colour; all if none has."""
    groups = frame.groups
    if groups is None or not groups.dimmed.any() or groups.dimmed.all():
        return values
    kept = np.ones(values.shape[-1], bool)
    dimmed = groups.dimmed[: len(kept)]
    kept[: len(dimmed)] = ~dimmed
    return values[..., kept]


def specials_words(frame: Frame, display: Display) -> str:
    """For example ``"special tokens dimmed, hold 0.18"``; empty where nothing is done to them."""
    groups = frame.groups
    if groups is None or display.specials == "shown":
        return ""
    if display.specials == "hidden":
        if not groups.hidden.size:
            return "no special tokens to hide"
        return f"special tokens hidden: {frame.hidden_mass:.2f} of the mass is not shown"
    if not groups.special.any():
        return "no special tokens to dim"
    return f"special tokens dimmed, hold {special_mass(frame):.2f}"


def subwords_words(frame: Frame, display: Display) -> str:
    """``"subwords merged (sum)"`` where they are."""
    if frame.groups is None or display.subwords == "pieces":
        return ""
    shown = (frame.groups, query_groups(frame, display))
    several = any(bool((one.count > 1).any()) for one in shown if one is not None)
    return "subwords merged (sum)" if several else "no subwords to merge"


def queries_words(frame: Frame) -> str:
    """What several queries are made into, for example ``"mean of 4 queries"``."""
    asked = {frame.query, *frame.asked_also}
    rows = len(frame.averaged)
    if rows < 2:
        return ""
    if not frame.asked_also or len(asked & set(frame.averaged)) < 2:
        return f"mean of the query’s {rows} pieces"
    words = len(query_names(frame)) if frame.by_words else rows
    return f"mean of {rows} queries" + (f", the pieces of {words} words" if words < rows else "")


def queries_apart(frame: Frame) -> bool:
    """Whether the queries are other items than the keys, and have a list of their own."""
    return not frame.one_axis and (frame.queries > 1 or frame.texts.on(frame.query_axis) != ())


def query_items(frame: Frame, display: Display) -> tuple[int, ...]:
    """The items that are the queries looked from, the first one first.

    They are items of the list of queries where that is apart, else of the shown frame's keys;
    there is none where the query is hidden or among neither.
    """
    rows = frame.averaged or (frame.query,)
    if queries_apart(frame):
        groups = query_groups(frame, display)
        return rows if groups is None else groups.items_of(rows)
    there = shown_frame(frame, display)
    keys = (key_of_query(frame, row) for row in rows)
    found = (there.item_of(key) for key in keys)
    return tuple(dict.fromkeys(item for item in found if item is not None))


def query_names(frame: Frame) -> tuple[str, ...]:
    """The tokens, or words, whose rows a frame shows the mean of; empty where they have no text."""
    display = Display(subwords="words" if frame.by_words else "pieces")
    groups = query_groups(frame, display)
    if groups is None:
        return ()
    return tuple(groups.names[item] for item in groups.items_of(frame.averaged or (frame.query,)))


def arcs_words(frame: Frame, display: Display) -> str:
    """For example ``"5 arcs = 83 % of the mass"``; empty where none are drawn."""
    if frame.groups is None or not display.arcs:
        return ""
    if not query_items(frame, display):
        return "no arcs: the query is not shown"
    arcs = arcs_of(frame, display.arc_count)
    noun = "arc" if len(arcs.items) == 1 else "arcs"
    return f"{len(arcs.items)} {noun} = {100 * arcs.mass:.0f}\N{NO-BREAK SPACE}% of the mass"


def mass_words(frame: Frame, display: Display) -> tuple[str, ...]:
    """Everything that must be said of what a text shows, each a few words.

    Args:
        frame: one run at one place, from ``shown_frame`` or not.
        display: how it is drawn.
    """
    there = shown_frame(frame, display)
    if there.groups is None:
        return ()
    said = (
        specials_words(there, display),
        subwords_words(there, display),
        queries_words(there),
        "tokens as recorded" if display.raw_tokens else "",
        arcs_words(there, display),
    )
    return tuple(filter(None, said))


def prepare(frame: Frame) -> None:
    """Do on the reader thread what takes long of a long text; it is remembered by its tokens."""
    if frame.tokens:
        for display in (Display(), Display(subwords="words")):
            _groups(frame, frame.tokens, _has_sink(frame), display)
            query_groups(frame, display)


def _has_sink(frame: Frame) -> bool:
    return frame.map is not None and frame.map.event.sink


def _grouped(frame: Frame, display: Display) -> Frame:
    groups = _groups(frame, frame.tokens or (), _has_sink(frame), display)
    hidden = frame.probabilities[groups.hidden].astype(np.float64)
    distributions, selections = _steps(frame, groups, display)
    return replace(
        frame,
        tokens=groups.names,
        probabilities=groups.sums(frame.probabilities),
        distributions=distributions,
        selections=selections,
        groups=groups,
        hidden_mass=float(np.nansum(hidden)),
    )


def _groups(frame: Frame, tokens: tuple[str, ...], sink: bool, display: Display) -> Groups:
    texts = frame.texts.on(frame.key_axis)
    return group_tokens(
        tokens,
        specials=frame.special_keys,
        sink=sink,
        merge=display.subwords == "words",
        dim=display.specials == "dimmed",
        hide=display.specials == "hidden",
        raw=display.raw_tokens,
        # A part of a text need not have all the marks that tell how the whole is cut.
        scheme=scheme_of(texts) if texts else None,
    )


def _steps(
    frame: Frame, groups: Groups, display: Display
) -> tuple[NDArray[np.float32], tuple[tuple[int, ...], ...]]:
    """The distributions and selections of all steps, by the items of each step."""
    if len(groups) == groups.keys and display.specials != "hidden" and not groups.merged:
        return frame.distributions, frame.selections
    if not frame.maps or frame.steps == 1:
        return (
            groups.sums(frame.distributions[:, : groups.keys]),
            tuple(groups.items_of(keys) for keys in frame.selections),
        )
    rows: list[NDArray[np.float32]] = []
    chosen: list[tuple[int, ...]] = []
    for step, one in enumerate(frame.maps):
        if one is None:
            rows.append(np.zeros(0, np.float32))
            chosen.append(())
            continue
        item = _items(frame, step, one, display)
        kept = item >= 0
        weights = frame.distributions[step, : len(item)][kept].astype(np.float64)
        rows.append(np.bincount(item[kept], weights=weights).astype(np.float32))
        keys = frame.selections[step]
        found = (int(item[key]) for key in keys if key < len(item))
        chosen.append(tuple(dict.fromkeys(at for at in found if at >= 0)))
    filled = np.full((len(rows), max(map(len, rows))), np.nan, np.float32)
    for step, row in enumerate(rows):
        filled[step, : len(row)] = row
    return filled, tuple(chosen)


def _items(frame: Frame, step: int, one: StepMap, display: Display) -> NDArray[np.int64]:
    """The item of each key of a step, -1 where it is hidden."""
    event = one.event
    end = event.first_key + event.keys - event.sink
    axes = frame.step_axes[step] if frame.step_axes else frame.axes
    texts = axes.on(frame.key_axis)
    # All steps of a text are parts of one, which is cut into words once.
    whole = _groups(frame, named(texts, range(max(end, len(texts)))), False, display).item
    item = whole[event.first_key : end].copy()
    kept = np.flatnonzero(item >= 0)
    if kept.size:
        item[kept] -= item[kept[0]]
    last = int(item.max(initial=-1))
    if event.sink:
        item = np.append(item, -1 if display.specials == "hidden" else last + 1)
    return item
