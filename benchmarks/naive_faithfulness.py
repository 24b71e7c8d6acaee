"""Explanations and their two scores, one example and one variant at a time, as notebooks do it.

Nothing of the package's engine is used: texts are changed, run in batches of one and compared here.
An explainer knows nothing of another, and each of the two scores asks for the whole text's output
itself. Captum's methods are called with Captum's own batch sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from captum.attr import InputXGradient, IntegratedGradients, ShapleyValueSampling
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float64]
TENTHS = range(1, 11)


@dataclass(frozen=True, eq=False)
class Naive:
    """A classifier of texts with what a loop over variants needs.

    Attributes:
        model: called with ``input_ids`` and ``attention_mask``; returns logits.
        eager: the same encoder with attention that it returns.
        pad: id of the padding token.
        mask: id of the mask token.
    """

    model: nn.Module
    eager: Any
    pad: int
    mask: int

    def probability(self, ids: list[int], target: int) -> float:
        given = torch.tensor([ids])
        with torch.no_grad():
            logits = self.model(input_ids=given, attention_mask=torch.ones_like(given))
        return float(logits.softmax(-1)[0, target])

    def predicted(self, ids: list[int]) -> int:
        given = torch.tensor([ids])
        with torch.no_grad():
            logits = self.model(input_ids=given, attention_mask=torch.ones_like(given))
        return int(logits.argmax())


def without(naive: Naive, ids: list[int], gone: set[int], operator: str) -> list[int]:
    """Ids with some places taken out or replaced by the mask token."""
    if operator == "delete":
        return [one for at, one in enumerate(ids) if at not in gone]
    return [naive.mask if at in gone else one for at, one in enumerate(ids)]


def count_at(tenths: int, items: int) -> int:
    """Items at some tenths, halves rounded up as far as the middle and down above it."""
    if tenths <= 5:
        return (tenths * items + 5) // 10
    return items - ((10 - tenths) * items + 5) // 10


def comprehensiveness(
    naive: Naive, ids: list[int], items: list[int], scores: Floats, target: int, operator: str
) -> float:
    """Mean fall of the probability without the highest ranked tenth, two tenths, …"""
    whole = naive.probability(ids, target)
    order = np.argsort(-scores, kind="stable")
    falls = []
    for tenths in TENTHS:
        gone = {items[at] for at in order[: count_at(tenths, len(items))]}
        falls.append(whole - naive.probability(without(naive, ids, gone, operator), target))
    return float(np.mean(falls))


def sufficiency(
    naive: Naive, ids: list[int], items: list[int], scores: Floats, target: int, operator: str
) -> float:
    """Mean fall with nothing but the highest ranked tenth, two tenths, …"""
    whole = naive.probability(ids, target)
    order = np.argsort(-scores, kind="stable")
    falls = []
    for tenths in TENTHS:
        gone = {items[at] for at in order[count_at(tenths, len(items)) :]}
        falls.append(whole - naive.probability(without(naive, ids, gone, operator), target))
    return float(np.mean(falls))


def attention_maps(naive: Naive, ids: list[int]) -> list[Floats]:
    """Of each layer ``[heads, queries, keys]``."""
    with torch.no_grad():
        told = naive.eager(torch.tensor([ids]), output_attentions=True).attentions
    return [one[0].double().numpy() for one in told]


def attention_mean(naive: Naive, ids: list[int], items: list[int]) -> Floats:
    maps = attention_maps(naive, ids)
    return np.asarray(np.mean([one.mean(0) for one in maps], 0).mean(0)[items])


def attention_rollout(naive: Naive, ids: list[int], items: list[int]) -> Floats:
    product = np.eye(len(ids))
    for one in attention_maps(naive, ids):
        product = (one.mean(0) + np.eye(len(ids))) / 2 @ product
    return np.asarray(product.mean(0)[items])


def norm_weighted(naive: Naive, ids: list[int], items: list[int]) -> Floats:
    values: list[Tensor] = []
    layers = naive.eager.encoder.layer
    handles = [
        layer.attention.self.value.register_forward_hook(
            lambda module, given, found: values.append(found[0].double())
        )
        for layer in layers
    ]
    maps = attention_maps(naive, ids)
    for handle in handles:
        handle.remove()
    found = []
    for layer, weights, value in zip(layers, maps, values, strict=True):
        matrix = layer.attention.output.dense.weight.double()
        heads = len(weights)
        split = value.reshape(len(ids), heads, -1)
        parts = matrix.reshape(len(matrix), heads, -1)
        written = torch.einsum("khd,ohd->hko", split, parts)
        mixed = torch.einsum("hqk,hko->qko", torch.from_numpy(weights), written)
        found.append(mixed.norm(dim=-1).mean(0).numpy())
    return np.asarray(np.mean(found, 0)[items])


def leave_one_out(
    naive: Naive, ids: list[int], items: list[int], target: int, operator: str
) -> Floats:
    whole = naive.probability(ids, target)
    return np.array(
        [whole - naive.probability(without(naive, ids, {at}, operator), target) for at in items]
    )


def shapley(
    naive: Naive, ids: list[int], items: list[int], target: int, operator: str, samples: int
) -> Floats:
    def worth(there: Tensor) -> Tensor:
        found = []
        for row in there:
            gone = {at for at, kept in zip(items, row.tolist(), strict=True) if not kept}
            found.append(naive.probability(without(naive, ids, gone, operator), target))
        return torch.tensor(found, dtype=torch.double)

    ones = torch.ones(1, len(items), dtype=torch.double)
    found = ShapleyValueSampling(worth).attribute(
        ones, baselines=torch.zeros_like(ones), n_samples=samples
    )
    return np.asarray(found[0].numpy())


def by_gradient(
    naive: Naive, ids: list[int], items: list[int], target: int, method: Any, **options: Any
) -> Floats:
    """One of Captum's methods on embeddings, summed over their width."""
    given = torch.tensor([ids])
    table: Any = naive.model.get_input_embeddings()  # type: ignore[operator]
    blank = torch.tensor([[naive.pad if at in items else one for at, one in enumerate(ids)]])
    with torch.no_grad():
        values, baseline = table(given), table(blank)

    def read(embedded: Tensor) -> Tensor:
        handle = table.register_forward_hook(lambda module, before, found: embedded)
        many = given.expand(len(embedded), -1)
        logits = naive.model(input_ids=many, attention_mask=torch.ones_like(many))
        handle.remove()
        return logits.softmax(-1)[:, target]

    if method is IntegratedGradients:
        options["baselines"] = baseline
    found = method(read).attribute(values.requires_grad_(), **options)
    return np.asarray(found.detach()[0].double().sum(-1).numpy()[items])


def explained(
    naive: Naive,
    ids: list[int],
    items: list[int],
    target: int,
    operator: str,
    *,
    steps: int,
    samples: int,
    drawn: Floats,
    seeded: Callable[[], Any],
) -> dict[str, Callable[[], Floats]]:
    """The eight usual explainers of texts, each to be called by itself.

    Args:
        naive: the model.
        ids: of one text.
        items: places in it that can be removed.
        target: the class that is explained.
        operator: "delete" or "mask-token".
        steps: of integrated gradients.
        samples: permutations of Shapley values.
        drawn: the scores of "random".
        seeded: a context in which random numbers are those that others draw too.
    """

    def sampled() -> Floats:
        with seeded():
            return shapley(naive, ids, items, target, operator, samples)

    return {
        "attention mean": lambda: attention_mean(naive, ids, items),
        "attention rollout": lambda: attention_rollout(naive, ids, items),
        "norm-weighted mean": lambda: norm_weighted(naive, ids, items),
        "leave-one-out": lambda: leave_one_out(naive, ids, items, target, operator),
        "shapley": sampled,
        "integrated-gradients": lambda: by_gradient(
            naive, ids, items, target, IntegratedGradients, n_steps=steps
        ),
        "input-x-gradient": lambda: by_gradient(naive, ids, items, target, InputXGradient),
        "random": lambda: drawn,
    }
