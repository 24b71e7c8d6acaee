"""How often each key was drawn: by the heads of an event, and in repeats of an example."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.frames import Frame, Target
from hardattn_viewer.session.studies import Study
from recorders.run.layout import BEAM

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState, Slot
    from recorders.run.reader import Run

SLICE_SECONDS = 0.008


@dataclass(frozen=True, eq=False)
class Draws:
    """How often each key was drawn.

    Attributes:
        counts: int64 [keys].
        words: what was drawn how often, for example ``"n = 20 repeats"``.
    """

    counts: NDArray[np.int64]
    words: str

    @property
    def n(self) -> int:
        """The number of draws."""
        return int(self.counts.sum())

    @property
    def shares(self) -> NDArray[np.float64]:
        """Draws of each key over all draws, float64 [keys]."""
        return np.asarray(self.counts / max(self.n, 1), dtype=np.float64)


def draws_of(frame: Frame) -> Draws | None:
    """The draws of the frame's step, where there are several; None elsewhere."""
    one = frame.map
    if one is None or not frame.hard or not one.chosen.size:
        return None
    chosen = one.chosen[frame.query]
    chosen = chosen[(chosen >= 0) & (chosen < frame.probabilities.size)]
    several = frame.heads if frame.place.head is None else 1
    # The k best of one head are no draws: each is there once by construction.
    if chosen.size < 2 or (several == 1 and np.unique(chosen).size == chosen.size):
        return None
    what = f"choices of {several} heads" if several > 1 else "draws of this step"
    counts = np.bincount(chosen, minlength=frame.probabilities.size)
    return Draws(counts, f"n = {chosen.size} {what}")


@dataclass(frozen=True)
class Asked:
    """A place whose repeats are asked for.

    Attributes:
        slot: where the run is.
        target: the run and the place, with the step and the query that are shown.
        generation: grows when something comes to the run.
    """

    slot: Slot
    target: Target
    generation: int


@dataclass(frozen=True)
class RepeatedDraws(Study):
    """What was chosen at one place in all examples of the same content.

    Attributes:
        asked: a place in A, in B, or both.
    """

    asked: tuple[Asked, ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return tuple(one.target.key for one in self.asked)

    def results(self, runs: Mapping[int, Run]) -> Iterator[Mapping[Slot, Draws] | None]:
        """The draws by slot; a slot without repeats is not in it."""
        found: dict[Slot, Draws] = {}
        begun = time.monotonic()
        for one in self.asked:
            run, place = runs[one.target.key], one.target.place
            again = repeats_of(run, place.example)
            if len(again) < 2 or place.site is None:
                continue
            chosen: list[NDArray[np.int64]] = []
            keys = read = 0
            for example in again:
                if place.step < run.steps(place.site, example, place.snapshot):
                    where = place.site, example, place.step, place.snapshot
                    selection = run.selection(*where)
                    keys = max(keys, run.event(*where).keys)
                    if selection is not None and (place.query or 0) < selection.shape[1]:
                        heads = slice(None) if place.head is None else place.head
                        chosen.append(selection[heads, place.query or 0].reshape(-1))
                        read += 1
                if time.monotonic() - begun > SLICE_SECONDS:
                    yield None
                    begun = time.monotonic()
            if read > 1:
                counts = np.bincount(np.concatenate(chosen), minlength=keys)
                found[one.slot] = Draws(counts, _words(int(counts.sum()), read, place.step))
        yield found


def repeats_of(run: Run, example: int) -> tuple[int, ...]:
    """The examples with the same label, image, regions and tokens, itself included.

    Further beams of an example share its content and are no repeats.
    """
    digests = run.example_digests
    same = np.flatnonzero((digests == digests[example]).all(axis=1))
    names = run.example_names
    return tuple(at for at in same.tolist() if BEAM not in names[at])


def has_repeats(run: Run) -> bool:
    """Whether any two examples have the same content."""
    # The first eight bytes of a SHA-256 tell a million examples apart, and sort quickly.
    digests = np.ascontiguousarray(run.example_digests[:, :8]).view(np.uint64).ravel()
    if np.unique(digests).size == digests.size:
        return False
    own = [at for at, name in enumerate(run.example_names) if BEAM not in name]
    return np.unique(digests[own]).size < len(own)


def draws_wanted(state: SessionState) -> RepeatedDraws | None:
    """The study that the distributions draw; None where no run has repeats."""
    asked = []
    slots: tuple[Slot, ...] = ("A", "B")
    for slot, target in zip(slots, state.frames.targets, strict=True):
        frame, run, facts = state.frames.of(slot), state.run_in(slot), state.facts(slot)
        if frame is None or target is None or run is None or facts is None:
            continue
        if run.key == target.key and facts.repeated and frame.hard:
            asked.append(Asked(slot, Target(target.key, frame.place), run.generation))
    return RepeatedDraws(tuple(asked)) if asked else None


def shown_draws(state: SessionState, slot: Slot, frame: Frame) -> Draws | None:
    """The draws that go with the distribution of ``frame``: in repeats, or in its own event."""
    study = state.studies.get("draws")
    found = study.value if study is not None else None
    if isinstance(found, Mapping) and slot in found:
        draws = found[slot]
        if isinstance(draws, Draws) and draws.counts.size == frame.probabilities.size:
            return draws
    return draws_of(frame)


def _words(n: int, repeats: int, step: int) -> str:
    draws = "" if n == repeats else f"{n:,} draws in "
    # The first choice is from one distribution; later ones follow different choices.
    after = ", after choices of their own" if step else ""
    return f"{'n = ' if not draws else ''}{draws}{repeats:,} repeats{after}"
