"""How a command ends when it cannot do what was asked."""

from __future__ import annotations

WRONG_USAGE = 2
FAILED = 1
PARTLY = 3
"""What could be done was done, and what could not was said."""


class CommandError(Exception):
    """One clear sentence for standard error, and the exit code that goes with it."""

    def __init__(self, sentence: str, code: int = FAILED) -> None:
        super().__init__(sentence)
        self.code = code


def missing_extra(extra: str, error: ModuleNotFoundError) -> CommandError:
    """Name the extra that a command needs and this installation lacks."""
    return CommandError(
        f"this command needs packages that are not installed ({error.name}): "
        f'pip install "hardattn[{extra}]"'
    )
