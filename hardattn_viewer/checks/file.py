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
from numpy.typing import NDArray

from hardattn_viewer.checks.forced import Forced
from hardattn_viewer.checks.measured import Measured
from hardattn_viewer.checks.report import Report, concluded
from hardattn_viewer.checks.sanity import OUTCOMES, Sanity
from recorders.run.durable import replacing, write_all

SUFFIX = ".checks.npz"
FORMAT = 1
MOST_BYTES = 1 << 30
_TEXT = "checks"
_ARRAYS = ("whole", "control_deletion", "control_insertion")
_FORCED = ("values", "probabilities", "chosen", "live", "elsewhere", "spread")


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
    arrays: dict[str, NDArray[Any]] = {}
    text: dict[str, Any] = {
        "format": FORMAT,
        "facts": dict(report.facts),
        "warnings": list(report.warnings),
        "flags": {name: list(lines) for name, lines in report.flags.items()},
        "sanity": [one.__dict__ for one in report.sanity],
        "operators": [],
        "forced": [int(example) for example in report.forced],
        "seed": report.seed,
    }
    for at, one in enumerate(report.measured):
        text["operators"].append(_text_of(one))
        for name in _ARRAYS:
            arrays[f"{at}/{name}"] = getattr(one, name)
        arrays |= _ragged(f"{at}/alone", one.alone)
        for index, name in enumerate(one.explainers):
            arrays[f"{at}/deletion/{index}"] = one.deletion[name]
            arrays[f"{at}/insertion/{index}"] = one.insertion[name]
            arrays |= _ragged(f"{at}/scores/{index}", one.scores[name])
            for note, values in one.notes[name].items():
                arrays[f"{at}/notes/{index}/{note}"] = values
    for example, made in report.forced.items():
        for name in _FORCED:
            arrays[f"forced/{example}/{name}"] = getattr(made, name)
        arrays[f"forced/{example}/whole"] = np.array(made.whole)
        arrays[f"forced/{example}/blends"] = np.array(made.blends)
    words = json.dumps(text, ensure_ascii=False, allow_nan=True)
    arrays[_TEXT] = np.frombuffer(words.encode(), np.uint8)
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    try:
        with replacing(path) as file:
            write_all(file, packed.getbuffer())
    except OSError as error:
        raise ChecksError(f"{path} cannot be written: {error.strerror or error}") from error


def read_checks(path: Path) -> Report:
    """Read checks, and conclude from them.

    Raises:
        ChecksError: there is no such file, or it holds no checks of this format.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_BYTES:
                raise ChecksError(f"{path} would take more than a gigabyte of memory to read")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        text = json.loads(bytes(arrays.pop(_TEXT)).decode())
        if text["format"] != FORMAT:
            raise ChecksError(
                f"{path} is of format {text['format']}, and format {FORMAT} is read here: run "
                "`hardattn check` again"
            )
        return _report(text, arrays)
    except FileNotFoundError as error:
        raise ChecksError(f"there is no file {path}: `hardattn check` makes one") from error
    except OSError as error:
        raise ChecksError(f"{path} cannot be read: {error.strerror or error}") from error
    except (
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
    ) as error:
        if isinstance(error, ChecksError):
            raise
        raise ChecksError(
            f"{path} holds no checks that can be read ({' '.join(str(error).split())[:120]}): run "
            "`hardattn check` again"
        ) from error


def _text_of(one: Measured) -> dict[str, Any]:
    return {
        "operator": one.operator,
        "words": one.words,
        "examples": list(one.examples),
        "targets": list(one.targets),
        "explainers": list(one.explainers),
        "reasons": {
            name: {str(example): why for example, why in reasons.items()}
            for name, reasons in one.reasons.items()
        },
        "asked": one.asked,
        "evaluated": one.evaluated,
    }


def _report(text: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Report:
    measured = [_measured(at, one, arrays) for at, one in enumerate(text["operators"])]
    forced = {}
    for example in map(int, text["forced"]):
        parts = {name: arrays[f"forced/{example}/{name}"] for name in _FORCED}
        forced[example] = Forced(
            **parts,
            whole=float(arrays[f"forced/{example}/whole"]),
            blends=bool(arrays[f"forced/{example}/blends"]),
        )
        _expect(parts["values"].shape == parts["probabilities"].shape, "forced choices")
        _expect(parts["chosen"].shape == parts["values"].shape[:1], "forced choices")
    sanity = [Sanity(**one) for one in text["sanity"]]
    _expect(all(one.outcome in OUTCOMES for one in sanity), "controls")
    return concluded(
        measured,
        forced=forced,
        sanity=sanity,
        flags=text["flags"],
        facts=text["facts"],
        warnings=text["warnings"],
        seed=int(text["seed"]),
    )


def _measured(at: int, text: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Measured:
    examples = tuple(map(int, text["examples"]))
    names = list(map(str, text["explainers"]))
    parts = {name: np.asarray(arrays[f"{at}/{name}"], np.float64) for name in _ARRAYS}
    count, points = len(examples), parts["control_deletion"].shape[-1]
    _expect(parts["whole"].shape == (count,), "outputs")
    for name in _ARRAYS[1:]:
        _expect(parts[name].shape[1:] == (count, points) and len(parts[name]) > 0, name)
    curves: dict[str, dict[str, NDArray[np.float64]]] = {"deletion": {}, "insertion": {}}
    for kind, found in curves.items():
        for index, name in enumerate(names):
            found[name] = np.asarray(arrays[f"{at}/{kind}/{index}"], np.float64)
            _expect(found[name].shape == (count, points), kind)
    return Measured(
        operator=str(text["operator"]),
        words=str(text["words"]),
        examples=examples,
        targets=tuple(map(int, text["targets"])),
        alone=_rows(f"{at}/alone", arrays, count),
        whole=parts["whole"],
        control_deletion=parts["control_deletion"],
        control_insertion=parts["control_insertion"],
        deletion=curves["deletion"],
        insertion=curves["insertion"],
        scores={
            name: _rows(f"{at}/scores/{index}", arrays, count) for index, name in enumerate(names)
        },
        reasons={
            name: {int(example): str(why) for example, why in text["reasons"][name].items()}
            for name in names
        },
        notes={
            name: {
                key.removeprefix(f"{at}/notes/{index}/"): values
                for key, values in arrays.items()
                if key.startswith(f"{at}/notes/{index}/")
            }
            for index, name in enumerate(names)
        },
        asked=int(text["asked"]),
        evaluated=int(text["evaluated"]),
    )


def _ragged(name: str, rows: list[NDArray[np.float64]]) -> dict[str, NDArray[Any]]:
    return {
        f"{name}/values": np.concatenate(rows) if rows else np.zeros(0),
        f"{name}/lengths": np.array([len(row) for row in rows], np.int64),
    }


def _rows(name: str, arrays: Mapping[str, NDArray[Any]], count: int) -> list[NDArray[np.float64]]:
    values, lengths = arrays[f"{name}/values"], arrays[f"{name}/lengths"]
    _expect(len(lengths) == count and int(lengths.sum()) == len(values), name)
    return np.split(np.asarray(values, np.float64), np.cumsum(lengths)[:-1]) if count else []


def _expect(right: bool, what: str) -> None:
    if not right:
        raise ValueError(f"its {what} do not go together")
