"""What one site did at one step, ready to be written, and what is known about the site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SiteFacts:
    """What is known about a site before its first event.

    Attributes:
        kind: ``glimpse``, ``pointer``, ``self`` …
        mechanism: ``soft``, ``argmax``, ``sampled`` …
        key_axis: what a key is.
        query_axis: what a query is.
        capture: how it was found.
        verified: what is known about whether the record is what the model used.
        layer: layer of the model, from 0; -1 for unknown.
        module: class of the module that it belongs to.
        special_keys: names of the keys before the first region.
    """

    kind: str = ""
    mechanism: str = ""
    key_axis: str = "keys"
    query_axis: str = "queries"
    capture: str = "log"
    verified: str = "as logged by the caller"
    layer: int = -1
    module: str = ""
    special_keys: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Block:
    """Events of one site at one step that differ in nothing but the example.

    Attributes:
        rows: int64 [n], rows of the open batch that they are of.
        probabilities: float32 or float64 [n, heads, queries, keys].
        log_prob: float64 [n, heads, queries], nat; NaN where unknown.
        entropy: float64 [n, heads, queries], nat.
        selection: int64 [n, heads, queries, n_selected], or None where attention blends.
        temperature: of the distribution, one or [n]; NaN where unknown.
        first_query: position of the first query on its axis.
        query_stride: positions from one query to the next.
        first_key: position of the first key on its axis.
        first_region: key that is the first region.
        boxes: float32 [regions, 4], what the region keys are; None for the example's own.
        windows: windows that attention is confined to.
        sink: whether the last key is a learned sink.
        beam: number of the beam that the rows are; 0 for the examples themselves.
    """

    rows: NDArray[np.int64]
    probabilities: NDArray[np.floating[Any]]
    log_prob: NDArray[np.float64]
    entropy: NDArray[np.float64]
    selection: NDArray[np.int64] | None = None
    temperature: float | NDArray[np.float64] = float("nan")
    first_query: int = 0
    query_stride: int = 1
    first_key: int = 0
    first_region: int = 0
    boxes: NDArray[np.float32] | None = None
    windows: int = 1
    sink: bool = False
    beam: int = 0
