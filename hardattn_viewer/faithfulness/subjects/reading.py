"""Models of tokens that say no class: one that goes on with a text, and one that encodes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hardattn_viewer.faithfulness.engine import evaluating, quiet_run
from hardattn_viewer.faithfulness.errors import FaithfulnessError
from hardattn_viewer.faithfulness.subjects.tokens import Text, TokenSubject

NEXT = ("the next token", "any other")
COSINE = ("cosine to the whole text",)


class NextTokenSubject(TokenSubject):
    """A language model, asked how likely one token is to come after a text.

    Its outputs ``[rows, 2]`` are the token's logit and the log of the summed exponentials of all
    others, so that "probability", "log-probability" and "logit" all read what the vocabulary says;
    the class to ask for is 0: ``check(subject, targets=subject.targets)``.

    Args:
        model: returns an object with ``logits`` ``[batch, length, vocabulary]``.
        texts: the examples; the last token of each is no item, since the answer is read there.
        next_tokens: which token comes after each; the most probable one if not given.
        options: as for :class:`TokenSubject`.

    Attributes:
        next_tokens: ids.
        targets: 0 for every example.

    Raises:
        ValueError: the last token of a text is an item, or tokens do not go with texts.
    """

    def __init__(
        self,
        model: nn.Module,
        texts: Sequence[Text],
        *,
        next_tokens: Sequence[int] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(model, texts, **{"query": "last", "outputs": NEXT, **options})
        for at, text in enumerate(self.texts):
            if any(len(text.ids) - 1 in item for item in text.items):
                raise ValueError(
                    f"the last token of text {at} is an item, but the answer is read there: leave "
                    "it out of the items"
                )
        self.targets = (0,) * len(self.texts)
        if next_tokens is None:
            next_tokens = [self._likeliest(text) for text in self.texts]
        self.next_tokens = tuple(map(int, next_tokens))
        if len(self.next_tokens) != len(self.texts):
            raise ValueError(f"{len(self.next_tokens)} tokens for {len(self.texts)} texts")

    def read_out(self, answer: Any, seen: Tensor, examples: Sequence[int]) -> Tensor:
        """The logit of each example's token, and all others together."""
        logits = _at_the_end(answer, seen)
        tokens = torch.tensor([[self.next_tokens[example]] for example in examples])
        others = logits.scatter(1, tokens, -torch.inf).logsumexp(-1, keepdim=True)
        return torch.cat([logits.gather(1, tokens), others], 1)

    def _likeliest(self, text: Text) -> int:
        ids = torch.tensor([text.ids])
        seen = torch.ones_like(ids)
        with quiet_run(), evaluating(self.model):
            return int(_at_the_end(self._call(ids, seen), seen)[0].argmax())


class EncoderSubject(TokenSubject):
    """An encoder without a head: how near what is left of a text is to the whole of it.

    Its output ``[rows, 1]`` is the cosine between the mean of the last states over the tokens that
    are there and that of the whole text, 1 where nothing is removed. Since that is its maximum, the
    gradient there is 0 and explains nothing; integrated gradients come from elsewhere.

    Args:
        model: returns an object with ``last_hidden_state`` ``[batch, length, width]``.
        texts: the examples.
        options: as for :class:`TokenSubject`.
    """

    def __init__(self, model: nn.Module, texts: Sequence[Text], **options: Any) -> None:
        super().__init__(model, texts, **{"query": "mean", "outputs": COSINE, **options})
        self._wholes: dict[int, Tensor] = {}

    def read_out(self, answer: Any, seen: Tensor, examples: Sequence[int]) -> Tensor:
        """The cosine of each row to its whole text."""
        vectors = _mean_state(answer, seen)
        wholes = torch.stack([self._whole(example) for example in examples])
        return torch.cosine_similarity(vectors, wholes.to(vectors.dtype))[:, None]

    def _whole(self, example: int) -> Tensor:
        if example not in self._wholes:
            ids = torch.tensor([self.texts[example].ids])
            seen = torch.ones_like(ids)
            with quiet_run(), evaluating(self.model):
                self._wholes[example] = _mean_state(self._call(ids, seen), seen)[0]
        return self._wholes[example]


def _at_the_end(answer: Any, seen: Tensor) -> Tensor:
    """Logits ``[rows, vocabulary]`` at the last token of each row, padding after it left out."""
    logits = getattr(answer, "logits", answer)
    if not isinstance(logits, Tensor) or logits.ndim != 3:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(answer).__name__
        raise FaithfulnessError(
            f"the model returned {shape}; a language model returns logits [batch, length, "
            "vocabulary]"
        )
    # The last token is no item, so that it is always seen.
    at = seen.shape[1] - 1 - seen.flip(1).argmax(1)
    found: Tensor = logits[torch.arange(len(logits)), at].float()
    return found


def _mean_state(answer: Any, seen: Tensor) -> Tensor:
    states = getattr(answer, "last_hidden_state", None)
    if not isinstance(states, Tensor) or states.ndim != 3:
        raise FaithfulnessError(
            f"the model returned a {type(answer).__name__} without last_hidden_state [batch, "
            "length, width]"
        )
    there = seen[..., None].to(states.dtype)
    found: Tensor = (states * there).sum(1) / there.sum(1).clamp_min(1)
    return found
