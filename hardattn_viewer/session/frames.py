"""What one view shows of one run at one place: plain numbers, read once and shared by all views."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.frame_items import key_tokens
from hardattn_viewer.session.frame_parts import boxes_of, padded, site_of
from hardattn_viewer.session.frame_rows import averaged, holds_rows, rows_at, same_rows, with_rows
from hardattn_viewer.session.joined import JoinedMap, joined
from hardattn_viewer.session.long_examples import LongCurves, read_curves, steps_around
from hardattn_viewer.session.maps import StepMap, read_step
from hardattn_viewer.session.recorded import AxisTokens, axis_tokens, image_and_levels
from hardattn_viewer.session.scenes import FRAME_SCALAR, Scene, scene_of
from hardattn_viewer.session.token_groups import Groups
from recorders.run.layout import BEAM_PARENT

if TYPE_CHECKING:
    from recorders.run.fingerprint import RunMark
    from recorders.run.reader import Run


@dataclass(frozen=True)
class Place:
    """Where the user is in a run. All indices count from zero.

    Attributes:
        example: index into ``run.examples``.
        step: step within the example (a glimpse, a decoded token).
        snapshot: index into ``run.snapshots``; None is the last one.
        site: name of the attention site; None is the run's first site.
        head: head index; None is the mean over heads.
        query: query row, clamped at steps that have fewer; None is the usual one of each step
            (see ``maps.usual_query``).
        also: further queries, whose rows are averaged with that of ``query``.
        words: whether a query that is a piece of a word stands for all of them; only targets of
            maps that are too large to be read whole say so, for others the display does.
    """

    example: int = 0
    step: int = 0
    snapshot: int | None = None
    site: str | None = None
    head: int | None = None
    query: int | None = None
    also: tuple[int, ...] = ()
    words: bool = False


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
        place: the place, with ``site``, ``snapshot`` and ``query`` resolved and ``step`` clamped.
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
        levels: smaller copies of a large ``image``, from ``image_levels.smaller_levels``.
        boxes: float32 [regions, 4] as x0, y0, x1, y1 in pixels of ``image`` where keys are
            regions, else None; region r is key ``first_region + r``.
        tokens: one string a key where the keys are tokens, else None.
        probabilities: float32 [keys] of the place's head and query; NaN where not recorded.
        distributions: float32 [steps, most keys]: the same for every step (for shared scales).
        selections: for each step the selected keys (empty where nothing was selected).
        scalars: per-step float64 [steps] by name: entropy (nat), log_prob (nat), reward,
            baseline, advantage, temperature, p_selected, …; NaN where not recorded.
        verified: the recorder's word on this site, shown as it stands.
        maps: the map of every step, None where a step was not recorded; empty for a frame that
            was not read from a run.
        axes: the example's tokens by axis.
        step_axes: the same for every step where the example is a beam, whose tokens may be others
            at a later step; empty otherwise.
        key_axis: what a key is, in the recorder's word.
        query_axis: what a query is.
        asked_query: the query that was asked for; None for the usual one of each step.
        asked_also: the further queries that were asked for.
        by_words: whether the rows of all pieces of a query's word are averaged.
        averaged: the queries whose rows ``probabilities`` is the mean of, at the frame's step.
        groups: what is shown of the keys where that is not all of them one by one; ``tokens``,
            ``probabilities``, ``distributions`` and ``selections`` are then those of its items.
        hidden_mass: the share of attention on keys that ``groups`` leaves out, in [0, 1].
        special_keys: names of the keys before the first region.
        whole: the maps of all steps as one where each continues the last, else None.
        damage: sentences about what is damaged and therefore not shown.
        first_step: the step that ``distributions``, ``selections``, ``maps`` and ``step_axes``
            begin with; of an example of very many steps they hold a few around the one shown.
        curves: of such an example, numbers of all its steps as a timeline draws them.
        scene: what the regions lie on where that is no image: a video, a sound, a plane.
        source: by what the run is known again; None for a frame that was not read from a run.
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
    maps: tuple[StepMap | None, ...] = ()
    axes: AxisTokens = field(default_factory=AxisTokens)
    step_axes: tuple[AxisTokens, ...] = ()
    key_axis: str = ""
    query_axis: str = ""
    asked_query: int | None = None
    asked_also: tuple[int, ...] = ()
    by_words: bool = False
    averaged: tuple[int, ...] = ()
    groups: Groups | None = None
    hidden_mass: float = 0.0
    special_keys: tuple[str, ...] = ()
    whole: JoinedMap | None = None
    damage: tuple[str, ...] = ()
    first_step: int = 0
    curves: LongCurves | None = None
    levels: tuple[NDArray[np.uint8], ...] = ()
    scene: Scene = field(default_factory=Scene)
    source: RunMark | None = None

    @property
    def held(self) -> range:
        """The steps whose distributions are in memory: all, or some around the one shown."""
        return range(self.first_step, self.first_step + len(self.distributions))

    @property
    def is_part(self) -> bool:
        """Whether there are more steps than are in memory."""
        return len(self.held) < self.steps

    @property
    def selection(self) -> tuple[int, ...]:
        """The keys selected at the frame's step; empty where attention is soft."""
        return self.selections[self.place.step - self.first_step] if self.selections else ()

    @property
    def map(self) -> StepMap | None:
        """The map of the frame's step."""
        return self.maps[self.place.step - self.first_step] if self.maps else None

    @property
    def queries(self) -> int:
        """The number of queries at the frame's step."""
        return self.map.queries if self.map is not None else 1

    @property
    def query(self) -> int:
        """The query whose row ``probabilities`` is."""
        return self.place.query or 0

    def item_of(self, key: int | None) -> int | None:
        """The item that a key is shown in; None where it is hidden."""
        if self.groups is None or key is None:
            return key
        return next(iter(self.groups.items_of((key,))), None)

    def key_of(self, item: int | None) -> int | None:
        """The first key of an item."""
        return item if self.groups is None or item is None else int(self.groups.first[item])

    @property
    def first_region(self) -> int:
        """The key that is the first region; those before it are special tokens."""
        # The same at every step; one of them may not have been recorded.
        return next((one.event.first_region for one in self.maps if one is not None), 0)

    @property
    def texts(self) -> AxisTokens:
        """The example's tokens by axis, as they were at the frame's step."""
        at = self.place.step - self.first_step
        return self.step_axes[at] if self.step_axes else self.axes

    @property
    def off_image(self) -> tuple[int, ...]:
        """The keys that are no regions of the image that the others are regions of."""
        if self.boxes is None:
            return ()
        last = self.first_region + len(self.boxes)
        return (*range(self.first_region), *range(last, self.probabilities.size))

    @property
    def special_mass(self) -> float:
        """The probability on the keys that are no regions; 0 where there are none."""
        return float(np.nansum(self.probabilities[list(self.off_image)]))

    @property
    def one_axis(self) -> bool:
        """Whether queries and keys are the same items, so that a key can become the query."""
        return self.key_axis == self.query_axis and self.map is not None and not self.is_windowed

    @property
    def is_windowed(self) -> bool:
        """Whether every query sees only the keys of its own window."""
        return self.map is not None and self.map.event.windows > 1


def load_frame(run: Run, place: Place, curves: LongCurves | None = None) -> Frame:
    """Read everything that the views draw of ``run`` at ``place``.

    With ``place.head`` None, probabilities, entropy and log-prob are means over heads, and the
    selections of all heads are shown together. Of an example of very many steps, only those
    around ``place.step`` are read, and numbers of all of them.

    Args:
        run: the run.
        place: where to look.
        curves: numbers of all steps of such an example, where they were read before.

    Raises:
        recorders.RunError: the file is damaged there.
        IndexError: the run does not hold the example, site or head.
    """
    if not 0 <= place.example < len(run.examples):
        raise IndexError(
            f"{run.name} has no example {place.example}: it holds {len(run.examples)}, from 0"
        )
    site = site_of(run, place.site)
    snapshot = len(run.snapshots) - 1 if place.snapshot is None else place.snapshot
    example = run.examples[place.example]
    steps = run.steps(site, place.example, snapshot)
    axes = axis_tokens(run, place.example, snapshot)
    texts = axes.on(site.query_axis)
    held = steps_around(place.step, steps)
    maps = tuple(
        read_step(
            run,
            site,
            place.example,
            step,
            snapshot,
            place.head,
            place.query,
            others=lambda event, query: averaged(event, texts, query, place.also, place.words),
        )
        for step in held
    )
    if not any(maps):
        raise IndexError(
            f"{run.name} recorded nothing at {site.name} for example {example.name}: "
            "choose another example or site"
        )
    outcome = run.outcome(place.example, snapshot)
    if len(held) < steps:
        usual = next(one.usual and one.usual - one.queries for one in maps if one is not None)
        query = usual if place.query is None else place.query
        curves = curves or read_curves(run, site, place.example, snapshot, place.head, query)
        scalars = curves.scalars
    else:
        curves, scalars = None, run.scalars(place.example, site, snapshot)
    is_beam = bool(np.isfinite(scalars.get(BEAM_PARENT, np.zeros(0))).any())
    none = np.zeros(0, dtype=np.float32)
    damage = [sentence for one in maps if one is not None for sentence in one.damage]
    boxes, of_frames = boxes_of(run, site, place.example, maps)
    scene = scene_of(run, place.example, boxes, of_frames, damage)
    image, levels = (
        image_and_levels(run, place.example, damage) if scene.kind == "image" else (None, ())
    )
    frame = Frame(
        run_name=run.name,
        place=replace(place, site=site.name, snapshot=snapshot),
        hard=site.hard,
        mechanism=site.mechanism,
        example_name=example.name,
        label=example.label,
        prediction=outcome.prediction,
        confidence=outcome.confidence,
        label_probability=outcome.label_probability,
        steps=steps,
        image=image,
        levels=levels,
        boxes=None if boxes is None else scene.in_pixels(boxes),
        scene=scene,
        tokens=None,
        probabilities=none,
        distributions=none,
        selections=(),
        scalars={name: padded(values, steps) for name, values in scalars.items()},
        verified=site.verified,
        heads=next(one.event.heads for one in maps if one is not None),
        training_step=run.snapshots[snapshot].step if len(run.snapshots) > 1 else None,
        maps=maps,
        axes=axes,
        step_axes=tuple(
            axis_tokens(run, place.example, snapshot, step)
            for step in (held if is_beam or axes.slots else ())
        ),
        key_axis=site.key_axis,
        query_axis=site.query_axis,
        special_keys=site.special_keys,
        # Steps of a beam go on from other beams, so that they are no rows of one text.
        whole=None if is_beam or len(held) < steps else joined(maps),
        damage=tuple(dict.fromkeys(damage)),
        first_step=held.start,
        curves=curves,
        asked_query=place.query,
        source=run.mark,
    )
    return _at(with_rows(frame, place.query, place.also, place.words), place.step)


def frame_at(
    frame: Frame, step: int, query: int | None, also: tuple[int, ...] = (), words: bool = False
) -> Frame:
    """The same frame at another step or query of its example; what is outside is clamped.

    A step that is not in memory leaves the frame where it is, until it is read.

    Args:
        frame: the frame.
        step: the step.
        query: the query; None for the usual one of each step.
        also: further queries, whose rows are averaged with its.
        words: whether the rows of all pieces of a query's word are averaged.
    """
    asked = (frame.asked_query, frame.asked_also, frame.by_words)
    # Until other rows of a large map are read, the old ones stay.
    if frame.maps and asked != (query, also, words) and holds_rows(frame, query, also, words):
        if same_rows(frame, query, also, words):
            frame = replace(frame, asked_query=query, asked_also=also, by_words=words)
        else:
            frame = with_rows(frame, query, also, words)
    elif _held_step(frame, step) == frame.place.step:
        return frame
    return _at(frame, step)


def frame_at_step(frame: Frame, step: int) -> Frame:
    """The same frame at another step of its example; steps outside it are clamped."""
    return frame_at(frame, step, frame.asked_query, frame.asked_also, frame.by_words)


def _held_step(frame: Frame, step: int) -> int:
    """The step that ``frame`` can show where ``step`` is asked for."""
    step = min(max(step, 0), frame.steps - 1)
    if step in frame.held:
        return step
    return min(max(frame.place.step, frame.held.start), frame.held.stop - 1)


def _at(frame: Frame, step: int) -> Frame:
    """``frame`` with everything that depends on the step."""
    step = _held_step(frame, step)
    if frame.scene.images:
        seen = frame.scene.image_at(step, frame.steps, frame.scalars.get(FRAME_SCALAR))
        frame = replace(frame, image=seen)
    at = step - frame.first_step
    if not frame.maps:
        place = replace(frame.place, step=step)
        return replace(frame, place=place, probabilities=frame.distributions[at])
    one = frame.maps[at]
    if one is None:
        place = replace(frame.place, step=step, query=0)
        row = frame.distributions[at]
        return replace(frame, place=place, probabilities=row, tokens=None, averaged=())
    rows = rows_at(frame, step)
    place = replace(frame.place, step=step, query=rows[0])
    frame = replace(frame, place=place, averaged=rows)
    return replace(
        frame,
        probabilities=frame.distributions[at, : one.event.keys],
        tokens=key_tokens(frame, one),
    )
