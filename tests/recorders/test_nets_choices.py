"""What the net on choices hands over, for every way to choose that torch offers."""

import gc
import threading
import weakref

import pytest
import torch
import transformers
from flow_host import following
from torch import nn
from torch.distributions import (
    Bernoulli,
    Categorical,
    Gumbel,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
)
from torch.nn import functional

transformers.logging.set_verbosity_error()

BATCH, KEYS, DEPTH = 5, 7, 3
UNSEEN = "the selection was not seen to pick anything"
NORMALISES_NOTHING = "normalises nothing"


class Chooser(nn.Module):
    """Scores keys by a query and lets ``how(scores, values)`` choose."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.score = nn.Linear(DEPTH, 1, bias=False)

    def forward(self, values):
        return self.how(self.score(values).squeeze(-1) * 2, values)


def values(seed=0):
    return torch.randn(BATCH, KEYS, DEPTH, generator=torch.Generator().manual_seed(seed))


def run(how, *, seed=3):
    """Record one pass, having checked that nothing about the model changed."""
    torch.manual_seed(0)
    model = Chooser(how)
    outcomes = []
    for record in (False, True):
        model.zero_grad()
        torch.manual_seed(seed)
        given = values().requires_grad_()
        if record:
            with following(model) as host:
                output = model(given)
        else:
            output = model(given)
        gradients = ()
        if output.requires_grad:
            gradients = torch.autograd.grad(
                output.float().square().sum(), [given, *model.parameters()], allow_unused=True
            )
        outcomes.append((output.detach(), torch.get_rng_state(), *gradients))
    for plain, recorded in zip(*outcomes, strict=True):
        assert plain is recorded is None or torch.equal(plain, recorded)
    assert not len(host.net._flow.marks)
    assert not host.net._flow._pass.choices
    scores = model.score(values()).squeeze(-1).detach() * 2
    return host, scores, outcomes[1][0]


def only(host):
    assert len(host.seen) == 1, [seen.site for seen in host.seen]
    return host.seen[0]


def pick(index, given):
    return given.gather(1, index.reshape(BATCH, -1, 1).expand(-1, -1, DEPTH)).squeeze(1)


def argmax_and_gather(scores, given):
    return pick(scores.argmax(-1), given)


def argmax_and_advanced_index(scores, given):
    return given[torch.arange(BATCH), torch.argmax(scores, dim=1)]


def argmax_keepdim_and_take_along(scores, given):
    index = scores.argmax(1, keepdim=True)
    return torch.take_along_dim(given, index.unsqueeze(-1), dim=1).squeeze(1)


def max_with_place(scores, given):
    _, index = scores.max(dim=1)
    return pick(index, given)


def one_hot_sum(scores, given):
    weights = functional.one_hot(scores.argmax(-1), KEYS).float()
    return (weights.unsqueeze(-1) * given).sum(1)


def one_hot_bmm(scores, given):
    weights = functional.one_hot(scores.argmax(-1), KEYS).to(given.dtype)
    return torch.bmm(weights[:, None], given)[:, 0]


def scattered_einsum(scores, given):
    weights = torch.zeros_like(scores).scatter_(-1, scores.argmax(-1, keepdim=True), 1.0)
    return torch.einsum("bk,bkd->bd", weights, given)


def first_of_topk(scores, given):
    return pick(scores.topk(1, dim=-1).indices, given)


def first_of_sort(scores, given):
    return pick(scores.argsort(dim=-1, descending=True)[:, 0], given)


ARGMAX = [
    argmax_and_gather,
    argmax_and_advanced_index,
    argmax_keepdim_and_take_along,
    max_with_place,
    one_hot_sum,
    one_hot_bmm,
    scattered_einsum,
    first_of_topk,
    first_of_sort,
]


@pytest.mark.parametrize("how", ARGMAX)
def test_the_best_of_scores_is_one_verified_choice_that_says_it_normalises_nothing(how):
    host, scores, output = run(how)
    seen = only(host)
    assert seen.net == "choice"
    assert seen.captured.mechanism == "argmax"
    assert seen.captured.log_prob is None
    assert torch.equal(seen.probabilities[:, 0, 0], scores.softmax(-1))
    assert torch.equal(seen.selection, scores.argmax(-1).view(BATCH, 1, 1, 1))
    assert torch.allclose(pick(seen.selection, values()), output)
    assert seen.check.error == 0
    assert not seen.check.failed
    assert NORMALISES_NOTHING in seen.check.reason


@pytest.mark.parametrize("how", ARGMAX)
def test_the_best_of_probabilities_has_those_probabilities(how):
    host, scores, _ = run(lambda scores, given: how(scores.softmax(-1), given))
    seen = only(host)
    assert (seen.probabilities[:, 0, 0] - scores.softmax(-1)).abs().max() <= 1e-6
    assert torch.equal(seen.selection.view(-1), scores.argmax(-1))
    assert seen.check.error == 0
    assert seen.check.reason == ""


def test_sites_are_named_after_what_chose():
    names = {
        ":argmax": argmax_and_gather,
        ":max": max_with_place,
        ":topk": first_of_topk,
        ":sort": first_of_sort,
    }
    for suffix, how in names.items():
        assert only(run(how)[0]).site == suffix


@pytest.mark.parametrize(
    "probabilities",
    [
        lambda scores: scores.softmax(-1),
        lambda scores: scores.log_softmax(-1),
        lambda scores: scores.softmax(-1).log(),
        lambda scores: torch.log(functional.softmax(scores, 1) + 1e-9),
        lambda scores: scores.softmax(-1).unsqueeze(0).double()[0],
    ],
    ids=["softmax", "log_softmax", "log", "log of more", "cast"],
)
def test_the_distribution_is_found_through_logarithms_casts_and_views(probabilities):
    host, scores, _ = run(lambda scores, given: argmax_and_gather(probabilities(scores), given))
    seen = only(host)
    assert (seen.probabilities[:, 0, 0] - scores.softmax(-1)).abs().max() <= 1e-6
    assert seen.check.reason == ""


def test_several_of_the_best_are_one_choice_of_several_keys():
    def how(scores, given):
        weights, index = scores.softmax(-1).topk(3)
        return (weights.unsqueeze(-1) * pick(index, given)).sum(1)

    host, scores, _ = run(how)
    seen = only(host)
    assert seen.captured.mechanism == "top-k"
    assert seen.selection.shape == (BATCH, 1, 1, 3)
    assert torch.equal(seen.selection[:, 0, 0], scores.topk(3).indices)
    assert seen.check.error == 0


def test_the_first_ranks_of_a_sort_are_a_choice_and_all_of_them_none():
    def first(scores, given):
        return pick(torch.sort(scores, dim=-1, descending=True)[1][:, :2], given)

    def every(scores, given):
        return pick(torch.sort(scores, dim=-1).indices, given)

    host, scores, _ = run(first)
    assert torch.equal(only(host).selection[:, 0, 0], scores.topk(2).indices)
    assert only(host).check.error == 0
    assert not run(every)[0].seen


def multinomial(scores, given):
    return pick(torch.multinomial(scores.softmax(-1), 1), given)


def categorical_of_scores(scores, given):
    return pick(Categorical(logits=scores).sample(), given)


def categorical_of_probabilities(scores, given):
    return pick(Categorical(probs=scores.softmax(-1)).sample(), given)


def categorical_of_weights_with_log_probability(scores, given):
    policy = Categorical(probs=scores.exp())
    index = policy.sample()
    return pick(index, given) + policy.log_prob(index)[:, None]


def one_hot_categorical(scores, given):
    return torch.einsum("bk,bkd->bd", OneHotCategorical(logits=scores).sample(), given)


def one_hot_categorical_with_log_probability(scores, given):
    policy = OneHotCategorical(logits=scores)
    choice = policy.sample()
    return (choice[:, None] @ given)[:, 0] + policy.log_prob(choice)[:, None]


def one_hot_straight_through(scores, given):
    choice = OneHotCategoricalStraightThrough(logits=scores).rsample()
    return torch.einsum("bk,bkd->bd", choice, given)


def gumbel_max_of_uniform(scores, given):
    noise = -torch.log(-torch.log(torch.rand_like(scores) + 1e-20) + 1e-20)
    return pick((scores + noise).argmax(-1), given)


def gumbel_max_of_exponential(scores, given):
    noise = torch.empty_like(scores).exponential_().log()
    return pick((scores.log_softmax(-1) - noise).argmax(-1), given)


def gumbel_max_of_equal_scores(scores, given):
    noise = -torch.empty_like(scores).exponential_().log()
    return pick((torch.zeros_like(scores) + noise).argmax(-1), given)


def gumbel_max_of_distribution(scores, given):
    noise = Gumbel(torch.zeros_like(scores), torch.ones_like(scores)).sample()
    return pick((noise + scores).argmax(-1), given)


SAMPLED = [
    multinomial,
    categorical_of_scores,
    categorical_of_probabilities,
    categorical_of_weights_with_log_probability,
    one_hot_categorical,
    one_hot_categorical_with_log_probability,
    one_hot_straight_through,
    gumbel_max_of_uniform,
    gumbel_max_of_exponential,
    gumbel_max_of_distribution,
]


@pytest.mark.parametrize("how", SAMPLED)
def test_a_sampled_choice_has_its_distribution_selection_and_log_probability(how):
    host, scores, _ = run(how)
    seen = only(host)
    assert seen.captured.mechanism == "sampled"
    assert (seen.probabilities[:, 0, 0] - scores.softmax(-1)).abs().max() <= 1e-6
    chosen = scores.log_softmax(-1).gather(-1, seen.selection[:, 0, 0])
    assert torch.allclose(seen.captured.log_prob[:, 0].float(), chosen, atol=1e-5)
    assert seen.check.error <= (1e-6 if how is one_hot_straight_through else 0)
    assert seen.check.reason == ""


def test_gumbel_noise_on_equal_scores_is_a_uniform_sample():
    seen = only(run(gumbel_max_of_equal_scores)[0])
    assert seen.captured.mechanism == "sampled"
    assert torch.allclose(seen.probabilities, torch.tensor(1 / KEYS))


def test_the_selection_of_a_sample_is_exactly_the_models():
    index = None

    def how(scores, given):
        nonlocal index
        index = torch.multinomial(scores.softmax(-1), 1)
        return pick(index, given)

    host, _, _ = run(how)
    assert torch.equal(only(host).selection.reshape(BATCH, 1), index)


def test_a_log_probability_that_is_read_is_nothing_that_was_picked():
    def how(scores, given):
        policy = Categorical(logits=scores)
        return policy.log_prob(policy.sample())

    seen = only(run(how)[0])
    assert seen.check.error is None
    assert seen.check.reason == UNSEEN


def test_a_choice_for_each_query_keeps_its_queries():
    class Pointer(nn.Module):
        def forward(self, x):
            index = Categorical(logits=x @ x.mT).sample()
            return torch.take_along_dim(x, index.unsqueeze(-1), dim=1)

    x = torch.randn(2, 6, 3)
    model = Pointer()
    with following(model) as host:
        model(x)
    seen = only(host)
    assert seen.probabilities.shape == (2, 1, 6, 6)
    assert torch.allclose(seen.probabilities[:, 0], (x @ x.mT).softmax(-1), atol=1e-6)
    assert seen.selection.shape == (2, 1, 6, 1)
    assert seen.check.error == 0


def straight_one(scores, given):
    p = scores.softmax(-1)
    hard = functional.one_hot(p.argmax(-1), KEYS).float()
    return ((hard + p - p.detach()).unsqueeze(1) @ given).squeeze(1)


def straight_two(scores, given):
    p = scores.softmax(-1)
    hard = torch.zeros_like(p).scatter(1, p.argmax(-1, keepdim=True), 1.0)
    return torch.einsum("bk,bkd->bd", (hard - p).detach() + p, given)


def straight_three(scores, given):
    p = scores.softmax(-1)
    hard = functional.one_hot(p.argmax(-1), KEYS).to(p)
    return ((hard.detach() + (p - p.detach()))[..., None] * given).sum(1)


@pytest.mark.parametrize("how", [straight_one, straight_two, straight_three])
def test_straight_through_is_one_site_with_probabilities_and_selection(how):
    host, scores, _ = run(how)
    seen = only(host)
    assert seen.net == "choice"
    assert seen.captured.mechanism == "straight-through"
    assert (seen.probabilities[:, 0, 0] - scores.softmax(-1)).abs().max() <= 1e-6
    assert torch.equal(seen.selection.view(-1), scores.argmax(-1))
    assert seen.check.error <= seen.check.tolerance <= 1e-5


def test_gumbel_softmax_hard_is_a_sample_of_the_distribution():
    def how(scores, given):
        return (functional.gumbel_softmax(scores, tau=0.7, hard=True)[:, None] @ given)[:, 0]

    host, scores, output = run(how)
    seen = only(host)
    assert seen.site == ":gumbel_softmax"
    assert seen.captured.mechanism == "gumbel-softmax"
    assert seen.captured.temperature == 0.7
    assert torch.equal(seen.probabilities[:, 0, 0], scores.softmax(-1))
    assert torch.allclose(pick(seen.selection, values()), output, atol=1e-5)
    assert seen.check.error <= 1e-5
    assert seen.check.reason == ""


def test_gumbel_softmax_soft_is_the_blend_that_the_model_used():
    weights = None

    def how(scores, given):
        nonlocal weights
        weights = functional.gumbel_softmax(scores, tau=0.7, dim=1)
        return torch.einsum("bk,bkd->bd", weights, given)

    seen = only(run(how)[0])
    assert seen.net == "choice"
    assert seen.captured.mechanism == "gumbel-softmax"
    assert seen.captured.temperature == 0.7
    assert seen.selection is None
    assert torch.equal(seen.probabilities[:, 0, 0], weights)
    assert seen.check.error <= 1e-5


def test_gumbel_softmax_by_hand_is_known_for_what_it_is():
    def how(scores, given):
        noise = -torch.empty_like(scores).exponential_().log()
        soft = functional.softmax((scores + noise) / 0.5, dim=-1)
        index = soft.max(-1, keepdim=True)[1]
        hard = torch.zeros_like(scores).scatter_(-1, index, 1.0)
        return torch.einsum("bk,bkd->bd", hard - soft.detach() + soft, given)

    host, scores, _ = run(how)
    seen = only(host)
    assert seen.captured.mechanism == "gumbel-softmax"
    assert seen.captured.temperature == 0.5
    assert torch.equal(seen.probabilities[:, 0, 0], scores.softmax(-1))
    assert seen.check.error <= 1e-5


def bernoulli(scores, given):
    return torch.bernoulli(scores.sigmoid())[..., None] * given


def bernoulli_distribution(scores, given):
    return given * Bernoulli(logits=scores).sample().unsqueeze(-1)


def bernoulli_summed(scores, given):
    return (torch.bernoulli(scores.sigmoid())[:, None] @ given).squeeze(1)


@pytest.mark.parametrize("how", [bernoulli, bernoulli_distribution, bernoulli_summed])
def test_a_gate_is_a_choice_of_each_item_between_closed_and_open(how):
    host, scores, output = run(how)
    seen = only(host)
    assert seen.captured.mechanism == "bernoulli"
    assert seen.captured.kind == "gate"
    opened = scores.sigmoid()
    assert seen.probabilities.shape == (BATCH, 1, KEYS, 2)
    assert torch.allclose(seen.probabilities[:, 0, :, 1], opened)
    assert torch.allclose(seen.probabilities.sum(-1), torch.ones(1))
    gates = seen.selection[:, 0, :, 0]
    product = gates[..., None] * values()
    expected = product if output.dim() == 3 else product.sum(1)
    assert torch.allclose(expected, output, atol=1e-6)
    chance = torch.where(gates == 1, opened, 1 - opened).log()
    assert torch.allclose(seen.captured.log_prob[:, 0].float(), chance, atol=1e-5)
    assert seen.check.error <= 1e-5


def test_one_chance_for_all_is_dropout_and_no_gate():
    def how(scores, given):
        return given * torch.bernoulli(torch.full_like(scores, 0.9)).unsqueeze(-1)

    assert not run(how)[0].seen


def test_a_place_computed_from_a_selection_is_used_but_not_followed():
    def how(scores, given):
        index = scores.argmax(-1)
        return torch.stack([index // 3, index % 3], -1).float()

    seen = only(run(how)[0])
    assert seen.check.error is None
    assert seen.check.reason.startswith(UNSEEN)


def test_a_selection_read_as_a_number_says_so():
    def how(scores, given):
        return torch.stack([given[row, int(i)] for row, i in enumerate(scores.argmax(-1))])

    seen = only(run(how)[0])
    assert seen.check.error is None


def test_a_selection_that_is_changed_before_it_picks_fails_the_check():
    def how(scores, given):
        index = scores.argmax(-1)
        index.fill_(0)
        return pick(index, given)

    with torch.no_grad():
        seen = only(run(how)[0])
    assert seen.check.failed


def test_a_choice_among_more_things_than_keys_says_so():
    def how(scores, given):
        return torch.arange(100.0)[scores.argmax(-1)]

    assert "picked among 100 things" in only(run(how)[0]).check.reason


def test_recurrent_glimpses_are_numbered_in_the_order_of_choosing():
    def how(scores, given):
        total = 0
        for _ in range(3):
            picked = pick(torch.multinomial(scores.softmax(-1), 1), given)
            scores, total = scores + picked.sum(-1, keepdim=True) * given[..., 0], total + picked
        return total

    host, _, _ = run(how)
    assert [seen.site for seen in host.seen] == [
        ":multinomial",
        ":multinomial#2",
        ":multinomial#3",
    ]
    assert all(seen.check.error == 0 for seen in host.seen)


def test_scores_that_the_model_overwrites_before_the_choice_is_used_are_safe_where_small():
    def how(scores, given):
        scores = scores.clone()
        index = scores.argmax(-1)
        scores.zero_()
        return pick(index, given)

    host, scores, _ = run(how)
    assert torch.equal(only(host).probabilities[:, 0, 0], scores.softmax(-1))


def test_large_scores_that_the_model_overwrites_are_left_out_in_words():
    class Overwriting(nn.Module):
        def forward(self, scores):
            scores = scores.clone()
            index = scores.argmax(-1)
            scores.zero_()
            return scores.new_ones(scores.shape[-1])[index]

    model = Overwriting()
    with following(model) as host:
        model(torch.randn(2, 40_000))
    assert not host.seen
    assert "wrote over" in host.left_out[":argmax"]


def returned_class(scores, given):
    return scores.argmax(-1)


def accuracy(scores, given):
    return (scores.argmax(-1) == 2).float().mean()


def stable_softmax(scores, given):
    weights = (scores - scores.max(-1, keepdim=True)[0]).exp()
    return weights / weights.sum(-1, keepdim=True)


def max_pooling(scores, given):
    return given.max(dim=1).values


def integer_maximum(scores, given):
    return given[torch.arange(BATCH), torch.arange(BATCH * KEYS).view(BATCH, KEYS).argmax(-1)]


def dropout_by_hand(scores, given):
    return given * (torch.rand_like(given) > 0.1)


@pytest.mark.parametrize(
    "how",
    [
        returned_class,
        accuracy,
        stable_softmax,
        max_pooling,
        integer_maximum,
        dropout_by_hand,
    ],
)
def test_what_is_no_choice_of_a_place_is_not_recorded(how):
    host, _, _ = run(how)
    assert not host.seen
    assert not host.left_out


def ordinary(name):
    torch.manual_seed(0)
    small = {
        "vocab_size": 64,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 37,
        "max_position_embeddings": 40,
    }
    ids = torch.randint(3, 60, (3, 9), generator=torch.Generator().manual_seed(0))
    if name == "bert":
        config = transformers.BertConfig(**small)
        return transformers.BertForSequenceClassification(config), {"input_ids": ids}
    if name == "gpt2":
        config = transformers.GPT2Config(
            vocab_size=64,
            n_embd=32,
            n_layer=2,
            n_head=4,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
        return transformers.GPT2ForSequenceClassification(config), {"input_ids": ids}
    if name == "clip":
        parts = {key: value for key, value in small.items() if key != "max_position_embeddings"}
        text = {**parts, "max_position_embeddings": 40, "bos_token_id": 1, "eos_token_id": 2}
        vision = {**parts, "image_size": 32, "patch_size": 8}
        vision.pop("vocab_size")
        config = transformers.CLIPConfig(text_config=text, vision_config=vision)
        pixels = torch.randn(2, 3, 32, 32)
        return transformers.CLIPModel(config), {"input_ids": ids, "pixel_values": pixels}
    config = transformers.T5Config(
        vocab_size=64,
        d_model=32,
        d_kv=8,
        d_ff=37,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
    )
    return transformers.T5ForConditionalGeneration(config), {"input_ids": ids, "labels": ids}


@pytest.mark.parametrize("name", ["bert", "gpt2", "clip", "t5"])
def test_ordinary_models_make_no_choices(name):
    model, inputs = ordinary(name)
    for training in (False, True):
        with following(model.train(training)) as host:
            model(**inputs)
        assert not [seen.site for seen in host.seen if seen.net == "choice"]


def mixtral(experts):
    torch.manual_seed(0)
    config = transformers.MixtralConfig(
        vocab_size=64,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=32,
        num_local_experts=4,
        num_experts_per_tok=2,
        experts_implementation=experts,
    )
    return transformers.MixtralModel(config).eval()


@pytest.mark.parametrize("experts", ["eager", "batched_mm"])
def test_the_router_of_a_mixture_of_experts_is_a_choice_of_kind_routing(experts):
    model = mixtral(experts)
    ids = torch.randint(3, 60, (3, 9), generator=torch.Generator().manual_seed(0))
    logits = []
    model.layers[0].mlp.gate.register_forward_hook(lambda m, a, out: logits.append(out))
    with torch.no_grad():
        plain = model(ids).last_hidden_state
        with following(model) as host:
            assert torch.equal(model(ids).last_hidden_state, plain)
    routers = [seen for seen in host.seen if seen.net == "choice"]
    assert [seen.site for seen in routers] == [f"layers.{i}.mlp.gate:topk" for i in range(2)]
    first = routers[0]
    assert first.captured.kind == "routing"
    assert first.captured.mechanism == "top-k"
    # One query a token, as the model itself flattened rows and tokens.
    assert first.probabilities.shape == (3, 1, 9, 4)
    assert first.selection.shape == (3, 1, 9, 2)
    expected = logits[-1][-1] if isinstance(logits[-1], tuple) else logits[-1]
    assert torch.equal(first.selection.reshape(27, 2), expected.reshape(27, 2))


def test_a_choice_that_was_handed_on_unused_holds_nothing_while_the_model_runs():
    kept = []

    def how(scores, given):
        for _ in range(3):
            large = torch.randn(2, 40_000)
            kept.append(weakref.ref(large))
            best = torch.stack([large.argmax(-1), large.argmax(-1)])
            del large
            gc.collect()
        assert not any(reference() is not None for reference in kept)
        return best

    assert not run(how)[0].seen


@pytest.mark.parametrize("how", [argmax_and_gather, multinomial, bernoulli])
def test_choices_inside_a_transform_of_torch_func_are_let_alone(how):
    model = Chooser(lambda scores, given: how(scores[None], given[None])[0])
    if how is argmax_and_gather:
        model.how = lambda scores, given: given[scores.argmax(-1)]
    else:
        model.how = lambda scores, given: how(scores.expand(BATCH, -1), given.expand(BATCH, -1, -1))
    with following(model) as host:
        torch.func.vmap(model, randomness="different")(values()[:, :])
    assert not host.seen


def test_groups_of_experts_of_each_token_are_queries_of_the_row():
    class Grouped(nn.Module):
        def forward(self, x):
            scores = x.flatten(0, 1).view(-1, 2, 3)
            return scores.sigmoid().topk(2, dim=-1).values * 2, scores.topk(2, dim=-1).indices + 1

    model = Grouped()
    with following(model) as host:
        model(torch.randn(4, 5, 6))
    assert only(host).probabilities.shape == (4, 1, 10, 3)


def test_two_threads_do_not_mix_their_choices():
    class Returning(nn.Module):
        def forward(self, scores):
            index = torch.multinomial(scores.softmax(-1), 1)
            barrier.wait(10)
            return index // 2

    barrier = threading.Barrier(2)
    model = Returning()
    results = {}
    with following(model) as host:
        threads = [
            threading.Thread(
                target=lambda size=size: results.update({size: model(torch.randn(1, size))})
            )
            for size in (5, 9)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(seen.probabilities.shape[-1] for seen in host.seen) == [5, 9]
    for seen in host.seen:
        size = seen.probabilities.shape[-1]
        assert seen.selection.item() // 2 == results[size].item()


def test_nothing_of_a_pass_is_kept_alive():
    kept = []

    def how(scores, given):
        index = scores.softmax(-1).argmax(-1)
        large = torch.randn(2, 40_000)
        kept.extend(map(weakref.ref, (index, large, large.argmax(-1) * 2)))
        return pick(index, given)

    host, _, _ = run(how)
    host.seen.clear()
    gc.collect()
    assert [reference() for reference in kept] == [None] * len(kept)
