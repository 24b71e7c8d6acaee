"""Faithfulness: what a check found, and what would have come of other choices."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QScrollArea,
    QStackedWidget,
    QTreeWidgetItem,
    QWidget,
)

from hardattn_viewer.checks.replay import Replay
from hardattn_viewer.drawing.checks.page import explanation_at, paint_checks
from hardattn_viewer.drawing.checks.picture import ChecksPicture
from hardattn_viewer.drawing.checks.wins import rows_of
from hardattn_viewer.drawing.text import number
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.checking import (
    Checks,
    checked_run,
    checks_of,
    is_checking,
    least_supported,
)
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState, Slot
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.checks_head import ChecksHead
from hardattn_viewer.views.counterfactual import CounterfactualPage
from hardattn_viewer.views.forced_panel import ForcedPanel
from hardattn_viewer.views.hardened_panel import HardenedPanel
from hardattn_viewer.views.least_listing import least_listing
from hardattn_viewer.views.parts import (
    OPEN,
    SAMPLES,
    Notice,
    column,
    heading,
    label,
    line,
)
from hardattn_viewer.views.scores import ScoresCanvas

CHECK_IT = (
    "A check runs the model of this run with items removed and choices forced, and holds what "
    "attention says against random rankings and against Captum's attributions.\n"
    "Analyse › Check faithfulness… begins one; so does hardattn check RUN."
)
SIDE = 264
WIDE = 800
"""Width from which on single examples stand beside the page."""
LOW = 420
"""Height that they take below it."""
_LISTED = 40


class ChecksCanvas(Canvas[ChecksPicture]):
    """The page of a check; a click on a row of the win rates writes its verdict out."""

    def __init__(self) -> None:
        super().__init__("checksPage", paint_checks, self._row_at)
        self.setMinimumSize(QSize(520, 540))

    def _row_at(self, picture: ChecksPicture, rect: QRectF, point: QPointF) -> int | None:
        return explanation_at(picture, rect, point, self._theme)


class FaithfulnessView(QWidget):
    """A page of what was found beside single examples; or words how to check.

    Attributes:
        replay_asked: an item is to be forced, and the rest replayed: example, step, item.
        page: the page.
        scores: what is no ranking by removal, below it.
        forced: the output of the example that is shown, had another item been chosen.
        hardened: what the output does where heads take one item.
        least: the examples that bear the explanation in focus out least.
    """

    replay_asked = Signal(int, int, int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("faithfulnessView")
        self._session = session
        self._theme = DARK
        self._checks: Checks | None = None
        self._focus, self._operator = "", ""
        self._stale = True
        self.page = ChecksCanvas()
        self.page.clicked.connect(self._focus_on)
        self.page.hovered.connect(self._point_at)
        self.scores = ScoresCanvas()
        self.head = ChecksHead()
        self.head.chosen.connect(self._choose_operator)
        self.operator, self.words = self.head.operator, self.head.words
        self.progress, self.buttons = self.head.progress, self.head.buttons
        self.forced_panel = ForcedPanel(session)
        self.forced, self.forced_place = self.forced_panel.canvas, self.forced_panel.place
        self.forced_panel.asked.connect(self.replay_asked)
        self.counterfactual = CounterfactualPage(session)
        self.counterfactual.left.connect(self.leave_replay)
        self.hardened = HardenedPanel()
        self.further = label(role="muted", name="checksFurther")
        self.further.setWordWrap(True)
        self._further_heading = heading("Further questions")
        self.least = least_listing()
        self.least.itemActivated.connect(self._go_to)
        self.least.itemClicked.connect(self._go_to)
        self.notice = Notice("checksNotice")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._body())
        self._stack.addWidget(self.notice)
        self._stack.addWidget(self.counterfactual)
        layout = column(self.head, line(), self._stack)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        session.changed.connect(self._on_changed)

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that the buttons stand for."""
        return tuple(self.buttons)

    def bind(self, actions: dict[str, QAction]) -> None:
        """Let the buttons do what the app's actions do."""
        self.head.bind(actions)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.page.set_theme(theme)
        self.scores.set_theme(theme)
        self.forced_panel.set_theme(theme)
        self.counterfactual.set_theme(theme)
        self.hardened.set_theme(theme)

    def _body(self) -> QWidget:
        side = QWidget()
        inner = column(
            self.forced_panel,
            line(),
            self.hardened,
            self._further_heading,
            self.further,
            line(),
            heading("Least supported examples"),
            self.least,
            spacing=6,
            margins=(10, 10, 10, 8),
        )
        inner.setStretch(7, 1)
        side.setLayout(inner)
        self._side = side
        body = QWidget()
        self._parts = QBoxLayout(QBoxLayout.Direction.LeftToRight, body)
        self._parts.setContentsMargins(0, 0, 0, 0)
        self._parts.setSpacing(0)
        found = QWidget()
        stacked = column(self.page, self.scores)
        stacked.setStretch(0, 1)
        found.setLayout(stacked)
        self._parts.addWidget(found, 1)
        self._parts.addWidget(side)
        scrolled = QScrollArea()
        scrolled.setObjectName("checksScroll")
        scrolled.setWidgetResizable(True)
        scrolled.setFrameShape(QFrame.Shape.NoFrame)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolled.setWidget(body)
        self._lay_out()
        return scrolled

    def _lay_out(self) -> None:
        """Single examples beside the page, or below it where that leaves it too narrow."""
        beside = self.width() >= WIDE
        way = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._parts.setDirection(way)
        self._side.setMinimumSize(SIDE if beside else 0, 0 if beside else LOW)
        self._side.setMaximumWidth(SIDE if beside else 1 << 20)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the parts out anew."""
        super().resizeEvent(event)
        self._lay_out()

    # --- following the session ------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what changed while nobody looked."""
        super().showEvent(event)
        if self._stale:
            self._show(self._session.state)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if not self.isVisible():
            self._stale = True
            return
        if (new.studies.get("checks"), new.checking, new.runs, new.focus) != (
            old.studies.get("checks"),
            old.checking,
            old.runs,
            old.focus,
        ):
            self._show(new)
        elif (new.place, new.frames) != (old.place, old.frames):
            self._show_forced(new)

    def _show(self, state: SessionState) -> None:
        self._stale = False
        self._checks = checks_of(state) or self._checks
        run = checked_run(state)
        result = state.studies.get("checks")
        if run is None or (result is not None and checks_of(state) is None and result.finished):
            self._checks = None
        report = self._checks.report if self._checks is not None else None
        self.head.show_state(state, report, self._operator)
        if report is None:
            self._show_notice(state)
            return
        if self._stack.currentWidget() is not self.counterfactual:
            self._stack.setCurrentIndex(0)
        self._show_page()
        self._show_forced(state)
        self.hardened.show_report(report)
        asked = (
            report.tests.words(str(report.facts.get("reading", "output"))) if report.tests else []
        )
        self.further.setText("\n\n".join(asked))
        for part in (self._further_heading, self.further):
            part.setVisible(bool(asked))
        self._show_least(state)

    def _show_notice(self, state: SessionState) -> None:
        self._stack.setCurrentIndex(1)
        going = state.checking
        why = self._checks.why if self._checks is not None else ""
        if checked_run(state) is None:
            self.notice.say("No run is open", CHECK_IT, OPEN, SAMPLES)
        elif is_checking(state):
            self.notice.say("The check has begun", "Results come as they are made.")
        elif going is not None and going.state == "failed":
            self.notice.say("The check could not be run", going.error)
        elif why:
            self.notice.say("The checks of this run cannot be shown", why)
        elif self._checks is None:
            self.notice.say("Reading the checks of this run", "")
        else:
            self.notice.say("This run has not been checked", CHECK_IT, ("Check…", "runCheck"))

    def _show_page(self) -> None:
        report = self._checks.report if self._checks is not None else None
        if report is None:
            return
        picture = ChecksPicture(report, self.operator.currentText(), self._focus)
        said = "; ".join(f"{name}: {one.level}" for name, one in report.verdicts.items())
        self.page.setAccessibleName("What the check found")
        self.page.show_picture(picture, said)
        self.scores.show_scores(picture)

    def _show_forced(self, state: SessionState) -> None:
        report = self._checks.report if self._checks is not None else None
        self.forced_panel.show_state(report, state, _slot(state), _example(state))
        made = self.counterfactual.made
        if made is not None and made.example != _example(state):
            self.leave_replay()
        self.counterfactual.show_state(state)

    # --- what would have been -------------------------------------------------------------

    def wait_for_replay(self, words: str) -> None:
        """Say that an episode is replayed."""
        self.counterfactual.wait(words)
        self._stack.setCurrentWidget(self.counterfactual)

    def show_replay(self, made: Replay) -> None:
        """Show a replayed episode beside what was recorded."""
        if self._stack.currentWidget() is not self.counterfactual:
            return
        state = self._session.state
        self.counterfactual.show_replay(made, state, _slot(state))

    def fail_replay(self, why: str) -> None:
        """Say why an episode could not be replayed."""
        if self._stack.currentWidget() is self.counterfactual:
            self.counterfactual.wait(f"It could not be replayed: {why}", busy=False)

    def leave_replay(self) -> None:
        """Show the check again, and let go of what was forced."""
        self.counterfactual.made = None
        self._session.let_go()
        if self._stack.currentWidget() is self.counterfactual:
            self._stack.setCurrentIndex(0)

    def _show_least(self, state: SessionState) -> None:
        report = self._checks.report if self._checks is not None else None
        self.least.clear()
        if report is None:
            return
        name = ChecksPicture(report, self.operator.currentText(), self._focus).named
        found = least_supported(report, name, self.operator.currentText())
        for one in found[:_LISTED]:
            item = QTreeWidgetItem([f"{one.example:,}", one.why, number(one.value, 3)])
            item.setData(0, Qt.ItemDataRole.UserRole, one.example)
            item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.least.addTopLevelItem(item)

    # --- what people do -------------------------------------------------------------------

    def _focus_on(self, at: int) -> None:
        picture = self.page.picture
        if picture is None:
            return
        self._focus = rows_of(picture)[at]
        self._show_page()
        self._show_least(self._session.state)

    def _point_at(self, at: int | None) -> None:
        picture = self.page.picture
        if picture is None:
            return
        pointed = rows_of(picture)[at] if at is not None else ""
        self.page.show_picture(
            ChecksPicture(picture.report, picture.operator, picture.focus, pointed),
            self.page.accessibleDescription(),
        )

    def _choose_operator(self, name: str) -> None:
        self._operator = name
        self._show_page()
        self._show_least(self._session.state)

    def _go_to(self, item: QTreeWidgetItem, column: int = 0) -> None:
        state = self._session.state
        example = item.data(0, Qt.ItemDataRole.UserRole)
        slot = _slot(state)
        columns = state.rows.a if state.rows is not None and slot == "A" else None
        if state.rows is not None and slot == "B":
            columns = state.rows.b
        if columns is None:
            return
        rows = (columns.index == example).nonzero()[0]
        if len(rows):
            self._session.go_to_row(int(rows[0]))


def _slot(state: SessionState) -> Slot:
    run = checked_run(state)
    found = state.slot_of(run.key) if run is not None else None
    return found or "A"


def _example(state: SessionState) -> int | None:
    """The example of the checked run that is shown."""
    if state.rows is None:
        return None
    found = state.rows.index(_slot(state), state.place.example)
    return found if found >= 0 else None
