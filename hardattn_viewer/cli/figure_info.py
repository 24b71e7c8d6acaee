"""``hardattn info FIGURE``: what an exported figure says that it was made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hardattn_viewer.cli.errors import CommandError
from recorders.run.text import visible

SUFFIXES = (".svg", ".pdf", ".png", ".gif", ".mp4", ".npz")


def is_figure(path: str) -> bool:
    """Whether a path is by its name that of a figure and not of a run."""
    return "://" not in path and Path(path).suffix.lower() in SUFFIXES


def describe_figure(path: str) -> dict[str, Any]:
    """What a figure carries, as plain JSON values.

    Raises:
        CommandError: it carries nothing that can be used; the sentence says why.
    """
    from hardattn_viewer.figures.embedding import recipe_in
    from hardattn_viewer.figures.options import FigureError

    try:
        facts: dict[str, Any] = json.loads(recipe_in(Path(path)).as_json())
    except FigureError as error:
        raise CommandError(str(error)) from error
    return {"path": path, **facts}


def figure_in_words(facts: dict[str, Any]) -> str:
    """The same facts for a terminal."""
    options, display = facts["options"], facts["display"]
    lines = [f"{facts['path']} · figure, view {options['view']}, by {facts['producer']}"]
    for slot, part in zip("AB", facts["runs"], strict=False):
        place = part["place"]
        head = "mean over heads" if place["head"] is None else f"head {place['head']}"
        lines.append(
            f"  run {slot}      {part['file']}, recording {part['recording'] or 'unnamed'}"
        )
        lines.append(f"             {part['fingerprint'] or 'not fingerprinted'}")
        over = "" if facts["series"] is None else facts["series"]["over"]
        where = {
            "examples": f"example {place['example']} ({part['example_name']})",
            "steps": f"step {place['step']}" if place["step"] >= 0 else "the last step",
            "site": f"site {place['site'] or 'first'}",
            "heads": head,
            "query": "" if place["query"] is None else f"query {place['query']}",
        }
        shown = [words for what, words in where.items() if words and what != over]
        lines.append(f"  shows      {', '.join(shown)}")
    if facts["series"] is not None:
        lines.append(f"  series     {_series_in_words(facts['series'])}")
    if facts["checks"] is not None:
        lines.append(f"  checks     {facts['checks']['file']}, {facts['checks']['fingerprint']}")
    lines.append(
        f"  size       {options['width_mm']:g} mm wide, {options['font_pt']:g} pt, "
        f"{options['dpi']} dpi as PNG, {options['theme']}, {display['colours']}"
    )
    said = facts["shown"]
    for name, key in (("scale", "normalisation"), ("caption", "caption")):
        if isinstance(said.get(key), str):
            lines.append(f"  {name:<10} {said[key]}")
    left_out = said.get("left_out")
    lines += [f"  left out   {one}" for one in (left_out if isinstance(left_out, list) else ())]
    if facts["obstacle"]:
        lines.append(f"  not again  {facts['obstacle']}")
    # A file from elsewhere may hold what a terminal would obey.
    return "\n".join(visible(line) for line in lines)


def _series_in_words(series: dict[str, Any]) -> str:
    at, over = series["at"], series["over"]
    even = at == list(range(at[0], at[-1] + 1))
    which = f"{at[0]}:{at[-1] + 1}" if even else ", ".join(map(str, at[:20]))
    which += "" if even or len(at) <= 20 else ", …"
    return f"{len(at):,} {over if len(at) > 1 else over.removesuffix('s')}: {which}"
