"""What a task is: examples in three splits, and batches to learn from without end."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import fields, is_dataclass, replace
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from hardattn_models.errors import TaskError

B = TypeVar("B")

# Added to a plan's seed, so that what is learnt from, measured on and drawn never share a stream.
ORDER, SHIFTS, MEASURED, MEASURED_SHIFTS = 1_000_003, 5_000_011, 6_000_047, 8_000_069


class Feed(Protocol):
    """Batches to learn from, without end; the same seed gives the same."""

    def next(self, count: int) -> Any:
        """The next batch, of ``count`` examples."""

    def state(self) -> dict[str, Any]:
        """Where it stands, as JSON values."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where :meth:`state` was asked."""


class Task(Protocol):
    """Examples in three splits that share none."""

    @property
    def name(self) -> str:
        """The name by which ``load_task`` finds it."""

    @property
    def source(self) -> str:
        """Where the data came from and its licence, in words."""

    def split(self, name: str) -> Sized:
        """The part of that name: "train", "validation" or "test"."""

    def batches(
        self, split: str = "test", size: int = 64, limit: int | None = None
    ) -> Iterator[Any]:
        """The examples of one part in their order; each batch has ``entries`` for a recorder."""

    def feed(self, seed: int, *, shift: int = 0) -> Feed:
        """Batches of the train split to learn from."""

    def measured(self, seed: int, batches: int, size: int, *, shift: int = 0) -> Iterator[Any]:
        """Batches of the train split to measure on; they share no draw with :meth:`feed`."""


def check_sizes(size: int, limit: int | None) -> None:
    """Refuse batches of no example.

    Raises:
        TaskError: ``size`` or ``limit`` is below 1.
    """
    if size < 1 or (limit is not None and limit < 1):
        raise TaskError(f"a batch size of {size} and a limit of {limit} make no batch")


def repeated(batch: B, times: int) -> B:
    """Every example of a batch ``times`` times, its copies next to each other.

    Args:
        batch: a dataclass; each of its tensors has the examples as first dimension.
        times: copies.
    """
    assert is_dataclass(batch) and not isinstance(batch, type)
    more: dict[str, Any] = {
        one.name: getattr(batch, one.name).repeat_interleave(times, 0)
        for one in fields(batch)
        if isinstance(getattr(batch, one.name), torch.Tensor)
    }
    return replace(batch, **more)


def size_of(batch: Any) -> int:
    """Examples in a batch: the first dimension of its tensors."""
    for one in fields(batch):
        value = getattr(batch, one.name)
        if isinstance(value, Tensor):
            return len(value)
    raise TypeError(f"{type(batch).__name__} holds no tensor")
