"""The curves of the timeline: what a run says of every step of an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.rows import NATS_PER_BIT
from hardattn_viewer.session.state import SLOTS, Frames, Slot

Line = Literal["solid", "dashed", "dotted"]


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve of a track.

    Attributes:
        slot: the run that it is about.
        hard: whether that run is hard, for the colour.
        values: float64 [steps]; NaN where there is no value.
        line: solid for what was recorded of a choice, dashed for soft mass, dotted for baselines.
        words: what it is, for legends.
    """

    slot: Slot
    hard: bool
    values: NDArray[np.float64]
    line: Line
    words: str


@dataclass(frozen=True, eq=False)
class Track:
    """Curves that share an axis.

    Attributes:
        name: what the axis is, with its unit.
        low: bottom of the axis.
        high: top of the axis.
        curves: what is drawn.
    """

    name: str
    low: float
    high: float
    curves: tuple[Curve, ...]


def tracks_of(frames: Frames) -> tuple[Track, ...]:
    """The tracks that the frames have values for, from top to bottom."""
    return tuple(
        track
        for track in (_entropy(frames), _selected(frames), _reward(frames))
        if any(bool(np.isfinite(curve.values).any()) for curve in track.curves)
    )


def _entropy(frames: Frames) -> Track:
    curves = tuple(
        Curve(slot, frame.hard, frame.scalars["entropy"] / NATS_PER_BIT, "solid", "entropy")
        for slot, frame in _present(frames)
        if "entropy" in frame.scalars
    )
    keys = max((frame.distributions.shape[1] for frame in frames.present), default=1)
    return Track("entropy (bits)", 0.0, max(float(np.log2(max(keys, 1))), 1e-3), curves)


def _selected(frames: Frames) -> Track:
    """P of the choice for a hard run; for a soft one its mass on the other's choice."""
    curves = []
    for slot, frame in _present(frames):
        other = frames.b if slot == "A" else frames.a
        if frame.hard:
            curves.append(Curve(slot, True, frame.scalars["p_selected"], "solid", "p(selected)"))
        elif other is not None and other.hard:
            name = "A" if slot == "B" else "B"
            mass = mass_on_choices(frame, other)
            curves.append(Curve(slot, False, mass, "dashed", f"mass on {name}’s choice"))
        else:
            # A step that was not recorded has no peak, not a peak of zero.
            peak = np.fmax.reduce(frame.distributions, axis=1).astype(np.float64)
            curves.append(Curve(slot, False, peak, "dashed", "largest p"))
    top = max((_top(curve.values) for curve in curves), default=1.0)
    return Track("p(selected)", 0.0, top, tuple(curves))


def _reward(frames: Frames) -> Track:
    curves = []
    for slot, frame in _present(frames):
        for name, line in (("reward", "solid"), ("baseline", "dotted")):
            if name in frame.scalars:
                kind: Line = "solid" if line == "solid" else "dotted"
                curves.append(Curve(slot, frame.hard, frame.scalars[name], kind, name))
    values = np.concatenate([curve.values for curve in curves]) if curves else np.zeros(1)
    known = values[np.isfinite(values)]
    low = min(0.0, float(known.min())) if known.size else 0.0
    high = max(1.0, float(known.max())) if known.size else 1.0
    return Track("reward, baseline", low, high, tuple(curves))


def mass_on_choices(soft: Frame, hard: Frame) -> NDArray[np.float64]:
    """Float64 [steps]: what ``soft`` gives at each step to the keys that ``hard`` selected."""
    mass = np.full(soft.steps, np.nan)
    keys = soft.distributions.shape[1]
    for step, chosen in enumerate(hard.selections[: soft.steps]):
        inside = [key for key in chosen if key < keys]
        if inside and len(inside) == len(chosen):
            mass[step] = float(soft.distributions[step, inside].sum())
    return mass


def _present(frames: Frames) -> list[tuple[Slot, Frame]]:
    return [(slot, frame) for slot in SLOTS if (frame := frames.of(slot)) is not None]


def _top(values: NDArray[np.float64]) -> float:
    """A round number above every value, so that the axis does not jump from example to example."""
    known = values[np.isfinite(values)]
    highest = float(known.max()) if known.size else 1.0
    return next((top for top in (0.1, 0.25, 0.5) if highest <= top), 1.0)
