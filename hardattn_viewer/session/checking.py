"""The checks of faithfulness that belong to a run: read beside it, while their view is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hardattn_viewer.checks.curves import separation
from hardattn_viewer.checks.file import ChecksError, checks_path, read_checks
from hardattn_viewer.checks.report import CHOICE, Report, separations
from hardattn_viewer.session.studies import Study

if TYPE_CHECKING:
    from hardattn_viewer.session.state import Checking, OpenRun, SessionState
    from recorders.run.reader import Run


@dataclass(frozen=True, eq=False)
class Checks:
    """What is known of the checks of a run.

    Attributes:
        report: what they found; None where there are none, or they cannot be read.
        path: the file that they are kept in, or would be; None beside a run on another machine.
        why: why there is no report, in a sentence; empty where nobody has run a check.
    """

    report: Report | None
    path: Path | None
    why: str = ""


@dataclass(frozen=True)
class ChecksStudy:
    """The checks beside the run in focus.

    Attributes:
        key: the open run.
        generation: grows whenever a check has written something.
    """

    key: int
    generation: int

    @property
    def keys(self) -> tuple[int, ...]:
        """The key of the run."""
        return (self.key,)

    def results(self, runs: Mapping[int, Run]) -> Iterator[Checks]:
        """Read the file beside the run."""
        run = runs[self.key]
        path = path_of(run.path)
        if path is None:
            yield Checks(None, None, "Checks of runs on other machines are kept beside a copy.")
            return
        if not path.is_file():
            yield Checks(None, path)
            return
        try:
            report = read_checks(path)
        except ChecksError as error:
            yield Checks(None, path, str(error))
            return
        told = report.facts.get("recording")
        # Runs of the first format have no name of their own.
        if run.recording and told and told != run.recording:
            name = path.name
            yield Checks(None, path, f"{name} holds checks of another recording: check it anew.")
            return
        yield Checks(report, path)


def checks_wanted(state: SessionState) -> Study | None:
    """The study that the faithfulness view draws."""
    run = checked_run(state)
    if state.view != "faithfulness" or run is None or run.status != "ready":
        return None
    return ChecksStudy(run.key, state.checks)


def checked_run(state: SessionState) -> OpenRun | None:
    """The run whose checks are shown: the one in focus, or the other where that slot is empty."""
    return state.run_in(state.focus) or state.run_in("A") or state.run_in("B")


def checks_of(state: SessionState) -> Checks | None:
    """What has been read of them; None while that is going on."""
    result = state.studies.get("checks")
    value = result.value if result is not None else None
    return value if isinstance(value, Checks) else None


def path_of(run: object) -> Path | None:
    """The file that the checks of a run lie in; None beside a run on another machine."""
    return checks_path(run) if isinstance(run, Path) else None


def is_checking(state: SessionState) -> bool:
    """Whether a check is going on."""
    going: Checking | None = state.checking
    return going is not None and going.state == "running"


@dataclass(frozen=True)
class Support:
    """How well one example bears out an explanation.

    Attributes:
        example: index in the run.
        value: its score less the mean of the random ones; NaN where undefined.
        why: what that means, or why it has none, in a few words.
    """

    example: int
    value: float
    why: str


def least_supported(report: Report, explainer: str, operator: str) -> list[Support]:
    """Examples by how little they bear out an explanation, the least first, undefined ones last."""
    if explainer == CHOICE:
        found = [
            Support(example, one.whole - float(one.elsewhere.mean()), "its choices")
            for example, one in report.forced.items()
        ]
    else:
        found = []
        for one in report.measured:
            if one.operator != operator or explainer not in one.deletion:
                continue
            random = separation(one.control_deletion, one.control_insertion).mean(0)
            values = separations(one, explainer) - random
            for example, value in zip(one.examples, values.tolist(), strict=True):
                why = one.reasons.get(explainer, {}).get(example, "")
                found.append(Support(example, value, f"N/A: {why}" if why else "its ranking"))
    return sorted(found, key=lambda one: (np.isnan(one.value), one.value))
