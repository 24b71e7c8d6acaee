"""Every finding of a full read of a run: the guard, checksums, and numbers that make no sense."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.address import Url, address_of
from recorders.run.chunks import ChunkReader
from recorders.run.codec import CODECS
from recorders.run.contents import Contents, load
from recorders.run.errors import RunError
from recorders.run.finding import Finding
from recorders.run.images import decode_png, image_digest
from recorders.run.remote.options import Remote
from recorders.run.shown import shown
from recorders.run.sounds import Sound, sound_digest
from recorders.run.told import about_sentences, about_verification

__all__ = ["Finding", "findings"]

_BLOCK_VALUES = 1 << 22
_CACHE_BYTES = 1 << 24


def findings(path: str | os.PathLike[str] | Url, remote: Remote | None = None) -> list[Finding]:
    """Read all of a run and say what is wrong with it.

    Args:
        path: a sealed run, a folder of parts, or the URL of a sealed run.
        remote: how another machine is asked.

    Returns:
        What was found, in the order of the format; empty for a sealed run without fault. A run
        that the guard refuses has one finding, since nothing else of it can be trusted.
    """
    try:
        address = address_of(path)
    except RunError as problem:
        return [Finding("error", "the address", str(problem))]
    try:
        contents = shown(load(address, remote))
    except RunError as problem:
        return [Finding("error", str(address), str(problem))]
    chunks = ChunkReader(contents, _CACHE_BYTES)
    try:
        told = {f"damaged: {one.what}" for one in contents.damage}
        found = [
            Finding("notice", str(address), notice)
            for notice in contents.notices
            if notice not in told
        ]
        found += contents.damage
        found += about_sentences(contents)
        found += _about_whole(contents)
        found += _about_names(contents)
        damaged = list(_about_chunks(contents, chunks))
        found += damaged
        # What a damaged chunk holds is unknown; one sentence about it is enough.
        broken = {finding.where for finding in damaged} | {f"/{path}" for path in contents.broken}
        found += _about_tables(contents)
        found += about_verification(contents)
        masked = np.zeros(contents.tables.rows(layout.EVENTS), np.int64)
        for path_, check in (
            ("/images/png", _about_images),
            ("/sounds/samples", _about_sounds),
            ("/maps/probabilities", partial(_about_maps, masked=masked)),
            ("/selections/key", _about_selections),
        ):
            if path_ not in broken:
                found += check(contents, chunks)
        if not broken & {"/rows/entropy", "/rows/log_prob"}:
            found += _about_rows(contents, chunks, masked)
    finally:
        chunks.close()
    return found


def _about_whole(contents: Contents) -> Iterator[Finding]:
    where = str(contents.path)
    if not contents.facts.sealed:
        yield Finding("notice", where, "recording has not ended, or was killed; recover it to seal")
    if not contents.tables.rows(layout.EVENTS):
        yield Finding("warning", where, "it holds no event")


def _about_names(contents: Contents) -> Iterator[Finding]:
    for table in ("sites", "examples", "scalar_names"):
        names = list(contents.tables.texts[f"{table}/name"])
        if len(set(names)) < len(names):
            twice = next(name for row, name in enumerate(names) if name in names[:row])
            yield Finding("error", f"/{table}/name", f"the name {twice!r} is there twice")


def _about_chunks(contents: Contents, chunks: ChunkReader) -> Iterator[Finding]:
    for path, index in contents.bulks.items():
        if path in contents.broken:
            continue
        for start in range(0, index.length, index.chunk):
            try:
                chunks.read(path, start, index.chunk)
            except RunError as problem:
                yield Finding("error", f"/{path}", str(problem))


def _about_tables(contents: Contents) -> Iterator[Finding]:
    columns = contents.tables.columns
    for table, keys, severity in (
        ("events", ("snapshot", "site", "example", "step"), "error"),
        ("scalars", ("snapshot", "name", "example", "step"), "warning"),
        ("training_scalars", ("snapshot", "name"), "warning"),
        ("outcomes", ("snapshot", "example"), "warning"),
        ("frames", ("example", "number"), "warning"),
    ):
        rows = np.stack([columns[f"{table}/{key}"].astype(np.int64) for key in keys], axis=1)
        twice = len(rows) - len(np.unique(rows, axis=0))
        if twice:
            what = f"{twice} rows repeat the {', '.join(keys)} of another"
            yield Finding("error" if severity == "error" else "warning", f"/{table}", what)
    for path, low, high in (
        ("outcomes/confidence", 0.0, 1.0),
        ("outcomes/label_probability", 0.0, 1.0),
    ):
        values = columns[path]
        yield from _rows_found(
            "warning", path, (values < low) | (values > high), "is outside 0 to 1"
        )
    for path in ("scalars/value", "training_scalars/value"):
        yield from _rows_found("warning", path, ~np.isfinite(columns[path]), "is NaN or infinite")
    bad = ~np.isfinite(columns["boxes/corners"]).all(axis=1)
    yield from _rows_found("error", "boxes/corners", bad, "is NaN or infinite")
    yield from _rows_found("warning", "events/keys", _odd_regions(contents), _ODD_REGIONS)
    beyond = columns["events/first_region"] + columns["events/sink"] > columns["events/keys"]
    yield from _rows_found("error", "events/first_region", beyond, "is beyond the keys")
    for path, highest in (("events/sink", 1), ("later_tokens/axis", 2)):
        yield from _rows_found("warning", path, columns[path] > highest, f"is above {highest}")
    for path in ("later_tokens/id", "sites/layer"):
        yield from _rows_found("warning", path, columns[path] < -1, "is below -1")


_ODD_REGIONS = "does not leave one key for each region"


def _odd_regions(contents: Contents) -> NDArray[np.bool_]:
    """Events at a regions site whose boxes are not those of their keys, one for each.

    Behind the boxes of an event's own there may be further keys, as detection tokens are.
    """
    columns = contents.tables.columns
    axes = np.array([axis == "regions" for axis in contents.tables.texts["sites/key_axis"]], bool)
    own, of_example = columns["events/region_set"], columns["examples/region_set"]
    sets = np.where(own >= 0, own, of_example[columns["events/example"]])
    counts = np.append(columns["region_sets/box_count"], 0)[sets]
    keys = columns["events/keys"] - columns["events/first_region"] - columns["events/sink"]
    wrong = np.where(own >= 0, counts > keys, counts != keys)
    odd: NDArray[np.bool_] = axes[columns["events/site"]] & (sets >= 0) & wrong
    return odd


def _rows_found(
    severity: Literal["error", "warning"], path: str, bad: NDArray[np.bool_], what: str
) -> Iterator[Finding]:
    """One finding for all bad rows together, naming the first."""
    count = int(bad.sum())
    if count:
        others = f" ({count} rows in all)" if count > 1 else ""
        yield Finding(severity, f"/{path}", f"row {int(np.argmax(bad))} {what}{others}")


def _about_images(contents: Contents, chunks: ChunkReader) -> Iterator[Finding]:
    columns = contents.tables.columns
    for row in range(len(columns["images/offset"])):
        offset, size, width, height, channels = (
            int(columns[f"images/{name}"][row])
            for name in ("offset", "size", "width", "height", "channels")
        )
        data = chunks.read("images/png", offset, size).tobytes()
        try:
            pixels = decode_png(data, width, height, channels)
        except RunError as problem:
            yield Finding("error", "/images/png", f"image {row}: {problem}")
            continue
        if image_digest(pixels) != columns["images/sha256"][row].tobytes():
            yield Finding("error", "/images/sha256", f"image {row} does not match its SHA-256")


def _about_sounds(contents: Contents, chunks: ChunkReader) -> Iterator[Finding]:
    columns = contents.tables.columns
    for row in range(len(columns["sounds/offset"])):
        offset, length, rate = (
            columns[f"sounds/{name}"][row].item() for name in ("offset", "length", "rate")
        )
        sound = Sound(chunks.read("sounds/samples", offset, length), rate)
        if sound_digest(sound) != columns["sounds/sha256"][row].tobytes():
            yield Finding("error", "/sounds/sha256", f"sound {row} does not match its SHA-256")


def _about_maps(
    contents: Contents, chunks: ChunkReader, masked: NDArray[np.int64]
) -> Iterator[Finding]:
    """Rows that do not sum to 1; ``masked`` is set to the rows of each event that are all zeros."""
    codec = CODECS[contents.facts.codec]
    for events, stored in _event_blocks(
        contents, chunks, "maps/probabilities", "map_offset", "keys"
    ):
        keys = stored.shape[-1]
        sums = codec.decode(stored).sum(axis=-1, dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(sums).all(axis=1))
        if bad.size:
            yield Finding(
                "error", "/maps/probabilities", f"event {events[bad[0]]} holds NaN or infinity"
            )
            continue
        empty = ~stored.any(axis=-1)
        masked[events] += empty.sum(axis=1)
        off = np.where(empty, 0.0, np.abs(sums - 1)).max(axis=1)
        bad = np.flatnonzero(off > layout.ROW_TOLERANCE + codec.row_error(keys))
        if bad.size:
            yield Finding(
                "error",
                "/maps/probabilities",
                f"a row of event {events[bad[0]]} sums to 1 ± {off[bad[0]]:.3g}, "
                f"{bad.size} events in all",
            )
    if masked.any():
        rows, of = int(masked.sum()), int((masked > 0).sum())
        yield Finding(
            "notice",
            "/maps/probabilities",
            f"{rows:,} row{'s' if rows > 1 else ''} of {of:,} event{'s' if of > 1 else ''} "
            f"attend{'s' if rows == 1 else ''} to nothing: all keys are masked",
        )


def _about_selections(contents: Contents, chunks: ChunkReader) -> Iterator[Finding]:
    for events, keys in _event_blocks(
        contents, chunks, "selections/key", "selection_offset", "n_selected"
    ):
        limit = contents.tables.columns["events/keys"][events][:, None, None]
        bad = np.flatnonzero(((keys < 0) | (keys >= limit)).any(axis=(1, 2)))
        if bad.size:
            yield Finding(
                "error",
                "/selections/key",
                f"event {events[bad[0]]} selects a key that is not there, {bad.size} events in all",
            )


def _about_rows(
    contents: Contents, chunks: ChunkReader, masked: NDArray[np.int64]
) -> Iterator[Finding]:
    for events, entropy in _event_blocks(contents, chunks, "rows/entropy", "row_offset", ""):
        limit = np.log(contents.tables.columns["events/keys"][events].astype(float))[:, None, None]
        # The recorder takes rows as they are, which may sum to a little more than 1.
        fits = (entropy > -0.1) & (entropy < limit + 0.1)
        # A row that attends to nothing has no entropy.
        unknown = np.isnan(entropy)
        fits |= unknown & (unknown.sum(axis=(1, 2)) <= masked[events])[:, None, None]
        bad = np.flatnonzero(~fits.all(axis=(1, 2)))
        if bad.size:
            yield Finding(
                "error",
                "/rows/entropy",
                f"the entropy of event {events[bad[0]]} is NaN or impossible for its keys, "
                f"{bad.size} events in all",
            )
    for events, log_prob in _event_blocks(contents, chunks, "rows/log_prob", "row_offset", ""):
        bad = np.flatnonzero((log_prob > 0.01).any(axis=(1, 2)))
        if bad.size:
            yield Finding(
                "error",
                "/rows/log_prob",
                f"the log-probability of event {events[bad[0]]} is above 0, "
                f"{bad.size} events in all",
            )


def _event_blocks(
    contents: Contents, chunks: ChunkReader, path: str, offset: str, last: str
) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Bulk values of all events, many events of one shape at a time, a large one in several parts.

    Yields:
        Numbers of the events [n], and their values [n, rows, last], or some rows of one event's.
    """
    columns = contents.tables.columns
    rows = columns["events/heads"].astype(np.int64) * columns["events/queries"]
    width = columns[f"events/{last}"].astype(np.int64) if last else np.ones_like(rows)
    start = columns[f"events/{offset}"]
    order = np.argsort(start, kind="stable")
    order = order[width[order] > 0]
    if not order.size:
        return
    size = rows * width
    before, after = order[:-1], order[1:]
    follows = (start[before] + size[before] == start[after]) & (rows[before] == rows[after])
    follows &= width[before] == width[after]
    for stretch in np.split(order, np.flatnonzero(~follows) + 1):
        first = int(stretch[0])
        step = max(1, _BLOCK_VALUES // int(size[first]))
        part = max(1, min(int(rows[first]), _BLOCK_VALUES // int(width[first])))
        for begin in range(0, len(stretch), step):
            events = stretch[begin : begin + step]
            for row in range(0, int(rows[first]), part):
                count = min(part, int(rows[first]) - row) * int(width[first])
                at = int(start[events[0]]) + row * int(width[first])
                values = chunks.read(path, at, count * len(events))
                yield events, values.reshape(len(events), -1, int(width[first]))
