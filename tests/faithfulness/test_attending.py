"""Calls of attention as they are heard, and weights put in their place."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention as attend

from hardattn_viewer.faithfulness.attending import Attending, AttendingError, Call


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.double)


def tensors() -> tuple[Tensor, Tensor, Tensor]:
    return draw(2, 4, 5, 8), draw(2, 4, 6, 8, seed=1), draw(2, 4, 6, 8, seed=2)


def test_hearing_changes_nothing_bit_for_bit() -> None:
    query, key, value = tensors()
    usual = attend(query, key, value)
    with Attending(keep=True) as heard:
        assert torch.equal(attend(query, key, value), usual)
    (call,) = heard.kept
    assert call.site == 0 and call.heads == 4 and call.weights is None
    assert torch.equal(call.output, usual)
    torch.testing.assert_close(call.probabilities @ call.values, usual)
    with Attending() as deaf:
        attend(query, key, value)
    assert deaf.calls == 1 and not deaf.kept


def test_weights_of_named_heads_and_sites_are_replaced_and_no_others() -> None:
    query, key, value = tensors()
    usual = attend(query, key, value)
    seen = []

    def first_key(call: Call, p: Tensor) -> Tensor:
        seen.append((call.site, p.shape))
        new = torch.zeros_like(p)
        new[..., 0] = 1
        return new

    with Attending(first_key, site=1, heads=[3, 0], keep=True) as heard:
        before, changed = attend(query, key, value), attend(query, key, value)
    assert torch.equal(before, usual) and torch.equal(changed[:, 1:3], usual[:, 1:3])
    for head in (0, 3):
        torch.testing.assert_close(
            changed[:, head], value[:, head, :1].expand(-1, 5, -1), rtol=0, atol=0
        )
    assert seen == [(1, (2, 2, 5, 6))]
    assert heard.kept[0].weights is None and heard.kept[1].weights is not None
    assert torch.equal(heard.kept[1].output, changed)
    with Attending(lambda call, p: None):
        assert torch.equal(attend(query, key, value), usual)


def test_probabilities_have_the_gradients_of_a_softmax_written_out() -> None:
    query, key, value = (one.requires_grad_() for one in tensors())
    with Attending(lambda call, p: p, keep=True) as heard:
        total = attend(query, key, value).square().sum()
    weights = heard.kept[0].weights
    assert weights is not None
    by_weights, by_query = torch.autograd.grad(total, [weights, query], retain_graph=True)
    p = (query @ key.mT / math.sqrt(8)).softmax(-1)
    (expected,) = torch.autograd.grad((p @ value).square().sum(), query)
    torch.testing.assert_close(by_query, expected)
    torch.testing.assert_close(by_weights, 2 * (p @ value) @ value.mT)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_allowed_keys_are_those_of_every_kind_of_mask(dtype: torch.dtype) -> None:
    query, key, value = (one[..., :5, :].float() for one in tensors())
    tril = torch.ones(5, 5).tril().bool()
    masks: list[dict[str, Any]] = [
        {"attn_mask": tril},
        {"is_causal": True},
        {"attn_mask": torch.zeros(5, 5).masked_fill(~tril, -math.inf)},
        {"attn_mask": torch.zeros(5, 5).masked_fill(~tril, torch.finfo(dtype).min)},
    ]
    if dtype == torch.float16:
        query, key, value = query.half(), key.half(), value.half()
        masks[2:] = [{"attn_mask": one["attn_mask"].half()} for one in masks[2:]]
    for mask in masks:
        with Attending(keep=True) as heard:
            attend(query, key, value, **mask)
        assert torch.equal(heard.kept[0].allowed, tril.expand(2, 4, 5, 5))
    with Attending(keep=True) as heard:
        attend(query, key, value)
    assert heard.kept[0].allowed.all()


class Conv(nn.Module):
    """A linear map that is written as ``addmm``, as in GPT-2."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(draw(32, 7)), nn.Parameter(draw(7))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addmm(self.bias, x.view(-1, 32), self.weight).view(*x.shape[:-1], 7)


@pytest.mark.parametrize("kind", ["linear", "addmm"])
def test_the_projection_that_follows_is_found(kind: str) -> None:
    query, key, value = tensors()
    out = nn.Linear(32, 7).double() if kind == "linear" else Conv()
    matrix = out.weight if kind == "linear" else out.weight.T
    other = nn.Linear(32, 32).double()
    with Attending(keep=True) as heard:
        mixed = attend(query, key, value).transpose(1, 2).flatten(2)
        other(torch.ones_like(mixed))
        written = out(mixed)
        other(mixed)
    (call,) = heard.kept
    assert call.projection is not None and torch.equal(call.projection, matrix)
    # Each key's part of each head adds up to what the projection wrote, but for its bias.
    parts = torch.einsum("bhqk,bhko->bqo", call.probabilities, call.written)
    torch.testing.assert_close(parts, written - out.bias)
    with Attending(keep=True) as heard:
        other(attend(query, key, value).transpose(1, 2).flatten(2) + 1)
    assert heard.kept[0].projection is None
    torch.testing.assert_close(heard.kept[0].written, value)


def test_torchs_own_attention_is_heard_with_its_projection() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).double().eval()
    items = draw(2, 7, 16)
    with torch.no_grad(), Attending(keep=True) as heard:
        layer(items)
    (call,) = heard.kept
    _, weights = layer.self_attn(items, items, items, average_attn_weights=False)
    torch.testing.assert_close(call.probabilities, weights)
    assert call.projection is layer.self_attn.out_proj.weight
    mixed, _ = layer.self_attn(items, items, items)
    parts = torch.einsum("bhqk,bhko->bqo", call.probabilities, call.written)
    torch.testing.assert_close(parts, mixed - layer.self_attn.out_proj.bias)


def test_grouped_keys_are_read_by_each_of_their_heads() -> None:
    query, key, value = draw(1, 4, 3, 8), draw(1, 2, 3, 8, seed=1), draw(1, 2, 3, 8, seed=2)
    with Attending(lambda call, p: p, heads=[1, 2], keep=True) as heard:
        same = attend(query, key, value, enable_gqa=True)
    torch.testing.assert_close(same, attend(query, key, value, enable_gqa=True))
    assert heard.kept[0].values.shape == (1, 4, 3, 8)
    assert torch.equal(heard.kept[0].values[:, 1], value[:, 0])


def test_what_cannot_be_heard_is_said_in_words() -> None:
    query, key, value = tensors()
    with pytest.raises(AttendingError, match="nothing was heard: the model called no"), Attending():
        torch.zeros(3).softmax(0)
    with pytest.raises(AttendingError, match="no attention 2"), Attending(site=2):
        attend(query, key, value)
    with pytest.raises(AttendingError, match="no head 9"), Attending(lambda c, p: p, heads=[9]):
        attend(query, key, value)
