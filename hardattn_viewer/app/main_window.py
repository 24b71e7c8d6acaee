"""The main window: docks around the pictures, and what its commands do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDockWidget,
    QFileDialog,
    QLineEdit,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QWidget,
)

from hardattn_viewer.app.actions import Actions
from hardattn_viewer.app.bars import DockTitle, Tools
from hardattn_viewer.app.commands.every import commands_of
from hardattn_viewer.app.errors import MessageBar
from hardattn_viewer.app.export_dialog import ExportDialog
from hardattn_viewer.app.help import HelpDialog
from hardattn_viewer.app.main_views import MAIN_VIEWS
from hardattn_viewer.app.omissions import OmissionsDialog
from hardattn_viewer.app.opening import UrlDialog, dropped, fill_recent
from hardattn_viewer.app.palette import Palette
from hardattn_viewer.app.settings import Settings
from hardattn_viewer.app.site_picker import SitePicker
from hardattn_viewer.app.theme import apply_theme, resolved_theme
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.session.wants import is_settled
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.compare import CompareView
from hardattn_viewer.views.examples_table import ExamplesView
from hardattn_viewer.views.header_line import HeaderLine
from hardattn_viewer.views.inspector import Inspector
from hardattn_viewer.views.live_bar import LiveBar
from hardattn_viewer.views.overlay import OverlayView
from hardattn_viewer.views.parts import Themed, column, label, line
from hardattn_viewer.views.run_cards import RunCards
from hardattn_viewer.views.status_line import StatusLine
from hardattn_viewer.views.timeline import Timeline
from sample_runs import text_path

MINIMUM = QSize(1100, 700)
USUAL = QSize(1680, 1020)
# Milliseconds between two steps at speed 1.
STEP_MS = 500


class MainWindow(QMainWindow):
    """Everything that is seen; knows the session, the settings, and nothing of files.

    Args:
        session: what is shown.
        settings: what is remembered.
        samples: the runs that come with hardattn; may be empty.
        size: of the window, unless the settings remember another.
    """

    def __init__(
        self, session: Session, settings: Settings, samples: list[Path], size: QSize = USUAL
    ) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle("hardattn")
        self.setMinimumSize(MINIMUM)
        self.resize(size)
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.session = session
        self._settings = settings
        self._samples = samples
        self._changed_at: float | None = None
        self.message = MessageBar()
        session.changed.connect(self._on_changed)
        self.theme = resolved_theme(session.state.theme)
        self._build_centre()
        self._build_docks()
        self.actions_ = Actions(commands_of(session, self), session, self)
        self.menus = self.actions_.fill(self.menuBar())
        self._build_bars()
        self._playback = QTimer(self)
        self._playback.timeout.connect(session.tick)
        self._first_layout = self.saveState()
        self._restore_layout()
        self._show_theme()
        QApplication.styleHints().colorSchemeChanged.connect(self._system_theme_changed)
        self._app = cast("QApplication", QApplication.instance())
        self._app.installEventFilter(self)

    # --- building -------------------------------------------------------------------------

    def _build_centre(self) -> None:
        self.header = HeaderLine(self.session)
        self.views = QStackedWidget()
        self.views.setObjectName("views")
        self.view = {view.id: view.make(self.session) for view in MAIN_VIEWS}
        for widget in self.view.values():
            self.views.addWidget(widget)
        self.overlay = cast("OverlayView", self.view["overlay"])
        self.compare = cast("CompareView", self.view["compare"])
        centre = QWidget()
        centre.setProperty("surface", "window")
        centre.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.live_bar = LiveBar(self.session)
        layout = column(self.message, self.live_bar, self.header, line(), self.views)
        layout.setStretch(4, 1)
        centre.setLayout(layout)
        self.setCentralWidget(centre)

    def _build_docks(self) -> None:
        self.cards = RunCards(self.session)
        self.examples = ExamplesView(self.session)
        self.inspector = Inspector(self.session)
        self.timeline = Timeline(self.session)
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        bottom = Qt.DockWidgetArea.BottomDockWidgetArea
        self.setCorner(Qt.Corner.BottomLeftCorner, bottom)
        self.setCorner(Qt.Corner.BottomRightCorner, bottom)
        self._examples_title = DockTitle("Examples", "")
        self.docks = {
            "Runs": self._dock("Runs", self.cards, left, DockTitle("Runs", "+", self.choose_runs)),
            "Examples": self._dock("Examples", self.examples, left, self._examples_title),
            "Inspector": self._dock("Inspector", self.inspector, right, None),
            "Timeline": self._dock("Timeline", self.timeline, bottom, None),
        }
        self._share_out()

    def _share_out(self) -> None:
        """Give every dock its usual size, and less in a small window."""
        width, height = self.width(), self.height()
        side = [_between(262, 0.163 * width, 274), _between(278, 0.182 * width, 306)]
        docks = self.docks
        self.resizeDocks([docks["Runs"], docks["Inspector"]], side, Qt.Orientation.Horizontal)
        stacked = [docks["Runs"], docks["Examples"]]
        self.resizeDocks(stacked, [230, height - 480], Qt.Orientation.Vertical)
        bottom = _between(172, 0.204 * height, 208)
        self.resizeDocks([docks["Timeline"]], [bottom], Qt.Orientation.Vertical)

    def _dock(
        self, name: str, widget: QWidget, area: Qt.DockWidgetArea, title: DockTitle | None
    ) -> QDockWidget:
        dock = QDockWidget(name, self)
        dock.setObjectName(f"dock{name}")
        dock.setWidget(widget)
        dock.setTitleBarWidget(title if title is not None else QWidget())
        self.addDockWidget(area, dock)
        return dock

    def _build_bars(self) -> None:
        # Kept here: the menu bar does not hold on to it.
        self._brand = label("hardattn", "brand")
        self.menuBar().setCornerWidget(self._brand, Qt.Corner.TopLeftCorner)
        window_menu = self.menus["Window"]
        for dock in self.docks.values():
            window_menu.insertAction(self.actions_["resetLayout"], dock.toggleViewAction())
        window_menu.insertSeparator(self.actions_["resetLayout"])
        self._recent = self.menus["File"].addMenu("Recent runs")
        self.menus["File"].insertMenu(self.actions_["closeRun"], self._recent)
        self._recent.aboutToShow.connect(
            lambda: fill_recent(self._recent, self._settings, self.session.open)
        )
        self.tools = Tools(self.actions_)
        self.addToolBar(self.tools)
        self.status = StatusLine(self.session)
        self.setStatusBar(self.status)
        self.timeline.bind(
            {name: self.actions_[name] for name in ("first", "back", "play", "forward", "last")}
        )
        self.header.site.bind(self.actions_["chooseSite"])
        self.header.live.bind(self.actions_["follow"])
        self.inspector.record.bind(self.actions_["omissions"])
        for canvas in self.findChildren(Canvas):
            cast("Canvas[object]", canvas).painted.connect(self._painted)

    # --- following the session ------------------------------------------------------------

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.frames != old.frames and self._changed_at is None:
            self._changed_at = time.perf_counter()
        if new.view != old.view:
            self.views.setCurrentWidget(self.view[new.view])
        if new.theme != old.theme:
            self._settings.theme = new.theme
            self._show_theme()
        if (new.playing, new.speed) != (old.playing, old.speed):
            self._playback.setInterval(max(int(STEP_MS / abs(new.speed)), 16))
            if new.playing:
                self._playback.start()
            else:
                self._playback.stop()
        if new.order is not old.order or new.rows is not old.rows:
            total = len(new.rows) if new.rows is not None else 0
            self._examples_title.show_note(f"{len(new.order):,} OF {total:,}" if total else "")
        if new.runs != old.runs:
            self._say_failures(new, old)
        if new.frames != old.frames and not is_settled(new):
            return
        run = new.run_in(new.shown_slot)
        self.setWindowTitle(f"{run.name} – hardattn" if run else "hardattn")

    def _say_failures(self, new: SessionState, old: SessionState) -> None:
        for run in new.runs:
            before = old.run(run.key)
            if before is None:
                continue
            if run.error and run.error != before.error:
                self.message.say(run.error)
            elif run.status == "ready" and (before.status, before.path) != ("ready", run.path):
                self._settings.remember(run.path)

    def _painted(self) -> None:
        """A picture reached the screen: say how long that took since the session changed."""
        if self._changed_at is not None:
            took = 1e3 * (time.perf_counter() - self._changed_at)
            self._changed_at = None
            self.status.show_frame_time(took)

    # --- theme ----------------------------------------------------------------------------

    def _system_theme_changed(self) -> None:
        if self.session.state.theme == "system":
            self._show_theme()

    def _show_theme(self) -> None:
        self.theme = resolved_theme(self.session.state.theme)
        apply_theme(cast("QApplication", QApplication.instance()), self.theme)
        views = cast("list[Themed]", list(self.view.values()))
        themed: tuple[Themed, ...] = (*views, self.examples, self.timeline, self.tools)
        for view in themed:
            view.set_theme(self.theme)

    # --- what commands do -----------------------------------------------------------------

    def choose_runs(self) -> None:
        """Ask for run files, and open them."""
        dialog = self._opener("Open runs", QFileDialog.FileMode.ExistingFiles)
        dialog.setObjectName("openDialog")
        dialog.setNameFilters(["Runs (*.h5)", "All files (*)"])
        dialog.open()

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

    def open_samples(self) -> None:
        """Open the runs that come with hardattn."""
        if self._samples:
            self.session.open(self._samples)
        else:
            self.message.say("This copy of hardattn comes without sample runs.")

    def open_text_sample(self) -> None:
        """Open the sample run of a sentence encoder."""
        self.session.open([text_path()])

    def export_figure(self) -> None:
        """Show the export dialog."""
        run = self.session.state.run_in(self.session.state.shown_slot)
        path = run.path if run is not None else None
        own = isinstance(path, Path) and path not in (*self._samples, text_path())
        folder = Path(path.parent) if path is not None and own else Path.cwd()
        ExportDialog(self.session, folder, self).open()

    def copy_numbers(self) -> None:
        """Put the inspector's numbers on the clipboard."""
        QApplication.clipboard().setText(self.inspector.text())

    def show_palette(self) -> None:
        """Show the command palette."""
        Palette(self.actions_, self).open()

    def show_help(self) -> None:
        """Show every key."""
        HelpDialog(self.actions_.commands, self).open()

    def show_about(self) -> None:
        """Say what this is."""
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle("About hardattn")
        box.setText(
            "hardattn shows where a neural network looks, and whether that can be believed."
        )
        box.setInformativeText("Apache-2.0. Built with Qt (LGPL-3.0), pyqtgraph, numpy and h5py.")
        box.open()

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
        self.docks["Examples"].show()
        self.examples.filter.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.examples.filter.field.selectAll()

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
        self.restoreState(self._first_layout)
        for dock in self.docks.values():
            dock.show()

    def _restore_layout(self) -> None:
        geometry, docks = self._settings.geometry, self._settings.docks
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        if not docks.isEmpty():
            self.restoreState(docks)

    # --- Qt -------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Space and arrows belong to a focused button or list before they play or step."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            key = event.key()
            on_button = isinstance(watched, QAbstractButton) and key == Qt.Key.Key_Space
            in_list = isinstance(watched, QComboBox) and key in (
                Qt.Key.Key_Up,
                Qt.Key.Key_Down,
                Qt.Key.Key_Space,
            )
            # In a list of completions the arrows choose a completion, not an example.
            if on_button or in_list or self._app.activePopupWidget() is not None:
                event.accept()
                return True
        return False

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and URLs."""
        if dropped(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        event.acceptProposedAction()
        self.session.open(dropped(event.mimeData()))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the window, and close every run."""
        self._playback.stop()
        self._app.removeEventFilter(self)
        self._settings.keep_window(self.saveGeometry(), self.saveState())
        self._settings.sync()
        self.session.changed.disconnect()
        self.session.close()
        super().closeEvent(event)


def _between(least: int, value: float, most: int) -> int:
    return min(max(int(value), least), most)
