"""What a way to remove items does wherever it is used, before any score is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERATED = 3.0
"""How many times its fair share of the whole effect one item may take on average."""


@dataclass(frozen=True)
class Audit:
    """What removing a single item does, whichever it is.

    An operator that moves the output everywhere says nothing about where it moved it: a mask token
    that a classifier was never trained with makes every ranking "work", random ones too.

    Attributes:
        shift: mean change of the output when one item is removed, over items and examples.
        between: standard deviation of that between the items of an example, mean over examples.
        same_sign: share of single removals that move the output to the side that most of their
            example do, mean over examples: to which side may depend on the class that is read.
        fair: what an item would take on average if their effects added up: the whole effect of
            removing all of them, divided by their number; mean over examples.
        passed: whether single removals do not move the output everywhere alike.
        examples: examples that went in.
    """

    shift: float
    between: float
    same_sign: float
    fair: float
    passed: bool
    examples: int


def audit(alone: Sequence[Floats], whole: Floats, empty: Floats) -> Audit:
    """Judge an operator by what it does to single items.

    It fails where one item moves the output by more than it differs between items, by more than
    ``TOLERATED`` times a fair share, and mostly to one side of its example; sizes are means over
    examples, whichever side each of them goes to.

    Args:
        alone: of each example how far the output falls without each item, ``[items]``.
        whole: ``[examples]``, the output with all items.
        empty: ``[examples]``, the output with none.
    """
    many = [np.asarray(one) for one in alone if len(one)]
    if not many:
        nothing = float("nan")
        return Audit(nothing, nothing, nothing, nothing, passed=False, examples=0)
    mean = np.array([one.mean() for one in many])
    between = float(np.mean([one.std() for one in many]))
    shift = float(-mean.mean())
    share = float(np.mean([max((one > 0).mean(), (one < 0).mean()) for one in many]))
    sizes = np.array([len(one) for one in many])
    shares = (whole - empty)[: len(many)] / sizes
    size, bound = float(np.abs(mean).mean()), TOLERATED * float(np.abs(shares).mean())
    everywhere = size > between and size > bound and share > 0.75
    fair = float(shares.mean())
    return Audit(shift, between, share, fair, not everywhere, len(many))
