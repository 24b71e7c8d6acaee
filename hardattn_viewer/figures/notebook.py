"""Figures in a notebook or a script: ``run.figure(...)``, without a window or an application."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardattn_viewer.checks.file import ChecksError, checks_path, read_checks
from hardattn_viewer.checks.report import Report
from hardattn_viewer.drawing.theme import THEMES
from hardattn_viewer.figures.application import drawing_application
from hardattn_viewer.figures.figure import usual_view
from hardattn_viewer.figures.files import write_whole
from hardattn_viewer.figures.making import layout_of, most_steps, read_frame
from hardattn_viewer.figures.options import FigureError, FigureOptions
from hardattn_viewer.figures.recipe import (
    ChecksPart,
    Recipe,
    RunPart,
    digest_of,
    file_name,
    run_part,
)
from hardattn_viewer.figures.widths import WIDTHS, width_of
from hardattn_viewer.session.atlas import Atlas
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Place
from recorders.run.errors import RunError

if TYPE_CHECKING:
    from recorders.run.reader import Run
    from recorders.run.records import Example, Site

_OPTIONS = ("width_mm", "font_pt", "dpi", "caption", "all_steps")
_DISPLAY = tuple(field.name for field in fields(Display) if field.name != "image_view")


class RunFigure:
    """A figure of a run. A notebook shows it; ``save`` writes it.

    Attributes:
        caption: what is shown and where it comes from, in full sentences.
        size_mm: width and height on paper.
    """

    def __init__(self, recipe: Recipe, runs: Sequence[Run], report: Report | None = None) -> None:
        self._lay_out = layout_of(recipe, runs, report)
        with drawing_application():
            figure = self._lay_out()
            self._svg = figure.svg()
        self._title = figure.title
        self.caption = figure.caption
        self.size_mm = figure.size_mm

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the figure (.svg, .pdf, .png), or the numbers behind it (.csv, .npz).

        Args:
            path: where; an existing file is replaced, whole or not at all.

        Raises:
            recorders.RunError: unknown suffix, or the place cannot be written; one sentence.
        """
        target = Path(path)
        try:
            if target.suffix.lower() == ".svg":
                write_whole(target, self._svg)
                return
            with drawing_application():
                self._lay_out().save(target)
        except FigureError as error:
            raise RunError(str(error)) from error

    @cached_property
    def svg(self) -> str:
        """The figure as SVG."""
        return self._svg.decode()

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        width, height = self.size_mm
        return f"<{self._title}: {width:g} × {height:g} mm>"


def figure(
    run: Run,
    *,
    view: str | None = None,
    example: int | Example = 0,
    step: int | None = None,
    site: str | Site | None = None,
    snapshot: int | None = None,
    head: int | None = None,
    query: int | Sequence[int] | None = None,
    beside: Run | None = None,
    **looks: Any,
) -> RunFigure:
    """What ``Run.figure`` is; see there.

    Raises:
        recorders.RunError: the run does not hold what is named, or it cannot be drawn; one
            sentence.
        TypeError: there is no such option.
    """
    try:
        shown = view or ("compare" if beside is not None else None)
        options, display = _looks(looks)
        asked = (query,) if isinstance(query, int) else tuple(query or ())
        number = example if isinstance(example, int) else example.index
        place = Place(
            example=number,
            step=0,
            snapshot=snapshot,
            site=site if isinstance(site, str | None) else site.name,
            head=head,
            query=asked[0] if asked else None,
            also=asked[1:],
            words=display.subwords == "words",
        )
        if shown == "faithfulness":
            return _of_checks(run, options, display)
        recipe_runs, parts = [run], [_part(run, place, step, shown)]
        if beside is not None:
            recipe_runs.append(beside)
            parts.append(_beside(beside, parts[0], step, shown))
        chosen = shown or usual_view(read_frame(run, parts[0].place))
        options = {**options, "view": chosen}
        atlas = Atlas() if chosen == "heads" else None
        recipe = Recipe(tuple(parts), FigureOptions(**options), display, atlas)
        return RunFigure(recipe, recipe_runs)
    except (FigureError, IndexError) as error:
        raise RunError(str(error.args[0])) from error


def _looks(looks: dict[str, Any]) -> tuple[dict[str, Any], Display]:
    """Options of the figure and of what is drawn, from those of a call."""
    told = dict(looks)
    options: dict[str, Any] = {"width_mm": 160.0}
    preset, theme, table = (told.pop(name, None) for name in ("preset", "theme", "map"))
    if preset is not None:
        if preset not in WIDTHS:
            raise FigureError(f"there is no preset {preset!r}; choose one of {', '.join(WIDTHS)}")
        options["width_mm"] = width_of(preset)
    if theme is not None:
        if theme not in THEMES:
            raise FigureError(f"there is no theme {theme!r}; choose one of {', '.join(THEMES)}")
        options["theme"] = THEMES[theme]
    options |= {name: told.pop(name) for name in _OPTIONS if name in told}
    drawn = {name: told.pop(name) for name in _DISPLAY if name in told}
    if table is not None:
        drawn["colours"] = table
    if told:
        known = ("preset", "theme", "map", *_OPTIONS, *_DISPLAY)
        raise TypeError(f"figure() has no option {next(iter(told))!r}; it has {', '.join(known)}")
    try:
        return options, Display(**drawn)
    except ValueError as error:
        raise FigureError(str(error)) from error


def _part(run: Run, place: Place, step: int | None, view: str | None) -> RunPart:
    """The place in a run, at its last step where none is named."""
    count = len(run.examples)
    if not 0 <= place.example < count:
        raise FigureError(f"{run.path} has no example {place.example}; it has {count}, from 0")
    if step is None:
        name = place.site or (run.sites[0].name if len(run.sites) else "")
        steps = most_steps(run, place) if view == "heads" else run.steps(name, place.example)
        step = max(steps - 1, 0)
    at, name = replace(place, step=step), run.examples[place.example].name
    return run_part(run.mark, at, name, str(run.path))


def _beside(run: Run, first: RunPart, step: int | None, view: str | None) -> RunPart:
    """The same example in the second run, at its first site."""
    names = [example.name for example in run.examples]
    if first.example_name not in names:
        raise FigureError(f"{run.path} does not hold the example “{first.example_name}”")
    place = first.place
    there = Place(
        example=names.index(first.example_name),
        head=place.head,
        query=place.query,
        also=place.also,
        words=place.words,
    )
    return _part(run, there, step, view)


def _of_checks(run: Run, options: dict[str, Any], display: Display) -> RunFigure:
    """The checks that lie beside a run."""
    if not isinstance(run.path, Path):
        raise FigureError("checks of runs on other machines are kept beside a copy")
    path = checks_path(run.path)
    try:
        report = read_checks(path)
    except ChecksError as error:
        raise FigureError(str(error)) from error
    about = ChecksPart(file_name(path.name), digest_of(path))
    part = RunPart(file_name(run.path), run.recording, run.fingerprint)
    figure_options = FigureOptions(**{**options, "view": "faithfulness"})
    return RunFigure(Recipe((part,), figure_options, display, checks=about), (), report)
