"""What a run says of itself as a whole: its root attributes and its metadata."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from recorders.run import layout
from recorders.run.errors import FlawError

_MAX_DEPTH = 64
_MAX_ITEMS = 1_000_000
_MAX_DIGITS = 100


@dataclass(frozen=True)
class Facts:
    """What the root attributes of a run or of one of its parts say.

    Attributes:
        producer: the program that recorded.
        created: when recording began, ISO 8601 in UTC.
        codec: name of the codec of the maps.
        sealed: whether this is a whole run.
        run: random name of the recording; empty before format 1.1.
        world: processes that recorded together.
        rank: number of the process among them.
        segment: number of the part among its rank's.
        metadata: free facts.
        format_version: version of the format that the file was written in.
    """

    producer: str
    created: str
    codec: str
    sealed: bool = True
    run: str = ""
    world: int = 1
    rank: int = 0
    segment: int = 0
    metadata: dict[str, Any] | None = None
    format_version: str = layout.FORMAT_VERSION


def parsed_metadata(data: bytes) -> dict[str, Any]:
    """The metadata of a run from its JSON.

    Raises:
        FlawError: it is not a JSON object, or one that is made to exhaust whoever reads it.
    """
    # Every item but the first of each list or object follows one of these.
    if sum(data.count(mark) for mark in (b",", b"[", b"{")) > _MAX_ITEMS:
        raise FlawError(f"its metadata has more than {_MAX_ITEMS:,} items")
    try:
        metadata = json.loads(
            data.decode(), parse_int=_integer, parse_float=_finite, parse_constant=_finite
        )
    except (ValueError, RecursionError) as problem:
        raise FlawError(f"its metadata is not UTF-8 JSON ({problem})") from problem
    if not isinstance(metadata, dict):
        raise FlawError("its metadata is not a JSON object")
    _check_depth(metadata)
    return metadata


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits")
    return int(digits)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no finite number")
    return value


def _check_depth(metadata: dict[str, Any]) -> None:
    level: list[Any] = [metadata]
    for _ in range(_MAX_DEPTH):
        level = [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise FlawError(f"its metadata is nested more than {_MAX_DEPTH} levels deep")
