"""What queries and keys of a matrix are called; of thousands only those in sight are named."""

from __future__ import annotations

from collections.abc import Callable

from hardattn_viewer.drawing.names import region_label, shown_token
from hardattn_viewer.session.frames import Frame

Namer = Callable[[int], str]


def key_namer(frame: Frame) -> Namer:
    """What names each key of the map that a frame shows, shortly."""
    one, whole = frame.map, frame.whole
    if whole is not None:
        return _named(frame.axes.on(frame.key_axis), whole.first_key)
    if one is None:
        return _named(frame.tokens or (), 0)
    event, texts = one.event, frame.texts.on(frame.key_axis)
    if not texts and (frame.boxes is not None or frame.first_region):
        return lambda key: region_label(frame, key)
    sink = event.keys - 1 if event.sink else None
    name = _named(texts, event.first_key)
    return lambda key: "sink" if key == sink else name(key)


def query_namer(frame: Frame) -> Namer:
    """What names each query of the map that a frame shows, shortly."""
    one, whole = frame.map, frame.whole
    if whole is not None:
        return _named(frame.axes.on(frame.query_axis), whole.first_query)
    if one is None:
        return str
    event, texts = one.event, frame.texts.on(frame.query_axis)
    if texts:
        return _named(texts, event.first_query, event.query_stride)
    if frame.is_windowed:
        each = max(1, event.queries // event.windows)
        return lambda query: f"w{query // each}·{query % each}"
    if frame.key_axis == frame.query_axis == "regions":
        return lambda query: region_label(frame, event.first_query + query * event.query_stride)
    return _named((), event.first_query, event.query_stride)


def _named(texts: tuple[str, ...], first: int, stride: int = 1) -> Namer:
    """What names an item by its token, and one that has none by its position."""

    def name(at: int) -> str:
        place = first + at * stride
        text = texts[place] if place < len(texts) else ""
        return shown_token(text) if text else str(place)

    return name
