"""Explainers on functions of which it is known what each item counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.controls import ORACLE, RANDOM
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.explainers.gradients import CONVERGENCE, GRADIENTS
from hardattn_viewer.faithfulness.explainers.perturbing import (
    PERTURBING,
    kernel_samples,
    shapley_values,
)
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.pictures import PictureSubject, owners
from hardattn_viewer.faithfulness.subjects.tokens import Text, TokenSubject

BY_NAME = {one.name: one for one in (*PERTURBING, *GRADIENTS, RANDOM, ORACLE)}
W = np.array([3.0, -2.0, 1.5, 0.5, 0.25, -0.1, 0.0, 2.0])
X = np.random.RandomState(0).rand(8) + 0.5


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 1).double()
        with torch.no_grad():
            self.inner.weight.copy_(torch.tensor(W)[None])
            self.inner.bias.fill_(0.7)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.inner(x)
        return found


def asked_of(
    model: Callable[[Tensor], Tensor], example: np.ndarray, operator: str = "zero"
) -> Asked:
    subject = ArraySubject(model, [torch.tensor(example, dtype=torch.double)])
    return Asked(Engine(subject, reading="value", targets={0: 0}), operator, 0)


@pytest.mark.parametrize(
    "name",
    [
        "leave-one-out",
        "shapley",
        "kernel-shap",
        "input-x-gradient",
        "integrated-gradients",
        "deep-lift",
    ],
)
def test_of_a_linear_model_each_item_counts_weight_times_value(name: str) -> None:
    asked = asked_of(Linear(), X)
    # KernelSHAP regresses; the others are exact.
    tolerance = 1e-3 if name == "kernel-shap" else 1e-5
    np.testing.assert_allclose(BY_NAME[name].explain(asked), W * X, atol=tolerance)
    if name in ("integrated-gradients", "deep-lift"):
        assert asked.notes[CONVERGENCE] < 1e-5


def test_the_gradient_of_a_linear_model_is_its_weights_and_noise_averages_out() -> None:
    asked = asked_of(Linear(), X)
    np.testing.assert_allclose(BY_NAME["saliency"].explain(asked), np.abs(W))
    found = BY_NAME["gradient-shap"].explain(asked)
    np.testing.assert_allclose(found, W * X, atol=5 * np.abs(W).max() * 0.1 * X.std() / np.sqrt(32))


def test_windows_of_occlusion_share_what_they_take() -> None:
    found = BY_NAME["occlusion"].explain(asked_of(Linear(), X))
    taken = W[:-1] * X[:-1] + W[1:] * X[1:]
    windows = np.concatenate([[0], taken, [0]])
    counted = np.array([1, 2, 2, 2, 2, 2, 2, 1])
    np.testing.assert_allclose(found, (windows[:-1] + windows[1:]) / counted, atol=1e-6)


@pytest.mark.parametrize("which", ["or", "and", "pairs"])
def test_shapley_values_are_those_of_all_coalitions(which: str) -> None:
    generator = np.random.default_rng(0)
    pairs = torch.tensor(generator.normal(size=(4, 4)))
    functions: dict[str, Callable[[Tensor], Tensor]] = {
        "or": lambda x: x[:, :2].amax(1),
        "and": lambda x: x[:, :2].amin(1),
        "pairs": lambda x: torch.einsum("bi,ij,bj->b", x, pairs, x),
    }
    asked = asked_of(functions[which], np.ones(4))
    exact = shapley_values(asked)
    if which == "pairs":
        both = (pairs + pairs.T).numpy()
        np.testing.assert_allclose(exact, both.sum(1) / 2, atol=1e-9)
    else:
        np.testing.assert_allclose(exact, [0.5, 0.5, 0, 0], atol=1e-9)
    np.testing.assert_allclose(BY_NAME["kernel-shap"].explain(asked), exact, atol=0.2)
    # Of 25 permutations each value has a standard error of a fifth of its spread.
    np.testing.assert_allclose(BY_NAME["shapley"].explain(asked), exact, atol=0.6)


def test_kernel_shap_is_fitted_to_more_than_captums_default() -> None:
    assert kernel_samples(2) == 256 and kernel_samples(40) == 2128
    assert min(kernel_samples(items) for items in range(5, 200)) > 25


def test_explainers_that_draw_depend_on_the_seed_alone_and_leave_torch_as_it_was() -> None:
    before = torch.get_rng_state()
    for name in ("shapley", "kernel-shap", "gradient-shap", "random"):
        runs = []
        for seed in (0, 0, 1):
            asked = asked_of(lambda x: (x * x.roll(1, -1)).sum(-1) + x.prod(-1), X)
            runs.append(BY_NAME[name].explain(Asked(asked.engine, "zero", 0, seed)))
            torch.randn(3)
        assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])
        torch.set_rng_state(before)


def test_perturbing_explainers_share_their_runs() -> None:
    asked = asked_of(Linear(), X)
    BY_NAME["leave-one-out"].explain(asked)
    assert asked.engine.evaluated == 9
    BY_NAME["shapley"].explain(asked)
    assert asked.engine.evaluated <= min(2**8, 9 + 25 * 7)


class Relu(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)).double()

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(x)
        return found


def test_guided_backpropagation_lets_through_what_is_positive_at_every_relu() -> None:
    model = Relu()
    asked = asked_of(model, X - 1)
    first, _, last = model.layers
    hidden = first(torch.tensor(X - 1))
    back = last.weight[0] * (last.weight[0] > 0) * (hidden > 0)
    np.testing.assert_allclose(
        BY_NAME["guided-backprop"].explain(asked), (back @ first.weight).detach().numpy(), atol=1e-9
    )
    assert not any(module._backward_hooks for module in model.modules())


def test_of_a_rectified_model_the_attributions_sum_to_the_difference() -> None:
    asked = asked_of(Relu(), X - 1)
    whole = float(asked.engine.whole([0])[0] - Relu()(torch.zeros(1, 8).double())[0, 0].detach())
    for name, within in (("integrated-gradients", 0.02), ("deep-lift", 1e-6)):
        found = BY_NAME[name].explain(asked)
        assert found.sum() == pytest.approx(whole, rel=within, abs=1e-9)
        assert asked.notes[CONVERGENCE] <= within + 1e-9


class Convolved(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.see = nn.Conv2d(1, 4, 3, padding=1)
        self.say = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.say(self.see(x).square().mean((-2, -1)))
        return found


REGIONS = np.array([[x, y, x + 4, y + 4] for y in (0, 4) for x in (0, 4, 8)], np.float64)


def picture(model: nn.Module) -> Engine:
    images = torch.full((2, 1, 8, 12), -0.04)
    images[0, 0, 5:7, 5:7] = 1
    images[1, 0, 1:3, 9:11] = 1
    return Engine(PictureSubject(model, images, REGIONS), reading="logit")


def test_on_images_what_counts_is_where_the_only_ink_is() -> None:
    engine = picture(Convolved())
    for example, place in ((0, 4), (1, 2)):
        for name in ("leave-one-out", "kernel-shap", "input-x-gradient"):
            found = BY_NAME[name].explain(Asked(engine, "mean", example))
            assert np.abs(found).argmax() == place, name
    assert BY_NAME["grad-cam"].explain(Asked(engine, "mean", 0)).shape == (6,)
    assert BY_NAME["occlusion"].explain(Asked(engine, "mean", 0)).shape == (6,)
    assert engine.subject.grid(0) == (2, 3)  # type: ignore[attr-defined]


@pytest.mark.parametrize("operator", ["grey", "mean", "blur", "noise", "inpaint"])
def test_each_way_to_hide_a_region_changes_its_pixels_alone(operator: str) -> None:
    torch.manual_seed(0)
    subject = PictureSubject(lambda x: x.sum((1, 2)), torch.rand(1, 8, 12), REGIONS)
    from hardattn_viewer.faithfulness.subject import Row

    mask = np.ones(6, np.uint8)
    mask[4] = 0
    (changed,) = subject.changed([Row(0, mask.tobytes(), operator)])
    differs = changed != subject.images[0]
    assert differs[4:8, 4:8].any() and not differs[:4].any() and not differs[:, :4].any()
    assert not differs[:, 8:].any() and changed.isfinite().all()
    (again,) = subject.changed([Row(0, mask.tobytes(), operator)])
    assert torch.equal(changed, again)
    (all_gone,) = subject.changed([Row(0, bytes(6), operator)])
    assert all_gone.isfinite().all()


def test_what_is_filled_in_from_around_continues_a_slope() -> None:
    slope = torch.arange(12.0).expand(8, 12).clone() / 12
    subject = PictureSubject(lambda x: x.sum((1, 2)), slope[None], REGIONS)
    from hardattn_viewer.faithfulness.subject import Row

    (changed,) = subject.changed([Row(0, bytes([1, 0, 1, 1, 0, 1]), "inpaint")])
    torch.testing.assert_close(changed, slope, atol=0.03, rtol=0)


def test_overlapping_windows_own_the_pixels_that_are_nearest_to_their_middle() -> None:
    found = owners(np.array([[-2, -2, 6, 6], [2, -2, 10, 6]]), 4, 8)
    assert (found[:, :4] == 0).all() and (found[:, 4:] == 1).all()
    assert owners(np.array([[0.0, 0, 2, 2]]), 4, 4)[3, 3] == -1
    with pytest.raises(ValueError, match="region 1 holds no pixel"):
        owners(np.array([[0, 0, 4, 4], [9, 9, 10, 10]]), 4, 4)


class Bag(nn.Module):
    """The sum of a number a token, through an embedding; position and length count for nothing."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.look = nn.Embedding(12, 5)
        self.say = nn.Linear(5, 2)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        seen = attention_mask.unsqueeze(-1)
        found: Tensor = self.say((self.look(input_ids) * seen).sum(1))
        return found

    def get_input_embeddings(self) -> nn.Module:
        return self.look


TEXTS = [
    Text((1, 5, 6, 7, 2), ((1,), (2,), (3,))),
    Text((1, 8, 9, 5, 10, 11, 2), ((1,), (2, 3), (4,), (5,))),
]


@pytest.mark.parametrize("operator", ["delete", "attention-mask", "mask-token", "pad"])
def test_operators_on_tokens_take_away_what_a_bag_of_words_gives_them(operator: str) -> None:
    model = Bag()
    subject = TokenSubject(model, TEXTS, pad=0, mask=3)
    engine = Engine(subject, reading="logit", targets={0: 1, 1: 1})
    worth = (model.look.weight @ model.say.weight[1]).detach().double().numpy()
    instead = {"mask-token": worth[3], "pad": worth[0]}.get(operator, 0.0)
    for example, text in enumerate(TEXTS):
        found = BY_NAME["leave-one-out"].explain(Asked(engine, operator, example))
        expected = [sum(worth[text.ids[at]] - instead for at in item) for item in text.items]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_gradients_of_a_bag_of_words_are_those_of_its_embeddings() -> None:
    model = Bag()
    engine = Engine(TokenSubject(model, TEXTS, pad=0), reading="logit", targets={0: 1, 1: 1})
    worth = (model.look.weight @ model.say.weight[1]).detach().double().numpy()
    for name, instead in {
        "integrated-gradients": worth[0],
        "layer-integrated-gradients": worth[0],
        "deep-lift": worth[0],
        "input-x-gradient": 0.0,
    }.items():
        asked = Asked(engine, "delete", 1)
        expected = [
            sum(worth[TEXTS[1].ids[at]] - instead for at in item) for item in TEXTS[1].items
        ]
        np.testing.assert_allclose(BY_NAME[name].explain(asked), expected, atol=1e-4, err_msg=name)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_embeddings_can_be_replaced_by_their_mean_or_by_nothing() -> None:
    model = Bag()
    engine = Engine(TokenSubject(model, TEXTS), reading="logit", targets={0: 1, 1: 1})
    assert "mask-token" not in engine.subject.operators
    worth = (model.look.weight @ model.say.weight[1]).detach().double().numpy()
    for operator, instead in (("zero-embedding", 0.0), ("mean-embedding", worth.mean())):
        found = BY_NAME["leave-one-out"].explain(Asked(engine, operator, 0))
        np.testing.assert_allclose(found, worth[[5, 6, 7]] - instead, atol=1e-5)
    assert not model.look._forward_hooks


def test_the_oracle_separates_as_far_as_can_be_and_random_scores_are_random() -> None:
    asked = asked_of(Linear(), X)
    # Removing the largest contributions first is the best that can be done to a linear model.
    assert np.argsort(-ORACLE.explain(asked)).tolist() == np.argsort(-(W * X)).tolist()
    scores = RANDOM.explain(asked)
    assert len(np.unique(scores)) == 8


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("grad-cam", "has no convolution"),
        ("guided-backprop", "no gradient goes through a ReLU"),
        ("layer-integrated-gradients", "no embedding layer"),
        ("deep-lift", "made of modules"),
    ],
)
def test_what_is_undefined_says_why(name: str, reason: str) -> None:
    model = (lambda x: x.sum(-1)) if name == "deep-lift" else Linear()
    with pytest.raises(UndefinedError, match=reason):
        BY_NAME[name].explain(asked_of(model, X))


def test_an_output_without_a_gradient_is_undefined_for_gradients() -> None:
    for name in ("saliency", "integrated-gradients", "input-x-gradient", "gradient-shap"):
        with pytest.raises(UndefinedError, match="no gradient of the output reaches the input"):
            BY_NAME[name].explain(asked_of(lambda x: (x > 0.7).double().sum(-1), X))


def test_every_explainer_has_a_family_and_words() -> None:
    assert len(BY_NAME) == len(PERTURBING) + len(GRADIENTS) + 2
    assert all(one.words and one.family for one in BY_NAME.values())
    with pytest.raises(ValueError, match="no family"):
        Explainer("x", "magic", "", "", RANDOM.explain)
