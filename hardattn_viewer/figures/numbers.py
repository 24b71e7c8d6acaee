"""The numbers behind a figure, as they were recorded: for CSV and NPZ."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.measures import jensen_shannon, mass_on, same_argmax
from hardattn_viewer.session.frame_items import query_tokens
from hardattn_viewer.session.frames import Frame, frame_at_step

COLUMNS = (
    "slot",
    "run",
    "example",
    "site",
    "head",
    "query",
    "snapshot",
    "step",
    "key",
    "x0_px",
    "y0_px",
    "x1_px",
    "y1_px",
    "token",
    "probability",
    "selected",
)

MATRIX_COLUMNS = (*COLUMNS[:9], "query_token", "key_token", "probability", "selected")


@dataclass(frozen=True)
class Comparison:
    """Numbers between two runs at one step; None where they are not defined.

    Attributes:
        jensen_shannon: divergence of the two distributions, bits.
        mass_on_choice: mass of ``looker`` on what ``chooser`` selected.
        same_argmax: whether both are largest at the same key.
        chooser: ``"A"`` or ``"B"``, the run whose choice is meant.
        looker: the other one.
    """

    jensen_shannon: float | None
    mass_on_choice: float | None
    same_argmax: bool | None
    chooser: str
    looker: str


def compare(a: Frame, b: Frame) -> Comparison:
    """Compare two frames at their steps.

    The choice is A's where A selected something, else B's; two soft runs have none.
    """
    if len(a.probabilities) != len(b.probabilities):
        return Comparison(None, None, None, "A", "B")
    divergence = _known(jensen_shannon(a.probabilities, b.probabilities))
    same = _known(same_argmax(a.probabilities, b.probabilities))
    chooser, looker, chosen, looking = "A", "B", a.selection, b.probabilities
    if not chosen:
        chooser, looker, chosen, looking = "B", "A", b.selection, a.probabilities
    mass = _known(mass_on(looking, chosen)) if chosen else None
    return Comparison(divergence, mass, None if same is None else bool(same), chooser, looker)


def _known(value: NDArray[np.float64]) -> float | None:
    number = float(value)
    return None if np.isnan(number) else number


def selected(frame: Frame) -> NDArray[np.bool_]:
    """What was selected at each step, bool [steps, keys]."""
    made = np.zeros(frame.distributions.shape, dtype=np.bool_)
    for step, keys in enumerate(frame.selections):
        made[step, list(keys)] = True
    return made


def csv_bytes(frames: Sequence[Frame], names: Sequence[str]) -> bytes:
    """A table of one row a run, step and key, UTF-8 with a header line.

    Of an example of very many steps there are those around the one shown.
    Probabilities are written with the fewest digits that give the recorded float32 back.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, frame in zip(names, frames, strict=True):
        chosen = selected(frame)
        for step in frame.held:
            there = frame_at_step(frame, step)
            about = (*_about(name, there, there.query), step)
            for key, value in enumerate(there.probabilities):
                shown = (*_box(there, key), _token(there.tokens, key), np.float32(value))
                writer.writerow((*about, key, *shown, int(chosen[step - frame.first_step, key])))
    # Names of files may hold bytes that are no UTF-8; they come as lone surrogates.
    return out.getvalue().encode("utf-8", errors="replace")


def matrix_csv_bytes(frame: Frame, name: str) -> bytes:
    """A table of one row a query and key of what a matrix shows, UTF-8 with a header line.

    Of a map too large to be read whole there is the query looked from alone.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(MATRIX_COLUMNS)
    steps = [frame.place.step] if frame.whole is None else range(frame.steps)
    for there in (frame_at_step(frame, step) for step in steps):
        one, queries = there.map, query_tokens(there)
        values = there.probabilities[None] if one is None else one.values
        for query, row in enumerate(values, 0 if one is None else one.first):
            chosen = there.selection if one is None else one.selected(query)
            about = (*_about(name, there, query), there.place.step)
            for key, value in enumerate(row):
                named = (_token(queries, query), _token(there.tokens, key))
                writer.writerow((*about, key, *named, np.float32(value), int(key in chosen)))
    return out.getvalue().encode("utf-8", errors="replace")


def _about(name: str, frame: Frame, query: int) -> tuple[Any, ...]:
    """What all rows of a table say of their place."""
    place = frame.place
    return (
        name,
        frame.run_name,
        frame.example_name,
        place.site or "",
        "mean" if place.head is None else place.head,
        query,
        "last" if place.snapshot is None else place.snapshot,
    )


def _box(frame: Frame, key: int) -> tuple[Any, ...]:
    region = key - frame.first_region
    if frame.boxes is None or not 0 <= region < len(frame.boxes):
        return ("",) * 4
    return tuple(frame.boxes[region])


def _token(texts: tuple[str, ...] | None, at: int) -> str:
    return texts[at] if texts is not None and at < len(texts) else ""


def npz_bytes(
    frames: Sequence[Frame],
    names: Sequence[str],
    caption: str,
    scales: Sequence[float],
    difference: float | None,
) -> bytes:
    """Arrays by name, each with the slot before it: ``A_distributions``, ``A_boxes`` …"""
    arrays: dict[str, NDArray[Any]] = {"caption": np.array(caption)}
    for name, frame, scale in zip(names, frames, scales, strict=True):
        place = frame.place
        arrays |= {
            f"{name}_run": np.array(frame.run_name),
            f"{name}_example": np.array(frame.example_name),
            f"{name}_site": np.array(place.site or ""),
            f"{name}_head": np.array(-1 if place.head is None else place.head),
            f"{name}_query": np.array(frame.query),
            f"{name}_step": np.array(place.step),
            f"{name}_first_step": np.array(frame.first_step),
            f"{name}_distributions": frame.distributions,
            f"{name}_probabilities": frame.probabilities,
            f"{name}_selected": selected(frame),
            f"{name}_scale_max": np.array(scale),
        }
        if frame.boxes is not None:
            arrays[f"{name}_boxes"] = frame.boxes
        if frame.map is not None and frame.queries > 1:
            # Of a map too large to be read whole there is what the picture shows.
            whole = frame.map.is_whole
            kind, values = (
                ("", frame.map.values) if whole else ("_max_pooled", frame.map.pyramid.values)
            )
            arrays[f"{name}_map{kind}"] = values
        if frame.whole is not None:
            maps = enumerate(frame.maps)
            arrays |= {f"{name}_map_{step}": one.values for step, one in maps if one is not None}
        queries = query_tokens(frame)
        if queries is not None:
            arrays[f"{name}_query_tokens"] = np.array(queries)
        if frame.first_region:
            arrays[f"{name}_first_region"] = np.array(frame.first_region)
        if frame.image is not None:
            arrays[f"{name}_image"] = frame.image
        if frame.tokens is not None:
            arrays[f"{name}_tokens"] = np.array(frame.tokens)
        arrays |= {f"{name}_scalar_{key}": value for key, value in frame.scalars.items()}
    if len(frames) == 2 and len(frames[0].probabilities) == len(frames[1].probabilities):
        numbers = compare(*frames)
        arrays["difference"] = frames[1].probabilities - frames[0].probabilities
        if difference is not None:
            arrays["difference_scale_max"] = np.array(difference)
        if numbers.jensen_shannon is not None:
            arrays["jensen_shannon_bits"] = np.array(numbers.jensen_shannon)
        if numbers.mass_on_choice is not None:
            arrays["mass_on_choice"] = np.array(numbers.mass_on_choice)
        if numbers.same_argmax is not None:
            arrays["same_argmax"] = np.array(numbers.same_argmax)
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()
