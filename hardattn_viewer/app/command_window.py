"""What the commands of the main window do, beyond what they ask of the session."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMainWindow

from hardattn_viewer.app.about_dialog import AboutDialog
from hardattn_viewer.app.actions import Actions
from hardattn_viewer.app.check_dialog import CheckDialog
from hardattn_viewer.app.checker import Checker
from hardattn_viewer.app.errors import MessageBar
from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.help import HelpDialog
from hardattn_viewer.app.layout import Layout
from hardattn_viewer.app.omissions import OmissionsDialog
from hardattn_viewer.app.opening import UrlDialog
from hardattn_viewer.app.palette import Palette
from hardattn_viewer.app.problem_dialog import ReportDialog
from hardattn_viewer.app.problem_report import report_of
from hardattn_viewer.app.replayer import Replayer
from hardattn_viewer.app.report_saver import ReportSaver
from hardattn_viewer.app.samples import SampleShelf
from hardattn_viewer.app.samples_dialog import SamplesDialog
from hardattn_viewer.app.sessions import Sessions
from hardattn_viewer.app.settings import Settings
from hardattn_viewer.app.site_picker import SitePicker
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.checking import checked_run, checks_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.views.examples_table import ExamplesView
from hardattn_viewer.views.faithfulness import FaithfulnessView
from hardattn_viewer.views.header_line import HeaderLine
from hardattn_viewer.views.inspector import Inspector


class CommandWindow(QMainWindow):
    """The part of the main window that commands call; what it is made of comes with the rest."""

    session: Session
    message: MessageBar
    actions_: Actions
    layout_: Layout
    checker: Checker
    replayer: Replayer
    faithfulness: FaithfulnessView
    sessions: Sessions
    theme: Theme
    header: HeaderLine
    examples: ExamplesView
    inspector: Inspector
    _settings: Settings
    shelf: SampleShelf

    def choose_runs(self) -> None:
        """Ask for run files, and open them."""
        dialog = self._opener("Open runs", QFileDialog.FileMode.ExistingFiles)
        dialog.setObjectName("openDialog")
        dialog.setNameFilters(["Runs (*.h5)", "All files (*)"])
        dialog.open()

    def choose_check(self) -> None:
        """Ask what shall be checked of the run in focus, and begin."""
        CheckDialog(self.session, self.checker.start, self).open()

    def stop_check(self) -> None:
        """End the check that goes on."""
        self.checker.stop()

    def choose_report(self) -> None:
        """Ask where the report of the checks that are shown shall be saved."""
        ReportSaver(self.session, self.message, self).choose(self._folder_for_files())

    def replay(self, example: int, step: int, item: int) -> None:
        """Force one choice of the checked run, and replay the rest of its episode."""
        run = checked_run(self.session.state)
        checks = checks_of(self.session.state)
        report = checks.report if checks is not None else None
        if run is None or report is None:
            return
        # As many as were checked: what is generated may depend on how many there are.
        count = str(max(report.examples, default=example) + 1)
        words = [str(run.path), *self.checker.model_of(run.key), "--examples", count]
        loads = "" if self.replayer.is_warm else " The model is loaded first, which takes seconds."
        self.faithfulness.wait_for_replay(
            f"Replaying example {example} with item {item} at step {step + 1} …{loads}"
        )
        self.replayer.ask(words, example, step, item)

    def choose_parts(self) -> None:
        """Ask for the folder of a run that is still being recorded, and open it."""
        self._opener("Open a folder of parts", QFileDialog.FileMode.Directory).open()

    def choose_url(self) -> None:
        """Ask for the URL of a run, and open it."""
        UrlDialog(self.session.open, self).open()

    def _opener(self, title: str, mode: QFileDialog.FileMode) -> QFileDialog:
        dialog = QFileDialog(self, title, self._settings.folder)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        dialog.filesSelected.connect(lambda names: self.session.open([Path(n) for n in names]))
        return dialog

    def show_samples(self) -> None:
        """Show the runs that come with hardattn."""
        if self.shelf.samples:
            SamplesDialog(self.shelf, self.session.state, self).open()
        else:
            self.message.say("This copy of hardattn comes without sample runs.")

    def keep_numbers(self) -> None:
        """Keep the inspector's numbers, or let go of those kept."""
        kept = self.session.state.kept
        self.session.keep_numbers(self.inspector.kept() if kept is None else None)

    def export_figure(self) -> None:
        """Show the export dialog."""
        ExportDialog(self.session, self._folder_for_files(), self).open()

    def _folder_for_files(self) -> Path:
        """That of the run that is shown, unless it is one that came with hardattn."""
        run = self.session.state.run_in(self.session.state.shown_slot)
        path = run.path if run is not None else None
        own = isinstance(path, Path) and path not in self.shelf.paths
        return Path(path.parent) if path is not None and own else Path.cwd()

    def copy_numbers(self) -> None:
        """Put the inspector's numbers on the clipboard."""
        QApplication.clipboard().setText(self.inspector.text())

    def show_palette(self) -> None:
        """Show the command palette."""
        Palette(self.actions_, self).open()

    def show_help(self) -> None:
        """Show every key."""
        HelpDialog(self.actions_.commands, self).open()

    def show_report(self) -> None:
        """Show what a report of a problem should hold."""
        ReportDialog(report_of(self.session.state, self.sessions.log_text()), self).open()

    def show_about(self) -> None:
        """Say what this is, and under which licences what it is built with."""
        AboutDialog(self).open()

    def choose_site(self) -> None:
        """Show the list of sites."""
        SitePicker(self.session, self.theme, self).open()

    def choose_head(self) -> None:
        """Show the list of heads."""
        self.header.head.show_heads()

    def show_omissions(self) -> None:
        """Say what is not in the runs that are shown."""
        OmissionsDialog(self.session.state, self).open()

    def focus_filter(self) -> None:
        """Put the cursor into the filter field."""
        self.layout_.docks["Examples"].show()
        self.examples.filter.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.examples.filter.field.selectAll()

    @property
    def has_last_session(self) -> bool:
        """Whether a session was closed that can be restored."""
        return self.sessions.last is not None

    @property
    def restores_at_start(self) -> bool:
        """Whether the last session is restored at the start."""
        return self._settings.restore_session

    def save_session(self) -> None:
        """Ask where the session shall be saved."""
        self.sessions.choose_target()

    def open_session(self) -> None:
        """Ask which session shall be shown."""
        self.sessions.choose_source()

    def restore_session(self) -> None:
        """Show the session that was closed last."""
        self.sessions.restore_last()

    def toggle_restore(self) -> None:
        """Restore the last session at the start, or not."""
        self._settings.restore_session = not self._settings.restore_session

    def show_log(self) -> None:
        """Show what went wrong, in full."""
        self.sessions.show_log()

    def toggle_theme(self) -> None:
        """From dark to light, or back."""
        self.session.set_theme("light" if self.theme.is_dark else "dark")

    def let_go(self) -> None:
        """Leave a field, or else let go of what is pinned."""
        if isinstance(self.focusWidget(), QLineEdit):
            self.examples.table.setFocus()
        else:
            self.session.let_go()

    def close_focused_run(self) -> None:
        """Close the run whose numbers are shown, or one that could not be opened."""
        state = self.session.state
        run = state.run_in(state.shown_slot) or (state.runs[-1] if state.runs else None)
        if run is not None:
            self.session.close_run(run.key)

    def reset_layout(self) -> None:
        """Put every dock back where it was at first."""
        self.layout_.reset()
