"""The sample runs that come with hardattn: which of them is shown, and showing another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SLOTS, SessionState, Slot, View
from sample_runs import Sample


class SampleShelf(QObject):
    """Opens samples, one at a time: the runs of the last one are closed when the next is opened.

    Args:
        session: what is shown.
        samples: those that this copy of hardattn has.
        parent: the window.
    """

    def __init__(self, session: Session, samples: Sequence[Sample], parent: QObject) -> None:
        super().__init__(parent)
        self.samples = tuple(samples)
        self._session = session
        # What is on its way: its runs have to be read before they can be A and B.
        self._coming: Sample | None = None

    @property
    def paths(self) -> frozenset[Path]:
        """The files of all samples."""
        return frozenset(path for sample in self.samples for path in sample.paths)

    def shown(self, state: SessionState) -> Sample | None:
        """The sample whose runs are in A and B, if they are of one."""
        runs = [run for slot in SLOTS if (run := state.run_in(slot)) is not None]
        paths = tuple(run.path for run in runs)
        return next((one for one in self.samples if paths and set(paths) == set(one.paths)), None)

    def show(self, sample: Sample) -> None:
        """Put the runs of a sample into A and B, and look at the first example."""
        if self._coming is None:
            self._session.changed.connect(self._on_changed)
        self._coming = sample
        for run in self._session.state.runs:
            if run.path in self.paths and run.path not in sample.paths:
                self._session.close_run(run.key)
        self._session.open(list(sample.paths))
        self._on_changed(self._session.state, self._session.state)

    def _on_changed(self, new: SessionState, _: SessionState) -> None:
        sample = self._coming
        if sample is None:
            return
        runs = [run for path in sample.paths for run in new.runs if run.path == path]
        if len(runs) < len(sample.paths) or any(run.status == "loading" for run in runs):
            return
        self._coming = None
        self._session.changed.disconnect(self._on_changed)
        slots: tuple[Slot, ...] = SLOTS
        for slot, run in zip(slots, runs, strict=False):
            self._session.assign(run.key, slot)
        self._session.look_at("A")
        self._session.set_view(view_of(sample))
        self._session.go_to_row(0)
        self._session.go_to_step(0)


def view_of(sample: Sample) -> View:
    """The view that shows most of a sample."""
    if sample.is_training:
        return "training"
    return "compare" if len(sample.paths) > 1 else "overlay"
