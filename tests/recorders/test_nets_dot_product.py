"""scaled_dot_product_attention called directly, in every form that it takes."""

import math

import pytest
import torch
from net_host import recorded
from torch import nn
from torch.nn import functional
from torch.nn.attention.bias import causal_lower_right, causal_upper_left


class Attention(nn.Module):
    """Calls torch's function with what it is given."""

    def forward(self, query, key, value, **options):
        return functional.scaled_dot_product_attention(query, key, value, **options)


def qkv(*shape, keys=None, key_heads=None, depth=8, dtype=torch.float32):
    generator = torch.Generator().manual_seed(5)

    def make(size):
        return torch.randn(*size, depth, generator=generator, dtype=dtype) * 2

    other = list(shape)
    other[-1] = keys or shape[-1]
    if key_heads:
        other[-2] = key_heads
    return make(shape), make(other), make(other)


def expected(query, key, mask=None, scale=None):
    """softmax(q·kᵀ·scale + mask) in float64, rows without a key as zeros."""
    scale = 1 / math.sqrt(query.size(-1)) if scale is None else scale
    key = key.repeat_interleave(query.size(-3) // key.size(-3), -3)
    scores = query.double() @ key.double().transpose(-2, -1) * scale
    if mask is not None:
        scores = (
            scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
        )
    return torch.softmax(scores, -1).nan_to_num(0)


def capture(*tensors, policies=None, **options):
    model = Attention()
    torch.manual_seed(0)
    alone = model(*tensors, **options)
    torch.manual_seed(0)
    with recorded(model, **(policies or {})) as host:
        watched = model(*tensors, **options)
    assert torch.equal(alone, watched) or torch.equal(alone.isnan(), watched.isnan())
    assert not host.left_out
    (seen,) = host.seen
    return seen


def lower(queries, keys, offset=0):
    return torch.ones(queries, keys, dtype=torch.bool).tril(offset)


RANDOM = torch.rand(2, 4, 5, 7, generator=torch.Generator().manual_seed(9)) > 0.3


@pytest.mark.parametrize(
    ("options", "mask"),
    [
        ({}, None),
        ({"attn_mask": RANDOM}, RANDOM),
        ({"attn_mask": RANDOM[:1, :1]}, RANDOM[:1, :1]),
        ({"attn_mask": RANDOM[0, 0]}, RANDOM[0, 0]),
        ({"attn_mask": RANDOM[0, 0, :1]}, RANDOM[0, 0, :1]),
        ({"attn_mask": RANDOM.float() * 3 - 1}, RANDOM.float() * 3 - 1),
        ({"is_causal": True}, lower(5, 7)),
        ({"attn_mask": causal_upper_left(5, 7)}, lower(5, 7)),
        ({"attn_mask": causal_lower_right(5, 7)}, lower(5, 7, 2)),
    ],
    ids=["none", "bool", "shared", "2d", "row", "float", "causal", "upper-left", "lower-right"],
)
def test_masks_act_as_in_the_layer(options, mask):
    query, key, value = qkv(2, 4, 5, keys=7)
    seen = capture(query, key, value, **options)
    assert (seen.probabilities - expected(query, key, mask)).abs().max() < 1e-6
    assert seen.check.error <= seen.check.tolerance
    if mask is not None and mask.dtype == torch.bool:
        assert torch.equal(seen.captured.visible, mask[(None,) * (4 - mask.dim())])
    else:
        assert seen.captured.visible is None


def test_a_scale_of_its_own_is_used():
    query, key, value = qkv(2, 4, 5)
    seen = capture(query, key, value, scale=0.05)
    assert (seen.probabilities - expected(query, key, scale=0.05)).abs().max() < 1e-6


@pytest.mark.parametrize("key_heads", [1, 2, 4])
def test_grouped_heads_share_their_keys(key_heads):
    query, key, value = qkv(3, 4, 5, keys=7, key_heads=key_heads)
    seen = capture(query, key, value, enable_gqa=True)
    assert (seen.probabilities - expected(query, key)).abs().max() < 1e-6
    assert seen.check.error <= seen.check.tolerance
    part = capture(query, key, value, enable_gqa=True, policies={"heads": (3, 1)})
    assert torch.allclose(part.probabilities, seen.probabilities[:, [3, 1]], atol=1e-6)
    assert part.check.error <= part.check.tolerance


def test_three_axes_are_a_batch_of_one_head():
    query, key, value = qkv(3, 5, keys=7)
    seen = capture(query, key, value, attn_mask=RANDOM[0, :3])
    weights = expected(query[:, None], key[:, None], RANDOM[0, :3][:, None])
    assert (seen.probabilities - weights).abs().max() < 1e-6
    assert seen.check.error <= seen.check.tolerance


def test_two_axes_are_one_row_of_one_head():
    query, key, value = qkv(5, keys=7)
    seen = capture(query, key, value)
    assert seen.probabilities.shape == (1, 1, 5, 7)
    assert seen.check.error <= seen.check.tolerance


def test_more_leading_axes_are_more_rows():
    query, key, value = qkv(2, 3, 4, 5, keys=7)
    mask = RANDOM[:1, :1].expand(3, 1, 5, 7)
    seen = capture(query, key, value, attn_mask=mask)
    weights = expected(query, key, mask).flatten(0, 1)
    assert (seen.probabilities - weights).abs().max() < 1e-6
    assert seen.check.error <= seen.check.tolerance


def test_an_axis_of_heads_that_share_a_key_is_more_heads():
    query, key, value = qkv(2, 2, 3, 5)
    for expanded in (False, True):
        k, v = key[:, :, :1], value[:, :, :1]
        if expanded:
            k, v = (t.expand(-1, -1, 3, -1, -1) for t in (k, v))
        seen = capture(query, k, v, attn_mask=RANDOM[:, :1, :, :5][:, :, None])
        weights = expected(query, k.expand(query.shape), RANDOM[:, :1, :, :5][:, :, None])
        assert (seen.probabilities - weights.flatten(1, 2)).abs().max() < 1e-6
        assert seen.check.error <= seen.check.tolerance


def test_rows_shared_by_the_batch_are_seen_for_each_row():
    query, key, value = qkv(1, 4, 5)[0], *qkv(3, 4, 7)[1:]
    seen = capture(query, key, value)
    assert seen.probabilities.shape == (3, 4, 5, 7)
    assert seen.check.error <= seen.check.tolerance


def test_a_row_that_is_masked_everywhere_attends_to_nothing():
    query, key, value = qkv(2, 4, 5, keys=7)
    hidden = RANDOM.clone()
    hidden[1, :, 2] = False
    lowest = torch.zeros(hidden.shape).masked_fill(~hidden, torch.finfo(torch.float32).min)
    for mask in (hidden, lowest, lowest.masked_fill(~hidden, -torch.inf)):
        seen = capture(query, key, value, attn_mask=mask)
        assert (seen.probabilities[1, :, 2] == 0).all()
        assert (seen.probabilities - expected(query, key, hidden)).abs().max() < 1e-6
        assert seen.check.error <= seen.check.tolerance
        assert torch.equal(seen.captured.visible, hidden)


def test_chosen_queries_keep_their_place_under_a_causal_mask():
    query, key, value = qkv(2, 4, 9)
    whole = capture(query, key, value, is_causal=True)
    for queries, first, stride in ((slice(-1, None), 8, 1), (slice(2, 8, 3), 2, 3)):
        seen = capture(query, key, value, is_causal=True, policies={"queries": queries})
        assert torch.allclose(seen.probabilities, whole.probabilities[:, :, queries], atol=1e-6)
        assert (seen.captured.first_query, seen.captured.query_stride) == (first, stride)
        assert seen.check.error <= seen.check.tolerance
        assert torch.equal(seen.captured.visible, whole.captured.visible[:, :, queries])


def test_a_head_that_is_not_there_is_said():
    model = Attention()
    with recorded(model, heads=(0, 4)) as host:
        model(*qkv(2, 4, 5))
    assert not host.seen
    assert list(host.left_out.values()) == ["head 4 was asked for, but it has 4"]


def test_weights_under_dropout_are_those_before_it_and_say_so():
    query, key, value = qkv(2, 4, 5)
    seen = capture(query, key, value, dropout_p=0.5)
    assert (seen.probabilities - expected(query, key)).abs().max() < 1e-6
    assert (seen.check.error, seen.check.reason) == (None, "dropout is active")


def test_wrong_weights_fail_the_check(monkeypatch):
    query, key, value = qkv(2, 4, 5)

    def wrong(*args, **kwargs):
        kwargs["scale"] = 0.3
        return functional.scaled_dot_product_attention(*args, **kwargs)

    class Lying(torch.Tensor):
        """Weighs with another scale than it was told, which only the output shows."""

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func is functional.scaled_dot_product_attention:
                plain = [a.as_subclass(torch.Tensor) for a in args]
                return wrong(*plain, **(kwargs or {}))
            return super().__torch_function__(func, types, args, kwargs or {})

    seen = capture(query.as_subclass(Lying), key.as_subclass(Lying), value.as_subclass(Lying))
    assert seen.check.failed
    assert seen.check.error > 1e-3


def test_attention_of_the_same_module_called_twice_is_two_sites():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend = Attention()

        def forward(self, query, key, value):
            return self.attend(self.attend(query, key, value), key, value)

    model = Twice()
    with recorded(model) as host:
        model(*qkv(2, 4, 5))
    assert [seen.site for seen in host.seen] == ["attend", "attend#2"]


def test_gradients_are_those_of_the_model_alone():
    model = Attention()
    tensors = [t.requires_grad_() for t in qkv(2, 4, 5)]
    model(*tensors).square().sum().backward()
    alone = [t.grad.clone() for t in tensors]
    for t in tensors:
        t.grad = None
    with recorded(model) as host:
        model(*tensors).square().sum().backward()
    assert all(torch.equal(a, t.grad) for a, t in zip(alone, tensors, strict=True))
    assert not host.seen[0].captured.probabilities.requires_grad
    assert host.seen[0].check.error <= 1e-5


def test_autocast_is_verified_with_its_own_tolerance():
    with torch.autocast("cpu", torch.bfloat16):
        seen = capture(*qkv(2, 4, 5))
    assert seen.probabilities.dtype == torch.float32
    assert seen.check.tolerance == 2e-2
    assert seen.check.error <= 2e-2


def test_no_random_number_is_drawn():
    model = Attention()
    before = torch.get_rng_state()
    with recorded(model):
        model(*qkv(2, 4, 5))
    assert torch.equal(before, torch.get_rng_state())


def test_large_weights_are_verified_in_bounded_pieces():
    query, key, value = qkv(3, 4, 700, key_heads=2, depth=16)
    seen = capture(query, key, value, enable_gqa=True)
    assert seen.check.error <= 1e-5
    one = qkv(1, 16, 1200, depth=16)
    assert capture(*one).check.error <= 1e-5
