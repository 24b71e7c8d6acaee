"""The main window: docks around the pictures, and what its commands do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QFontMetrics
from PySide6.QtWidgets import (
    QApplication,
    QStackedWidget,
    QWidget,
)

from hardattn_viewer.app.actions import Actions
from hardattn_viewer.app.bars import DockTitle, Tools
from hardattn_viewer.app.checker import Checker
from hardattn_viewer.app.collecting import Collecting
from hardattn_viewer.app.command_window import CommandWindow
from hardattn_viewer.app.commands.every import commands_of
from hardattn_viewer.app.errors import MessageBar
from hardattn_viewer.app.find_desk import FindDesk
from hardattn_viewer.app.focus_ring import FocusRings
from hardattn_viewer.app.focused_keys import FocusedKeys
from hardattn_viewer.app.layout import BOTTOM, LEFT, RIGHT, Layout
from hardattn_viewer.app.main_views import MAIN_VIEWS
from hardattn_viewer.app.opening import Drops, fill_recent
from hardattn_viewer.app.replayer import Replayer
from hardattn_viewer.app.samples import SampleShelf
from hardattn_viewer.app.sessions import Sessions
from hardattn_viewer.app.settings import Settings
from hardattn_viewer.app.story_bar import StoryBar
from hardattn_viewer.app.theme import resolved_theme
from hardattn_viewer.app.theming import Theming
from hardattn_viewer.app.tour import Tour
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.session.wants import is_settled
from hardattn_viewer.views.behind import Behind
from hardattn_viewer.views.boundary import Boundary
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.compare import CompareView
from hardattn_viewer.views.examples_table import ExamplesView
from hardattn_viewer.views.faithfulness import FaithfulnessView
from hardattn_viewer.views.header_line import HeaderLine
from hardattn_viewer.views.inspector import Inspector
from hardattn_viewer.views.live_bar import LiveBar
from hardattn_viewer.views.overlay import OverlayView
from hardattn_viewer.views.parts import Notice, Themed, column, label, line
from hardattn_viewer.views.run_cards import RunCards
from hardattn_viewer.views.status_line import StatusLine
from hardattn_viewer.views.timeline import Timeline
from hardattn_viewer.views.training import TrainingView
from sample_runs import Sample

MINIMUM = QSize(1100, 700)
USUAL = QSize(1680, 1020)
# What the style puts around the name of the app, px.
BESIDE_BRAND = QSize(16, 9)
# Milliseconds between two steps at speed 1.
STEP_MS = 500


class MainWindow(CommandWindow):
    """Everything that is seen; knows the session, the settings, and nothing of files.

    Args:
        session: what is shown.
        settings: what is remembered.
        samples: what comes with hardattn; may be empty.
        size: of the window, unless the settings remember another.
    """

    def __init__(
        self, session: Session, settings: Settings, samples: Sequence[Sample], size: QSize = USUAL
    ) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setWindowTitle("hardattn")
        self.setMinimumSize(MINIMUM)
        self.resize(size)
        self.session = session
        self._settings = settings
        self.shelf = SampleShelf(session, samples, self)
        self._changed_at: float | None = None
        self.message = MessageBar()
        self.sessions = Sessions(self)
        session.changed.connect(self._on_changed)
        session.pair_sites(settings.site_pairs)
        self.theme = resolved_theme(session.state.theme)
        self._build_centre()
        self._build_docks()
        self.actions_ = Actions(commands_of(session, self), session, self)
        self.menus = self.actions_.fill(self.menuBar())
        self._build_bars()
        self._playback = QTimer(self)
        self._playback.timeout.connect(session.tick)
        self.layout_.keep_as_first()
        self.layout_.restore(settings.geometry, settings.docks)
        self._theming = Theming(self.theme, self._themed(), self)
        QApplication.styleHints().colorSchemeChanged.connect(self._system_theme_changed)
        self._keys = FocusedKeys(self)
        self._rings = FocusRings(self)
        self._drops = Drops(session.open, self)
        self._collecting = Collecting(session, self)
        self.tour: Tour | None = None
        self.checker = Checker(session, self)
        self.replayer = Replayer(self)
        self.replayer.answered.connect(self.faithfulness.show_replay)
        self.replayer.failed.connect(self.faithfulness.fail_replay)
        self.faithfulness.replay_asked.connect(self.replay)

    # --- building -------------------------------------------------------------------------

    def _build_centre(self) -> None:
        self.header = HeaderLine(self.session)
        self.views: QStackedWidget = QStackedWidget()
        self.views.setObjectName("views")
        self.view = {view.id: view.make(self.session) for view in MAIN_VIEWS}
        for widget in self.view.values():
            self.views.addWidget(widget)
        self.overlay = cast("OverlayView", self.view["overlay"])
        self.compare = cast("CompareView", self.view["compare"])
        self.training = cast("TrainingView", self.view["training"])
        self.faithfulness = cast("FaithfulnessView", self.view["faithfulness"])
        centre = QWidget()
        centre.setProperty("surface", "window")
        centre.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.live_bar = LiveBar(self.session)
        self.story = StoryBar(self.session, self.shelf, self._settings)
        layout = column(
            self.message,
            self.sessions.offer,
            self.live_bar,
            self.story,
            Boundary(self.header),
            line(),
            Boundary(self.views),
        )
        layout.setStretch(6, 1)
        centre.setLayout(layout)
        self.setCentralWidget(centre)

    def _build_docks(self) -> None:
        self.cards = RunCards(self.session)
        self.examples = ExamplesView(self.session)
        self.behind = Behind(self.session, self)
        self.inspector = Inspector(self.session, self.behind)
        self.inspector.remember_folds(self._settings.folded, self._settings.keep_folded)
        self.timeline = Timeline(self.session, self.behind)
        self.desk = FindDesk(self, self._settings)
        self._examples_title = DockTitle("Examples", "")
        self.layout_ = Layout(self)
        self.layout_.add("Runs", self.cards, LEFT, DockTitle("Runs", "+", self.choose_runs))
        self.layout_.add("Examples", self.examples, LEFT, self._examples_title)
        self.layout_.add("Inspector", self.desk.below_inspector(self.inspector), RIGHT)
        bookmarks = DockTitle("Bookmarks", "")
        self.layout_.add("Bookmarks", self.desk.bookmarks, RIGHT, bookmarks, hidden=True)
        self.layout_.add("Timeline", self.timeline, BOTTOM)
        self.docks = self.layout_.docks
        self.layout_.share_out()

    def _build_bars(self) -> None:
        # Kept here: the menu bar does not hold on to it.
        self._brand = label("hardattn", "brand")
        # While themes change it has none, and the menu bar does not see that it grows again.
        font = self._brand.font()
        font.setBold(True)
        text = QFontMetrics(font).boundingRect(self._brand.text()).size()
        self._brand.setMinimumSize(text + BESIDE_BRAND)
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
        self.tools: Tools = Tools(self.actions_)
        self.addToolBar(self.tools)
        self.status = StatusLine(self.session)
        self.setStatusBar(self.status)
        self.timeline.bind(
            {name: self.actions_[name] for name in ("first", "back", "play", "forward", "last")}
        )
        self.faithfulness.bind({name: self.actions_[name] for name in self.faithfulness.commands})
        self.training.bind({name: self.actions_[name] for name in self.training.commands})
        self.timeline.find_bar.bind(
            {name: self.actions_[name] for name in ("findNext", "findPrevious", "tracks")}
        )
        self.desk.bookmarks.bind(self.actions_["exportBookmarks"])
        self.story.bind(self.actions_["samples"])
        self.cards.bind_samples(self.actions_["samples"], bool(self.shelf.samples))
        self.header.site.bind(self.actions_["chooseSite"])
        self.header.live.bind(self.actions_["follow"])
        self.inspector.bind(self.actions_["keepNumbers"])
        self.inspector.record.bind(self.actions_["omissions"])
        for notice in self.findChildren(Notice):
            notice.asked.connect(lambda id_: self.actions_[id_].trigger())
        for canvas in self.findChildren(Canvas):
            cast("Canvas[object]", canvas).painted.connect(self._painted)

    # --- the tour -------------------------------------------------------------------------

    def show_tour(self) -> None:
        """Point at one part of the window after another, on the samples if nothing is shown."""
        if self.tour is not None:
            return
        self._settings.tour_offered = True
        self.sessions.offer.hide()
        if not self.session.state.runs and self.shelf.samples:
            self.shelf.show(self.shelf.samples[0])
        self.tour = Tour(self)

    def tour_ended(self) -> None:
        """The tour is over."""
        self.tour = None
        self.story.wait(False)

    def offer_tour(self) -> None:
        """Offer the tour, once on an account; the story of the sample waits meanwhile."""
        if self._settings.tour_offered or self.sessions.offer.isVisible():
            return
        self._settings.tour_offered = True
        self.story.wait(True)
        words = "New here? A tour of seven stops shows what is where. It is in the menu Help, too."
        offers = {"Take the tour": self.show_tour}
        self.sessions.offer.say(words, offers, closed=lambda: self.story.wait(False))

    # --- following the session ------------------------------------------------------------

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.frames != old.frames and self._changed_at is None:
            self._changed_at = time.perf_counter()
        if new.view != old.view:
            self.views.setCurrentWidget(self.view[new.view])
        if new.site_pairs != old.site_pairs:
            self._settings.site_pairs = new.site_pairs
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
        self._theming.show(self.theme)

    def _themed(self) -> tuple[Themed, ...]:
        views = cast("list[Themed]", list(self.view.values()))
        return (*views, self.examples, self.timeline, self.tools)

    # --- Qt -------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the window, and close every run."""
        if self.tour is not None:
            self.tour.end()
        self._playback.stop()
        self._keys.end()
        self._rings.end()
        self._theming.finish()
        self.sessions.end()
        self._settings.keep_window(self.saveGeometry(), self.saveState())
        self._settings.sync()
        self.behind.stop()
        self.checker.close()
        self.replayer.close()
        self._collecting.stop()
        self.session.changed.disconnect()
        self.session.close()
        super().closeEvent(event)
