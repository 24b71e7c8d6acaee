"""The numbers of a few rows of a site's heads, and why some of them cannot be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures import (
    Axes,
    choice_weights,
    disagreement,
    known_rows,
    mass_at_offset,
    mass_on_keys,
    mean_distance,
    top_two,
)
from hardattn_viewer.session.atlas import Measure
from hardattn_viewer.session.token_marks import is_special

if TYPE_CHECKING:
    from recorders.run.reader import Site
    from recorders.run.records import Event

Floats = NDArray[np.float32]
Rows = dict[Measure, NDArray[np.float64]]


@dataclass(frozen=True)
class Layout:
    """How the maps of a site lie on their axes at one step.

    Attributes:
        axes: sizes and positions.
        one_axis: whether queries and keys are the same items.
        in_line: whether positions on that axis are places in one line, so that they have a
            distance; those of regions are not.
        first: whether the first key is the first item of its axis.
        special: bool [keys], which keys are special tokens.
        why: for each measure that cannot be had here, why.
    """

    axes: Axes
    one_axis: bool
    in_line: bool
    first: bool
    special: NDArray[np.bool_]
    why: Mapping[Measure, str] = field(default_factory=dict)


def layout_of(site: Site, event: Event, special: NDArray[np.bool_]) -> Layout:
    """How the maps of an event lie on their axes, and what cannot be said of them."""
    windowed = event.windows > 1
    same = site.query_axis == site.key_axis
    one_axis = same and not windowed
    in_line = one_axis and site.key_axis != "regions"
    first = event.first_key == 0 and not windowed and event.keys > event.sink
    why: dict[Measure, str] = {}
    if windowed:
        why["first"] = "keys are those of each query's own window"
    elif not first:
        why["first"] = "the first token is not among the keys"
    if not special.any():
        why["special"] = "no key is a special token"
    if not one_axis:
        words = (
            "keys are those of each query's own window"
            if same
            else f"queries are {site.query_axis} and keys are {site.key_axis}"
        )
        why["diagonal"] = words
    if not in_line:
        why["previous"] = why["distance"] = why.get(
            "diagonal", "regions lie in two dimensions, not in a line"
        )
    axes = Axes(
        event.queries,
        event.keys,
        event.first_query,
        event.query_stride,
        event.first_key,
        event.sink,
    )
    return Layout(axes, one_axis, in_line, first, special, why)


def special_keys(site: Site, event: Event, names: Sequence[str]) -> NDArray[np.bool_]:
    """Which keys stand for no text and no region: bool [keys].

    Args:
        site: the site.
        event: the event.
        names: what each key is called.
    """
    if site.key_axis in ("tokens", "target"):
        found = np.array([is_special(name) for name in names], np.bool_)
    else:
        found = np.arange(event.keys) < event.first_region
    if event.sink:
        found[-1] = True
    return found


def numbers_of_rows(
    rows: Floats,
    queries: slice,
    layout: Layout,
    selection: NDArray[np.int64] | None,
    other: Floats | None,
) -> Rows:
    """The measures of some rows, float64 [heads, rows]; those that cannot be had are left out.

    Args:
        rows: [heads, rows, keys], probabilities.
        queries: which queries the rows are.
        layout: where all queries and keys lie.
        selection: [heads, rows, n], what was selected; masses and distances are then those of
            the choices, which are all that the model saw.
        other: the same rows of the other run.
    """
    axes = layout.axes
    here = range(*queries.indices(axes.queries))
    part = Axes(
        len(here),
        axes.keys,
        axes.first_query + axes.query_stride * here.start,
        axes.query_stride,
        axes.first_key,
        axes.sink,
    )
    known = known_rows(rows)
    largest, second = top_two(rows, known)
    found: Rows = {"hardness": largest, "margin": largest - second}
    looked = rows
    if selection is not None:
        looked = choice_weights(selection, axes.keys)
        known = known_rows(looked)
    if layout.first:
        found["first"] = mass_on_keys(looked, np.arange(axes.keys) == 0, known)
    if layout.special.any():
        found["special"] = mass_on_keys(looked, layout.special, known)
    if layout.one_axis:
        found["diagonal"] = mass_at_offset(looked, part, 0, known)
    if layout.in_line:
        found["previous"] = mass_at_offset(looked, part, -1, known)
        found["distance"] = mean_distance(looked, part, known)
    if other is not None:
        found["disagreement"] = disagreement(rows, other)
    return found
