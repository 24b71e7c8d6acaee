"""What a run is on disk: every group, dataset, attribute, dtype and unit, defined once.

The writer creates what stands here, the guard refuses what does not, and
``python -m recorders.run.layout`` prints it as ``docs/run-format.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FORMAT = "hardattn-run"
MAJOR = 1
MINOR = 2
FORMAT_VERSION: str = f"{MAJOR}.{MINOR}"
ENCODING_VERSION = "1.0"

COLUMN_CHUNK = 65_536
"""Values in one chunk of a column; a shorter column is one chunk of its own length."""

MAP_CHUNK = 131_072
ROW_CHUNK = 16_384
BYTE_CHUNK = 131_072

DETAIL_SIZE = 1_024
"""Most rows and columns of the coarser level of a large map: more than a screen has room for."""

DETAIL_ABOVE = 1 << 22
"""Values of one head above which a level is stored; those of a smaller map are pooled in 20 ms."""

LEFT_OUT = "left_out"
CHANGED = "changed"
REMARKS = "remarks"
"""Keys of the metadata that the recorder itself writes: lists of sentences."""

BEAM = "/beam-"
"""Between the name of an example and the number of a beam of it, from 1; it is beam 0 itself."""

BEAM_PARENT = "beam_parent"
"""Scalar of a beam's step: number of the beam that it continued, of the step before."""

TARGET_AXIS = 1
"""Axis of a later token that is one of the target: what a decoder was given or wrote."""

MEMORY_AXIS = 2
"""Axis of a later token that is what a slot of memory holds."""

METADATA_ATTRIBUTE_LIMIT = 60_000
"""Bytes of metadata that still go in an attribute; HDF5 allows 64 KiB in an object header."""

ROW_TOLERANCE = 2e-2
"""How far from 1 the recorded probabilities of a row may sum (half-precision models need it)."""

MAX_ROWS = 1 << 28
MAX_STEPS = 1 << 20
MAX_TEXT_BYTES = 1 << 31
MAX_MAP_VALUES = 1 << 31
MAX_IMAGE_PIXELS = 1 << 26
MAX_SOUND_SAMPLES = 1 << 30
SOUND_RATES = (1.0, 1e7)
"""Lowest and highest samples a second of a sound."""
MAX_METADATA_BYTES = 1 << 26


@dataclass(frozen=True)
class Attribute:
    """One attribute of the root group: a fixed-length UTF-8 string or a scalar.

    Attributes:
        name: its name.
        dtype: numpy dtype string; ``"S"`` for a fixed-length string.
        doc: what it says.
        since: minor version of the format that brought it; a file of an older one lacks it.
    """

    name: str
    dtype: str
    doc: str
    since: int = 0


@dataclass(frozen=True)
class Column:
    """A column of numbers, one entry (of ``width`` numbers) for each row of its table.

    Attributes:
        name: dataset name.
        dtype: numpy dtype string, always little-endian.
        doc: what it says.
        unit: unit in words, or empty.
        width: numbers a row; a column of width w has w values a row, one row after another.
        index_of: the table that the numbers are row numbers of, or empty.
        optional: whether -1 stands for "none".
        since: minor version of the format that brought it; a file of an older one lacks it.
        default: what stands in each row of a file that lacks it.
    """

    name: str
    dtype: str
    doc: str
    unit: str = ""
    width: int = 1
    index_of: str = ""
    optional: bool = False
    since: int = 0
    default: int = 0


@dataclass(frozen=True)
class Text:
    """A column of strings: UTF-8 bytes in ``name``, row i at ``name_offsets[i] : [i + 1]``.

    Attributes:
        name: dataset name of the bytes.
        doc: what it says.
        since: minor version of the format that brought it; rows of an older file are empty.
    """

    name: str
    doc: str
    since: int = 0


@dataclass(frozen=True)
class Bulk:
    """Flat values that events and images point into, stored in whole chunks.

    Attributes:
        name: dataset name; ``name_crc32`` holds one CRC-32 for each stored chunk.
        dtype: numpy dtype string; empty where the run's codec decides.
        chunk: values in one chunk.
        doc: what it says.
        unit: unit in words, or empty.
    """

    name: str
    dtype: str
    chunk: int
    doc: str
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """One group: columns of equal length, and the bulk values that belong to them.

    Attributes:
        name: group name.
        doc: what one row is.
        columns: its columns of numbers and strings.
        bulks: its bulk datasets.
    """

    name: str
    doc: str
    columns: tuple[Column | Text, ...] = ()
    bulks: tuple[Bulk, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """One HDF5 dataset as it lies in the file.

    Attributes:
        name: name within its group.
        dtype: numpy dtype string.
        encoding: value of its ``encoding`` attribute.
        unit: value of its ``unit`` attribute; empty means no such attribute.
        chunk: values in one chunk, or 0 where the length decides.
        since: minor version of the format that brought it.
    """

    name: str
    dtype: str
    encoding: str
    unit: str = ""
    chunk: int = 0
    since: int = 0


ROOT = (
    Attribute("format", "S", f"Always `{FORMAT}`."),
    Attribute(
        "format_version",
        "S",
        f"`major.minor`, now `{FORMAT_VERSION}`. A reader refuses a newer major and reads a newer "
        "minor, which may only add.",
    ),
    Attribute("encoding", "S", f"Always `{FORMAT}`."),
    Attribute("encoding_version", "S", f"Always `{ENCODING_VERSION}`."),
    Attribute("producer", "S", "The program that recorded, with its version."),
    Attribute("created", "S", "When recording began, ISO 8601 in UTC."),
    Attribute("sealed", "|u1", "1 in a whole run, 0 in a segment of one still being recorded."),
    Attribute("codec", "S", "How probabilities are stored; see Codecs."),
    Attribute(
        "codec_max_error",
        "<f8",
        "Largest absolute difference between a stored probability and the recorded one.",
    ),
    Attribute(
        "run",
        "S",
        "Random name of this recording, the same in all its parts and all its ranks.",
        since=1,
    ),
    Attribute("world", "<i8", "Processes (ranks) that recorded it together.", since=1),
    Attribute("rank", "<i8", "Number of the process that wrote this part; 0 in a whole run."),
    Attribute("segment", "<i8", "Number of this segment among its rank's; 0 in a whole run."),
    Attribute(
        "metadata",
        "S",
        "Free facts as UTF-8 JSON: model, seed, system, mechanism, gradient, data, checkpoint … "
        f"`{LEFT_OUT}` is a list of sentences that say what was not recorded; `{CHANGED}` one of "
        f"what recording changed about the run of the model, `{REMARKS}` one of what a reader "
        "should know of the record. "
        f"Above {METADATA_ATTRIBUTE_LIMIT:,} bytes it is the dataset `/metadata` (uint8) instead.",
    ),
)

METADATA = Dataset("metadata", "|u1", "json")

SITES = Table(
    "sites",
    "One row for each place in the model where attention was recorded.",
    (
        Text("name", "Name of the site: the tap's name, or the module path."),
        Text("kind", "`glimpse`, `pointer`, `self`, `cross`, `memory`, `copy` …"),
        Text("mechanism", "How weights or choices are made: `soft`, `argmax`, `sampled` …"),
        Text("query_axis", "What a query is, for example `steps` or `tokens`."),
        Text("key_axis", "What a key is: `regions`, `tokens`, `slots`, `keys` …"),
        Text(
            "capture",
            "How it was found: `tap`, `log`, `watch`, or by a net: `transformers` (Hugging Face's "
            "attention interface), `sdpa`, `multihead`, `softmax`, `choice`.",
        ),
        Text(
            "verified",
            "What is known about whether the record is what the model used; for a site that a net "
            "found see `verifications`.",
        ),
        Text("head_indices", "Heads kept, as their numbers in the model: `0 1 5`."),
        Column("hard", "|u1", "1 where items are selected, 0 where they are blended."),
        Column("heads", "<i4", "Heads recorded at this site."),
        Column("layer", "<i4", "Layer of the model, from 0; -1 for unknown.", since=1, default=-1),
        Text("module", "Class of the module that it belongs to.", since=1),
        Text(
            "special_keys",
            "Names, parted by spaces, of the keys before the first region: `[CLS] [REG1]`.",
            since=1,
        ),
    ),
)

VERIFICATIONS = Table(
    "verifications",
    "One row for each time that more was learned about whether a site's record is what the model "
    "used: what was captured, times the values, compared with what the layer returned. Rows of "
    "one site add up.",
    (
        Column("site", "<i4", "The site.", "", 1, "sites"),
        Column("checked", "<i8", "Events compared."),
        Column("failed", "<i8", "Of these, events that did not agree."),
        Column("unchecked", "<i8", "Events that could not be compared."),
        Column("error", "<f8", "Largest absolute difference, relative to the largest output."),
        Column("tolerance", "<f8", "Difference above which an event failed."),
        Text("reason", "Why events could not be compared or did not agree, or empty."),
    ),
)

EXAMPLES = Table(
    "examples",
    "One row for each input that the model ran on.",
    (
        Text(
            "name",
            "Name of the example, unique in the run. `NAME/beam-2` is a further beam, or a further "
            "returned sequence, of the example `NAME`, which is its beam 0.",
        ),
        Column("label", "<i8", "True class; -1 for none.", optional=True),
        Column("image", "<i8", "The example's image; -1 for none.", "", 1, "images", True),
        Column(
            "region_set",
            "<i8",
            "What its region keys are; -1 for none.",
            "",
            1,
            "region_sets",
            True,
        ),
        Column("token_offset", "<i8", "Row of its first token in `tokens`."),
        Column("token_count", "<i4", "Tokens it has."),
        Column(
            "sha256",
            "|u1",
            "SHA-256 of label, image, regions and tokens, and of sound and frames where there "
            "are any.",
            "",
            32,
        ),
        Column(
            "sound",
            "<i8",
            "The example's sound; -1 for none.",
            "",
            1,
            "sounds",
            True,
            since=2,
            default=-1,
        ),
    ),
)

IMAGES = Table(
    "images",
    "One row for each different image; examples share them.",
    (
        Column("offset", "<i8", "First byte in `png`.", "byte"),
        Column("size", "<i8", "Bytes in `png`.", "byte"),
        Column("width", "<i4", "Width.", "pixel"),
        Column("height", "<i4", "Height.", "pixel"),
        Column("channels", "<i4", "1 (grey) or 3 (red, green, blue)."),
        Column("sha256", "|u1", "SHA-256 of shape and pixels.", "", 32),
    ),
    (Bulk("png", "|u1", BYTE_CHUNK, "PNG files, one after another; lossless.", "byte"),),
)

FRAMES = Table(
    "frames",
    "One row for each frame of each example that is a video; its first frame is its image too.",
    (
        Column("example", "<i8", "The example.", "", 1, "examples"),
        Column("number", "<i4", "Number of the frame in its video, from 0."),
        Column("image", "<i8", "What is seen.", "", 1, "images"),
        Column("time", "<f8", "When it is shown, from the beginning of the video.", "second"),
    ),
)

SOUNDS = Table(
    "sounds",
    "One row for each different sound; examples share them.",
    (
        Column("offset", "<i8", "First of its values in `samples`."),
        Column("length", "<i8", "Samples it has."),
        Column("rate", "<f8", "Samples a second.", "hertz"),
        Column("sha256", "|u1", "SHA-256 of rate and samples.", "", 32),
    ),
    (Bulk("samples", "<i2", BYTE_CHUNK // 2, "Samples, 32,767 for full scale; one channel."),),
)

REGION_SETS = Table(
    "region_sets",
    "One row for each different list of boxes; examples share them.",
    (
        Column("box_offset", "<i8", "Row of its first box in `boxes`."),
        Column("box_count", "<i4", "Boxes it has; key k of a `regions` site is its box k."),
        Column("sha256", "|u1", "SHA-256 of the boxes.", "", 32),
    ),
)

BOXES = Table(
    "boxes",
    "One row for each box of each region set.",
    (
        Column(
            "corners",
            "<f4",
            "x0, y0, x1, y1 in the original image; may reach outside it. Of an example with sound "
            "x is in seconds and y in hertz; of one that is neither, they are points of a plane, "
            "with x0 = x1 and y0 = y1.",
            "pixel",
            4,
        ),
        Column(
            "frame",
            "<i4",
            "Frame of the video that it lies in; -1 for all of them.",
            since=2,
            default=-1,
        ),
    ),
)

TOKENS = Table(
    "tokens",
    "One row for each token of each example.",
    (Text("text", "The token, as the model's tokenizer shows it."),),
)

LATER_TOKENS = Table(
    "later_tokens",
    "One row for each token that came to an example while the model ran: what a decoder was given "
    "or wrote; or for each time that a slot of its memory was written.",
    (
        Column("example", "<i8", "The example.", "", 1, "examples"),
        Column("snapshot", "<i4", "The snapshot.", "", 1, "snapshots"),
        Column("step", "<i4", "Step at which it was the query, from 0."),
        Column(
            "axis",
            "|u1",
            "0: it follows the example's own tokens; 1: a token of the target; 2: what a slot of "
            "memory holds from that step on.",
        ),
        Column("position", "<i4", "Its position on that axis, or number of the slot, from 0."),
        Column("id", "<i8", "Its number in the vocabulary; -1 for unknown."),
        Text("text", "The token, as the model's tokenizer shows it; may be empty."),
    ),
)

SNAPSHOTS = Table(
    "snapshots",
    "One row for each moment of training that the run follows; a run always has at least one.",
    (Column("step", "<i8", "Training step at that moment."),),
)

EVENTS = Table(
    "events",
    "One row for each time a site attended: one example, one step, one snapshot.",
    (
        Column("site", "<i4", "The site.", "", 1, "sites"),
        Column("example", "<i8", "The example.", "", 1, "examples"),
        Column("step", "<i4", "Step within the example, from 0."),
        Column("snapshot", "<i4", "The snapshot.", "", 1, "snapshots"),
        Column("heads", "<i4", "Heads H."),
        Column("queries", "<i4", "Queries Q."),
        Column("keys", "<i4", "Keys K."),
        Column("n_selected", "<i4", "Keys selected by each query, N; 0 where none are."),
        Column("map_offset", "<i8", "First of H × Q × K values in `maps/probabilities`."),
        Column("row_offset", "<i8", "First of H × Q values in `rows/log_prob`, `rows/entropy`."),
        Column("selection_offset", "<i8", "First of H × Q × N values in `selections/key`."),
        Column("temperature", "<f8", "Temperature of the distribution; NaN where not recorded."),
        Column("first_query", "<i4", "Position of the first query on its axis.", since=1),
        Column("query_stride", "<i4", "Positions from one query to the next.", since=1, default=1),
        Column("first_key", "<i4", "Position of the first key on its axis.", since=1),
        Column("first_region", "<i4", "Key that is the first region.", since=1),
        Column(
            "region_set",
            "<i8",
            "What the region keys are; -1 for the example's own.",
            "",
            1,
            "region_sets",
            True,
            since=1,
            default=-1,
        ),
        Column(
            "windows",
            "<i4",
            "Windows W that attention is confined to: the queries are those of each window in "
            "turn, Q / W of each, and the keys those of the query's own window.",
            since=1,
            default=1,
        ),
        Column("sink", "|u1", "1 where the last key is a learned sink, which no item is.", since=1),
    ),
)

MAPS = Table(
    "maps",
    "Probabilities of all events, in the order [head, query, key].",
    (),
    (Bulk("probabilities", "", MAP_CHUNK, "Stored probabilities; see Codecs."),),
)

DETAILS = Table(
    "details",
    f"One row for each event of a sealed run with more than {DETAIL_ABOVE:,} values a head: its "
    "maps once more, one value for each block of cells. A block has the smallest power of two of "
    f"queries by which they become at most {DETAIL_SIZE:,}, and of keys likewise; the last ones "
    "have what is left.",
    (
        Column("event", "<i8", "The event.", "", 1, "events"),
        Column("offset", "<i8", "First of its values in `details/probabilities`."),
    ),
    (
        Bulk(
            "probabilities",
            "<u2",
            MAP_CHUNK,
            "First the largest value of each block, then the mean, of rows scaled to sum to 1; of "
            "each the mean over heads, then every head, in the order [query, key]. Each of these "
            "2 × (1 + H) maps begins with a chunk. The codec is `sqrt16`.",
        ),
    ),
)

ROWS = Table(
    "rows",
    "One value for each head and query of each event, exact.",
    (),
    (
        Bulk("log_prob", "<f8", ROW_CHUNK, "Log-probability of the selection.", "nat"),
        Bulk(
            "entropy",
            "<f8",
            ROW_CHUNK,
            "Entropy of the exact distribution; NaN for a row whose keys are all masked.",
            "nat",
        ),
    ),
)

SELECTIONS = Table(
    "selections",
    "Selected keys of all events, in the order [head, query, choice].",
    (),
    (Bulk("key", "<i8", ROW_CHUNK, "Index of the selected key, from 0."),),
)

SCALAR_NAMES = Table(
    "scalar_names",
    "One row for each name of a scalar.",
    (
        Text(
            "name",
            "`reward`, `baseline`, `advantage`, or a name of the recorder's own; `beam_parent` is "
            "the number of the beam that a beam continued, of the step before. Of training: "
            "`loss`, `reward`, `accuracy`, `entropy` (nat), `temperature`, `gradient_variance` …",
        ),
    ),
)

SCALARS = Table(
    "scalars",
    "One row for each number that belongs to a step of an example.",
    (
        Column("name", "<i4", "What the number is.", "", 1, "scalar_names"),
        Column("example", "<i8", "The example.", "", 1, "examples"),
        Column("step", "<i4", "Step within the example, from 0."),
        Column("snapshot", "<i4", "The snapshot.", "", 1, "snapshots"),
        Column("value", "<f8", "The number, exact."),
    ),
)

TRAINING_SCALARS = Table(
    "training_scalars",
    "One row for each number that training itself told of a snapshot.",
    (
        Column("name", "<i4", "What the number is.", "", 1, "scalar_names"),
        Column("snapshot", "<i4", "The snapshot.", "", 1, "snapshots"),
        Column("value", "<f8", "The number, exact."),
    ),
)

OUTCOMES = Table(
    "outcomes",
    "One row for each example and snapshot whose result was recorded.",
    (
        Column("example", "<i8", "The example.", "", 1, "examples"),
        Column("snapshot", "<i4", "The snapshot.", "", 1, "snapshots"),
        Column("prediction", "<i8", "Predicted class; -1 for none.", optional=True),
        Column("confidence", "<f8", "Probability of the predicted class; NaN for none."),
        Column("label_probability", "<f8", "Probability of the true class; NaN for none."),
    ),
)

TABLES = (
    SITES,
    VERIFICATIONS,
    EXAMPLES,
    IMAGES,
    FRAMES,
    SOUNDS,
    REGION_SETS,
    BOXES,
    TOKENS,
    LATER_TOKENS,
    SNAPSHOTS,
    EVENTS,
    MAPS,
    DETAILS,
    ROWS,
    SELECTIONS,
    SCALAR_NAMES,
    SCALARS,
    TRAINING_SCALARS,
    OUTCOMES,
)


def bulk_paths() -> Iterator[tuple[str, Bulk]]:
    """Every bulk dataset with its path, as ``"maps/probabilities"``."""
    for table in TABLES:
        for bulk in table.bulks:
            yield f"{table.name}/{bulk.name}", bulk


def datasets(table: Table, map_dtype: str) -> Iterator[Dataset]:
    """The datasets of one table as they lie in the file.

    Args:
        table: one of ``TABLES``.
        map_dtype: dtype that the run's codec stores probabilities in.
    """
    for column in table.columns:
        if isinstance(column, Text):
            yield Dataset(column.name, "|u1", "text", since=column.since)
            offsets = f"{column.name}_offsets"
            yield Dataset(offsets, "<i8", "text-offsets", "byte", since=column.since)
        else:
            yield Dataset(column.name, column.dtype, "column", column.unit, since=column.since)
    for bulk in table.bulks:
        yield Dataset(bulk.name, bulk.dtype or map_dtype, "bulk", bulk.unit, bulk.chunk)
        yield Dataset(f"{bulk.name}_crc32", "<u4", "chunk-checksums")


if __name__ == "__main__":
    from recorders.run.document import markdown

    print(markdown(), end="")
