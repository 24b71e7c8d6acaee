"""The glimpse classifier through what anybody can see of it."""

from __future__ import annotations

import math

import pytest
import torch

from hardattn_models import ModelError, build_system, systems
from hardattn_models.zoo.glimpse import MECHANISMS, GlimpseClassifier, GlimpseConfig, credit

HARD = ("sampled", "argmax", "uniform")
BLENDS = ("soft", "gumbel-softmax", "sparsemax", "entmax15")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model_of(mechanism: str, **options: int) -> GlimpseClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return build_system("glimpse", mechanism=mechanism, hidden=32, features=16, **options)


def pictures(count: int = 5) -> torch.Tensor:
    return torch.rand(count, 28, 28, generator=seeded(2))


def test_regions_are_windows_of_eight_pixels_around_the_cells_of_a_seven_by_seven_grid() -> None:
    regions = model_of("sampled").regions
    assert regions.dtype == torch.float32
    assert regions.shape == (49, 4)
    for row in range(7):
        for column in range(7):
            x, y = 4 * column + 2, 4 * row + 2
            assert regions[7 * row + column].tolist() == [x - 4, y - 4, x + 4, y + 4]


@pytest.mark.parametrize(("stride", "window"), [(4, 8), (4, 4), (7, 9), (2, 12)])
def test_a_window_is_what_its_box_cuts_from_the_image_with_black_around(
    stride: int, window: int
) -> None:
    model = model_of("sampled", stride=stride, window=window)
    images, margin = pictures(3), 20
    around = torch.zeros(3, 28 + 2 * margin, 28 + 2 * margin)
    around[:, margin:-margin, margin:-margin] = images
    seen = model.windows(images)
    assert seen.shape == (3, len(model.regions), window**2)
    for index, box in enumerate(model.regions.int().tolist()):
        x0, y0, x1, y1 = (edge + margin for edge in box)
        assert torch.equal(seen[:, index], around[:, y0:y1, x0:x1].flatten(1))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_an_episode_has_the_promised_shapes_and_distributions(mechanism: str) -> None:
    episode = model_of(mechanism)(pictures(), seeded())
    assert episode.logits.shape == (5, 10)
    assert episode.probabilities.shape == (5, 6, 49)
    torch.testing.assert_close(episode.probabilities.sum(-1), torch.ones(5, 6))
    for scalar in (episode.log_prob, episode.entropy, episode.baseline):
        assert scalar.shape == (5, 6)
    p = episode.probabilities
    if mechanism == "gaussian":
        density = math.log(2 * math.pi * math.e * 0.12**2)
        torch.testing.assert_close(episode.entropy, torch.full((5, 6), density))
    else:
        torch.testing.assert_close(episode.entropy, -torch.special.xlogy(p, p).sum(-1))
    assert (episode.places is not None) == (mechanism == "gaussian")
    if mechanism in BLENDS:
        assert episode.index is None
        assert not episode.log_prob.any()
        return
    assert episode.index is not None
    assert episode.index.dtype == torch.int64
    if mechanism in ("top-k", "hybrid"):
        assert episode.index.shape == (5, 6, 2)
    elif mechanism != "gaussian":
        assert episode.index.shape == (5, 6)
        taken = p.gather(-1, episode.index.unsqueeze(-1)).squeeze(-1)
        torch.testing.assert_close(episode.log_prob, taken.log())


def test_argmax_takes_the_likeliest_position_and_uniform_believes_nothing() -> None:
    episode = model_of("argmax")(pictures())
    assert torch.equal(episode.index, episode.probabilities.argmax(-1))
    blind = model_of("uniform")(pictures(), seeded())
    torch.testing.assert_close(blind.probabilities, torch.full((5, 6, 49), 1 / 49))
    torch.testing.assert_close(blind.entropy, torch.full((5, 6), math.log(49)))


@pytest.mark.parametrize("mechanism", ["sampled", "uniform"])
def test_the_same_generator_state_gives_the_same_episode(mechanism: str) -> None:
    model = model_of(mechanism)
    first, again, other = (model(pictures(), seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(first.index, again.index)
    assert torch.equal(first.logits, again.logits)
    assert not torch.equal(first.index, other.index)


@pytest.mark.parametrize("mechanism", HARD)
def test_a_hard_model_sees_nothing_outside_the_windows_it_chose(mechanism: str) -> None:
    model, images = model_of(mechanism), pictures(8)
    episode = model(images, seeded(6))
    hidden = torch.ones(8, 28, 28, dtype=torch.bool)
    for row, places in enumerate(episode.index.tolist()):
        for x0, y0, x1, y1 in model.regions[places].int().tolist():
            hidden[row, max(y0, 0) : y1, max(x0, 0) : x1] = False
    assert hidden.any()
    changed = model(torch.where(hidden, 1 - images, images), seeded(6))
    assert torch.equal(changed.logits, episode.logits)
    assert torch.equal(changed.index, episode.index)


def test_a_soft_model_sees_every_window() -> None:
    images = pictures(1).requires_grad_()
    model_of("soft")(images).logits.sum().backward()
    assert images.grad is not None
    assert (images.grad != 0).float().mean() > 0.99


def test_only_log_probability_teaches_the_policy_of_a_hard_model() -> None:
    model = model_of("sampled")
    episode = model(pictures(), seeded())
    policy = list(model.policy.parameters())
    rest = [model.what.weight, model.core.weight_ih, model.classify.weight]
    verdict = torch.autograd.grad(
        episode.logits.logsumexp(-1).sum(), policy, allow_unused=True, retain_graph=True
    )
    assert verdict == (None,) * len(policy)
    choice = torch.autograd.grad(
        episode.log_prob.sum() + episode.baseline.sum(), policy + rest, allow_unused=True
    )
    assert all(found is not None for found in choice[: len(policy)])
    assert choice[len(policy) :] == (None,) * len(rest)


def test_the_verdict_teaches_the_policy_of_a_soft_model() -> None:
    model = model_of("soft")
    episode = model(pictures())
    found = torch.autograd.grad(episode.logits.logsumexp(-1).sum(), list(model.policy.parameters()))
    assert all(gradient.abs().sum() > 0 for gradient in found)


def test_images_with_and_without_a_channel_are_the_same() -> None:
    model = model_of("argmax")
    assert torch.equal(model(pictures()).logits, model(pictures().unsqueeze(1)).logits)


def test_with_mechanism_shares_the_weights_and_has_a_tap_of_its_own() -> None:
    model = model_of("sampled")
    best = model.with_mechanism("argmax")
    assert best.mechanism == "argmax"
    assert model.mechanism == "sampled"
    assert best.look is not model.look
    for mine, its in zip(model.parameters(), best.parameters(), strict=True):
        assert mine is its
    with pytest.raises(ValueError, match="no mechanism 'hypnosis'"):
        model.with_mechanism("hypnosis")


def test_credit_is_one_for_a_right_verdict_and_zero_for_a_wrong_one() -> None:
    episode = model_of("sampled")(pictures(), seeded())
    verdict = episode.logits.argmax(-1)
    labels = torch.where(torch.arange(5) < 2, verdict, (verdict + 1) % 10)
    worth = credit(episode, labels)
    assert torch.equal(worth.reward, (torch.arange(5) < 2).float()[:, None].expand(5, 6))
    assert torch.equal(worth.advantage, worth.reward - episode.baseline)
    torch.testing.assert_close(worth.scores, torch.softmax(episode.logits, -1))
    assert not worth.advantage.requires_grad
    with pytest.raises(ValueError, match="one an episode"):
        credit(episode, labels[:3])


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (torch.zeros(2, 27, 28), r"\[batch, 28, 28\]"),
        (torch.zeros(2, 3, 28, 28), r"\[batch, 1, 28, 28\]"),
        (torch.zeros(28, 28), r"not \(28, 28\)"),
        (torch.zeros(0, 28, 28), "batch"),
        (torch.zeros(2, 28, 28, dtype=torch.uint8), "floats from 0 to 1"),
        (torch.full((2, 28, 28), 255.0), "lie from 0 to 1"),
        (torch.full((2, 28, 28), math.nan), "lie from 0 to 1"),
    ],
)
def test_images_that_will_not_do_are_refused_in_words(images: torch.Tensor, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        model_of("sampled")(images)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mechanism": "hypnosis"}, "choose sampled, argmax, soft, uniform"),
        ({"glimpses": 0}, "glimpses must be a whole number"),
        ({"hidden": 2.5}, "hidden must be a whole number"),
        ({"stride": 5}, "not a multiple"),
        ({"window": 7}, "even number"),
        ({"window": 2}, "even number"),
        ({"colour": True}, "no option colour"),
    ],
)
def test_options_that_will_not_do_are_refused_in_words(
    options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        build_system("glimpse", **options)


def test_the_zoo_lists_what_it_can_build() -> None:
    for known in systems():
        assert known.summary
        assert known.reference
        assert set(known.trainable) <= set(known.mechanisms)
        for mechanism in known.mechanisms:
            assert build_system(known.name, mechanism=mechanism).mechanism == mechanism
    assert systems()[0].gradients[:2] == ("reinforce", "self-critical")
    assert {"rloo", "muprop", "backprop", "reinmax", "relax"} <= set(systems()[0].gradients)
    with pytest.raises(ModelError, match="no system 'oracle': choose glimpse"):
        build_system("oracle")


def test_the_default_model_is_small() -> None:
    count = sum(weight.numel() for weight in GlimpseClassifier(GlimpseConfig()).parameters())
    assert count * 4 < 1.5e6


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_tap_hears_every_glimpse_as_the_episode_has_it_and_changes_no_bit(
    mechanism: str,
) -> None:
    model, heard = model_of(mechanism), []
    silent = model(pictures(), seeded(9))
    assert (model.look.kind, model.look.mechanism, model.look.key_axis) == (
        "glimpse",
        mechanism,
        "regions",
    )
    model.look.listen(lambda tap, values: heard.append(values))
    episode = model(pictures(), seeded(9))
    assert torch.equal(episode.logits, silent.logits)
    assert len(heard) == 6
    for step, values in enumerate(heard):
        assert torch.equal(values["probabilities"], episode.probabilities[:, step])
        assert values["temperature"] == 1.0
        if mechanism in BLENDS:
            assert values["selection"] is None
        else:
            assert torch.equal(values["selection"], episode.index[:, step])
            if mechanism != "gaussian":
                assert torch.equal(values["log_prob"], episode.log_prob[:, step])


def test_a_gaussian_glimpse_is_what_lies_around_its_place() -> None:
    """In the middle of the image the window is that of the grid, pixel for pixel."""
    model = model_of("gaussian", glimpses=1, size=32)
    images = torch.rand(3, 32, 32, generator=seeded(2))
    seen: list[torch.Tensor] = []
    model.what.register_forward_hook(lambda module, args, output: seen.append(args[0]))
    with torch.no_grad():
        model.policy[2].weight.zero_()
        model.policy[2].bias.copy_(torch.tensor([0.25, -0.5]).atanh())
    choose = model.chooser(sample=False)
    episode = model(images, choose=choose)
    # x = 0.25 is column 20 of 32, y = -0.5 is row 8.
    torch.testing.assert_close(seen[0], images[:, 4:12, 16:24].flatten(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(episode.places[:, 0], torch.tensor([[0.25, -0.5]]).expand(3, 2))
    assert episode.index.unique().tolist() == [2 * 8 + 5]


def test_the_cells_of_a_gaussian_hold_the_mass_of_the_normal_distribution() -> None:
    model = model_of("gaussian", glimpses=1)
    p = model(pictures(1), seeded()).probabilities[0, 0]
    mean = model.policy(model.initial[None]).tanh()[0]
    drawn = mean + 0.12 * torch.randn(400_000, 2, generator=seeded(1))
    cells = ((drawn.clamp(-0.999, 0.999) + 1) / 2 * 7).long()
    counted = torch.bincount(cells[:, 1] * 7 + cells[:, 0], minlength=49) / len(drawn)
    torch.testing.assert_close(p, counted, atol=4e-3, rtol=0)


def test_only_the_score_of_a_place_teaches_the_location_network_and_it_does() -> None:
    model = model_of("gaussian")
    episode = model(pictures(), seeded())
    policy = list(model.policy.parameters())
    verdict = torch.autograd.grad(
        episode.logits.logsumexp(-1).sum(), policy, allow_unused=True, retain_graph=True
    )
    assert verdict == (None,) * len(policy)
    score = torch.autograd.grad(episode.log_prob.sum(), policy)
    assert all(found.abs().sum() > 0 for found in score)


@pytest.mark.parametrize("mechanism", ["straight-through", "gumbel-straight-through", "hybrid"])
def test_the_verdict_teaches_what_chooses_hard_with_a_gradient(mechanism: str) -> None:
    model = model_of(mechanism)
    episode = model(pictures(), seeded())
    assert episode.index is not None
    found = torch.autograd.grad(episode.logits.logsumexp(-1).sum(), list(model.policy.parameters()))
    assert all(gradient.abs().sum() > 0 for gradient in found)


def test_what_reads_all_to_learn_reads_only_what_it_chose_where_it_is_used() -> None:
    model, images = model_of("straight-through"), pictures(8)
    learning = model(images, seeded(6))
    with torch.no_grad():
        using = model(images, seeded(6))
    assert torch.equal(learning.index, using.index)
    torch.testing.assert_close(learning.logits, using.logits)


def test_weights_for_a_grid_cannot_choose_places() -> None:
    with pytest.raises(ValueError, match="cannot choose by gaussian"):
        model_of("sampled").with_mechanism("gaussian")
