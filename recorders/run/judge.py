"""Whether what HDF5 says of a file is what a run may look like, and what of it can be read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.codec import CODECS, stored_limit
from recorders.run.errors import FlawError, UnsafeError
from recorders.run.facts import Facts, parsed_metadata
from recorders.run.layout import Dataset, Table
from recorders.run.report import Node, Report, StoredArray

_MAX_WORLD = 1 << 16
_SHUFFLE, _DEFLATE = 2, 1
"""Numbers of HDF5's own two filters that a run's data passes through."""

_FREE_BYTES = 256 << 20
_MOST_RATIO = 100
"""What is read whole on opening may inflate to this much, and this many times the file's size."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Where one dataset's chunks lie in the file.

    Attributes:
        spec: what the layout says of it.
        length: number of values.
        chunk: values in one chunk.
        offsets: int64 [chunks], first byte of each chunk in the file.
        sizes: int64 [chunks], bytes of each chunk.
        crc32: checksum of the column's bytes, or None where there is none.
    """

    spec: Dataset
    length: int
    chunk: int
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    crc32: int | None


@dataclass(frozen=True, eq=False)
class Judged:
    """A file that may be read, and what of it cannot.

    Attributes:
        facts: its root attributes; metadata is None where it is the dataset ``metadata``.
        datasets: where the data lies, by path, as ``"events/site"``.
        flaws: what is wrong with a table (``"outcomes"``) or a bulk dataset
            (``"maps/probabilities"``) that cannot be read.
        notices: what a reader may want to say, in sentences.
    """

    facts: Facts
    datasets: dict[str, Stored] = field(default_factory=dict)
    flaws: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def judged(report: Report, size: int) -> Judged:
    """Judge what HDF5 says of a file.

    Args:
        report: what it says; nothing of it is believed.
        size: bytes of the file.

    Raises:
        UnsafeError: the file holds what may lead a reader astray.
        FlawError: it is no run, is of a newer format, or is damaged as a whole.
    """
    found = Judged(*_facts(report))
    _check_links("the file", report.root, {report.root.address})
    minor = int(found.facts.format_version.partition(".")[2])
    for table in layout.TABLES:
        node = report.root.children.get(table.name)
        if node is not None:
            _judge_table(table, node, minor, size, found)
    node = report.root.children.get(layout.METADATA.name)
    if node is not None and found.facts.metadata is None:
        found.datasets["metadata"] = _stored("/metadata", node, layout.METADATA, size)
    elif found.facts.metadata is None:
        raise FlawError("it has no metadata")
    known = {layout.METADATA.name, *(table.name for table in layout.TABLES)}
    found.notices.extend(
        f"/{name} is unknown and was ignored" for name in report.root.children if name not in known
    )
    _check_apart(found.datasets, size)
    return found


def _check_links(where: str, node: Node, seen: set[int | None]) -> None:
    """Every name is a hard link to something that has no other name."""
    for name, child in node.children.items():
        if child.kind in ("soft link", "external link"):
            raise UnsafeError(
                f"{where} has a soft or external link {name}; a run holds none, take a fresh copy"
            )
        if child.address in seen or child.address is None:
            raise UnsafeError(
                f"{where} has the name {name} for what has another name already; a run does not, "
                "take a fresh copy"
            )
        seen.add(child.address)
    for name, child in node.children.items():
        _check_links(f"/{name}", child, seen)


def _judge_table(table: Table, node: Node, minor: int, size: int, found: Judged) -> None:
    if node.kind != "group":
        found.flaws[table.name] = f"/{table.name} is not a group{_in_words(node)}"
        return
    map_dtype = CODECS[found.facts.codec].dtype
    specs = {spec.name: spec for spec in layout.datasets(table, map_dtype)}
    bulks = {bulk.name for bulk in table.bulks}
    for spec in specs.values():
        path = f"{table.name}/{spec.name}"
        bulk = spec.name.removesuffix("_crc32")
        # A bulk dataset is lost for itself, a column with its whole table.
        part = f"{table.name}/{bulk}" if bulk in bulks else table.name
        try:
            child = node.children.get(spec.name)
            if child is not None:
                found.datasets[path] = _stored(f"/{path}", child, spec, size)
            elif spec.since <= minor:
                raise FlawError(f"/{table.name} has no dataset {spec.name!r}")
        except UnsafeError:
            raise
        except FlawError as flaw:
            found.flaws.setdefault(part, str(flaw))
    found.notices.extend(
        f"/{table.name}/{other} is unknown and was ignored"
        for other in sorted(set(node.children) - set(specs))
    )


def _facts(report: Report) -> tuple[Facts, dict[str, Stored], dict[str, str], list[str]]:
    notices: list[str] = []
    if report.attributes.get("format") != layout.FORMAT.encode():
        raise FlawError("it is an HDF5 file, but not a run; choose one that a Recorder wrote")
    version = _text(report, "format_version")
    major, _, minor = version.partition(".")
    if not (major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit()):
        raise FlawError(f"its format version {version[:16]!r} is not major.minor")
    if len(version) > 16 or int(major) > layout.MAJOR:
        raise FlawError(
            f"it is of run format {version[:16]}, newer than this program reads "
            f"({layout.FORMAT_VERSION}); update hardattn"
        )
    if int(major) < layout.MAJOR:
        raise FlawError(f"it is of run format {version}, older than this program reads")
    if int(minor) > layout.MINOR:
        notices.append(
            f"recorded in run format {version}, newer than this program's {layout.FORMAT_VERSION}: "
            "what it adds is not shown"
        )
    codec = _text(report, "codec")
    if codec not in CODECS:
        raise FlawError(f"its codec {codec[:32]!r} is unknown; update hardattn")
    older = int(minor) < 1
    metadata = None
    if "metadata" in report.attributes or "metadata" in report.odd:
        metadata = parsed_metadata(_text(report, "metadata").encode())
    facts = Facts(
        producer=_text(report, "producer"),
        created=_text(report, "created"),
        codec=codec,
        sealed=bool(_number(report, "sealed")),
        run="" if older else _text(report, "run"),
        world=1 if older else _number(report, "world"),
        rank=_number(report, "rank"),
        segment=_number(report, "segment"),
        metadata=metadata,
        format_version=version,
    )
    if not 1 <= facts.world <= _MAX_WORLD:
        raise FlawError(f"it was recorded by {facts.world} processes, which cannot be")
    return facts, {}, {}, notices


def _attribute(report: Report, name: str) -> bytes | int | float:
    if name in report.odd:
        raise FlawError(
            f"the attribute {name!r} of the file is not a number or a fixed-length string"
        )
    if name not in report.attributes:
        raise FlawError(f"the file has no attribute {name!r}")
    return report.attributes[name]


def _text(report: Report, name: str) -> str:
    value = _attribute(report, name)
    if not isinstance(value, bytes):
        raise FlawError(f"the attribute {name!r} is not a string")
    try:
        return value.decode()
    except UnicodeDecodeError as problem:
        raise FlawError(f"the attribute {name!r} is not UTF-8") from problem


def _number(report: Report, name: str) -> int:
    value = _attribute(report, name)
    if not isinstance(value, int):
        raise FlawError(f"the attribute {name!r} of the file is not a whole number")
    return value


def _stored(where: str, node: Node, spec: Dataset, size: int) -> Stored:
    array = node.array
    if node.kind != "dataset" or array is None:
        raise FlawError(f"{where} is not a dataset{_in_words(node)}")
    dtype = np.dtype(spec.dtype)
    _check_storage(where, array, dtype)
    length, chunk = array.shape[0], array.chunk[0]
    if length < 0 or chunk != (spec.chunk or min(max(length, 1), layout.COLUMN_CHUNK)):
        raise FlawError(f"{where} has chunks of {chunk} values, which a run does not have")
    bulk = spec.encoding == "bulk"
    if bulk and length % chunk:
        raise FlawError(f"{where} does not end with a whole chunk")
    # A bulk dataset is read chunk by chunk; only what is read whole needs a limit.
    if not bulk and length * dtype.itemsize > _column_limit(spec):
        raise FlawError(f"{where} is longer than a run's data may be")
    offsets, sizes = _chunks(where, array, -(-length // chunk))
    if (sizes > stored_limit(spec.dtype, chunk)).any() or (sizes < 1).any():
        raise UnsafeError(f"{where} has a chunk of an impossible size")
    # offset <= size - length cannot overflow where offset + length could.
    if (offsets < 0).any() or (offsets > size - sizes).any():
        raise UnsafeError(f"{where} has chunks that overlap or lie outside the file")
    if not bulk and not isinstance(array.crc32, int):
        raise FlawError(f"{where} has no checksum")
    checksum = array.crc32 if isinstance(array.crc32, int) and not bulk else None
    return Stored(spec, length, chunk, offsets, sizes, checksum)


def _check_storage(where: str, array: StoredArray, dtype: np.dtype[np.generic]) -> None:
    if array.external:
        raise UnsafeError(f"{where} is stored in another file; a run holds all of itself")
    if array.storage == "virtual":
        raise UnsafeError(f"{where} is put together from other files; a run holds all of itself")
    if array.storage != "chunked":
        raise FlawError(f"{where} is not stored in chunks")
    if array.dtype != dtype.str:
        raise FlawError(f"{where} holds {array.dtype[:32]} where {dtype.str} belongs")
    if len(array.shape) != 1 or len(array.chunk) != 1:
        raise FlawError(f"{where} has {len(array.shape)} axes where one belongs")
    codes = [code for code, _ in array.filters]
    if codes != [_SHUFFLE, _DEFLATE]:
        raise FlawError(f"{where} is not shuffled and deflated as a run's data is")
    if array.filters[0][1][:1] != (dtype.itemsize,):
        raise FlawError(f"{where} is shuffled as if its values were of another size")


def _column_limit(spec: Dataset) -> int:
    if spec.encoding == "text":
        return layout.MAX_TEXT_BYTES
    if spec.encoding == "json":
        return layout.MAX_METADATA_BYTES
    return (layout.MAX_ROWS + 1) * np.dtype(spec.dtype).itemsize * 4


def _chunks(
    where: str, array: StoredArray, expected: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """File offset and size of every chunk, in order; each is there exactly once and filtered."""
    table = array.table
    if len(table) != expected:
        raise FlawError(f"{where} lacks {expected - len(table)} of its {expected} chunks")
    table = table[np.argsort(table[:, 0], kind="stable")]
    starts = np.arange(expected, dtype=np.int64) * array.chunk[0]
    if not np.array_equal(table[:, 0], starts):
        raise FlawError(f"{where} has chunks that are not where they belong")
    if table[:, 3].any():
        raise UnsafeError(f"{where} has a chunk that skips the filters")
    return table[:, 1].copy(), table[:, 2].copy()


def _check_apart(datasets: dict[str, Stored], size: int) -> None:
    """No two chunks of the file share a byte, and what is read whole fits into memory."""
    offsets = np.concatenate([np.zeros(0, np.int64), *(one.offsets for one in datasets.values())])
    sizes = np.concatenate([np.zeros(0, np.int64), *(one.sizes for one in datasets.values())])
    order = np.argsort(offsets, kind="stable")
    ends = offsets[order] + sizes[order]
    if (ends[:-1] > offsets[order][1:]).any():
        raise UnsafeError("it has chunks that overlap or lie outside the file")
    whole = sum(
        one.length * np.dtype(one.spec.dtype).itemsize
        for one in datasets.values()
        if one.spec.encoding != "bulk"
    )
    if whole > _FREE_BYTES + _MOST_RATIO * size:
        raise UnsafeError(
            f"its tables would take {whole >> 20:,} MB of memory, far more than a file of its "
            "size holds"
        )


def _in_words(node: Node) -> str:
    return f" ({node.problem})" if node.problem else ""
