"""What a run loses where a part of it is damaged, and how it is read without that part."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recorders.run import layout
from recorders.run.finding import Finding
from recorders.run.layout import Table, Text
from recorders.run.tables import Tables, TextColumn, empty_column

_TOGETHER = {
    "scalar_names": ("scalar_names", "training_scalars", "scalars"),
    "images": ("frames", "images"),
    "boxes": ("boxes", "region_sets"),
    "region_sets": ("boxes", "region_sets"),
}
"""Tables of which one says nothing without the other; the last one's loss is what is said."""

_WITHOUT_TABLE = {
    "verifications": "whether its record was verified is not known",
    "images": "it has no images",
    "frames": "it has no frames of its videos but the first",
    "sounds": "it has no sounds",
    "region_sets": "it has no boxes",
    "tokens": "it has no tokens of its examples",
    "later_tokens": "it has no tokens that came while the model ran",
    "scalars": "it has no rewards or other numbers of its steps",
    "training_scalars": "it has no loss or other numbers that training told",
    "outcomes": "it has no predictions",
    "details": "overviews of its large maps are made anew",
}
_WITHOUT_BULK = {
    "maps/probabilities": "its maps cannot be read",
    "rows/log_prob": "its log-probabilities cannot be read",
    "rows/entropy": "its entropies cannot be read",
    "selections/key": "its selected keys cannot be read",
    "images/png": "its images cannot be read",
    "sounds/samples": "its sounds cannot be heard or drawn",
    "details/probabilities": "overviews of its large maps are made anew",
}

# Which column of which table points into a table, and what stands for nothing there.
_POINTERS = {
    "images": (("examples/image", -1),),
    "sounds": (("examples/sound", -1),),
    "tokens": (("examples/token_offset", 0), ("examples/token_count", 0)),
    "region_sets": (("examples/region_set", -1), ("events/region_set", -1)),
}


def can_do_without(table: str) -> bool:
    """Whether a run can be read without a table that has columns."""
    return table in _WITHOUT_TABLE or table in _TOGETHER


def bulks_of(part: str) -> tuple[str, ...]:
    """The bulk datasets that a flaw concerns: of a table without columns all, or the one."""
    for table in layout.TABLES:
        paths = tuple(f"{table.name}/{bulk.name}" for bulk in table.bulks)
        if part in paths:
            return (part,)
        if part == table.name and not table.columns:
            return paths
    return ()


def finding(part: str, flaw: str) -> Finding:
    """What is wrong, where, what is lost and what still works."""
    name = _TOGETHER.get(part, (part,))[-1]
    lost = _WITHOUT_TABLE.get(name) or " and ".join(_WITHOUT_BULK[path] for path in bulks_of(part))
    return Finding(
        "error", f"/{part}", f"{flaw}; the run is opened without it: {lost}, all else can be read"
    )


def drop(tables: Tables, part: str, flaw: str) -> None:
    """Take a damaged table out of one rank's, and everything that points into it."""
    by_name = {table.name: table for table in layout.TABLES}
    for name in _TOGETHER.get(part, (part,)):
        _clear(tables, by_name[name])
        for path, nothing in _POINTERS.get(name, ()):
            tables.columns[path] = np.full_like(tables.columns[path], nothing)
    if part == "verifications":
        _unverified(tables, flaw)


def _clear(tables: Tables, table: Table) -> None:
    for column in table.columns:
        path = f"{table.name}/{column.name}"
        if isinstance(column, Text):
            tables.texts[path] = TextColumn.of(())
        else:
            tables.columns[path] = empty_column(column)


def _unverified(tables: Tables, flaw: str) -> None:
    """Say of each site that nothing is known, where silence would mean that nothing is wrong."""
    sites = tables.rows(layout.SITES)
    events = np.bincount(tables.columns["events/site"].clip(0), minlength=sites)[:sites]
    values: Mapping[str, object] = {
        "site": np.arange(sites),
        "unchecked": events,
        "error": np.full(sites, np.nan),
    }
    for column in layout.VERIFICATIONS.columns:
        path = f"verifications/{column.name}"
        if isinstance(column, Text):
            tables.texts[path] = TextColumn.of([f"what was known is lost: {flaw}".encode()] * sites)
        else:
            tables.columns[path] = np.asarray(
                values.get(column.name, np.zeros(sites)), column.dtype
            )
