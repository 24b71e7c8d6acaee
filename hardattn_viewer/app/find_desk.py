"""What the window does to find things again: steps, ranges, tracks, bookmarks and notes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from hardattn_viewer.app.note_dialog import NoteDialog
from hardattn_viewer.session.marking import Marked, all_bookmarks, csv_of
from hardattn_viewer.session.state import USUAL_TRACKS, SessionState
from hardattn_viewer.session.tracks import title_of, tracks_there
from hardattn_viewer.views.bookmarks import BookmarksView
from hardattn_viewer.views.notes_part import NotesPart
from hardattn_viewer.views.parts import column

if TYPE_CHECKING:
    from hardattn_viewer.app.main_window import MainWindow
    from hardattn_viewer.app.settings import Settings

# How often it is looked whether another window has written notes.
REFRESH_MS = 2_000


class FindDesk(QObject):
    """Does what the commands of ``commands/find.py`` ask for.

    Args:
        window: the window, whose timeline and examples are there already.
        settings: where tracks and past expressions are remembered.
    """

    def __init__(self, window: MainWindow, settings: Settings) -> None:
        super().__init__(window)
        self._window = window
        self._settings = settings
        self._session = session = window.session
        self.bookmarks = BookmarksView(session)
        self.notes = NotesPart(session)
        self.bookmarks.note_wanted.connect(self._ask_note_of)
        if settings.tracks is not None:
            session.set_tracks(settings.tracks, undoable=False)
        for kind, field in (("filter", window.examples.filter), ("find", window.timeline.find_bar)):
            field.remember(partial(settings.past, kind), partial(settings.keep_past, kind))
        window.timeline.menu_wanted.connect(self._show_timeline_menu)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self._timer.start()
        session.changed.connect(self._on_changed)

    def below_inspector(self, inspector: QWidget) -> QWidget:
        """The inspector with the notes below it."""
        both = QWidget()
        layout = column(inspector, self.notes)
        layout.setStretch(0, 1)
        both.setLayout(layout)
        return both

    # --- commands -------------------------------------------------------------------------

    def focus_find(self) -> None:
        """Put the cursor into the field that finds steps."""
        self._window.docks["Timeline"].show()
        field = self._window.timeline.find_bar.field
        field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        field.selectAll()

    def repeat_from(self) -> None:
        """Let playback repeat from this step on."""
        state = self._session.state
        last = state.loop[1] if state.loop is not None else state.frames.steps - 1
        self._session.set_loop(state.place.step, max(last, state.place.step))

    def repeat_to(self) -> None:
        """Let playback repeat up to this step."""
        state = self._session.state
        first = state.loop[0] if state.loop is not None else 0
        self._session.set_loop(min(first, state.place.step), state.place.step)

    def zoom(self, factor: float) -> None:
        """See fewer steps of the timeline, or more."""
        self._window.timeline.plots.zoom(factor)

    def fit(self) -> None:
        """See all steps in the timeline."""
        self._window.timeline.plots.fit()

    def show_tracks(self) -> None:
        """Offer the tracks that the timeline can show."""
        button = self._window.timeline.find_bar.tracks
        menu = self._track_menu()
        below = button.mapToGlobal(QPoint(0, button.height()))
        menu.popup(below - QPoint(max(menu.sizeHint().width() - button.width(), 0), 0))

    def bookmark(self) -> None:
        """Set a bookmark here, or take it away."""
        self._session.bookmark()

    def note_here(self) -> None:
        """Set a bookmark here, and write its note."""
        marked = self._session.bookmarked()
        if marked is not None:
            NoteDialog(self._session, marked, self._window).open()

    def show_bookmarks(self) -> None:
        """Show the list of bookmarks."""
        dock = self._window.docks["Bookmarks"]
        dock.setVisible(not dock.isVisible())

    def export_bookmarks(self) -> None:
        """Ask where to save the bookmarks as a table, and do so."""
        dialog = QFileDialog(self._window, "Save bookmarks", self._settings.folder)
        dialog.setObjectName("bookmarksDialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["Tables (*.csv)"])
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda name: self.save_bookmarks(Path(name)))
        dialog.open()

    def save_bookmarks(self, path: Path) -> None:
        """Save the bookmarks as a table; what goes wrong is said in the window."""
        text = csv_of(self._session.state)
        try:
            # Names of files may hold bytes that are no UTF-8; they come as lone surrogates.
            path.write_bytes(text.encode("utf-8", errors="replace"))
        except OSError as problem:
            self._window.message.say(f"{path} cannot be written: {problem.strerror}.")

    # --- how that is done -----------------------------------------------------------------

    def _refresh(self) -> None:
        if self._window.isActiveWindow():
            self._session.refresh_notes()

    def _ask_note_of(self, key: int, id_: str) -> None:
        for one in all_bookmarks(self._session.state):
            if (one.key, one.mark.id) == (key, id_):
                self._open_note(one)

    def _open_note(self, marked: Marked) -> None:
        NoteDialog(self._session, marked, self._window).open()

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.tracks != old.tracks:
            self._settings.tracks = new.tracks
        if new.notebooks is old.notebooks:
            return
        for key, book in new.notebooks.items():
            before = old.notebooks.get(key)
            if book.problem and (before is None or before.problem != book.problem):
                self._window.message.say(book.problem)

    def _show_timeline_menu(self, place: QPoint) -> None:
        menu = self._track_menu()
        menu.addSeparator()
        actions = self._window.actions_
        names = ("loopFrom", "loopTo", "loopNone", "timelineIn", "timelineOut", "timelineFit")
        for name in (*names, "bookmark", "note"):
            menu.addAction(actions[name])
        menu.popup(place)

    def _track_menu(self) -> QMenu:
        menu = QMenu(self._window)
        menu.setObjectName("trackMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        state = self._session.state
        for name in tracks_there(state.frames):
            action = menu.addAction(title_of(name).replace("&", "&&"))
            action.setObjectName(f"track_{name}")
            action.setCheckable(True)
            action.setChecked(name in state.tracks)
            action.triggered.connect(lambda on, name=name: self._pick(name, on))
        usual = menu.addAction("The usual ones")
        usual.setObjectName("track_usual")
        usual.triggered.connect(lambda *_: self._session.set_tracks(USUAL_TRACKS))
        return menu

    def _pick(self, name: str, on: bool) -> None:
        others = tuple(one for one in self._session.state.tracks if one != name)
        self._session.set_tracks((*others, name) if on else others)
