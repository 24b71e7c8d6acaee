"""Whether a sampled choice would be the same if it were drawn again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hardattn_viewer.measures.distributions import Floats, rows_of


@dataclass(frozen=True)
class Repeats:
    """How repeated draws of one choice fell.

    Attributes:
        draws: number of draws.
        item: the item drawn most often; the first of several.
        times: how often it was drawn.
        agreement: share of the pairs of draws that are the same item; NaN below two draws.
    """

    draws: int
    item: int
    times: int
    agreement: float


def repeats_of(draws: ArrayLike) -> Repeats:
    """How often repeated draws of one choice were the same item.

    The agreement is Σ n(n − 1) / N(N − 1) over the items, n draws of each and N of all: the
    unbiased estimate of the probability Σ p² that two draws are the same (Simpson 1949).

    Args:
        draws: int [N], the item of each draw; negative ones stand for none and are left out.

    Raises:
        ValueError: nothing was drawn.
    """
    items = np.asarray(draws, np.int64).ravel()
    items = items[items >= 0]
    if not items.size:
        raise ValueError("nothing was drawn; at least one draw is needed")
    found, counts = np.unique(items, return_counts=True)
    top = int(counts.argmax())
    pairs = items.size * (items.size - 1)
    same = float((counts * (counts - 1)).sum() / pairs) if pairs else float("nan")
    return Repeats(items.size, int(found[top]), int(counts[top]), same)


def expected_agreement(probabilities: ArrayLike) -> Floats:
    """Probability Σ p² that two independent draws from a distribution are the same item.

    Args:
        probabilities: [..., items]; each row sums to one.

    Returns:
        float64 [...] from 1 / items (uniform) to 1 (certain); NaN for rows with a NaN.

    Raises:
        ValueError: not an array of probabilities.
    """
    rows = rows_of(probabilities)
    return np.asarray((rows * rows).sum(axis=-1))
