"""What a run says about itself besides its maps: verification, tokens on their axes, events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

from hardattn_viewer.session.image_levels import Image, smaller_levels
from recorders.run.errors import DamagedError
from recorders.run.layout import GATE_STATES

if TYPE_CHECKING:
    from recorders.run.reader import Run, Site
    from recorders.run.records import Event

Verification = Literal["verified", "mismatch", "unverified"]


@dataclass(frozen=True)
class AxisTokens:
    """The tokens of an example, by axis.

    Attributes:
        own: the example's own tokens, and those that a decoder added to them.
        target: the tokens of the target, where the model has one apart.
        slots: what each slot of its memory holds.
    """

    own: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()

    def on(self, axis: str) -> tuple[str, ...]:
        """What stands on an axis: tokens, those of a target, slots, states of a gate; else none."""
        known = {"tokens": self.own, "target": self.target, "slots": self.slots}
        return (known | {"gate": GATE_STATES}).get(axis, ())


def verification_kind(sentence: str) -> Verification:
    """What a verification sentence comes down to."""
    first = sentence.strip().lower()
    if first.startswith("mismatch"):
        return "mismatch"
    return "verified" if first.startswith("verified") else "unverified"


def axis_tokens(run: Run, example: int, snapshot: int, step: int | None = None) -> AxisTokens:
    """The tokens of an example with those that came while the model ran.

    Args:
        run: the run.
        example: index of the example.
        snapshot: index of the snapshot.
        step: the last step whose tokens count; None for all. Only of beams, which go on from
            each other, and of a memory does an earlier step have other tokens than the last at
            the same places.
    """
    own, target, slots = (
        run.tokens(example, axis, snapshot, step) for axis in ("tokens", "target", "slots")
    )
    return AxisTokens(own or (), target or (), slots or ())


def event_of(run: Run, site: Site, example: int, step: int, snapshot: int) -> Event | None:
    """Size and offsets of one event; None where the step was not recorded."""
    try:
        return run.event(site, example, step, snapshot)
    except IndexError:
        return None


# The last large image of each run: another head or site of its example needs it again.
_LAST: WeakKeyDictionary[Run, tuple[int, Image, tuple[Image, ...]]] = WeakKeyDictionary()


def image_and_levels(
    run: Run, example: int, damage: list[str]
) -> tuple[Image | None, tuple[Image, ...]]:
    """The image of an example and smaller copies of it.

    It is None where there is none, or it is damaged, which is then noted in ``damage``.
    """
    last = _LAST.get(run)
    if last is not None and last[0] == example:
        return last[1], last[2]
    try:
        image = run.image(example)
    except DamagedError as problem:
        damage.append(str(problem))
        return None, ()
    levels = smaller_levels(image)
    if image is not None and levels:
        _LAST[run] = (example, image, levels)
    return image, levels
