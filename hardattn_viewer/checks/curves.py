"""What is read from a curve of the output while items are removed, or put back, one after another.

A curve has the output with 0, a share, … all of the items removed (deletion), the highest ranked
first; or with so many kept (insertion).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHARES = tuple(step / 10 for step in range(11))
"""Shares of the items at which curves are measured."""


def counts_of(items: int, shares: tuple[float, ...] = SHARES) -> NDArray[np.int64]:
    """How many of some items each share is, ``[shares]``.

    Symmetric: what is removed at a share, and what is kept at its complement, is the same number,
    so that a curve turned round is that of the opposite ranking. Halves are rounded up below the
    middle.

    Raises:
        ValueError: shares that do not run from 0 to 1 symmetrically.
    """
    exact = np.asarray(shares, np.float64)
    if not np.allclose(exact + exact[::-1], 1) or exact[0] != 0 or (np.diff(exact) <= 0).any():
        raise ValueError("shares must rise from 0 to 1, as many below the middle as above")
    found = np.floor(exact * items + 0.5).astype(np.int64)
    half = len(found) // 2
    found[-half:] = items - found[:half][::-1]
    return found


def area(curve: Floats, shares: tuple[float, ...] = SHARES) -> Floats:
    """Area under curves ``[..., points]`` by the trapezium rule (Petsiuk et al. 2018, RISE)."""
    return np.asarray(np.trapezoid(curve, np.asarray(shares), axis=-1), np.float64)


def comprehensiveness(deletion: Floats) -> Floats:
    """How far the output falls without the highest ranked, mean over shares (AOPC).

    DeYoung et al. 2020, ERASER, arXiv:1911.03429, section 4; here over all shares above 0.

    Args:
        deletion: ``[..., points]``.
    """
    found: Floats = (deletion[..., :1] - deletion[..., 1:]).mean(-1)
    return found


def sufficiency(insertion: Floats) -> Floats:
    """How far the output falls with nothing but the highest ranked, mean over shares; low is good.

    Args:
        insertion: ``[..., points]``.
    """
    found: Floats = (insertion[..., -1:] - insertion[..., 1:]).mean(-1)
    return found


def separation(deletion: Floats, insertion: Floats, shares: tuple[float, ...] = SHARES) -> Floats:
    """Area under insertion less area under deletion: what verdicts rest on; high is good.

    It is high where the highest ranked both matter and are enough, and 0 on average for rankings
    drawn at random together with their opposites.
    """
    return area(insertion, shares) - area(deletion, shares)


def opposite(deletion: Floats, insertion: Floats) -> tuple[Floats, Floats]:
    """Deletion and insertion of the opposite ranking; they need no more runs of the model."""
    return insertion[..., ::-1], deletion[..., ::-1]
