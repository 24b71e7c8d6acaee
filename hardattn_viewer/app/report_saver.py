"""Saves the report of the checks that are shown, as a page or as a PDF."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from hardattn_viewer.app.errors import MessageBar
from hardattn_viewer.figures.figure import FigureError
from hardattn_viewer.figures.report import save_report
from hardattn_viewer.session.checking import checked_run, checks_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState

KINDS = {"Web page (*.html)": "html", "PDF (*.pdf)": "pdf"}


def has_report(state: SessionState) -> bool:
    """Whether there is a verdict to report."""
    checks = checks_of(state)
    return checks is not None and checks.report is not None and bool(checks.report.verdicts)


class ReportSaver:
    """Asks for a file, and writes the report there.

    Args:
        session: whose checks are shown.
        message: where it is said what became of it.
        window: that the question appears over.
    """

    def __init__(self, session: Session, message: MessageBar, window: QWidget) -> None:
        self._session, self._message, self._window = session, message, window

    def choose(self, folder: Path) -> None:
        """Ask where the report shall be saved."""
        run = checked_run(self._session.state)
        name = "checks" if run is None else f"{Path(run.name).stem}-checks"
        dialog = QFileDialog(self._window, "Save the report", str(folder / f"{name}.html"))
        dialog.setObjectName("reportDialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(list(KINDS))
        dialog.setDefaultSuffix("html")
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(KINDS[kind]))
        dialog.selectFile(name)
        dialog.fileSelected.connect(lambda chosen: self.save(Path(chosen)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Save the report; what becomes of it is said in the window."""
        checks, run = checks_of(self._session.state), checked_run(self._session.state)
        if checks is None or checks.report is None or run is None:
            self._message.say("There are no checks to report any more.")
            return
        try:
            save_report(checks.report, Path(run.name).stem, path)
        except FigureError as problem:
            self._message.say(f"{problem}.")
            return
        self._message.say(f"Saved {path}.")
