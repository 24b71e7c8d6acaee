"""Frames of one run, or of two, over steps, snapshots, heads or examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from hardattn_viewer.session.frame_parts import frame_bytes, site_of
from hardattn_viewer.session.frames import Frame, Place, frame_at_step, load_frame
from hardattn_viewer.session.head_atlas import numbers_at
from hardattn_viewer.session.head_numbers import HeadNumbers

if TYPE_CHECKING:
    from recorders.run.reader import Run

Over = Literal["steps", "snapshots", "heads", "examples"]
MOST_ITEMS = 1_000
MOST_BYTES = 2**30


class SeriesError(Exception):
    """A series cannot be read; the message is one sentence for the reader."""


@dataclass(frozen=True, eq=False)
class Item:
    """One place of a series.

    Attributes:
        at: the step, snapshot, head or example that it is, counting from 0.
        frames: of the run, or of A and B.
        heads: the numbers of all heads of the run, where they were asked for.
    """

    at: int
    frames: tuple[Frame, ...]
    heads: HeadNumbers | None = None


@dataclass(frozen=True, eq=False)
class Series:
    """Frames that differ in one thing.

    Attributes:
        over: what they differ in.
        items: in the order asked for.
    """

    over: Over
    items: tuple[Item, ...]

    @property
    def words(self) -> str:
        """For example ``"the 12 heads shown"``."""
        count = len(self.items)
        one = self.over.removesuffix("s")
        return f"the {one} shown" if count == 1 else f"the {count:,} {self.over} shown"


def indices(text: str, count: int, what: Over) -> tuple[int, ...]:
    """The places that a text names.

    Args:
        text: ``"all"``, a range ``"2:8"`` without its end, or a list ``"3,5,8"``; from 0.
        count: how many there are.
        what: what is counted, for the error.

    Raises:
        SeriesError: the text names none, or one that is not there.
    """
    asked = text.strip()
    try:
        if asked in ("all", ":"):
            found = tuple(range(count))
        elif ":" in asked:
            ends = [int(part) if part.strip() else None for part in asked.split(":")]
            if len(ends) != 2:
                raise ValueError
            found = tuple(range(count))[slice(*ends)]
        else:
            found = tuple(dict.fromkeys(int(part) for part in asked.split(",")))
    except ValueError:
        raise SeriesError(
            f"{text!r} names no {what}; write a range such as 2:8, a list such as 3,5,8, or all"
        ) from None
    missing = [at for at in found if not 0 <= at < count]
    if missing or not found:
        which = f"there is none with the number {missing[0]}" if missing else "it is empty"
        raise SeriesError(f"{what} {text}: {which}; there are {count:,}, counted from 0")
    return found


def how_many(run: Run, place: Place, over: Over) -> int:
    """How many steps, snapshots, heads or examples there are at a place.

    Raises:
        IndexError: the run does not hold the place.
    """
    if over == "snapshots":
        return len(run.snapshots)
    if over == "examples":
        return len(run.examples)
    site = site_of(run, place.site)
    if over == "heads":
        return site.heads
    if not 0 <= place.example < len(run.examples):
        raise IndexError(f"there is no example {place.example}; it has {len(run.examples)}, from 0")
    snapshot = len(run.snapshots) - 1 if place.snapshot is None else place.snapshot
    return run.steps(site, place.example, snapshot)


def read_series(
    runs: Sequence[Run],
    places: Sequence[Place],
    over: Over,
    wanted: Sequence[int],
    tell: Callable[[int], None] = lambda done: None,
    *,
    heads: bool = False,
) -> Series:
    """Read the frames of a series.

    Args:
        runs: one, or A and B.
        places: where to look in each; what the series is over does not count.
        over: what changes.
        wanted: the steps, snapshots, heads or examples of the first run, from 0. B is shown at
            the same step and head, at the snapshot of the same training step, and at the example
            of the same name.
        tell: called with how many were read.
        heads: read the numbers of all heads, too; those of B are compared with.

    Raises:
        SeriesError: there are too many, or B lacks one.
        recorders.RunError: a file is damaged there.
        IndexError: a run does not hold a place.
    """
    if len(wanted) > MOST_ITEMS:
        raise SeriesError(
            f"{len(wanted):,} {over} are more than {MOST_ITEMS:,}; choose a shorter range of them"
        )
    items, size = [], 0
    kept: dict[int, Frame] = {}
    for done, at in enumerate(wanted, start=1):
        frames = []
        here = list(_at(runs, places, over, at))
        for which, (run, place) in enumerate(zip(runs, here, strict=True)):
            known = kept.get(which)
            if over == "steps" and known is not None and place.step in known.held:
                frames.append(frame_at_step(known, place.step))
                continue
            frame = load_frame(run, place)
            if place.step >= frame.steps:
                raise SeriesError(
                    f"{run.name} has no step {place.step} for {frame.example_name}; "
                    f"it has {frame.steps}, from 0"
                )
            size += frame_bytes(frame)
            kept[which] = frame
            frames.append(frame)
        if size > MOST_BYTES:
            raise SeriesError(
                f"{done:,} of {len(wanted):,} {over} take more than 1 GB of memory; "
                "choose a shorter range of them"
            )
        items.append(Item(at, tuple(frames), numbers_at(runs, here) if heads else None))
        tell(done)
    return Series(over, tuple(items))


def _at(runs: Sequence[Run], places: Sequence[Place], over: Over, at: int) -> Iterator[Place]:
    """The place of each run."""
    for run, place in zip(runs, places, strict=True):
        match over:
            case "steps":
                yield replace(place, step=at)
            case "heads":
                yield replace(place, head=at)
            case "snapshots":
                yield _with_step(run, replace(place, snapshot=_snapshot(runs[0], run, at)))
            case "examples":
                yield _with_step(run, replace(place, example=_example(runs[0], run, at)))


def _with_step(run: Run, place: Place) -> Place:
    """The place, at the last step where a negative one asks for that."""
    if place.step >= 0:
        return place
    return replace(place, step=max(how_many(run, place, "steps") - 1, 0))


def _snapshot(first: Run, run: Run, at: int) -> int:
    if run is first:
        return at
    step = int(first.snapshots[at].step)
    known = [int(snapshot.step) for snapshot in run.snapshots]
    if step not in known:
        raise SeriesError(
            f"{run.name} has no snapshot of training step {step:,}; choose snapshots that both hold"
        )
    return known.index(step)


def _example(first: Run, run: Run, at: int) -> int:
    if run is first:
        return at
    name, names = first.examples[at].name, run.example_names
    if name not in names:
        raise SeriesError(f"{run.name} does not hold the example {name}; choose others")
    return names.index(name)
