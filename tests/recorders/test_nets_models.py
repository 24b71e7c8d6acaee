"""What the nets capture of real architectures, against the weights that eager models return."""

import pytest
import torch
from net_host import recorded
from reference_models import REFERENCES, reference

CASES = [
    pytest.param(item, implementation, id=f"{item.name.split()[0]}-{implementation}")
    for item in REFERENCES
    for implementation in item.implementations
]


def run(model, inputs, **policies):
    """The first output of a model alone, and recorded, with what was seen."""
    with torch.no_grad():
        alone = model(**inputs)[0]
        with recorded(model, **policies) as host:
            watched = model(**inputs)[0]
    return alone, watched, host


def shown_rows(seen):
    """Whether anything was left to attend to, [rows, heads, queries]."""
    return seen.probabilities.sum(-1) > 0


@pytest.mark.parametrize(("item", "implementation"), CASES)
class TestModels:
    def test_every_attention_is_captured_as_the_model_itself_weighs(self, item, implementation):
        *_, host = run(item.build(implementation), item.inputs())
        found = item.by_group(host.seen)
        expected = item.weights()
        assert not host.left_out
        assert sum(map(len, found.values())) == len(host.seen)
        assert len({seen.site for seen in host.seen}) == len(host.seen)
        for group, seen in found.items():
            assert [s.captured.kind for s in seen] == [item.kinds[group]] * len(expected[group])
            for mine, theirs in zip(seen, expected[group], strict=True):
                keys = theirs.size(-1)
                difference = (mine.probabilities[..., :keys] - theirs).abs().amax(-1)
                assert difference[shown_rows(mine)].max() <= 1e-5
                sums = mine.probabilities.sum(-1)
                assert (((sums - 1).abs() < 1e-5) | (sums == 0)).all()

    def test_outputs_are_bitwise_the_same(self, item, implementation):
        alone, watched, host = run(item.build(implementation), item.inputs())
        assert torch.equal(alone, watched)
        assert not host.changes

    def test_weights_times_values_are_what_each_layer_returned(self, item, implementation):
        *_, host = run(item.build(implementation), item.inputs())
        for seen in host.seen:
            assert seen.check.reason == ""
            assert seen.check.error <= seen.check.tolerance == 1e-5

    def test_chosen_heads_and_queries_are_those_of_the_whole(self, item, implementation):
        model = item.build(implementation)
        *_, whole = run(model, item.inputs())
        *_, part = run(model, item.inputs(), heads=(3, 0), queries=slice(1, None, 2))
        for one, other in zip(whole.seen, part.seen, strict=True):
            expected = one.probabilities[:, [3, 0], 1::2]
            assert torch.allclose(other.probabilities, expected, atol=1e-6)
            assert (other.captured.first_query, other.captured.query_stride) == (1, 2)
            assert other.check.error <= other.check.tolerance

    def test_masks_tell_what_is_visible(self, item, implementation):
        *_, host = run(item.build(implementation), item.inputs())
        for seen in host.seen:
            if seen.captured.visible is None:
                assert (seen.probabilities > 0).all()
                continue
            visible = seen.captured.visible.expand(seen.probabilities.shape)
            assert (seen.probabilities[~visible] == 0).all()
            assert (seen.probabilities[visible] > 0).float().mean() > 0.9

    def test_nothing_computed_is_verified_where_that_is_off(self, item, implementation):
        *_, host = run(item.build(implementation), item.inputs(), verify=False)
        assert {seen.check.reason for seen in host.seen} == {"verification is off"}


def test_the_mass_on_a_sink_is_one_more_key():
    item = reference("gpt-oss")
    *_, host = run(item.build("eager"), item.inputs())
    for seen, weights in zip(host.seen, item.weights()["attentions"], strict=True):
        assert seen.captured.sink
        expected = 1 - weights.sum(-1)
        alive = weights.sum(-1) > 0
        assert torch.allclose(seen.probabilities[..., -1][alive], expected[alive], atol=1e-6)
        assert expected.max() > 0.05


def test_a_sink_that_is_computed_weighs_as_the_one_that_the_model_returns():
    item = reference("gpt-oss")
    model = item.build("eager")
    *_, given = run(model, item.inputs())
    model.train()
    for module in model.modules():
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 1e-9
    *_, computed = run(model, item.inputs())
    for one, other in zip(given.seen, computed.seen, strict=True):
        assert other.check.reason == "dropout is active"
        rows = shown_rows(one)
        assert torch.allclose(one.probabilities[rows], other.probabilities[rows], atol=1e-6)


def test_rows_of_padding_attend_to_nothing():
    item = reference("GPT-2")
    for implementation in ("eager", "sdpa"):
        *_, host = run(item.build(implementation), item.inputs())
        for seen in host.seen:
            assert (seen.probabilities[1, :, :4] == 0).all()
            assert (seen.probabilities[1, :, 4:].sum(-1) - 1).abs().max() < 1e-5
            assert (seen.probabilities[1, ..., :4] == 0).all()


def test_a_window_hides_what_lies_before_it():
    item = reference("Mistral")
    *_, host = run(item.build("sdpa"), item.inputs())
    for seen in host.seen:
        queries, keys = torch.meshgrid(torch.arange(12), torch.arange(12), indexing="ij")
        outside = (keys > queries) | (keys <= queries - 5)
        assert (seen.probabilities[:, :, outside] == 0).all()


def test_half_precision_is_verified_with_its_own_tolerance():
    for item in (reference("Llama"), reference("BERT")):
        for implementation in ("eager", "sdpa"):
            model = item.build(implementation, torch.bfloat16)
            alone, watched, host = run(model, item.inputs())
            assert torch.equal(alone, watched)
            for seen in host.seen:
                assert 1e-5 < seen.check.error <= seen.check.tolerance == 2e-2


def test_double_precision_stays_double():
    item = reference("Llama")
    *_, host = run(item.build("sdpa", torch.float64), item.inputs())
    for seen in host.seen:
        assert seen.probabilities.dtype == torch.float64
        assert seen.check.error <= seen.check.tolerance == 1e-9
