"""One example at every snapshot of its run: how attention came to be, read in slices."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardattn_viewer.session.frame_parts import frame_bytes
from hardattn_viewer.session.frames import Frame, Target, load_frame
from hardattn_viewer.session.studies import Study
from hardattn_viewer.session.training_course import sides_of

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState, Slot
    from recorders.run.reader import Run

MOST_BYTES = 96 * 2**20
NEWS_SECONDS = 0.1


@dataclass(frozen=True)
class Strip:
    """One run of a film.

    Attributes:
        slot: where it is.
        target: the run, and the place in it; its snapshot does not count.
        generation: grows when something comes to the run.
        snapshots: number of snapshots.
    """

    slot: Slot
    target: Target
    generation: int
    snapshots: int


@dataclass(frozen=True, eq=False)
class FilmFrames:
    """What was read of a film by now.

    Attributes:
        frames: by slot and snapshot: what is shown, or words why there is nothing.
        left_out: pictures that do not fit into memory, and are not shown.
    """

    frames: Mapping[tuple[Slot, int], Frame | str]
    left_out: int = 0

    def of(self, slot: Slot) -> list[Frame]:
        """The frames of one run, in the order of its snapshots."""
        found = sorted((at, frame) for (one, at), frame in self._shown() if one == slot)
        return [frame for _, frame in found]

    def _shown(self) -> Iterator[tuple[tuple[Slot, int], Frame]]:
        for place, frame in self.frames.items():
            if isinstance(frame, Frame):
                yield place, frame


@dataclass(frozen=True)
class Film(Study):
    """The frames of the example that is shown, at every snapshot of A and B.

    Attributes:
        strips: the runs.
    """

    strips: tuple[Strip, ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return tuple(strip.target.key for strip in self.strips)

    def results(self, runs: Mapping[int, Run]) -> Iterator[FilmFrames | None]:
        """Every result holds more frames; the first ones are spread over the whole training."""
        frames: dict[tuple[Slot, int], Frame | str] = {}
        most = max(strip.snapshots for strip in self.strips)
        places = [
            (strip, at) for at in spread(most) for strip in self.strips if at < strip.snapshots
        ]
        size = left_out = 0
        told = 0.0
        for strip, at in places:
            if size > MOST_BYTES:
                left_out += 1
                continue
            place = replace(strip.target.place, snapshot=at)
            try:
                frame = load_frame(runs[strip.target.key], place)
                size += frame_bytes(frame)
                frames[strip.slot, at] = frame
            except IndexError as missing:
                frames[strip.slot, at] = str(missing)
            if time.monotonic() - told > NEWS_SECONDS or not told:
                yield FilmFrames(dict(frames))
                told = time.monotonic()
            else:
                yield None
        yield FilmFrames(frames, left_out)


def spread(count: int) -> list[int]:
    """The numbers from 0 to ``count`` − 1: first and last, then ever more between them."""
    if count < 1:
        return []
    found = dict.fromkeys((0, count - 1))
    stride = 1 << max(count - 1, 1).bit_length()
    while stride > 1:
        stride //= 2
        found |= dict.fromkeys(range(0, count, stride))
    return list(found)


def film_wanted(state: SessionState) -> Film | None:
    """The study that the film of the training view draws."""
    from hardattn_viewer.session.wants import targets_wanted

    targets = dict(zip(("A", "B"), targets_wanted(state), strict=True))
    strips = []
    for side in sides_of(state):
        target, facts = targets[side.slot], state.facts(side.slot)
        if target is None or facts is None:
            continue
        place = replace(target.place, snapshot=None)
        strips.append(
            Strip(side.slot, replace(target, place=place), side.generation, len(facts.snapshots))
        )
    return Film(tuple(strips)) if strips else None
