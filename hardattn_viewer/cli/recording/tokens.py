"""Lines of text as token numbers, and the tokens' own texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.recording.items import Item
from hardattn_viewer.cli.recording.notes import Notes
from hardattn_viewer.cli.recording.subject import Pass, fields_of

# Beyond this a map of all pairs is large, so that more is recorded only where it is asked for.
USUAL_TOKENS = 1024
# A tokenizer that knows no limit says so by a number like 1e30.
_NO_LIMIT = 1 << 30


@dataclass(frozen=True, eq=False)
class Encoder:
    """Turns lines into forward passes.

    Attributes:
        tokenizer: a Hugging Face tokenizer.
        limit: tokens of a line after which it is cut.
        vocabulary: how many tokens the model knows; None where that cannot be known.
        padded: whether several lines may share a pass: the model is then told what is padding.
        left: whether the padding comes before the line, as writing on from its end needs it.
        notes: told what is cut.
    """

    tokenizer: Any
    limit: int
    vocabulary: int | None
    padded: bool
    left: bool
    notes: Notes

    def __call__(self, items: Sequence[Item]) -> list[Pass]:
        """Forward passes of these items: one, or one for each where they cannot be padded."""
        if self.padded:
            return [self._encode(items)]
        return [self._encode([item]) for item in items]

    def _encode(self, items: Sequence[Item]) -> Pass:
        texts = [str(item.text) for item in items]
        for item, ids in zip(items, self.tokenizer(texts)["input_ids"], strict=True):
            if len(ids) > self.limit:
                self.notes.say(
                    f"{item.name} is cut from {len(ids)} to {self.limit} tokens; see --max-tokens"
                )
            if not len(ids):
                raise CommandError(f"{item.name} has no token for this tokenizer; leave it out")
        encoded = self.tokenizer(
            texts,
            truncation=True,
            max_length=self.limit,
            padding=len(texts) > 1,
            return_attention_mask=True,
            return_tensors="pt",
            **({"padding_side": "left"} if self.left else {}),
        )
        largest = int(encoded["input_ids"].max())
        if self.vocabulary is not None and largest >= self.vocabulary:
            raise CommandError(
                f"the tokenizer gives token {largest}, but the model knows {self.vocabulary}; "
                "they do not belong together"
            )
        tokens = self._tokens(encoded["input_ids"], encoded["attention_mask"])
        fields = [{**fields_of(i), "tokens": t} for i, t in zip(items, tokens, strict=True)]
        return Pass(fields, kwargs=dict(encoded))

    def _tokens(self, ids: Tensor, mask: Tensor) -> list[list[str]]:
        rows = zip(ids, mask, strict=True)
        return [
            self.tokenizer.convert_ids_to_tokens(row[seen.bool()].tolist()) for row, seen in rows
        ]


def make_encoder(
    tokenizer: Any,
    *,
    config: Any,
    vocabulary: int | None,
    accepts_mask: bool,
    asked: int | None,
    generate: int | None,
    left: bool,
    notes: Notes,
) -> Encoder:
    """An encoder for a model.

    Args:
        tokenizer: a Hugging Face tokenizer.
        config: the model's configuration, asked for how many positions there are; may be None.
        vocabulary: how many tokens the model knows, or None.
        accepts_mask: whether the model can be told what is padding.
        asked: ``--max-tokens``.
        generate: how many tokens are to follow, or None.
        left: whether the padding comes first.
        notes: told what is cut.

    Raises:
        CommandError: the tokenizer is none, or no token of a line would be left.
    """
    if not callable(tokenizer) or not hasattr(tokenizer, "convert_ids_to_tokens"):
        raise CommandError(
            f"{type(tokenizer).__name__} is no Hugging Face tokenizer; give the factory a "
            "`prepare` that turns a line into the model's arguments"
        )
    limits = [getattr(tokenizer, "model_max_length", None)]
    limits += [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions")]
    known = [int(limit) for limit in limits if limit and 0 < limit < _NO_LIMIT]
    # What is written goes where the line ends, except where a decoder of its own writes it.
    room = min(known, default=_NO_LIMIT) - (generate or 0) * left
    limit = min(room, asked or USUAL_TOKENS)
    if limit < 1:
        raise CommandError(f"--generate {generate} leaves no room for a line; ask for fewer tokens")
    padded = accepts_mask
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            padded = False
        else:
            tokenizer.pad_token = tokenizer.eos_token
    return Encoder(tokenizer, limit, vocabulary, padded, left, notes)
