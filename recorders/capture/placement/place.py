"""Which example each row of what a net saw belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from recorders.capture.captured import Call, Captured, Ticket


class Unplaced(ValueError):
    """It cannot be told which example something belongs to; the message is one sentence."""


@dataclass(frozen=True, eq=False)
class Piece:
    rows: NDArray[np.int64]
    probabilities: Tensor
    selection: Tensor | None = None
    log_prob: Tensor | None = None
    first_query: int = 0
    query_stride: int = 1
    first_key: int = 0
    first_region: int = 0
    boxes: NDArray[np.float32] | None = None
    special_keys: tuple[str, ...] = ()
    windows: int = 1
    query_axis: str = "queries"
    key_axis: str = "keys"


@dataclass(frozen=True, eq=False)
class NewTokens:
    rows: NDArray[np.int64]
    step: int
    axis: int
    positions: NDArray[np.int64]
    ids: NDArray[np.int64]
    texts: tuple[str, ...]


class Placement:
    def __init__(self, model: nn.Module, batch: int, *, tokenizer: Any, input_boxes: Any) -> None:
        self._batch = batch

    def handlers(self) -> dict[Any, Any]:
        return {}

    def began(self, call: Call) -> None: ...

    def ended(self, call: Call) -> list[NewTokens]:
        return []

    def queries_before(self, call: Call) -> slice | None:
        return None

    def pieces(self, ticket: Ticket, captured: Captured, queries: slice | None) -> list[Piece]:
        if len(captured.probabilities) != self._batch:
            raise Unplaced("other number of rows")
        return [
            Piece(
                np.arange(self._batch),
                captured.probabilities,
                captured.selection,
                captured.log_prob,
            )
        ]
