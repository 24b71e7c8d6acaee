"""What a model that makes choices adds to what is checked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hardattn_viewer.faithfulness.subject import Floats, Subject


@dataclass(frozen=True, eq=False)
class Choices:
    """The choices that a model makes for one example, one after another.

    Attributes:
        probabilities: ``[choices, candidates]``, 0 for what cannot be chosen.
        chosen: int64 ``[choices]``.
        live: bool ``[choices]``, whether there was a choice to make.
        blends: whether nothing is chosen and all candidates have weight; ``chosen`` is then the
            most probable one, which stands for what the model would look at if it were run hard.
    """

    probabilities: Floats
    chosen: NDArray[np.int64]
    live: NDArray[np.bool_]
    blends: bool = False


@runtime_checkable
class Choosing(Subject, Protocol):
    """A subject whose rows can have choices made for them."""

    def choices(self, example: int) -> Choices:
        """The choices as they were made: those of a recording, or the most probable ones."""
        ...

    def remade(self, example: int, forced: NDArray[np.int64], draw: int = -1) -> Choices:
        """The choices of one pass in which some are forced, ``[choices]`` with -1 for others."""
        ...


@runtime_checkable
class Seeing(Protocol):
    """A subject of which it is known which items a choice of a candidate lets the model see."""

    def seen(self, example: int, candidate: int) -> NDArray[np.bool_]:
        """Which items hold anything that is read when the candidate is chosen, bool ``[items]``."""
        ...


@runtime_checkable
class Explaining(Protocol):
    """A subject whose choices have gradients by the input."""

    def log_prob(self, example: int, step: int) -> tuple[Tensor, Tensor]:
        """The input ``[1, …]`` that gradients are taken by, and log π of a choice, in nats."""
        ...

    def pool(self, example: int, found: Tensor) -> Floats:
        """Attributions of the input as one number an item, ``[items]``."""
        ...
