"""Recordings onto a disk that is full, read-only or gone, in processes of their own."""

import os
import subprocess
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from children import ended
from truth import checked

from recorders import read_run

SEED, STEPS = 8, 48
EXIT = 41
"""The exit code that the recording process chooses when the disk refuses."""

WRITER = """
    import os, resource, sys
    from recorders.run.writer import SegmentWriter
    from truth import write_step
    path, seed, steps, limit = sys.argv[1], *map(int, sys.argv[2:5])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    refused = 0
    try:
        writer = SegmentWriter(path, codec="sqrt16")
        for step in range(steps):
            write_step(writer, seed, step)
            if step % 3 == 2:
                writer.flush()
                print(step + 1, flush=True)
        writer.close()
        print("sealed", flush=True)
    except OSError as problem:
        print(problem, file=sys.stderr)
        sys.exit(EXIT)
    """.replace("EXIT", str(EXIT))


@contextmanager
def tmpfs(kilobytes):
    """A disk of its own, of this size; OSError where this machine gives none."""
    folder = Path(tempfile.mkdtemp(prefix="hardattn-disk-"))
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            raise OSError(f"no tmpfs can be mounted here: {problem}") from problem
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    finally:
        folder.rmdir()


def recorded(folder, *, limit=0):
    """Record until the disk refuses, or to the end.

    Returns:
        ``"sealed"`` or ``"refused"``, and how many steps were acknowledged.

    Raises:
        AssertionError: something acknowledged is lost, anything is wrong, or the process ended
            otherwise than by its own choice.
    """
    path = folder / "run.h5"
    status, out, err = ended(WRITER, path, SEED, STEPS, limit)
    assert status in (0, EXIT), (status, err)
    assert "Traceback" not in err and err.count("\n") == (status == EXIT), err
    told = out.split()
    sealed = told[-1:] == ["sealed"]
    acknowledged = int([word for word in told if word != "sealed"][-1]) if told else 0
    assert sealed == (status == 0)
    parts = path.with_name("run.h5.parts")
    if sealed:
        with read_run(path) as run:
            assert checked(run, SEED) == STEPS
        assert not parts.exists()
        return "sealed", STEPS
    assert not path.exists()
    read = 0
    if any(parts.glob("seg-*")):
        with read_run(parts) as run:
            read = checked(run, SEED)
    assert read >= acknowledged, (read, acknowledged)
    assert not list(parts.glob(".*.tmp")) and not list(folder.glob(".*.tmp"))
    return "refused", acknowledged


def campaign(count, *, each=lambda number: None):
    """Record onto this many small disks and as many under a limit on the size of a file.

    Returns:
        What was found, counted, and for ``"disks"`` and ``"limits"`` a sentence for each case in
        which the promise was broken.
    """
    counts, failed = Counter(), {"disks": [], "limits": []}
    mounts = can_mount()
    for number in range(count):
        ways = {"disks": (tmpfs(16 + 64 * number), 0)} if mounts else {}
        ways["limits"] = tempfile.TemporaryDirectory(), 4_096 + 40_000 * number
        for name, (place, limit) in ways.items():
            with place as folder:
                try:
                    state, steps = recorded(Path(folder), limit=limit)
                except Exception as problem:
                    failed[name].append(f"{name} {number}: {problem!r}")
                    continue
                counts[name, state] += 1
                counts[name, "acknowledged"] += steps
        each(number + 1)
    return counts, failed


def can_mount():
    """Whether this machine gives a disk of its own."""
    try:
        with tmpfs(64):
            return os.geteuid() == 0
    except OSError:
        return False
