"""Which example each row of a model's batch, or of one attention in it, is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from recorders.capture.placement.pieces import UnplacedError


@dataclass(frozen=True)
class Rows:
    """How the rows of one attention lie: batch-major, then beams, then windows or heads.

    Attributes:
        batch: examples.
        beams: rows of each example, 1 where it is one.
        windows: windows of each of these rows, 1 for none.
        heads: heads that the model folded into the rows, 1 for none.
    """

    batch: int
    beams: int = 1
    windows: int = 1
    heads: int = 1

    @property
    def count(self) -> int:
        """Rows that are left when windows and heads are out of the way."""
        return self.batch * self.beams

    @property
    def examples(self) -> NDArray[np.int64]:
        """int64 [count]: the example that each row is."""
        return np.arange(self.count, dtype=np.int64) // self.beams

    def unfolded(self, values: Tensor) -> Tensor:
        """[rows, heads, queries, …] as [count, heads, windows x queries, …]; a view if possible."""
        if self.heads > 1:
            return values.reshape(self.count, self.heads, *values.shape[2:])
        if self.windows > 1:
            apart = values.reshape(self.count, self.windows, *values.shape[1:]).transpose(1, 2)
            return apart.reshape(self.count, values.shape[1], -1, *values.shape[3:])
        return values


def rows_of(
    batch: int,
    site: int,
    *,
    model: int,
    others: Collection[int] = (),
    generating: bool = False,
    heads_missing: int = 1,
) -> Rows:
    """How the rows of an attention lie.

    Args:
        batch: examples that are open.
        site: rows of the attention.
        model: rows of the model's first input.
        others: rows of all its inputs.
        generating: whether ``generate()`` runs, which repeats each example for its beams.
        heads_missing: heads that the module says it has while the attention shows one.

    Raises:
        UnplacedError: nothing of the above explains the rows.
    """
    if site == batch:
        return Rows(batch)
    beams = model // batch if generating and model % batch == 0 else 1
    if model == batch * beams:
        if site == model:
            return Rows(batch, beams)
        if site % model == 0 and site not in others:
            folded = site // model
            if folded == heads_missing:
                return Rows(batch, beams, heads=folded)
            return Rows(batch, beams, windows=folded)
    examples = "example is" if batch == 1 else "examples are"
    if site in (model, *others):
        raise UnplacedError(
            f"the model ran on {site} rows while {batch} {examples} open; describe one example a "
            "row with recorder.example(batch=[...])"
        )
    raise UnplacedError(
        f"its {site} rows are no multiple of the model's {model} while {batch} {examples} open; "
        "read it with recorder.watch(...), or describe one example a row with "
        "recorder.example(batch=[...])"
    )
