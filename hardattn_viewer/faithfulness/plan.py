"""What a check runs, and how much of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hardattn_viewer.checks.curves import SHARES, counts_of
from hardattn_viewer.checks.statistics import CONTROLS
from hardattn_viewer.faithfulness.forcing import DRAWS, RESTS
from hardattn_viewer.faithfulness.moving import POINTS

HARDENED = 8
"""Examples that are run with hard heads where nobody says: each head takes two passes of all."""


@dataclass(frozen=True)
class Plan:
    """What a check runs.

    Attributes:
        explainers: names of the explanations, in the order in which they are shown.
        operators: names of the ways to remove items; two or more, so that one can be held against
            another.
        controls: random rankings of each example, 50 at least for a verdict.
        shares: where curves are measured, from 0 to 1.
        seed: of everything that is drawn.
        rest: what happens after a forced choice, "pinned" or "replayed".
        draws: draws of what comes after it.
        most: tries the most probable candidates only, so many; None for every one.
        points: random points near each input at which explanations are computed again.
        harden: examples that are run with heads that attend hard; 0 for none.
        paths: whole episodes that are drawn from the policy for each example; 0 for none.
        contents: whether what choices saw is removed, with all choices as they were.
        why: whether it is asked what moves the log-probability of each choice.

    Raises:
        ValueError: numbers that make no sense.
    """

    explainers: tuple[str, ...]
    operators: tuple[str, ...]
    controls: int = CONTROLS
    shares: tuple[float, ...] = SHARES
    seed: int = 0
    rest: str = "replayed"
    draws: int = DRAWS
    most: int | None = None
    points: int = POINTS
    harden: int = HARDENED
    paths: int = 0
    contents: bool = False
    why: bool = False

    def __post_init__(self) -> None:
        if self.controls < 1:
            raise ValueError(f"{self.controls} random rankings are none: {CONTROLS} are usual")
        if self.rest not in RESTS:
            raise ValueError(f"what comes after is {' or '.join(RESTS)}, not {self.rest!r}")
        if self.draws < 0 or (self.most is not None and self.most < 1):
            raise ValueError("draws are 0 or more, and candidates 1 or more")
        if self.points < 0:
            raise ValueError(f"{self.points} points near an input are none: 0 or more")
        if self.paths < 0:
            raise ValueError(f"{self.paths} episodes cannot be drawn")
        if self.harden < 0:
            raise ValueError(f"{self.harden} examples cannot be run with hard heads")
        for what, names in (("explanation", self.explainers), ("operator", self.operators)):
            _once(what, names)
        counts_of(1, self.shares)


def _once(what: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the {what} {name} is named twice")
