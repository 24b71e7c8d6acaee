"""Asking HDF5 what a file holds, without reading any of its data.

This is the only place where HDF5 opens a run to read it. It opens nothing but what the format has
a name for, and no link but a hard one.
"""

from __future__ import annotations

import io
from array import array
from typing import Any, cast

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o
from numpy.typing import NDArray

from recorders.run import layout
from recorders.run.report import Kind, Node, Report, StoredArray, Value

_MAX_LINKS = 1_000
_MAX_ATTRIBUTE = 1 << 16
_MAX_NAME = 1_000
_STORAGES = {
    h5d.CHUNKED: "chunked",
    h5d.CONTIGUOUS: "contiguous",
    h5d.COMPACT: "compact",
    h5d.VIRTUAL: "virtual",
}
_LINKS: dict[int, Kind] = {h5l.TYPE_SOFT: "soft link", h5l.TYPE_EXTERNAL: "external link"}
_PROBLEMS = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, AttributeError)


def survey(source: io.RawIOBase | io.BytesIO) -> Report:
    """What HDF5 says of a file.

    Args:
        source: the file; HDF5 reads of it what it likes.

    Returns:
        The report; what cannot be read is a problem in it, in HDF5's words.
    """
    try:
        with h5py.File(source, "r") as file:
            root = h5g.open(file.id, b"/")
            attributes: dict[str, Value] = {}
            odd = []
            for attribute in layout.ROOT:
                value, known = _attribute(root, attribute.name)
                if value is not None:
                    attributes[attribute.name] = value
                elif known:
                    odd.append(attribute.name)
            return Report(_root(root), attributes, tuple(odd))
    except _PROBLEMS as problem:
        return Report(problem=_first_line(problem))


def _root(root: Any) -> Node:
    tables = {table.name: table for table in layout.TABLES}
    children: dict[str, Node] = {}
    for name, link in _links(root).items():
        if link.kind != "unopened" or (name not in tables and name != layout.METADATA.name):
            children[name] = link
        elif name in tables:
            # A codec changes what a dataset holds, never what it is called.
            known = {spec.name for spec in layout.datasets(tables[name], "<u2")}
            children[name] = _opened(root, name, link, known)
        else:
            children[name] = _opened(root, name, link, set())
    return Node("group", h5o.get_info(root).addr, children=children)


def _links(group: Any) -> dict[str, Node]:
    """What a group has names for, nothing of it opened."""
    if group.get_num_objs() > _MAX_LINKS:
        raise ValueError(f"a group holds more than {_MAX_LINKS:,} objects")
    found: dict[str, Node] = {}
    for name in group:
        info = group.links.get_info(name)
        hard = info.type == h5l.TYPE_HARD
        kind: Kind = "unopened" if hard else _LINKS.get(info.type, "external link")
        shown = name.decode("utf-8", "backslashreplace")[:_MAX_NAME]
        found[shown] = Node(kind, int(info.u) if hard else None)
    return found


def _opened(group: Any, name: str, link: Node, known: set[str]) -> Node:
    """A group with what it holds, of which only what is ``known`` is opened; or a dataset."""
    try:
        thing = h5o.open(group, name.encode())
        if isinstance(thing, h5g.GroupID):
            children = {
                inner: _opened(thing, inner, node, set())
                if inner in known and node.kind == "unopened"
                else node
                for inner, node in (_links(thing) if known else {}).items()
            }
            return Node("group", link.address, children=children)
        if isinstance(thing, h5d.DatasetID):
            return Node("dataset", link.address, array=_stored(thing))
        return Node("other", link.address)
    except _PROBLEMS as problem:
        return Node("other", link.address, problem=_first_line(problem))


def _stored(dataset: Any) -> StoredArray:
    properties = dataset.get_create_plist()
    storage = _STORAGES.get(properties.get_layout(), "")
    shape = tuple(int(length) for length in dataset.shape)
    chunked = storage == "chunked"
    filters = [properties.get_filter(number) for number in range(properties.get_nfilters())]
    crc32, _ = _attribute(dataset, "crc32")
    return StoredArray(
        dataset.dtype.str,
        shape,
        storage,
        int(properties.get_external_count()),
        tuple((int(one[0]), tuple(int(value) for value in one[2])) for one in filters),
        tuple(int(length) for length in properties.get_chunk()) if chunked else (),
        crc32,
        _chunks(dataset) if chunked and len(shape) == 1 else np.zeros((0, 4), np.int64),
    )


def _chunks(dataset: Any) -> NDArray[np.int64]:
    seen = array("q")

    def note(info: Any) -> None:
        seen.extend((info.chunk_offset[0], info.byte_offset, info.size, info.filter_mask))

    if dataset.shape[0]:
        dataset.chunk_iter(note)
    return np.frombuffer(seen, np.int64).reshape(-1, 4)


def _attribute(owner: Any, name: str) -> tuple[Value | None, bool]:
    """A scalar attribute, or None; and whether there is one of that name."""
    if not h5a.exists(owner, name.encode()):
        return None, False
    attribute = h5a.open(owner, name.encode())
    dtype = attribute.dtype
    if attribute.shape != () or dtype.kind not in "Suif" or dtype.itemsize > _MAX_ATTRIBUTE:
        return None, True
    value = np.zeros((), dtype)
    attribute.read(value)
    return cast("Value", value.item()), True


def _first_line(problem: BaseException) -> str:
    words = (str(problem).strip("'\" ").splitlines() or [""])[0]
    return words[:_MAX_NAME] or type(problem).__name__
