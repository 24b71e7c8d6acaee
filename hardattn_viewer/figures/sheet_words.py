"""What a contact sheet shows and where it comes from, in words."""

from __future__ import annotations

from hardattn_viewer.drawing.distribution import key_kind
from hardattn_viewer.drawing.frame_words import mechanism_words, step_words
from hardattn_viewer.drawing.scale import scope_words
from hardattn_viewer.drawing.text import amount, plain
from hardattn_viewer.figures.provenance import difference_words
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import query_name
from hardattn_viewer.session.series import Series
from hardattn_viewer.session.shown_tokens import mass_words
from recorders.version import PRODUCER

# So many places are named one by one.
_NAMED = 6


def sheet_title(series: Series) -> str:
    """One line for the file's description of itself."""
    runs = " and ".join(plain(frame.run_name) for frame in series.items[0].frames)
    count = len(series.items)
    over = series.over if count > 1 else series.over.removesuffix("s")
    return f"Attention of {runs}, {count:,} {over}"


def sheet_caption(
    view: str, series: Series, display: Display, top: float, difference: float | None
) -> str:
    """What the sheet shows, where it comes from and what its colours mean, in full sentences.

    Args:
        view: what is drawn of each place.
        series: the places.
        display: how they are drawn.
        top: the probability of the strongest colour.
        difference: magnitude of the strongest colour of B − A, where one is shown.
    """
    frames = series.items[0].frames
    several = len(frames) > 1
    runs = ". ".join(
        f"{slot}{plain(frame.run_name)}, {mechanism_words(frame).lower()}, "
        + ", ".join(_common(view, series, at))
        for at, (slot, frame) in enumerate(
            zip(("A: ", "B: ") if several else ("",), frames, strict=True)
        )
    )
    text = f"{_which(series)}. {runs}. "
    if several:
        text += "In each cell A, B and B − A. "
    ends = f"0\u00a0–\u00a0{amount(top)}"
    scope = scope_words(display, ("A", "B") if several else ())
    if view != "regions" or display.heat:
        text += f"Colour ({display.colours}): {ends}, {scope}. "
    if view == "matrix":
        text += "Each row of a map sums to 1; zero is bare. "
    if difference is not None:
        text += (
            "B − A: orange more in A, blue more in B, to the largest difference "
            f"{difference_words(display)}, {amount(difference)}. "
        )
    if view == "regions" and display.heat:
        smooth = display.interpolation == "smooth"
        how = "bilinear between region centres" if smooth else "none, one colour a region"
        text += f"Interpolation: {how}. "
    return text + f"{_hidden(view, series, display)}Drawn by {PRODUCER}."


def _which(series: Series) -> str:
    """Which places they are."""
    items = series.items
    ats = [item.at for item in items]
    first = items[0].frames[0]
    if series.over == "examples":
        names = [plain(item.frames[0].example_name) for item in items]
        if len(names) > _NAMED:
            return f"{len(names):,} examples, {names[0]} to {names[-1]}"
        return f"Example{'s' if len(names) > 1 else ''} {', '.join(names)}"
    name = f"Example {plain(first.example_name)}"
    if series.over == "snapshots":
        steps = [item.frames[0].training_step for item in items]
        known = [f"{step:,}" for step in steps if step is not None]
        if known:
            return f"{name} at training steps {_listed(known)}"
    # Steps and snapshots count from 1 where people read them, as in all figures.
    one = 0 if series.over == "heads" else 1
    return f"{name}, {series.over} {_listed([str(at + one) for at in ats])}"


def _listed(names: list[str]) -> str:
    if len(names) > _NAMED:
        return f"{names[0]} to {names[-1]}"
    return ", ".join(names)


def _common(view: str, series: Series, which: int) -> list[str]:
    """What all places have in common, of one of the runs."""
    frames = [item.frames[which] for item in series.items]
    first = frames[0]
    words = [f"site {first.place.site or 'first'}"]
    if series.over != "heads" and first.heads > 1:
        head = first.place.head
        mean = f"mean over {first.heads} heads"
        words.append(mean if head is None else f"head {head} of {first.heads}")
    if view != "matrix" and first.queries > 1:
        queries = {_query(frame) for frame in frames}
        words.append(f"seen from {queries.pop()}" if len(queries) == 1 else "each from its query")
    if series.over != "snapshots" and first.training_step is not None:
        words.append(f"training step {first.training_step:,}")
    if series.over != "steps":
        steps = {step_words(frame) for frame in frames}
        last = all(frame.place.step == frame.steps - 1 for frame in frames)
        words.append(steps.pop() if len(steps) == 1 else "each at its last step" if last else "")
    words.append(key_kind(first) + "s")
    return [word for word in words if word]


def _query(frame: Frame) -> str:
    return plain(query_name(frame))


def _hidden(view: str, series: Series, display: Display) -> str:
    """What was done to texts, where it was the same to all; else that it was done."""
    if view != "tokens":
        return ""
    said = {
        " · ".join(mass_words(frame, display)) for item in series.items for frame in item.frames
    }
    if said == {""}:
        return ""
    if len(said) == 1:
        return f"{said.pop()}. "
    words = []
    if display.specials != "shown":
        words.append(f"special tokens are {display.specials}")
    if display.subwords == "words":
        words.append("words have the sum of their pieces")
    return f"{'; '.join(words).capitalize()}. " if words else ""
