"""Sounds, clips and texts of the zoo item by item: by hand, and whatever sample is shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hardattn_models.told import Forced as Told
from hardattn_viewer.checks.sanity import NOT_APPLICABLE, PASS
from hardattn_viewer.faithfulness import FaithfulnessError, check
from hardattn_viewer.faithfulness.engine import Ask, Engine
from hardattn_viewer.faithfulness.forcing import contents, why_chosen
from hardattn_viewer.faithfulness.from_run import Recorded, recorded
from hardattn_viewer.faithfulness.subject import Row
from hardattn_viewer.faithfulness.subjects.frames import OPERATORS, FrameSubject
from hardattn_viewer.faithfulness.subjects.zoo_parts import ZooParts, ZooSounds, reach_of
from recorders import read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"


def of_sample(name: str, examples: int = 4) -> Recorded:
    with read_run(SAMPLES / f"{name}.h5") as run:
        return recorded(run, examples=examples)


def sound() -> tuple[torch.Tensor, torch.Tensor, FrameSubject]:
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(8, 3, generator=generator, dtype=torch.double)
    frames = torch.randn(2, 8, 3, generator=generator, dtype=torch.double)
    subject = FrameSubject(
        lambda found: (found * weights).sum((1, 2)), frames, per_item=2, silence=-1.0
    )
    return weights, frames, subject


def test_a_linear_model_of_frames_loses_what_a_moment_brings() -> None:
    weights, frames, subject = sound()
    report = check(
        subject,
        explainers=["leave-one-out", "integrated-gradients"],
        operators=["silence", "mean"],
        controls=3,
    )
    fillers = (-torch.ones(2, 1, 3), frames.mean(1, True))
    for measured, filler in zip(report.measured, fillers, strict=True):
        brought = (weights * (frames - filler)).sum(-1).reshape(2, 4, 2).sum(-1)
        np.testing.assert_allclose(np.stack(measured.alone), brought.numpy(), atol=1e-9)
    scores = np.stack(report.measured[0].scores["integrated-gradients"])
    brought = (weights * (frames + 1)).sum(-1).reshape(2, 4, 2).sum(-1)
    np.testing.assert_allclose(scores, brought.numpy(), atol=1e-9)


def test_noise_is_made_of_the_frames_of_the_example_and_the_same_each_time() -> None:
    _, frames, subject = sound()
    nothing = Row(1, bytes(4), "noise")
    one, two = subject.changed([nothing, nothing])
    assert torch.equal(one, two) and not torch.equal(one, frames[1])
    assert sorted(map(tuple, one.tolist())) == sorted(map(tuple, frames[1].tolist()))
    part = subject.changed([Row(1, bytes([1, 0, 1, 1]), "noise")])[0]
    assert torch.equal(part[:2], frames[1][:2]) and torch.equal(part[2:4], one[2:4])


def test_silence_is_the_quietest_frame_where_nobody_says_what_it_is() -> None:
    frames = torch.arange(12.0).reshape(1, 4, 3).flip(1)
    silent = FrameSubject(lambda found: found.sum((1, 2)), frames).filler(0, "silence")
    assert silent.tolist() == [[0.0, 1.0, 2.0]] * 4


@pytest.mark.parametrize(
    ("frames", "per", "sentence"),
    [
        (torch.zeros(2, 3, 4, 5), 1, "must be"),
        (torch.zeros(2, 3, dtype=torch.int64), 1, "must be"),
        (torch.zeros(2, 3), 4, "an item of 4 frames does not go into 3"),
    ],
)
def test_frames_that_are_none_are_refused(frames: torch.Tensor, per: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        FrameSubject(lambda found: found, frames, per_item=per)


def test_a_moment_reaches_as_far_as_its_convolutions() -> None:
    found = of_sample("speech-hard", 2)
    assert isinstance(found.subject, ZooSounds)
    model, batch = found.subject.model, found.subject.batch
    mels = batch.mels[:1].clone().requires_grad_()
    hear = model.hear
    assert isinstance(hear, nn.Sequential)
    moments = hear(mels.transpose(1, 2)).transpose(1, 2)
    for candidate in (0, 9, 39):
        (gradient,) = torch.autograd.grad(moments[0, candidate].sum(), mels, retain_graph=True)
        frames = gradient[0].abs().sum(-1).nonzero().flatten()
        far = max(abs(int(frames.min()) - 4 * candidate), abs(int(frames.max()) - 4 * candidate))
        assert far <= reach_of(model) == 14
        touched = np.zeros(40, bool)
        touched[(frames // 4).numpy()] = True
        assert not (touched & ~found.subject.seen(0, candidate)).any()


def test_a_listener_without_a_moment_is_the_listener_of_another_spectrogram() -> None:
    subject = of_sample("speech-hard", 3).subject
    assert isinstance(subject, ZooSounds) and list(subject.operators) == list(OPERATORS)
    kept = np.ones((1, 40), bool)
    kept[0, 10:20] = False
    made = subject.choices(1).chosen[None]
    (found,) = Engine(subject, "value").values([Ask(1, kept, "silence", made)])
    mels = subject.batch.mels[1:2].clone()
    mels[0, 40:80] = mels[0, int(mels[0].mean(-1).argmin())].clone()
    batch = type(subject.batch)(
        mels, subject.batch.digits[1:2], subject.batch.spans[1:2], subject.batch.sounds[1:2]
    )
    with torch.no_grad():
        loss = subject.model.outcome(batch, Told("argmax", torch.tensor(made))).loss
    assert found[0] == pytest.approx(-float(loss), abs=1e-5)


def test_what_no_choice_of_a_listener_saw_moves_nothing_and_what_it_saw_does() -> None:
    subject = of_sample("speech-hard", 3).subject
    found = contents(Engine(subject, "value"), "silence", [0, 1, 2])
    assert all(abs(one.unseen) < 1e-5 and one.removed > 0 for one in found.values())
    assert max(float(np.abs(one.chosen).max()) for one in found.values()) > 0.1
    gradient, _ = why_chosen(Engine(subject, "value"), 0, 0)
    assert gradient.shape == (40,) and gradient.max() > 0


def test_a_clip_and_a_text_are_changed_where_a_part_is_removed() -> None:
    clip = of_sample("video-soft").subject
    assert isinstance(clip, ZooParts)
    kept = np.ones(16, bool)
    kept[3] = False
    row = Row(2, kept.astype(np.uint8).tobytes(), "mean")
    frames = clip.batch_of([row]).frames[0]
    whole = clip.batch.frames[2]
    assert torch.equal(frames[:3], whole[:3]) and torch.equal(frames[4:], whole[4:])
    assert frames[3].unique().tolist() == [round(float(whole.float().mean()))]
    text = of_sample("rationale-soft").subject
    assert isinstance(text, ZooParts)
    for operator in ("rare", "another"):
        row = Row(0, bytes(40), operator)
        words, before = text.batch_of([row]).words[0], text.batch.words[0]
        assert set(words.tolist()) <= ({0} if operator == "rare" else set(before.tolist()) - {0})


WHAT = {
    "alignment-hard": "makes several choices at once in one example",
    "alignment-soft": "makes several choices at once in one example",
    "minilm-text": "was recorded from the Hugging Face folder all-MiniLM-L6-v2",
    "rationale-hard": "what top-k takes is not one candidate",
    "training-hard": "names no checkpoint of the zoo",
    "training-soft": "names no checkpoint of the zoo",
}
OTHER_ITEMS = ("answers-hard", "answers-soft", "rationale-soft")


@pytest.mark.parametrize("name", sorted(one.stem for one in SAMPLES.glob("*.h5")))
def test_every_sample_is_checked_or_says_why_not(name: str) -> None:
    if name in WHAT:
        with pytest.raises(FaithfulnessError, match=WHAT[name]):
            of_sample(name)
        return
    found = of_sample(name)
    (same,) = found.sanity
    assert same.outcome == (NOT_APPLICABLE if name in OTHER_ITEMS else PASS), same
    with torch.no_grad():
        (whole,) = Engine(found.subject, "value", {0: 0}).values([_whole(found, 0)])
    assert np.isfinite(whole).all()
    page = (SAMPLES.parent / "docs" / "faithfulness.md").read_text()
    operators = ", ".join(list(found.subject.operators)[:2]) or "–"
    line = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
    assert f"| {found.subject.items(0)} | {operators} |" in line


def _whole(found: Recorded, example: int) -> Ask:
    return Ask(example, np.ones((1, found.subject.items(example)), bool))
