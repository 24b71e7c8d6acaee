"""Numbers of a matrix as text for the clipboard: tabs between columns, the first line says what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np

from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.map_source import pyramid_of, row_of
from hardattn_viewer.session.masking import MASKED, NOT_RECORDED
from hardattn_viewer.session.matrix import MapLayout
from hardattn_viewer.session.matrix_moves import detail_of
from hardattn_viewer.session.pyramid import MapPatch, pooled
from hardattn_viewer.session.state import SessionState

What = Literal["value", "row", "column", "window"]
# Numbers that are written at once: a table of 200 × 200, in milliseconds.
_MOST = 40_000


def matrix_text(
    state: SessionState, what: What, row: int, column: int, layout: MapLayout | None = None
) -> str:
    """What a person copies from the matrix of the run in focus; empty where it shows none.

    Args:
        state: the session.
        what: one value, a row, a column, or all that is in sight.
        row: the row meant.
        column: the column meant.
        layout: what is in sight; needed for that only.
    """
    frame = state.frame
    if frame is None or pyramid_of(frame) is None:
        return ""
    patches = _patches(state, frame)
    match what:
        case "value":
            return _exact(frame, patches, row, column)
        case "row":
            return _along_row(frame, patches, row)
        case "column":
            patch = patches[-1] if patches[-1].is_exact else patches[0]
            return _along_column(frame, patch, column)
        case "window" if layout is not None:
            return _in_sight(frame, patches, layout)
    return ""


def _patches(state: SessionState, frame: Frame) -> list[MapPatch]:
    pyramid = pyramid_of(frame)
    base = [pyramid.patch(1, 1)] if pyramid is not None else []
    return [*base, *detail_of(state, state.shown_slot)]


def _exact(frame: Frame, patches: list[MapPatch], row: int, column: int) -> str:
    if frame.whole is None and row == frame.query:
        return _number(float(row_of(frame)[column]))
    found = next((p for p in reversed(patches) if p.holds(row, column)), patches[0])
    return _number(found.at(row, column))


def _along_row(frame: Frame, patches: list[MapPatch], row: int) -> str:
    whole = frame.map is not None and (frame.whole is not None or frame.map.is_whole)
    if not whole and row == frame.query:
        values = row_of(frame)
        patch = MapPatch(values[None], row, 0, 1, 1, 1, values.size)
    else:
        patch = patches[0]
    names = _namer(frame, keys=True)
    at = (row - patch.query) // patch.down
    lines = (
        f"{names(patch.key + i * patch.across, patch.across)}\t{_number(float(value))}"
        for i, value in enumerate(patch.values[at])
    )
    query = _namer(frame, keys=False)(patch.query + at * patch.down, patch.down)
    return _table(f"key\t{query}{_blocks(patch)}", lines)


def _along_column(frame: Frame, patch: MapPatch, column: int) -> str:
    names = _namer(frame, keys=False)
    at = (column - patch.key) // patch.across
    lines = (
        f"{names(patch.query + i * patch.down, patch.down)}\t{_number(float(value))}"
        for i, value in enumerate(patch.values[:, at])
    )
    key = _namer(frame, keys=True)(patch.key + at * patch.across, patch.across)
    return _table(f"query\t{key}{_blocks(patch)}", lines)


def _in_sight(frame: Frame, patches: list[MapPatch], layout: MapLayout) -> str:
    rows, columns = layout.seen_queries, layout.seen_keys
    if not rows or not columns:
        return ""
    covering = [
        p for p in patches if p.holds(rows.start, columns.start) and p.holds(rows[-1], columns[-1])
    ]
    patch = _part(covering[-1], rows, columns)
    while patch.values.size > _MOST:
        down, across = (2 if size > 1 else 1 for size in patch.values.shape)
        patch = MapPatch(
            pooled(patch.values, down, across),
            patch.query,
            patch.key,
            patch.down * down,
            patch.across * across,
            patch.queries,
            patch.keys,
        )
    key_names, query_names = _namer(frame, keys=True), _namer(frame, keys=False)
    head = [
        key_names(patch.key + i * patch.across, patch.across) for i in range(patch.values.shape[1])
    ]
    lines = (
        "\t".join(
            [query_names(patch.query + i * patch.down, patch.down), *map(_number, row.tolist())]
        )
        for i, row in enumerate(patch.values)
    )
    return _table("\t".join([f"query \\ key{_blocks(patch)}", *head]), lines)


def _part(patch: MapPatch, rows: range, columns: range) -> MapPatch:
    """The blocks of a patch that hold some rows and columns."""
    top, left = (
        (rows.start - patch.query) // patch.down,
        (columns.start - patch.key) // patch.across,
    )
    bottom, right = (
        (rows[-1] - patch.query) // patch.down,
        (columns[-1] - patch.key) // patch.across,
    )
    values = patch.values[top : bottom + 1, left : right + 1]
    query, key = patch.query + top * patch.down, patch.key + left * patch.across
    ends = patch.query + patch.queries - query, patch.key + patch.keys - key
    return MapPatch(
        values, query, key, patch.down, patch.across,
        min(values.shape[0] * patch.down, ends[0]), min(values.shape[1] * patch.across, ends[1]),
    )  # fmt: skip


def _namer(frame: Frame, *, keys: bool) -> Callable[[int, int], str]:
    """What names a row or column: its number and token; of a block its numbers."""
    if frame.whole is not None:
        whole = frame.whole
        first = whole.first_key if keys else whole.first_query
        texts, stride = frame.axes.on(frame.key_axis if keys else frame.query_axis), 1
    else:
        texts = frame.texts.on(frame.key_axis if keys else frame.query_axis)
        event = frame.map.event if frame.map is not None else None
        first, stride = 0, 1
        if event is not None and keys:
            first = event.first_key
        elif event is not None:
            first, stride = event.first_query, event.query_stride

    def name(at: int, block: int) -> str:
        if block > 1:
            return f"{at}–{at + block - 1}"
        place = first + at * stride
        return " ".join(f"{at} {texts[place] if place < len(texts) else ''}".split())

    return name


def _blocks(patch: MapPatch) -> str:
    if patch.is_exact:
        return ""
    return f" (largest of {patch.down} × {patch.across} cells)"


def _number(value: float) -> str:
    if value == MASKED:
        return "masked"
    if value == NOT_RECORDED or np.isnan(value):
        return "not recorded"
    return f"{value:.7g}"


def _table(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, *lines]) + "\n"
