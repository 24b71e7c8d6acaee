"""What an explainer is: from an example to a score for each of its items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.subject import Floats

FAMILIES = ("attention", "choice", "gradient", "perturbation", "search", "control")


@dataclass(frozen=True, eq=False)
class Asked:
    """What an explainer may use to explain one example.

    Attributes:
        engine: runs the model on variants; what other explainers asked for is there already.
        operator: how items are removed by those that remove some.
        example: index of the example.
        seed: of those that draw.
        notes: numbers that an explainer leaves beside its scores, such as a convergence delta.
    """

    engine: Engine
    operator: str
    example: int
    seed: int = 0
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def items(self) -> int:
        """Items of the example."""
        return self.engine.subject.items(self.example)

    @property
    def target(self) -> int:
        """The output that is explained."""
        return self.engine.target(self.example)


@dataclass(frozen=True)
class Explainer:
    """One way to say how much each item counts.

    Attributes:
        name: by which it is chosen.
        family: one of ``FAMILIES``.
        words: what it does, in a few words.
        source: the paper, or empty.
        explain: from what is asked to scores ``[items]``, the highest for what counts most; raises
            ``UndefinedError`` where it has no value, with the reason.
        removes: whether its scores depend on how items are removed.
        still: why it cannot be asked about an input that was moved a little; empty where it can.
    """

    name: str
    family: str
    words: str
    source: str
    explain: Callable[[Asked], Floats]
    removes: bool = False
    still: str = ""

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"{self.family} is no family of explainers: {', '.join(FAMILIES)}")
