"""Where two runs disagree most: the steps and heads that are worst by each measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures import PAIR_MEASURES, PairMeasure

By = Literal["jensen_shannon", "same_argmax", "soft_mass", "entropy", "effective"]
BY: tuple[By, ...] = ("jensen_shannon", "same_argmax", "soft_mass", "entropy", "effective")
# How many of each pair of heads are kept for each measure.
KEPT = 500
_COLUMN = {name: column for column, name in enumerate(PAIR_MEASURES)}
# Among equal ones those come first whose divergence is larger.
_TIE = 1e-4


@dataclass(frozen=True)
class Disagreement:
    """One step of one example, at one pair of heads.

    Attributes:
        example: index of the example in A.
        other: index of the example in B.
        step: its step.
        lane: which pair of heads.
        query: the query whose rows are furthest apart.
        values: the means over queries by measure; NaN where not defined.
    """

    example: int
    other: int
    step: int
    lane: int
    query: int
    values: tuple[float, ...]

    def of(self, measure: PairMeasure) -> float:
        """One of its numbers."""
        return self.values[_COLUMN[measure]]

    def by(self, by: By) -> float:
        """The number that it is ranked by; of two entropies how far they are apart."""
        if by == "entropy":
            return self.of("entropy_b") - self.of("entropy_a")
        if by == "effective":
            return self.of("effective_b") - self.of("effective_a")
        return self.of(by)


@dataclass(frozen=True, eq=False)
class Block:
    """Numbers of some steps at one pair of heads.

    Attributes:
        place: int64 [steps, 3]: example in A, example in B, step.
        query: int64 [steps], the query whose rows are furthest apart.
        values: float64 [steps, 7] in the order of ``PAIR_MEASURES``.
    """

    place: NDArray[np.int64]
    query: NDArray[np.int64]
    values: NDArray[np.float64]


def scores(values: NDArray[np.float64], by: By) -> NDArray[np.float64]:
    """How much steps disagree by a measure, larger for more: [steps]; −inf where not defined."""
    columns = dict(zip(PAIR_MEASURES, values.T, strict=True))
    found = {
        "jensen_shannon": columns["jensen_shannon"],
        "same_argmax": 1 - columns["same_argmax"] + _TIE * columns["jensen_shannon"],
        "soft_mass": 1 - columns["soft_mass"] + _TIE * columns["jensen_shannon"],
        "entropy": np.abs(columns["entropy_b"] - columns["entropy_a"]),
        "effective": np.abs(columns["effective_b"] - columns["effective_a"]),
    }[by]
    return np.where(np.isnan(found), -np.inf, found)


@dataclass(frozen=True, eq=False)
class Tops:
    """The worst steps of each pair of heads by each measure.

    Attributes:
        blocks: for each pair of heads those steps that are among the worst by any measure.
        lanes: number of pairs of heads.
        seen: how many steps they were chosen from, of each pair.
    """

    blocks: tuple[Block, ...]
    seen: int

    def ranked(
        self, by: By, lanes: Sequence[int] | None = None, count: int = KEPT
    ) -> tuple[Disagreement, ...]:
        """The worst steps by a measure, worst first.

        Args:
            by: the measure.
            lanes: the pairs of heads that are asked for; None for all but the mean over heads,
                or for the only one there is.
            count: how many at most; no more than ``KEPT``.
        """
        if lanes is None:
            lanes = range(1, len(self.blocks)) if len(self.blocks) > 1 else range(len(self.blocks))
        found = [(scores(self.blocks[lane].values, by), lane) for lane in lanes]
        if not found:
            return ()
        score = np.concatenate([part for part, _ in found])
        lane = np.concatenate([np.full(part.size, lane) for part, lane in found])
        row = np.concatenate([np.arange(part.size) for part, _ in found])
        known = np.flatnonzero(score > -np.inf)
        # Examples and steps in their order where scores are equal.
        order = known[np.argsort(-score[known], kind="stable")][: min(count, KEPT)]
        return tuple(
            _item(self.blocks[at], at, index)
            for at, index in zip(lane[order].tolist(), row[order].tolist(), strict=True)
        )


def worst_of(blocks: Sequence[Block]) -> Block:
    """Those steps of several blocks that are among the ``KEPT`` worst by any measure."""
    place = np.concatenate([block.place for block in blocks])
    query = np.concatenate([block.query for block in blocks])
    values = np.concatenate([block.values for block in blocks])
    if len(values) <= KEPT:
        return Block(place, query, values)
    kept = np.zeros(len(values), bool)
    for by in BY:
        score = scores(values, by)
        worst = np.argpartition(-score, KEPT)[:KEPT]
        kept[worst[score[worst] > -np.inf]] = True
    return Block(place[kept], query[kept], values[kept])


def nothing() -> Block:
    """A block of no steps."""
    return Block(
        np.zeros((0, 3), np.int64), np.zeros(0, np.int64), np.zeros((0, len(PAIR_MEASURES)))
    )


def _item(block: Block, lane: int, index: int) -> Disagreement:
    example, other, step = block.place[index].tolist()
    values = tuple(block.values[index].tolist())
    return Disagreement(example, other, step, lane, int(block.query[index]), values)
