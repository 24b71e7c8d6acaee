"""From scores of items to the order in which they are removed, and what is kept at each share."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardattn_viewer.checks.curves import SHARES, counts_of
from hardattn_viewer.faithfulness.subject import Kept

TIE_DRAWS = 8
"""Orders that are drawn where items have the same score; a curve is then the mean of theirs."""

Order = NDArray[np.int64]


def generator_of(seed: int, *what: object) -> np.random.Generator:
    """A source of randomness for one purpose, the same however work is divided.

    Args:
        seed: of the whole check.
        what: what it is for: names and indices.
    """
    words = zlib.crc32(repr(what).encode())
    return np.random.default_rng([seed, words])


def orders_of(scores: ArrayLike, generator: np.random.Generator) -> Order:
    """Orders by falling score, ``[draws, items]``: one, or several where items are tied.

    Raises:
        ValueError: a score is not finite.
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("scores of items must be one row of finite numbers")
    draws = 1 if len(np.unique(values)) == len(values) else TIE_DRAWS
    shuffled = np.stack([generator.permutation(len(values)) for _ in range(draws)])
    by_score = np.argsort(-values[shuffled], axis=1, kind="stable")
    return np.take_along_axis(shuffled, by_score, 1)


def random_orders(items: int, count: int, generator: np.random.Generator) -> Order:
    """Orders drawn at random, ``[count, items]``."""
    return np.stack([generator.permutation(items) for _ in range(count)])


def kept_without(orders: Order, shares: tuple[float, ...] = SHARES) -> Kept:
    """What is there with a share of the first removed, bool ``[orders, shares, items]``."""
    return ranks_of(orders)[:, None, :] >= counts_of(orders.shape[1], shares)[None, :, None]


def kept_only(orders: Order, shares: tuple[float, ...] = SHARES) -> Kept:
    """What is there with nothing but a share of the first, bool ``[orders, shares, items]``."""
    return ~kept_without(orders, shares)


def ranks_of(orders: Order) -> Order:
    """The place of each item in each order, from 0."""
    found = np.empty_like(orders)
    np.put_along_axis(found, orders, np.arange(orders.shape[1])[None], 1)
    return found
