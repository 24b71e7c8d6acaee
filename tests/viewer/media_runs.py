"""Runs with a sound, a video, points and a memory, small enough to be told by formula."""

import numpy as np

from recorders import Recorder

RATE = 8_000


def sharp(keys, at, sharpness=0.7):
    """A distribution [1, 1, keys] with most of its mass at one key."""
    p = np.full(keys, (1 - sharpness) / (keys - 1))
    p[at] = sharpness
    return p[None, None]


def chirp(seconds):
    """A tone that rises from 200 to 3,000 Hz, float."""
    time = np.arange(int(seconds * RATE)) / RATE
    return 0.8 * np.sin(2 * np.pi * (200 * time + 1_400 / seconds * time**2))


def write_sound(path, seconds=2.0, span=None):
    """Twenty frames over a chirp, one of them heard at each of three steps."""
    with (
        Recorder(path) as recorder,
        recorder.example(name="chirp", audio=chirp(seconds), rate=RATE, input_span=span),
    ):
        for at in (2, 9, 17):
            recorder.log(
                "listen", probabilities=sharp(20, at), selection=[[[at]]],
                log_prob=[[float(np.log(0.7))]], key_axis="frames", mechanism="sampled",
            )  # fmt: skip
            recorder.step()
    return path


def frames(count=6):
    """A bright square that goes one to the right each frame, uint8 [count, 24, 32, 3]."""
    clip = np.full((count, 24, 32, 3), 30, np.uint8)
    for number in range(count):
        clip[number, 8:16, 4 * number : 4 * number + 8] = (230, 180, 60)
    return clip


def write_video(path, of_frames=False):
    """Four regions in each frame; a step a frame, or regions that are of single frames."""
    boxes = np.array([[0, 0, 16, 12], [16, 0, 32, 12], [0, 12, 16, 24], [16, 12, 32, 24]], float)
    clip = frames()
    told = {"regions": boxes}
    if of_frames:
        told = {
            "regions": np.tile(boxes, (6, 1)),
            "region_frames": np.repeat(np.arange(6), 4),
        }
    keys = len(told["regions"])
    with Recorder(path) as recorder, recorder.example(name="clip", video=clip, fps=2, **told):
        for step in range(6):
            at = 4 * step + 1 if of_frames else step % 4
            recorder.log(
                "watch", probabilities=sharp(keys, at), selection=[[[at]]],
                log_prob=[[float(np.log(0.7))]], key_axis="regions", mechanism="sampled",
            )  # fmt: skip
            recorder.step()
    return path


POINTS = np.array([[0.0, 0.0], [4.0, 0.5], [3.0, 3.0], [1.0, 2.5], [2.0, 1.0]])


def write_points(path):
    """The tour of a pointer over five points."""
    with Recorder(path) as recorder, recorder.example(name="hull", points=POINTS):
        for at in (0, 1, 2, 3):
            recorder.log(
                "pointer", probabilities=sharp(5, at), selection=[[[at]]],
                log_prob=[[float(np.log(0.7))]], key_axis="points", kind="pointer",
                mechanism="argmax",
            )  # fmt: skip
            recorder.step()
    return path


def write_memory(path):
    """A question to a memory of three slots, one of which is written between two readings."""
    with (
        Recorder(path) as recorder,
        recorder.example(name="story", memory=["Ann has the ball", "Bob is at home", "empty"]),
    ):
        recorder.log("read", probabilities=sharp(3, 0), key_axis="slots", kind="memory")
        recorder.step()
        recorder.remember(2, "Ann gave the ball to Bob")
        recorder.log("read", probabilities=sharp(3, 2), key_axis="slots", kind="memory")
        recorder.step()
    return path
