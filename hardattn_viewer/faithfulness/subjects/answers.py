"""What models return, as one tensor of outputs a row."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from hardattn_viewer.faithfulness.errors import FaithfulnessError


def outputs_of(answer: Any) -> Tensor:
    """Outputs ``[rows, outputs]`` of what a model returned.

    Args:
        answer: a tensor ``[rows]`` or ``[rows, outputs]``, a tuple that begins with one, or an
            object with ``logits``.

    Raises:
        FaithfulnessError: there is none in it.
    """
    found = getattr(answer, "logits", answer)
    if isinstance(found, tuple | list) and found:
        found = found[0]
    if not isinstance(found, Tensor) or found.ndim not in (1, 2):
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(answer).__name__
        raise FaithfulnessError(
            f"the model returned {shape}; a check needs outputs [batch] or [batch, outputs], which "
            "a function around the model can make of anything"
        )
    return found.unsqueeze(-1) if found.ndim == 1 else found
