"""One recording with a disk that refuses one call: what is promised of it, checked."""

import errno
import itertools
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from injector import CALLS, ERRORS, Refusal
from truth import METADATA, checked, write_step

from recorders import RunError, read_run
from recorders.run.writer import SegmentWriter

SEED = 3
STEPS = 4
MODES = ("once", "once torn", "lasting")


class Recorded:
    """What came of a recording: how much was acknowledged, and every error that came out."""

    def __init__(self):
        self.writer = None
        self.acknowledged = 0
        self.errors = []


def record(path, patient):
    """Record and close; with patience each refused call is tried again, else given up.

    Only OSError may come out; whatever else does is a failure of the test.
    """
    recorded = Recorded()
    for _ in range(4 if patient else 1):
        try:
            recorded.writer = SegmentWriter(path, codec="float32", metadata=METADATA)
            break
        except (OSError, RunError) as problem:
            recorded.errors.append(problem)
    if recorded.writer is None:
        return recorded
    for step in range(STEPS):
        write_step(recorded.writer, SEED, step)
        if step % 2:
            try:
                recorded.writer.flush()
                recorded.acknowledged = step + 1
            except OSError as problem:
                recorded.errors.append(problem)
    for _ in range(4 if patient else 1):
        try:
            recorded.writer.close()
            break
        except (OSError, RunError) as problem:
            recorded.errors.append(problem)
    return recorded


def readable(path):
    """Number of steps in the run or in its parts, all of them right; 0 where nothing is."""
    parts = path.with_name(f"{path.name}.parts")
    if path.exists():
        with read_run(path) as run:
            return checked(run, SEED)
    if not parts.exists() or not any(parts.glob("seg-*")):
        return 0
    with read_run(parts) as run:
        return checked(run, SEED)


def calls(name):
    """How often a recording on a disk that refuses nothing calls a function of ``os``."""
    with tempfile.TemporaryDirectory(prefix="hardattn-faults-") as folder:
        counter = Refusal(name, 0, inside=folder)
        with counter.active():
            recorded = record(Path(folder) / "run.h5", patient=False)
        assert not recorded.errors
        return counter.calls


def refused(name, number, code, mode):
    """Record with one refused call; returns whether there was such a call.

    Raises:
        AssertionError: something that was acknowledged is lost, or wrong, or an error was none of
            the ordinary ones.
    """
    folder = Path(tempfile.mkdtemp(prefix="hardattn-faults-"))
    try:
        path = folder / "run.h5"
        lasting, torn = mode == "lasting", mode.endswith("torn")
        refusal = Refusal(name, number, code, lasting=lasting, torn=torn, inside=folder)
        with refusal.active():
            recorded = record(path, patient=not lasting)
        _check_sentences(recorded.errors)
        kept = readable(path)
        assert kept >= recorded.acknowledged, (kept, recorded.acknowledged)
        if recorded.writer is not None:
            recorded.writer.close()
            assert readable(path) == STEPS
            assert [entry.name for entry in folder.iterdir()] == ["run.h5"]
        return refusal.hits > 0
    finally:
        shutil.rmtree(folder)


def _check_sentences(errors):
    for error in errors:
        assert str(error) and "\n" not in str(error), error


def campaign(*, each=lambda number: None):
    """Refuse every call of every kind in turn.

    Every single call is refused once with EIO. With other errors, or for good, so are all but
    those that there are hundreds of, reads and writes of single pieces: of them every ninth.

    Returns:
        How many recordings met a refused call, by function, and a sentence for each case in which
        the promise was broken.
    """
    counts, failed = Counter(), []
    for name in CALLS:
        for code, mode in itertools.product(ERRORS, MODES):
            if mode == "once torn" and name not in ("write", "pwrite"):
                continue
            all_of_them = name not in ("pread", "pwrite") or (code, mode) == (errno.EIO, "once")
            number = 1
            while True:
                try:
                    if not refused(name, number, code, mode):
                        break
                except Exception as problem:
                    failed.append(f"{name} {number} {errno.errorcode[code]} {mode}: {problem!r}")
                counts[name] += 1
                each(sum(counts.values()))
                number += 1 if all_of_them else 9
    return counts, failed
