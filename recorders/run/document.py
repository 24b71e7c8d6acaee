"""The description of the format for people, written from ``layout``."""

from __future__ import annotations

from recorders.run import layout
from recorders.run.codec import CODECS
from recorders.run.layout import Bulk, Column, Table, Text

_INTRODUCTION = f"""# The run format

<!-- Written by `python -m recorders.run.layout > docs/run-format.md`; a test holds them equal. -->

A **run** is what a model attended to, remembered: one HDF5 file, format version
{layout.FORMAT_VERSION}. `recorders.read_run` reads it; so does any HDF5 tool, since nothing in it
needs a plugin. This page is for those who use such a tool.

A run is a handful of tables. Each table is a group, each column of it a one-dimensional dataset,
and row *i* of a table is entry *i* of each of its columns. A column that points into another table
holds row numbers there, from 0, with -1 for "none" where that is allowed. A table without rows is
left out of the file.

- **Events** are the heart: one row each time a *site* (a place in the model) attended for an
  *example* (an input) at a *step* (a glimpse, a decoded token) of a *snapshot* (a moment of
  training).
- **Bulk data** is flat. An event says where its values start and how many there are: H heads × Q
  queries × K keys probabilities from `map_offset` on, in that order. Bulk datasets consist of whole
  chunks, so between the values of two parts of a recording there may be padding that nothing
  points at.
- **Strings** are never variable-length. A column of strings is one dataset of UTF-8 bytes and one
  of offsets, as shown below.
- Columns with a *width* hold that many numbers a row, one row after another: row i of `corners` is
  `corners[4 * i : 4 * i + 4]`.
- Entropies and log-probabilities are in nats. Boxes are x0, y0, x1, y1 in pixels of the original
  image, x to the right and y down, and may reach outside it.

## Reading one event with h5py

```python
{{example}}```

## How data is stored

All datasets are chunked, byte-shuffled and deflated (the standard `shuffle` and `gzip` filters).
Bulk datasets have fixed chunks; a column has chunks of {layout.COLUMN_CHUNK:,} values, or one chunk
of its own length where it is shorter. Every group and dataset carries `encoding` and
`encoding_version` (fixed-length strings); those with a unit carry `unit`. Every column carries
`crc32`: the CRC-32 (as in zlib) of its values as little-endian bytes. Beside every bulk dataset
`NAME` lies `NAME_crc32`: the CRC-32 of each chunk as it is stored, compressed. There are only hard
links, and one name for each thing; soft and external links, external storage and virtual datasets
make a reader refuse the file. It reads a run without a table or bulk dataset that is damaged, but
for sites, examples, snapshots and events. Control and bidirectional characters in texts are shown
as their code points.

### Codecs

The root attribute `codec` says how probabilities are stored:

"""

EXAMPLE = """\
import h5py
import numpy as np


def strings(table, name):
    data, ends = table[name][:].tobytes(), table[name + "_offsets"][:]
    return [data[a:b].decode() for a, b in zip(ends[:-1], ends[1:])]


with h5py.File("run.h5") as run:
    events = run["events"]
    event = 0
    site = strings(run["sites"], "name")[events["site"][event]]
    example = strings(run["examples"], "name")[events["example"][event]]

    shape = [int(events[axis][event]) for axis in ("heads", "queries", "keys")]
    start = events["map_offset"][event]
    stored = run["maps/probabilities"][start : start + np.prod(shape)]
    probabilities = (stored.reshape(shape) / 65535.0) ** 2  # codec sqrt16
    probabilities /= probabilities.sum(axis=-1, keepdims=True)

    chosen = int(events["n_selected"][event])
    start = events["selection_offset"][event]
    selection = run["selections/key"][start : start + shape[0] * shape[1] * chosen]
    selection = selection.reshape(shape[0], shape[1], chosen)

    start = events["row_offset"][event]
    entropy = run["rows/entropy"][start : start + shape[0] * shape[1]]  # nat
"""

_PARTS = f"""
## While it is being recorded

A recording in progress, or one that was killed, is a folder `NAME.h5.parts` of files
`seg-RANK-NUMBER.h5`. Each holds the rows and chunks that were added since the one before, in this
same format with `sealed` = 0; row numbers and offsets count through all parts of a rank, padding
of the last chunks included. Reading the parts one after another is reading the run, and sealing
them copies their chunks as they are. A part appears under its name only when it is whole and on
the disk.

Beside the parts lie, for each rank, `lock-RANK`, which its process keeps locked (`flock`) as long
as it records, and `end-RANK`, written at its end with the number of its parts. Both begin with the
name of the recording (`run`), which all its parts carry too.

## Several processes

The ranks of a distributed job write their parts into one folder. Together they are one run, rank
after rank in the order of their numbers: the rows of the lowest rank keep their numbers, and each
bulk dataset is the chunks of one rank after those of another.

- *Sites* of one name are one site where all else about them agrees, *examples* of one name are one
  example where their `sha256` agrees. Otherwise the one of the higher rank R is renamed to
  `NAME@rankR`, a beam of it to `NAME@rankR/beam-B`.
- *Images* and *region sets* are the same by their `sha256`, *scalar names* by name, *snapshots* by
  training step; snapshots are in ascending order where each rank's are.
- *Events* of the same site, example, step and snapshot, *scalars* of the same name, example, step
  and snapshot, *training scalars* of the same name and snapshot, *outcomes* of the same example
  and snapshot and *later tokens* of the same example, snapshot, axis and position are kept of the
  lowest rank only.
- *Metadata* are the lowest rank's, and those of others where it has none; the sentences of
  `left_out` and `changed` are those of all ranks, with what was dropped here and which rank was
  cut off.

## Limits

A reader refuses a map of more than {layout.MAX_MAP_VALUES:,} values, a step of
{layout.MAX_STEPS:,} or more, an image of more than {layout.MAX_IMAGE_PIXELS:,} pixels, a string
column of more than {layout.MAX_TEXT_BYTES:,} bytes, metadata of more than
{layout.MAX_METADATA_BYTES:,} bytes, of a million items or nested more than 64 deep, and tables that
would take 256 MiB and a hundred times the file's size in memory. The probabilities of a row sum to
1 within {layout.ROW_TOLERANCE:g} when they are recorded (within 0.001 unless the model is in half
precision); the reader scales each row to sum to 1. A row whose keys are all masked is all zeros
and stays so.
"""


def markdown() -> str:
    """The whole page."""
    codecs = [
        f"| `{codec.name}` | `{_cell(codec.dtype)}` | {codec.doc} | {codec.max_error:g} |"
        for codec in CODECS.values()
    ]
    attributes = [
        f"| `{attribute.name}` | `{_cell(attribute.dtype)}` | {attribute.doc} |"
        for attribute in layout.ROOT
    ]
    return "\n".join(
        [
            _INTRODUCTION.replace("{example}", EXAMPLE).rstrip("\n"),
            "",
            "| codec | dtype | value | largest error |",
            "|---|---|---|---|",
            *codecs,
            "",
            "## Root attributes",
            "",
            "`S` is a fixed-length UTF-8 string.",
            "",
            "| attribute | dtype | meaning |",
            "|---|---|---|",
            *attributes,
            "",
            "## Tables",
            *(line for table in layout.TABLES for line in _table(table)),
            _PARTS.rstrip("\n"),
            "",
        ]
    )


def _table(table: Table) -> list[str]:
    return [
        "",
        f"### `/{table.name}`",
        "",
        table.doc,
        "",
        "| dataset | dtype | unit | meaning |",
        "|---|---|---|---|",
        *(_row(column) for column in (*table.columns, *table.bulks)),
    ]


def _row(column: Column | Text | Bulk) -> str:
    if isinstance(column, Text):
        return f"| `{column.name}`, `{column.name}_offsets` | `\\|u1`, `<i8` | | {column.doc} |"
    if isinstance(column, Bulk):
        dtype = f"`{_cell(column.dtype)}`" if column.dtype else "by codec"
        return (
            f"| `{column.name}`, `{column.name}_crc32` | {dtype}, `<u4` | {column.unit} | "
            f"{column.doc} Chunks of {column.chunk:,} values. |"
        )
    width = f" × {column.width}" if column.width > 1 else ""
    target = f" (row of `{column.index_of}`)" if column.index_of else ""
    return (
        f"| `{column.name}` | `{_cell(column.dtype)}`{width} | {column.unit} | "
        f"{column.doc}{target} |"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
