"""What placement says: which examples, positions, tokens and boxes an attention belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class UnplacedError(Exception):
    """It cannot be told which examples the rows of an attention are; one sentence says why."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of one captured attention: examples whose queries and keys lie at the same places.

    Attributes:
        examples: int64 [n], numbers of the examples within the open batch, from 0.
        beam: number of the beam, or of the returned sequence, that the rows are; 0 for the example
            itself.
        probabilities: float [n, heads, queries, keys]; may be the model's own memory.
        selection: int64 [n, heads, queries, n_selected], counted from this piece's first key.
        log_prob: float [n, heads, queries], nat.
        query_axis: what a query is: ``tokens``, ``target``, ``regions``, ``frames``, ``queries``.
        key_axis: what a key is: these, ``keys`` or ``window tokens``.
        first_query: position of the first query on its axis.
        query_stride: positions from one query to the next.
        first_key: position of the first key on its axis.
        first_region: key that is the first region.
        boxes: float32 [boxes, 4], x0, y0, x1, y1 of the keys from ``first_region`` on, in pixels of
            the original image; None where keys are no regions.
        special_keys: names of the keys before the first region.
        windows: windows that attention is confined to, 1 for none.
        sink: whether the last key is a learned sink.
    """

    examples: NDArray[np.int64]
    beam: int
    probabilities: Tensor
    selection: Tensor | None
    log_prob: Tensor | None
    query_axis: str
    key_axis: str
    first_query: int = 0
    query_stride: int = 1
    first_key: int = 0
    first_region: int = 0
    boxes: NDArray[np.float32] | None = None
    special_keys: tuple[str, ...] = ()
    windows: int = 1
    sink: bool = False


@dataclass(frozen=True, eq=False)
class NewTokens:
    """Tokens that a pass brought; one entry for each token of each example.

    Attributes:
        axis: 0 for the examples' own tokens, 1 for the target's.
        step: passes before this one that brought tokens to that axis.
        examples: int64 [n], numbers within the open batch.
        beams: int64 [n], number of the beam each belongs to.
        positions: int64 [n], from 0, padding not counted.
        ids: int64 [n], numbers in the vocabulary.
        texts: as the tokenizer shows them; empty without a tokenizer.
    """

    axis: int
    step: int
    examples: NDArray[np.int64]
    beams: NDArray[np.int64]
    positions: NDArray[np.int64]
    ids: NDArray[np.int64]
    texts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class BeamParents:
    """Which beam each beam continued.

    Attributes:
        step: the step of the beams, as of ``NewTokens``; the parents are of the step before.
        examples: int64 [n], numbers within the open batch.
        beams: int64 [n], number of the beam.
        parents: int64 [n], number of the beam of the same example that it continued.
    """

    step: int
    examples: NDArray[np.int64]
    beams: NDArray[np.int64]
    parents: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ended:
    """What is known when a pass has ended.

    Attributes:
        tokens: tokens that came in it, one item an axis.
        parents: beams that were reordered before it, or None.
    """

    tokens: tuple[NewTokens, ...] = ()
    parents: BeamParents | None = None
