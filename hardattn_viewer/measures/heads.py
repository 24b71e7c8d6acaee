"""Numbers that tell the heads of a model apart, row by row and as a mean over queries.

Every function but ``mean_over_queries`` returns one number for each query. A row that holds a NaN,
or nothing but zeros (all its keys are masked), has none: NaN. Where ``known`` is given, it is what
``known_rows`` returned for the same weights.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardattn_viewer.measures.comparing import jensen_shannon
from hardattn_viewer.measures.distributions import Floats

Positions = NDArray[np.int64]
Known = NDArray[np.bool_] | None


@dataclass(frozen=True)
class Axes:
    """Where the queries and keys of a map lie on the axis that they share.

    Attributes:
        queries: number of queries.
        keys: number of keys.
        first_query: position of the first query.
        query_stride: positions from one query to the next.
        first_key: position of the first key.
        sink: whether the last key is a learned sink, which has no position.
    """

    queries: int
    keys: int
    first_query: int = 0
    query_stride: int = 1
    first_key: int = 0
    sink: bool = False

    @property
    def query_positions(self) -> Positions:
        """int64 [queries]."""
        return self.first_query + self.query_stride * np.arange(self.queries, dtype=np.int64)

    @property
    def items(self) -> int:
        """Number of keys that have a position."""
        return self.keys - 1 if self.sink else self.keys


def known_rows(weights: ArrayLike) -> NDArray[np.bool_]:
    """Which rows say anything: no NaN, and more than zeros.

    Args:
        weights: [..., queries, keys].

    Returns:
        bool [..., queries].
    """
    # A NaN anywhere makes the sum NaN, which is not above zero.
    return np.asarray(np.sum(weights, axis=-1) > 0)


def mean_over_queries(rows: ArrayLike) -> Floats:
    """Mean (1/n) Σ_q x_q over the n queries that have a number.

    Args:
        rows: [..., queries], NaN for none.

    Returns:
        float64 [...]; NaN where no query has a number.
    """
    values = np.asarray(rows, dtype=np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=-1))


def choice_weights(selection: ArrayLike, keys: int) -> NDArray[np.float32]:
    """What a hard choice looks at, as weights: 1/n on each of its n different keys.

    Args:
        selection: int [..., chosen]; −1 stands for none, and a key named twice counts once.
        keys: number of keys.

    Returns:
        float32 [..., keys]; all zeros where nothing was chosen.

    Raises:
        IndexError: a chosen key is outside the row.
    """
    chosen = np.asarray(selection, dtype=np.int64)
    if bool(((chosen < -1) | (chosen >= keys)).any()):
        raise IndexError(f"a chosen key is outside 0 … {keys - 1}")
    # One column more than keys: that is where "none" goes, to be cut off.
    marked = np.zeros((*chosen.shape[:-1], keys + 1), dtype=np.float32)
    np.put_along_axis(marked, np.where(chosen < 0, keys, chosen), 1.0, axis=-1)
    weights = marked[..., :keys]
    count = weights.sum(axis=-1, keepdims=True)
    return np.asarray(weights / np.maximum(count, 1), dtype=np.float32)


def row_entropy(weights: ArrayLike) -> Floats:
    """Shannon entropy H = −Σ_k p_k log₂ p_k, with 0 log 0 = 0 (Shannon 1948, theorem 2).

    Args:
        weights: [..., queries, keys]; each row sums to one.

    Returns:
        float64 [..., queries] in bits: 0 for one key alone up to log₂(keys) for even rows.
    """
    rows = np.asarray(weights)
    logs = np.log2(np.where(rows > 0, rows, 1))
    logs *= rows
    # Taken from zero, so that a row with one key alone has 0.0 and not −0.0.
    return _where_known(0.0 - np.sum(logs, axis=-1, dtype=np.float64), rows)


def top_two(weights: ArrayLike, known: Known = None) -> tuple[Floats, Floats]:
    """The largest and the second largest weight of each row; the latter is 0 for a single key.

    Args:
        weights: [..., queries, keys].
        known: see above.

    Returns:
        Two float64 [..., queries] in [0, 1], p₁ ≥ p₂. p₁ is the hardness of a row, p₁ − p₂ its
        margin.
    """
    known = known_rows(weights) if known is None else known
    rows = np.array(weights, copy=True)
    at = rows.argmax(axis=-1)[..., None]
    first = np.take_along_axis(rows, at, axis=-1)[..., 0].astype(np.float64)
    np.put_along_axis(rows, at, 0, axis=-1)
    second = rows.max(axis=-1).astype(np.float64)
    return _where_known(first, rows, known), _where_known(second, rows, known)


def mass_on_keys(weights: ArrayLike, keys: NDArray[np.bool_], known: Known = None) -> Floats:
    """Mass Σ_{k ∈ K} p_k that each query puts on a set K of keys.

    Args:
        weights: [..., queries, keys]; each row sums to one.
        keys: bool [keys], which keys are in K.
        known: see above.

    Returns:
        float64 [..., queries] in [0, 1].
    """
    rows = np.asarray(weights)
    return _where_known(rows[..., keys].sum(axis=-1, dtype=np.float64), rows, known)


def mass_at_offset(weights: ArrayLike, axes: Axes, offset: int, known: Known = None) -> Floats:
    """Mass p[k(q)] on the key that lies ``offset`` positions from each query.

    With 0 that is the mass on the diagonal, with −1 on the previous token (Clark et al. 2019,
    "What Does BERT Look At?", section 3.1).

    Args:
        weights: [..., queries, keys]; each row sums to one.
        axes: where they lie.
        offset: position of the key minus that of the query.
        known: see above.

    Returns:
        float64 [..., queries] in [0, 1]; NaN where the keys hold no such position.
    """
    rows = np.asarray(weights)
    key = axes.query_positions + offset - axes.first_key
    there = (key >= 0) & (key < axes.items)
    at = np.where(there, key, 0)
    found = rows[..., np.arange(axes.queries), at].astype(np.float64)
    return _where_known(np.where(there, found, np.nan), rows, known)


def mean_distance(weights: ArrayLike, axes: Axes, known: Known = None) -> Floats:
    """Mean distance Σ_k p_k |q − k| / Σ_k p_k between a query and the keys it looks at.

    Vig & Belinkov 2019, "Analyzing the Structure of Attention in a Transformer Language Model",
    equation 5, for each query. A sink has no position and is left out of both sums.

    Args:
        weights: [..., queries, keys].
        axes: where they lie.
        known: see above.

    Returns:
        float64 [..., queries] in positions; NaN where all mass is on the sink.
    """
    rows = np.asarray(weights)
    # |q − k| depends on nothing but q − k: every row is a window of one long line.
    span = axes.query_stride * (axes.queries - 1)
    start = axes.first_query - axes.first_key + span
    line = np.abs(start - np.arange(span + axes.items)).astype(rows.dtype)
    apart = np.lib.stride_tricks.sliding_window_view(line, axes.items)
    apart = apart[::-1][:: axes.query_stride]
    placed = rows[..., : axes.items]
    total = np.einsum("...qk,qk->...q", placed, apart).astype(np.float64)
    mass = placed.sum(axis=-1).astype(np.float64)
    found = np.divide(total, mass, out=np.full(total.shape, np.nan), where=mass > 0)
    return _where_known(found, rows, known)


def disagreement(a: ArrayLike, b: ArrayLike) -> Floats:
    """Jensen–Shannon divergence of each row in two runs; see ``jensen_shannon``.

    Args:
        a: [..., queries, keys]; each row sums to one.
        b: the same of the other run, over the same queries and keys.

    Returns:
        float64 [..., queries] in bits, from 0 (equal) to 1 (no key in common).

    Raises:
        ValueError: they are not over the same queries and keys.
    """
    first, second = np.asarray(a), np.asarray(b)
    if first.shape[-2:] != second.shape[-2:]:
        raise ValueError(
            f"A has {first.shape[-2]} queries × {first.shape[-1]} keys and B has "
            f"{second.shape[-2]} × {second.shape[-1]}; only the same ones can be compared"
        )
    known = known_rows(first) & known_rows(second)
    return np.where(known, jensen_shannon(first, second), np.nan)


def _where_known(values: ArrayLike, rows: NDArray[np.floating], known: Known = None) -> Floats:
    return np.where(known_rows(rows) if known is None else known, values, np.nan)
