"""nn.MultiheadAttention and the Transformer layers of torch, in every form that they take."""

import itertools

import pytest
import torch
from net_host import recorded
from reference_models import sharpened
from torch import nn
from torch.nn import functional

ITEMS, KEYS, ROWS, DEPTH, HEADS = 6, 9, 3, 16, 4


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def layer(**options):
    with torch.random.fork_rng():
        return sharpened(nn.MultiheadAttention(DEPTH, HEADS, **options))


def attend(model, *inputs, policies=None, **options):
    """Run alone and recorded, in training's graph, so that no fused path is taken alone."""
    alone = model(*inputs, **options)
    with recorded(model, **(policies or {})) as host:
        watched = model(*inputs, **options)
    assert torch.equal(alone[0], watched[0]) or torch.equal(alone[0].isnan(), watched[0].isnan())
    if alone[1] is not None:
        assert torch.equal(alone[1].nan_to_num(0), watched[1].nan_to_num(0))
    assert not host.left_out
    (seen,) = host.seen
    return seen


def weights(model, *inputs, **options):
    """What torch itself returns, by heads."""
    options = {**options, "need_weights": True, "average_attn_weights": False}
    found = model(*inputs, **options)[1]
    return found if found.dim() == 4 else found[None]


PADDING = torch.zeros(ROWS, KEYS, dtype=torch.bool)
PADDING[1, 5:] = True
MASK = torch.rand(ITEMS, KEYS, generator=torch.Generator().manual_seed(3)) > 0.7
MASKS = torch.rand(ROWS * HEADS, ITEMS, KEYS, generator=torch.Generator().manual_seed(4)) > 0.7
MASK[:, 0] = MASKS[:, :, 0] = False


@pytest.mark.parametrize("need_weights", [False, True], ids=["sdpa", "weights"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"key_padding_mask": PADDING},
        {"key_padding_mask": PADDING.float().masked_fill(PADDING, -torch.inf)},
        {"attn_mask": MASK},
        {"attn_mask": MASK.float() * -2},
        {"attn_mask": MASKS},
        {"attn_mask": MASKS, "key_padding_mask": PADDING},
        {"attn_mask": MASK.float() * -2, "key_padding_mask": PADDING.float() * -3},
    ],
    ids=["none", "padding", "float-padding", "2d", "float", "3d", "both", "both-float"],
)
def test_masks_act_as_in_the_layer(options, need_weights):
    model = layer(batch_first=True)
    inputs = noise(ROWS, ITEMS, DEPTH), *[noise(ROWS, KEYS, DEPTH, seed=1)] * 2
    seen = attend(model, *inputs, **options, need_weights=need_weights)
    difference = seen.probabilities - weights(model, *inputs, **options)
    assert difference.abs().max() < 1e-6
    assert seen.check.error <= seen.check.tolerance == 1e-5
    assert seen.captured.kind == "cross"
    assert (seen.net, seen.captured.sink) == ("multihead", False)


@pytest.mark.parametrize(
    ("bias", "learned", "zeros", "apart", "batch_first"),
    list(itertools.product([True, False], repeat=5)),
)
def test_every_make_of_the_layer_is_read(bias, learned, zeros, apart, batch_first):
    sizes = {"kdim": 10, "vdim": 12} if apart else {}
    model = layer(
        bias=bias, add_bias_kv=learned, add_zero_attn=zeros, batch_first=batch_first, **sizes
    )
    inputs = [
        noise(ROWS, ITEMS, DEPTH),
        noise(ROWS, KEYS, sizes.get("kdim", DEPTH), seed=1),
        noise(ROWS, KEYS, sizes.get("vdim", DEPTH), seed=2),
    ]
    inputs = inputs if batch_first else [t.transpose(0, 1) for t in inputs]
    seen = attend(model, *inputs, key_padding_mask=PADDING)
    expected = weights(model, *inputs, key_padding_mask=PADDING)
    more = learned + zeros
    if more == 2:
        # One sink holds the mass on both keys that are no item.
        expected = torch.cat([expected[..., :KEYS], expected[..., KEYS:].sum(-1, True)], -1)
    assert (seen.probabilities - expected).abs().max() < 1e-6
    assert seen.captured.sink == bool(more)
    assert seen.check.error <= seen.check.tolerance
    visible = seen.captured.visible.expand(seen.probabilities.shape)
    assert torch.equal(visible, seen.probabilities > 0)


def test_inputs_without_a_batch_are_one_row():
    model = layer()
    query, key = noise(ITEMS, DEPTH), noise(KEYS, DEPTH, seed=1)
    options = {"attn_mask": MASKS[:HEADS], "key_padding_mask": PADDING[1]}
    seen = attend(model, query, key, key, **options)
    assert (seen.probabilities - weights(model, query, key, key, **options)).abs().max() < 1e-6
    assert seen.check.error <= seen.check.tolerance


@pytest.mark.parametrize("need_weights", [False, True], ids=["sdpa", "weights"])
def test_the_causal_hint_acts_as_the_mask(need_weights):
    model = layer(batch_first=True)
    x = noise(ROWS, ITEMS, DEPTH)
    mask = nn.Transformer.generate_square_subsequent_mask(ITEMS)
    seen = attend(model, x, x, x, attn_mask=mask, is_causal=True, need_weights=need_weights)
    assert (seen.probabilities - weights(model, x, x, x, attn_mask=mask)).abs().max() < 1e-6
    assert (seen.check.error, seen.captured.kind) == (pytest.approx(0, abs=1e-5), "self")


def test_static_keys_and_values_are_used_as_they_are():
    model = layer()
    static = [noise(ROWS * HEADS, KEYS, DEPTH // HEADS, seed=seed) for seed in (5, 6)]

    class Calls(nn.Module):
        def forward(self, x):
            return functional.multi_head_attention_forward(
                *[x] * 3, DEPTH, HEADS, model.in_proj_weight, model.in_proj_bias, None, None, False,
                0.0, model.out_proj.weight, model.out_proj.bias, static_k=static[0],
                static_v=static[1], average_attn_weights=False,
            )  # fmt: skip

    x = noise(ITEMS, ROWS, DEPTH)
    calls = Calls()
    with recorded(calls) as host:
        _, expected = calls(x)
    (seen,) = host.seen
    assert (seen.probabilities - expected).abs().max() < 1e-6
    assert seen.check.error <= seen.check.tolerance


def test_chosen_heads_and_queries_are_those_of_the_whole():
    model = layer(batch_first=True)
    inputs = noise(ROWS, ITEMS, DEPTH), *[noise(ROWS, KEYS, DEPTH, seed=1)] * 2
    whole = attend(model, *inputs, attn_mask=MASKS)
    for verify in (True, False):
        policies = {"heads": (2, 0), "queries": slice(1, None, 2), "verify": verify}
        part = attend(model, *inputs, attn_mask=MASKS, policies=policies)
        assert torch.allclose(part.probabilities, whole.probabilities[:, [2, 0], 1::2], atol=1e-6)
        assert torch.equal(part.captured.visible, whole.captured.visible[:, [2, 0], 1::2])
        assert (part.captured.first_query, part.captured.query_stride) == (1, 2)
    assert part.check.reason == "verification is off"


def test_a_row_that_is_masked_everywhere_attends_to_nothing():
    model = layer(batch_first=True)
    inputs = noise(ROWS, ITEMS, DEPTH), *[noise(ROWS, KEYS, DEPTH, seed=1)] * 2
    hidden = PADDING.clone()
    hidden[2] = True
    for need_weights in (False, True):
        seen = attend(model, *inputs, key_padding_mask=hidden, need_weights=need_weights)
        assert (seen.probabilities[2] == 0).all()
        assert seen.check.error <= seen.check.tolerance


def test_dropout_leaves_weights_unverified():
    model = layer(dropout=0.5, batch_first=True).train()
    x = noise(ROWS, ITEMS, DEPTH)
    torch.manual_seed(0)
    alone = model(x, x, x)[0]
    torch.manual_seed(0)
    with recorded(model) as host:
        watched = model(x, x, x)[0]
    assert torch.equal(alone, watched)
    assert host.seen[0].check.reason == "dropout is active"
    assert (host.seen[0].probabilities - weights(model.eval(), x, x, x)).abs().max() < 1e-6


def test_wrong_weights_fail_the_check(monkeypatch):
    model = layer(batch_first=True)
    query, key = noise(ROWS, ITEMS, DEPTH), noise(ROWS, KEYS, DEPTH, seed=1)
    original = functional._in_projection_packed

    def other(*args):
        q, k, v = original(*args)
        return q * 1.1, k, v

    monkeypatch.setattr(functional, "_in_projection_packed", other)
    seen = attend(model, query, key, key)
    assert seen.check.failed
    assert seen.check.error > 1e-3


def test_half_precision_and_autocast_are_verified_with_their_own_tolerance():
    x = noise(ROWS, ITEMS, DEPTH)
    seen = attend(layer(batch_first=True).bfloat16(), *[x.bfloat16()] * 3)
    assert 0 < seen.check.error <= seen.check.tolerance == 2e-2
    with torch.autocast("cpu", torch.bfloat16):
        seen = attend(layer(batch_first=True), x, x, x)
    assert 0 < seen.check.error <= seen.check.tolerance == 2e-2


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
class TestFusedPath:
    def encoder(self, **options):
        with torch.random.fork_rng():
            one = nn.TransformerEncoderLayer(
                DEPTH, HEADS, 32, batch_first=True, dropout=0.0, **options
            )
            return sharpened(nn.TransformerEncoder(one, 2, enable_nested_tensor=True)).eval()

    def test_an_encoder_at_inference_gives_what_it_gives_without_it(self):
        model, x = self.encoder(), noise(ROWS, KEYS, DEPTH)
        for padding in (None, PADDING):
            with torch.no_grad():
                fused = model(x, src_key_padding_mask=padding)
                torch.backends.mha.set_fastpath_enabled(False)
                try:
                    plain = model(x, src_key_padding_mask=padding)
                finally:
                    torch.backends.mha.set_fastpath_enabled(True)
                with recorded(model) as host:
                    watched = model(x, src_key_padding_mask=padding)
            assert torch.equal(plain, watched)
            items = slice(None) if padding is None else ~padding
            assert (fused[items] - watched[items]).abs().max() <= 1e-6
            assert [(seen.site, seen.net, seen.captured.kind) for seen in host.seen] == [
                ("layers.0.self_attn", "multihead", "self"),
                ("layers.1.self_attn", "multihead", "self"),
            ]
            assert all(seen.check.error <= 1e-5 for seen in host.seen)
            (sentence,) = host.changes
            assert "fused fast path" in sentence

    def test_nothing_is_changed_where_torch_would_not_fuse(self):
        x = noise(ROWS, KEYS, DEPTH)
        for model, graph in ((self.encoder().train(), False), (self.encoder(), True)):
            with torch.set_grad_enabled(graph), recorded(model) as host:
                model(x)
            assert host.seen
            assert not host.changes

    def test_it_is_taken_again_afterwards(self):
        model, x = self.encoder(), noise(ROWS, KEYS, DEPTH)
        with torch.no_grad():
            before = model(x, src_key_padding_mask=PADDING)
            with recorded(model):
                model(x)
            assert torch.equal(before, model(x, src_key_padding_mask=PADDING))


def test_a_decoder_has_self_and_cross_attention():
    with torch.random.fork_rng():
        one = nn.TransformerDecoderLayer(DEPTH, HEADS, 32, batch_first=True)
        model = sharpened(nn.TransformerDecoder(one, 2)).eval()
    target, memory = noise(ROWS, ITEMS, DEPTH), noise(ROWS, ITEMS, DEPTH, seed=1)
    mask = nn.Transformer.generate_square_subsequent_mask(ITEMS)
    with recorded(model) as host:
        watched = model(target, memory, tgt_mask=mask, tgt_is_causal=True)
    assert torch.equal(watched, model(target, memory, tgt_mask=mask, tgt_is_causal=True))
    assert [(seen.site, seen.captured.kind) for seen in host.seen] == [
        ("layers.0.self_attn", "self"),
        ("layers.0.multihead_attn", "cross"),
        ("layers.1.self_attn", "self"),
        ("layers.1.multihead_attn", "cross"),
    ]
    assert all(seen.check.error <= 1e-5 for seen in host.seen)
