"""What is known between A and B beside the picture: numbers, heads, the worst steps, repeats."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from hardattn_viewer.session.comparing import KIND, Comparison, comparison_of
from hardattn_viewer.session.pairing import pairing_of
from hardattn_viewer.session.repeating import repeats_wanted
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import ComparePage as Page
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.disagreements_page import DisagreementsPage
from hardattn_viewer.views.flow import FlowLayout
from hardattn_viewer.views.numbers_page import (
    SPARE,
    Line,
    NumbersTable,
    foot_words,
    interval_words,
    numbers_lines,
)
from hardattn_viewer.views.parts import ElidedLabel, column, plain_tooltip
from hardattn_viewer.views.repeats_page import RepeatsPage

# Below this height the numbers need the room of the line below them.
LOW = 175
# Type of the names of pages, and what is beside a name, px.
SMALL, SIDES = 11, 10
_TEXTS: dict[Page, tuple[str, str]] = {
    "numbers": ("Numbers", "How far A and B agree: here, at this step, over all examples"),
    "heads": ("Heads", "The same for every head that both have; the worst is marked"),
    "worst": ("Worst", "Where they disagree most; a click or Enter goes there"),
    "repeats": ("Repeats", "Whether sampled choices would be the same again"),
}


class ComparisonPanel(QWidget):
    """One page at a time; a page that has nothing to say is not offered."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("comparisonPanel")
        self._session = session
        self.numbers = NumbersTable("comparisonNumbers", "Numbers between A and B")
        self.foot = ElidedLabel(role="muted", name="comparisonFoot")
        numbers = QWidget()
        layout = column(self.numbers, self.foot, spacing=3)
        layout.setStretch(0, 1)
        numbers.setLayout(layout)
        self.heads = NumbersTable("comparisonHeads", "Numbers of each head; Enter goes to it")
        self.heads.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.heads.cellClicked.connect(lambda line, _: self._go_to_head(line))
        self.heads.cellActivated.connect(lambda line, _: self._go_to_head(line))
        self.worst = DisagreementsPage(session)
        self.repeats = RepeatsPage()
        self.pages: dict[Page, QWidget] = {
            "numbers": numbers,
            "heads": self.heads,
            "worst": self.worst,
            "repeats": self.repeats,
        }
        self._stack = QStackedWidget()
        self.buttons: dict[Page, QToolButton] = {}
        self._group = QButtonGroup(self)
        choices = QWidget()
        flow = FlowLayout(choices, spacing=2, gap=3)
        for page, widget in self.pages.items():
            self._stack.addWidget(widget)
            button = QToolButton()
            button.setObjectName(f"page_{page}")
            button.setText(_TEXTS[page][0])
            button.setToolTip(_TEXTS[page][1])
            button.setProperty("kind", "page")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            # Qt would leave room for an icon as well.
            font = button.font()
            font.setPixelSize(SMALL)
            wide = QFontMetrics(font).horizontalAdvance(_TEXTS[page][0])
            button.setFixedWidth(wide + SIDES)
            button.clicked.connect(lambda _, p=page: session.show_comparison(p))
            self._group.addButton(button)
            self.buttons[page] = button
            flow.addWidget(button)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        choices.setSizePolicy(policy)
        outer = column(choices, self._stack, spacing=5)
        outer.setStretch(1, 1)
        self.setLayout(outer)
        self.page: Page = "numbers"
        self.show_state(session.state)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what there is no room for."""
        super().resizeEvent(event)
        if (event.size().height() < LOW) != (event.oldSize().height() < LOW):
            self.show_state(self._session.state)

    def show_state(self, state: SessionState) -> None:
        """Show what is known by now on the page that is shown."""
        found, pairing = comparison_of(state), pairing_of(state)
        self.buttons["heads"].setVisible(pairing is not None and len(pairing.lanes) > 1)
        self.buttons["repeats"].setVisible(repeats_wanted(state) is not None)
        # A page that these runs have nothing for gives way, and comes back with others.
        wanted = state.compare_page
        self.page = "numbers" if self.buttons[wanted].isHidden() else wanted
        self.buttons[self.page].setChecked(True)
        self._stack.setCurrentWidget(self.pages[self.page])
        if self.page == "numbers":
            self._show_numbers(state, found)
        elif self.page == "heads" and found is not None:
            self._show_heads(state, found)
        elif self.page == "worst":
            self.worst.show_state(state)
        elif self.page == "repeats":
            self.repeats.show_state(state)

    def _show_numbers(self, state: SessionState, found: Comparison | None) -> None:
        a, b, pairing = state.frames.a, state.frames.b, pairing_of(state)
        if a is None or b is None or pairing is None:
            return
        lane = pairing.shown if found is not None and pairing.lanes == found.lanes else 0
        several = max(a.steps, b.steps) > 1
        low = self.height() < LOW
        count = found.overall[lane]["jensen_shannon"].count if found is not None else 0
        # Without room for the line below, the title says how many examples it is.
        overall = f"all {count:,}" if low and count else "all"
        titles = ("", "here", *([f"step {b.place.step + 1}"] if several else ()), overall)
        self.numbers.spare = (2,) if several else ()
        lines = numbers_lines(a, b, found, lane)
        # The effective items are 2 to the entropy: without room for both, the entropy stands.
        self.numbers.show_lines(titles, lines[: -len(SPARE)] if low else lines)
        result = state.studies.get(KIND)
        words, short = foot_words(found, result.error if result is not None else "")
        self.foot.set_whole(words, short)
        self.foot.setVisible(not low)
        for part in (self.foot, self.numbers.horizontalHeader()):
            part.setToolTip(plain_tooltip(words))

    def _show_heads(self, state: SessionState, found: Comparison) -> None:
        worst, site = found.worst_lane, state.site
        lines = []
        for lane, (head, _) in enumerate(found.lanes[1:], 1):
            same, apart = found.overall[lane]["same_argmax"], found.overall[lane]["jensen_shannon"]
            shown = str(head if site is None or head is None else site.head_words(head))
            name = f"head {shown.partition(' of ')[0]}" + (" ◂ worst" if lane == worst else "")
            notes = (
                f"Same argmax {interval_words('same_argmax', same)}",
                f"Jensen–Shannon {interval_words('jensen_shannon', apart)} bits: "
                f"{apart.low:.4f} – {apart.high:.4f} over {apart.count:,} examples",
            )
            cells = (
                interval_words("same_argmax", same),
                interval_words("jensen_shannon", apart),
            )
            lines.append(Line(name, name, cells, notes))
        marked = None if worst is None else worst - 1
        self.heads.show_lines(("", "same argmax", "JS bits"), lines, marked)
        pairing = pairing_of(state)
        if pairing is not None and pairing.lanes == found.lanes and pairing.shown:
            self.heads.selectRow(pairing.shown - 1)
        else:
            self.heads.clearSelection()

    def _go_to_head(self, line: int) -> None:
        found = comparison_of(self._session.state)
        if found is not None and line + 1 < len(found.lanes):
            self._session.look_at("A")
            self._session.go_to_head(found.lanes[line + 1][0])
