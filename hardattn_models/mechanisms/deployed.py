"""Trained soft, deployed hard."""

from __future__ import annotations

from torch import Tensor

from hardattn_models.mechanisms.categorical import argmax, soft
from hardattn_models.mechanisms.selection import Selection


def soft_then_hard(logits: Tensor, *, training: bool, temperature: float = 1.0) -> Selection:
    """Blend while a model is trained, take the best where it is used.

    What that loses depends on how sharp attention has become by then; lower the temperature
    while training (``schedules``) to lose less.

    Args:
        logits: ``[..., n]`` floating scores; ``-inf`` rules a candidate out.
        training: whether to blend; a module passes its own ``self.training``.
        temperature: divides the scores, above zero.

    Raises:
        ValueError: as for :func:`soft`.
    """
    return (soft if training else argmax)(logits, temperature=temperature)
