"""Models as people run them: compiled, checkpointed, in training, in threads, failing half-way."""

from __future__ import annotations

import copy
import io
import pickle
import resource
from threading import Barrier, Thread

import numpy as np
import pytest
import torch
from model_gallery import BATCH, SPECIMENS, words
from test_any_model import tensors, traces
from torch import nn
from torch.utils.checkpoint import checkpoint

from recorders import Recorder, read_run

transformers = pytest.importorskip("transformers")
torch.set_num_threads(1)

NAMES = {specimen.name: specimen for specimen in SPECIMENS}


def small_gpt2(implementation="sdpa", dropout=0.0, **options):
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=99,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=64,
        attn_pdrop=dropout,
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        **options,
    )
    return transformers.GPT2LMHeadModel._from_config(config, attn_implementation=implementation)


class Failing(nn.Module):
    """Attends, then raises."""

    def __init__(self, problem: type[BaseException]) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.problem = problem

    def forward(self, x):
        x = self.attend(x, x, x)[0]
        raise self.problem("half-way")


@pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt])
def test_a_model_that_fails_half_way_is_left_as_it_was_with_a_good_file(tmp_path, problem):
    model = Failing(problem)
    before = traces(model)
    with (
        pytest.raises(problem, match="half-way"),
        Recorder(tmp_path / "run.h5", model) as recorder,
        recorder.example(),
    ):
        model(torch.randn(1, 3, 8))
    assert traces(model) == before
    with read_run(tmp_path / "run.h5") as run:
        assert run.sealed and run.n_events == 1


def test_after_a_failure_that_was_caught_the_next_pass_is_recorded(tmp_path):
    model = Failing(RuntimeError)
    with Recorder(tmp_path / "run.h5", model) as recorder:
        for number in range(2):
            with recorder.example(name=str(number)), pytest.raises(RuntimeError):
                model(torch.randn(1, 3, 8))
    with read_run(tmp_path / "run.h5") as run:
        assert [site.name for site in run.sites] == ["attend"]
        assert run.n_events == 2


@pytest.mark.parametrize("how", ["wrapped", "in place"])
def test_a_compiled_model_is_recorded_without_its_compilation_and_the_run_says_so(tmp_path, how):
    model = small_gpt2().eval()
    ids = words()
    with torch.no_grad():
        plain = tensors(model(ids))
    if how == "wrapped":
        compiled = torch.compile(model, backend="eager")
    else:
        compiled = model
        compiled.compile(backend="eager")
    with (
        torch.no_grad(),
        Recorder(tmp_path / "run.h5", compiled, codec="float32") as recorder,
        recorder.example(batch=[{} for _ in ids]),
    ):
        recorded = tensors(compiled(ids))
    assert all(torch.equal(one, other) for one, other in zip(plain, recorded, strict=True))
    with read_run(tmp_path / "run.h5") as run:
        assert [site.name for site in run.sites] == ["transformer.h.0.attn", "transformer.h.1.attn"]
        assert any("torch.compile" in sentence for sentence in run.metadata["changed"])


class Checkpointed(nn.Module):
    """Computes its attention again during the backward pass."""

    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.out = nn.Linear(8, 1)
        self.reentrant = reentrant

    def forward(self, x):
        def part(x):
            return self.attend(x, x, x)[0]

        return self.out(checkpoint(part, x, use_reentrant=self.reentrant)).sum()


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_checkpointing_computes_again_is_recorded_once(tmp_path, reentrant):
    torch.manual_seed(0)
    model = Checkpointed(reentrant)
    x = torch.randn(1, 5, 8, requires_grad=True)
    model(x).backward()
    plain = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    with Recorder(tmp_path / "run.h5", model) as recorder, recorder.example():
        model(x).backward()
    for gradient, parameter in zip(plain, model.parameters(), strict=True):
        assert torch.equal(gradient, parameter.grad)
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 1


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_training_with_dropout_draws_the_same_numbers_and_learns_the_same(tmp_path, implementation):
    model = small_gpt2(implementation, dropout=0.3).train()
    ids = words()

    def learn():
        model.zero_grad()
        torch.manual_seed(7)
        loss = model(ids, labels=ids).loss
        loss.backward()
        return loss.detach(), [parameter.grad.clone() for parameter in model.parameters()]

    loss, gradients = learn()
    with (
        Recorder(tmp_path / "run.h5", model) as recorder,
        recorder.example(batch=[{} for _ in ids]),
    ):
        other, others = learn()
    assert torch.equal(loss, other)
    assert all(torch.equal(a, b) for a, b in zip(gradients, others, strict=True))
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 2 * BATCH
        for site in run.sites:
            # What dropout leaves out is no part of the attention.
            assert np.allclose(run.map(site, 0).sum(-1), 1, atol=1e-4)


def test_half_precision_is_recorded_and_verified_within_its_own_precision(tmp_path):
    model = small_gpt2().eval()
    ids = words()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        plain = tensors(model(ids))
        with (
            Recorder(tmp_path / "run.h5", model) as recorder,
            recorder.example(batch=[{} for _ in ids]),
        ):
            recorded = tensors(model(ids))
    assert all(torch.equal(one, other) for one, other in zip(plain, recorded, strict=True))
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 2 * BATCH
        columns = run._columns
        assert columns["verifications/failed"].sum() == 0
        assert columns["verifications/checked"].sum() == 2 * BATCH


def test_threads_that_share_a_model_record_each_into_its_own_example(tmp_path):
    model = small_gpt2().eval()
    texts = {name: words(1, length) for name, length in (("short", 5), ("long", 11))}
    expected = {}
    twin = small_gpt2("eager").eval()
    twin.load_state_dict(model.state_dict())
    with torch.no_grad():
        for name, ids in texts.items():
            expected[name] = twin(ids, output_attentions=True).attentions
    both = Barrier(2)

    def work(recorder, name):
        with torch.no_grad():
            for turn in range(10):
                with recorder.example(name=f"{name} {turn}"):
                    both.wait()
                    model(texts[name])

    with Recorder(tmp_path / "run.h5", model, codec="float32") as recorder:
        threads = [Thread(target=work, args=(recorder, name)) for name in texts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with read_run(tmp_path / "run.h5") as run:
        assert len(run.examples) == 20
        for example in run.examples:
            for site, weights in zip(run.sites, expected[example.name.split()[0]], strict=True):
                assert np.allclose(run.map(site, example), weights[0].numpy(), atol=1e-5)


def test_a_model_that_works_in_a_thread_of_its_own_belongs_to_the_open_example(tmp_path):
    model = small_gpt2().eval()
    ids = words(1)
    with Recorder(tmp_path / "run.h5", model) as recorder, recorder.example():
        thread = Thread(target=lambda: model(ids))
        thread.start()
        thread.join()
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 2


def test_two_recorders_of_one_model_both_record_and_leave_nothing(tmp_path):
    model = small_gpt2().eval()
    before = traces(model)
    one = Recorder(tmp_path / "one.h5", model)
    two = Recorder(tmp_path / "two.h5", model, heads=[1])
    one.__enter__()
    two.__enter__()
    with torch.no_grad(), one.example(batch=[{}, {}]), two.example(batch=[{}, {}]):
        model(words())
    # Not in the order of nesting.
    one.close()
    two.close()
    assert traces(model) == before
    with read_run(tmp_path / "one.h5") as run, read_run(tmp_path / "two.h5") as other:
        assert run.n_events == other.n_events == 4
        assert np.array_equal(run.map(run.sites[1], 1)[1:2], other.map(other.sites[1], 1))
        assert other.sites[0].head_indices == (1,)


def test_a_copy_or_a_saved_model_does_not_drag_the_recorder_along(tmp_path):
    model = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.randn(1, 3, 8)
    with Recorder(tmp_path / "run.h5", model) as recorder, recorder.example():
        model(x, x, x)
        copied = copy.deepcopy(model)
        copied(x, x, x)
        pickle.loads(pickle.dumps(model))(x, x, x)
        torch.save(model.state_dict(), io.BytesIO())
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 1


def test_a_second_attention_of_one_module_is_a_site_or_a_step_as_asked(tmp_path):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            for _ in range(3):
                x = self.attend(x, x, x)[0]
            return x

    model = Twice().eval()
    for repeats in ("sites", "steps"):
        path = tmp_path / f"{repeats}.h5"
        with Recorder(path, model, repeats=repeats) as recorder, recorder.example():
            model(torch.randn(1, 3, 8))
    with read_run(tmp_path / "sites.h5") as run:
        assert [site.name for site in run.sites] == ["attend", "attend#2", "attend#3"]
        assert run.steps("attend#3", 0) == 1
    with read_run(tmp_path / "steps.h5") as run:
        assert [site.name for site in run.sites] == ["attend"]
        assert run.steps("attend", 0) == 3


def test_a_module_with_a_tap_or_under_a_watch_is_not_recorded_twice(tmp_path):
    model = small_gpt2("eager").eval()
    watched = model.transformer.h[0].attn
    with Recorder(tmp_path / "run.h5", model) as recorder:
        recorder.watch(watched, read=lambda module, args, output: {"probabilities": output[1]})
        with torch.no_grad(), recorder.example(batch=[{}, {}]):
            model(words())
    with read_run(tmp_path / "run.h5") as run:
        assert {site.name: site.capture for site in run.sites} == {
            "transformer.h.0.attn": "watch",
            "transformer.h.1.attn": "transformers",
        }


@pytest.mark.parametrize(
    "every",
    [
        pytest.param(150, marks=pytest.mark.slow),
        pytest.param(1000, marks=pytest.mark.campaign),
    ],
)
def test_memory_does_not_grow_with_the_number_of_examples(tmp_path, every):
    model = small_gpt2().eval()
    ids = words(1, 48)

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with torch.no_grad(), Recorder(tmp_path / "run.h5", model, flush_every=0.2) as recorder:
        marks = []
        for number in range(4 * every):
            with recorder.example():
                model(ids)
            if number % every == every - 1:
                marks.append(peak())
    # In kilobytes: 450 examples hold 33 MB of probabilities.
    assert marks[-1] - marks[0] < 8_000, marks


@pytest.mark.parametrize("queries", ["last", slice(-3, None), slice(0, 4), slice(None, None, 4)])
@pytest.mark.parametrize("padded", [False, True])
def test_of_each_map_the_queries_asked_for_are_kept_of_the_example_s_own(tmp_path, queries, padded):
    model, twin = small_gpt2().eval(), small_gpt2("eager").eval()
    twin.load_state_dict(model.state_dict())
    inputs = {"input_ids": words()}
    lengths = [9, 6] if padded else [9, 9]
    if padded:
        inputs["attention_mask"] = (torch.arange(9) < torch.tensor(lengths)[:, None]).long()
    with torch.no_grad():
        expected = twin(**inputs, output_attentions=True).attentions
        with (
            Recorder(tmp_path / "run.h5", model, codec="float32", queries=queries) as recorder,
            recorder.example(batch=[{}, {}]),
        ):
            model(**inputs)
    wanted = slice(-1, None) if queries == "last" else queries
    with read_run(tmp_path / "run.h5") as run:
        for site, weights in zip(run.sites, expected, strict=True):
            for row, length in enumerate(lengths):
                own = weights[row, :, :length, :length][:, wanted].numpy()
                assert run.map(site, row).shape == own.shape
                assert np.allclose(run.map(site, row), own, atol=1e-5)
                event = run.event(site, row)
                kept = range(length)[wanted]
                assert (event.first_query, event.query_stride) == (kept.start, kept.step)
        assert run.left_out and "queries other than" in run.left_out[0]


def test_queries_that_are_not_wanted_are_not_computed(tmp_path):
    model = small_gpt2().eval()
    ids = words(1, 48)
    asked = []
    softmax = torch.softmax

    def counting(scores, *args, **kwargs):
        asked.append(scores.shape[-2])
        return softmax(scores, *args, **kwargs)

    torch.softmax = counting
    try:
        with (
            torch.no_grad(),
            Recorder(tmp_path / "run.h5", model, queries="last") as recorder,
            recorder.example(),
        ):
            model(ids)
    finally:
        torch.softmax = softmax
    assert asked == [1, 1]
