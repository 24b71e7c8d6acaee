"""The listener and its rows of spoken digits: monotonic, and what an alignment is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hardattn_models import TaskError, build_system, load_task
from hardattn_models.registry import system
from hardattn_models.tasks import spoken
from hardattn_models.tasks.voices import compressed, expanded
from hardattn_models.told import Given
from hardattn_models.training.loop import default_plan, evaluate, train
from hardattn_models.zoo.speech import alignment


def test_an_alignment_is_where_one_stops_by_walking() -> None:
    torch.manual_seed(0)
    stops, stood = torch.rand(3, 6), torch.rand(3, 6).softmax(-1)
    expected = torch.zeros(3, 6)
    for row in range(3):
        for begin in range(6):
            left = float(stood[row, begin])
            for at in range(begin, 6):
                stop = 1.0 if at == 5 else float(stops[row, at])
                expected[row, at] += left * stop
                left *= 1 - stop
    torch.testing.assert_close(alignment(stops, stood), expected)
    torch.testing.assert_close(alignment(stops, stood).sum(1), torch.ones(3))


@pytest.mark.parametrize("mechanism", system("speech").mechanisms)
def test_the_tap_hears_each_moment_and_changes_no_bit(mechanism: str) -> None:
    torch.manual_seed(0)
    model = build_system("speech", mechanism=mechanism).eval()
    batch = next(load_task("spoken-4").batches("test", 7))
    heard: list[dict[str, Any]] = []
    runs = []
    for listening in (False, True):
        if listening:
            model.listen.listen(lambda tap, values: heard.append(values))
        with torch.no_grad():
            runs.append(model.outcome(batch, model.chooser(torch.Generator().manual_seed(1))))
    assert torch.equal(runs[0].loss, runs[1].loss)
    assert [values["probabilities"].shape for values in heard] == [(7, 40)] * 4
    for values in heard:
        torch.testing.assert_close(values["probabilities"].sum(-1), torch.ones(7))


@pytest.mark.parametrize("mechanism", ["sampled", "gumbel-straight-through"])
def test_a_hard_listener_never_goes_back(mechanism: str) -> None:
    torch.manual_seed(1)
    model = build_system("speech", mechanism=mechanism).eval()
    batch = next(load_task("spoken-8").batches("test", 50))
    choose = model.chooser(torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.outcome(batch, choose)
    at = torch.cat([step.index for step in choose.steps], 1)
    assert (at.diff(dim=1) >= 0).all()
    assert at.max() > at.min()
    before = choose.steps[3].index
    past = torch.arange(80) < before
    assert (choose.steps[4].probabilities[past] == 0).all()


def test_the_listener_hears_nothing_far_from_the_moment_it_chose() -> None:
    torch.manual_seed(0)
    model = build_system("speech").eval()
    batch = next(load_task("spoken-4").batches("test", 20))
    # What a task hands out is also what it hands out next time.
    batch = replace(batch, mels=batch.mels.clone())
    looks = [torch.full((20,), 12)] * 4
    with torch.no_grad():
        before = model.outcome(batch, Given(looks)).loss
        near = batch.mels[:, 4 * 12 - 14 : 4 * 12 + 15].clone()
        batch.mels.neg_()
        batch.mels[:, 4 * 12 - 14 : 4 * 12 + 15] = near
        torch.testing.assert_close(model.outcome(batch, Given(looks)).loss, before)
        batch.mels[:, 4 * 12 + 14] += 3
        assert not torch.allclose(model.outcome(batch, Given(looks)).loss, before)


def test_a_tone_is_loudest_in_the_band_of_its_pitch() -> None:
    time = np.arange(8_000) / 8_000
    edges = np.linspace(*(2595 * np.log10(1 + hertz / 700) for hertz in (80, 4_000)), 42)
    for band in (8, 20, 33):
        hertz = 700 * (10 ** (edges[band + 1] / 2595) - 1)
        mels = spoken.log_mels(np.sin(2 * np.pi * hertz * time)[None])
        assert mels.shape == (1, 50, 40)
        assert mels[0, 10:40].mean(0).argmax() == band


def test_words_lie_where_the_spans_say_and_speakers_are_of_their_part() -> None:
    batch = next(load_task("spoken-4").batches("test", 30))
    assert batch.sounds.shape == (30, 25_600)
    for sound, spans in zip(batch.sounds, batch.spans, strict=True):
        assert (spans[1:, 0] >= spans[:-1, 1] - 1e-3).all()
        power = (sound.double() / 32_767).square()
        inside = torch.zeros(len(sound), dtype=torch.bool)
        for begin, end in spans.tolist():
            inside[round(begin * 8_000) : round(end * 8_000)] = True
        assert power[~inside].mean() < 2e-5
        assert power[inside].mean() > 100 * power[~inside].mean()
    voices = [
        {word.tobytes() for words in spoken._words(part) for word in words}
        for part in ("train", "validation", "test")
    ]
    assert [len(one) for one in voices] == [240, 60, 60]
    assert not voices[0] & voices[1] and not (voices[0] | voices[1]) & voices[2]


def test_eight_bits_keep_a_sound() -> None:
    sound = np.linspace(-1, 1, 2_001)
    error = np.abs(expanded(compressed(sound)) - sound)
    # Steps grow with the sound: a 255th of ln 256 of it, and of the quietest 1 / 255.
    assert (error <= np.log(256) / 255 * (np.abs(sound) + 1 / 255) * 1.05).all()


def test_a_broken_bundle_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "spoken-digits.npz"
    broken.write_bytes(b"PK no zip")
    monkeypatch.setattr(spoken, "BUNDLED", broken)
    spoken._words.cache_clear()
    with pytest.raises(TaskError, match=r"make it with: python -m hardattn_models\.tasks\.voices"):
        spoken._words("train")
    spoken._words.cache_clear()


@pytest.mark.campaign
def test_rows_are_written_down_that_are_longer_than_those_it_learnt_from() -> None:
    model = train(default_plan("speech")).model
    assert evaluate(model, load_task("spoken-4")).figures["digits"] > 0.8
    assert evaluate(model, load_task("spoken-8")).figures["digits"] > 0.6
