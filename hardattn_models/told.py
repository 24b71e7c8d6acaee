"""Choices that a model is told, in place of those that it would make: estimators and checks ask
what would have come of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from hardattn_models import mechanisms
from hardattn_models.choosing import BLENDS, GATES, GAUSSIAN, WAYS, Chooser
from hardattn_models.mechanisms import Gates, Selection
from hardattn_models.mechanisms.gates import opened


class Given(Chooser):
    """Takes what it is given, one index ``[batch]`` a choice: teacher forcing, enumeration.

    ``[batch, variables]`` for a choice of several variables.
    """

    def __init__(self, indices: Sequence[Tensor]) -> None:
        super().__init__("argmax")
        self.given = True
        self._left = list(indices)

    def _select(self, logits: Tensor) -> Selection:
        if not self._left:
            raise ValueError("the model asks for more choices than are given")
        return _taken(logits.detach(), self._left.pop(0), 1.0)


class Forced(Chooser):
    """Takes what it is told where it is told something, and chooses by its mechanism elsewhere.

    What it draws depends on ``noise`` alone, so that two passes that are forced otherwise draw the
    same wherever they have the same probabilities (common random numbers, by Gumbel-max).

    Args:
        how: a name in ``WAYS`` that chooses one candidate, or blends them.
        indices: ``[batch, choices]`` int64, the candidate to take, -1 for the mechanism's own.
            Choices beyond these are its own too.
        noise: from the number of a choice and the shape ``[batch, n]`` of its logits to Gumbel
            noise; what it chooses is the most probable candidate if not given.
        temperature: divides the scores.
        passes: whether what scores the candidates keeps its gradient, to ask what moves a choice.

    Raises:
        ValueError: this mechanism takes several candidates, or none.
    """

    def __init__(
        self,
        how: str,
        indices: Tensor,
        *,
        noise: Callable[[int, torch.Size], Tensor] | None = None,
        temperature: float = 1.0,
        passes: bool = False,
    ) -> None:
        if how in ("top-k", "hybrid", GAUSSIAN, GATES):
            raise ValueError(f"what {how} takes is not one candidate, so none can be forced")
        super().__init__(how, temperature=temperature)
        self._indices, self._noise = indices, noise
        self._drawn, self._passes = how == "uniform", passes

    @property
    def passes(self) -> bool:
        """Whether what scores the candidates keeps its gradient."""
        return self._passes or super().passes

    def _select(self, logits: Tensor) -> Selection:
        at = len(self.steps)
        told = torch.full((len(logits),), -1)
        if at < self._indices.shape[1]:
            told = self._indices[:, at]
        is_told = told >= 0
        if bool((told >= logits.shape[-1]).any()):
            raise ValueError(
                f"choice {at} has {logits.shape[-1]} candidates, not {int(told.max())}"
            )
        if self.how in BLENDS:
            own = mechanisms.soft(logits, temperature=self.temperature)
            if self.how in ("sparsemax", "entmax15"):
                own = WAYS[self.how].make(logits, self)
            one = torch.zeros_like(own.weights).scatter(-1, told.clamp_min(0).unsqueeze(-1), 1.0)
            return replace(own, weights=torch.where(is_told.unsqueeze(-1), one, own.weights))
        scores = (torch.zeros_like(logits) if self._drawn else logits) / self.temperature
        scores = scores.masked_fill(logits.isneginf(), -torch.inf)
        if self._noise is not None:
            free = (scores + self._noise(at, logits.shape)).argmax(-1)
        else:
            free = scores.argmax(-1)
        return _taken(scores, torch.where(is_told, told, free), self.temperature)


class MeanField(Chooser):
    """Blends at every choice, and keeps the weights apart, so that the slope there can be asked.

    Attributes:
        leaves: the weights ``[batch, n]`` or ``[batch, variables, n]`` of each choice, that
            gradients stop at.
    """

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__("soft", temperature=temperature)
        self.leaves: list[Tensor] = []

    def _select(self, logits: Tensor) -> Selection:
        selection = super()._select(logits)
        leaf = selection.weights.detach().requires_grad_()
        self.leaves.append(leaf)
        return replace(selection, weights=leaf)


class Weighted(Chooser):
    """Gives the weights that it is given to its one choice, hard or relaxed.

    Args:
        weights: shaped as the logits of that choice.
    """

    def __init__(self, weights: Tensor) -> None:
        super().__init__("soft")
        self._weights = weights

    def _select(self, logits: Tensor) -> Selection:
        return replace(super()._select(logits), weights=self._weights)


class GivenGates(Chooser):
    """Opens the gates ``[batch, n]`` that it is given, 0 or 1 each.

    Args:
        weights: of its one choice.
        temperature: that of the choice.
    """

    def __init__(self, weights: Tensor, temperature: float) -> None:
        super().__init__(GATES, temperature=temperature)
        self._weights = weights

    def _open(self, logits: Tensor) -> Gates:
        return opened(logits / self.temperature, self._weights, self.temperature)


def _taken(scores: Tensor, taken: Tensor, temperature: float) -> Selection:
    """The choice ``[batch]`` that was made among scores that are divided by a temperature."""
    best = mechanisms.argmax(scores)
    index = taken.unsqueeze(-1)
    likely = best.probabilities.gather(-1, index).squeeze(-1)
    return replace(
        best,
        index=index,
        weights=torch.zeros_like(best.weights).scatter(-1, index, 1.0),
        log_prob=likely.clamp_min(torch.finfo(likely.dtype).tiny).log(),
        temperature=temperature,
    )
