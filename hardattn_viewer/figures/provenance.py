"""Where a figure comes from, in words: its title and its caption."""

from __future__ import annotations

from collections.abc import Sequence

from hardattn_viewer.drawing.distribution import key_kind
from hardattn_viewer.drawing.frame_words import mechanism_words, step_words
from hardattn_viewer.drawing.on_image import frame_layout, frame_view, pane_aspect
from hardattn_viewer.drawing.scale import scope_words
from hardattn_viewer.drawing.text import amount, plain
from hardattn_viewer.session.display import Display, Together
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.image_view import crop_words
from hardattn_viewer.session.map_source import pyramid_of
from hardattn_viewer.session.masking import MASKED
from hardattn_viewer.session.naming import query_name, special_words
from hardattn_viewer.session.recorded import verification_kind
from hardattn_viewer.session.shown_tokens import mass_words, shown_frame
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


def _place_words(frame: Frame, *, with_query: bool = True) -> str:
    place = frame.place
    words = [f"site {place.site or 'first'}"]
    if frame.heads > 1:
        mean = f"mean over {frame.heads} heads"
        words.append(mean if place.head is None else f"head {place.head} of {frame.heads}")
    if with_query and frame.queries > 1:
        rows = ", ".join(map(str, frame.averaged[:8] or (frame.query,)))
        more = ", …" if len(frame.averaged) > 8 else ""
        noun = "queries" if len(frame.averaged) > 1 else "query"
        words.append(f"seen from {plain(query_name(frame))} ({noun} {rows}{more})")
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
    scope = scope_words(display, names, one_query=frames[0].queries > 1)
    if display.heat:
        text += f"; colour ({drawn}) and bars: {ranges}, {scope}. "
    else:
        text += f"; bars: {ranges}, {scope}. "
    if difference is not None:
        largest = difference_words(display)
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
    aspect = max(pane_aspect(frame, display.image_view) for frame in frames)
    part = crop_words(frame_view(frames[0], display.image_view), 1.0, aspect)
    if part:
        text += f"Part of the image: {part}. "
    for frame in frames:
        if special_words(frame):
            text += f"Not drawn: {plain(special_words(frame))}. "
    text += "".join(f"{plain(f.verified)}. " for f in frames if _is_wrong(f))
    return text + f"Drawn by {PRODUCER}."


def with_notes(text: str, notes: Sequence[str]) -> str:
    """A caption with further sentences before the name of the program."""
    if not notes:
        return text
    drawn = f"Drawn by {PRODUCER}."
    return text.removesuffix(drawn) + "".join(f"{plain(note)} " for note in notes) + drawn


def difference_words(display: Display) -> str:
    """Of what the strongest colour of B − A is the largest, for example ``"of all steps"``."""
    if isinstance(display, Together):
        return f"of {display.over}"
    return "of this step" if display.scale == "step" else "of all steps"


def compare_text_caption(
    frames: Sequence[Frame], display: Display, view: str, scale: float, difference: float | None
) -> str:
    """What a comparison of tokens or of maps shows, in full sentences.

    Args:
        frames: A and B.
        display: how they are drawn.
        view: ``"tokens"`` or ``"matrix"``.
        scale: probability of the strongest colour of both.
        difference: magnitude of the strongest difference, where one is shown.
    """
    parts = []
    for slot, frame in zip("AB", frames, strict=True):
        place = _place_words(frame, with_query=view == "tokens")
        parts.append(
            f"{slot}: {plain(frame.run_name)}, {mechanism_words(frame).lower()}, {place}, "
            f"{step_words(frame)}"
        )
    text = f"Example {plain(frames[0].example_name)}. " + ". ".join(parts) + ". "
    several = frames[0].queries > 1
    scope = scope_words(display, ("A", "B"), one_query=several and view == "tokens")
    text += f"Colour ({display.colours}): 0\u00a0–\u00a0{amount(scale)}, {scope}. "
    if difference is not None:
        steps = "this step" if display.scale == "step" else "all steps"
        what = "this query" if view == "tokens" and several else "this example"
        largest = f"of {what} at {steps}"
        if isinstance(display, Together):
            largest = difference_words(display)
        text += (
            "B − A: orange more in A, blue more in B, to the largest difference "
            f"{largest}, {amount(difference)}. "
        )
    if view == "tokens":
        text += "".join(
            f"{slot}: {said}. "
            for slot, frame in zip("AB", frames, strict=True)
            for said in mass_words(frame, display)
        )
    text += "".join(f"{plain(f.verified)}. " for f in frames if _is_wrong(f))
    return text + f"Drawn by {PRODUCER}."


def text_caption(frame: Frame, view: str, display: Display, scale: float) -> str:
    """What a figure of tokens or of a matrix shows, in full sentences.

    Args:
        frame: the run shown.
        view: ``"tokens"`` or ``"matrix"``.
        display: how it is drawn.
        scale: probability of the strongest colour.
    """
    place = _place_words(frame, with_query=view == "tokens")
    outcome = outcome_words(frame)
    text = (
        f"Example {plain(frame.example_name)}. {plain(frame.run_name)}, "
        f"{mechanism_words(frame).lower()}, {place}, {step_words(frame)}"
        + (f"; {outcome}" if outcome else "")
        + ". "
    )
    several = frame.queries > 1
    scope = scope_words(display, one_query=several and view == "tokens")
    ends = f"0\u00a0–\u00a0{amount(scale)}"
    frame = shown_frame(frame, display) if view == "tokens" else frame
    count, kind = len(frame.probabilities), key_kind(frame)
    if view == "matrix":
        queries, whole = frame.queries, frame.whole
        if whole is not None:
            queries, count = whole.queries, whole.keys
        text += f"{queries:,} queries × {count:,} {kind}s; each row sums to 1; zero is bare"
        text += f"{_mask_words(frame)}. "
        text += f"Colour ({display.colours}): {ends}, {scope}. "
    else:
        text += f"Probabilities sum to {_total(frame)} over {count:,} {kind}s; "
        text += f"colour ({display.colours}) and bars: {ends}, {scope}. "
        text += "".join(f"{said[:1].upper()}{said[1:]}. " for said in mass_words(frame, display))
    if frame.verified:
        text += f"Record {plain(frame.verified).rstrip('.')}. "
    return text + f"Drawn by {PRODUCER}."


def _mask_words(frame: Frame) -> str:
    """What hatched cells are; empty where there are none."""
    pyramid = pyramid_of(frame)
    if pyramid is None or not (pyramid.patch(1, 1).values == MASKED).any():
        return ""
    return ", what was masked (told by its zeros) hatched"


def _total(frame: Frame) -> str:
    """What the probabilities that are shown sum to: less than 1 where some are hidden."""
    return "1" if frame.hidden_mass == 0 else amount(1 - frame.hidden_mass)


def _is_wrong(frame: Frame) -> bool:
    return verification_kind(frame.verified) == "mismatch"
