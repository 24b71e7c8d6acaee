"""What one view shows of one run at one place: plain numbers, read once and shared by all views."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recorders.run.reader import Run, Site


@dataclass(frozen=True)
class Place:
    """Where the user is in a run. All indices count from zero.

    Attributes:
        example: index into ``run.examples``.
        step: step within the example (a glimpse, a decoded token).
        snapshot: index into ``run.snapshots``; None is the last one.
        site: name of the attention site; None is the run's first site.
        head: head index; None is the mean over heads.
        query: query row.
    """

    example: int = 0
    step: int = 0
    snapshot: int | None = None
    site: str | None = None
    head: int | None = None
    query: int = 0


@dataclass(frozen=True)
class Target:
    """One place in one open run; ``place.example`` is an index into that run.

    Attributes:
        key: the open run's number in the session.
        place: where in it.
    """

    key: int
    place: Place


@dataclass(frozen=True, eq=False)
class Frame:
    """Everything that the views draw of one run at one place.

    Attributes:
        run_name: the run's name, for captions.
        place: the place, with ``site`` and ``snapshot`` resolved and ``step`` clamped.
        hard: whether items were selected at this site (and not blended).
        mechanism: for example ``"sampled"`` or ``"soft"``.
        example_name: the example's name in the run.
        label: true class, or None.
        prediction: predicted class, or None.
        confidence: probability of the predicted class in [0, 1], or None.
        label_probability: probability of the true class in [0, 1], or None.
        steps: number of steps that the example has at this site.
        heads: number of heads recorded at this site.
        training_step: training step of the snapshot where the run has several, else None.
        image: uint8 [height, width] or [height, width, 3], or None.
        boxes: float32 [keys, 4] as x0, y0, x1, y1 in pixels of ``image``, or None.
        tokens: one string a key where the keys are tokens, else None.
        probabilities: float32 [keys] of the place's head and query; NaN where not recorded.
        distributions: float32 [steps, keys]: the same for every step (for shared scales).
        selections: for each step the selected keys (empty where nothing was selected).
        scalars: per-step float64 [steps] by name: entropy (nat), log_prob (nat), reward,
            baseline, advantage, temperature, p_selected, …; NaN where not recorded.
        verified: the recorder's word on this site, shown as it stands.
    """

    run_name: str
    place: Place
    hard: bool
    mechanism: str
    example_name: str
    label: int | None
    prediction: int | None
    confidence: float | None
    label_probability: float | None
    steps: int
    image: NDArray[np.uint8] | None
    boxes: NDArray[np.float32] | None
    tokens: tuple[str, ...] | None
    probabilities: NDArray[np.float32]
    distributions: NDArray[np.float32]
    selections: tuple[tuple[int, ...], ...]
    scalars: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    verified: str = ""
    heads: int = 1
    training_step: int | None = None

    @property
    def selection(self) -> tuple[int, ...]:
        """The keys selected at the frame's step; empty where attention is soft."""
        return self.selections[self.place.step] if self.selections else ()


def load_frame(run: Run, place: Place) -> Frame:
    """Read everything that the views draw of ``run`` at ``place``.

    With ``place.head`` None, probabilities, entropy and log-prob are means over heads, and the
    selections of all heads are shown together.

    Raises:
        recorders.RunError: the file is damaged there.
        IndexError: the place names an example, site or head that the run does not hold.
    """
    if not 0 <= place.example < len(run.examples):
        raise IndexError(
            f"{run.name} has no example {place.example}: it holds {len(run.examples)}, from 0"
        )
    site = _site(run, place.site)
    snapshot = len(run.snapshots) - 1 if place.snapshot is None else place.snapshot
    example = run.examples[place.example]
    maps = run.maps(site.name, place.example, snapshot)
    if not maps:
        raise IndexError(
            f"{run.name} recorded nothing at {site.name} for example {example.name}: "
            "choose another example or site"
        )
    heads, queries = maps[0].shape[:2]
    if place.head is not None and not 0 <= place.head < heads:
        raise IndexError(f"{site.name} has no head {place.head}: it has {heads}, from 0")
    rows = [_row(one, place.head, min(place.query, queries - 1)) for one in maps]
    steps = len(rows)
    distributions = np.full((steps, max(row.size for row in rows)), np.nan, dtype=np.float32)
    for step, row in enumerate(rows):
        distributions[step, : row.size] = row
    place = replace(
        place,
        site=site.name,
        snapshot=snapshot,
        step=min(max(place.step, 0), steps - 1),
        query=min(place.query, queries - 1),
    )
    selections = tuple(_selected(run, site, place, step) for step in range(steps))
    outcome = run.outcome(place.example, snapshot)
    return Frame(
        run_name=run.name,
        place=place,
        hard=site.hard,
        mechanism=site.mechanism,
        example_name=example.name,
        label=example.label,
        prediction=outcome.prediction,
        confidence=outcome.confidence,
        label_probability=outcome.label_probability,
        steps=steps,
        image=run.image(place.example),
        boxes=run.regions(place.example),
        tokens=run.tokens(place.example),
        probabilities=distributions[place.step],
        distributions=distributions,
        selections=selections,
        scalars=_scalars(run, site, place, distributions, selections),
        verified=site.verified,
        heads=heads,
        training_step=run.snapshots[snapshot].step if len(run.snapshots) > 1 else None,
    )


def frame_at_step(frame: Frame, step: int) -> Frame:
    """The same frame at another step of its example; steps outside it are clamped."""
    step = min(max(step, 0), frame.steps - 1)
    if step == frame.place.step:
        return frame
    return replace(
        frame,
        place=replace(frame.place, step=step),
        probabilities=frame.distributions[step],
    )


def frame_bytes(frame: Frame) -> int:
    """How much memory a frame holds, for the cache's bound."""
    arrays: list[NDArray[Any]] = [frame.distributions, *frame.scalars.values()]
    arrays += [array for array in (frame.image, frame.boxes) if array is not None]
    tokens = sum(map(len, frame.tokens or ()))
    return sum(int(array.nbytes) for array in arrays) + tokens + 2_000


def _site(run: Run, name: str | None) -> Site:
    if not run.sites:
        raise IndexError(f"{run.name} holds no attention site: nothing was recorded in it")
    for site in run.sites:
        if name is None or site.name == name:
            return site
    raise IndexError(f"{run.name} has no site {name}: it holds {run.sites[0].name}")


def _row(one: NDArray[np.float32], head: int | None, query: int) -> NDArray[np.float32]:
    rows = one[:, query, :]
    return np.asarray(rows.mean(axis=0) if head is None else rows[head], dtype=np.float32)


def _selected(run: Run, site: Site, place: Place, step: int) -> tuple[int, ...]:
    chosen = run.selection(site, place.example, step, place.snapshot)
    if chosen is None:
        return ()
    heads = chosen[:, place.query] if place.head is None else chosen[place.head, place.query]
    # One key chosen by several heads is one region on the picture.
    return tuple(dict.fromkeys(int(key) for key in heads.ravel() if key >= 0))


def _scalars(
    run: Run,
    site: Site,
    place: Place,
    distributions: NDArray[np.float32],
    selections: tuple[tuple[int, ...], ...],
) -> dict[str, NDArray[np.float64]]:
    steps = distributions.shape[0]
    scalars = {
        name: _padded(values, steps)
        for name, values in run.scalars(place.example, site, place.snapshot).items()
    }
    for name, read in (("entropy", run.entropy), ("log_prob", run.log_prob)):
        values = np.full(steps, np.nan)
        for step in range(steps):
            cells = read(site, place.example, step, place.snapshot)[:, place.query]
            values[step] = cells.mean() if place.head is None else cells[place.head]
        scalars[name] = values
    scalars["p_selected"] = np.array(
        [
            float(distributions[step, list(keys)].sum()) if keys else np.nan
            for step, keys in enumerate(selections)
        ]
    )
    return scalars


def _padded(values: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    padded = np.full(steps, np.nan)
    padded[: min(steps, values.size)] = values[:steps]
    return padded
