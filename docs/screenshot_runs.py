"""Small runs of a sound, a video, points and a memory, for the pictures of the docs.

usage: python docs/screenshot_runs.py FOLDER

No model is behind them: where each looks follows from its input by the formula that is beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sample_runs
from recorders import Recorder, read_run

RATE = 16_000
Floats = NDArray[np.float64]


def softmax(scores: Floats) -> Floats:
    """``exp(s) / Σ exp(s)`` over the last axis."""
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True))


def log_choice(recorder: Recorder, site: str, p: Floats, at: int, axis: str, **more: str) -> None:
    """Record one choice among the keys of one axis."""
    recorder.log(
        site,
        probabilities=p[None, None],
        selection=[[[at]]],
        log_prob=[[float(np.log(p[at]))]],
        key_axis=axis,
        **more,
    )


def write_sound(path: Path) -> Path:
    """Five notes with overtones; at each step, a note is listened for among 60 frames.

    A frame's score is the share of its energy within a semitone of the note, times 9.
    """
    notes = [262.0, 330.0, 392.0, 523.0, 330.0]
    time = np.arange(int(0.6 * RATE)) / RATE
    fade = np.minimum(time / 0.02, 1) * np.exp(-3.2 * time)
    tones = [
        sum(np.sin(2 * np.pi * n * note * time) / n**1.4 for n in range(1, 13)) * fade
        for note in notes
    ]
    sound = 0.25 * np.concatenate(tones)
    sound += np.random.default_rng(0).normal(0, 2e-4, sound.size)
    frames = sound[: sound.size // 60 * 60].reshape(60, -1)
    power = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), axis=1)) ** 2
    hertz = np.fft.rfftfreq(frames.shape[1], 1 / RATE)
    with Recorder(path) as recorder, recorder.example(name="melody", audio=sound, rate=RATE):
        for note in (262.0, 330.0, 392.0, 523.0):
            near = np.abs(np.log2(np.maximum(hertz, 1.0) / note)) < 1 / 12
            p = softmax(9 * power[:, near].sum(1) / power.sum(1))
            log_choice(recorder, "listen", p, int(p.argmax()), "frames", mechanism="argmax")
            recorder.step()
    return path


def write_video(path: Path) -> Path:
    """A digit of MNIST that crosses the picture; one of 6 × 4 patches is looked at in each frame.

    A patch's score is its mean brightness in 0 … 1, times 12; the choice is drawn from that.
    """
    with read_run(sample_runs.paths()[0]) as run:
        digit = run.image(8)
    assert digit is not None
    width, height, side = 96, 64, 16
    clip = np.zeros((16, height, width), np.uint8)
    for number, angle in enumerate(np.linspace(0, np.pi, len(clip))):
        x = round((width - 28) * number / (len(clip) - 1))
        y = round((height - 28) * (1 - np.sin(angle)))
        clip[number, y : y + 28, x : x + 28] = digit
    corners = [(x, y) for y in range(0, height, side) for x in range(0, width, side)]
    boxes = np.array([[x, y, x + side, y + side] for x, y in corners], float)
    draw = np.random.default_rng(1)
    with (
        Recorder(path) as recorder,
        recorder.example(name="clip", video=clip, fps=8, regions=boxes, label=5),
    ):
        for frame in clip:
            patches = frame.reshape(height // side, side, width // side, side).mean((1, 3)).ravel()
            p = softmax(12 * patches / 255)
            log_choice(
                recorder, "watch", p, int(draw.choice(len(p), p=p)), "regions", mechanism="sampled"
            )
            recorder.step()
    return path


def write_tour(path: Path) -> Path:
    """A tour of 18 places, each time to one of the nearest that are left.

    The score of a place is minus its distance, times 9; that of a place that was visited is −∞.
    """
    draw = np.random.default_rng(4)
    points = draw.uniform(0, 1, (18, 2))
    left, here = np.ones(len(points), bool), 0
    with Recorder(path) as recorder, recorder.example(name="tour", points=points):
        for _ in range(len(points)):
            scores = np.where(left, -9 * np.hypot(*(points - points[here]).T), -np.inf)
            p = softmax(scores)
            here = int(p.argmax())
            log_choice(recorder, "pointer", p, here, "points", kind="pointer", mechanism="argmax")
            left[here] = False
            recorder.step()
    return path


def write_story(path: Path) -> Path:
    """Questions to a memory of six slots, some of which are written between two questions.

    The score of a slot is the number of its words that are in the question, times 1.5.
    """
    slots = [
        "Mary went to the kitchen",
        "John took the football",
        "Sandra is in the garden",
        "John went to the office",
        "empty",
        "empty",
    ]
    told = {1: (4, "Mary took the milk"), 3: (5, "John gave the football to Sandra")}
    asked = [
        "where is Mary",
        "who took the milk",
        "where is Sandra",
        "who has the football of John",
        "what did Sandra get",
    ]
    with Recorder(path) as recorder, recorder.example(name="story", memory=slots):
        for step, question in enumerate(asked):
            if step in told:
                at, words = told[step]
                recorder.remember(at, words)
                slots[at] = words
            shared = [len(set(slot.split()) & set(question.split())) for slot in slots]
            p = softmax(1.5 * np.array(shared, float))
            recorder.log("read", probabilities=p[None, None], key_axis="slots", kind="memory")
            recorder.step()
    return path


if __name__ == "__main__":
    FOLDER = Path(sys.argv[1])
    write_sound(FOLDER / "melody.h5")
    write_video(FOLDER / "moving-digit.h5")
    write_tour(FOLDER / "tour.h5")
    write_story(FOLDER / "story.h5")
