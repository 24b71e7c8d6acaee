"""Whether the numbers in a run's tables point at something that is there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.detail import level_of
from recorders.run.errors import FlawError
from recorders.run.layout import Column, Table, Text
from recorders.run.tables import Tables

_POINTED_AT_FIRST = sorted(
    layout.TABLES,
    key=lambda table: table in (layout.EXAMPLES, layout.EVENTS, layout.SCALARS, layout.OUTCOMES),
)
"""What others point into comes first, so that a table is taken out before it is pointed at."""


def flawed_tables(
    tables: Tables, bulk_lengths: Mapping[str, int], before: Mapping[str, int] | None = None
) -> Iterator[tuple[str, str]]:
    """Check every index, offset and count of a run, all rows at once.

    Args:
        tables: all tables of the run; whoever takes a flawed one out does so before the next.
        bulk_lengths: number of values of each bulk dataset, by path.
        before: by table how many rows, checked already, lie before those of ``tables``.

    Yields:
        The name of a table with a number that points outside, and a message that names the column
        and the row.
    """
    for table in _POINTED_AT_FIRST:
        try:
            _check_table(table, tables, bulk_lengths, before or {})
        except FlawError as flaw:
            yield table.name, str(flaw)


def _check_table(
    table: Table,
    tables: Tables,
    bulk_lengths: Mapping[str, int],
    before: Mapping[str, int],
) -> None:
    sizes = {
        table.name: tables.rows(table) + before.get(table.name, 0)
        for table in layout.TABLES
        if table.columns
    }
    # Before the first snapshot is written the run has one all the same.
    sizes["snapshots"] = max(sizes["snapshots"], 1)
    columns = tables.columns
    for column in table.columns:
        path = f"{table.name}/{column.name}"
        if isinstance(column, Text):
            _check_length(path, len(tables.texts[path]), tables.rows(table))
        else:
            _check_column(path, tables, column, tables.rows(table), sizes)
    if table is layout.EVENTS:
        _check_events(columns, bulk_lengths)
    elif table is layout.IMAGES:
        _check_images(columns, bulk_lengths)
    elif table is layout.SOUNDS:
        _check_sounds(columns, bulk_lengths)
    elif table is layout.FRAMES:
        _check_frames(columns)
    elif table is layout.DETAILS:
        _check_details(columns, bulk_lengths)
    elif table is layout.SCALARS:
        _check_steps(columns["scalars/step"], "scalars/step")
    elif table is layout.LATER_TOKENS:
        _check_steps(columns["later_tokens/step"], "later_tokens/step")
        _check_steps(columns["later_tokens/position"], "later_tokens/position")
    elif table is layout.BOXES:
        corners = columns["boxes/corners"]
        _require("boxes/corners", corners, np.isfinite(corners).all(axis=1))
    elif table is layout.REGION_SETS:
        _check_extent(
            "region_sets/box_offset",
            columns["region_sets/box_offset"],
            columns["region_sets/box_count"],
            sizes["boxes"],
        )
    elif table is layout.EXAMPLES:
        _check_extent(
            "examples/token_offset",
            columns["examples/token_offset"],
            columns["examples/token_count"],
            sizes["tokens"],
        )


def _check_length(path: str, length: int, expected: int) -> None:
    if length != expected:
        raise FlawError(f"/{path} has {length} rows where its table has {expected}")


def _check_column(
    path: str, tables: Tables, column: Column, rows: int, sizes: Mapping[str, int]
) -> None:
    values = tables.columns[path]
    _check_length(path, len(values), rows)
    if column.index_of:
        low = -1 if column.optional else 0
        _require(path, values, (values >= low) & (values < sizes[column.index_of]))


def _require(path: str, values: NDArray[Any], good: NDArray[np.bool_]) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise FlawError(f"/{path} row {row} is {values[row]}, which is out of range")


def _check_steps(steps: NDArray[Any], path: str) -> None:
    _require(path, steps, (steps >= 0) & (steps < layout.MAX_STEPS))


def _check_extent(path: str, offsets: NDArray[Any], counts: NDArray[Any], length: int) -> None:
    if not offsets.size:
        return
    lowest, largest = min(int(offsets.min()), int(counts.min())), int(counts.max())
    if lowest >= 0 and int(offsets.max()) <= length - largest:
        # So it is in nearly every run, and of a million rows far quicker to see.
        return
    # offset <= length - count cannot overflow where offset + count could.
    inside = (offsets >= 0) & (counts >= 0) & (offsets <= length - counts.astype(np.int64))
    _require(path, offsets, inside)


def _check_events(columns: Mapping[str, NDArray[Any]], bulk_lengths: Mapping[str, int]) -> None:
    heads, queries, keys, chosen = (
        columns[f"events/{name}"].astype(np.int64)
        for name in ("heads", "queries", "keys", "n_selected")
    )
    for name, lengths in (("heads", heads), ("queries", queries), ("keys", keys)):
        _require(f"events/{name}", lengths, lengths >= 1)
    _require("events/n_selected", chosen, chosen >= 0)
    for name, last in (("keys", keys), ("n_selected", chosen)):
        if (
            math.prod(int(most.max(initial=0)) for most in (heads, queries, last))
            > layout.MAX_MAP_VALUES
        ):
            product = heads.astype(np.float64) * queries * last
            _require(f"events/{name}", last, product <= layout.MAX_MAP_VALUES)
    _check_steps(columns["events/step"], "events/step")
    windows = columns["events/windows"].astype(np.int64)
    _require("events/windows", windows, (windows >= 1) & (queries % np.maximum(windows, 1) == 0))
    for name, least in (
        ("first_query", 0),
        ("query_stride", 1),
        ("first_key", 0),
        ("first_region", 0),
    ):
        values = columns[f"events/{name}"]
        _require(f"events/{name}", values, values >= least)
    for offset, count, bulk in (
        ("map_offset", heads * queries * keys, "maps/probabilities"),
        ("row_offset", heads * queries, "rows/log_prob"),
        ("row_offset", heads * queries, "rows/entropy"),
        ("selection_offset", heads * queries * chosen, "selections/key"),
    ):
        path = f"events/{offset}"
        _check_extent(path, columns[path], count, bulk_lengths.get(bulk, 0))


def _check_details(columns: Mapping[str, NDArray[Any]], bulk_lengths: Mapping[str, int]) -> None:
    event, offset = columns["details/event"], columns["details/offset"]
    heads, queries, keys = (
        columns[f"events/{name}"][event].tolist() for name in ("heads", "queries", "keys")
    )
    sizes = [level_of(*shape).size for shape in zip(heads, queries, keys, strict=True)]
    length = bulk_lengths.get("details/probabilities", 0)
    _check_extent("details/offset", offset, np.array(sizes, np.int64), length)


def _check_images(columns: Mapping[str, NDArray[Any]], bulk_lengths: Mapping[str, int]) -> None:
    width, height, channels = (
        columns[f"images/{name}"].astype(np.int64) for name in ("width", "height", "channels")
    )
    area_fits = width * height <= layout.MAX_IMAGE_PIXELS
    _require("images/width", width, (width >= 1) & (height >= 1) & area_fits)
    _require("images/channels", channels, (channels == 1) | (channels == 3))
    _check_extent(
        "images/offset",
        columns["images/offset"],
        columns["images/size"],
        bulk_lengths.get("images/png", 0),
    )


def _check_sounds(columns: Mapping[str, NDArray[Any]], bulk_lengths: Mapping[str, int]) -> None:
    length, rate = columns["sounds/length"], columns["sounds/rate"]
    lowest, highest = layout.SOUND_RATES
    _require("sounds/length", length, (length >= 1) & (length <= layout.MAX_SOUND_SAMPLES))
    # NaN is neither.
    _require("sounds/rate", rate, (rate >= lowest) & (rate <= highest))
    stored = bulk_lengths.get("sounds/samples", 0)
    _check_extent("sounds/offset", columns["sounds/offset"], length, stored)


def _check_frames(columns: Mapping[str, NDArray[Any]]) -> None:
    number, time = columns["frames/number"], columns["frames/time"]
    _require("frames/number", number, (number >= 0) & (number < layout.MAX_STEPS))
    _require("frames/time", time, np.isfinite(time))
