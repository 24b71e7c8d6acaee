"""What the net on softmax-then-multiply hands over, in models of every spelling."""

import gc
import warnings
import weakref

import pytest
import torch
import transformers
from flow_host import following
from torch import nn
from torch.nn import functional

transformers.logging.set_verbosity_error()

BATCH, HEADS, TOKENS, WIDTH = 3, 4, 9, 32


def ids(seed=0):
    return torch.randint(3, 60, (BATCH, TOKENS), generator=torch.Generator().manual_seed(seed))


def padding():
    mask = torch.ones(BATCH, TOKENS, dtype=torch.long)
    mask[1, 6:] = 0
    return mask


def texts():
    return {"input_ids": ids(), "attention_mask": padding()}


BERT_LIKE = {
    "vocab_size": 64,
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "intermediate_size": 37,
    "max_position_embeddings": 40,
}
T5_LIKE = {"vocab_size": 64, "d_model": WIDTH, "d_kv": 8, "d_ff": 37, "num_layers": 2}


def deberta():
    config = transformers.DebertaV2Config(
        **BERT_LIKE, relative_attention=True, pos_att_type=["p2c", "c2p"], position_buckets=8
    )
    return transformers.DebertaV2Model(config), texts()


def bloom():
    config = transformers.BloomConfig(
        vocab_size=64, hidden_size=WIDTH, n_layer=2, n_head=HEADS, bos_token_id=1, eos_token_id=2
    )
    return transformers.BloomModel(config), texts()


def swin():
    config = transformers.SwinConfig(
        image_size=32,
        patch_size=2,
        embed_dim=16,
        depths=[2, 2],
        num_heads=[2, 4],
        window_size=4,
        attn_implementation="eager",
    )
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return transformers.SwinModel(config), {"pixel_values": pixels}


def bert():
    config = transformers.BertConfig(**BERT_LIKE, attn_implementation="eager")
    return transformers.BertModel(config), texts()


def gpt2():
    config = transformers.GPT2Config(
        vocab_size=64,
        n_embd=WIDTH,
        n_layer=2,
        n_head=HEADS,
        bos_token_id=1,
        eos_token_id=2,
        attn_implementation="eager",
    )
    return transformers.GPT2Model(config), texts()


def t5():
    config = transformers.T5Config(**T5_LIKE, num_heads=HEADS, attn_implementation="eager")
    return transformers.T5Model(config), {**texts(), "decoder_input_ids": ids(1)}


def xlnet():
    config = transformers.XLNetConfig(
        vocab_size=64, d_model=WIDTH, n_layer=2, n_head=HEADS, d_inner=37
    )
    return transformers.XLNetModel(config), texts()


def built(make, seed=0):
    torch.manual_seed(seed)
    model, inputs = make()
    return model.eval(), inputs


def references(output):
    """Every attention that a model returned, in the order in which it was computed."""
    names = ("attentions", "encoder_attentions")
    found = [a for name in names for a in (getattr(output, name, None) or ())]
    own, cross = (
        getattr(output, "decoder_attentions", None),
        getattr(output, "cross_attentions", None),
    )
    for one, other in zip(own or (), cross or (), strict=True):
        found += [one, other]
    return found


@pytest.mark.parametrize("make", [deberta, bloom, swin, bert, gpt2, t5])
def test_every_attention_of_a_transformer_is_found_verified_and_exact(make):
    model, inputs = built(make)
    with torch.no_grad():
        expected = references(model(**inputs, output_attentions=True))
        with following(model) as host:
            model(**inputs)
    # Swin itself returns the weights of the last block of each stage only, which is shifted.
    returned = host.seen[1::2] if make is swin else host.seen
    assert len(host.seen) == (4 if make is swin else len(expected))
    for seen, reference in zip(returned, expected, strict=True):
        assert seen.net == "softmax"
        assert seen.captured.mechanism == "soft"
        assert seen.selection is None
        assert seen.probabilities.shape == reference.shape
        assert (seen.probabilities - reference).abs().max() <= 1e-6
        assert seen.check.error <= seen.check.tolerance
        assert seen.check.reason == ""
    assert not host.left_out


@pytest.mark.parametrize("make", [deberta, bloom, swin, bert, gpt2, t5, xlnet])
def test_outputs_and_random_numbers_are_bitwise_those_of_an_unrecorded_model(make):
    model, inputs = built(make)
    model.train()
    torch.manual_seed(1)
    expected = model(**inputs)[0]
    state = torch.get_rng_state()
    torch.manual_seed(1)
    with following(model):
        output = model(**inputs)[0]
    assert torch.equal(output, expected)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("make", [deberta, bloom, xlnet])
def test_gradients_are_bitwise_those_of_an_unrecorded_model(make):
    gradients = []
    for record in (False, True):
        model, inputs = built(make)
        if record:
            with following(model) as host:
                model(**inputs)[0].square().mean().backward()
            assert host.seen
        else:
            model(**inputs)[0].square().mean().backward()
        gradients.append([p.grad for p in model.parameters() if p.grad is not None])
    for plain, recorded in zip(*gradients, strict=True):
        assert torch.equal(plain, recorded)


def test_the_einsum_of_xlnet_is_laid_out_as_rows_heads_queries_keys():
    model, inputs = built(xlnet)
    with torch.no_grad(), following(model) as host:
        output = model(**inputs, output_attentions=True)
    for seen, reference in zip(host.seen, output.attentions, strict=True):
        # XLNet returns [queries, keys, rows, heads] as [rows, heads, queries, keys] by itself.
        assert torch.equal(seen.probabilities, reference)
        assert not seen.check.failed


def test_the_sink_of_gpt_oss_is_one_more_last_key():
    torch.manual_seed(0)
    config = transformers.GptOssConfig(
        vocab_size=64,
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=HEADS,
        num_key_value_heads=2,
        head_dim=8,
        intermediate_size=37,
        num_local_experts=4,
        num_experts_per_tok=2,
        pad_token_id=0,
        eos_token_id=1,
        attn_implementation="eager",
        experts_implementation="eager",
    )
    model = transformers.GptOssModel(config).eval()
    with torch.no_grad():
        reference = model(ids(), output_attentions=True).attentions[0]
        with following(model) as host:
            model(ids())
    attention = next(seen for seen in host.seen if seen.net == "softmax")
    assert attention.captured.sink
    assert attention.probabilities.shape == (BATCH, HEADS, TOKENS, TOKENS + 1)
    assert torch.equal(attention.probabilities[..., :-1], reference)
    assert torch.allclose(attention.probabilities.sum(-1), torch.ones(1), atol=1e-6)
    assert attention.check.error <= 1e-5


class Block(nn.Module):
    """Attention of one layer by hand; ``how`` is a method below."""

    def __init__(self, how, heads=HEADS, **options):
        super().__init__()
        self.how = how
        self.num_heads = heads
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.drop = nn.Dropout(options.pop("dropout", 0.0), inplace=options.pop("inplace", False))
        self.options = options
        self.truth = None

    def forward(self, x):
        return self.how(self, x)

    def project(self, x):
        batch, tokens, _ = x.shape
        shape = (batch, tokens, 3, self.num_heads, WIDTH // self.num_heads)
        return self.qkv(x).view(shape).permute(2, 0, 3, 1, 4).unbind(0)

    def keep(self, weights):
        self.truth = weights.detach().clone()
        return weights


def timm_unfused(block, x):
    q, k, v = block.project(x)
    attn = block.keep((q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(dim=-1))
    return (block.drop(attn) @ v).transpose(1, 2).reshape(x.shape)


def einsum_letters(block, x):
    q, k, v = block.project(x)
    attn = block.keep(torch.einsum("bhid,bhjd->bhij", q, k).softmax(-1))
    return torch.einsum("b h i j, b h j d -> b h i d", attn, v).transpose(1, 2).reshape(x.shape)


def einsum_ellipsis_values_first(block, x):
    q, k, v = block.project(x)
    attn = block.keep(torch.einsum("...id,...jd->...ij", q, k).softmax(-1))
    return torch.einsum("...jd,...ij->...id", [v, attn]).transpose(1, 2).reshape(x.shape)


def einsum_queries_first(block, x):
    q, k, v = block.project(x)
    attn = torch.softmax(torch.einsum("bhid,bhjd->ijbh", q, k), dim=1)
    block.keep(attn.permute(2, 3, 0, 1))
    return torch.einsum("ijbh,bhjd->bihd", attn, v).reshape(x.shape)


def fused_by_a_view(block, x):
    q, k, v = (part.contiguous().view(-1, *part.shape[2:]) for part in block.project(x))
    attn = functional.softmax(torch.bmm(q, k.mT), dim=-1)
    block.keep(attn.view(x.shape[0], block.num_heads, *attn.shape[1:]))
    out = torch.bmm(attn, v).view(x.shape[0], block.num_heads, -1, v.shape[-1])
    return out.transpose(1, 2).reshape(x.shape)


def merged_after_the_softmax(block, x):
    q, k, v = block.project(x)
    attn = block.keep(functional.softmax(q @ k.mT, dim=-1, dtype=torch.float32))
    fused = attn.to(x.dtype).reshape(-1, *attn.shape[2:])
    out = torch.baddbmm(torch.ones(1, 1, 1), fused, v.reshape(-1, *v.shape[2:]), alpha=0.5)
    return out.view(v.shape).transpose(1, 2).reshape(x.shape)


def heads_before_rows(block, x):
    q, k, v = (part.transpose(0, 1) for part in block.project(x))
    attn = (q @ k.mT).softmax(-1)
    block.keep(attn.transpose(0, 1))
    return (attn @ v).permute(1, 2, 0, 3).reshape(x.shape)


def weights_on_the_right(block, x):
    q, k, v = (part.mT for part in block.project(x))
    attn = torch.softmax(k.mT @ q, dim=-2)
    block.keep(attn.mT)
    return torch.matmul(v, attn).permute(0, 3, 1, 2).reshape(x.shape)


def masked_out_of_place(block, x):
    q, k, v = block.project(x)
    scores = (q @ k.mT).clone()
    scores[:, :, :, 5:] = torch.finfo(scores.dtype).min
    attn = block.keep(scores.softmax(-1)).masked_fill(torch.zeros(1, dtype=torch.bool), 0.0)
    return (attn @ v).transpose(1, 2).reshape(x.shape)


HAND_WRITTEN = [
    timm_unfused,
    einsum_letters,
    einsum_ellipsis_values_first,
    einsum_queries_first,
    fused_by_a_view,
    merged_after_the_softmax,
    heads_before_rows,
    weights_on_the_right,
    masked_out_of_place,
]


def tokens(seed=0, size=(BATCH, TOKENS, WIDTH)):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def only(host):
    assert len(host.seen) == 1, [seen.site for seen in host.seen]
    return host.seen[0]


@pytest.mark.parametrize("how", HAND_WRITTEN)
@pytest.mark.parametrize("gradient", [True, False])
def test_attention_by_hand_is_found_laid_out_and_verified(how, gradient):
    torch.manual_seed(0)
    block = Block(how)
    with torch.set_grad_enabled(gradient):
        plain = block(tokens())
        with following(block) as host:
            output = block(tokens())
    assert torch.equal(output, plain)
    seen = only(host)
    assert seen.probabilities.shape == (BATCH, HEADS, TOKENS, TOKENS)
    assert torch.equal(seen.probabilities, block.truth)
    assert seen.check.error <= seen.check.tolerance <= 1e-5


@pytest.mark.parametrize("how", HAND_WRITTEN)
def test_inference_mode_is_no_obstacle(how):
    block = Block(how)
    with torch.inference_mode(), following(block) as host:
        block(tokens())
    assert torch.equal(only(host).probabilities, block.truth)


def test_one_key_is_attention_too():
    block = Block(timm_unfused)
    with following(block) as host:
        block(tokens(size=(BATCH, 1, WIDTH)))
    seen = only(host)
    assert seen.probabilities.shape == (BATCH, HEADS, 1, 1)
    assert (seen.probabilities == 1).all()
    assert seen.check.error <= 1e-5


@pytest.mark.parametrize("inplace", [False, True])
def test_active_dropout_is_the_reason_why_nothing_is_verified(inplace):
    torch.manual_seed(0)
    block = Block(timm_unfused, dropout=0.5, inplace=inplace)
    with following(block) as host:
        block(tokens())
    seen = only(host)
    assert torch.equal(seen.probabilities, block.truth)
    assert seen.check.error is None
    assert seen.check.reason == "dropout is active"


def test_weights_renormalised_after_a_mask_are_those_that_the_model_used():
    def how(block, x):
        q, k, v = block.project(x)
        attn = (q @ k.mT).softmax(-1) * torch.ones(TOKENS, TOKENS).tril()
        attn = block.keep(attn / attn.sum(-1, keepdim=True))
        return (attn @ v).transpose(1, 2).reshape(x.shape)

    block = Block(how)
    with following(block) as host:
        block(tokens())
    assert torch.equal(only(host).probabilities, block.truth)
    assert only(host).check.error <= 1e-5


def test_weights_scaled_after_the_softmax_are_said_to_be_so():
    def how(block, x):
        q, k, v = block.project(x)
        gates = torch.rand(1, HEADS, 1, 1, generator=torch.Generator().manual_seed(0))
        return (block.keep((q @ k.mT).softmax(-1)) * gates @ v).transpose(1, 2).reshape(x.shape)

    block = Block(how)
    with following(block) as host:
        block(tokens())
    assert torch.equal(only(host).probabilities, block.truth)
    assert only(host).check.error is None
    assert only(host).check.reason == "the weights were changed after the softmax (mul)"


def test_rows_that_are_masked_everywhere_are_zero():
    def how(block, x):
        q, k, v = block.project(x)
        scores = q @ k.mT
        scores[:, :, 0] = -torch.inf
        attn = scores.softmax(-1).nan_to_num(0.0)
        return (attn @ v).transpose(1, 2).reshape(x.shape)

    block = Block(how)
    with following(block) as host:
        block(tokens())
    seen = only(host)
    assert (seen.probabilities[:, :, 0] == 0).all()
    assert torch.allclose(seen.probabilities[:, :, 1:].sum(-1), torch.ones(1))
    assert seen.check.error <= 1e-5


def test_softmaxes_that_are_subtracted_are_left_out_in_words():
    def how(block, x):
        q, k, v = block.project(x)
        attn = (q @ k.mT).softmax(-1) - (q @ k.mT * 2).softmax(-1)
        return (attn @ v).transpose(1, 2).reshape(x.shape)

    block = Block(how)
    with following(block) as host:
        block(tokens())
    assert not host.seen
    assert "several softmaxes" in host.left_out[""]


def test_half_precision_weights_are_verified_to_its_tolerance():
    def how(block, x):
        q, k, v = block.project(x)
        attn = block.keep(functional.softmax(q @ k.mT, -1, dtype=torch.float32))
        return (attn.to(x.dtype) @ v).transpose(1, 2).reshape(x.shape)

    block = Block(how).bfloat16()
    with following(block) as host:
        block(tokens().bfloat16())
    seen = only(host)
    assert seen.probabilities.dtype == torch.float32
    assert torch.equal(seen.probabilities, block.truth)
    assert 0 < seen.check.error <= seen.check.tolerance == 2e-2


def test_autocast_is_no_obstacle():
    torch.manual_seed(0)
    block = Block(timm_unfused)
    with torch.autocast("cpu", torch.bfloat16):
        plain = block(tokens())
        with following(block) as host:
            output = block(tokens())
    assert torch.equal(output, plain)
    assert only(host).check.error <= only(host).check.tolerance


class Bahdanau(nn.Module):
    """Additive attention over memory, as in the first translators."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.query, self.key = nn.Linear(8, 16), nn.Linear(8, 16)
        self.energy = nn.Linear(16, 1)
        self.truth = None

    def forward(self, state, memory):
        scores = self.energy(torch.tanh(self.query(state)[:, None] + self.key(memory)))
        if self.how == "sum":
            weights = torch.softmax(scores, dim=1)
            self.truth = weights.squeeze(-1)
            return (weights * memory).sum(dim=1)
        weights = torch.softmax(scores.squeeze(-1), dim=-1)
        self.truth = weights
        if self.how == "values first":
            return torch.sum(memory.mul(weights.unsqueeze(2)), 1, keepdim=True)
        if self.how == "bmm":
            return torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
        return torch.einsum("bk,bkd->bd", weights, memory)


@pytest.mark.parametrize("how", ["sum", "values first", "bmm", "einsum"])
def test_additive_attention_is_one_query_a_row(how):
    torch.manual_seed(0)
    model = Bahdanau(how)
    state, memory = torch.randn(5, 8), torch.randn(5, 7, 8)
    plain = model(state, memory)
    with following(model) as host:
        output = model(state, memory)
    assert torch.equal(output, plain)
    seen = only(host)
    assert seen.probabilities.shape == (5, 1, 1, 7)
    assert torch.equal(seen.probabilities[:, 0, 0], model.truth)
    assert seen.check.error <= 1e-5


def test_a_decoder_that_attends_at_each_step_numbers_its_calls():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend = Bahdanau("sum")

        def forward(self, memory):
            state = memory[:, 0]
            for _ in range(3):
                state = self.attend(state, memory)
            return state

    model = Decoder()
    with following(model) as host:
        model(torch.randn(2, 7, 8))
    assert [seen.site for seen in host.seen] == ["attend", "attend#2", "attend#3"]


def test_a_memory_that_all_rows_share_has_one_query_a_row():
    class Memory(nn.Module):
        def __init__(self):
            super().__init__()
            self.slots = nn.Parameter(torch.randn(6, 8))

        def forward(self, x):
            return torch.softmax(x @ self.slots.T, -1) @ self.slots

    model = Memory()
    with following(model) as host:
        model(torch.randn(5, 8))
        model(torch.randn(5, 4, 8))
    assert [tuple(seen.probabilities.shape) for seen in host.seen] == [(5, 1, 1, 6), (5, 1, 4, 6)]


def test_heads_that_nothing_tells_of_stay_rows():
    class Silent(nn.Module):
        def forward(self, q, k, v):
            return torch.bmm(torch.bmm(q, k.mT).softmax(-1), v)

    model = Silent()
    parts = [torch.randn(12, 5, 8) for _ in range(3)]
    with following(model) as host:
        model(*parts)
    assert only(host).probabilities.shape == (12, 1, 5, 5)


def test_heads_are_told_by_the_configuration_of_a_module_around():
    class Inner(nn.Module):
        def forward(self, x):
            q = x.repeat_interleave(2, 0)
            return torch.bmm(torch.bmm(q, q.mT).softmax(-1), q)

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.config = transformers.BertConfig(**{**BERT_LIKE, "num_attention_heads": 2})
            self.layer = nn.Sequential(Inner())

        def forward(self, x):
            return self.layer(x)

    model = Outer()
    with following(model) as host:
        model(torch.randn(3, 5, 8))
    assert only(host).site == "layer.0"
    assert only(host).probabilities.shape == (3, 2, 5, 5)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(x).softmax(-1)


class Wrong(nn.Module):
    """A softmax over heads, then a sum over keys: slot-like, and no attention over keys."""

    def forward(self, x):
        scores = (x @ x.mT)[:, None].expand(-1, 3, -1, -1)
        return scores.softmax(dim=1) @ x[:, None]


class Competing(nn.Module):
    """Slot attention: slots compete for each input, and the inputs are summed."""

    def forward(self, x):
        slots = x[:, :3]
        attn = (slots @ x.mT).softmax(dim=1)
        return (attn / attn.sum(-1, keepdim=True)) @ x


class Mixed(nn.Module):
    """The softmax's axis is the output's, not the sum's."""

    def forward(self, x):
        return torch.einsum("bqk,bqd->bkd", (x @ x.mT).softmax(-1), x)


@pytest.mark.parametrize("kind", [Classifier, Wrong, Competing, Mixed])
def test_a_softmax_that_is_not_summed_over_its_own_axis_is_no_attention(kind):
    model = kind()
    with following(model) as host:
        model(torch.randn(2, 6, 8))
    assert not host.seen
    assert not host.left_out


def test_a_product_with_two_sets_of_values_is_one_attention():
    def how(block, x):
        q, k, v = block.project(x)
        attn = (q @ k.mT).softmax(-1)
        return ((attn @ v) + (attn @ k)).transpose(1, 2).reshape(x.shape)

    block = Block(how)
    with following(block) as host:
        block(tokens())
    only(host)


def overwriting(write):
    def how(block, x):
        q, k, v = block.project(x)
        scores = q @ k.mT
        scores[:, :, 0] = -torch.inf
        attn = scores.softmax(-1)
        write(attn)
        block.keep(attn)
        return (attn @ v).transpose(1, 2).reshape(x.shape)

    block = Block(how)
    with torch.no_grad(), following(block) as host:
        block(tokens())
    return block, host


def test_weights_whose_holes_were_filled_in_place_are_those_that_the_model_used():
    block, host = overwriting(lambda attn: attn.__setitem__(attn != attn, 0.0))
    assert torch.equal(only(host).probabilities, block.truth)
    assert only(host).check.error <= 1e-5


def test_weights_that_were_overwritten_in_place_are_left_out_in_words():
    for write in (torch.Tensor.zero_, torch.Tensor.sigmoid_):
        _, host = overwriting(write)
        assert not host.seen
        assert "overwritten in place" in host.left_out[""]


def test_transforms_and_traces_are_let_alone():
    block = Block(timm_unfused)
    block.keep = lambda weights: weights
    x = tokens()
    with following(block) as host:
        stacked = torch.func.vmap(block)(x[:, None])
        assert "transform" in host.left_out[""]
        with warnings.catch_warnings(action="ignore"):
            traced = torch.jit.trace(block, x, check_trace=False)
    assert torch.allclose(stacked[:, 0], block(x), atol=1e-6)
    assert torch.equal(traced(x), block(x))
    assert not host.seen


def test_nothing_is_computed_or_recorded_where_nothing_is_wanted():
    block = Block(timm_unfused)
    with following(block, wanted=lambda net, site: False) as host:
        block(tokens())
    assert not host.seen


def test_nothing_of_a_pass_is_kept_alive():
    kept = []

    def how(block, x):
        q, k, v = block.project(x)
        attn = (q @ k.mT).softmax(-1)
        dropped = functional.dropout(attn, 0.5)
        out = dropped @ v
        kept.extend(map(weakref.ref, (attn, dropped, v)))
        return out.transpose(1, 2).reshape(x.shape)

    block = Block(how)
    with torch.no_grad(), following(block) as host:
        block(tokens())
        host.seen.clear()
        gc.collect()
        assert [reference() for reference in kept] == [None] * 3
        assert not len(host.net._flow.marks)


def test_marks_die_with_an_exception():
    def how(block, x):
        block.kept = x.softmax(-1)
        raise ArithmeticError

    block = Block(how)
    with following(block) as host:
        with pytest.raises(ArithmeticError):
            block(tokens())
        assert not len(host.net._flow.marks)
