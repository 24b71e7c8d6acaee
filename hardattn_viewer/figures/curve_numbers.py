"""The numbers behind figures of curves: for CSV and NPZ."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.tracks import Track
from hardattn_viewer.session.training_course import Course

TRAINING_COLUMNS = (
    "slot",
    "run",
    "number",
    "source",
    "snapshot",
    "training_step",
    "value",
    "half_width_95",
    "examples",
)
TIMELINE_COLUMNS = ("slot", "run", "example", "track", "curve", "step", "value")


def training_csv(courses: Sequence[Course]) -> bytes:
    """One row a run, number and snapshot; ``source`` is ``examples`` or ``training``."""
    rows: list[tuple[object, ...]] = []
    for course in courses:
        for name, means in course.means.items():
            columns = zip(means.mean, means.half_width, means.count, strict=True)
            for at, (mean, half, count) in enumerate(columns):
                numbers = (mean, "" if np.isnan(half) else half, count)
                rows.append((*_about(course, name, "examples", at), *numbers))
        for name, values in course.told.items():
            for at, value in enumerate(values):
                rows.append((*_about(course, name, "training", at), value, "", ""))
    known = [row for row in rows if not (isinstance(row[6], float) and np.isnan(row[6]))]
    return _table(TRAINING_COLUMNS, known)


def training_npz(
    courses: Sequence[Course], film: Mapping[str, Sequence[Frame]], words: str
) -> bytes:
    """Every curve of every run, and the film's distributions, by names that begin with the slot."""
    arrays: dict[str, object] = {"caption": np.array(words)}
    for course in courses:
        slot = course.slot
        arrays[f"{slot}_run"] = np.array(course.run_name)
        arrays[f"{slot}_training_steps"] = course.steps
        for name, means in course.means.items():
            arrays[f"{slot}_{name}_mean"] = means.mean
            arrays[f"{slot}_{name}_half_width_95"] = means.half_width
            arrays[f"{slot}_{name}_examples"] = means.count
        arrays |= {f"{slot}_told_{name}": values for name, values in course.told.items()}
        frames = film.get(slot, ())
        arrays[f"{slot}_film_training_steps"] = np.array([f.training_step for f in frames])
        for at, frame in enumerate(frames):
            arrays[f"{slot}_film_{at}_distributions"] = frame.distributions
    return _archive(arrays)


def timeline_csv(frames: Mapping[str, Frame], tracks: Sequence[Track]) -> bytes:
    """One row a run, curve and step, steps from 0."""
    rows = [
        (curve.slot, frame.run_name, frame.example_name, track.name, curve.words, step, value)
        for track in tracks
        for curve in track.curves
        if (frame := frames[curve.slot])
        for step, value in enumerate(curve.values)
        if np.isfinite(value)
    ]
    return _table(TIMELINE_COLUMNS, rows)


def timeline_npz(frames: Mapping[str, Frame], words: str) -> bytes:
    """Every scalar of every run, by names that begin with the slot."""
    arrays: dict[str, object] = {"caption": np.array(words)}
    for slot, frame in frames.items():
        arrays[f"{slot}_run"] = np.array(frame.run_name)
        arrays[f"{slot}_example"] = np.array(frame.example_name)
        arrays |= {f"{slot}_{name}": values for name, values in frame.scalars.items()}
    return _archive(arrays)


def _about(course: Course, name: str, source: str, snapshot: int) -> tuple[object, ...]:
    step = int(course.steps[snapshot])
    return course.slot, course.run_name, name, source, snapshot, step


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    # Names of files may hold bytes that are no UTF-8; they come as lone surrogates.
    return out.getvalue().encode("utf-8", errors="replace")


def _archive(arrays: Mapping[str, object]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **{k: np.asarray(v) for k, v in arrays.items()})
    return out.getvalue()
