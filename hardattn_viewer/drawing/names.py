"""What keys and queries are called on pictures: their tokens, special names, or positions."""

from __future__ import annotations

from functools import lru_cache

from hardattn_viewer.drawing.text import plain
from hardattn_viewer.session.frame_items import query_tokens
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import special_name

_LONGEST = 32
_VISIBLE = str.maketrans({"\n": "⏎", "\r": "⏎", "\t": "⇥"})


def shown_token(text: str) -> str:
    """A token as it is painted: white space made visible, nothing longer than a label can be."""
    if len(text) <= _LONGEST and text.isprintable() and text == text.strip():
        # Nearly all tokens of a text, which may be long.
        return text
    shown = plain(text.translate(_VISIBLE))
    stripped = shown.strip(" ")
    left = len(shown) - len(shown.lstrip(" "))
    right = len(shown) - len(shown.rstrip(" ")) if stripped else 0
    shown = "␣" * left + stripped + "␣" * right
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


@lru_cache(maxsize=16)
def _all_shown(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(shown_token, texts))


def key_labels(frame: Frame) -> tuple[str, ...]:
    """A short name for each key of the frame's step."""
    if frame.tokens is not None:
        return _all_shown(frame.tokens)
    one = frame.map
    keys = frame.probabilities.size
    if frame.boxes is not None or frame.first_region:
        return tuple(region_label(frame, key) for key in range(keys))
    first = one.event.first_key if one is not None else 0
    labels = [str(first + key) for key in range(keys)]
    if one is not None and one.event.sink and labels:
        labels[-1] = "sink"
    return tuple(labels)


def query_labels(frame: Frame) -> tuple[str, ...]:
    """A short name for each query of the frame's step."""
    texts, one = query_tokens(frame), frame.map
    if texts is not None:
        return _all_shown(texts)
    if one is None:
        return ("0",)
    event = one.event
    if frame.is_windowed:
        each = max(1, event.queries // event.windows)
        return tuple(f"w{query // each}·{query % each}" for query in range(event.queries))
    if frame.key_axis == frame.query_axis == "regions":
        return tuple(
            region_label(frame, event.first_query + query * event.query_stride)
            for query in range(event.queries)
        )
    return tuple(
        str(event.first_query + query * event.query_stride) for query in range(event.queries)
    )


def region_label(frame: Frame, key: int) -> str:
    """A short name for a key that is a region, or a special token before them."""
    first = frame.first_region
    return shown_token(special_name(frame, key)) if key < first else str(key - first)
