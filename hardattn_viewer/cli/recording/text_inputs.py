"""Lines of text from a file or from standard input."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path
from typing import BinaryIO

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.recording.items import Item
from hardattn_viewer.cli.recording.notes import Notes

STANDARD_INPUT = "-"
MAX_LINE_BYTES = 1 << 20


def text_name(path: str) -> str:
    """What a text file is called in the run."""
    return "stdin" if path == STANDARD_INPUT else Path(path).name


def read_lines(path: str, limit: int | None, notes: Notes) -> list[Item]:
    """The lines that hold more than blanks, named ``FILE:LINE``.

    Args:
        path: a UTF-8 file, or ``-`` for standard input.
        limit: how many at most; None for all.
        notes: told how many empty lines were skipped.

    Raises:
        CommandError: it cannot be read, is no text, or holds no line.
    """
    if path == STANDARD_INPUT:
        lines, empty = _lines(sys.stdin.buffer, text_name(path), limit)
    else:
        try:
            with Path(path).open("rb") as file:
                lines, empty = _lines(file, text_name(path), limit)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror or error}") from error
    if not lines:
        raise CommandError(f"{path} holds no line of text; write one example a line")
    if empty:
        notes.say(f"{path}: {empty} empty line{'s' if empty != 1 else ''} skipped")
    return lines


def _lines(file: BinaryIO, name: str, limit: int | None) -> tuple[list[Item], int]:
    found: list[Item] = []
    number = empty = 0
    while limit is None or len(found) < limit:
        line = file.readline(MAX_LINE_BYTES + 1)
        if not line:
            break
        number += 1
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        text = _text(line, name, number)
        if text:
            found.append(Item(f"{name}:{number}", text=text))
        else:
            empty += 1
    return found, empty


def _text(line: bytes, name: str, number: int) -> str:
    if len(line) > MAX_LINE_BYTES:
        raise CommandError(f"{name}, line {number} is longer than 1 MiB; write one example a line")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{name}, line {number} is not UTF-8 text; save it as UTF-8") from error
    if "\0" in text:
        raise CommandError(f"{name}, line {number} holds a zero byte: this is not a text file")
    return text.strip()
