"""What keys and queries of a frame are called, in words."""

from __future__ import annotations

from hardattn_viewer.session.frame_items import key_of_query
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.shown_tokens import query_names
from hardattn_viewer.session.token_marks import is_special
from hardattn_viewer.session.wording import plain_text

MINUS = "\N{MINUS SIGN}"
# So many of several queries are named.
_FEW = 3


def key_name(frame: Frame, key: int) -> str:
    """Where a key is: the centre of a region in pixels, a token in quotes, or a special name."""
    if frame.tokens is not None and key < len(frame.tokens):
        return f"“{frame.tokens[key]}”"
    region = key - frame.first_region
    if frame.first_region and region < 0:
        return special_name(frame, key)
    one = frame.map
    if one is not None and one.event.sink and key == one.event.keys - 1:
        return "sink"
    if frame.boxes is None or region >= frame.boxes.shape[0]:
        return f"key {key}"
    x0, y0, x1, y1 = (float(edge) for edge in frame.boxes[region])
    named = frame.scene.region_name(region, (x0, y0, x1, y1))
    return named or f"({short(x0 / 2 + x1 / 2)}, {short(y0 / 2 + y1 / 2)})"


def key_noun(frame: Frame, plural: bool = False) -> str:
    """What the keys of a frame are called."""
    noun = "token" if frame.tokens is not None else "region" if frame.boxes is not None else "key"
    if frame.boxes is not None:
        noun = {"sound": "frame", "points": "point"}.get(frame.scene.kind, noun)
    elif frame.key_axis == "slots":
        noun = "slot"
    if frame.groups is not None and frame.groups.merged:
        noun = "word"
    return noun + "s" if plural else noun


def text_beside(frame: Frame) -> str:
    """The text of an example where attention is neither of its tokens nor from them.

    A question that was asked of an image or of a memory, for example; else empty.
    """
    if not frame.axes.own or "tokens" in (frame.key_axis, frame.query_axis):
        return ""
    return plain_text([token for token in frame.axes.own if not is_special(token)])


def query_name(frame: Frame) -> str:
    """What is looked from: a query, a word or several of them; tokens are in quotes."""
    names = [f"“{name}”" for name in query_names(frame)]
    names = names or [_place_name(frame, at) for at in frame.averaged or (frame.query,)]
    more = f" + {len(names) - _FEW} more" if len(names) > _FEW else ""
    return " + ".join(names[:_FEW]) + more


def _place_name(frame: Frame, at: int) -> str:
    one = frame.map
    if one is not None and frame.is_windowed:
        window, inside = divmod(at, max(1, one.queries // one.event.windows))
        return f"window {window}, query {inside}"
    position = at if one is None else one.event.first_query + at * one.event.query_stride
    key = key_of_query(frame, at)
    if key is not None and frame.query_axis == "regions":
        return key_name(frame, key)
    nouns = {"regions": "region", "tokens": "token", "target": "token", "steps": "step"}
    return f"{nouns.get(frame.query_axis, 'query')} {position}"


def special_name(frame: Frame, key: int) -> str:
    """The name of a key before the first region."""
    return frame.special_keys[key] if key < len(frame.special_keys) else f"special token {key}"


def special_words(frame: Frame) -> str:
    """For example ``"12 % on [CLS]"``; empty where every key is a region or a token."""
    keys = frame.off_image
    if not keys:
        return ""
    share = f"{100 * frame.special_mass:.0f}\N{NO-BREAK SPACE}%"
    if len(keys) == 1:
        return f"{share} on {key_name(frame, keys[0])}"
    return f"{share} on {len(keys)} special tokens"


def short(value: float) -> str:
    """A number with at most one decimal."""
    return f"{value:.1f}".rstrip("0").rstrip(".").replace("-", MINUS)
