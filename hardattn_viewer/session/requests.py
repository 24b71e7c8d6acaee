"""What the session asks the reader thread, and what comes back: frozen, and safe to hand over.

Requests of one kind carry a growing generation; only the latest of a kind is worth answering.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.frames import Target
from hardattn_viewer.session.rows import Rows
from hardattn_viewer.session.state import Frames, Live, Recovery, RunFacts
from hardattn_viewer.session.studies import Study
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
    """Align the runs in A and B (keys, or None) and read the example table.

    ``sites`` and ``snapshots`` are those of A and B; ``grown`` are the generations of both runs:
    the table is read again when one has grown.
    """

    generation: int
    a: int | None
    b: int | None
    sites: tuple[str | None, str | None]
    snapshots: tuple[int | None, int | None]
    grown: tuple[int, int] = (0, 0)

    def is_longer(self, other: RowsRequest | None) -> bool:
        """Whether this asks for the same table as another, only later."""
        return other is not None and self == replace(
            other, generation=self.generation, grown=self.grown
        )


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
class StudyRequest:
    """Read a study of a kind; None stops the one that is being read."""

    generation: int
    kind: str
    study: Study | None


@dataclass(frozen=True)
class RecoverRequest:
    """Join the parts of an open run into one file, and show that instead of them."""

    key: int
    parts: Path
    into: Path


@dataclass(frozen=True)
class TurnRequest:
    """Go on with the file that the parts of an open run were joined into."""

    key: int
    joined: Path


@dataclass(frozen=True)
class StopRecoveryRequest:
    """Give a recovery up."""


Request = (
    OpenRequest
    | CloseRequest
    | RowsRequest
    | FramesRequest
    | ThumbnailsRequest
    | StudyRequest
    | RecoverRequest
    | TurnRequest
    | StopRecoveryRequest
)


@dataclass(frozen=True)
class Opened:
    """A run was opened, or ``error`` says why not."""

    key: int
    facts: RunFacts | None
    error: str = ""
    live: Live | None = None


@dataclass(frozen=True)
class Waits:
    """A recorder has begun a run, and nothing of it is on disk yet."""

    key: int


@dataclass(frozen=True)
class Grown:
    """Something came to a run, it was sealed, or its recording ended otherwise.

    ``moved`` says that examples may have other numbers than before, as those of several ranks do;
    ``error`` says why it cannot be followed any further.
    """

    key: int
    path: Address
    facts: RunFacts | None
    live: Live | None
    moved: bool = False
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
    request: RowsRequest | None = None
    notices: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class FramesRead:
    """Frames of A and B; where one could not be read, words stand in its place."""

    generation: int
    frames: Frames


@dataclass(frozen=True, eq=False)
class ThumbnailsRead:
    """Small images, uint8 [height, width] or [height, width, 3]; None where there is none.

    Attributes:
        generation: of the request.
        images: by run key and example.
        texts: of examples without an image, how their text begins; empty where they have none.
    """

    generation: int
    images: dict[tuple[int, int], NDArray[np.uint8] | None]
    texts: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Studied:
    """What is known of a study by now, or ``error`` says why it stopped."""

    generation: int
    kind: str
    value: object | None = None
    finished: bool = False
    error: str = ""


@dataclass(frozen=True)
class Recovering:
    """How far a recovery has come, how it ended, or None where it was given up."""

    recovery: Recovery | None


@dataclass(frozen=True)
class Unexpected:
    """A fault of the program itself on the reader thread, to be raised where it is seen."""

    error: Exception


Answer = (
    Opened
    | Waits
    | Grown
    | RowsRead
    | FramesRead
    | ThumbnailsRead
    | Studied
    | Recovering
    | Unexpected
)
