"""Which views there are to export, by the names that the dialogs give them."""

from __future__ import annotations

from hardattn_viewer.app.export_recipes import courses_of, heads_of, report_of
from hardattn_viewer.figures.figure import usual_view
from hardattn_viewer.figures.series import VIEWS
from hardattn_viewer.session.state import SessionState

_HEADS = "All heads"


def figure_views(state: SessionState) -> dict[str, str]:
    """Views that a figure can be made of now."""
    # The picture of one run is what the window shows of its keys: regions or tokens.
    frame = state.frame
    usual = usual_view(frame) if frame is not None else "regions"
    views: dict[str, str] = {"Overlay" if usual == "regions" else "Tokens": usual}
    if frame is not None and (usual == "tokens" or frame.queries > 1):
        views["Matrix of queries and keys"] = "matrix"
    if heads_of(state) is not None:
        views[_HEADS] = "heads"
    views["A, B and B − A"] = "compare"
    if state.frames.steps > 1:
        views["Timeline"] = "timeline"
    if report_of(state) is not None:
        views["Faithfulness"] = "faithfulness"
    if courses_of(state):
        views["Training"] = "training"
    return views


def series_views(state: SessionState) -> dict[str, str]:
    """Views that a series can be made of; what they need of all heads is read for it."""
    views = {words: view for words, view in figure_views(state).items() if view in VIEWS}
    return {**views, _HEADS: "heads"}
