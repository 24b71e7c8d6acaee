"""Recovering on behalf of a person who watches how far it is, and may stop it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from recorders.run.contents import sealed_path
from recorders.run.errors import RunError
from recorders.run.parts import is_held
from recorders.run.recover import Recovered, recover


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


def recover_cut_off(
    parts: Path, out: Path, told: Callable[[float], None], wanted: Callable[[], bool]
) -> Recovered:
    """Recover what a recording left whose writers are all gone; the parts stay where they are.

    Args:
        parts: the folder of parts.
        out: the file to make; it must not be there.
        told: called again and again with how much is done, in [0, 1].
        wanted: whether to go on; asked as often.

    Raises:
        RunError: the recording goes on, there is nothing to recover, or ``out`` is there.
        OSError: the disk refused; nothing was left behind.
        StoppedError: it was no longer wanted; nothing was left behind.
    """
    if is_held(parts):
        raise RunError(f"{parts} is still being recorded; its recorder joins it when it is closed")

    def tell(done: int, total: int) -> None:
        if not wanted():
            raise StoppedError
        told(done / max(total, 1))

    return recover(parts, out, told=tell)
