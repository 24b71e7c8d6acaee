"""What the keys and queries of a frame are: their tokens, and which of them are the same item."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardattn_viewer.session.frames import Frame
    from hardattn_viewer.session.maps import StepMap


def key_tokens(frame: Frame, one: StepMap) -> tuple[str, ...] | None:
    """One token a key of a step; None where keys are no tokens, or none were recorded."""
    texts, event = frame.texts.on(frame.key_axis), one.event
    if not texts:
        return None
    items = event.keys - 1 if event.sink else event.keys
    found = named(texts, range(event.first_key, event.first_key + items))
    return (*found, "sink") if event.sink else found


def query_tokens(frame: Frame) -> tuple[str, ...] | None:
    """One token a query of the frame's step; None where queries are no tokens."""
    texts, one = frame.texts.on(frame.query_axis), frame.map
    if not texts or one is None:
        return None
    event = one.event
    places = range(
        event.first_query,
        event.first_query + event.queries * event.query_stride,
        event.query_stride,
    )
    return named(texts, places)


@lru_cache(maxsize=16)
def named(texts: tuple[str, ...], places: range) -> tuple[str, ...]:
    """Tokens at places; one that is not known is named by its place."""
    return tuple(texts[at] if at < len(texts) and texts[at] else f"token {at}" for at in places)


def query_of_key(frame: Frame, key: int) -> int | None:
    """The query that is the same item as ``key`` at the frame's step, or None."""
    one = frame.map
    if one is None or not frame.one_axis or (one.event.sink and key == one.event.keys - 1):
        return None
    event = one.event
    query, rest = divmod(event.first_key + key - event.first_query, event.query_stride)
    return query if rest == 0 and 0 <= query < event.queries else None


def key_of_query(frame: Frame, query: int | None = None) -> int | None:
    """The key that is the same item as a query, None for that looked at; or None."""
    one = frame.map
    if one is None or not frame.one_axis:
        return None
    event = one.event
    at = frame.query if query is None else query
    key = event.first_query + at * event.query_stride - event.first_key
    items = event.keys - 1 if event.sink else event.keys
    return key if 0 <= key < items else None
