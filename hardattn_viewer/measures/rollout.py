"""How attention adds up over layers: rollout, and the largest flow from inputs to a query."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hardattn_viewer.measures.distributions import Floats, rows_of

SATURATED = 1e-12
"""Capacity below which an edge carries nothing more."""


def rollout(maps: Sequence[ArrayLike], *, residual: float = 0.5) -> Floats:
    """What each query takes from each input, if what layers pass on adds up like their weights.

    The product of the layers' maps, the last on the left, each mixed with the identity for the
    residual stream: Abnar & Zuidema 2020, Quantifying attention flow in transformers,
    arXiv:2005.00928, equation 1.

    Args:
        maps: one ``[heads, positions, positions]`` or ``[positions, positions]`` a layer, from the
            first up; heads are averaged.
        residual: share of the residual stream in each layer, from 0 to 1.

    Returns:
        float64 ``[positions, positions]``, rows are queries of the last layer and sum to one.

    Raises:
        ValueError: there is no layer, a map is not square, maps differ in size, or the share lies
            outside 0 to 1.
    """
    mixed = with_residual(maps, residual=residual)
    found = mixed[0]
    for layer in mixed[1:]:
        found = layer @ found
    return found


def with_residual(maps: Sequence[ArrayLike], *, residual: float = 0.5) -> list[Floats]:
    """Each layer's mean over heads mixed with the identity, rows scaled to sum to one.

    Args:
        maps: as for :func:`rollout`.
        residual: share of the identity; a row that attends nowhere keeps to itself wholly.

    Raises:
        ValueError: as for :func:`rollout`.
    """
    if not 0 <= residual <= 1:
        raise ValueError(f"the share of the residual stream lies between 0 and 1, not {residual}")
    means = [rows_of(one) for one in maps]
    means = [one.mean(0) if one.ndim == 3 else one for one in means]
    shapes = {one.shape for one in means}
    if len(shapes) != 1 or any(len(shape) != 2 or shape[0] != shape[1] for shape in shapes):
        raise ValueError(
            "attention adds up over layers only where each maps the same positions to themselves; "
            f"these are {', '.join(str(np.shape(one)) for one in maps) or 'none'}"
        )
    found = []
    for mean in means:
        mixed = residual * np.eye(len(mean)) + (1 - residual) * mean
        total = mixed.sum(-1, keepdims=True)
        mixed = np.where(total > 0, mixed / np.where(total > 0, total, 1), np.eye(len(mean)))
        found.append(mixed)
    return found


def attention_flow(maps: Sequence[ArrayLike], *, query: int, residual: float = 0.5) -> Floats:
    """The most that can flow from each input to one query of the last layer.

    Weights mixed with the identity are capacities of edges between neighbouring layers, and each
    input alone is the other end: Abnar & Zuidema 2020, arXiv:2005.00928. Found by
    Dinic's algorithm (Dinitz 1970).

    Args:
        maps: as for :func:`rollout`.
        query: position in the last layer; negative ones are counted from the end.
        residual: as for :func:`rollout`.

    Returns:
        float64 ``[positions]`` from 0 to 1; they need not sum to one.

    Raises:
        ValueError: as for :func:`rollout`.
        IndexError: there is no such query.
    """
    mixed = with_residual(maps, residual=residual)
    count = len(mixed[0])
    if not -count <= query < count:
        raise IndexError(f"there is no query {query}: the maps have {count}, from 0")
    top = len(mixed) * count
    edges = [
        ((at + 1) * count + row, at * count + column, float(layer[row, column]))
        for at, layer in enumerate(mixed)
        for row, column in np.argwhere(layer > 0).tolist()
    ]
    nodes = top + count
    return np.array(
        [max_flow(nodes, edges, top + query % count, key) for key in range(count)], np.float64
    )


def max_flow(nodes: int, edges: Sequence[tuple[int, int, float]], source: int, sink: int) -> float:
    """The largest flow through a network (Dinitz 1970; as in Even & Tarjan 1975).

    Args:
        nodes: how many there are, numbered from 0.
        edges: from, to, and capacity of each, not negative.
        source: where the flow begins.
        sink: where it ends.

    Raises:
        ValueError: source and sink are the same node.
    """
    if source == sink:
        raise ValueError("a flow runs between two nodes, not from one to itself")
    # An edge and its opposite are neighbours in these lists: one is the other's number ^ 1.
    heads: list[int] = []
    left: list[float] = []
    leaving: list[list[int]] = [[] for _ in range(nodes)]
    for start, end, capacity in edges:
        for node, other, room in ((start, end, capacity), (end, start, 0.0)):
            leaving[node].append(len(heads))
            heads.append(other)
            left.append(room)
    total = 0.0
    while (levels := _levels(heads, left, leaving, source, sink)) is not None:
        total += _blocked(heads, left, leaving, levels, source, sink)
    return total


def _levels(
    heads: list[int], left: list[float], leaving: list[list[int]], source: int, sink: int
) -> list[int] | None:
    """Steps from the source to each node over edges with room; None where the sink is cut off."""
    levels = [-1] * len(leaving)
    levels[source] = 0
    waiting = deque([source])
    while waiting:
        node = waiting.popleft()
        for edge in leaving[node]:
            if left[edge] > SATURATED and levels[heads[edge]] < 0:
                levels[heads[edge]] = levels[node] + 1
                waiting.append(heads[edge])
    return levels if levels[sink] >= 0 else None


def _blocked(
    heads: list[int],
    left: list[float],
    leaving: list[list[int]],
    levels: list[int],
    source: int,
    sink: int,
) -> float:
    """Fill shortest paths until each is cut, and say how much they carry."""
    tried = [0] * len(leaving)
    path: list[int] = []
    node, total = source, 0.0
    while True:
        if node == sink:
            room = min(left[edge] for edge in path)
            for edge in path:
                left[edge] -= room
                left[edge ^ 1] += room
            total += room
            path, node = [], source
        elif tried[node] < len(leaving[node]):
            edge = leaving[node][tried[node]]
            if left[edge] > SATURATED and levels[heads[edge]] == levels[node] + 1:
                path.append(edge)
                node = heads[edge]
            else:
                tried[node] += 1
        elif path:
            # A dead end: go back, and do not come here again.
            node = heads[path.pop() ^ 1]
            tried[node] += 1
        else:
            return total
