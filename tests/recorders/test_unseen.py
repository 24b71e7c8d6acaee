"""A softmax that nobody followed is remarked, once and without a warning; what is none is not."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from recorders import AttentionTap, Recorder, read_run
from recorders.run.layout import REMARKS

BATCH, TOKENS, WIDTH = 2, 6, 8


class Model(nn.Module):
    """Something with a softmax, and a layer after it unless it is the end."""

    end = False

    def __init__(self):
        super().__init__()
        self.part = self.Part()
        self.last = nn.Identity() if self.end else nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return self.last(self.part(x))


def weights(x):
    return (x @ x.transpose(-1, -2)).softmax(-1)


class Hidden(Model):
    """Attention that is multiplied where nobody can follow."""

    class Part(nn.Module):
        def forward(self, x):
            p = weights(x)
            return p.as_strided(p.shape, p.stride()) @ x


class InParts(Model):
    class Part(nn.Module):
        def forward(self, x):
            p = weights(x)
            return p[..., :2] @ x[:, :2] + p[..., 2:] @ x[:, 2:]


class Followed(Model):
    class Part(nn.Module):
        def forward(self, x):
            return weights(x) @ x


class Fused(Model):
    class Part(nn.Module):
        def forward(self, x):
            return functional.scaled_dot_product_attention(x, x, x)


class Classes(Model):
    end = True

    class Part(nn.Module):
        def forward(self, x):
            return x.softmax(-1)


class Entropy(Model):
    class Part(nn.Module):
        def forward(self, x):
            p = x.softmax(-1)
            return x - (p * p.log()).sum(-1, keepdim=True)


class Perplexity(Model):
    """How evenly a code book is used, over all rows."""

    class Part(nn.Module):
        def forward(self, x):
            p = x.softmax(-1).mean(0)
            return x + torch.exp(-torch.xlogy(p, p).sum(-1, keepdim=True))


class Loss(Model):
    class Part(nn.Module):
        def forward(self, x):
            target = (x + 1).softmax(-1).log()
            loss = functional.kl_div(x.log_softmax(-1), target, reduction="sum", log_target=True)
            return x + loss


class Routed(Model):
    class Part(nn.Module):
        class TopKRouter(nn.Module):
            def forward(self, x):
                return x[..., :4].softmax(-1)

        def __init__(self):
            super().__init__()
            self.gate = self.TopKRouter()

        def forward(self, x):
            shares = self.gate(x)
            return sum(shares[..., n : n + 1].sin() * x for n in range(4))


class Chosen(Model):
    class Part(nn.Module):
        def forward(self, x):
            best = x.softmax(-1).topk(2, -1)[1]
            return x.gather(-1, best).sum(-1, keepdim=True) + x


class Short(Model):
    """Scores of rows: two axes, as of any classifier."""

    class Part(nn.Module):
        def forward(self, x):
            return x + x.mean(1).softmax(-1).sin()[:, None]


def remarks_of(path, model, *, lengths=(TOKENS,), **options):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad(), Recorder(path, model, **options) as recorder:
        for length in lengths:
            with recorder.example(batch=[{}] * BATCH):
                model(torch.randn(BATCH, length, WIDTH, generator=generator))
                # The run is not empty, whatever the model does.
                recorder.log("any", probabilities=torch.full((BATCH, 2), 0.5))
    with read_run(path) as run:
        return [line for line in run.metadata.get(REMARKS, []) if "softmax" in line]


def test_attention_that_cannot_be_followed_is_remarked_once(tmp_path):
    assert remarks_of(tmp_path / "run.h5", Hidden(), lengths=(6, 7, 5)) == [
        "part: a softmax over 6 of [2, 6, 6] was not seen to multiply values; if it is attention, "
        "name the module with recorder.watch(...)"
    ]


def test_attention_that_is_multiplied_in_parts_is_no_attention_with_a_sink(tmp_path):
    (line,) = remarks_of(tmp_path / "run.h5", InParts())
    assert "multiplied values in several parts, which are not put together" in line
    with read_run(tmp_path / "run.h5") as run:
        assert [site.name for site in run.sites] == ["any"]


def test_a_run_without_events_names_what_was_remarked(tmp_path):
    model = Hidden()
    with (
        pytest.warns(RuntimeWarning, match="no attention of Hidden was found, but part: a"),
        Recorder(tmp_path / "run.h5", model) as recorder,
        recorder.example(),
    ):
        model(torch.randn(1, TOKENS, WIDTH))


@pytest.mark.parametrize(
    "kind",
    [Followed, Fused, Classes, Entropy, Perplexity, Loss, Routed, Chosen, Short],
    ids=lambda k: k.__name__,
)
def test_what_is_followed_or_is_no_attention_is_not_remarked(tmp_path, kind):
    assert remarks_of(tmp_path / "run.h5", kind()) == []


def test_what_is_told_or_not_wanted_is_not_remarked(tmp_path):
    path = tmp_path / "run.h5"
    assert remarks_of(path, Hidden(), sites="any") == []
    assert remarks_of(path, Hidden(), nets=("transformers", "sdpa", "choice")) == []
    tapped = Hidden()
    tapped.part.tap = AttentionTap("told")
    assert remarks_of(path, tapped) == []
    watched = Hidden()
    with Recorder(path, watched) as recorder, recorder.example():
        recorder.watch(watched.part, lambda part, args, output: {"probabilities": weights(args[0])})
        watched(torch.randn(1, TOKENS, WIDTH))
    with read_run(path) as run:
        assert REMARKS not in run.metadata and run.n_events == 1
