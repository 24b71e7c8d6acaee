"""How requests are answered from run files; used by one thread at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.cache import ByteCache
from hardattn_viewer.session.comparing import compare_in_slices
from hardattn_viewer.session.frames import Frame, Target, frame_bytes, load_frame
from hardattn_viewer.session.requests import (
    Answer,
    CloseRequest,
    Compared,
    CompareRequest,
    FramesRead,
    FramesRequest,
    Opened,
    OpenRequest,
    Request,
    RowsRead,
    RowsRequest,
    ThumbnailsRead,
    ThumbnailsRequest,
)
from hardattn_viewer.session.rows import read_rows
from hardattn_viewer.session.state import Frames, RunFacts, SiteFacts
from recorders.run.reader import Remote, Run, RunError, read_run

FRAME_BYTES = 96 * 2**20
THUMBNAIL_PIXELS = 64


class Reading:
    """The open runs and what was lately read from them."""

    def __init__(self) -> None:
        self._runs: dict[int, Run] = {}
        # Keys never come again, so nothing needs to be taken out of here.
        self._given_up: set[int] = set()
        self._ends = False
        self._frames: ByteCache[Target, Frame] = ByteCache(FRAME_BYTES, frame_bytes)

    def answers(self, request: Request) -> list[Answer]:
        """Do what ``request`` asks; what goes wrong with a file is an answer in words."""
        match request:
            case OpenRequest():
                return [self._open(request)]
            case CloseRequest():
                self._close(request.key)
                return []
            case RowsRequest():
                return [self._rows(request)]
            case FramesRequest():
                return [self._both_frames(request)]
            case ThumbnailsRequest():
                return [self._thumbnails(request)]
            case CompareRequest():
                return list(self.compare(request))

    def ahead(self, target: Target) -> list[Answer]:
        """Read a frame that will probably be asked for; nothing comes of it if it fails."""
        if target.key in self._runs:
            self._frame(target)
        return []

    def compare(self, request: CompareRequest) -> Iterator[Answer]:
        """Compare two runs a slice at a time; every slice is an answer."""
        run_a, run_b = self._runs.get(request.a), self._runs.get(request.b)
        if run_a is None or run_b is None:
            return
        try:
            for comparison in compare_in_slices(
                run_a, run_b, request.pairs, request.site, request.snapshots
            ):
                yield Compared(request.generation, comparison)
        except (RunError, IndexError, OSError) as error:
            yield Compared(request.generation, None, _sentence(error))

    def give_up(self, key: int | None = None) -> None:
        """Wait no longer for the server of a run, or of any; called on any thread."""
        if key is None:
            self._ends = True
        else:
            self._given_up.add(key)

    def _is_given_up(self, key: int) -> bool:
        return self._ends or key in self._given_up

    def close(self) -> None:
        """Close every run."""
        for key in list(self._runs):
            self._close(key)

    def _open(self, request: OpenRequest) -> Opened:
        try:
            remote = Remote(cancelled=partial(self._is_given_up, request.key))
            run = read_run(request.path, remote=remote)
        except (RunError, OSError) as error:
            return Opened(request.key, None, _sentence(error))
        try:
            facts = run_facts(run)
        except (RunError, IndexError, OSError) as error:
            run.close()
            return Opened(request.key, None, _sentence(error))
        self._runs[request.key] = run
        return Opened(request.key, facts)

    def _close(self, key: int) -> None:
        self._frames.forget(lambda target: target.key == key)
        run = self._runs.pop(key, None)
        if run is not None:
            run.close()

    def _rows(self, request: RowsRequest) -> RowsRead:
        run_a = self._runs.get(request.a) if request.a is not None else None
        run_b = self._runs.get(request.b) if request.b is not None else None
        try:
            rows = read_rows(run_a, run_b, request.site, request.snapshots)
        except (RunError, IndexError, OSError) as error:
            return RowsRead(request.generation, None, _sentence(error))
        opened = {key: self._runs[key] for key in (request.a, request.b) if key in self._runs}
        return RowsRead(
            request.generation, rows, notices={key: _notices(run) for key, run in opened.items()}
        )

    def _both_frames(self, request: FramesRequest) -> FramesRead:
        started = time.perf_counter()
        in_memory = all(t is None or t in self._frames for t in (request.a, request.b))
        a, why_a = self._frame_or_words(request.a, request.why_a)
        b, why_b = self._frame_or_words(request.b, request.why_b)
        milliseconds = 0.0 if in_memory else 1e3 * (time.perf_counter() - started)
        return FramesRead(
            request.generation, Frames(a, b, why_a, why_b, (request.a, request.b), milliseconds)
        )

    def _frame_or_words(self, target: Target | None, why: str) -> tuple[Frame | None, str]:
        if target is None:
            return None, why
        frame = self._frame(target)
        return (None, frame) if isinstance(frame, str) else (frame, "")

    def _frame(self, target: Target) -> Frame | str:
        frame = self._frames.get(target)
        if frame is None:
            try:
                frame = load_frame(self._runs[target.key], target.place)
            except (RunError, IndexError, OSError) as error:
                return _sentence(error)
            self._frames.put(target, frame)
        return frame

    def _thumbnails(self, request: ThumbnailsRequest) -> ThumbnailsRead:
        images: dict[tuple[int, int], NDArray[np.uint8] | None] = {}
        for key, example in request.wanted:
            run = self._runs.get(key)
            if run is None:
                continue
            try:
                image = run.image(example)
            except (RunError, IndexError, OSError):
                # The table goes without a picture; opening the example says what is wrong.
                image = None
            images[key, example] = None if image is None else shrunk(image)
        return ThumbnailsRead(request.generation, images)


def run_facts(run: Run) -> RunFacts:
    """What is shown of a run as a whole.

    Raises:
        recorders.RunError: the run is damaged.
    """
    first = run.examples[0] if len(run.examples) else None
    return RunFacts(
        name=run.name,
        size=run.bytes,
        sealed=run.sealed,
        sites=tuple(
            SiteFacts(
                name=site.name,
                mechanism=site.mechanism,
                hard=site.hard,
                heads=site.heads,
                key_axis=site.key_axis,
                verified=site.verified,
                capture=site.capture,
                kind=site.kind,
                layer=site.layer,
                head_indices=site.head_indices,
                large=run.has_large_maps(site),
            )
            for site in run.sites
        ),
        examples=len(run.examples),
        steps=run.most_steps(),
        regions=first.n_regions if first else 0,
        tokens=first.n_tokens if first else 0,
        snapshots=tuple(int(snapshot.step) for snapshot in run.snapshots),
        codec_error=float(run.codec_max_error),
        producer=str(run.producer),
        left_out=run.left_out,
        changed=run.changed,
        notices=_notices(run),
    )


def _notices(run: Run) -> tuple[str, ...]:
    """What of the file is damaged or unknown; what was left out is told apart."""
    return tuple(one for one in run.notices if one not in run.left_out)


def shrunk(image: NDArray[np.uint8], pixels: int = THUMBNAIL_PIXELS) -> NDArray[np.uint8]:
    """Every n-th pixel, so that the longer side is at most ``pixels`` long."""
    stride = -(-max(image.shape[:2]) // pixels)
    return np.ascontiguousarray(image[::stride, ::stride])


def _sentence(error: Exception) -> str:
    """The error's own words on one line."""
    text = " ".join(str(error).split())
    return text or type(error).__name__
