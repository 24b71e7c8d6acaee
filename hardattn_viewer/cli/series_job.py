"""Draws a series in a process of its own, for the window: asked on standard input, told on output.

Input is one JSON object, which ``hardattn_viewer.app.series_job`` writes. Output is one JSON object
a line: ``{"done", "total"}`` while it goes on, ``{"frame", "of", "png"}`` for a preview,
``{"error"}`` where it cannot be done.
"""

from __future__ import annotations

import base64
import json
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hardattn_viewer.cli.drawing_only import drawing_application
from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.runs import open_run


def main() -> int:
    """Do what standard input asks for."""
    # So that files which are not finished are taken away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    from hardattn_viewer.figures.options import FigureError
    from hardattn_viewer.session.series import SeriesError
    from recorders import RunError

    asked = json.loads(sys.stdin.readline())
    try:
        _draw(asked)
    except (CommandError, FigureError, SeriesError) as error:
        _tell({"error": str(error)})
        return 1
    except (IndexError, KeyError, RunError) as error:
        _tell({"error": str(error.args[0])})
        return 1
    return 0


def _draw(asked: dict[str, Any]) -> None:
    from hardattn_viewer.figures.making import left_out_of
    from hardattn_viewer.figures.recipe import Recipe
    from hardattn_viewer.figures.series_file import check_path, recipe_of_series, write_series
    from hardattn_viewer.figures.series_part import SeriesPart, Timing
    from hardattn_viewer.session.atlas import Atlas
    from hardattn_viewer.session.display import Display
    from hardattn_viewer.session.frames import Place
    from hardattn_viewer.session.plain import with_plain
    from hardattn_viewer.session.series import read_series

    path = Path(asked["output"])
    check_path(asked["view"], path)
    unfit: list[str] = []
    heads = asked["view"] == "heads"
    display = with_plain(Display(), asked["display"], unfit)
    places = [with_plain(Place(), place, unfit) for place in asked["places"]]
    with ExitStack() as stack:
        runs = [stack.enter_context(open_run(one)) for one in asked["runs"]]
        total = len(asked["wanted"])
        series = read_series(
            runs,
            places,
            asked["over"],
            asked["wanted"],
            lambda done: _tell({"done": done, "total": 2 * total}),
            heads=heads,
        )
        how = SeriesPart(timing=Timing(asked["fps"], asked["hold"]))
        atlas = with_plain(Atlas(), asked["atlas"], unfit) if heads else None
        recipe = Recipe((), _figure(asked), display, atlas, series=how)
        recipe = recipe_of_series(series, places, asked["runs"], recipe)
        with drawing_application():
            if asked["preview"]:
                _preview(series, recipe, path, int(asked["preview"]))
            else:
                write_series(
                    path,
                    series,
                    recipe,
                    left_out_of(runs),
                    lambda done, of: _tell({"done": total * (1 + done / of), "total": 2 * total}),
                )


def _figure(asked: dict[str, Any]) -> Any:
    from hardattn_viewer.drawing.theme import DARK, LIGHT
    from hardattn_viewer.figures.options import FigureOptions

    return FigureOptions(
        view=asked["view"],
        width_mm=asked["width_mm"],
        font_pt=asked["font_pt"],
        theme=DARK if asked["theme"] == "dark" else LIGHT,
        caption=asked["caption"],
    )


def _preview(series: Any, recipe: Any, path: Path, width: int) -> None:
    """Every frame of an animation, or the first page of a sheet, as wide as asked."""
    from hardattn_viewer.figures.animation import SUFFIXES, make_animation
    from hardattn_viewer.figures.sheet import make_sheet

    figure, display = recipe.options, recipe.display
    view = figure.view
    if path.suffix.lower() not in SUFFIXES:
        paged = path.suffix.lower() == ".pdf"
        sheet = make_sheet(view, series, figure, display, recipe.series.grid, paged=paged)
        _show(sheet.image(width), 0, 1)
        return
    # Laid out as the file is, so that what cannot be written is said now.
    made = make_animation(view, series, figure, display, atlas=recipe.atlas)
    for at in range(len(made.figures)):
        _show(made.frame(at, width), at, len(made.figures))


def _show(image: Any, at: int, of: int) -> None:
    from PySide6.QtCore import QBuffer, QIODevice

    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG", 80)
    png = base64.b64encode(bytes(buffer.data().data())).decode()
    _tell({"frame": at, "of": of, "png": png})


def _tell(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    sys.exit(main())
