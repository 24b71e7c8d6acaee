"""Checks on disk: what was measured, in one ``.npz`` of plain arrays beside the run.

It holds the measurements and not the conclusions, which are drawn again when it is read: a report
cannot say other than its numbers do.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hardattn_viewer.checks.choice_tests import packed_tests, unpacked_tests
from hardattn_viewer.checks.hardened import packed_hardened, unpacked_hardened
from hardattn_viewer.checks.packing import (
    Arrays,
    expect,
    packed_forced,
    packed_measured,
    unpacked_forced,
    unpacked_measured,
)
from hardattn_viewer.checks.report import Report, concluded
from hardattn_viewer.checks.sanity import OUTCOMES, Sanity
from recorders.run.durable import replacing, write_all

SUFFIX = ".checks.npz"
FORMAT = 1
MOST_BYTES = 1 << 30
_TEXT = "checks"
DAMAGED = (
    zipfile.BadZipFile,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    zlib.error,
)
"""What reading bytes that mean something else can end in."""


class ChecksError(RuntimeError):
    """Checks cannot be read or written, in one sentence that names the file."""


def checks_path(run: Path) -> Path:
    """Where the checks of a run lie if nobody says otherwise."""
    return run.with_name(run.name.removesuffix(".h5") + SUFFIX)


def write_checks(report: Report, path: Path) -> None:
    """Write what a report was concluded from; a file that was there is replaced whole.

    Raises:
        ChecksError: it cannot be written.
    """
    operators, arrays = packed_measured(report.measured)
    examples, more = packed_forced(report.forced)
    text: dict[str, Any] = {
        "format": FORMAT,
        "facts": dict(report.facts),
        "warnings": list(report.warnings),
        "flags": {name: list(lines) for name, lines in report.flags.items()},
        "sanity": [one.__dict__ for one in report.sanity],
        "operators": operators,
        "forced": examples,
        "seed": report.seed,
    }
    if report.hardened is not None:
        text["hardened"], hard = packed_hardened(report.hardened)
        more |= hard
    if report.tests is not None:
        text["tests"], asked = packed_tests(report.tests)
        more |= asked
    try:
        write_packed(path, text, arrays | more)
    except OSError as error:
        raise ChecksError(f"{path} cannot be written: {error.strerror or error}") from error


def read_checks(path: Path) -> Report:
    """Read checks, and conclude from them.

    Raises:
        ChecksError: there is no such file, or it holds no checks of this format.
    """
    text, arrays = read_packed(path, "run `hardattn check` again")
    try:
        if text["format"] != FORMAT:
            raise ChecksError(
                f"{path} is of format {text['format']}, and format {FORMAT} is read here: run "
                "`hardattn check` again"
            )
        return _report(text, arrays)
    except ChecksError:
        raise
    except DAMAGED as error:
        raise unreadable(path, error, "run `hardattn check` again") from error


def write_packed(path: Path, text: Mapping[str, Any], arrays: Arrays) -> None:
    """Write text and arrays as one file, which is there whole or not at all.

    Raises:
        OSError: the disk refused.
    """
    words = json.dumps(text, ensure_ascii=False, allow_nan=True)
    told = {**arrays, _TEXT: np.frombuffer(words.encode(), np.uint8)}
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **told)
    with replacing(path) as file:
        write_all(file, packed.getbuffer())


def read_packed(path: Path, remedy: str) -> tuple[dict[str, Any], Arrays]:
    """Read what :func:`write_packed` wrote: the text, and the arrays by name.

    Raises:
        ChecksError: there is no such file, or it holds something else.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_BYTES:
                raise ChecksError(f"{path} would take more than a gigabyte of memory to read")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        text = json.loads(bytes(arrays.pop(_TEXT)).decode())
        if not isinstance(text, dict):
            raise ValueError("its text is no table")
        return text, arrays
    except FileNotFoundError as error:
        raise ChecksError(f"there is no file {path}: `hardattn check` makes one") from error
    except OSError as error:
        raise ChecksError(f"{path} cannot be read: {error.strerror or error}") from error
    except ChecksError:
        raise
    except DAMAGED as error:
        raise unreadable(path, error, remedy) from error


def unreadable(path: Path, error: Exception, remedy: str) -> ChecksError:
    """One sentence on a file that holds something else than checks."""
    why = " ".join(str(error).split())[:120]
    return ChecksError(f"{path} holds no checks that can be read ({why}): {remedy}")


def _report(text: Mapping[str, Any], arrays: Arrays) -> Report:
    sanity = [Sanity(**one) for one in text["sanity"]]
    expect(all(one.outcome in OUTCOMES for one in sanity), "controls")
    return concluded(
        unpacked_measured(text["operators"], arrays),
        forced=unpacked_forced(text["forced"], arrays),
        sanity=sanity,
        flags=text["flags"],
        facts=text["facts"],
        warnings=text["warnings"],
        seed=int(text["seed"]),
        # Files of before have none.
        hardened=unpacked_hardened(text["hardened"], arrays) if "hardened" in text else None,
        tests=unpacked_tests(text["tests"], arrays) if "tests" in text else None,
    )
