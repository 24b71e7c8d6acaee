"""What is left out on purpose: sites, steps, queries, examples, bytes; and that it is said."""

from __future__ import annotations

from threading import Barrier, Thread

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recorders import AttentionTap, Recorder, read_run
from recorders.capture.policy import policy_of


class Looking(torch.nn.Module):
    """Two taps; probabilities that tell head, query and key apart."""

    def __init__(self, heads: int = 4, queries: int = 6, keys: int = 5) -> None:
        super().__init__()
        self.near = AttentionTap("near")
        self.far = AttentionTap("far")
        count = heads * queries * keys
        scores = torch.arange(count, dtype=torch.float32).reshape(1, heads, queries, keys)
        self.p = torch.softmax(scores.sin() * 3, -1)

    def forward(self, times: int = 1) -> None:
        for _ in range(times):
            self.near(probabilities=self.p)
            self.far(probabilities=self.p)


def recorded(tmp_path, examples=1, times=1, **policy):
    model, path = Looking(), tmp_path / "run.h5"
    with Recorder(path, model, codec="float32", **policy) as recorder:
        for _ in range(examples):
            with recorder.example():
                model(times)
    return model, read_run(path)


def test_sites_not_named_are_left_out_and_said(tmp_path):
    _, run = recorded(tmp_path, sites="ne*")
    assert [site.name for site in run.sites] == ["near"]
    assert run.metadata["left_out"] == ["1 site that sites=ne* does not name: far"]


def test_every_third_step_is_kept_under_its_own_number(tmp_path):
    model, run = recorded(tmp_path, times=7, every=3)
    for step in (0, 3, 6):
        assert np.allclose(run.map("near", 0, step), model.p[0].numpy(), atol=1e-7)
    for step in (1, 2, 4, 5):
        with pytest.raises(IndexError):
            run.map("near", 0, step)
    assert run.n_events == 6
    assert run.metadata["left_out"] == ["all but one step in 3: 8 events"]


@pytest.mark.parametrize(
    ("queries", "kept", "words"),
    [
        ("last", slice(5, 6), "-1:"),
        (-1, slice(5, 6), "-1:"),
        (2, slice(2, 3), "2:3"),
        (slice(None, None, 2), slice(None, None, 2), "::2"),
        (slice(-3, -1), slice(3, 5), "-3:-1"),
    ],
)
def test_queries_that_are_kept_keep_their_positions(tmp_path, queries, kept, words):
    model, run = recorded(tmp_path, queries=queries)
    assert np.allclose(run.map("near", 0), model.p[0, :, kept].numpy(), atol=1e-7)
    assert run.metadata["left_out"] == [f"queries other than {words} of each map"]
    exact = torch.special.entr(model.p[0, :, kept].double()).sum(-1).numpy()
    assert np.allclose(run.entropy("near", 0), exact, atol=1e-6)


@given(
    st.none() | st.integers(-9, 9), st.none() | st.integers(-9, 9), st.none() | st.integers(1, 4)
)
def test_a_slice_of_queries_keeps_what_the_slice_of_a_list_keeps(start, stop, step):
    policy = policy_of(queries=slice(start, stop, step))
    assert list(range(12)[policy.queries]) == list(range(12))[slice(start, stop, step)]


@given(st.integers(0, 6), st.none() | st.integers(1, 12), st.integers(1, 4), st.integers(0, 20))
def test_a_slice_of_examples_keeps_what_the_slice_of_a_list_keeps(start, length, step, number):
    chosen = slice(start, None if length is None else start + length, step)
    policy = policy_of(examples=chosen)
    assert policy.wants_example(number, "any") == (number in list(range(40))[chosen])


@pytest.mark.parametrize(
    ("examples", "names"),
    [
        (2, ["example-0", "example-1"]),
        (slice(1, None, 2), ["example-1", "example-3"]),
        ({4, "example-0"}, ["example-0", "example-4"]),
    ],
)
def test_examples_left_out_are_counted_and_cost_no_row(tmp_path, examples, names):
    _, run = recorded_some(tmp_path, examples)
    assert [example.name for example in run.examples] == names
    assert run.metadata["left_out"] == [f"{5 - len(names)} examples that examples= leaves out"]


def recorded_some(tmp_path, examples):
    model, path = Looking(), tmp_path / "run.h5"
    with Recorder(path, model, examples=examples) as recorder:
        for _ in range(5):
            with recorder.example():
                model()
                recorder.step(reward=1.0)
                recorder.outcome(prediction=1)
    return model, read_run(path)


def test_of_a_batch_only_the_wanted_rows_are_recorded(tmp_path):
    path = tmp_path / "run.h5"
    p = torch.softmax(torch.randn(4, 2, 3, 5), -1)
    batch = [{"name": name, "label": i} for i, name in enumerate("abcd")]
    with (
        Recorder(path, examples={"b", "d"}, codec="float32") as recorder,
        recorder.example(batch=batch),
    ):
        recorder.log("any", probabilities=p)
        recorder.step(reward=torch.arange(4.0))
        recorder.outcome(scores=torch.eye(4))
    with read_run(path) as run:
        assert [example.name for example in run.examples] == ["b", "d"]
        for number, row in enumerate((1, 3)):
            assert np.allclose(run.map("any", number), p[row].numpy(), atol=1e-7)
            assert run.scalars(number)["reward"].tolist() == [row]
            assert run.outcome(number).prediction == row
            assert run.examples[number].label == row


def test_recording_stops_within_max_bytes_and_names_the_place(tmp_path):
    limit = 1_000_000
    path = tmp_path / "run.h5"
    generator = torch.Generator().manual_seed(0)
    with Recorder(path, codec="float32", max_bytes=limit) as recorder:
        for number in range(40):
            with recorder.example(name=f"text {number}"):
                p = torch.rand(1, 1, 128, 256, generator=generator)
                recorder.log("any", probabilities=p / p.sum(-1, keepdim=True))
        recorder.flush()
        assert sum(part.stat().st_size for part in (tmp_path / "run.h5.parts").iterdir()) < (
            limit * 1.05
        )
    with read_run(path) as run:
        assert 5 <= run.n_events < 40
        (said,) = run.metadata["left_out"]
        assert said == (
            f"everything from step 0 of example 'text {run.n_events}' at any on, where "
            f"max_bytes=1,000,000 was reached: {40 - run.n_events} events"
        )


def test_what_was_left_out_survives_a_kill_with_the_flush_before_it(tmp_path):
    model, path = Looking(), tmp_path / "run.h5"
    recorder = Recorder(path, model, sites="near").__enter__()
    with recorder.example():
        model()
    recorder.flush()
    with read_run(path) as run:
        assert run.metadata["left_out"] == ["1 site that sites=near does not name: far"]
    recorder.close()


def test_each_thread_records_into_the_example_that_it_opened(tmp_path):
    path = tmp_path / "run.h5"
    model = Looking()
    both = Barrier(2)
    chances = {
        name: torch.softmax(torch.randn(1, 2, 3, 4 + size), -1)
        for size, name in enumerate(("one", "two"))
    }

    def work(recorder, name):
        for turn in range(20):
            with recorder.example(name=f"{name} {turn}"):
                both.wait()
                recorder.log("any", probabilities=chances[name])

    with Recorder(path, model, codec="float32") as recorder:
        threads = [Thread(target=work, args=(recorder, name)) for name in chances]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with read_run(path) as run:
        assert len(run.examples) == 40
        for example in run.examples:
            expected = chances[example.name.split()[0]]
            assert np.allclose(run.map("any", example), expected[0].numpy(), atol=1e-7)
