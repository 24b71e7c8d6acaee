"""Remarks of a command on standard error, one line each, that do not tear a progress bar."""

from __future__ import annotations

import contextlib
import logging as standard_logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from hardattn_viewer.cli.errors import missing_extra


class Notes:
    """Says sentences as they come, and keeps them for ``--json``.

    Args:
        command: what stands before each.
    """

    def __init__(self, command: str) -> None:
        self._command = command
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        """Say a sentence, once."""
        if sentence in self.said:
            return
        from tqdm import tqdm

        self.said.append(sentence)
        tqdm.write(f"{self._command}: {sentence}", file=sys.stderr)


def one_line(problem: BaseException, limit: int = 300) -> str:
    """What an exception says, or its kind where it says nothing, without line breaks."""
    words = " ".join(str(problem).split()) or type(problem).__name__
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


@contextlib.contextmanager
def only_ours(notes: Notes) -> Iterator[None]:
    """While inside, others print on standard error, and the Recorder's warnings become notes.

    A model, a factory and the libraries below them may print and warn as they like: standard
    output is for what was asked of the command.
    """

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        notes.say(" ".join(str(message).split()))

    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", RuntimeWarning)
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """While inside, transformers neither draws progress bars, nor logs, nor asks the network.

    Raises:
        CommandError: transformers is not installed.
    """
    # Read once, when these packages are imported: what they look up without being told to.
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        from transformers.utils import logging
    except ModuleNotFoundError as error:
        raise missing_extra("transformers", error) from error
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(standard_logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
