"""What a frame is called above its picture, the same on screen and in figures."""

from __future__ import annotations

from hardattn_viewer.drawing.text import plain
from hardattn_viewer.session.frames import Frame


def step_words(frame: Frame) -> str:
    """For example ``"step 4 of 6"``."""
    return f"step {frame.place.step + 1} of {frame.steps}"


def step_choices(frame: Frame) -> tuple[str, str]:
    """The step in full and in short, for headings of any width."""
    return (step_words(frame), f"{frame.place.step + 1} / {frame.steps}")


def kind_words(frame: Frame) -> str:
    """``"Hard"`` or ``"Soft"``."""
    return "Hard" if frame.hard else "Soft"


def mechanism_words(frame: Frame) -> str:
    """For example ``"Hard · sampled"``."""
    kind = kind_words(frame)
    if frame.mechanism.lower() in ("", kind.lower()):
        return kind
    return f"{kind} · {plain(frame.mechanism)}"
