"""What a run itself tells about how far it can be believed, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from recorders.run import layout
from recorders.run.contents import Contents
from recorders.run.finding import Finding
from recorders.run.origin import sentences
from recorders.run.verification import Verification, verifications

_NAMED = 3


def about_sentences(contents: Contents) -> Iterator[Finding]:
    """What was left out and what recording changed: one notice a sentence."""
    metadata = contents.facts.metadata or {}
    for key, words in ((layout.LEFT_OUT, "left out"), (layout.CHANGED, "changed")):
        for sentence in sentences(metadata, key):
            if sentence not in contents.notices:
                yield Finding("notice", "/metadata", f"{words}: {sentence}")


def about_verification(contents: Contents) -> Iterator[Finding]:
    """Sites whose record is not what the model used, or where that is not known."""
    columns = contents.tables.columns
    checked, failed, unchecked = (
        columns[f"verifications/{name}"] for name in ("checked", "failed", "unchecked")
    )
    impossible = (checked < 0) | (unchecked < 0) | (failed < 0) | (failed > checked)
    if impossible.any():
        row = int(impossible.argmax())
        yield Finding("error", "/verifications", f"row {row} counts what cannot be")
        return
    unknown: dict[str, list[str]] = {}
    names = contents.tables.texts["sites/name"]
    for name, known in zip(names, verifications(contents.tables), strict=True):
        if known.failed:
            yield Finding(
                "error",
                "/verifications",
                f"site {name!r}: {known.words}; what is recorded there is not what the model used",
            )
        elif known.unchecked:
            unknown.setdefault(_how_far(known), []).append(name)
    for words, sites in unknown.items():
        yield Finding("notice", "/verifications", f"{_some(sites)}: {words}")


def _how_far(known: Verification) -> str:
    if not known.checked:
        return known.words
    why = "; ".join(known.reasons) or "there was nothing to compare with"
    events = "event is" if known.unchecked == 1 else "events are"
    return f"{known.unchecked:,} {events} not verified: {why}"


def _some(names: list[str]) -> str:
    first = ", ".join(repr(name) for name in names[:_NAMED])
    if len(names) > _NAMED:
        return f"{len(names)} sites ({first} and {len(names) - _NAMED} more)"
    return f"site{'s' if len(names) > 1 else ''} {first}"
