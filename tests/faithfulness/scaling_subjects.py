"""Subjects that other processes make for themselves, and that can go wrong there."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hardattn_models import load_system, load_task
from hardattn_viewer.faithfulness.subject import Row
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.zoo import ZooPictures
from sample_runs import checkpoints

CHILD = "HARDATTN_TEST_CHILD"
"""Set where a process is a worker although no process of ours started it."""


class Net(nn.Module):
    """Two outputs of seven numbers, neither linear nor symmetric."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(7)
        self.one = nn.Parameter(torch.randn(7, 5, generator=generator, dtype=torch.double))
        self.two = nn.Parameter(torch.randn(5, 2, generator=generator, dtype=torch.double))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.one).tanh() @ self.two


def is_worker() -> bool:
    return multiprocessing.parent_process() is not None or CHILD in os.environ


class Faulty(ArraySubject):
    """Does something else, once or always, in the first worker that runs a given example.

    Args:
        count: examples.
        fault: "kill", "raise", "hang" or nothing.
        example: when that is run.
        mark: file that is made when it happened; it happens once then, and always without.
    """

    def __init__(self, count: int, fault: str, example: int, mark: str) -> None:
        generator = torch.Generator().manual_seed(count)
        x = torch.randn(count, 7, generator=generator, dtype=torch.double)
        super().__init__(Net(), x)
        self._fault, self._example, self._mark = fault, example, mark

    def run(self, rows: Sequence[Row]) -> Tensor:
        fresh = not self._mark or not Path(self._mark).exists()
        if is_worker() and fresh and any(row.example == self._example for row in rows):
            if self._mark:
                Path(self._mark).write_text(str(os.getpid()))
            if self._fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            elif self._fault == "raise":
                raise RuntimeError("the disk with the model was pulled out")
            elif self._fault == "hang":
                time.sleep(8)
        return super().run(rows)


def arrays(count: int = 20, fault: str = "", example: int = 0, mark: str = "") -> Any:
    """A subject with explanations of its own."""
    subject = Faulty(count, fault, example, mark)
    given = np.random.default_rng(count).random((count, 7))
    return SimpleNamespace(subject=subject, explanations={"mine": list(given)})


def glimpses(count: int = 12) -> ZooPictures:
    """A system that makes hard choices."""
    batch = next(iter(load_task("mnist-small").batches("test", count, count)))
    return ZooPictures(load_system(checkpoints()["glimpse-hard"]), batch)


def other_each_time() -> ArraySubject:
    """Its examples are others in every process."""
    generator = torch.Generator().manual_seed(os.getpid())
    return ArraySubject(Net(), torch.randn(4, 7, generator=generator, dtype=torch.double))


def not_a_subject() -> int:
    return 3
