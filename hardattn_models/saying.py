"""What comes of a model that says one word after another, looking once for each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from hardattn_models.model import Outcome


def outcome_of_words(
    scores: Sequence[Tensor],
    words: Tensor,
    expected: Sequence[Tensor],
    names: Sequence[str],
    figures: dict[str, Tensor],
    *,
    called: str = "words",
) -> Outcome:
    """The outcome of saying words, of which each look is worth all that were said from there on.

    The loss is the mean cross-entropy; the reward of a look how probable the right words were from
    there on, summed and divided by the number of words; right is what is right throughout.

    Args:
        scores: of each word, ``[batch, vocabulary]``.
        words: int64 ``[batch, words]``, the right ones.
        expected: of each look, the reward that was expected, ``[batch]``.
        names: the vocabulary.
        figures: what else is measured.
        called: name of the figure that is the share of right ones.
    """
    said = torch.stack(list(scores), 1)
    missed = functional.cross_entropy(said.transpose(1, 2), words, reduction="none")
    likely = (-missed.detach()).exp()
    same = (said.argmax(-1) == words).to(said.dtype)
    return Outcome(
        loss=missed.mean(1),
        reward=likely.flip(1).cumsum(1).flip(1) / words.shape[1],
        right=same.prod(1),
        baseline=torch.stack(list(expected), 1),
        figures={called: same.mean(1), **figures},
        words=[[names[word] for word in row] for row in said.argmax(-1).tolist()],
    )
