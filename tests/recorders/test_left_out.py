"""What a run says of what it does not hold: only what would have been there, counted in events."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional

from recorders import AttentionTap, Recorder, read_run
from recorders.run.layout import LEFT_OUT


class Attention(nn.Module):
    """Plain attention of four heads; a maximum is taken and its place is not looked at."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(8, 24)

    def forward(self, x):
        query, key, value = self.project(x).view(*x.shape[:2], 4, 6).transpose(1, 2).split(2, -1)
        scores = query @ key.transpose(-1, -2)
        scores = scores - scores.max(-1, keepdim=True)[0]
        return scores.softmax(-1) @ value


class Router(nn.Module):
    """Two experts of four, by the rank of their scores."""

    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.gate = nn.Linear(2, 4)
        self.experts = nn.Parameter(torch.randn(4, 2))

    def forward(self, x):
        attended = self.attention(x).mean(1)
        best = self.gate(attended).topk(2, -1)[1]
        return attended + self.experts[best].sum(-2)


class Fused(nn.Module):
    def forward(self, x):
        x = x[:, None]
        return functional.scaled_dot_product_attention(x, x, x)


def run_of(path, model, *, batch=3, times=1, tokens=5, **options):
    with (
        torch.no_grad(),
        Recorder(path, model, **options) as recorder,
        recorder.example(batch=[{}] * batch),
    ):
        for _ in range(times):
            model(torch.randn(batch, tokens, 8))
    return read_run(path)


def test_a_site_that_is_left_out_is_one_that_would_have_been_recorded(tmp_path):
    with run_of(tmp_path / "all.h5", Router()) as run:
        every = {site.name for site in run.sites}
    (choice,) = every - {"attention"}
    with run_of(tmp_path / "run.h5", Router(), sites="attention") as run:
        assert run.metadata[LEFT_OUT] == [f"1 site that sites=attention does not name: {choice}"]
    with run_of(tmp_path / "run.h5", Attention(), sites="Attention") as run:
        assert LEFT_OUT not in run.metadata


def test_the_sites_that_there_are_do_not_name_a_maximum_that_chose_nothing(tmp_path):
    with pytest.warns(RuntimeWarning, match=r"matches no.such; it has Attention$"):
        run_of(tmp_path / "run.h5", Attention(), sites="no.such").close()


def test_steps_left_out_are_counted_in_events_of_examples(tmp_path):
    with run_of(tmp_path / "run.h5", Router(), times=4, every=2) as run:
        assert run.n_events == 2 * 2 * 3
        assert run.metadata[LEFT_OUT] == ["all but one step in 2: 12 events"]


def test_of_a_batch_only_the_examples_that_are_kept_count(tmp_path):
    options = {"examples": [0, 2], "times": 4, "every": 4}
    with run_of(tmp_path / "run.h5", Attention(), **options) as run:
        assert run.n_events == 2
        assert "all but one step in 4: 6 events" in run.metadata[LEFT_OUT]


def test_what_came_after_max_bytes_is_counted_in_events_of_examples(tmp_path):
    tap = AttentionTap("look")
    path = tmp_path / "run.h5"
    with Recorder(path, tap, max_bytes=100_000) as recorder:
        for _ in range(3):
            with recorder.example(batch=[{}] * 2):
                tap(probabilities=torch.rand(2, 1, 100, 100).softmax(-1))
    with read_run(path) as run:
        (sentence,) = run.metadata[LEFT_OUT]
        assert sentence.endswith(f": {6 - run.n_events} events")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"heads": [7]}, "Attention: head 7 was asked for, but it has 4"),
        ({"max_bytes": 10}, "max_bytes=10 was reached"),
        ({"queries": slice(20, None)}, "queries=20: picks none"),
    ],
)
def test_an_empty_run_says_which_reason_left_everything_out(tmp_path, options, says):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run_of(tmp_path / "run.h5", Attention(), **options).close()
    (empty,) = [str(one.message) for one in caught if "holds no event" in str(one.message)]
    assert says in empty and "no attention" not in empty


@pytest.mark.parametrize("model", [Attention(), Fused()], ids=["softmax", "sdpa"])
@pytest.mark.parametrize("queries", [20, slice(20, None)])
def test_queries_that_pick_nothing_of_a_short_map_are_counted_and_nobody_is_warned(
    tmp_path, model, queries
):
    path = tmp_path / "run.h5"
    with Recorder(path, model, queries=queries) as recorder, torch.no_grad():
        with recorder.example(batch=[{}] * 2):
            model(torch.randn(2, 30, 8))
        with recorder.example(batch=[{}] * 2):
            model(torch.randn(2, 5, 8))
    with read_run(path) as run:
        assert run.n_events == 2
        words = "20:21" if queries == 20 else "20:"
        assert f"2 events of which queries={words} picks none" in run.metadata[LEFT_OUT]
        assert len(run.metadata[LEFT_OUT]) == 2
