import os
import warnings

import numpy as np
import pytest
import torch
from recording import STEPS, Glimpses, boxes, described
from torch import nn

from recorders import AttentionTap, Recorder, read_run

HALF = np.array([[0.5, 0.5]])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"probabilities": [[np.nan, 0.5]]}, "NaN"),
        ({"probabilities": [[0.4, 0.4]]}, "sum to 0.8"),
        ({"probabilities": [[2.0, -1.0]]}, "softmax"),
        ({"probabilities": [[1, 0]]}, "floating-point"),
        ({"probabilities": [[0.5, 0.5], [0.5, 0.5]]}, "batch of 2, but 1 example"),
        ({"probabilities": [[[[[1.0]]]]]}, r"pass \[batch, keys\]"),
        ({"probabilities": HALF, "selection": [2]}, "outside 0 to 1"),
        ({"probabilities": HALF, "selection": [-1]}, "outside 0 to 1"),
        ({"probabilities": HALF, "selection": [[0.0, 1.0]]}, "integers"),
        ({"probabilities": HALF, "selection": [0, 1]}, r"pass \[1\]"),
        ({"probabilities": HALF, "log_prob": [0.5]}, "above 0"),
        ({"probabilities": HALF, "log_prob": [np.nan]}, "log_prob holds NaN"),
        ({"probabilities": HALF, "log_prob": [[-1.0]]}, "log_prob has shape"),
        ({"probabilities": HALF, "temperature": [1.0, 2.0]}, "temperature has shape"),
        ({"probabilities": HALF, "key_axis": "regions"}, "2 keys for 9 regions"),
    ],
)
def test_what_cannot_be_right_is_refused_in_one_sentence_that_names_the_site(
    tmp_path, values, says
):
    values = {k: v if k == "key_axis" else np.array(v) for k, v in values.items()}
    with Recorder(tmp_path / "run.h5") as recorder, recorder.example(**described(0)):
        with pytest.raises(ValueError, match=says) as caught:
            recorder.log("look here", **values)
        assert "look here" in str(caught.value) and "\n" not in str(caught.value)
        recorder.log("look here", probabilities=HALF)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"image": np.zeros((3, 8, 8), np.uint8)}, "channels last"),
        ({"image": np.zeros((8, 8))}, "uint8"),
        ({"regions": [[0, 0, 1]]}, r"boxes \[n, 4\]"),
        ({"regions": [[0, 0, 1, np.inf]]}, "infinite"),
        ({"label": -1}, "negative"),
        ({"label": "cat"}, "number of the true class"),
        ({"name": "\ud800"}, "surrogates"),
        ({"sound": 1}, "no 'sound'"),
        ({"audio": np.zeros(4)}, "audio has no rate"),
        ({"audio": np.zeros((9, 9)), "rate": 8}, "not 9 x 9"),
        ({"audio": np.zeros(0), "rate": 8}, "not 0"),
        ({"audio": np.zeros(4), "rate": 0.5}, "samples a second"),
        ({"audio": np.zeros(4), "rate": float("nan")}, "samples a second"),
        ({"audio": np.zeros(4, np.int32), "rate": 8}, "not int32"),
        ({"audio": np.array([0.0, np.nan]), "rate": 8}, "NaN"),
        ({"audio": np.zeros(4), "rate": 8, "input_span": (1, 1)}, "begin and end"),
        ({"rate": 8}, "pass audio too"),
        ({"fps": 8}, "pass video too"),
        ({"video": np.zeros((2, 3), np.uint8)}, "not 2 x 3"),
        ({"video": np.zeros((2, 3, 3), np.float32)}, "uint8"),
        ({"video": np.zeros((2, 3, 3), np.uint8), "fps": 0}, "above 0"),
        ({"video": np.zeros((2, 3, 3), np.uint8), "times": [1, 0]}, "ascending"),
        ({"video": np.zeros((2, 3, 3), np.uint8), "times": [0, 1], "fps": 1}, "not both"),
        (
            {
                "video": np.zeros((2, 3, 3), np.uint8),
                "regions": np.zeros((2, 4)),
                "region_frames": np.array([0, 2]),
            },
            "frames from 0 to 1",
        ),
        (
            {
                "video": np.zeros((2, 3, 3), np.uint8),
                "regions": np.zeros((2, 4)),
                "region_frames": np.array([0]),
            },
            "1 frames for 2 regions",
        ),
        (
            {"video": np.zeros((2, 3, 3), np.uint8), "image": np.zeros((3, 3), np.uint8)},
            "image and video",
        ),
        ({"points": np.zeros((2, 3))}, r"\[n, 2\]"),
        ({"points": np.zeros((2, 2)), "regions": np.zeros((2, 4))}, "not both"),
        ({"memory": "one"}, "one text for each slot"),
        ({"target": "one"}, "one string for each token"),
        ({"target": 3}, "one string for each token"),
    ],
)
def test_an_example_that_is_described_wrongly_is_refused(tmp_path, fields, says):
    with Recorder(tmp_path / "run.h5") as recorder:
        with pytest.raises(ValueError, match=says), recorder.example(**fields):
            pass
        with recorder.example():
            recorder.log("any", probabilities=HALF)


def test_the_same_name_for_another_image_or_twice_in_one_snapshot_is_refused(tmp_path):
    with Recorder(tmp_path / "run.h5") as recorder:
        with recorder.example(**described(0)):
            recorder.log("any", probabilities=HALF)
        with pytest.raises(ValueError, match="recorded already"), recorder.example(name="test-0"):
            pass
        recorder.snapshot(step=1)
        other = {**described(1), "name": "test-0"}
        with pytest.raises(ValueError, match="another label, image"), recorder.example(**other):
            pass


def test_numbers_of_another_count_than_the_recorded_steps_are_refused(tmp_path):
    with Recorder(tmp_path / "run.h5") as recorder, recorder.example():
        recorder.log("any", probabilities=HALF)
        with pytest.raises(ValueError, match="reward is of 2 steps, but 1 were recorded"):
            recorder.steps(reward=[1.0, 2.0])
        with pytest.raises(ValueError, match="NaN"):
            recorder.step(reward=np.nan)
        with pytest.raises(ValueError, match="entropy"):
            recorder.step(entropy=1.0)
        with pytest.raises(ValueError, match="softmax"):
            recorder.outcome(scores=[3.0, -1.0])


def test_calls_in_the_wrong_place_say_where_they_belong(tmp_path):
    recorder = Recorder(tmp_path / "run.h5")
    with pytest.raises(ValueError, match="with Recorder"):
        recorder.flush()
    with recorder:
        with pytest.raises(ValueError, match=r"with recorder.example"):
            recorder.log("any", probabilities=HALF)
        with pytest.raises(ValueError, match=r"with recorder.example"):
            recorder.step(reward=1.0)
        with recorder.example():
            recorder.log("any", probabilities=HALF)
            with pytest.raises(ValueError, match="between examples"):
                recorder.snapshot(step=1)
            with pytest.raises(ValueError, match="open already"), recorder.example():
                pass
            recorder.log("any", probabilities=HALF)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"codec": "zip"}, "sqrt16"),
        ({"on_error": "ignore"}, "on_error"),
        ({"heads": []}, "names no head"),
        ({"metadata": {"a": {1, 2}}}, "JSON"),
        ({"metadata": {"a": float("nan")}}, "JSON"),
        ({"sites": []}, "names no site"),
        ({"every": 0}, "every=0 records no step"),
        ({"queries": slice(5, 0, -1)}, "runs forwards"),
        ({"examples": 0}, "keeps none"),
        ({"max_bytes": 0}, "leaves room for nothing"),
        ({"nets": ["flash"]}, "or \\(\\) for none"),
        ({"repeats": "twice"}, "repeats is"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(tmp_path, options, says):
    with pytest.raises(ValueError, match=says), Recorder(tmp_path / "run.h5", **options):
        pass
    assert not list(tmp_path.iterdir())


def test_a_choice_of_sites_that_no_site_matches_names_those_there_are(tmp_path):
    path = tmp_path / "run.h5"
    with (
        pytest.warns(RuntimeWarning, match="no site .* matches layers.*; it has glimpse"),
        Recorder(path, Glimpses(), sites="layers.*") as recorder,
        recorder.example(),
    ):
        pass


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="make it first"), Recorder(tmp_path / "no/run.h5"):
        pass


@pytest.mark.parametrize(
    ("model", "inside", "says"),
    [
        (nn.Linear(4, 4), True, "no attention of Linear was found; put an AttentionTap"),
        (Glimpses(), False, "outside of"),
        (None, True, "nothing was logged"),
    ],
)
def test_an_empty_run_says_why_nothing_was_recorded(tmp_path, model, inside, says):
    with pytest.warns(RuntimeWarning, match=says), Recorder(tmp_path / "run.h5", model) as recorder:
        if inside:
            with recorder.example():
                if model is not None:
                    model(torch.ones(1, 4))
        else:
            model(torch.ones(1, 4))
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 0 and len(run.snapshots) == 1


def test_a_reader_function_that_gives_something_else_is_told_what_to_give(tmp_path):
    model = nn.Linear(2, 2)
    for given, says in (({"probs": HALF}, "probs"), ({}, "no probabilities")):
        with Recorder(tmp_path / "run.h5", on_error="warn") as recorder, recorder.example():
            recorder.watch(model, lambda *_, given=given: given)
            with pytest.warns(RuntimeWarning, match=f"site 'Linear': it gave '{says}'"):
                model(torch.ones(1, 2))
            recorder.log("any", probabilities=HALF)


def test_with_warn_an_example_opened_twice_leaves_the_first_one_open(tmp_path):
    with Recorder(tmp_path / "run.h5", on_error="warn") as recorder, recorder.example():
        with pytest.warns(RuntimeWarning, match="open already"), recorder.example():
            recorder.log("any", probabilities=HALF)
        recorder.log("any", probabilities=HALF)
        recorder.steps(reward=[torch.tensor(1.0, requires_grad=True), torch.tensor(2.0)])
    with read_run(tmp_path / "run.h5") as run:
        assert run.scalars(0)["reward"].tolist() == [1.0, 2.0]


def test_with_warn_the_model_runs_on_and_the_rest_is_recorded(tmp_path):
    tap = AttentionTap("look")
    with Recorder(tmp_path / "run.h5", tap, on_error="warn") as recorder, recorder.example():
        with pytest.warns(RuntimeWarning, match="sum to 0.8"):
            tap(probabilities=torch.tensor([[0.4, 0.4]]))
        tap(probabilities=torch.tensor([[0.5, 0.5]]))
    with read_run(tmp_path / "run.h5") as run:
        assert run.steps("look", 0) == 1


def test_even_with_warn_a_flush_that_fails_raises(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    recorder = Recorder(tmp_path / "run.h5", on_error="warn", flush_every=0)
    with recorder, recorder.example(), monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.warns(RuntimeWarning, match="No space left"):
            recorder.log("any", probabilities=HALF)
        with pytest.raises(OSError, match="No space left"):
            recorder.flush()
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 1


def test_when_the_body_raises_what_was_recorded_is_sealed_and_the_error_goes_on(tmp_path):
    model = Glimpses()
    with pytest.raises(KeyError, match="mine"), Recorder(tmp_path / "run.h5", model) as recorder:
        with recorder.example(regions=boxes()):
            model(torch.ones(1, 4))
        with recorder.example():
            raise KeyError("mine")
    with read_run(tmp_path / "run.h5") as run:
        assert run.sealed and run.n_events == STEPS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(torch.ones(1, 4))
    assert not (tmp_path / "run.h5.parts").exists()
