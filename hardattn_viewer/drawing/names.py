"""What keys and queries are called on pictures: their tokens, special names, or positions."""

from __future__ import annotations

from collections.abc import Callable

from hardattn_viewer.drawing.text import plain
from hardattn_viewer.session.frames import Frame, query_tokens
from hardattn_viewer.session.joined import JoinedMap
from hardattn_viewer.session.naming import special_name

_LONGEST = 32
_VISIBLE = str.maketrans({"\n": "⏎", "\r": "⏎", "\t": "⇥"})


def shown_token(text: str) -> str:
    """A token as it is painted: white space made visible, nothing longer than a label can be."""
    shown = plain(text.translate(_VISIBLE))
    stripped = shown.strip(" ")
    left = len(shown) - len(shown.lstrip(" "))
    right = len(shown) - len(shown.rstrip(" ")) if stripped else 0
    shown = "␣" * left + stripped + "␣" * right
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


Namer = Callable[[int], str]


def key_namer(frame: Frame) -> Namer:
    """What names each key of the frame's step, shortly; of thousands only those shown are named."""
    if frame.tokens is not None:
        return _token_namer(frame.tokens)
    one = frame.map
    if frame.boxes is not None or frame.first_region:
        return lambda key: _region_label(frame, key)
    first = one.event.first_key if one is not None else 0
    sink = one.event.keys - 1 if one is not None and one.event.sink else None
    return lambda key: "sink" if key == sink else str(first + key)


def key_labels(frame: Frame) -> tuple[str, ...]:
    """A short name for each key of the frame's step."""
    return tuple(map(key_namer(frame), range(frame.probabilities.size)))


def query_namer(frame: Frame) -> Namer:
    """What names each query of the frame's step, shortly."""
    texts, one = query_tokens(frame), frame.map
    if texts is not None:
        return _token_namer(texts)
    if one is None:
        return str
    event = one.event
    if frame.is_windowed:
        each = max(1, event.queries // event.windows)
        return lambda query: f"w{query // each}·{query % each}"
    if frame.key_axis == frame.query_axis == "regions":
        return lambda query: _region_label(frame, event.first_query + query * event.query_stride)
    return lambda query: str(event.first_query + query * event.query_stride)


def query_labels(frame: Frame) -> tuple[str, ...]:
    """A short name for each query of the frame's step."""
    return tuple(map(query_namer(frame), range(frame.queries)))


def whole_namers(frame: Frame, whole: JoinedMap) -> tuple[Namer, Namer]:
    """What names each query and each key of all steps."""

    def namer(axis: str, first: int) -> Namer:
        named = _token_namer(frame.axes.on(axis))
        return lambda at: named(first + at)

    return namer(frame.query_axis, whole.first_query), namer(frame.key_axis, whole.first_key)


def _token_namer(texts: tuple[str, ...]) -> Namer:
    """What names a token by its text, and one that has none by its place."""

    def name(at: int) -> str:
        return shown_token(texts[at]) if at < len(texts) and texts[at] else str(at)

    return name


def _region_label(frame: Frame, key: int) -> str:
    first = frame.first_region
    return shown_token(special_name(frame, key)) if key < first else str(key - first)
