"""What a run says about itself besides its maps: omissions, verification, tokens on their axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from recorders.run.reader import Run, Site
    from recorders.run.records import Event

Verification = Literal["verified", "mismatch", "unverified"]
MAX_POSITION = 1 << 20


@dataclass(frozen=True)
class AxisTokens:
    """The tokens of an example, by axis.

    Attributes:
        own: the example's own tokens, and those that a decoder added to them.
        target: the tokens of the target, where the model has one apart.
    """

    own: tuple[str, ...] = ()
    target: tuple[str, ...] = ()

    def on(self, axis: str) -> tuple[str, ...]:
        """The tokens on the axis ``"tokens"`` or ``"target"``; none on any other."""
        return {"tokens": self.own, "target": self.target}.get(axis, ())


def left_out_of(run: Run) -> tuple[str, ...]:
    """Sentences that say what was not recorded."""
    return _sentences(run.metadata.get("left_out", []))


def changed_in(run: Run) -> tuple[str, ...]:
    """Sentences that say what recording changed about the run of the model."""
    return _sentences(run.metadata.get("changed", []))


def verification_in(run: Run, site: Site) -> str:
    """The sentence on whether a site's record is what the model used."""
    return site.verified


def verification_kind(sentence: str) -> Verification:
    """What a verification sentence comes down to."""
    first = sentence.strip().lower()
    if first.startswith("mismatch"):
        return "mismatch"
    return "verified" if first.startswith("verified") else "unverified"


def axis_tokens(run: Run, example: int, snapshot: int) -> AxisTokens:
    """The tokens of an example with those that came while the model ran."""
    axes: list[list[str]] = [list(run.tokens(example) or ()), []]
    for token in run.later_tokens(example, snapshot):
        # A broken file must not make this list as long as its numbers say.
        if token.axis not in (0, 1) or not 0 <= token.position < MAX_POSITION:
            continue
        texts = axes[token.axis]
        # A position without a token keeps its place, so that all after it stay right.
        texts += [""] * (token.position + 1 - len(texts))
        texts[token.position] = token.text
    return AxisTokens(*map(tuple, axes))


def event_of(run: Run, site: Site, example: int, step: int, snapshot: int) -> Event | None:
    """Size and offsets of one event; None where the step was not recorded."""
    try:
        return run.event(site, example, step, snapshot)
    except IndexError:
        return None


def _sentences(found: object) -> tuple[str, ...]:
    # Metadata is free JSON: what is no list of texts is shown as the text that it is.
    items = found if isinstance(found, list) else [found]
    return tuple(" ".join(str(item).split()) for item in items if item)
