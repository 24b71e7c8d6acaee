"""Rarer spellings of softmax and of its use: found, verified, and what the model computed."""

from __future__ import annotations

import pytest
import torch
from flow_host import following
from torch import nn
from torch.distributions import RelaxedOneHotCategorical
from torch.nn import functional

BATCH, TOKENS, WIDTH = 2, 6, 8


class Spelled(nn.Module):
    """Runs one function on [batch, tokens, width]."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def scores(x):
    return x @ x.transpose(-1, -2)


def seen_in(function, x=None):
    x = torch.randn(BATCH, TOKENS, WIDTH) if x is None else x
    model = Spelled(function)
    torch.manual_seed(0)
    plain = model(x)
    torch.manual_seed(0)
    with following(model) as host:
        watched = model(x)
    assert torch.equal(plain, watched)
    return host, x


def exponentials(x):
    e = torch.exp(scores(x) - scores(x).max(-1, keepdim=True)[0])
    return (e / e.sum(-1, keepdim=True)) @ x


def stabilised(x):
    e = (scores(x) - scores(x).amax(-1, keepdim=True)).exp()
    return (e / (e.sum(-1)[..., None] + 1e-9)) @ x


def logarithms(x):
    s = scores(x)
    return torch.exp(s - torch.logsumexp(s, -1, keepdim=True)) @ x


@pytest.mark.parametrize("function", [exponentials, stabilised, logarithms])
def test_a_softmax_of_exponentials_is_one(function):
    host, x = seen_in(function)
    (seen,) = host.seen
    assert seen.net == "softmax" and not host.remarks
    assert torch.allclose(seen.probabilities[:, 0], scores(x).softmax(-1), atol=1e-6)
    assert seen.check.error <= seen.check.tolerance


def test_exponentials_that_are_masked_are_what_is_left_of_them():
    mask = torch.tensor([1, 1, 1, 1, 0, 0.0])

    def masked(x):
        e = scores(x).exp() * mask
        return (e / e.sum(-1, keepdim=True)) @ x

    host, x = seen_in(masked)
    (seen,) = host.seen
    expected = scores(x).masked_fill(mask == 0, -torch.inf).softmax(-1)
    assert torch.allclose(seen.probabilities[:, 0], expected, atol=1e-6)
    assert seen.check.error <= seen.check.tolerance


def test_exponentials_divided_by_something_else_are_none():
    host, _ = seen_in(lambda x: (x.exp() / (x.exp().sum(-1, keepdim=True) + 5)) @ x.mT)
    assert not host.seen


def test_weights_that_go_through_a_linear_layer_are_a_product():
    memory, bias = torch.randn(WIDTH, 5), torch.randn(WIDTH)
    keys = torch.randn(WIDTH, 5)
    host, x = seen_in(lambda x: functional.linear((x @ keys).softmax(-1), memory, bias))
    (seen,) = host.seen
    assert torch.equal(seen.probabilities[:, 0], (x @ keys).softmax(-1))
    assert seen.check.error <= seen.check.tolerance


def test_a_linear_layer_whose_matrix_is_a_softmax_is_a_product():
    mixing = torch.randn(5, WIDTH)
    host, _ = seen_in(lambda x: functional.linear(x, mixing.softmax(-1)))
    (seen,) = host.seen
    assert torch.equal(seen.probabilities.reshape(5, WIDTH), mixing.softmax(-1))
    assert seen.check.error <= seen.check.tolerance


def test_weights_that_are_padded_with_zeros_are_followed():
    def padded(x):
        p = functional.pad(scores(x).softmax(-1), (0, 2))
        return p @ functional.pad(x, (0, 0, 0, 2))

    host, x = seen_in(padded)
    (seen,) = host.seen
    assert torch.equal(seen.probabilities[:, 0, :, :TOKENS], scores(x).softmax(-1))
    assert not seen.probabilities[..., TOKENS:].any() and not seen.captured.sink
    assert seen.check.error <= seen.check.tolerance


def test_one_number_a_key_is_a_value():
    host, x = seen_in(lambda x: (x[..., 0].softmax(-1) * x[..., 1]).sum(-1))
    (seen,) = host.seen
    assert torch.equal(seen.probabilities.reshape(BATCH, TOKENS), x[..., 0].softmax(-1))
    assert seen.check.error <= seen.check.tolerance


def test_weights_that_are_masked_and_made_to_sum_to_1_again_are_not_taken_for_their_sum():
    mask = torch.tensor([1, 1, 1, 1, 0, 0.0])

    def masked(x):
        p = scores(x).softmax(-1) * mask
        return (p / (p * mask).sum(-1)[..., None]) @ x

    host, x = seen_in(masked)
    (seen,) = host.seen
    expected = scores(x).masked_fill(mask == 0, -torch.inf).softmax(-1)
    assert torch.allclose(seen.probabilities[:, 0], expected, atol=1e-6)


def test_weights_that_are_averaged_over_heads_are_what_multiplies():
    def averaged(x):
        heads = x.view(BATCH, TOKENS, 2, 4).transpose(1, 2)
        return scores(heads).softmax(-1).mean(1) @ x

    host, x = seen_in(averaged)
    (seen,) = host.seen
    heads = x.view(BATCH, TOKENS, 2, 4).transpose(1, 2)
    assert torch.allclose(seen.probabilities[:, 0], scores(heads).softmax(-1).mean(1), atol=1e-6)
    assert seen.check.error <= seen.check.tolerance


@pytest.mark.parametrize("largest", ["max", "amax"])
def test_a_mask_where_the_largest_is_chooses(largest):
    def chosen(x):
        p = scores(x).softmax(-1)
        top = p.amax(-1, keepdim=True) if largest == "amax" else p.max(-1, keepdim=True)[0]
        return (p == top).to(p.dtype) @ x

    host, x = seen_in(chosen)
    (seen,) = host.seen
    assert seen.net == "choice" and seen.captured.mechanism == "argmax"
    assert torch.equal(seen.selection[:, 0, :, 0], scores(x).argmax(-1))
    assert seen.check.error == 0


def test_a_mask_with_several_largest_does_not_agree_with_one_choice():
    x = torch.zeros(BATCH, TOKENS, WIDTH)
    x[..., 0] = torch.arange(TOKENS)

    def chosen(x):
        p = (x * 0).mean(-1).softmax(-1)
        return (p >= p.max(-1, keepdim=True)[0]).float() @ x[0]

    host, _ = seen_in(chosen, x)
    (seen,) = host.seen
    assert seen.check.failed


def test_a_relaxed_one_hot_sample_is_recorded_with_its_temperature():
    def relaxed(x):
        law = RelaxedOneHotCategorical(torch.tensor(0.7), logits=scores(x), validate_args=False)
        return law.rsample() @ x

    host, x = seen_in(relaxed)
    (seen,) = host.seen
    assert seen.captured.mechanism == "gumbel-softmax"
    assert seen.captured.temperature == pytest.approx(0.7)
    torch.manual_seed(0)
    law = RelaxedOneHotCategorical(torch.tensor(0.7), logits=scores(x), validate_args=False)
    assert torch.allclose(seen.probabilities[:, 0], law.rsample(), atol=1e-6)
    assert seen.check.error <= seen.check.tolerance
