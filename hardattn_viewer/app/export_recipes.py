"""What a figure of the window is made of, so that it can be made again without the window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hardattn_viewer.checks.report import Report
from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.figures.figure import Figure
from hardattn_viewer.figures.making import with_recipe
from hardattn_viewer.figures.options import FigureOptions
from hardattn_viewer.figures.recipe import (
    ChecksPart,
    Recipe,
    RunPart,
    digest_of,
    file_name,
    frame_part,
    run_part,
)
from hardattn_viewer.figures.widths import WIDTHS, width_of
from hardattn_viewer.session.checking import checks_of
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.film import FilmFrames
from hardattn_viewer.session.frames import Frame, Place, frame_at_step
from hardattn_viewer.session.head_numbers import HeadNumbers
from hardattn_viewer.session.state import SLOTS, OpenRun, SessionState, Slot
from hardattn_viewer.session.training_course import Course

_FILTERED = (
    "its curves are means over the examples that passed a filter in the app; "
    "export it there, or without the filter"
)


def told(figure: Figure, recipe: Recipe | None) -> Figure:
    """The figure with what it was made of, where that is known."""
    if recipe is None:
        return figure
    sources = [frame.source for frame in figure.frames if frame.source is not None]
    left_out = dict.fromkeys(sentence for source in sources for sentence in source.left_out)
    return with_recipe(figure, recipe, tuple(left_out))


def recipe_of_frames(
    frames: Iterable[Frame], options: FigureOptions, display: Display
) -> Recipe | None:
    """Of a figure of one frame, or of one each of A and B."""
    return Recipe(tuple(frame_part(frame) for frame in frames), options, display)


def recipe_of_heads(
    state: SessionState, numbers: HeadNumbers, options: FigureOptions, display: Display
) -> Recipe | None:
    """Of a figure of all heads; None while the frame of its run is not there."""
    other: Slot = "B" if state.shown_slot == "A" else "A"
    frames = [state.frames.of(state.shown_slot)]
    if numbers.other_name:
        frames.append(state.frames.of(other))
    parts = []
    for frame in frames:
        if frame is None:
            return None
        example, snapshot = frame.place.example, frame.place.snapshot
        place = Place(example=example, step=numbers.step, snapshot=snapshot)
        parts.append(run_part(frame.source, place, frame.example_name))
    return Recipe(tuple(parts), options, display, state.atlas)


def recipe_of_training(
    state: SessionState,
    film: Mapping[str, Sequence[Frame]],
    options: FigureOptions,
    display: Display,
) -> Recipe | None:
    """Of a figure of one training or two."""
    parts: list[RunPart] = []
    for slot in SLOTS:
        run, facts = state.run_in(slot), state.facts(slot)
        if run is None or facts is None or len(facts.snapshots) < 2:
            continue
        frames = film.get(slot) or ()
        frame = max(frames, key=lambda one: one.place.step, default=state.frames.of(slot))
        if frame is None:
            return None
        parts.append(frame_part(frame))
    obstacle = _FILTERED if display.filtered_curves and state.filter else ""
    return Recipe(tuple(parts), options, display, obstacle=obstacle)


def recipe_of_checks(
    state: SessionState,
    run: OpenRun,
    picture: ChecksPicture,
    options: FigureOptions,
    display: Display,
) -> Recipe | None:
    """Of a figure of a check; None where its file is not known."""
    checks = checks_of(state)
    if checks is None or checks.path is None:
        return None
    about = ChecksPart(
        file_name(checks.path.name),
        digest_of(checks.path),
        picture.operator,
        picture.focus,
        picture.turned,
    )
    recording = str(picture.report.facts.get("recording") or "")
    part = RunPart(file_name(run.path.name), recording)
    return Recipe((part,), options, display, checks=about)


def preset_choices() -> dict[str, str]:
    """The widths of papers' columns by what they are called, and none of them first."""
    named = {f"{name.replace('-', ', ')} ({width_of(name):g} mm)": name for name in WIDTHS}
    return {"Any width": "", **named}


def heads_of(state: SessionState) -> HeadNumbers | None:
    """What is known of all heads, where that is shown."""
    result = state.studies.get("heads")
    value = result.value if result is not None else None
    return value if isinstance(value, HeadNumbers) else None


def report_of(state: SessionState) -> Report | None:
    """The checks that are shown, where their view is."""
    checks = checks_of(state)
    return checks.report if checks is not None else None


def courses_of(state: SessionState) -> tuple[Course, ...]:
    """What was read of the training that is shown."""
    result = state.studies.get("training")
    return result.value if result is not None and isinstance(result.value, tuple) else ()


def film_of(state: SessionState) -> dict[str, list[Frame]]:
    """By slot, what was read of the example at every snapshot, at the step that is shown."""
    result = state.studies.get("film")
    if result is None or not isinstance(result.value, FilmFrames):
        return {}
    film = result.value
    return {
        slot: [frame_at_step(frame, state.place.step) for frame in film.of(slot)] for slot in SLOTS
    }
