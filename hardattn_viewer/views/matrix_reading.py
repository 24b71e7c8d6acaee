"""What is said of the cell that is pointed at, or of the one that is looked from."""

from __future__ import annotations

from collections.abc import Sequence

from hardattn_viewer.drawing.matrix import MatrixPicture
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.map_source import row_of
from hardattn_viewer.session.masking import MASKED, NOT_RECORDED
from hardattn_viewer.session.state import SLOTS, SessionState

HELP = "wheel zooms · drag moves · double click goes to a cell · right click copies"
_NO_NUMBER = -1.5


def reading_words(state: SessionState, pictures: Sequence[MatrixPicture]) -> str:
    """The query, the key and the exact value of the cell in question, of every map shown.

    Args:
        state: the session.
        pictures: what is shown, A and B and B − A where they are shown beside each other.
    """
    if not pictures:
        return ""
    first = pictures[0]
    key = first.hover if first.hover is not None else first.pinned
    query = first.hover_query if first.hover_query is not None else first.query
    if key is None or not (0 <= key < first.keys and 0 <= query < first.queries):
        return f"query {_named(first, query, keys=False)} · {HELP}"
    place = f"query {_named(first, query, keys=False)} → key {_named(first, key, keys=True)}"
    frames = [state.frame] if len(pictures) == 1 else [state.frames.of(slot) for slot in SLOTS]
    values = []
    for at, picture in enumerate(pictures):
        frame = frames[at] if at < len(frames) else None
        name = "p" if len(pictures) == 1 else ("p in A", "p in B", "B − A")[min(at, 2)]
        values.append(f"{name} {value_words(picture, frame, query, key)}")
    pinned = " (pinned)" if first.hover is None else ""
    return " · ".join([f"{place}{pinned}", *values])


def value_words(picture: MatrixPicture, frame: Frame | None, query: int, key: int) -> str:
    """The exact value of a cell, or what is known of the cells around it."""
    if frame is not None and _is_row_of_large(frame, query):
        return _number(float(row_of(frame)[key]), signed=False)
    if not (0 <= query < picture.queries and 0 <= key < picture.keys):
        return "–"
    value, down, across = picture.value(query, key)
    if not down:
        return "being read"
    if value == MASKED:
        words = "masked"
    elif value == NOT_RECORDED:
        words = "not recorded"
    else:
        words = _number(value, signed=picture.signed)
    if down == across == 1:
        return words
    return f"{words}, at most, in {down} × {across} cells; its own is being read"


def _is_row_of_large(frame: Frame, query: int) -> bool:
    """Whether a query is the one of a large map whose row is in memory."""
    one = frame.map
    return one is not None and not one.is_whole and query == frame.query and one.holds(query)


def _number(value: float, *, signed: bool) -> str:
    words = f"{abs(value):.6f}" if value == 0 or abs(value) >= 1e-4 else f"{abs(value):.3e}"
    sign = "−" if value < 0 else "+" if signed and value > 0 else ""
    return f"{sign}{words}"


def _named(picture: MatrixPicture, at: int, *, keys: bool) -> str:
    name = picture.key_name(at) if keys else picture.query_name(at)
    return f"{at:,}" if name == str(at) else f"{at:,} “{name}”"
