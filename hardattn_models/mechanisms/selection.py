"""What a mechanism hands out: one choice, or one weighting, among n candidates."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Selection:
    """The outcome of attending once to n candidates.

    Attributes:
        probabilities: ``[..., n]``, the distribution that was chosen from; rows sum to one.
        index: ``[..., k]`` int64, the candidates chosen, or ``None`` where nothing was chosen and
            all candidates are blended.
        weights: ``[..., n]``, what the candidates' values are multiplied by: one-hot for a hard
            choice of one, the probabilities themselves for soft attention.
        log_prob: ``[...]``, natural logarithm of the probability of the choice, in nats; zero
            where nothing was chosen.
        entropy: ``[...]``, entropy of ``probabilities`` in nats, between 0 and log n.
        temperature: what the scores were divided by before the softmax, above zero.
        blends: whether candidates that were not chosen may have weight all the same.
    """

    probabilities: Tensor
    index: Tensor | None
    weights: Tensor
    log_prob: Tensor
    entropy: Tensor
    temperature: float
    blends: bool = False

    def apply(self, values: Tensor) -> Tensor:
        """Read from the values what was attended to.

        A hard choice gathers its rows and never touches the others, so it costs the same for
        any n and is exact. Where the weights carry a gradient (soft attention, relaxations)
        all rows are blended instead.

        Args:
            values: ``[..., n, d]``, one row a candidate; leading dimensions as in
                ``probabilities``, or broadcastable to them.

        Returns:
            ``[..., d]``, the sum over candidates of weight times value.

        Raises:
            ValueError: if ``values`` has another number of candidates, or leading dimensions
                that do not fit.
        """
        leading, n = self.weights.shape[:-1], self.weights.shape[-1]
        if values.ndim < 2 or values.shape[-2] != n:
            raise ValueError(
                f"values must be [..., {n}, d] to go with {n} candidates, not {tuple(values.shape)}"
            )
        try:
            values = values.expand(*leading, *values.shape[-2:])
        except RuntimeError:
            raise ValueError(
                f"values of shape {tuple(values.shape)} do not fit weights of shape "
                f"{tuple(self.weights.shape)}: their leading dimensions must agree"
            ) from None
        if self.index is None or self.blends or self.weights.requires_grad:
            return torch.einsum("...n,...nd->...d", self.weights, values)
        rows = values.gather(
            -2, self.index.unsqueeze(-1).expand(*self.index.shape, values.shape[-1])
        )
        return (rows * self.weights.gather(-1, self.index).unsqueeze(-1)).sum(-2)
