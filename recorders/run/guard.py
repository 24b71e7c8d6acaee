"""What makes a file unsafe or broken, found before any of its data is read.

HDF5 is used only to open a file and to learn where each chunk lies; chunks are then read with
plain system calls. So nothing of a file that this guard has passed can lead to another file, to a
pipe, or to more memory than the file's own size allows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5z
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.address import Address
from recorders.run.codec import CODECS, stored_limit
from recorders.run.errors import FlawError, RunError
from recorders.run.image import Facts
from recorders.run.layout import Dataset
from recorders.run.source import Source, SourceStream

_MAGIC = b"\x89HDF\r\n\x1a\n"
_SUPERBLOCKS = (2, 3)
_MAX_LINKS = 1_000
_MAX_ATTRIBUTE = 1 << 16


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


@dataclass(frozen=True)
class Inspected:
    """A file whose structure the guard has passed.

    Attributes:
        source: the file, open.
        facts: its root attributes; metadata is None where it is the dataset ``metadata``.
        datasets: where the data lies, by path, as ``"events/site"``.
        notices: what a reader may want to say, in sentences.
    """

    source: Source
    facts: Facts
    datasets: dict[str, Stored]
    notices: tuple[str, ...]


def inspect(source: Source) -> Inspected:
    """Check the structure of one HDF5 file of a run and find where its data lies.

    Raises:
        RunError: it is not a run, is of a newer format, or is damaged or unsafe.
    """
    address = source.address
    head = source.pread(9, 0)
    if not head.startswith(_MAGIC):
        raise RunError(f"{address} is no HDF5 file and so not a run; choose one that was recorded")
    if len(head) < 9 or head[8] not in _SUPERBLOCKS:
        raise RunError(f"{address} is not a run: no Recorder writes its version of HDF5")
    stream = SourceStream(source)
    try:
        with h5py.File(stream, "r") as file:
            return _inspect(source, file.id)
    except FlawError as flaw:
        raise RunError(f"{address}: {flaw.remedied()}") from flaw
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as problem:
        raise stream.failure or _damaged(address, problem) from problem
    except RunError:
        raise stream.failure or RunError(f"{address} cannot be read; open it again") from None


def _damaged(address: Address, problem: BaseException) -> RunError:
    return RunError(
        f"{address} is damaged or cut short ({_first_line(problem)}); record it again, "
        "or recover its parts folder if it is still there"
    )


def _first_line(problem: BaseException) -> str:
    return (str(problem).strip("'\" ").splitlines() or [type(problem).__name__])[0]


def _inspect(source: Source, file: Any) -> Inspected:
    size = source.size
    root = h5g.open(file, b"/")
    facts, notices = _facts(root)
    minor = int(facts.format_version.partition(".")[2])
    map_dtype = CODECS[facts.codec].dtype
    found: dict[str, Stored] = {}
    tables = {table.name: table for table in layout.TABLES}
    for name in _links(root, "the file"):
        if name in tables:
            group = h5o.open(root, name.encode())
            if not isinstance(group, h5g.GroupID):
                raise FlawError(f"/{name} is not a group")
            specs = {spec.name: spec for spec in layout.datasets(tables[name], map_dtype)}
            present = set(_links(group, f"/{name}"))
            for spec in specs.values():
                if spec.name not in present:
                    if spec.since > minor:
                        continue
                    raise FlawError(f"/{name} has no dataset {spec.name!r}")
                found[f"{name}/{spec.name}"] = _stored(group, f"/{name}/{spec.name}", spec, size)
            extra = sorted(present - set(specs))
            notices += [f"/{name}/{other} is unknown and was ignored" for other in extra]
        elif name == layout.METADATA.name:
            found[name] = _stored(root, f"/{name}", layout.METADATA, size)
        else:
            notices.append(f"/{name} is unknown and was ignored")
    if facts.metadata is None and layout.METADATA.name not in found:
        raise FlawError("it has no metadata")
    return Inspected(source, facts, found, tuple(notices))


def _links(group: Any, where: str) -> list[str]:
    """Names in a group, all of them hard links."""
    if group.get_num_objs() > _MAX_LINKS:
        raise FlawError(f"{where} holds more than {_MAX_LINKS} objects")
    names = []
    for name in group:
        if group.links.get_info(name).type != h5l.TYPE_HARD:
            raise FlawError(
                f"{where} has a soft or external link {_shown(name)}; "
                "a run holds none, so it is not opened"
            )
        names.append(_shown(name))
    return names


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _facts(root: Any) -> tuple[Facts, list[str]]:
    notices: list[str] = []
    if not h5a.exists(root, b"format") or _text(root, "format") != layout.FORMAT:
        raise FlawError("it is an HDF5 file, but not a run; choose one that a Recorder wrote")
    version = _text(root, "format_version")
    major, _, minor = version.partition(".")
    if not (major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit()):
        raise FlawError(f"its format version {version!r} is not major.minor")
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
    codec = _text(root, "codec")
    if codec not in CODECS:
        raise FlawError(f"its codec {codec!r} is unknown; update hardattn")
    older = int(minor) < 1
    metadata = None
    if h5a.exists(root, b"metadata"):
        metadata = parsed_metadata(_text(root, "metadata").encode())
    facts = Facts(
        producer=_text(root, "producer"),
        created=_text(root, "created"),
        codec=codec,
        sealed=bool(_number(root, "sealed")),
        run="" if older else _text(root, "run"),
        world=1 if older else int(_number(root, "world")),
        rank=int(_number(root, "rank")),
        segment=int(_number(root, "segment")),
        metadata=metadata,
        format_version=version,
    )
    return facts, notices


def parsed_metadata(data: bytes) -> dict[str, Any]:
    """The metadata of a run from its JSON.

    Raises:
        FlawError: it is not a JSON object.
    """
    try:
        metadata = json.loads(data.decode())
    except (ValueError, RecursionError) as problem:
        raise FlawError(f"its metadata is not UTF-8 JSON ({problem})") from problem
    if not isinstance(metadata, dict):
        raise FlawError("its metadata is not a JSON object")
    return metadata


def _attribute(owner: Any, name: str, where: str = "the file") -> Any:
    if not h5a.exists(owner, name.encode()):
        raise FlawError(f"{where} has no attribute {name!r}")
    attribute = h5a.open(owner, name.encode())
    dtype = attribute.dtype
    if attribute.shape != () or dtype.kind not in "Suif" or dtype.itemsize > _MAX_ATTRIBUTE:
        raise FlawError(
            f"the attribute {name!r} of {where} is not a number or a fixed-length string"
        )
    value = np.zeros((), dtype)
    attribute.read(value)
    return value[()]


def _text(owner: Any, name: str) -> str:
    value = _attribute(owner, name)
    if not isinstance(value, bytes):
        raise FlawError(f"the attribute {name!r} is not a string")
    try:
        return value.decode()
    except UnicodeDecodeError as problem:
        raise FlawError(f"the attribute {name!r} is not UTF-8") from problem


def _number(owner: Any, name: str, where: str = "the file") -> float | int:
    value = _attribute(owner, name, where)
    if isinstance(value, bytes):
        raise FlawError(f"the attribute {name!r} of {where} is not a number")
    number: float | int = value.item()
    return number


def _stored(group: Any, where: str, spec: Dataset, size: int) -> Stored:
    dataset = h5o.open(group, spec.name.encode())
    if not isinstance(dataset, h5d.DatasetID):
        raise FlawError(f"{where} is not a dataset")
    properties = dataset.get_create_plist()
    if properties.get_external_count():
        raise FlawError(f"{where} is stored in another file; a run holds all of itself")
    if properties.get_layout() == h5d.VIRTUAL:
        raise FlawError(f"{where} is put together from other files; a run holds all of itself")
    if properties.get_layout() != h5d.CHUNKED:
        raise FlawError(f"{where} is not stored in chunks")
    filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    if filters != [h5z.FILTER_SHUFFLE, h5z.FILTER_DEFLATE]:
        raise FlawError(f"{where} is not shuffled and deflated as a run's data is")
    if dataset.dtype != np.dtype(spec.dtype):
        raise FlawError(f"{where} holds {dataset.dtype} where {np.dtype(spec.dtype)} belongs")
    if len(dataset.shape) != 1:
        raise FlawError(f"{where} has {len(dataset.shape)} axes where one belongs")
    length = int(dataset.shape[0])
    chunk = int(properties.get_chunk()[0])
    if chunk != (spec.chunk or min(max(length, 1), layout.COLUMN_CHUNK)):
        raise FlawError(f"{where} has chunks of {chunk} values, which a run does not have")
    bulk = spec.encoding == "bulk"
    if bulk and length % chunk:
        raise FlawError(f"{where} does not end with a whole chunk")
    # A bulk dataset is read chunk by chunk; only what is read whole needs a limit.
    if not bulk and length * np.dtype(spec.dtype).itemsize > _column_limit(spec):
        raise FlawError(f"{where} is longer than a run's data may be")
    offsets, sizes = _chunks(dataset, where, -(-length // chunk), chunk)
    if (sizes > stored_limit(spec.dtype, chunk)).any() or (sizes < 1).any():
        raise FlawError(f"{where} has a chunk of an impossible size")
    order = np.argsort(offsets, kind="stable")
    ends = offsets[order] + sizes[order]
    if (offsets < 0).any() or (ends > size).any() or (ends[:-1] > offsets[order][1:]).any():
        raise FlawError(f"{where} has chunks that overlap or lie outside the file")
    checksum = None if bulk else int(_number(dataset, "crc32", where))
    return Stored(spec, length, chunk, offsets, sizes, checksum)


def _column_limit(spec: Dataset) -> int:
    if spec.encoding == "text":
        return layout.MAX_TEXT_BYTES
    if spec.encoding == "json":
        return layout.MAX_METADATA_BYTES
    return (layout.MAX_ROWS + 1) * np.dtype(spec.dtype).itemsize * 4


def _chunks(
    dataset: Any, where: str, expected: int, chunk: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """File offset and size of every chunk, in order; each is there exactly once and filtered."""
    seen: list[tuple[int, int, int, int]] = []

    def note(info: Any) -> None:
        seen.append((info.chunk_offset[0], info.byte_offset, info.size, info.filter_mask))

    if expected:
        dataset.chunk_iter(note)
    if len(seen) != expected:
        raise FlawError(f"{where} lacks {expected - len(seen)} of its {expected} chunks")
    table = np.array(seen, np.int64).reshape(-1, 4)
    table = table[np.argsort(table[:, 0], kind="stable")]
    if not np.array_equal(table[:, 0], np.arange(expected, dtype=np.int64) * chunk):
        raise FlawError(f"{where} has chunks that are not where they belong")
    if table[:, 3].any():
        raise FlawError(f"{where} has a chunk that skips the filters")
    return table[:, 1].copy(), table[:, 2].copy()
