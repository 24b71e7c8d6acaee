"""The sample run of every system opens, is what its checkpoint does, and has its story."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from commands import output_of

import sample_runs
from hardattn_models import checkpoint_facts, load_system, load_task, systems
from hardattn_models.evaluation import evaluate
from recorders import read_run

OTHERS = ("deployed", "minilm", "training")
SYSTEMS = [one for one in sample_runs.samples() if one.name not in OTHERS]
GENERATED = [one for one in SYSTEMS if one.name != "glimpse"]
TASKS = {"pointer": "hull-10", "localiser": "clutter-512"}
"""What samples were recorded on that is not what their models were trained on."""
ERRORS = {
    "captioner": 0.3,
    "localiser": 0.3,
    "retrieval": 0.5,
    "speech": 0.3,
    "latent": 0.6,
    "rationale": 0.25,
}
"""What they may err, where that is more than a fifth: of whole captions, of what a code tells."""


def test_every_system_has_a_sample_and_a_story_of_two_sentences() -> None:
    assert [one.name for one in SYSTEMS] == [known.name for known in systems()]
    for one in SYSTEMS:
        assert one.story.count(". ") == 1 and one.story.endswith(".")
        for path in one.paths:
            assert path.stat().st_size < 2_000_000
            assert path.stem in sample_runs.checkpoints()


@pytest.mark.parametrize("sample", GENERATED, ids=lambda one: one.name)
def test_a_sample_is_what_its_checkpoint_does(
    sample: sample_runs.Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in sample.paths:
        checkpoint = sample_runs.checkpoints()[path.stem]
        facts = checkpoint_facts(checkpoint)
        assert facts.training is None
        test = facts.metadata["training"]["test"]
        if sample.name == "alignment":
            assert test["figures"]["alignment error"] < 0.45
        elif sample.name == "copier":
            assert (test["figures"]["right, never seen"] > 0.3) == (path == sample.paths[0])
        elif sample.name == "summary":
            assert (test["figures"]["of the best"] > 0.9) == (path == sample.paths[0])
            assert test["figures"]["of the best"] > 0.75
        else:
            assert test["error"] < ERRORS.get(sample.name, 0.2)
        fresh = tmp_path / path.name
        task = TASKS.get(sample.name, facts.metadata["training"]["plan"]["task"])
        words = ["record", str(checkpoint), "--task", task, "-n", "5", "-o", str(fresh)]
        output_of(capsys, *words)
        with read_run(fresh) as made, read_run(path) as kept:
            (site,) = kept.sites
            for example in range(5):
                np.testing.assert_allclose(
                    made.map(site.name, example), kept.map(site.name, example), atol=1e-3
                )


def test_the_sample_of_a_soft_model_run_hard_is_that_of_its_weights_and_its_story_counts_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sample,) = [one for one in sample_runs.samples() if one.name == "deployed"]
    hard, soft = sample.paths
    assert soft == sample_runs.paths()[1] and hard.stat().st_size < 2_000_000
    checkpoint = sample_runs.checkpoints()[soft.stem]
    fresh = tmp_path / "run.h5"
    words = ["--mechanism", "argmax", "--task", "mnist-small", "-n", "5", "-o", str(fresh)]
    output_of(capsys, "record", str(checkpoint), *words)
    with read_run(fresh) as made, read_run(hard) as kept, read_run(soft) as blended:
        (site,) = kept.sites
        assert site.hard and not blended.sites[0].hard
        assert kept.metadata["checkpoint"] == blended.metadata["checkpoint"] == checkpoint.name
        assert np.array_equal(kept.example_digests, blended.example_digests)
        nats = [blended.scalars(example)["entropy"] for example in range(len(blended.examples))]
        spread = np.exp(nats).mean()
        for example in range(5):
            np.testing.assert_allclose(
                made.map(site.name, example), kept.map(site.name, example), atol=1e-3
            )
            assert [made.selection(site.name, example, step) for step in range(6)] == [
                kept.selection(site.name, example, step) for step in range(6)
            ]
    model, digits = load_system(checkpoint), load_task("mnist-small")
    found = [evaluate(one, digits) for one in (model.with_mechanism("argmax"), model)]
    assert [round(one.error, 2) for one in found] == [0.48, 0.01]
    assert f"{100 * found[0].error:.0f} in 100" in sample.story
    assert f"about {spread:.0f} of 49 windows" in sample.story
    assert sample.story.count(". ") == 1


def test_the_hard_pointer_network_meets_the_published_figures_of_its_checkpoint() -> None:
    figures = checkpoint_facts(sample_runs.checkpoints()["pointer-hard"]).metadata["training"]
    exact = figures["test"]["figures"]
    assert exact["exact, n = 5"] >= 0.92
    assert exact["exact, n = 10"] >= 0.87


def test_a_look_is_compared_with_what_was_expected_from_there_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = sample_runs.checkpoints()["captioner-soft"]
    fresh = tmp_path / "run.h5"
    output_of(capsys, "record", str(checkpoint), "-n", "3", "-o", str(fresh))
    model, batch = load_system(checkpoint), next(load_task("scenes").batches("test", 3, 3))
    with torch.no_grad():
        outcome = model.outcome(batch, model.chooser())
    assert outcome.words is not None
    with read_run(fresh) as run:
        for example in range(3):
            told = run.scalars(example)
            after = outcome.reward[example] - outcome.baseline[example]
            np.testing.assert_allclose(told["advantage"], after.numpy(), atol=1e-5)
            np.testing.assert_allclose(told["reward"] - told["baseline"], after, atol=1e-5)
            assert np.ptp(told["reward"]) == 0
            assert run.tokens(example, "target") == tuple(outcome.words[example])
