"""Writing a run: segments that survive a kill, sealed into one file at the end."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py

from recorders.run.errors import RunError
from recorders.run.facts import Facts
from recorders.run.image import metadata_json, write_root
from recorders.run.join import join, new_run
from recorders.run.parts import PARTS_SUFFIX, Place, State
from recorders.run.rows import RowWriter
from recorders.version import PRODUCER

__all__ = ["SegmentWriter", "join", "new_run"]

_NOT_ENDED = {
    "absent": "rank {rank} never wrote to {parts}; open the recorder in every rank",
    "recording": "rank {rank} still records into {parts}; close its recorder first",
    "cut off": "rank {rank} was cut off; hardattn recover {parts} joins what there is",
    "unknown": "rank {rank}, on another host, has not ended; close its recorder first, or join "
    "what there is with hardattn recover {parts}",
}


class SegmentWriter(RowWriter):
    """Writes a run, part by part; numpy only.

    What was added is in memory until ``flush``; when that returns it survives a kill. Only the
    process that made it writes: in one forked from that, ``flush`` is refused, and ``close`` and
    ``release`` do nothing.

    Args:
        path: the file that ``close`` seals the parts into; its folder must exist.
        codec: how probabilities are stored: ``sqrt16``, ``sqrt8``, ``float16`` or ``float32``.
        metadata: free facts about the run, plain JSON.
        producer: the program that records; by default this one, with its version.
        rank: number of this process among those that record this run together.
        world: how many these are; each writes its own parts into the same folder.
        run: random name of the recording, the same in all of them; a new one by default.

    Attributes:
        path: the file to be.
        parts: the folder of parts, ``path`` with ``.parts`` added.
        written_bytes: bytes of the parts written so far, of this process alone.
        rank: as given.
        world: as given.

    Raises:
        ValueError: unknown codec, metadata that is not JSON, or a rank outside the world.
        FileExistsError: a killed recording left parts there, or another one is writing them.
        OSError: the folder of parts cannot be made, or several ranks meet where there are no locks.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        codec: str = "sqrt16",
        metadata: dict[str, Any] | None = None,
        producer: str = "",
        rank: int = 0,
        world: int = 1,
        run: str = "",
    ) -> None:
        if not 0 <= rank < world or (world > 1 and not run):
            raise ValueError(
                f"rank {rank} of {world} with the name {run!r} cannot record; "
                "ranks count from 0, and all of them need one name"
            )
        super().__init__(codec)
        self.path = Path(path)
        self.rank = rank
        self.world = world
        self.parts = self.path.with_name(self.path.name + PARTS_SUFFIX)
        self._metadata = dict(metadata or {})
        metadata_json(self._metadata)
        self._producer = producer or PRODUCER
        self._created = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._metadata_waits = True
        self._writing = False
        self._joined = False
        self._closed = False
        self._process = os.getpid()
        self.written_bytes = 0
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"the folder {self.path.parent} does not exist; make it first")
        self._run = run or new_run()
        self._place = Place(self.parts, rank, world, self._run)

    def describe(self, **facts: Any) -> None:
        """Add facts to the metadata; one of the same name replaces the earlier.

        Raises:
            ValueError: a fact is not plain JSON.
        """
        metadata_json(facts)
        self._metadata |= facts
        self._metadata_waits = True

    def flush(self) -> None:
        """Write what waits as a segment; when this returns it survives a kill.

        Raises:
            OSError: the disk refused. Nothing is lost: the same data is tried again next time.
            ValueError: it is closed, or belongs to the process that this one was forked from.
        """
        self.check_process()
        if self._closed:
            raise ValueError(f"{self.path} is closed; nothing more can be recorded into it")
        if self._writing:
            raise BlockingIOError(
                errno.EAGAIN,
                f"{self.path} is being flushed already; a signal handler cannot flush too, let it "
                "set a flag or raise SystemExit",
            )
        if not (self._pending or self._metadata_waits):
            return
        self._writing = True
        try:
            self._write_segment()
        finally:
            self._writing = False

    @property
    def is_mine(self) -> bool:
        """Whether this process made the writer, and was not forked from the one that did."""
        return os.getpid() == self._process

    def check_process(self) -> None:
        """Raise ValueError in a process that was forked from the one that records."""
        if not self.is_mine:
            raise ValueError(
                f"{self.path} is recorded by process {self._process}, which this one was forked "
                "from; open a recorder with another name here"
            )

    def others(self) -> dict[int, State]:
        """What every other rank is doing; see ``parts.State``."""
        return self._place.others()

    def close(self, *, join: bool = True) -> None:
        """Write what waits, join the parts into ``path`` and remove them.

        Args:
            join: whether to join; of several ranks one does, after all the others have closed
                with False.

        Raises:
            OSError: the disk refused; what was flushed stays in the parts folder, and closing
                can be tried again.
            RunError: another rank has not ended, or a part was damaged on disk meanwhile; the
                parts are left as they are.
        """
        if self._closed or not self.is_mine:
            return
        if not self._joined:
            self.flush()
            self._place.end(self._pending.segment)
            if join:
                self._join()
                self._joined = True
        if self._joined:
            self._place.clear()
        self.release()

    def release(self) -> None:
        """Let go of the folder of parts as it is; nothing more can be recorded into it."""
        self._closed = True
        if self.is_mine:
            self._place.leave()

    def _join(self) -> None:
        for rank, doing in self.others().items():
            if doing != "ended":
                raise RunError(_NOT_ENDED[doing].format(rank=rank, parts=self.parts))
        join(self.parts, self.path, trusted=True)

    def _write_segment(self) -> None:
        facts = Facts(
            self._producer,
            self._created,
            self._codec.name,
            sealed=False,
            run=self._run,
            world=self.world,
            rank=self.rank,
            segment=self._pending.segment,
            metadata=self._metadata if self._metadata_waits else None,
        )
        # In memory of HDF5's own: through a file of ours, an interrupt could fall into its calls
        # and leave the image with a hole.
        with h5py.File(
            self._run, "w", driver="core", backing_store=False, libver=("v110", "v110")
        ) as file:
            write_root(file, facts)
            self._pending.write(file)
            file.flush()
            image = file.id.get_file_image()
        self._place.add(self._pending.segment, memoryview(image))
        self.written_bytes += len(image)
        self._pending.written()
        self._metadata_waits = False
