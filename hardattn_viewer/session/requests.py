"""What the session asks the reader thread, and what comes back: frozen, and safe to hand over.

Requests of one kind carry a growing generation; only the latest of a kind is worth answering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.comparing import RunComparison
from hardattn_viewer.session.frames import Target
from hardattn_viewer.session.rows import Rows
from hardattn_viewer.session.state import Frames, RunFacts
from recorders.run.address import Address


@dataclass(frozen=True)
class OpenRequest:
    """Open a run and say what it holds."""

    key: int
    path: Address


@dataclass(frozen=True)
class CloseRequest:
    """Close a run and forget everything read from it."""

    key: int


@dataclass(frozen=True)
class RowsRequest:
    """Align the runs in A and B (keys, or None) and read the example table."""

    generation: int
    a: int | None
    b: int | None
    site: str | None
    snapshots: tuple[int | None, int | None]


@dataclass(frozen=True)
class FramesRequest:
    """Read what A and B show; ``ahead`` are places to read afterwards, when nothing waits."""

    generation: int
    a: Target | None
    b: Target | None
    why_a: str = ""
    why_b: str = ""
    ahead: tuple[Target, ...] = ()


@dataclass(frozen=True)
class ThumbnailsRequest:
    """Read small images: (run key, example) each."""

    generation: int
    wanted: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class CompareRequest:
    """Compare two runs over every example that both hold, a slice at a time."""

    generation: int
    a: int
    b: int
    pairs: tuple[tuple[int, int], ...]
    site: str | None
    snapshots: tuple[int | None, int | None]


Request = (
    OpenRequest | CloseRequest | RowsRequest | FramesRequest | ThumbnailsRequest | CompareRequest
)


@dataclass(frozen=True)
class Opened:
    """A run was opened, or ``error`` says why not."""

    key: int
    facts: RunFacts | None
    error: str = ""


@dataclass(frozen=True)
class RowsRead:
    """The example table was read, or ``error`` says why not.

    Attributes:
        notices: what the runs, by key, have to say by now: reading met what opening did not.
    """

    generation: int
    rows: Rows | None
    error: str = ""
    notices: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class FramesRead:
    """Frames of A and B; where one could not be read, words stand in its place."""

    generation: int
    frames: Frames


@dataclass(frozen=True, eq=False)
class ThumbnailsRead:
    """Small images, uint8 [height, width] or [height, width, 3]; None where there is none."""

    generation: int
    images: dict[tuple[int, int], NDArray[np.uint8] | None]


@dataclass(frozen=True)
class Compared:
    """The whole-run comparison so far, or ``error`` says why it stopped."""

    generation: int
    comparison: RunComparison | None
    error: str = ""


@dataclass(frozen=True)
class Unexpected:
    """A fault of the program itself on the reader thread, to be raised where it is seen."""

    error: Exception


Answer = Opened | RowsRead | FramesRead | ThumbnailsRead | Compared | Unexpected
