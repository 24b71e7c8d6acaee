"""A model that reads token ids, such as a classifier of Hugging Face's."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardattn_viewer.faithfulness.engine import evaluating
from hardattn_viewer.faithfulness.subject import WHOLE, Floats, Inputs, Query, Row
from hardattn_viewer.faithfulness.subjects.answers import outputs_of

OPERATORS = {
    "delete": "taken out of the sequence",
    "attention-mask": "hidden by the attention mask, in its place",
    "mask-token": "replaced by the mask token",
    "pad": "replaced by the padding token, and attended to",
    "mean-embedding": "its embedding replaced by the mean of the vocabulary",
    "zero-embedding": "its embedding replaced by zero",
}


@dataclass(frozen=True)
class Text:
    """One example, as ids that are never tokenised again.

    Attributes:
        ids: token ids, special tokens included, padding not.
        items: positions in ``ids`` of each item: one each for tokens, several for words.
        names: what to call the items.
    """

    ids: tuple[int, ...]
    items: tuple[tuple[int, ...], ...]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        places = [place for item in self.items for place in item]
        if not self.ids or len(set(places)) != len(places) or not self.items:
            raise ValueError("a text has ids, and items that are places in them, none twice")
        if min(places) < 0 or max(places) >= len(self.ids):
            raise ValueError(f"an item lies outside the {len(self.ids)} ids of its text")


class TokenSubject:
    """A model of token ids and an attention mask.

    Args:
        model: called as ``model(input_ids=…, attention_mask=…)``, both ``[batch, length]`` int64;
            returns outputs or an object with ``logits``.
        texts: the examples.
        pad: id of the padding token.
        mask: id of the mask token; None where there is none.
        embedding: the module that looks ids up; by it operators on embeddings and gradients work.
            That of ``model.get_input_embeddings()`` if not given and there is one.
        call: how the model is called, where it is called otherwise.
        outputs: names of the outputs.
        query: where the answer is read from, so that explanations by attention read its row: the
            position of a class token, "last", or "mean" of a model that averages over positions.

    Raises:
        ValueError: there is no text.
    """

    batch_positions = 1_024
    """Where a text encoder's matrix products are at their fastest on a processor: a fifth faster
    than at eight times as many, whose states leave its caches."""

    def __init__(
        self,
        model: nn.Module,
        texts: Sequence[Text],
        *,
        pad: int = 0,
        mask: int | None = None,
        embedding: nn.Module | None = None,
        call: Callable[[Tensor, Tensor], Any] | None = None,
        outputs: Sequence[str] = (),
        query: Query = 0,
    ) -> None:
        if not texts:
            raise ValueError("there is no text to check")
        self.model, self.texts, self.outputs = model, tuple(texts), tuple(outputs)
        self.query = query
        self._pad, self._mask = pad, mask
        self._changes: dict[int, Tensor] = {}
        found = getattr(model, "get_input_embeddings", lambda: None)()
        self.embedding = embedding if embedding is not None else found
        self._call = call or (lambda ids, seen: model(input_ids=ids, attention_mask=seen))
        self.operators: Mapping[str, str] = {
            name: words
            for name, words in OPERATORS.items()
            if (name != "mask-token" or mask is not None)
            and (not name.endswith("-embedding") or self.embedding is not None)
        }

    def __len__(self) -> int:
        return len(self.texts)

    def items(self, example: int) -> int:
        """Tokens or words that are not special."""
        return len(self.texts[example].items)

    def digest(self, example: int) -> bytes:
        """Its ids and items."""
        text = self.texts[example]
        return repr((text.ids, text.items)).encode()

    def lengths(self, example: int, kept: NDArray[np.bool_], operator: str) -> NDArray[np.int64]:
        """Ids that are left of each row."""
        text = self.texts[example]
        if operator != "delete":
            return np.full(len(kept), len(text.ids))
        sizes = np.array([len(item) for item in text.items])
        return np.asarray(len(text.ids) - (~kept) @ sizes, np.int64)

    def run(self, rows: Sequence[Row]) -> Tensor:
        """Outputs of rows, padded to the longest."""
        written = [self._written(row) for row in rows]
        width = max(len(ids) for ids, _, _ in written)
        ids = torch.full((len(rows), width), self._pad)
        seen = torch.zeros_like(ids)
        gone = torch.zeros(len(rows), width, dtype=torch.bool)
        changes = self._changes_of(rows, width)
        for at, (one, visible, replaced) in enumerate(written):
            ids[at, : len(one)] = torch.tensor(one)
            seen[at, : len(one)] = torch.tensor(visible)
            gone[at, : len(one)] = torch.tensor(replaced)
        with (
            evaluating(self.model),
            self._adding(changes),
            self._replacing(rows[0].operator, gone),
        ):
            return self.read_out(self._call(ids, seen), seen, [row.example for row in rows])

    def read_out(self, answer: Any, seen: Tensor, examples: Sequence[int]) -> Tensor:
        """Outputs ``[rows, outputs]`` of what the model returned for rows of some examples.

        Args:
            answer: what it returned.
            seen: ``[rows, length]``, 1 where a token is there and attended to.
            examples: of each row.
        """
        return outputs_of(answer)

    def inputs(self, example: int) -> Inputs:
        """The embeddings, with that of the padding token for nothing.

        Raises:
            ValueError: the module that looks ids up is not known.
        """
        if self.embedding is None:
            raise ValueError("the model's embedding is not known: name the module as `embedding`")
        ids, blank, _ = self.by_ids(example)
        with torch.no_grad():
            values, baseline = self.embedding(ids), self.embedding(blank)
        if example in self._changes:
            values = values + self._changes[example]

        def forward(changed: Tensor) -> Tensor:
            many = ids.expand(len(changed), -1)
            seen = torch.ones_like(many)
            with evaluating(self.model), self._giving(changed):
                return self.read_out(self._call(many, seen), seen, [example] * len(many))

        return Inputs(
            values, baseline, forward, lambda found: self.pooled(example, found), self.model
        )

    def moved(self, example: int, change: Tensor) -> TokenSubject:
        """The same with a change ``[1, length, width]`` added to the embeddings of one example."""
        made = copy.copy(self)
        before = self._changes.get(example)
        made._changes = {**self._changes, example: change if before is None else before + change}
        return made

    def by_ids(self, example: int) -> tuple[Tensor, Tensor, Callable[[Tensor], Tensor]]:
        """Ids ``[1, length]``, those with padding for every item, and a forward pass of ids."""
        text = self.texts[example]
        ids = torch.tensor([text.ids])
        blank = ids.clone()
        blank[0, [place for item in text.items for place in item]] = self._pad

        def forward(changed: Tensor) -> Tensor:
            seen = torch.ones_like(changed)
            return self.read_out(self._call(changed, seen), seen, [example] * len(changed))

        return ids, blank, forward

    def pooled(self, example: int, found: Tensor) -> Floats:
        """Attributions ``[1, length, ...]`` of positions as one number an item."""
        each = found.detach()[0].reshape(found.shape[1], -1).sum(-1).double().numpy()
        return np.array([each[list(item)].sum() for item in self.texts[example].items])

    def _written(self, row: Row) -> tuple[list[int], list[int], list[bool]]:
        """Ids of a row, whether each is attended to, and whether its embedding is replaced."""
        text = self.texts[row.example]
        ids, seen = list(text.ids), [1] * len(text.ids)
        replaced = [False] * len(ids)
        if row.operator == WHOLE:
            return ids, seen, replaced
        gone = {
            place
            for item, there in zip(text.items, row.mask, strict=True)
            if not there
            for place in item
        }
        if row.operator == "delete":
            ids = [one for place, one in enumerate(ids) if place not in gone]
            return ids, [1] * len(ids), [False] * len(ids)
        for place in gone:
            if row.operator == "attention-mask":
                seen[place] = 0
            elif row.operator == "mask-token":
                assert self._mask is not None
                ids[place] = self._mask
            elif row.operator == "pad":
                ids[place] = self._pad
            else:
                replaced[place] = True
        return ids, seen, replaced

    def _changes_of(self, rows: Sequence[Row], width: int) -> Tensor | None:
        """What is added to the embeddings of rows, ``[rows, length, width]``; None for nothing."""
        some = [row for row in rows if row.example in self._changes]
        if not some:
            return None
        first = self._changes[some[0].example]
        found = torch.zeros(len(rows), width, first.shape[-1], dtype=first.dtype)
        for at, row in enumerate(rows):
            if row.example in self._changes:
                there = self._left(row)
                found[at, : len(there)] = self._changes[row.example][0, there]
        return found

    def _left(self, row: Row) -> list[int]:
        """The places of a text that its row still has."""
        text = self.texts[row.example]
        gone: set[int] = set()
        if row.operator == "delete":
            pairs = zip(text.items, row.mask, strict=True)
            gone = {place for item, there in pairs if not there for place in item}
        return [place for place in range(len(text.ids)) if place not in gone]

    @contextmanager
    def _adding(self, changes: Tensor | None) -> Iterator[None]:
        if changes is None:
            yield
            return
        assert self.embedding is not None
        handle = self.embedding.register_forward_hook(
            lambda module, given, found: found + changes.to(found.dtype)
        )
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def _replacing(self, operator: str, gone: Tensor) -> Iterator[None]:
        if not operator.endswith("-embedding") or not gone.any():
            yield
            return
        assert self.embedding is not None
        table = self.embedding.weight
        assert isinstance(table, Tensor)
        filler = (
            table.detach().mean(0) if operator == "mean-embedding" else torch.zeros_like(table[0])
        )
        where = gone.unsqueeze(-1)
        handle = self.embedding.register_forward_hook(
            lambda module, given, found: torch.where(where, filler.to(found.dtype), found)
        )
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def _giving(self, embeddings: Tensor) -> Iterator[None]:
        assert self.embedding is not None
        handle = self.embedding.register_forward_hook(lambda module, given, found: embeddings)
        try:
            yield
        finally:
            handle.remove()
