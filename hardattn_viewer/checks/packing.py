"""What was measured as plain arrays by name, beside what is no number as text; and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.checks.forced import Forced
from hardattn_viewer.checks.measured import Measured
from hardattn_viewer.checks.scoring import KINDS, Scored

Arrays = dict[str, NDArray[Any]]
_ARRAYS = ("whole", "control_deletion", "control_insertion")
_SCORED = ("values", "random", "won")
_FORCED = ("values", "probabilities", "chosen", "live", "elsewhere", "spread")


def packed_measured(pieces: Sequence[Measured]) -> tuple[list[dict[str, Any]], Arrays]:
    """Measurements as what JSON can say of each, and arrays whose names begin with its place."""
    arrays: Arrays = {}
    for at, one in enumerate(pieces):
        for name in _ARRAYS:
            arrays[f"{at}/{name}"] = getattr(one, name)
        arrays |= _ragged(f"{at}/alone", one.alone)
        for index, name in enumerate(one.explainers):
            arrays[f"{at}/deletion/{index}"] = one.deletion[name]
            arrays[f"{at}/insertion/{index}"] = one.insertion[name]
            arrays |= _ragged(f"{at}/scores/{index}", one.scores[name])
            for note, values in one.notes[name].items():
                arrays[f"{at}/notes/{index}/{note}"] = values
            for score, found in one.scored.get(name, {}).items():
                for part in _SCORED:
                    arrays[f"{at}/scored/{index}/{score}/{part}"] = getattr(found, part)
    return [_text_of(one) for one in pieces], arrays


def packed_forced(forced: Mapping[int, Forced]) -> tuple[list[int], Arrays]:
    """Forced choices as the examples they are of, and arrays whose names begin with ``forced``."""
    arrays: Arrays = {}
    for example, made in forced.items():
        for name in _FORCED:
            arrays[f"forced/{example}/{name}"] = getattr(made, name)
        arrays[f"forced/{example}/whole"] = np.array(made.whole)
        arrays[f"forced/{example}/blends"] = np.array(made.blends)
    return [int(example) for example in forced], arrays


def unpacked_measured(text: Sequence[Mapping[str, Any]], arrays: Arrays) -> list[Measured]:
    """Measurements from what :func:`packed_measured` made of them.

    Raises:
        ValueError: parts of it do not go together.
        KeyError: a part is missing.
    """
    return [_measured(at, one, arrays) for at, one in enumerate(text)]


def unpacked_forced(examples: Sequence[int], arrays: Arrays) -> dict[int, Forced]:
    """Forced choices from what :func:`packed_forced` made of them.

    Raises:
        ValueError: parts of it do not go together.
        KeyError: a part is missing.
    """
    forced = {}
    for example in map(int, examples):
        parts = {name: arrays[f"forced/{example}/{name}"] for name in _FORCED}
        forced[example] = Forced(
            **parts,
            whole=float(arrays[f"forced/{example}/whole"]),
            blends=bool(arrays[f"forced/{example}/blends"]),
        )
        expect(parts["values"].shape == parts["probabilities"].shape, "forced choices")
        expect(parts["chosen"].shape == parts["values"].shape[:1], "forced choices")
    return forced


def expect(right: bool, what: str) -> None:
    """Raise ValueError where something is not right."""
    if not right:
        raise ValueError(f"its {what} do not go together")


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
        "scored": {
            name: {
                score: {str(example): why for example, why in found.reasons.items()}
                for score, found in many.items()
            }
            for name, many in one.scored.items()
        },
        "asked": one.asked,
        "evaluated": one.evaluated,
    }


def _measured(at: int, text: Mapping[str, Any], arrays: Arrays) -> Measured:
    examples = tuple(map(int, text["examples"]))
    names = list(map(str, text["explainers"]))
    parts = {name: np.asarray(arrays[f"{at}/{name}"], np.float64) for name in _ARRAYS}
    count, points = len(examples), parts["control_deletion"].shape[-1]
    expect(parts["whole"].shape == (count,), "outputs")
    for name in _ARRAYS[1:]:
        expect(parts[name].shape[1:] == (count, points) and len(parts[name]) > 0, name)
    curves: dict[str, dict[str, NDArray[np.float64]]] = {"deletion": {}, "insertion": {}}
    for kind, found in curves.items():
        for index, name in enumerate(names):
            found[name] = np.asarray(arrays[f"{at}/{kind}/{index}"], np.float64)
            expect(found[name].shape == (count, points), kind)
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
        # Files from before there were scores have none, and are read all the same.
        scored={
            name: {
                score: _scored(f"{at}/scored/{index}/{score}", why, arrays, count)
                for score, why in text.get("scored", {}).get(name, {}).items()
            }
            for index, name in enumerate(names)
        },
        asked=int(text["asked"]),
        evaluated=int(text["evaluated"]),
    )


def _scored(name: str, why: Mapping[str, str], arrays: Arrays, count: int) -> Scored:
    values, random, won = (np.asarray(arrays[f"{name}/{part}"], np.float64) for part in _SCORED)
    right = values.shape == random.shape == won.shape == (count,)
    expect(right and name.rpartition("/")[2] in KINDS, "scores")
    reasons = {int(example): str(one) for example, one in why.items()}
    return Scored(values, random, won, reasons)


def _ragged(name: str, rows: list[NDArray[np.float64]]) -> Arrays:
    return {
        f"{name}/values": np.concatenate(rows) if rows else np.zeros(0),
        f"{name}/lengths": np.array([len(row) for row in rows], np.int64),
    }


def _rows(name: str, arrays: Arrays, count: int) -> list[NDArray[np.float64]]:
    values, lengths = arrays[f"{name}/values"], arrays[f"{name}/lengths"]
    expect(len(lengths) == count and int(lengths.sum()) == len(values), name)
    return np.split(np.asarray(values, np.float64), np.cumsum(lengths)[:-1]) if count else []
