import copy
import gc
import pickle
import weakref

import h5py
import numpy as np
import pytest
import torch
from recording import KEYS, STEPS, Glimpses, boxes, described, record
from torch import nn

from recorders import AttentionTap, Recorder, read_run
from recorders.run.writer import SegmentWriter


def run_model(model, x, seed):
    torch.manual_seed(seed)
    model.zero_grad()
    scores, seen = model(x)
    loss = (scores.log().sum() + sum(v.float().sum() for v in seen.values())) * 0.1
    loss.backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    return [scores, *seen.values(), *gradients, torch.get_rng_state()]


@pytest.mark.parametrize("mechanism", ["sampled", "soft"])
def test_recording_changes_no_bit_of_outputs_gradients_or_random_state(tmp_path, mechanism):
    model, x = Glimpses(mechanism), torch.randn(3, 4)
    plain = run_model(model, x, 5)
    rows = [described(row) for row in range(3)]
    with Recorder(tmp_path / "run.h5", model) as recorder, recorder.example(batch=rows):
        recorded = run_model(model, x, 5)
    assert all(torch.equal(a, b) for a, b in zip(plain, recorded, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(plain, run_model(model, x, 5), strict=True))


def test_a_tap_returns_the_very_tensor_it_was_given(tmp_path):
    tap = AttentionTap("look")
    p, index = torch.full((1, 4), 0.25, requires_grad=True), torch.tensor([2])
    with Recorder(tmp_path / "run.h5", tap) as recorder, recorder.example():
        assert tap(probabilities=p, selection=index) is index
        assert tap(probabilities=p) is p


def test_every_recorded_number_equals_one_computed_independently(tmp_path):
    given = record(tmp_path / "run.h5")
    with read_run(tmp_path / "run.h5") as run:
        assert [example.name for example in run.examples] == [f"test-{i}" for i in range(6)]
        assert run.n_events == 6 * STEPS
        for example in range(6):
            seen = {key: value[example % 3].detach() for key, value in given[example // 3].items()}
            source = described(example)
            for step in range(STEPS):
                p = seen["probabilities"][step].double().numpy()
                got = run.map("glimpse", example, step)
                assert got.shape == (1, 1, KEYS) and got.dtype == np.float32
                bound = run.codec_max_error * (1 + np.sqrt(KEYS))
                np.testing.assert_allclose(got[0, 0], p, rtol=0, atol=bound)
                assert run.log_prob("glimpse", example, step)[0, 0] == seen["log_prob"][step]
                expected = -(p * np.log(p)).sum()
                assert run.entropy("glimpse", example, step)[0, 0] == pytest.approx(expected, 1e-12)
                assert run.selection("glimpse", example, step).tolist() == [
                    [[int(seen["selection"][step])]]
                ]
            scalars = run.scalars(example)
            for name in ("reward", "baseline"):
                np.testing.assert_array_equal(scalars[name], seen[name].double().numpy())
            np.testing.assert_array_equal(
                scalars["advantage"], scalars["reward"] - scalars["baseline"]
            )
            scores, outcome = seen["scores"].double(), run.outcome(example)
            assert outcome.prediction == int(scores.argmax())
            assert outcome.confidence == float(scores.max())
            assert outcome.label_probability == float(scores[source["label"]])
            np.testing.assert_array_equal(run.image(example), source["image"])
            np.testing.assert_array_equal(run.regions(example), source["regions"])
            assert run.examples[example].label == source["label"]
            assert run.examples[example].image_size == (10, 12)


def test_columns_equal_the_same_numbers_read_one_by_one(tmp_path):
    record(tmp_path / "run.h5")
    with read_run(tmp_path / "run.h5") as run:
        columns = run.columns()
        for row, example in enumerate(run.examples):
            scalars, outcome = run.scalars(row), run.outcome(row)
            assert columns["label"][row] == example.label
            assert columns["prediction"][row] == outcome.prediction
            assert columns["confidence"][row] == outcome.confidence
            assert columns["label_probability"][row] == outcome.label_probability
            assert columns["steps"][row] == run.steps("glimpse", row) == STEPS
            assert columns["entropy"][row] == pytest.approx(scalars["entropy"].mean(), 1e-12)
            assert columns["log_prob"][row] == pytest.approx(scalars["log_prob"].sum(), 1e-12)
            assert columns["reward"][row] == scalars["reward"][-1]


def test_a_soft_site_has_no_selection_and_says_so(tmp_path):
    record(tmp_path / "run.h5", Glimpses("soft"))
    with read_run(tmp_path / "run.h5") as run:
        assert not run.sites[0].hard
        assert run.selection("glimpse", 0) is None
        assert np.isnan(run.log_prob("glimpse", 0)).all()
        assert np.isnan(run.columns()["log_prob"]).all()


@pytest.mark.parametrize(
    "shape", [(2, 5), (2, 3, 5), (2, 4, 3, 5)], ids=["keys", "queries", "heads"]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_queries_heads_and_several_selected_keys_keep_their_places(tmp_path, shape, dtype):
    generator = torch.Generator().manual_seed(1)
    p = torch.softmax(torch.randn(shape, generator=generator, dtype=torch.float64), -1).to(dtype)
    index = torch.randint(5, (*shape[:-1], 2), generator=generator)
    with (
        Recorder(tmp_path / "run.h5", codec="float32") as recorder,
        recorder.example(batch=[{}] * 2),
    ):
        recorder.log("any", probabilities=p, selection=index, temperature=[1.0, 2.0])
    heads, queries = ((1, 1), (1, 3), (4, 3))[len(shape) - 2]
    with read_run(tmp_path / "run.h5") as run:
        for row in range(2):
            want = p[row].double().numpy().reshape(heads, queries, 5)
            want = want / want.sum(-1, keepdims=True)
            np.testing.assert_allclose(run.map("any", row), want, atol=2e-7)
            got = run.selection("any", row)
            np.testing.assert_array_equal(got, index[row].numpy().reshape(heads, queries, 2))
            assert run.scalars(row)["temperature"].tolist() == [row + 1.0]


def test_only_the_heads_asked_for_are_kept_and_named(tmp_path):
    p = torch.softmax(torch.randn(1, 4, 2, 5), -1)
    recorder = Recorder(tmp_path / "run.h5", heads=[3, 1], codec="float32")
    with recorder, recorder.example():
        recorder.log("any", probabilities=p, selection=p.argmax(-1))
    with read_run(tmp_path / "run.h5") as run:
        assert run.sites[0].heads == 2 and run.sites[0].head_indices == (3, 1)
        np.testing.assert_allclose(run.map("any", 0), p[0, [3, 1]].numpy(), atol=1e-6)
        np.testing.assert_array_equal(
            run.selection("any", 0)[..., 0], p.argmax(-1)[0, [3, 1]].numpy()
        )


def test_log_prob_is_that_of_the_selected_key_where_the_model_gives_none(tmp_path):
    with Recorder(tmp_path / "run.h5") as recorder, recorder.example():
        recorder.log("any", probabilities=np.array([0.25, 0.75]), selection=np.array(1))
    with read_run(tmp_path / "run.h5") as run:
        assert run.log_prob("any", 0)[0, 0] == np.log(0.75)


def test_step_ends_a_step_and_keeps_its_numbers_with_it(tmp_path):
    p = np.array([[0.5, 0.5]])
    with Recorder(tmp_path / "run.h5") as recorder, recorder.example():
        for step in range(3):
            recorder.log("a", probabilities=p)
            recorder.log("b", probabilities=p)
            recorder.step(reward=float(step), temperature=torch.tensor([0.5]))
        recorder.log("a", probabilities=p)
        recorder.log("a", probabilities=p)
    with read_run(tmp_path / "run.h5") as run:
        assert run.steps("a", 0) == 5 and run.steps("b", 0) == 3
        scalars = run.scalars(0)
        np.testing.assert_array_equal(scalars["reward"], [0, 1, 2, np.nan, np.nan])
        np.testing.assert_array_equal(scalars["temperature"], [0.5, 0.5, 0.5, np.nan, np.nan])


def test_step_after_several_calls_of_a_site_starts_after_the_last_of_them(tmp_path):
    p = np.array([[0.5, 0.5]])
    with Recorder(tmp_path / "run.h5") as recorder, recorder.example():
        recorder.log("a", probabilities=p)
        recorder.log("a", probabilities=p)
        recorder.step(reward=1.0)
        recorder.log("a", probabilities=p)
    with read_run(tmp_path / "run.h5") as run:
        assert run.steps("a", 0) == 3
        np.testing.assert_array_equal(run.scalars(0)["reward"], [np.nan, 1.0, np.nan])


def test_an_example_of_the_same_name_is_one_example_in_every_snapshot(tmp_path):
    model = Glimpses()
    with Recorder(tmp_path / "run.h5", model) as recorder:
        for step in (0, 100):
            recorder.snapshot(step=step)
            with recorder.example(**described(4)):
                scores, _ = model(torch.ones(1, 4))
                recorder.outcome(scores=scores)
        recorder.snapshot(step=200)
        with recorder.example(name="test-4"):
            scores, _ = model(torch.ones(1, 4))
            recorder.outcome(scores=scores)
    with read_run(tmp_path / "run.h5") as run:
        assert [snapshot.step for snapshot in run.snapshots] == [0, 100, 200]
        assert len(run.examples) == 1
        assert [run.steps("glimpse", 0, snapshot) for snapshot in range(3)] == [STEPS] * 3
        assert run.outcome(0).label_probability == scores[0, 4].item()
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["images/offset"].shape == (1,)


def test_images_and_boxes_that_are_equal_are_stored_once(tmp_path):
    image = np.zeros((5, 5, 3), np.uint8)
    with Recorder(tmp_path / "run.h5") as recorder:
        for _ in range(3):
            with recorder.example(image=image, regions=torch.from_numpy(boxes(2))):
                recorder.log("any", probabilities=np.array([[0.5, 0.5]]), key_axis="regions")
    with read_run(tmp_path / "run.h5") as run:
        np.testing.assert_array_equal(run.image(2), image)
        assert run.examples[2].n_regions == 2
        assert run.examples[0].sha256 == run.examples[2].sha256
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["images/offset"].shape == (1,) and file["boxes/corners"].shape == (2 * 4,)


def test_tokens_of_any_script_come_back_as_they_were(tmp_path):
    tokens = ["Ġthe", "猫", "", "🙂", "naïve"]
    recorder = Recorder(tmp_path / "run.h5")
    with recorder, recorder.example(name="größe", tokens=tokens):
        recorder.log("any", probabilities=np.full((1, 5), 0.2), key_axis="tokens")
    with read_run(tmp_path / "run.h5") as run:
        assert run.tokens(0) == tuple(tokens)
        assert run.examples[0].name == "größe" and run.examples[0].n_tokens == 5


def test_a_module_someone_else_wrote_is_watched_in_one_line(tmp_path):
    class Foreign(nn.Module):
        def forward(self, x):
            return torch.softmax(x, -1), x.argmax(-1)

    model = nn.Sequential(nn.Linear(3, 4), Foreign())
    with Recorder(tmp_path / "run.h5", model) as recorder:
        recorder.watch(
            model[1],
            lambda module, args, output: {"probabilities": output[0], "selection": output[1]},
            mechanism="argmax",
        )
        with recorder.example():
            p, index = model(torch.ones(1, 3))
        model(torch.ones(1, 3))
    with read_run(tmp_path / "run.h5") as run:
        assert run.sites[0].name == "1" and run.sites[0].capture == "watch"
        assert run.n_events == 1
        assert run.selection("1", 0)[0, 0, 0] == int(index)
        np.testing.assert_allclose(run.map("1", 0)[0], p.detach().numpy(), atol=5e-5)
    assert not model[1]._forward_hooks


def test_taps_that_share_a_name_are_told_apart_by_their_path(tmp_path):
    model = nn.ModuleDict({"a": Glimpses(), "b": Glimpses()})
    with Recorder(tmp_path / "run.h5", model, sites="b.*") as recorder, recorder.example():
        for part in model.values():
            part(torch.ones(1, 4))
    with read_run(tmp_path / "run.h5") as run:
        assert [site.name for site in run.sites] == ["b.look"]


def test_the_recorder_keeps_no_tensor_and_no_model_alive(tmp_path):
    model = Glimpses()
    with Recorder(tmp_path / "run.h5", model) as recorder:
        with recorder.example():
            p = torch.softmax(model.score(torch.ones(1, 4)), -1)
            recorder.log("any", probabilities=p)
        kept = weakref.ref(p)
        del p
        gc.collect()
        assert kept() is None
    kept = weakref.ref(model)
    del model, recorder
    gc.collect()
    assert kept() is None


def test_a_model_can_be_copied_and_saved_while_it_is_recorded(tmp_path):
    model = Glimpses()
    keys = set(model.state_dict())
    with Recorder(tmp_path / "run.h5", model) as recorder, recorder.example():
        model(torch.ones(1, 4))
        copied = copy.deepcopy(model)
        pickle.loads(pickle.dumps(model))
        copied(torch.ones(1, 4))
        assert set(model.state_dict()) == keys
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == STEPS


def test_a_compiled_model_is_recorded_and_computes_the_same(tmp_path):
    model = Glimpses("soft")
    compiled, x = torch.compile(model, backend="eager"), torch.ones(1, 4)
    plain = compiled(x)[0]
    with Recorder(tmp_path / "run.h5", model) as recorder, recorder.example():
        assert torch.equal(compiled(x)[0], plain)
    assert torch.equal(compiled(x)[0], plain)
    with read_run(tmp_path / "run.h5") as run:
        assert run.steps("glimpse", 0) == STEPS


def test_two_recorders_may_listen_at_the_same_model(tmp_path):
    model = Glimpses("soft")
    with Recorder(tmp_path / "a.h5", model) as a, Recorder(tmp_path / "b.h5", model) as b:
        with a.example():
            model(torch.ones(1, 4))
        with a.example(), b.example():
            model(torch.ones(1, 4))
    assert [read_run(tmp_path / f"{name}.h5").n_events for name in "ab"] == [6, 3]
    assert not model.look._listeners


def test_facts_known_only_at_the_end_join_the_metadata(tmp_path):
    with Recorder(tmp_path / "run.h5", metadata={"seed": 3}) as recorder:
        with recorder.example():
            recorder.log("any", probabilities=np.array([[0.5, 0.5]]))
        recorder.flush()
        recorder.describe(test_error=0.03)
    with read_run(tmp_path / "run.h5") as run:
        assert run.metadata == {"seed": 3, "test_error": 0.03}


def test_columns_of_a_site_where_nothing_was_recorded_are_unknown(tmp_path):
    writer = SegmentWriter(tmp_path / "run.h5")
    writer.add_snapshot(0)
    writer.add_site("idle", heads=1)
    writer.add_example("alone")
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        columns = run.columns("idle")
    assert columns["steps"].tolist() == [0]
    assert np.isnan(columns["log_prob"]).all() and np.isnan(columns["entropy"]).all()
