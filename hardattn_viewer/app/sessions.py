"""Sessions of the main window: kept while it runs, restored, saved to a file and opened."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from hardattn_viewer.app.autosave import Autosave
from hardattn_viewer.app.log_dialog import LogDialog
from hardattn_viewer.app.offer_bar import OfferBar
from hardattn_viewer.app.session_folder import ENDING, Ended, SessionFolder, tail
from hardattn_viewer.session.restoring import Restoring
from hardattn_viewer.session.saved import (
    SavedSession,
    SavedSessionError,
    read_session,
    saved_of,
    text_of,
    write_session,
)
from hardattn_viewer.session.state import SessionState

if TYPE_CHECKING:
    from hardattn_viewer.app.main_window import MainWindow

NO_FAULTS = "Nothing has gone wrong, as far as is known."
# Milliseconds between a change and its being written: a walk through steps is one change.
QUIET_MS = 800


class Sessions(QObject):
    """What the main window does about sessions.

    Args:
        window: whose session is kept.
    """

    _failed = Signal(str)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._folder: SessionFolder | None = None
        self._autosave: Autosave | None = None
        self._restoring: Restoring | None = None
        self._written: SavedSession | None = None
        self.offer = OfferBar()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(QUIET_MS)
        self._soon.timeout.connect(self.keep)
        self._failed.connect(window.message.say)
        window.session.changed.connect(self._on_changed)

    # --- keeping --------------------------------------------------------------------------

    def begin(self, folder: SessionFolder) -> None:
        """Keep the session in a folder from now on."""
        self._folder = folder
        self._autosave = Autosave(folder.session, self._say_unwritten)
        self.keep()

    def end(self) -> None:
        """Keep the session for the last time: the window is closed."""
        self._soon.stop()
        saved = self._saved()
        if self._restoring is not None:
            self._restoring.stop()
        if self._folder is None or self._autosave is None:
            return
        self._autosave.close()
        self._autosave = None
        try:
            self._folder.end(text_of(saved))
        except OSError as error:
            self._say_unwritten(error)

    def keep(self) -> None:
        """Write the session down, where it has changed."""
        saved = self._saved()
        if self._autosave is not None and saved != self._written:
            self._written = saved
            self._autosave.save(text_of(saved))

    def _saved(self) -> SavedSession:
        docks = base64.b64encode(self._window.saveState().data()).decode("ascii")
        saved = saved_of(self._window.session.state, docks)
        return SavedSession(**{**vars(saved), "restoring": self._restoring is not None})

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if self._autosave is not None and new.hovered == old.hovered and not new.playing:
            self._soon.start()

    def _say_unwritten(self, error: OSError) -> None:
        why = error.strerror or type(error).__name__
        # From the thread that writes.
        self._failed.emit(
            f"The session cannot be kept: {why}. After a crash it would not come back."
        )

    # --- restoring ------------------------------------------------------------------------

    def restore(self, saved: SavedSession) -> None:
        """Close what is open, and show a saved session instead."""
        if self._restoring is not None:
            self._restoring.stop()
        self._restoring = Restoring(self._window.session, saved, self._restored)
        # Should this end the app, it is not to be tried again without being asked.
        self.keep()
        self._put_docks(saved.docks)
        self._restoring.begin()

    def _put_docks(self, text: str) -> None:
        try:
            data = base64.b64decode(text.encode("ascii"), validate=True)
        except (ValueError, binascii.Error):
            return
        self._window.layout_.restore(QByteArray(), QByteArray(data))

    def _restored(self, words: str) -> None:
        self._restoring = None
        self.keep()
        if words:
            self._window.message.say(words)

    def read(self, path: Path) -> SavedSession | None:
        """Read a session file; where that fails, say why."""
        try:
            return read_session(path)
        except SavedSessionError as error:
            self._window.message.say(str(error))
            return None

    def open(self, path: Path) -> None:
        """Show the session that a file holds."""
        saved = self.read(path)
        if saved is not None:
            self.restore(saved)

    @property
    def last(self) -> Path | None:
        """The session that was closed last, where there is one."""
        path = self._folder.last if self._folder is not None else None
        return path if path is not None and path.exists() else None

    def meet_ended(self, ended: list[Ended], restore: bool) -> bool:
        """Say that the last session ended without closing, and offer its log and its restoring.

        Args:
            ended: what was left, newest first.
            restore: whether it may be restored without being asked.

        Returns:
            Whether it is being restored.
        """
        if not ended:
            return False
        newest, more = ended[0], len(ended) - 1
        said = "The last session ended without closing."
        if more:
            said = f"{len(ended)} sessions ended without closing; this is about the newest."
        saved: SavedSession | None = None
        try:
            saved = read_session(newest.session)
        except SavedSessionError as error:
            said = f"{said} {error} It is kept as it is in {newest.session.parent}."
        useful = saved is not None and bool(saved.runs)
        # What ended while it was being restored may end so again.
        at_once = restore and useful and saved is not None and not saved.restoring
        offers = {}
        if at_once:
            said = f"{said} It is shown as it was."
        elif useful and saved is not None:
            offers["Restore it"] = lambda: self.restore(saved)
        if newest.log.exists() and newest.log.stat().st_size:
            offers["Show its log"] = lambda: self._show(newest.log)
        if offers or at_once or more or saved is None:
            self.offer.say(said, offers)
        if at_once and saved is not None:
            self.restore(saved)
        return at_once

    # --- what commands do -----------------------------------------------------------------

    def restore_last(self) -> None:
        """Show the session that was closed last."""
        if self.last is not None:
            self.open(self.last)

    def choose_target(self) -> None:
        """Ask where the session shall be saved, and save it there."""
        dialog = self._dialog("Save session", "saveSessionDialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(ENDING.lstrip("."))
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def choose_source(self) -> None:
        """Ask which session shall be shown."""
        dialog = self._dialog("Open session", "openSessionDialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.open(Path(name)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Save the session to a file."""
        try:
            write_session(path, text_of(self._saved()))
        except OSError as error:
            why = error.strerror or type(error).__name__
            self._window.message.say(f"The session cannot be saved to {path}: {why}.")

    def show_log(self) -> None:
        """Show the newest log of faults."""
        self._show(self._log())

    def log_text(self) -> str:
        """The end of the newest log of faults, in words where there is none."""
        return self._text_of(self._log())

    def _log(self) -> Path | None:
        return self._folder.last_log() if self._folder is not None else None

    def _text_of(self, path: Path | None) -> str:
        try:
            return tail(path) if path is not None else NO_FAULTS
        except OSError as error:
            return f"The log cannot be read: {error.strerror or type(error).__name__}."

    def _show(self, path: Path | None) -> None:
        LogDialog(self._text_of(path), str(path or ""), self._window).open()

    def _dialog(self, title: str, name: str) -> QFileDialog:
        folder = str(self._folder.folder) if self._folder is not None else ""
        dialog = QFileDialog(self._window, title, folder)
        dialog.setObjectName(name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setNameFilters([f"Sessions (*{ENDING})", "All files (*)"])
        return dialog
