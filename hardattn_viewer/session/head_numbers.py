"""What is known of all heads of a run at one place: small maps and numbers, site by site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.atlas import HeadAt, Measure

# Codes of a small map: nothing known, exactly zero, and above that the amount.
UNKNOWN, ZERO = 0, 1
LEVELS = 254
# Longest side of a small map.
SMALL = 48


@dataclass(frozen=True, eq=False)
class SiteHeads:
    """The heads of one site.

    Attributes:
        site: its name.
        layer: layer of the model, from 0; -1 for unknown.
        kind: for example ``"self"``; may be empty.
        numbers_in_model: what each head is called: its number in the model.
        hard: whether items are selected there, so that masses are shares of the choices.
        queries: queries of each map; 0 where nothing was recorded at this step.
        keys: keys of each map.
        maps: uint8 [heads, rows, columns], the largest of each block of cells in codes (see
            ``coded``); empty where there is none.
        largest: float32 [heads], the probability that the last code of each map stands for.
        block: queries and keys of a block, (1, 1) where every cell is one.
        rows_read: queries that the numbers are means over; entropies are of all.
        numbers: float64 [heads] by measure; NaN where it is not defined or not known.
        why: for each measure that no head has, why; by ``"maps"`` why there are none.
    """

    site: str
    layer: int
    kind: str
    numbers_in_model: tuple[int, ...]
    hard: bool
    queries: int
    keys: int
    maps: NDArray[np.uint8]
    largest: NDArray[np.float32]
    block: tuple[int, int]
    rows_read: int
    numbers: Mapping[Measure, NDArray[np.float64]]
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def heads(self) -> int:
        """The number of heads."""
        return len(self.numbers_in_model)

    def number(self, measure: Measure, head: int) -> float:
        """One number of one head; NaN where it is not known."""
        values = self.numbers.get(measure)
        return float("nan") if values is None else float(values[head])


@dataclass(frozen=True, eq=False)
class HeadNumbers:
    """What is known by now of the heads of a run.

    Attributes:
        run_name: the run's name.
        example: index of the example in the run.
        example_name: its name.
        step: the step.
        training_step: training step of the snapshot where the run has several, else None.
        sites: the sites by layer and kind; those that were read.
        total: heads of all sites, also of those that are not read yet.
        other_name: name of the run that heads are compared with; empty for none.
    """

    run_name: str
    example: int
    example_name: str
    step: int
    training_step: int | None
    sites: tuple[SiteHeads, ...]
    total: int
    other_name: str = ""

    @property
    def heads(self) -> tuple[HeadAt, ...]:
        """Every head that was read, by layer, kind and number."""
        return tuple(HeadAt(one.site, head) for one in self.sites for head in range(one.heads))

    def site(self, name: str) -> SiteHeads | None:
        """What is known of a site."""
        return next((one for one in self.sites if one.site == name), None)

    def site_of(self, head: HeadAt) -> SiteHeads | None:
        """What is known of a head's site; None where it has no such head, as in another run."""
        one = self.site(head.site)
        return one if one is not None and 0 <= head.head < one.heads else None

    @property
    def has_layers(self) -> bool:
        """Whether layers of the model are known."""
        return any(one.layer >= 0 for one in self.sites)

    def label(self, head: HeadAt) -> str:
        """A short name: ``"4.7"`` for head 7 of layer 4, with the kind where there are several."""
        one = self.site_of(head)
        if one is None:
            return f"{head.site}.{head.head}"
        number = one.numbers_in_model[head.head]
        return f"{self.row_label(one)}.{number}"

    def row_label(self, one: SiteHeads) -> str:
        """What the heads of a site are called together: layer and kind, or the site's name."""
        if one.layer < 0:
            return one.site
        alike = [other for other in self.sites if other.layer == one.layer]
        if len(alike) == 1:
            return str(one.layer)
        kinds = {other.kind for other in alike}
        if len(kinds) == len(alike):
            return f"{one.layer} {one.kind}".strip()
        return f"{one.layer} {one.site}"

    def value(self, measure: Measure, head: HeadAt) -> float:
        """One number of one head; NaN where it is not known."""
        one = self.site_of(head)
        return float("nan") if one is None else one.number(measure, head.head)

    def column(self, measure: Measure) -> NDArray[np.float64]:
        """A measure of ``heads``, float64 [heads]; NaN where it is not known."""
        missing = np.zeros(0)
        parts = [one.numbers.get(measure, np.full(one.heads, np.nan)) for one in self.sites]
        return np.concatenate(parts) if parts else missing

    def range_of(self, measure: Measure) -> tuple[float, float]:
        """The smallest and the largest value of a measure; NaN where none is known."""
        values = self.column(measure)
        known = values[np.isfinite(values)]
        if not known.size:
            return float("nan"), float("nan")
        return float(known.min()), float(known.max())

    def why_not(self, measure: Measure) -> str:
        """Why no head has a measure; empty where one has."""
        if np.isfinite(self.column(measure)).any():
            return ""
        return next((one.why[measure] for one in self.sites if measure in one.why), "")

    @property
    def largest(self) -> float:
        """The largest probability of all small maps; 0 where there is none."""
        return max((float(one.largest.max(initial=0)) for one in self.sites), default=0.0)

    @property
    def is_pooled(self) -> bool:
        """Whether any small map shows the largest of several cells."""
        return any(one.block != (1, 1) for one in self.sites)

    @property
    def is_sampled(self) -> bool:
        """Whether any numbers are means over some of the queries only."""
        return any(0 < one.rows_read < one.queries for one in self.sites)


def coded(values: NDArray[np.float32]) -> tuple[NDArray[np.uint8], float]:
    """A map in codes of one byte: 0 unknown, 1 zero, else 1 + 254 √(p / largest), rounded.

    What is above zero never gets the code of zero, and codes order as amounts do, so that the
    largest of several codes is the code of the largest.

    Args:
        values: any shape, NaN for unknown.

    Returns:
        The codes, and the largest value; 0 where there is none.
    """
    known = np.isfinite(values)
    largest = float(np.max(values, initial=0.0, where=known))
    share = np.where(known & (values > 0), values, 0) / (largest or 1.0)
    codes = ZERO + np.rint(LEVELS * np.sqrt(share))
    codes = np.where(share > 0, np.maximum(codes, ZERO + 1), ZERO)
    return np.where(known, codes, UNKNOWN).astype(np.uint8), largest


def amounts(codes: NDArray[np.uint8], largest: float) -> NDArray[np.float32]:
    """What codes stand for: float32 of the same shape, within 0.4 % of the largest."""
    share = (codes.astype(np.float32) - ZERO) / LEVELS
    return np.where(codes == UNKNOWN, np.nan, largest * np.square(share)).astype(np.float32)
