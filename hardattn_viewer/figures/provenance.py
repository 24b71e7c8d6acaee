"""Where a figure comes from, in words: its title and its caption."""

from __future__ import annotations

from collections.abc import Sequence

from hardattn_viewer.drawing.distribution import key_kind
from hardattn_viewer.drawing.frame_words import mechanism_words, step_words
from hardattn_viewer.drawing.regions import frame_layout
from hardattn_viewer.drawing.scale import scope_words
from hardattn_viewer.drawing.text import amount, plain
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame
from recorders.version import PRODUCER


def outcome_words(frame: Frame) -> str:
    """For example ``"true 7, predicted 1 (0.61)"``; empty where nothing is known."""
    words = []
    if frame.label is not None:
        words.append(f"true {frame.label}")
    if frame.prediction is not None:
        confidence = "" if frame.confidence is None else f" ({amount(frame.confidence)})"
        words.append(f"predicted {frame.prediction}{confidence}")
    return ", ".join(words)


def _place_words(frame: Frame) -> str:
    place = frame.place
    words = [f"site {place.site or 'first'}"]
    if frame.heads > 1:
        mean = f"mean over {frame.heads} heads"
        words.append(mean if place.head is None else f"head {place.head} of {frame.heads}")
    if place.query:
        words.append(f"query {place.query}")
    if frame.training_step is not None:
        words.append(f"training step {frame.training_step:,}")
    return ", ".join(words)


def title(frames: Sequence[Frame]) -> str:
    """A title for the file's own description."""
    runs = " and ".join(plain(frame.run_name) for frame in frames)
    return f"Attention of {runs}, example {plain(frames[0].example_name)}, {step_words(frames[0])}"


def caption(
    frames: Sequence[Frame],
    names: Sequence[str],
    display: Display,
    scales: Sequence[float],
    difference: float | None,
) -> str:
    """What is shown, where it comes from and what the colours mean, in full sentences.

    Args:
        frames: the runs shown.
        names: their slots, ``("A", "B")``; empty for a single run.
        display: how they are drawn.
        scales: for each frame the probability of the strongest colour.
        difference: magnitude of the strongest colour of B − A, where one is shown.
    """
    parts = []
    for index, frame in enumerate(frames):
        slot = f"{names[index]}: " if names else ""
        outcome = outcome_words(frame)
        parts.append(
            f"{slot}{plain(frame.run_name)}, {mechanism_words(frame).lower()}, "
            f"{_place_words(frame)}, {step_words(frame)}" + (f"; {outcome}" if outcome else "")
        )
    text = f"Example {plain(frames[0].example_name)}. " + ". ".join(parts) + ". "
    # No-break spaces keep a range on one line.
    ranges = " and ".join(dict.fromkeys(f"0\u00a0–\u00a0{amount(scale)}" for scale in scales))
    kind = key_kind(frames[0])
    text += f"Probabilities sum to 1 over {len(frames[0].probabilities):,} {kind}s"
    drawn = f"{display.colours}, up to {100 * display.opacity:.0f}\u00a0% opaque"
    scope = scope_words(display, names)
    if display.heat:
        text += f"; colour ({drawn}) and bars: {ranges}, {scope}. "
    else:
        text += f"; bars: {ranges}, {scope}. "
    if difference is not None:
        largest = "of this step" if display.scale == "step" else "of all steps"
        text += (
            "B − A: orange more in A, blue more in B, "
            f"to the largest difference {largest}, {amount(difference)}. "
        )
    layout = frame_layout(frames[0])
    if display.heat or difference is not None:
        if display.interpolation == "smooth" and layout is not None and layout.grid is not None:
            text += "Interpolation: bilinear between region centres. "
        else:
            text += "Interpolation: none, one colour a region. "
    return text + f"Drawn by {PRODUCER}."
