"""What a reader hands out about a run's sites, examples, snapshots and outcomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

from recorders.run.tables import Tables

_SITE_TEXTS = ("name", "kind", "mechanism", "query_axis", "key_axis", "capture", "verified")

T = TypeVar("T")


@dataclass(frozen=True)
class Site:
    """A place in the model where attention was recorded.

    Attributes:
        index: its number in ``run.sites``.
        name: the tap's name, or the module path.
        kind: ``glimpse``, ``pointer``, ``self``, ``cross`` …
        mechanism: ``soft``, ``argmax``, ``sampled`` …
        hard: whether items are selected there (and not blended).
        heads: number of heads recorded.
        query_axis: what a query is.
        key_axis: what a key is: ``regions``, ``tokens`` …
        capture: how it was found: ``tap``, ``log``, ``watch``.
        verified: what is known about whether the record is what the model used.
        head_indices: the recorded heads' numbers in the model.
        layer: layer of the model, from 0; -1 for unknown.
        module: class of the module that it belongs to; may be empty.
        special_keys: names of the keys before the first region: ``[CLS]`` …
    """

    index: int
    name: str
    kind: str
    mechanism: str
    hard: bool
    heads: int
    query_axis: str
    key_axis: str
    capture: str
    verified: str
    head_indices: tuple[int, ...]
    layer: int = -1
    module: str = ""
    special_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """One time that a site attended: how large the event is, and where it lies on its axes.

    Attributes:
        heads: heads recorded.
        queries: queries recorded.
        keys: keys of each query.
        first_query: position of the first query on its axis.
        query_stride: positions from one query to the next.
        first_key: position of the first key on its axis.
        first_region: key that is the first region.
        region_set: number of the boxes that belong to this event; -1 for the example's own.
        windows: windows that attention is confined to, 1 for none.
        sink: whether the last key is a learned sink, which no item is.
        temperature: temperature of the distribution; NaN where not recorded.
        n_regions: boxes that its region keys have, of its own or of the example; 0 for none.
    """

    heads: int
    queries: int
    keys: int
    first_query: int = 0
    query_stride: int = 1
    first_key: int = 0
    first_region: int = 0
    region_set: int = -1
    windows: int = 1
    sink: bool = False
    temperature: float = math.nan
    n_regions: int = 0


@dataclass(frozen=True)
class LaterToken:
    """A token that came to an example while the model ran.

    Attributes:
        step: step at which it was the query, from 0.
        axis: 0: it follows the example's own tokens; 1: a token of the target.
        position: its position on that axis, from 0.
        id: its number in the vocabulary; -1 for unknown.
        text: as the model's tokenizer shows it; may be empty.
    """

    step: int
    axis: int
    position: int
    id: int
    text: str


@dataclass(frozen=True)
class Example:
    """An input that the model ran on.

    Attributes:
        index: its number in ``run.examples``.
        name: its name, unique in the run.
        label: true class, or None.
        image_size: width and height in pixels, or None.
        n_regions: boxes that it has; 0 for none.
        n_tokens: tokens that it has; 0 for none.
        sha256: hexadecimal SHA-256 of label, image, regions and tokens: equal in two runs where
            these are equal.
    """

    index: int
    name: str
    label: int | None
    image_size: tuple[int, int] | None
    n_regions: int
    n_tokens: int
    sha256: str


@dataclass(frozen=True)
class Snapshot:
    """A moment of training.

    Attributes:
        index: its number in ``run.snapshots``.
        step: training step.
    """

    index: int
    step: int


@dataclass(frozen=True)
class Outcome:
    """What the model answered for an example.

    Attributes:
        prediction: predicted class, or None.
        confidence: probability of the predicted class in [0, 1], or None.
        label_probability: probability of the true class in [0, 1], or None.
    """

    prediction: int | None
    confidence: float | None
    label_probability: float | None


class Rows(Sequence[T], Generic[T]):
    """A sequence whose items are made when asked for."""

    def __init__(self, length: int, item: Callable[[int], T]) -> None:
        self._length = length
        self._item = item

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._item(row) for row in range(*index.indices(self._length))]
        return self._item(range(self._length)[index])


def site_record(tables: Tables, row: int, verified: str = "") -> Site:
    """The site in row ``row`` of a run's tables; ``verified`` is what its checks say, if any."""
    text = {name: tables.texts[f"sites/{name}"][row] for name in _SITE_TEXTS}
    text["verified"] = verified or text["verified"]
    kept = tables.texts["sites/head_indices"][row].split()
    return Site(
        index=row,
        hard=bool(tables.columns["sites/hard"][row]),
        heads=int(tables.columns["sites/heads"][row]),
        head_indices=tuple(int(head) for head in kept if head.isdecimal()),
        layer=int(tables.columns["sites/layer"][row]),
        module=tables.texts["sites/module"][row],
        special_keys=tuple(tables.texts["sites/special_keys"][row].split()),
        **text,
    )


def example_record(tables: Tables, row: int) -> Example:
    """The example in row ``row`` of a run's tables."""
    columns = tables.columns
    label = int(columns["examples/label"][row])
    image = int(columns["examples/image"][row])
    regions = int(columns["examples/region_set"][row])
    size = None
    if image >= 0:
        size = int(columns["images/width"][image]), int(columns["images/height"][image])
    return Example(
        index=row,
        name=tables.texts["examples/name"][row],
        label=None if label < 0 else label,
        image_size=size,
        n_regions=int(columns["region_sets/box_count"][regions]) if regions >= 0 else 0,
        n_tokens=int(columns["examples/token_count"][row]),
        sha256=columns["examples/sha256"][row].tobytes().hex(),
    )
