"""What HDF5 says of one file, as plain data that one process can hand to another.

Nothing in here is judged: the guard does that, wherever the report was made. ``unpacked`` trusts no
byte of what it is given, since HDF5 may have been led astray in the process that it comes from.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast, get_args

import numpy as np
from numpy.typing import NDArray

Kind = Literal["group", "dataset", "other", "unopened", "soft link", "external link"]
Value = bytes | int | float
T = TypeVar("T")

_HEAD = struct.Struct("<QQ")
_MOST_FILTERS = 32


@dataclass(frozen=True, eq=False)
class StoredArray:
    """How one dataset is stored.

    Attributes:
        dtype: numpy dtype string; ``|O`` for what has no fixed length.
        shape: its lengths.
        storage: ``chunked``, ``contiguous``, ``compact``, ``virtual`` or empty for another.
        external: number of other files that it is stored in.
        filters: number and parameters of each filter.
        chunk: lengths of a chunk; empty where it has none.
        crc32: its attribute of that name, where it has one.
        table: int64 [chunks, 4]: first value, first byte in the file, bytes, filters skipped.
    """

    dtype: str
    shape: tuple[int, ...]
    storage: str
    external: int
    filters: tuple[tuple[int, tuple[int, ...]], ...]
    chunk: tuple[int, ...]
    crc32: Value | None
    table: NDArray[np.int64]


@dataclass(frozen=True)
class Node:
    """One thing in a file.

    Attributes:
        kind: what it is; ``unopened`` where nobody asked, since the format knows no such name.
        address: where it lies in the file; two names of one thing have the same. None for a link.
        problem: HDF5's words where it cannot be read.
        children: what a group holds, by name.
        array: how a dataset is stored.
    """

    kind: Kind
    address: int | None = None
    problem: str = ""
    children: Mapping[str, Node] = field(default_factory=dict)
    array: StoredArray | None = None


@dataclass(frozen=True)
class Report:
    """What HDF5 says of one file.

    Attributes:
        root: its root group.
        attributes: the root's attributes that the format knows and that are scalar.
        odd: names of known attributes that are no number and no fixed-length string.
        problem: HDF5's words where the file as a whole cannot be read, or holds far too much.
    """

    root: Node = field(default_factory=lambda: Node("group"))
    attributes: Mapping[str, Value] = field(default_factory=dict)
    odd: tuple[str, ...] = ()
    problem: str = ""


def packed(report: Report) -> bytes:
    """The report as bytes: two lengths, JSON, and all chunk tables one after another."""
    tables: list[NDArray[np.int64]] = []
    words = json.dumps(
        {
            "root": _plain_node(report.root, tables),
            "attributes": {name: _plain(value) for name, value in report.attributes.items()},
            "odd": list(report.odd),
            "problem": report.problem,
        }
    ).encode()
    numbers = b"".join(table.astype("<i8").tobytes() for table in tables)
    return _HEAD.pack(len(words), len(numbers)) + words + numbers


def unpacked(data: bytes) -> Report:
    """The report that ``packed`` made.

    Raises:
        ValueError: the bytes are no report.
    """
    try:
        words, numbers = _HEAD.unpack_from(data)
        if _HEAD.size + words + numbers != len(data) or numbers % 32:
            raise ValueError("its lengths do not fit")
        plain = json.loads(data[_HEAD.size : _HEAD.size + words])
        tables = np.frombuffer(data, "<i8", offset=_HEAD.size + words).reshape(-1, 4)
        return Report(
            _node(plain["root"], tables.astype(np.int64)),
            {_typed(name, str): _value(value) for name, value in plain["attributes"].items()},
            tuple(_typed(name, str) for name in plain["odd"]),
            _typed(plain["problem"], str),
        )
    except (struct.error, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ValueError("it is no report") from problem


def _plain_node(node: Node, tables: list[NDArray[np.int64]]) -> dict[str, Any]:
    plain: dict[str, Any] = {"kind": node.kind, "address": node.address, "problem": node.problem}
    if node.children:
        plain["children"] = {
            name: _plain_node(child, tables) for name, child in node.children.items()
        }
    if node.array is not None:
        array = node.array
        first = sum(len(table) for table in tables)
        tables.append(array.table)
        plain["array"] = {
            "dtype": array.dtype,
            "shape": array.shape,
            "storage": array.storage,
            "external": array.external,
            "filters": array.filters,
            "chunk": array.chunk,
            "crc32": _plain(array.crc32),
            "chunks": [first, len(array.table)],
        }
    return plain


def _node(plain: Any, tables: NDArray[np.int64]) -> Node:
    kind = _typed(plain["kind"], str)
    if kind not in get_args(Kind):
        raise ValueError(f"there is no {kind!r} in a file")
    array = plain.get("array")
    return Node(
        cast("Kind", kind),
        None if plain["address"] is None else _typed(plain["address"], int),
        _typed(plain["problem"], str),
        {
            _typed(name, str): _node(child, tables)
            for name, child in plain.get("children", {}).items()
        },
        None if array is None else _array(array, tables),
    )


def _array(plain: Any, tables: NDArray[np.int64]) -> StoredArray:
    first, count = _integers(plain["chunks"])
    if not 0 <= first <= first + count <= len(tables) or len(plain["filters"]) > _MOST_FILTERS:
        raise ValueError("it has chunks or filters that it does not list")
    return StoredArray(
        _typed(plain["dtype"], str),
        _integers(plain["shape"]),
        _typed(plain["storage"], str),
        _typed(plain["external"], int),
        tuple((_typed(code, int), _integers(values)) for code, values in plain["filters"]),
        _integers(plain["chunk"]),
        None if plain["crc32"] is None else _value(plain["crc32"]),
        tables[first : first + count],
    )


def _plain(value: Value | None) -> Any:
    return {"bytes": value.decode("latin-1")} if isinstance(value, bytes) else value


def _value(plain: Any) -> Value:
    if isinstance(plain, dict):
        return _typed(plain["bytes"], str).encode("latin-1")
    return _typed(plain, float) if isinstance(plain, float) else _typed(plain, int)


def _typed(value: Any, kind: type[T]) -> T:
    if type(value) is not kind:
        raise ValueError(f"{type(value).__name__} stands where {kind.__name__} belongs")
    return value


def _integers(values: Any) -> tuple[int, ...]:
    return tuple(_typed(value, int) for value in _typed(values, list))
