"""Finished units of a check on disk, so that what was measured outlives whoever measured it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch

from hardattn_viewer.checks.file import (
    DAMAGED,
    ChecksError,
    read_packed,
    unreadable,
    write_packed,
)
from hardattn_viewer.checks.packing import (
    expect,
    packed_forced,
    packed_measured,
    unpacked_forced,
    unpacked_measured,
)
from hardattn_viewer.faithfulness.errors import FaithfulnessError
from hardattn_viewer.faithfulness.plan import Plan
from hardattn_viewer.faithfulness.scaling.units import Job, Piece, Unit
from recorders.run import lock
from recorders.run.durable import remove_abandoned
from recorders.version import PRODUCER

SUFFIX = ".parts"
FORMAT = 1
_PLAN = "plan.npz"
_LOCK = "lock"
_OURS = re.compile(r"(unit-\d{6}|plan)\.npz|lock|\.(unit-\d{6}|plan)\.npz\.\d+\.tmp")


def parts_path(checks: Path) -> Path:
    """Where the finished units of checks lie until all are there."""
    return checks.with_name(checks.name + SUFFIX)


def discard(folder: Path) -> None:
    """Remove the parts of a check, and their folder unless somebody put more into it.

    Raises:
        OSError: the disk refused.
    """
    ours = [one for one in folder.iterdir() if _OURS.fullmatch(one.name)]
    for one in ours:
        one.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


class Parts:
    """The finished units of one check, held by one process while inside ``with``.

    Args:
        folder: where they lie; made where it is missing.
        job: the check.
        units: all of it.

    Raises:
        FaithfulnessError: on entering: the folder is in use, cannot be written, or holds parts of
            another check.
    """

    def __init__(self, folder: Path, job: Job, units: Sequence[Unit]) -> None:
        self.folder = folder
        self._job, self._units = job, units
        self._fingerprint = fingerprint(job, units)
        self._held: int | None = None

    def __enter__(self) -> Parts:
        try:
            held = lock.take(self.folder / _LOCK)
        except OSError as error:
            raise self._refused(error) from error
        if held is None:
            raise FaithfulnessError(f"another check is writing to {self.folder}: let it end first")
        self._held = held
        try:
            self._claim()
        except BaseException:
            self._let_go()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._let_go()

    def found(self) -> list[Piece]:
        """The units that were finished before.

        Raises:
            FaithfulnessError: one is damaged, or is not of this check.
        """
        return [self._read(unit) for unit in self._units if self._path(unit.number).exists()]

    def keep(self, piece: Piece) -> None:
        """Write a finished unit; it is there whole or not at all.

        Raises:
            FaithfulnessError: the disk refused.
        """
        measured, arrays = packed_measured([piece.measured] if piece.measured is not None else [])
        examples, more = packed_forced(piece.forced)
        text = {
            "format": FORMAT,
            "fingerprint": self._fingerprint,
            "number": piece.number,
            "measured": measured,
            "forced": examples,
            "asked": piece.asked,
            "evaluated": piece.evaluated,
            "seconds": piece.seconds,
        }
        self._write(self._path(piece.number), text, arrays | more)

    def _claim(self) -> None:
        path = self.folder / _PLAN
        if not path.exists():
            strange = [one.name for one in self.folder.iterdir() if one.name != _LOCK]
            if any(not _OURS.fullmatch(name) or name.startswith("unit") for name in strange):
                raise FaithfulnessError(
                    f"{self.folder} is there already and holds no parts of a check: remove it"
                )
            self._write(path, {"format": FORMAT, "fingerprint": self._fingerprint}, {})
        elif self._text(path)[0].get("fingerprint") != self._fingerprint:
            raise FaithfulnessError(
                f"{self.folder} holds parts of another check (other options, model, examples or "
                "versions): give the same ones to go on with it, or remove the folder to begin anew"
            )
        try:
            remove_abandoned(path)
            for unit in self._units:
                remove_abandoned(self._path(unit.number))
        except OSError as error:
            raise self._refused(error) from error

    def _read(self, unit: Unit) -> Piece:
        path = self._path(unit.number)
        text, arrays = self._text(path)
        try:
            expect(text["fingerprint"] == self._fingerprint, "check and that of the folder")
            expect(text["number"] == unit.number, "number and its name")
            measured = unpacked_measured(text["measured"], arrays)
            forced = unpacked_forced(text["forced"], arrays)
            if unit.operator is None:
                expect(not measured and tuple(forced) == unit.examples, "examples")
                for one in forced.values():
                    known = (one.chosen >= 0) & (one.chosen < one.values.shape[1])
                    expect(bool(known.all()), "choices")
            else:
                (only,) = measured
                expect(not forced and only.operator == unit.operator, "operator")
                _expect_of_plan(only, unit, self._job.plan)
            return Piece(
                unit.number,
                measured[0] if measured else None,
                forced,
                int(text["asked"]),
                int(text["evaluated"]),
                float(text["seconds"]),
            )
        except DAMAGED as error:
            raise FaithfulnessError(str(unreadable(path, error, _REMEDY))) from error

    def _text(self, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            return read_packed(path, _REMEDY)
        except ChecksError as error:
            raise FaithfulnessError(str(error)) from error

    def _write(self, path: Path, text: dict[str, Any], arrays: dict[str, Any]) -> None:
        try:
            write_packed(path, text, arrays)
        except OSError as error:
            raise self._refused(error) from error

    def _path(self, number: int) -> Path:
        return self.folder / f"unit-{number:06d}.npz"

    def _refused(self, error: OSError) -> FaithfulnessError:
        return FaithfulnessError(f"{self.folder} cannot be written: {error.strerror or error}")

    def _let_go(self) -> None:
        if self._held is not None:
            lock.release(self._held)
            self._held = None


_REMEDY = "remove it, and it is measured again"


def fingerprint(job: Job, units: Sequence[Unit]) -> str:
    """Equal for checks of which every unit gives the same numbers."""
    told = {
        "format": FORMAT,
        "identity": job.identity,
        "source": asdict(job.source),
        "plan": asdict(job.plan),
        "reading": job.reading,
        "targets": job.targets,
        "units": [[list(one.examples), one.operator] for one in units],
        "versions": [PRODUCER, torch.__version__],
    }
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=20).hexdigest()


def _expect_of_plan(one: Any, unit: Unit, plan: Plan) -> None:
    expect(one.examples == unit.examples and len(one.targets) == len(unit.examples), "examples")
    expect(one.explainers == plan.explainers, "explanations")
    shape = (plan.controls, len(unit.examples), len(plan.shares))
    expect(one.control_deletion.shape == one.control_insertion.shape == shape, "random rankings")
    expect(bool(np.isfinite(one.whole).all()), "outputs")
