"""Figures of curves: a training with its film, and the tracks of the timeline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QGuiApplication, QPainter

from hardattn_viewer.drawing.cells import cell_picture, cell_scale, paint_cell
from hardattn_viewer.drawing.curves import CurvesPicture, paint_curves
from hardattn_viewer.drawing.frame_words import mechanism_words, step_words
from hardattn_viewer.drawing.headings import HEADING_HEIGHT, paint_badge, paint_heading
from hardattn_viewer.drawing.scale import paint_scale_bar
from hardattn_viewer.drawing.text import Words, amount, draw_text, line_height, plain
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.figures.blocks import (
    GAP,
    MARGIN,
    SCALE,
    Block,
    Page,
    Paint,
    caption_block,
    whole,
)
from hardattn_viewer.figures.curve_numbers import (
    timeline_csv,
    timeline_npz,
    training_csv,
    training_npz,
)
from hardattn_viewer.figures.figure import Figure, Written
from hardattn_viewer.figures.options import FigureError, FigureOptions
from hardattn_viewer.session.curves import Line, Panel, panels_of
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.state import SLOTS, Frames
from hardattn_viewer.session.tracks import tracks_of
from hardattn_viewer.session.training_course import Course
from recorders.version import PRODUCER

_PANEL = (190.0, 112.0)
_TRACK = 92.0
_CELL = 58.0
_BADGE = 24.0
MOST_PICTURES = 12


def make_training_figure(
    courses: Sequence[Course],
    film: Mapping[str, Sequence[Frame]],
    options: FigureOptions,
    display: Display,
) -> Figure:
    """A figure of a training: curves, and below them the example at some of its snapshots.

    Args:
        courses: of one run, or of A and B.
        film: by slot, the frames of one example, in the order of training; may be empty.
        options: size, type and theme.
        display: which curves are drawn, and how the pictures are.

    Raises:
        FigureError: no run has snapshots with numbers.
    """
    _need_application()
    panels = panels_of(courses, display.curves, log=display.log_curves)
    if not panels:
        raise FigureError("no run holds snapshots with numbers; see recorder.snapshot")
    theme = options.theme
    inner = whole(options.width - 2 * MARGIN)
    columns = max(1, min(len(panels), round(inner / _PANEL[0])))
    lines = math.ceil(len(panels) / columns)
    picture = CurvesPicture(panels, courses[0].steps.astype(np.float64), columns=columns)
    parts: list[tuple[float, Paint]] = [_heading(courses, theme)]
    parts.append((lines * _PANEL[1], lambda p, rect: paint_curves(p, rect, picture, theme)))
    shown: dict[str, list[Frame]] = {
        slot: _few(film[slot], inner) for slot in SLOTS if film.get(slot)
    }
    frames = [frame for slot in shown for frame in shown[slot]]
    together = replace(display, scale="shared")
    scale = cell_scale(frames[0], frames, together) if frames else 1.0
    for slot, some in shown.items():
        parts.append(_film_row(slot if len(shown) > 1 else "", some, display, scale, inner, theme))
    if frames:
        scope = "snapshots shown"
        parts.append(
            (
                SCALE,
                lambda p, rect: paint_scale_bar(
                    p, rect, scale, scope, theme, colours=display.colours
                ),
            )
        )
    words = _training_caption(courses, shown, scale, display)
    names = " and ".join(plain(course.run_name) for course in courses)
    written = Written(
        f"Training of {names}",
        lambda: training_csv(courses),
        lambda caption: training_npz(courses, shown, caption),
    )
    page = _page(parts, words, options, (scale,))
    return Figure(replace(options, view="training"), tuple(frames), page, written)


def make_timeline_figure(
    frames: Mapping[str, Frame],
    options: FigureOptions,
    display: Display,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """A figure of the timeline: entropy, p(selected) and reward over the steps of an example.

    Args:
        frames: by slot, one run or two at the same example.
        options: size, type and theme.
        display: not used by curves; kept for the same call as of other figures.
        ranges: by the names of tracks, the ends of their axes; None is as the frames have them.

    Raises:
        FigureError: no run holds numbers of its steps.
    """
    _need_application()
    tracks = tracks_of(Frames(frames.get("A"), frames.get("B")))
    if not tracks:
        raise FigureError("the runs hold no numbers of the steps of this example")
    panels = tuple(
        Panel(
            track.name,
            track.name,
            "",
            tuple(
                Line(
                    curve.slot,
                    curve.hard,
                    np.arange(1.0, curve.values.size + 1),
                    curve.values,
                    None,
                    curve.line,
                    curve.words,
                )
                for curve in track.curves
            ),
            *(ranges or {}).get(track.name, (track.low, track.high)),
        )
        for track in tracks
    )
    theme = options.theme
    present = list(frames.values())
    steps = max(frame.steps for frame in present)
    at = present[0].place.step
    stops = np.arange(1.0, steps + 1)
    picture = CurvesPicture(panels, stops, at=at, axis="step", columns=1)
    parts: list[tuple[float, Paint]] = [
        _runs_heading([(slot, f.run_name, f.hard) for slot, f in frames.items()], theme),
        (len(panels) * _TRACK, lambda p, rect: paint_curves(p, rect, picture, theme)),
    ]
    words = _timeline_caption(frames, panels)
    written = Written(
        f"Steps of example {plain(present[0].example_name)}",
        lambda: timeline_csv(frames, tracks),
        lambda caption: timeline_npz(frames, caption),
    )
    page = _page(parts, words, options, ())
    return Figure(replace(options, view="timeline"), tuple(present), page, written)


def timeline_ranges(several: Sequence[Mapping[str, Frame]]) -> dict[str, tuple[float, float]]:
    """By the names of tracks, axes that hold the curves of several timelines."""
    found: dict[str, tuple[float, float]] = {}
    for frames in several:
        for track in tracks_of(Frames(frames.get("A"), frames.get("B"))):
            low, high = found.get(track.name, (track.low, track.high))
            found[track.name] = (min(low, track.low), max(high, track.high))
    return found


def _need_application() -> None:
    if QGuiApplication.instance() is None:
        raise FigureError("no QGuiApplication is running; create one before making figures")


def _heading(courses: Sequence[Course], theme: Theme) -> tuple[float, Paint]:
    return _runs_heading([(c.slot, c.run_name, c.hard) for c in courses], theme)


def _runs_heading(runs: Sequence[tuple[str, str, bool]], theme: Theme) -> tuple[float, Paint]:
    """The names of the runs, each in its colour, with its letter where there are two."""
    words: list[Words] = []
    for at, (slot, name, hard) in enumerate(runs):
        colour = theme.hard_text if hard else theme.soft_text
        lead = f"{'      ' if at else ''}{slot}  " if len(runs) > 1 else ""
        words += [Words(lead, colour=colour), Words(f"{plain(name)}    ", bold=True)]
        words.append(Words("hard" if hard else "soft", colour=colour))
    return HEADING_HEIGHT, lambda painter, rect: paint_heading(painter, rect, words, theme)


def _few(frames: Sequence[Frame], width: float) -> list[Frame]:
    """As many frames as stay legible, the first and the last among them."""
    most = max(2, min(MOST_PICTURES, int((width - _BADGE + GAP) / (_CELL + GAP))))
    if len(frames) <= most:
        return list(frames)
    chosen = np.unique(np.linspace(0, len(frames) - 1, most).round().astype(int))
    return [frames[at] for at in chosen.tolist()]


def _film_row(
    slot: str, frames: list[Frame], display: Display, scale: float, width: float, theme: Theme
) -> tuple[float, Paint]:
    left = _BADGE if slot else 0.0
    count = len(frames)
    side = min((width - left - (count - 1) * GAP) / count, 150.0)
    label = line_height(theme, theme.size_small) + 3
    small = replace(display, path=False)
    pictures = [cell_picture(frame, small, scale) for frame in frames]

    def paint(painter: QPainter, rect: QRectF) -> None:
        if slot:
            box = QRectF(rect.left(), rect.top() + label, 18, 18)
            paint_badge(painter, box, slot, theme)
        for at, (frame, picture) in enumerate(zip(frames, pictures, strict=True)):
            x = rect.left() + left + at * (side + GAP)
            draw_text(
                painter,
                QRectF(x, rect.top(), side, label - 2),
                f"{frame.training_step or 0:,}",
                theme,
                size=theme.size_small,
                colour=theme.muted,
                align="centre",
            )
            place = QRectF(x, rect.top() + label, side, side)
            painter.save()
            painter.setClipRect(place)
            paint_cell(painter, place, picture, theme)
            painter.restore()

    return label + side, paint


def _page(
    parts: list[tuple[float, Paint]],
    words: str,
    options: FigureOptions,
    scales: tuple[float, ...],
) -> Page:
    inner = whole(options.width - 2 * MARGIN)
    if options.caption:
        parts.append(caption_block(words, inner, options.theme))
    blocks, y = [], MARGIN
    for height, paint in parts:
        blocks.append(Block(QRectF(MARGIN, y, inner, height), paint))
        y += height + GAP
    return Page(options.width, y - GAP + MARGIN, tuple(blocks), words, scales, None)


def _training_caption(
    courses: Sequence[Course],
    film: Mapping[str, Sequence[Frame]],
    scale: float,
    display: Display,
) -> str:
    parts = []
    for course in courses:
        slot = f"{course.slot}: " if len(courses) > 1 else ""
        of = "" if course.done == course.total else f" of {course.total:,}"
        parts.append(
            f"{slot}{plain(course.run_name)}, {'hard' if course.hard else 'soft'}, "
            f"{len(course.steps)} snapshots of {course.done:,}{of} examples"
        )
    text = f"Training of {'; '.join(parts)}. "
    if any(course.means for course in courses):
        text += "Solid: mean over examples, with a 95\u00a0% interval of it. "
    if any(course.told for course in courses):
        text += "Dashed: told by training. "
    frames = [frame for some in film.values() for frame in some]
    if frames:
        text += (
            f"Below: example {plain(frames[0].example_name)}, {step_words(frames[0])}, "
            f"by training step; colour ({display.colours}): 0\u00a0–\u00a0{amount(scale)}, "
            "all snapshots shown. "
        )
    return text + f"Drawn by {PRODUCER}."


def _timeline_caption(frames: Mapping[str, Frame], panels: Sequence[Panel]) -> str:
    first = next(iter(frames.values()))
    runs = [
        f"{slot + ': ' if len(frames) > 1 else ''}{plain(frame.run_name)}, "
        f"{mechanism_words(frame).lower()}"
        for slot, frame in frames.items()
    ]
    signs = dict.fromkeys(
        f"{line.style}: {line.words}"
        for panel in panels
        for line in panel.lines
        if line.style != "solid"
    )
    text = f"Steps of example {plain(first.example_name)}. {'; '.join(runs)}. "
    text += f"The line marks {step_words(first)}. "
    if signs:
        said = "; ".join(signs)
        text += f"{said[0].upper()}{said[1:]}. "
    return text + f"Drawn by {PRODUCER}."
