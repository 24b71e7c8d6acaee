"""Small models whose attention is known, because it was written down or planted."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention as attend

from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.explainers.explainer import Asked
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.tokens import Text, TokenSubject

SHARP = 60.0
"""Score of a key that is meant, so that all others together weigh less than 1e-24."""


class Blend(nn.Module):
    """y = Σ a_i v_i over items ``[batch, items, 1 + width]``: a logit, then a value, each."""

    def forward(self, items: Tensor) -> Tensor:
        key, value = items[..., None, :, :1], items[..., None, :, 1:]
        query = torch.ones_like(key[..., :1, :])
        return attend(query, key, value, scale=1.0)[:, 0, 0]


def blend(a: list[float], v: list[list[float]], reading: str = "value") -> Asked:
    """The blend of some values by some weights, asked about its first output."""
    logits = torch.tensor(a, dtype=torch.double).log()[:, None]
    items = torch.cat([logits, torch.tensor(v, dtype=torch.double)], 1)
    return Asked(Engine(ArraySubject(Blend(), [items]), reading, {0: 0}), "zero", 0)


class Stream(nn.Module):
    """A residual stream of one-hot slots and layers of heads, each given by its matrices.

    The stream holds the token, its position, what heads write, and the answer. Scores of a head
    are ``stream @ matrix @ streamᵀ`` and what it writes is ``stream @ writes``.
    """

    def __init__(self, tokens: int, length: int, slots: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, tokens)
        nn.init.eye_(self.embedding.weight)
        self.tokens, self.length = tokens, length
        self.width = tokens + length + slots * tokens
        self.layers = nn.ModuleList()
        self.head = nn.Linear(tokens, tokens, bias=False)
        nn.init.eye_(self.head.weight)

    def slot(self, at: int) -> slice:
        """Where heads write: slot 0, slot 1, …, each as wide as the vocabulary."""
        start = self.tokens + self.length + at * self.tokens
        return slice(start, start + self.tokens)

    @property
    def token(self) -> slice:
        return slice(0, self.tokens)

    @property
    def place(self) -> slice:
        return slice(self.tokens, self.tokens + self.length)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        batch, length = input_ids.shape
        place = torch.eye(self.length)[:length].expand(batch, -1, -1)
        free = torch.zeros(batch, length, self.width - self.tokens - self.length)
        stream = torch.cat([self.embedding(input_ids), place, free], -1)
        for layer in self.layers:
            stream = stream + layer(stream, attention_mask)
        last = attention_mask.sum(1) - 1
        return self.head(stream[torch.arange(batch), last][:, self.slot(1)])


class Layer(nn.Module):
    """Heads ``(scores [width, width], writes [width, width])`` side by side, on SDPA."""

    def __init__(self, heads: list[tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        width = len(heads[0][0])
        self.scores = nn.Parameter(torch.stack([score for score, _ in heads]))
        self.out = nn.Linear(len(heads) * width, width, bias=False)
        self.out.weight.data = torch.cat([writes.T for _, writes in heads], 1)

    def forward(self, stream: Tensor, seen: Tensor) -> Tensor:
        query = torch.einsum("blw,hwv->bhlv", stream, self.scores)
        key = stream[:, None].expand_as(query)
        mask = seen[:, None, None, :].bool()
        mixed = attend(query, key, key, attn_mask=mask, scale=1.0)
        return self.out(mixed.transpose(1, 2).flatten(2))


def induction(decoy: int, *, tokens: int = 12, length: int = 10) -> Stream:
    """After "A B … A" it answers B: a head that looks one back, then one that looks for A before.

    Layer 0: head 0 looks at the token before and notes it in slot 0; heads 1 and 2 look at their
    own place and write nothing. Layer 1: heads 0 and 1 look where the token noted is their own,
    and each writes half of that place's token into slot 1; head 2, the decoy, looks at one place
    and writes nothing.
    """
    model = Stream(tokens, length, slots=2)
    nothing = torch.zeros(model.width, model.width)
    back, self_only, match, copy = (nothing.clone() for _ in range(4))
    note, look = nothing.clone(), nothing.clone()
    back[model.place, model.place] = SHARP * torch.diag(torch.ones(length - 1), -1)
    note[model.token, model.slot(0)] = torch.eye(tokens)
    self_only[model.place, model.place] = SHARP * torch.eye(length)
    match[model.token, model.slot(0)] = SHARP * torch.eye(tokens)
    copy[model.token, model.slot(1)] = torch.eye(tokens) / 2
    look[model.place, model.tokens + decoy] = SHARP
    model.layers.append(Layer([(back, note), (self_only, nothing), (self_only, nothing)]))
    model.layers.append(Layer([(match, copy), (match, copy), (look, nothing)]))
    return model.eval()


def induction_texts() -> TokenSubject:
    """Texts "… A B … A" with the query at the end, which is no item; the decoy is at place 5."""
    ids = [(0, 7, 3, 9, 1, 5, 2, 4, 7), (8, 2, 6, 4, 3, 1, 4)]
    texts = [Text(one, tuple((at,) for at in range(len(one) - 1))) for one in ids]
    model = induction(decoy=5)
    return TokenSubject(model, texts, embedding=model.embedding)


class Retrieval(nn.Module):
    """A query id first, then items that are a key and a value; the answer is the matching value."""

    def __init__(self, keys: int, values: int, width: int = 32) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1 + keys + keys * values, width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.head = nn.Linear(width, values)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        items = self.embedding(input_ids)
        query, key, value = (part(items)[:, None] for part in (self.query, self.key, self.value))
        # Could the query look at itself, it would learn one answer for when no item matches, and
        # so need no item where that answer is right.
        seen = attention_mask[:, None, None, :].bool().clone()
        seen[..., 0] = False
        mixed = attend(query, key, value, attn_mask=seen)
        return self.head(self.out(mixed[:, 0, 0]).relu())


KEYS, VALUES = 6, 4


def planted(count: int, items: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Ids ``[count, 1 + items]`` (0 is padding), the right answers, and which item holds them."""
    keys = torch.rand(count, KEYS, generator=generator).argsort(1)[:, :items]
    values = torch.randint(VALUES, (count, items), generator=generator)
    right = torch.randint(items, (count,), generator=generator)
    wanted = keys[torch.arange(count), right]
    ids = torch.cat([1 + wanted[:, None], 1 + KEYS + keys * VALUES + values], 1)
    return ids, values[torch.arange(count), right], right


def trained_retrieval(steps: int = 250) -> Retrieval:
    """A retrieval model after some CPU seconds of training."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    model = Retrieval(KEYS, VALUES)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(steps):
        ids, answers, _ = planted(128, 5, generator)
        loss = nn.functional.cross_entropy(model(ids, torch.ones_like(ids)), answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()
