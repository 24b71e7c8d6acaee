"""What is checked: a model, seen as a function of which items of an example it is given.

An *item* is what can be removed or chosen: a token, a region, a slot. Special tokens and padding
are no items; they are always there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Kept = NDArray[np.bool_]
Floats = NDArray[np.float64]

Query = int | Literal["last", "mean"]
"""Where a model's answer is read from: a position (0 for a class token that begins a text), the
"last" one, or the "mean" of all."""

WHOLE = ""
"""The operator of rows from which nothing is removed."""


@dataclass(frozen=True)
class Row:
    """One run of the model: an example with some items removed, and with choices made for it.

    Attributes:
        example: index of the example.
        kept: a byte an item, 1 where it is there.
        operator: how the others are removed; ``WHOLE`` where none is.
        forced: the item that each choice of the model must take, -1 where it chooses itself; empty
            where it chooses everywhere.
        draw: number of the random draw by which it chooses where it is not forced; -1 where it
            takes the most probable.
    """

    example: int
    kept: bytes
    operator: str = WHOLE
    forced: tuple[int, ...] = ()
    draw: int = -1

    @property
    def mask(self) -> Kept:
        """Which items are there, bool ``[items]``."""
        return np.frombuffer(self.kept, np.uint8).astype(bool)


@runtime_checkable
class Subject(Protocol):
    """A model with its examples, as checks run it."""

    @property
    def operators(self) -> Mapping[str, str]:
        """What can be done to an item that is removed, by name, each in a few words."""
        ...

    @property
    def outputs(self) -> Sequence[str]:
        """Names of the outputs, or empty where they have none."""
        ...

    def __len__(self) -> int:
        """Number of examples."""
        ...

    def items(self, example: int) -> int:
        """Number of items of an example."""
        ...

    def digest(self, example: int) -> bytes:
        """Equal for examples whose input is equal, so that they are run once."""
        ...

    def lengths(self, example: int, kept: NDArray[np.bool_], operator: str) -> NDArray[np.int64]:
        """Positions that each of some rows takes in a batch; ``kept`` is ``[rows, items]``."""
        ...

    def run(self, rows: Sequence[Row]) -> Tensor:
        """Outputs ``[rows, outputs]`` of one batch; logits where the model is a classifier."""
        ...


@dataclass(frozen=True, eq=False)
class Inputs:
    """An example as what gradients are taken by: embeddings, pixels or features.

    Attributes:
        values: ``[1, ...]`` floats.
        baseline: of the same shape, what stands for nothing being there.
        forward: from values ``[rows, ...]`` to outputs ``[rows, outputs]``.
        pool: from attributions ``[1, ...]`` to one number an item, ``[items]``.
        module: a model that maps values to outputs, for methods that need its layers.
    """

    values: Tensor
    baseline: Tensor
    forward: Callable[[Tensor], Tensor]
    pool: Callable[[Tensor], Floats]
    module: nn.Module | None = None


@runtime_checkable
class Differentiable(Protocol):
    """A subject whose outputs have gradients by its inputs."""

    def inputs(self, example: int) -> Inputs:
        """The example as floats, with a forward pass that keeps gradients."""
        ...
