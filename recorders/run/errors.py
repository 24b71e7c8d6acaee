"""What goes wrong with a run, said in one sentence."""

from __future__ import annotations

from recorders.run.text import visible


class RunError(Exception):
    """A run cannot be opened or is damaged; the message names the file, the place and a remedy."""

    def __init__(self, message: str) -> None:
        # It may quote a name from the file, and is printed in terminals.
        super().__init__(visible(message))


class DamagedError(RunError):
    """Some values of a run are damaged where they are stored; others may be whole."""


class FlawError(Exception):
    """Something is wrong inside a file; the message says where and what, not in which file."""

    def remedied(self) -> str:
        """The message with a remedy, its own or the general one."""
        message = str(self)
        return message if ";" in message else f"{message}; take a fresh copy, or record it again"


class UnsafeError(FlawError):
    """A file holds what no recorder writes and what may lead a reader astray: none of it is read.

    A plain flaw in a table that is not needed costs that table alone; this costs the whole file.
    """
