"""What a loss is compared with before it scores a choice: anything but the choice itself.

A baseline that is computed before the choice was made leaves the estimate unbiased (Williams 1992,
section 4). One that has seen the choice's own loss does not: that is why :class:`MovingAverage`
takes a loss in only after it was asked.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn


class Baseline(Protocol):
    """Expects a loss, and learns from what it was."""

    def expected(self, like: Tensor) -> Tensor:
        """What loss to expect, [batch] or a scalar, in the type of ``like`` [batch]."""

    def learn(self, losses: Tensor) -> None:
        """Take in the losses [batch] that came, after the estimate was made."""


class Constant:
    """The same at all times.

    Args:
        value: the expected loss.
    """

    def __init__(self, value: float | Tensor) -> None:
        self.value = value

    def expected(self, like: Tensor) -> Tensor:
        """The value."""
        return torch.as_tensor(self.value, dtype=like.dtype, device=like.device)

    def learn(self, losses: Tensor) -> None:
        """Nothing is learnt."""


class MovingAverage:
    """An exponentially decaying mean of earlier losses; the first is expected to be zero.

    Args:
        decay: share of the old mean that stays, in [0, 1).
        rows: whether each row of the batch is a problem of its own, with its own mean.
    """

    def __init__(self, decay: float = 0.9, *, rows: bool = False) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay is {decay}; it must be at least 0 and below 1")
        self.decay = decay
        self.rows = rows
        self.mean: Tensor | None = None
        self.steps = 0

    def expected(self, like: Tensor) -> Tensor:
        """The mean so far, without the bias toward its start."""
        if self.mean is None:
            return torch.zeros((), dtype=like.dtype, device=like.device)
        return self.mean / (1 - self.decay**self.steps)

    def learn(self, losses: Tensor) -> None:
        """Let the mean move toward these losses."""
        losses = losses.detach()
        now = losses if self.rows else losses.mean()
        before = torch.zeros_like(now) if self.mean is None else self.mean
        self.mean = self.decay * before + (1 - self.decay) * now
        self.steps += 1


class Learned:
    """What a network expects, fitted by least squares as it goes.

    Args:
        network: maps ``inputs`` to [batch] or [batch, 1].
        optimizer: changes its parameters.

    Attributes:
        inputs: what the network is asked about next; set it before each estimate. It must not
            depend on the choice.
    """

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.network = network
        self.optimizer = optimizer
        self.inputs: Tensor | None = None
        self._asked: Tensor | None = None

    def expected(self, like: Tensor) -> Tensor:
        """What the network expects of ``inputs``.

        Raises:
            ValueError: there are no inputs.
        """
        if self.inputs is None:
            raise ValueError("a learned baseline has no inputs; set baseline.inputs first")
        with torch.enable_grad():
            self._asked = self.network(self.inputs).reshape(like.shape)
        return self._asked.detach()

    def learn(self, losses: Tensor) -> None:
        """One step of least squares toward these losses."""
        if self._asked is None:
            return
        self.optimizer.zero_grad()
        with torch.enable_grad():
            torch.autograd.backward((self._asked - losses.detach()).square().mean())
        self.optimizer.step()
        self._asked = None
