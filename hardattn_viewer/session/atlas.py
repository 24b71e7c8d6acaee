"""What a person chose to see of all heads: how they are drawn, sorted, filtered and picked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

Measure = Literal[
    "entropy",
    "margin",
    "first",
    "special",
    "diagonal",
    "previous",
    "hardness",
    "distance",
    "disagreement",
]
MEASURES: tuple[Measure, ...] = get_args(Measure)
AtlasMode = Literal["maps", "cells"]
AtlasScale = Literal["each", "all"]


@dataclass(frozen=True)
class MeasureWords:
    """How a measure is written.

    Attributes:
        name: what it is called in lists.
        short: what it is called beside many others.
        unit: what follows a number; may be empty.
        note: one sentence that says what it is.
    """

    name: str
    short: str
    unit: str
    note: str


WORDS: dict[Measure, MeasureWords] = {
    "entropy": MeasureWords(
        "entropy", "entropy", "bits", "Entropy of each query's distribution, as it was recorded."
    ),
    "margin": MeasureWords("margin", "margin", "", "Largest probability minus the second largest."),
    "first": MeasureWords(
        "mass on the first token", "first token", "", "What goes to the first token or region."
    ),
    "special": MeasureWords(
        "mass on special tokens",
        "specials",
        "",
        "What goes to special tokens such as [CLS], [SEP], <s>, or a sink.",
    ),
    "diagonal": MeasureWords(
        "mass on the diagonal", "diagonal", "", "What each query gives to itself."
    ),
    "previous": MeasureWords(
        "mass on the previous token", "previous", "", "What goes to the position just before."
    ),
    "hardness": MeasureWords("hardness", "hardness", "", "The largest probability."),
    "distance": MeasureWords(
        "distance",
        "distance",
        "positions",
        "How far from the query the attention lies, |query − key|.",
    ),
    "disagreement": MeasureWords(
        "disagreement",
        "disagreement",
        "bits",
        "Jensen–Shannon divergence from the same head of the other run.",
    ),
}


@dataclass(frozen=True, order=True)
class HeadAt:
    """One head of a run.

    Attributes:
        site: name of its site.
        head: its index there.
    """

    site: str
    head: int


@dataclass(frozen=True)
class Atlas:
    """How all heads of a run are shown.

    Attributes:
        mode: a small map of each head, or a cell in the colour of its measure.
        measure: what cells are coloured by, what is written beside maps, and what is sorted by.
        by_measure: sorted by the measure, not in the order of the model.
        descending: the largest first.
        scale: each map to its own largest probability, or all to the largest of all.
        filter: which heads are shown, as typed; empty for all.
        picked: the heads whose mean is shown, in the order in which they were picked.
    """

    mode: AtlasMode = "maps"
    measure: Measure = "entropy"
    by_measure: bool = False
    descending: bool = False
    scale: AtlasScale = "each"
    filter: str = ""
    picked: tuple[HeadAt, ...] = ()

    def toggled(self, head: HeadAt) -> Atlas:
        """With a head picked, or let go where it was."""
        if head in self.picked:
            return replace(self, picked=tuple(one for one in self.picked if one != head))
        return replace(self, picked=(*self.picked, head))

    def with_picked(self, heads: tuple[HeadAt, ...]) -> Atlas:
        """With more heads picked; none counts twice."""
        return replace(self, picked=tuple(dict.fromkeys((*self.picked, *heads))))
