"""Whether files belong to one recording, what their ranks say together, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from recorders.run import layout
from recorders.run.address import Address
from recorders.run.errors import RunError
from recorders.run.facts import Facts
from recorders.run.parts import ending, state


def sentences(metadata: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of sentences from the metadata; whatever else stands there is one sentence."""
    found = metadata.get(key) or []
    return tuple(str(item) for item in (found if isinstance(found, list) else [found]))


def with_left_out(facts: Facts, more: Sequence[str]) -> Facts:
    """The facts with more sentences about what is not there."""
    if not more:
        return facts
    metadata = dict(facts.metadata or {})
    known = sentences(metadata, layout.LEFT_OUT)
    metadata[layout.LEFT_OUT] = list(dict.fromkeys([*known, *more]))
    return replace(facts, metadata=metadata)


def whole_facts(path: Address, facts: Facts) -> Facts:
    """The facts of a sealed file.

    Raises:
        RunError: it is one part of a run.
    """
    if not facts.sealed:
        raise RunError(f"{path} holds one part of a run; open its folder")
    return facts


def common_facts(folder: Path, ranks: Mapping[int, Sequence[Facts]]) -> Facts:
    """What the parts of a folder say together: those of the lowest rank, metadata of all.

    Args:
        folder: the folder of parts.
        ranks: the facts of each rank's parts, in the order of their numbers.

    Raises:
        RunError: they are no parts, or not of one recording.
    """
    merged: list[Facts] = []
    for rank, parts in ranks.items():
        metadata: dict[str, Any] = {}
        for number, part in enumerate(parts):
            first = merged[0] if merged else parts[0]
            if part.sealed:
                raise RunError(f"{folder} holds a whole run; open that file")
            alike = (part.codec, part.run) == (first.codec, first.run)
            if not alike or part.created != parts[0].created:
                raise RunError(
                    f"{folder} mixes parts of two recordings; part {number} of rank {rank} is of "
                    "another"
                )
            if (part.rank, part.segment) != (rank, number):
                raise RunError(
                    f"{folder} holds part {part.segment} of rank {part.rank} under the name of "
                    f"part {number} of rank {rank}; give it its own name back"
                )
            metadata |= part.metadata or {}
        merged.append(replace(parts[0], metadata=metadata))
    return replace(merged[0], metadata=_united([facts.metadata or {} for facts in merged]))


def incomplete(
    folder: Path, facts: Facts, counts: Mapping[int, int], *, partly: bool = False
) -> list[str]:
    """What is missing from a folder of parts, in sentences.

    Args:
        folder: the folder of parts.
        facts: what its parts say together.
        counts: number of parts of each rank.
        partly: whether it is known that parts are missing.

    Raises:
        RunError: a rank wrote more parts than are there.
    """
    if not facts.run:
        # Format 1.0 knew neither ranks nor their ends.
        return []
    alone = facts.world == 1
    missing = []
    for rank in range(facts.world):
        expected = ending(folder, rank, facts.run)
        if expected is not None and counts.get(rank, 0) < expected and not partly:
            raise RunError(
                f"{folder} lacks part {counts.get(rank, 0)} of rank {rank}; put it back, or remove "
                f"end-{rank:04d} to do without"
            )
        if expected is None and state(folder, rank, facts.run) != "recording":
            who = "recording" if alone else f"rank {rank} of {facts.world}"
            end = "did not end: what it had not written yet is not here"
            missing.append(f"{who} {end}" if rank in counts else f"{who} left nothing")
    return missing


def _united(metadata: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The lowest rank's facts, others' where it has none, and all ranks' sentences."""
    whole: dict[str, Any] = {}
    for own in reversed(metadata):
        whole |= own
    for key in (layout.LEFT_OUT, layout.CHANGED):
        found = [sentence for own in metadata for sentence in sentences(own, key)]
        if found and len(metadata) > 1:
            whole[key] = list(dict.fromkeys(found))
    return whole
