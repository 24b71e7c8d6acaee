"""Sealing what a recording left whose writer is gone, on behalf of a person who may stop it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from recorders.run.contents import sealed_path
from recorders.run.errors import RunError
from recorders.run.guard import inspect
from recorders.run.join import join
from recorders.run.parts import doing, segments


class StoppedError(Exception):
    """Somebody wanted the recovery to end; nothing is left of it."""


def sealed_name(parts: Path) -> Path:
    """The file to recover a folder of parts into: of its name, or with a number behind it.

    A file that is there already may be an older run, which nobody wants to lose.
    """
    usual = sealed_path(parts) or parts.with_name(f"{parts.name}.h5")
    name, number = usual, 1
    while name.exists():
        number += 1
        name = usual.with_name(f"{usual.stem}-{number}{usual.suffix}")
    return name


def recover(
    parts: Path, out: Path, told: Callable[[float], None], wanted: Callable[[], bool]
) -> None:
    """Join what a recording left into one file; the parts stay where they are.

    Args:
        parts: the folder of parts.
        out: the file to make; it must not be there.
        told: called again and again with how much is done, in [0, 1].
        wanted: whether to go on; asked as often.

    Raises:
        RunError: the recording goes on, the parts are missing or damaged, or ``out`` is there.
        OSError: the disk refused; nothing was left behind.
        StoppedError: it was no longer wanted; nothing was left behind.
    """
    first = next(iter(segments(parts).values()))[0]
    facts = inspect(first).facts
    if doing(parts, facts.run, facts.world) in ("recording", "joining"):
        raise RunError(f"{parts} is still being recorded; its recorder joins it when it is closed")
    if out.exists():
        raise RunError(f"{out} exists already; recover {parts.name} into another file")

    def tell(done: int, total: int) -> None:
        if not wanted():
            raise StoppedError
        told(done / max(total, 1))

    join(parts, out, tell)
