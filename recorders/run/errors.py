"""What goes wrong with a run, said in one sentence."""

from __future__ import annotations


class RunError(Exception):
    """A run cannot be opened or is damaged; the message names the file, the place and a remedy."""


class FlawError(Exception):
    """Something is wrong inside a file; the message says where and what, not in which file."""

    def remedied(self) -> str:
        """The message with a remedy, its own or the general one."""
        message = str(self)
        return message if ";" in message else f"{message}; take a fresh copy, or record it again"
