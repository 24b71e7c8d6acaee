"""What a figure was made of, as one JSON string: enough to make it again, and to see what it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hardattn_viewer.drawing.scale import scope_words
from hardattn_viewer.drawing.text import plain as plain_text
from hardattn_viewer.drawing.theme import LIGHT, THEMES
from hardattn_viewer.figures.blocks import Page
from hardattn_viewer.figures.options import FigureError, FigureOptions
from hardattn_viewer.figures.series_part import SeriesPart
from hardattn_viewer.session.atlas import Atlas
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame, Place
from hardattn_viewer.session.plain import UnfitError, plain, value_of
from recorders.run.fingerprint import RunMark
from recorders.version import PRODUCER

FORMAT = 1
MOST_BYTES = 1 << 18
"""A recipe is a few kilobytes; what is longer was not written by this program."""


@dataclass(frozen=True)
class RunPart:
    """One run of a figure, and the place in it.

    Attributes:
        file: name of its file, perhaps with folders below the one that the figure was made in.
        recording: random name of the recording; may be empty.
        fingerprint: digest of its content; empty where it was not opened.
        example_name: the example's name.
        place: where the figure looks.
        has_example: whether it holds the example; a training is shown of runs that do not, too.
    """

    file: str
    recording: str = ""
    fingerprint: str = ""
    example_name: str = ""
    place: Place = field(default_factory=Place)
    has_example: bool = True

    def __post_init__(self) -> None:
        expect_harmless(self.file)
        place = self.place
        # The last step of a series, whichever that is, is -1.
        numbers = (place.example, place.step + 1, place.snapshot, place.head, place.query)
        if any(number is not None and number < 0 for number in (*numbers, *place.also)):
            raise FigureError("a place in it is below zero")


@dataclass(frozen=True)
class ChecksPart:
    """The checks of faithfulness that a figure shows.

    Attributes:
        file: name of their file.
        fingerprint: SHA-256 of that file.
        operator: whose curves are drawn; empty for the first.
        focus: the explanation whose verdict is written out; empty for the usual one.
        turned: whether the curves of that one are drawn turned round as well.
    """

    file: str
    fingerprint: str
    operator: str = ""
    focus: str = ""
    turned: bool = False

    def __post_init__(self) -> None:
        expect_harmless(self.file)


@dataclass(frozen=True)
class Recipe:
    """Everything that a figure is made of.

    Attributes:
        runs: A, and B where there are two.
        options: view, size, type, theme.
        display: how attention is drawn.
        atlas: how all heads are shown, for the view of heads.
        checks: for the view of faithfulness.
        series: the places of an animation or of a contact sheet; None for a single one.
        obstacle: why the figure cannot be made again from this, in a sentence; usually empty.
        shown: what the figure says of itself: caption, normalisation, scales, what was left out.
            Nothing is made of it.
        producer: the program that made the figure.
    """

    runs: tuple[RunPart, ...]
    options: FigureOptions
    display: Display = field(default_factory=Display)
    atlas: Atlas | None = None
    checks: ChecksPart | None = None
    series: SeriesPart | None = None
    obstacle: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)
    producer: str = PRODUCER

    def __post_init__(self) -> None:
        if self.series is None and any(part.place.step < 0 for part in self.runs):
            raise FigureError("a step in it is below zero")

    def as_json(self) -> str:
        """One line of ASCII, the same for the same recipe."""
        options = {**plain(replace(self.options, theme=LIGHT)), "theme": self.options.theme.name}
        facts = {
            "hardattn_figure": FORMAT,
            "producer": self.producer,
            "runs": plain(self.runs),
            "options": options,
            "display": plain(self.display),
            "atlas": plain(self.atlas),
            "checks": plain(self.checks),
            "series": plain(self.series),
            "obstacle": self.obstacle,
            "shown": self.shown,
        }
        return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def expect_harmless(path: str) -> None:
    """Refuse a name from a figure that leads out of the folder that it is looked for in.

    Raises:
        FigureError: it does.
    """
    parts = path.split("/")
    ill = any(part in ("", ".", "..") or part.startswith("~") for part in parts)
    if ill or any(c in path for c in "\\:") or not path.isprintable() or len(path) > 400:
        raise FigureError(f"the name of a file in it, “{plain_text(path)[:60]}”, is not allowed")


def run_part(
    mark: RunMark | None, place: Place, example_name: str = "", file: str | None = None
) -> RunPart:
    """What a recipe says of a run.

    Args:
        mark: by which it is known again; None for a frame that was not read from one.
        place: where the figure looks.
        example_name: the example's name.
        file: the path as it was named, where that says more than the name of the file.
    """
    if mark is None:
        return RunPart("unnamed", example_name=example_name, place=place)
    # A URL may carry a password or a token; its name alone does not.
    name = file_name(mark.file if file is None or "://" in file else file)
    return RunPart(name, mark.recording, mark.fingerprint, example_name, place)


def file_name(path: str | Path) -> str:
    """A path as a recipe holds it: as it is where it lies below the current folder, else its name.

    Nobody's home folder is told to whoever gets a figure.
    """
    text = str(path).rstrip("/").removeprefix("./")
    for candidate in (text, text.rpartition("/")[2]):
        try:
            expect_harmless(candidate)
        except FigureError:
            continue
        return candidate
    return "unnamed"


def digest_of(path: Path) -> str:
    """``"sha256:"`` and the SHA-256 of a file; empty where it cannot be read."""
    try:
        return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    except OSError:
        return ""


def frame_part(frame: Frame, file: str | None = None) -> RunPart:
    """What a recipe says of the run of a frame: the place as it was asked for."""
    return run_part(frame.source, asked_place(frame), frame.example_name, file)


def asked_place(frame: Frame) -> Place:
    """The place of a frame with the site and the snapshot that it is at, and the query asked for.

    At other steps than the frame's the usual query may be another one.
    """
    asked, also, words = frame.asked_query, frame.asked_also, frame.by_words
    return replace(frame.place, query=asked, also=also, words=words)


def told_by(recipe: Recipe, page: Page, left_out: Sequence[str] = ()) -> Recipe:
    """The recipe with what its figure says of itself.

    Args:
        recipe: of the figure.
        page: the page, or the first of several.
        left_out: what the runs did not record, in sentences.
    """
    facts: dict[str, Any] = {"caption": page.caption, "left_out": list(left_out)}
    if recipe.options.view in ("regions", "tokens", "matrix", "compare"):
        names = ("A", "B") if len(recipe.runs) == 2 else ()
        facts["normalisation"] = scope_words(recipe.display, names)
    facts["scales"] = [float(scale) for scale in page.scales]
    if page.difference is not None:
        facts["difference"] = float(page.difference)
    return replace(recipe, shown=facts)


def recipe_from(text: str) -> Recipe:
    """The recipe that a figure carries, every value of it checked.

    Raises:
        FigureError: it is none, or holds what no recipe holds; half a sentence.
    """
    if len(text) > MOST_BYTES:
        raise FigureError(f"it is {len(text):,} bytes long, more than any recipe")
    try:
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise FigureError("it is not JSON") from None
    if not isinstance(data, dict) or not isinstance(data.get("hardattn_figure"), int):
        raise FigureError("it is not a recipe of hardattn")
    if data["hardattn_figure"] != FORMAT:
        raise FigureError("another version of hardattn wrote it; use that one, or update hardattn")
    options = _fit(dict, data.get("options"), "options")
    theme = THEMES.get(str(options.pop("theme", "light")))
    if theme is None:
        raise FigureError("it names a theme that there is not")
    made = Recipe(
        runs=_fit(tuple[RunPart, ...], data.get("runs"), "runs"),
        options=replace(_fit(FigureOptions, options, "options"), theme=theme),
        display=_fit(Display, data.get("display"), "display"),
        atlas=_fit(Atlas | None, data.get("atlas"), "atlas"),
        checks=_fit(ChecksPart | None, data.get("checks"), "checks"),
        series=_fit(SeriesPart | None, data.get("series"), "series"),
        obstacle=_fit(str, data.get("obstacle", ""), "obstacle"),
        shown=_fit(dict, data.get("shown", {}), "shown"),
        producer=_fit(str, data.get("producer", ""), "producer"),
    )
    if not 1 <= len(made.runs) <= 2:
        raise FigureError(f"it names {len(made.runs):,} runs, not one or two")
    return made


def _fit(hint: Any, data: Any, what: str) -> Any:
    if hint is dict:
        if isinstance(data, dict):
            return dict(data)
        raise FigureError(f"its {what} are no object")
    try:
        return value_of(hint, data)
    except UnfitError:
        raise FigureError(f"its {what} are not what hardattn writes") from None


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
