"""Following a run while it is recorded: what came to it, and whether its writer lives."""

from __future__ import annotations

from pathlib import Path

from recorders.run.address import Address
from recorders.run.contents import sealed_path
from recorders.run.parts import PARTS_SUFFIX, Doing, doing, is_held
from recorders.run.reader import Run

Stamp = tuple[int, ...]


class Follower:
    """Watches a run that may still be recorded; used by one thread.

    Asking costs a few system calls where nothing came, and never keeps the writer waiting.

    Args:
        run: the run as it was opened.

    Attributes:
        run: the run as far as it has come.
        doing: what its recording is doing; None once it is sealed.
        written: when its newest part was written, in seconds since 1970.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.written = run.written
        self.doing: Doing | None = None if run.sealed else _doing(run)
        self._heard = self.doing
        self._stamps: list[Stamp | None] = []
        self._settled = False

    def poll(self) -> bool:
        """Look whether something came.

        Returns:
            Whether ``run`` or ``doing`` changed.

        Raises:
            RunError: the folder of parts is gone, another recording's, or damaged.
        """
        if self.run.sealed:
            return False
        before = self.run, self.doing
        heard = _doing(self.run)
        if self._is_touched() or heard != self._heard:
            self.run = self.run.refreshed()
            self.written = self.run.written
        if self.run.sealed:
            self.doing = None
        elif heard != "cut off" or self._heard == "cut off":
            # A recording that has just been joined looks cut off while its folder is removed.
            self.doing = heard
        self._heard = heard
        return (self.run, self.doing) != before

    def turn_to(self, joined: Path) -> bool:
        """Go on with the file that the parts were joined into, whatever its name.

        Returns:
            Whether it is this recording's.

        Raises:
            RunError: it is damaged.
        """
        self.run = self.run.refreshed(joined)
        self.written = self.run.written
        self.doing = None if self.run.sealed else self.doing
        return self.run.sealed

    def _is_touched(self) -> bool:
        """Whether names came or went in the folder, or the sealed file came, since last time."""
        folder = _folder(self.run)
        whole = sealed_path(folder)
        stamps = [_stamp(folder), _stamp(whole) if whole is not None else None]
        same, self._stamps = stamps == self._stamps, stamps
        # Two changes within one tick of the clock look like one, so that is asked once more.
        touched, self._settled = not (same and self._settled), same
        return touched


def is_begun(path: Address) -> bool:
    """Whether a recorder has begun a run of which nothing is on disk yet.

    Args:
        path: the run, or its folder of parts.
    """
    if not isinstance(path, Path):
        return False
    folder = path if path.name.endswith(PARTS_SUFFIX) else path.with_name(path.name + PARTS_SUFFIX)
    return not path.is_file() and is_held(folder) and not any(folder.glob("seg-*.h5"))


def _doing(run: Run) -> Doing:
    return doing(_folder(run), run.recording, run.ranks)


def _folder(run: Run) -> Path:
    """The folder of parts of a run that is not sealed; of another machine only files are read."""
    assert isinstance(run.path, Path)
    return run.path


def _stamp(path: Path) -> Stamp | None:
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size
