"""The curves of the timeline: what a run says of every step of an example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.long_examples import Levels, levels_of
from hardattn_viewer.session.rows import NATS_PER_BIT
from hardattn_viewer.session.state import SLOTS, USUAL_TRACKS, Frames, Slot

Line = Literal["solid", "dashed", "dotted"]
_TITLES = {
    "entropy": "entropy (bits)",
    "p_selected": "p(selected)",
    "log_prob": "log π (nats)",
    "reward": "reward",
    "baseline": "baseline",
    "advantage": "advantage",
    "temperature": "temperature τ",
    "agreement": "A and B agree",
}


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve of a track.

    Attributes:
        slot: the run that it is about.
        hard: whether that run is hard, for the colour.
        levels: its values, with what is drawn of very many of them.
        line: solid for what was recorded of a choice, dashed for soft mass, dotted for baselines.
        words: what it is, for legends.
    """

    slot: Slot
    hard: bool
    levels: Levels
    line: Line
    words: str

    @property
    def values(self) -> NDArray[np.float64]:
        """Float64 [steps]; NaN where there is no value."""
        return self.levels.values


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


def tracks_of(frames: Frames, picked: Sequence[str] = USUAL_TRACKS) -> tuple[Track, ...]:
    """The tracks that a person picked and the frames have values for, from top to bottom.

    Reward and baseline share a track, since they are compared.
    """
    made: list[Track] = []
    for name in ordered(picked):
        if name == "entropy":
            made.append(_entropy(frames))
        elif name == "p_selected":
            made.append(_selected(frames))
        elif name == "reward" or (name == "baseline" and "reward" not in picked):
            together = [one for one in ("reward", "baseline") if one in picked]
            made.append(_reward(frames, together))
        elif name == "agreement":
            made.append(_agreement(frames))
        elif name != "baseline":
            made.append(_plain(frames, name))
    return tuple(track for track in made if any(one.levels.is_known for one in track.curves))


def ordered(names: Sequence[str]) -> tuple[str, ...]:
    """Names in the order of their tracks: the usual ones first."""
    known = [name for name in _TITLES if name in names]
    return (*known, *sorted(set(names) - set(known)))


def title_of(name: str) -> str:
    """What a track is called."""
    return _TITLES.get(name, name)


def tracks_there(frames: Frames) -> tuple[str, ...]:
    """The names of all tracks that the frames have values for."""
    names = {name for frame in frames.present for name in frame.scalars}
    if len(frames.present) == 2:
        names.add("agreement")
    return tuple(name for name in ordered(tuple(names)) if tracks_of(frames, (name,)))


def _levels(frame: Frame, name: str) -> Levels:
    """A scalar of a frame; entropy in bits."""
    if frame.curves is not None and name in frame.curves.levels:
        return frame.curves.levels[name]
    values = frame.scalars[name]
    return levels_of(values / NATS_PER_BIT if name == "entropy" else values)


def _curves(frames: Frames, name: str, line: Line, words: str) -> tuple[Curve, ...]:
    return tuple(
        Curve(slot, frame.hard, _levels(frame, name), line, words)
        for slot, frame in _present(frames)
        if name in frame.scalars
    )


def _entropy(frames: Frames) -> Track:
    curves = _curves(frames, "entropy", "solid", "entropy")
    keys = max((frame.distributions.shape[1] for frame in frames.present), default=1)
    top = max(float(np.log2(max(keys, 1))), 1e-3)
    return Track(_TITLES["entropy"], 0.0, max(top, _extent(curves)[1]), curves)


def _selected(frames: Frames) -> Track:
    """P of the choice for a hard run; for a soft one its mass on the other's choice."""
    curves: list[Curve] = []
    for slot, frame in _present(frames):
        other = frames.b if slot == "A" else frames.a
        if frame.hard:
            levels = _levels(frame, "p_selected")
            curves.append(Curve(slot, True, levels, "solid", "p(selected)"))
        elif frame.is_part or (other is not None and other.is_part):
            # That takes the distributions of all steps, which are too many to read.
            continue
        elif other is not None and other.hard:
            name = "A" if slot == "B" else "B"
            mass = levels_of(mass_on_choices(frame, other))
            curves.append(Curve(slot, False, mass, "dashed", f"mass on {name}’s choice"))
        else:
            # A step that was not recorded has no peak, not a peak of zero.
            peak = np.fmax.reduce(frame.distributions, axis=1).astype(np.float64)
            curves.append(Curve(slot, False, levels_of(peak), "dashed", "largest p"))
    top = max((_top(curve.levels) for curve in curves), default=1.0)
    return Track(_TITLES["p_selected"], 0.0, top, tuple(curves))


def _reward(frames: Frames, names: Sequence[str]) -> Track:
    lines: dict[str, Line] = {"reward": "solid", "baseline": "dotted"}
    curves = tuple(one for name in names for one in _curves(frames, name, lines[name], name))
    low, high = _extent(curves)
    return Track(", ".join(names), min(0.0, low), max(1.0, high), curves)


def _agreement(frames: Frames) -> Track:
    values = agreement(frames.a, frames.b) if frames.a and frames.b else np.zeros(0)
    # It belongs to both; the colour of what is hard says "the choice".
    curve = Curve("A", True, levels_of(values), "solid", "same choice")
    return Track(_TITLES["agreement"], 0.0, 1.0, (curve,))


def _plain(frames: Frames, name: str) -> Track:
    curves = _curves(frames, name, "solid", title_of(name))
    low, high = _extent(curves)
    if not low < high:
        low, high = low - 0.5, high + 0.5
    return Track(title_of(name), low, high, curves)


def agreement(a: Frame, b: Frame) -> NDArray[np.float64]:
    """Whether A and B choose the same key at each step, float64 [steps]: 1, 0 or NaN.

    The choice is the selected key, or the likeliest where attention is soft. It is NaN where one
    of them did not record the step, or holds too many steps to know.
    """
    steps = min(a.steps, b.steps)
    one, other = choices(a)[:steps], choices(b)[:steps]
    known = np.isfinite(one) & np.isfinite(other)
    if a.distributions.shape[1] != b.distributions.shape[1]:
        known[:] = False
    return np.where(known, (one == other).astype(np.float64), np.nan)


def choices(frame: Frame) -> NDArray[np.float64]:
    """The key that each step chose, or finds likeliest, float64 [steps]; NaN where unknown."""
    if frame.curves is not None and frame.hard:
        return frame.curves.chosen
    found = np.full(frame.steps, np.nan)
    known = np.isfinite(frame.distributions).any(axis=1)
    part = found[frame.held.start : frame.held.stop]
    filled = np.where(np.isnan(frame.distributions[known]), -1.0, frame.distributions[known])
    part[known] = filled.argmax(axis=1)
    for at, chosen in enumerate(frame.selections):
        if chosen:
            part[at] = chosen[0]
    return found


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


def _extent(curves: Sequence[Curve]) -> tuple[float, float]:
    """The smallest and the largest known value of some curves; 0 and 0 without any."""
    known = [one.levels.extent for one in curves if one.levels.is_known]
    return min((low for low, _ in known), default=0.0), max((top for _, top in known), default=0.0)


def _top(levels: Levels) -> float:
    """A round number above every value, so that the axis does not jump from example to example."""
    highest = levels.extent[1] if levels.is_known else 1.0
    return next((top for top in (0.1, 0.25, 0.5) if highest <= top), 1.0)


def tokens_of_steps(frame: Frame) -> dict[int, str]:
    """The token that each step looked from, of the steps in memory; none where it is no token."""
    if frame.steps < 2:
        return {}
    found = {}
    for at, one in enumerate(frame.maps):
        texts = (frame.step_axes[at] if frame.step_axes else frame.axes).on(frame.query_axis)
        if one is None or not texts:
            continue
        place = one.event.first_query + (one.queries - 1) * one.event.query_stride
        if place < len(texts) and texts[place]:
            found[frame.first_step + at] = texts[place]
    return found


def written(frame: Frame) -> str:
    """What the model wrote at the one step of an example; nothing where it has several, or none."""
    texts = frame.axes.on(frame.query_axis) if frame.query_axis == "target" else None
    return texts[0] if frame.steps == 1 and texts is not None and len(texts) == 1 else ""
