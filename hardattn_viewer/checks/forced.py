"""What would have come of it if something else had been chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Forced:
    """The output with each candidate chosen in turn, for one example.

    Attributes:
        values: ``[choices, candidates]``, the output with the candidate chosen at that choice and
            the ones before as they were; NaN where it was not tried or cannot be chosen.
        probabilities: ``[choices, candidates]``, that the policy chooses it.
        chosen: int64 ``[choices]``, what was chosen.
        live: bool ``[choices]``, whether there was a choice to make.
        elsewhere: ``[controls]``, the output with every choice made at random instead.
        whole: the output with all choices as they were.
        blends: whether the model blends, so that ``chosen`` is what it would look at if run hard.
        spread: ``[choices]``, standard error of what was chosen by the draws of the choices after
            it; 0 where they are as they were, or the most probable.
    """

    values: Floats
    probabilities: Floats
    chosen: NDArray[np.int64]
    live: NDArray[np.bool_]
    elsewhere: Floats
    whole: float
    spread: Floats
    blends: bool = False

    @property
    def of_chosen(self) -> Floats:
        """The output with what was chosen, ``[choices]``; NaN where there was nothing to choose."""
        found = self.values[np.arange(len(self.chosen)), self.chosen]
        return np.where(self.live, found, np.nan)

    @property
    def others(self) -> Floats:
        """``values`` without what was chosen: NaN there."""
        found = self.values.copy()
        found[np.arange(len(self.chosen)), self.chosen] = np.nan
        found[~self.live] = np.nan
        return found

    @property
    def effect(self) -> Floats:
        """The output with what was chosen less the mean over all others, ``[choices]``."""
        return self.of_chosen - _mean(self.others)

    @property
    def regret(self) -> Floats:
        """How much better the best candidate would have been, ``[choices]``, never below 0."""
        best = np.where(np.isnan(self.values), -np.inf, self.values).max(-1)
        return np.where(np.isfinite(best), best, np.nan) - self.of_chosen

    @property
    def expected(self) -> Floats:
        """The output expected of a draw from the policy, over what was tried, ``[choices]``."""
        tried = ~np.isnan(self.values)
        weight = np.where(tried, self.probabilities, 0.0)
        total = weight.sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = (weight * np.where(tried, self.values, 0.0)).sum(-1) / total
        return np.where(self.live & (total > 0), found, np.nan)

    @property
    def advantage(self) -> Floats:
        """The output with what was chosen less what a draw from the policy is expected to give."""
        return self.of_chosen - self.expected

    @property
    def policy_gradient(self) -> Floats:
        """∂ E[output] / ∂ logits of each choice, ``[choices, candidates]``: π_j (v_j − E[v])."""
        found: Floats = self.probabilities * (self.values - self.expected[:, None])
        return found


def _mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(known, values, 0.0).sum(-1) / count
    return np.where(count > 0, found, np.nan)
