"""Several ranks' tables as those of one run.

Ranks follow each other in the order of their numbers, so that the rows of the lowest keep theirs
and no clock is asked. What several ranks have in common is there once; bulk values stay where they
are, one rank's chunks after another's.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.errors import FlawError
from recorders.run.layout import Column, Table, Text
from recorders.run.tables import Tables, TextColumn

_BULK_OFFSETS = {
    "events/map_offset": ("maps/probabilities",),
    "events/row_offset": ("rows/log_prob", "rows/entropy"),
    "events/selection_offset": ("selections/key",),
    "images/offset": ("images/png",),
    "sounds/offset": ("sounds/samples",),
}
_ROW_OFFSETS = {"region_sets/box_offset": layout.BOXES, "examples/token_offset": layout.TOKENS}
_ONCE = {
    "events": ("site", "example", "step", "snapshot"),
    "scalars": ("name", "example", "step", "snapshot"),
    "training_scalars": ("name", "snapshot"),
    "outcomes": ("example", "snapshot"),
    "frames": ("example", "number"),
    "later_tokens": ("example", "snapshot", "axis", "position"),
}
"""By which columns rows of two ranks are the same; the lowest rank's is kept."""


_TABLES = tuple(table for table in layout.TABLES if table is not layout.DETAILS)
"""Levels of detail are made when the parts are joined; no rank has any."""


@dataclass(frozen=True, eq=False)
class RankTables:
    """What one rank recorded.

    Attributes:
        rank: its number.
        tables: its tables, numbered as if there were no other rank.
        lengths: number of values of each of its bulk datasets, by path.
    """

    rank: int
    tables: Tables
    lengths: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Merged:
    """What several ranks recorded together.

    Attributes:
        tables: the tables of the one run.
        notices: what was renamed, in sentences.
        left_out: what was dropped, in sentences.
    """

    tables: Tables
    notices: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which rows of one table each rank contributes, and which numbers all of its rows get."""

    kept: list[NDArray[np.bool_]]
    numbers: list[NDArray[np.int64]]


def merge(ranks: Sequence[RankTables]) -> Merged:
    """Put the tables of several ranks together.

    Sites are the same by name and facts, examples by name and content, images and region sets by
    content, snapshots by training step, scalars by name. A site or example that has the name of a
    lower rank's, but is another, is renamed to ``name@rankR``.

    Args:
        ranks: the ranks, lowest first.

    Raises:
        FlawError: the numbers of a rank do not fit together.
    """
    tables = [rank.tables for rank in ranks]
    numbers = [rank.rank for rank in ranks]
    sites, renamed_sites = _names(tables, numbers, "sites", _site_facts)
    examples, renamed_examples = _names(tables, numbers, "examples", _example_facts)
    rows = {
        "images": _identified([_digests(part, "images") for part in tables]),
        "sounds": _identified([_digests(part, "sounds") for part in tables]),
        "region_sets": _identified([_digests(part, "region_sets") for part in tables]),
        "scalar_names": _identified([list(part.texts["scalar_names/name"]) for part in tables]),
        "sites": _identified(sites),
        "examples": _identified(examples),
    }
    steps, rows["snapshots"] = _snapshots(tables)
    shifts = _shifts(ranks)
    columns = {
        f"{table.name}/{column.name}": [
            _renumbered(f"{table.name}/{column.name}", column, part, rows, shifts, at)
            for at, part in enumerate(tables)
        ]
        for table in _TABLES
        for column in table.columns
        if isinstance(column, Column)
    }
    dropped = {}
    for name, keys in _ONCE.items():
        by = [columns[f"{name}/{key}"] for key in keys]
        kept = _first_of_each([list(part) for part in zip(*by, strict=True)])
        rows[name] = _Rows(kept, [])
        dropped[name] = sum(int((~part).sum()) for part in kept)
    whole = Tables()
    for table in _TABLES:
        _fill(whole, table, tables, columns, rows.get(table.name))
    whole.columns["snapshots/step"] = steps
    for name, texts in (("sites", sites), ("examples", examples)):
        kept_names = [
            text
            for part, mask in zip(texts, rows[name].kept, strict=True)
            for text, keep in zip(part, mask.tolist(), strict=True)
            if keep
        ]
        whole.texts[f"{name}/name"] = TextColumn.of([text.encode() for text in kept_names])
    return Merged(
        whole,
        (*_in_words("site", renamed_sites), *_in_words("example", renamed_examples)),
        _repeated(dropped),
    )


def _fill(
    whole: Tables,
    table: Table,
    parts: Sequence[Tables],
    columns: Mapping[str, list[NDArray[Any]]],
    rows: _Rows | None,
) -> None:
    for column in table.columns:
        path = f"{table.name}/{column.name}"
        if isinstance(column, Text):
            texts = [part.texts[path] for part in parts]
            if rows is not None:
                texts = [t.taken(mask) for t, mask in zip(texts, rows.kept, strict=True)]
            whole.texts[path] = TextColumn.joined(texts)
        elif table is not layout.SNAPSHOTS:
            values = columns[path]
            if rows is not None:
                values = [v[mask] for v, mask in zip(values, rows.kept, strict=True)]
            whole.columns[path] = np.concatenate(values)


def _identified(keys: Sequence[Sequence[Hashable]]) -> _Rows:
    """Rows by what identifies them: the same key in a later rank is the same row.

    A key that one rank has twice stays twice, for ``validate`` to find.
    """
    found: dict[Hashable, int] = {}
    kept, numbers, total = [], [], 0
    for part in keys:
        mask, own = np.ones(len(part), bool), np.empty(len(part), np.int64)
        fresh: dict[Hashable, int] = {}
        for row, key in enumerate(part):
            known = found.get(key)
            mask[row] = known is None
            own[row] = total if known is None else known
            if known is None:
                fresh.setdefault(key, total)
                total += 1
        found |= fresh
        kept.append(mask)
        numbers.append(own)
    return _Rows(kept, numbers)


def _names(
    parts: Sequence[Tables], ranks: Sequence[int], table: str, facts: Any
) -> tuple[list[list[str]], list[tuple[int, str, str]]]:
    """Names of each rank's rows, changed where a lower rank has the name for something else."""
    given = [list(part.texts[f"{table}/name"]) for part in parts]
    taken = {name for names in given for name in names}
    known: dict[str, Any] = {}
    renamed: list[tuple[int, str, str]] = []
    for part, rank, names in zip(parts, ranks, given, strict=True):
        fresh: dict[str, Any] = {}
        for row, name in enumerate(names):
            own = facts(part, row)
            if known.get(name, own) != own:
                names[row] = _free(_of_rank(name, rank), taken)
                taken.add(names[row])
                renamed.append((rank, name, names[row]))
            else:
                fresh.setdefault(name, own)
        known = fresh | known
    return given, renamed


def _of_rank(name: str, rank: int) -> str:
    """The name with its rank; a beam stays a beam of its example."""
    base, mark, beam = name.rpartition(layout.BEAM)
    if mark and beam.isdecimal():
        return f"{base}@rank{rank}{mark}{beam}"
    return f"{name}@rank{rank}"


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}.{number}"
    return free


def _site_facts(part: Tables, row: int) -> tuple[Any, ...]:
    return tuple(
        part.texts[f"sites/{column.name}"][row]
        if isinstance(column, Text)
        else part.columns[f"sites/{column.name}"][row].item()
        for column in layout.SITES.columns
        if column.name != "name"
    )


def _example_facts(part: Tables, row: int) -> bytes:
    digest: bytes = part.columns["examples/sha256"][row].tobytes()
    return digest


def _digests(part: Tables, table: str) -> list[bytes]:
    return [row.tobytes() for row in part.columns[f"{table}/sha256"]]


def _snapshots(parts: Sequence[Tables]) -> tuple[NDArray[np.int64], _Rows]:
    """Training steps of all ranks; ascending where each rank's are."""
    steps = [_steps(part) for part in parts]
    rows = _identified([part.tolist() for part in steps])
    whole = np.concatenate([part[mask] for part, mask in zip(steps, rows.kept, strict=True)])
    if all((np.diff(part) >= 0).all() for part in steps):
        order = np.argsort(whole, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        whole = whole[order]
        rows = _Rows(rows.kept, [place[own] for own in rows.numbers])
    return whole, rows


def _steps(part: Tables) -> NDArray[np.int64]:
    steps = part.columns["snapshots/step"]
    # Before its first snapshot a rank that recorded anything is at step 0 all the same.
    recorded = any(
        part.columns[f"{table.name}/{column.name}"].size
        for table in layout.TABLES
        for column in table.columns
        if isinstance(column, Column) and column.index_of == "snapshots"
    )
    return np.zeros(1, np.int64) if recorded and not steps.size else steps


def _shifts(ranks: Sequence[RankTables]) -> dict[str, list[int]]:
    """By column of offsets: how far each rank's lie behind where it wrote them."""
    sizes = {
        path: [[rank.lengths.get(bulk, 0) for bulk in bulks] for rank in ranks]
        for path, bulks in _BULK_OFFSETS.items()
    } | {
        path: [[rank.tables.rows(table)] for rank in ranks] for path, table in _ROW_OFFSETS.items()
    }
    shifts = {}
    for path, counts in sizes.items():
        if any(len(set(count)) > 1 for count in counts):
            raise FlawError(f"the datasets that /{path} points into differ in length")
        before = np.cumsum([0, *(count[0] for count in counts[:-1])])
        shifts[path] = [int(shift) for shift in before]
    return shifts


def _renumbered(
    path: str,
    column: Column,
    part: Tables,
    rows: Mapping[str, _Rows],
    shifts: Mapping[str, list[int]],
    at: int,
) -> NDArray[Any]:
    values = part.columns[path]
    if path in shifts:
        shifted: NDArray[Any] = values + np.asarray(shifts[path][at], values.dtype)
        return shifted
    if not column.index_of:
        return values
    numbers = rows[column.index_of].numbers[at]
    if not numbers.size:
        # There is nothing to point at, so none does.
        return values
    moved: NDArray[Any] = np.where(values < 0, values, numbers[np.maximum(values, 0)])
    return moved.astype(values.dtype)


def _first_of_each(parts: list[list[NDArray[Any]]]) -> list[NDArray[np.bool_]]:
    """Which rows are of the lowest rank that has their key.

    Args:
        parts: for each rank the key columns, [rows] each.
    """
    lengths = [len(part[0]) for part in parts]
    owner = np.repeat(np.arange(len(parts)), lengths)
    keys = [np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)]
    order = np.lexsort((owner, *keys))
    begins = np.zeros(order.size, bool)
    begins[:1] = True
    for key in keys:
        begins[1:] |= np.diff(key[order]) != 0
    lowest = owner[order][begins][np.cumsum(begins) - 1]
    kept = np.empty(order.size, bool)
    kept[order] = owner[order] == lowest
    return np.split(kept, np.cumsum(lengths)[:-1])


def _in_words(what: str, renamed: Sequence[tuple[int, str, str]]) -> tuple[str, ...]:
    if not renamed:
        return ()
    rank, old, new = renamed[0]
    more = f", and {len(renamed) - 1} more likewise" if len(renamed) > 1 else ""
    return (f"the {what} {old!r} of rank {rank} is another than a lower rank's: {new!r}{more}",)


def _repeated(dropped: Mapping[str, int]) -> tuple[str, ...]:
    counts = [
        f"{count:,} {name.replace('_', ' ').removesuffix('s' if count == 1 else '')}"
        for name, count in dropped.items()
        if count
    ]
    if not counts:
        return ()
    return (
        f"several ranks recorded the same {', '.join(counts)}; "
        "only those of the lowest rank were kept",
    )
