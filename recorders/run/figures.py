"""Figures of a run: what draws them is looked up by name when the first one is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from recorders.run.errors import RunError

if TYPE_CHECKING:
    from recorders.run.reader import Run
    from recorders.run.records import Example, Site

# Named and not imported: a run must be read where no viewer is installed, and reading loads none.
_DRAWER = "hardattn_viewer.figures.notebook"


class RunFigure(Protocol):
    """A figure of a run, which a notebook shows.

    Attributes:
        caption: what is shown and where it comes from, in full sentences.
        size_mm: width and height on paper.
        svg: the figure as SVG.
    """

    caption: str
    size_mm: tuple[float, float]

    @property
    def svg(self) -> str:
        """The figure as SVG."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the figure (.svg, .pdf, .png), or the numbers behind it (.csv, .npz)."""

    def _repr_svg_(self) -> str: ...

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, str]: ...


class RunFigures:
    """The part of a run that makes figures."""

    def figure(
        self,
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
        """The figure that the app and ``hardattn export`` make, for a notebook or a script.

        It needs the viewer's packages, and neither a display nor a running Qt application. What is
        shown is read at once, so that the run may be closed afterwards.

        Args:
            view: ``"regions"``, ``"tokens"``, ``"matrix"``, ``"heads"``, ``"compare"``,
                ``"timeline"``, ``"training"`` or ``"faithfulness"`` (the checks beside the run);
                None is what keys are: regions or tokens.
            example: an index into ``examples``, or an item of it.
            step: the step; None is the last.
            site: a name, or an item of ``sites``; None is the first.
            snapshot: index of a snapshot; None is the last.
            head: the head; None is the mean over heads.
            query: the query, or several whose rows are averaged; None is the usual one.
            beside: a second run, for ``"compare"`` (then the usual view), ``"timeline"``,
                ``"training"`` and ``"heads"``.
            looks: ``width_mm`` or ``preset`` (a paper's column, such as ``"icml-column"``),
                ``font_pt``, ``dpi`` (of PNG), ``theme`` (``"light"``, ``"dark"``), ``map``
                (``"viridis"``, ``"cividis"``), ``caption``, ``all_steps``; and every option of
                ``hardattn_viewer.session.display.Display``.

        Raises:
            RunError: the run does not hold what is named, it cannot be drawn, or the viewer is not
                installed; one sentence.
            TypeError: there is no such option.
        """
        try:
            draw = import_module(_DRAWER).figure
        except ImportError as missing:
            raise RunError(
                f"figures need the viewer, which cannot be loaded here ({missing}): "
                "pip install hardattn"
            ) from missing
        made = draw(
            self,
            view=view,
            example=example,
            step=step,
            site=site,
            snapshot=snapshot,
            head=head,
            query=query,
            beside=beside,
            **looks,
        )
        return cast(RunFigure, made)
