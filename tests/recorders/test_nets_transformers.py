"""Hugging Face models while they generate, train and are called in unusual ways."""

import copy

import pytest
import torch
import transformers
from net_host import CollectingHost, recorded
from reference_models import reference, text
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, AttentionInterface

LOOK_UP = AttentionInterface.get_interface


@pytest.fixture(autouse=True)
def nothing_stays_patched():
    yield
    assert AttentionInterface.get_interface is LOOK_UP


def generated(name, implementation, **options):
    """Tokens generated alone, and recorded, with what was seen."""
    model = reference(name).build(implementation)
    inputs = {**text(left=True), "max_new_tokens": 5, "do_sample": False, "min_new_tokens": 5}
    alone = model.generate(**inputs, **options)
    with recorded(model) as host:
        watched = model.generate(**inputs, **options)
    assert torch.equal(alone, watched)
    return watched, host


def eager_weights(name, tokens):
    """Weights of the whole text in one pass, [layers, rows, heads, queries, keys]."""
    mask = torch.ones_like(tokens)
    mask[:, :12] = text(left=True)["attention_mask"]
    with torch.no_grad():
        model = reference(name).build("eager")
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        found = model(tokens, attention_mask=mask, position_ids=positions, output_attentions=True)
    return torch.stack(found.attentions)


def by_layer(host):
    layers = {}
    for seen in host.seen:
        layers.setdefault(seen.site, []).append(seen)
    return list(layers.values())


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize("name", ["GPT-2", "Llama", "Mistral"])
class TestGenerate:
    def test_a_growing_cache_is_read_as_the_whole_text(self, name, implementation):
        tokens, host = generated(name, implementation)
        expected = eager_weights(name, tokens)
        assert host.calls == 5
        for layer, events in enumerate(by_layer(host)):
            assert [seen.probabilities.size(2) for seen in events] == [12, 1, 1, 1, 1]
            for step, seen in enumerate(events[1:], start=12):
                keys = seen.probabilities.size(3)
                row = expected[layer, :, :, step, step + 1 - keys : step + 1]
                assert (seen.probabilities[:, :, 0] - row).abs().max() < 1e-5
                assert seen.check.error <= 1e-5

    def test_a_static_cache_is_read_with_its_empty_places_unseen(self, name, implementation):
        tokens, host = generated(name, implementation, cache_implementation="static")
        expected = eager_weights(name, tokens)
        for layer, events in enumerate(by_layer(host)):
            # A layer with a window holds no more keys than the window; they lie in their order.
            for step, seen in zip([11, 12, 13, 14, 15], events, strict=True):
                last = seen.probabilities[:, :, -1]
                filled = last.sum(1).amax(0) > 0
                n_filled = int(filled.sum())
                row = expected[layer, :, :, step, step + 1 - n_filled : step + 1]
                assert (last[..., filled] - row).abs().max() < 1e-5
                assert seen.check.error <= 1e-5
                if seen.captured.visible is not None:
                    hidden = ~seen.captured.visible.expand(seen.probabilities.shape)
                    assert (seen.probabilities[hidden] == 0).all()


def test_a_sliding_cache_holds_no_more_keys_than_its_window():
    _, host = generated("Mistral", "sdpa")
    for events in by_layer(host):
        assert all(seen.probabilities.size(3) <= 5 for seen in events[1:])


def test_beams_are_rows():
    _, host = generated("GPT-2", "sdpa", num_beams=2)
    assert {seen.probabilities.size(0) for seen in host.seen} == {6}


def test_an_encoder_and_decoder_generate():
    model = reference("T5").build("sdpa")
    with recorded(model) as host:
        model.generate(**text(), max_new_tokens=3, min_new_tokens=3, do_sample=False)
    crossed = [seen for seen in host.seen if seen.captured.kind == "cross"]
    assert len(crossed) == 2 * 3
    assert {seen.probabilities.shape[2:] for seen in crossed} == {(1, 12)}
    assert all((seen.probabilities[1, ..., 8:] == 0).all() for seen in crossed)
    assert all(seen.check.error <= 1e-5 for seen in host.seen)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_training_with_dropout_is_recorded_before_dropout_and_changes_no_gradient(implementation):
    model = reference("BERT").build(implementation).train()
    twin = copy.deepcopy(model)

    def step(network):
        torch.manual_seed(0)
        output = network(**text())[0]
        output.square().mean().backward()
        return output

    alone = step(twin)
    with recorded(model) as host:
        watched = step(model)
    assert torch.equal(alone, watched)
    for mine, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert (mine.grad is None and theirs.grad is None) or torch.equal(mine.grad, theirs.grad)
    for seen in host.seen:
        assert seen.check.reason == "dropout is active"
        assert ((seen.probabilities.sum(-1) - 1).abs() < 1e-5).all()


def test_autocast_is_verified_with_its_own_tolerance():
    for implementation in ("eager", "sdpa"):
        model = reference("Llama").build(implementation)
        with torch.autocast("cpu", torch.bfloat16):
            alone = model(**text())[0]
            with recorded(model) as host:
                watched = model(**text())[0]
        assert torch.equal(alone, watched)
        assert all(0 < seen.check.error <= seen.check.tolerance == 2e-2 for seen in host.seen)


@pytest.mark.parametrize("reentrant", [False, True])
def test_activation_checkpointing_is_captured_once(reentrant):
    model = reference("Llama").build("sdpa").train()
    model.activation_checkpointing_enable({"use_reentrant": reentrant})
    model.enable_input_require_grads()
    with recorded(model) as host:
        model(**text(), use_cache=False)[0].sum().backward()
    assert [seen.site for seen in host.seen] == [
        "model.layers.0.self_attn",
        "model.layers.1.self_attn",
    ]
    assert all(seen.check.error <= 1e-5 for seen in host.seen)


def test_wrong_weights_fail_the_check():
    model = reference("Llama").build("eager")

    def lying(module, query, key, value, attention_mask, **options):
        eager = transformers.models.llama.modeling_llama.eager_attention_forward
        output, weights = eager(module, query, key, value, attention_mask, **options)
        return output, weights.flip(1)

    AttentionInterface.register("lying", lying)
    try:
        model.set_attn_implementation("lying")
        with torch.no_grad(), recorded(model) as host:
            model(**text())
    finally:
        del AttentionInterface._global_mapping["lying"]
    assert all(seen.check.failed and seen.check.error > 1e-3 for seen in host.seen)


class TestFlexAttention:
    def layer(self):
        class Layer(torch.nn.Module):
            is_causal = True

            def forward(self, query, key, value, mask, **more):
                function = ALL_ATTENTION_FUNCTIONS.get_interface("flex_attention", None)
                return function(self, query, key, value, mask, **more)

        torch.manual_seed(0)
        query, key, value = torch.randn(2, 4, 16, 8), *torch.randn(2, 2, 2, 16, 8)
        return Layer(), (query, key, value)

    @pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
    def test_its_block_mask_and_soft_cap_are_read(self, monkeypatch):
        layer, tensors = self.layer()
        # What it compiles, uncompiled: no compiler is needed to know what it computes.
        monkeypatch.setattr(
            transformers.integrations.flex_attention,
            "compile_friendly_flex_attention",
            lambda *args, training, **options: flex_attention(*args, **options),
        )

        def near(row, head, query, key):
            return (key <= query) & (query - key < 5) & ((row == 0) | (key > 1))

        mask = create_block_mask(near, 2, None, 16, 16, device="cpu", BLOCK_SIZE=16)
        with torch.no_grad(), recorded(layer) as host:
            layer(*tensors, mask, softcap=2.0, scaling=0.7)
        (seen,) = host.seen
        scores = tensors[0] @ tensors[1].repeat_interleave(2, 1).transpose(2, 3) * 0.7
        scores = 2 * torch.tanh(scores / 2)
        rows, queries, keys = torch.meshgrid(*map(torch.arange, (2, 16, 16)), indexing="ij")
        seeable = near(rows, 0, queries, keys)[:, None]
        expected = torch.softmax(scores.masked_fill(~seeable, -torch.inf), -1).nan_to_num(0)
        assert (seen.probabilities - expected).abs().max() < 1e-6
        assert torch.equal(seen.captured.visible, seeable)
        assert seen.check.error <= 1e-5


class TestFlashAttention:
    """Its kernels need a GPU; what transformers hands to them is read with a stand-in."""

    def run(self, mask=None, **options):
        class Layer(torch.nn.Module):
            is_causal = True

            def forward(self, query, key, value, mask, **more):
                function = ALL_ATTENTION_FUNCTIONS.get_interface("flash_attention_2", None)
                return function(self, query, key, value, mask, **more)

        def stand_in(module, query, key, value, attention_mask, **more):
            return torch.zeros(2, query.size(2), 4, 8), None

        torch.manual_seed(0)
        tensors = torch.randn(2, 4, 3, 8), *torch.randn(2, 2, 2, 7, 8)
        layer = Layer()
        original = AttentionInterface._global_mapping["flash_attention_2"]
        AttentionInterface.register("flash_attention_2", stand_in)
        try:
            with recorded(layer) as host:
                layer(*tensors, mask, **options)
        finally:
            AttentionInterface.register("flash_attention_2", original)
        return host

    def test_its_causal_mask_ends_at_the_last_key(self):
        (seen,) = self.run().seen
        assert torch.equal(seen.probabilities > 0, seen.captured.visible.expand(2, 4, 3, 7))
        assert (seen.probabilities > 0)[0, 0].int().sum(-1).tolist() == [5, 6, 7]
        assert seen.check.failed

    def test_its_padding_and_window_are_read(self):
        padding = torch.ones(2, 7)
        padding[1, :2] = 0
        (seen,) = self.run(padding, sliding_window=4).seen
        shown = (seen.probabilities > 0).int()
        assert shown[0, 0].sum(0).tolist() == [0, 1, 2, 3, 3, 2, 1]
        assert shown[1, 0].sum(0).tolist() == [0, 0, 2, 3, 3, 2, 1]

    def test_packed_sequences_are_left_out_with_a_reason(self):
        host = self.run(cu_seq_lens_q=torch.tensor([0, 3]))
        assert not host.seen
        assert "packed" in host.left_out[""]


class TestPatch:
    def test_two_recorders_see_everything_and_leave_nothing_in_any_order(self):
        model = reference("BERT").build("sdpa")
        first, second = CollectingHost(model), CollectingHost(model)
        for order in ((first, second), (second, first)):
            opened = [host.listening() for host in (first, second)]
            for context in opened:
                context.__enter__()
            model(**text())
            assert AttentionInterface.get_interface is not LOOK_UP
            for host in order:
                opened[(first, second).index(host)].__exit__(None, None, None)
            assert AttentionInterface.get_interface is LOOK_UP
        assert len(first.seen) == len(second.seen) == 4
        for one, other in zip(first.seen, second.seen, strict=True):
            assert torch.equal(one.probabilities, other.probabilities)
            assert other.check.error <= 1e-5

    def test_an_exception_leaves_nothing_behind(self):
        model = reference("BERT").build("sdpa")
        boom = model.encoder.layer[1].register_forward_hook(lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError), recorded(model) as host:
            model(**text())
        boom.remove()
        assert len(host.seen) == 2
        assert AttentionInterface.get_interface is LOOK_UP
        assert not any(module._forward_hooks for module in model.modules())
        assert not any(module._forward_pre_hooks for module in model.modules())
        assert not torch.overrides._get_current_function_mode_stack()

    def test_who_patched_after_us_keeps_his_patch(self):
        model = reference("BERT").build("sdpa")
        with recorded(model):
            ours = AttentionInterface.get_interface

            def theirs(interface, implementation, default):
                return ours(interface, implementation, default)

            AttentionInterface.get_interface = theirs
        try:
            assert AttentionInterface.get_interface is theirs
            assert model(**text())[0].isfinite().all()
        finally:
            AttentionInterface.get_interface = LOOK_UP

    def test_a_model_that_is_not_recorded_is_not_captured(self):
        model, other = (reference("BERT").build("sdpa") for _ in range(2))
        with recorded(model) as host:
            other(**text())
        assert not host.seen

    def test_older_interfaces_are_read_as_dicts(self, monkeypatch):
        model = reference("BERT").build("sdpa")
        direct = lambda interface, name, default: interface[name]  # noqa: E731
        monkeypatch.delattr(AttentionInterface, "get_interface")
        modelling = transformers.models.bert.modeling_bert
        monkeypatch.setattr(modelling, "ALL_ATTENTION_FUNCTIONS", _Older(direct))
        with recorded(model) as host:
            model(**text())
        monkeypatch.undo()
        assert [seen.net for seen in host.seen] == ["transformers"] * 2
        assert "__getitem__" not in vars(AttentionInterface)


class _Older:
    """Looks functions up as models did before there was ``get_interface``."""

    def __init__(self, look_up):
        self._look_up = look_up

    def get_interface(self, name, default):
        return self._look_up(ALL_ATTENTION_FUNCTIONS, name, default)
