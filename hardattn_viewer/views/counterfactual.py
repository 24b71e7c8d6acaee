"""What would have been: an episode with one choice made otherwise, beside how it was."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from hardattn_viewer.checks.replay import Replay
from hardattn_viewer.drawing.regions import RegionsPicture, paint_regions, regions_picture
from hardattn_viewer.drawing.scale import shared_scale
from hardattn_viewer.drawing.text import number
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.counterfactual import counterfactual_frame
from hardattn_viewer.session.frames import Frame, frame_at_step
from hardattn_viewer.session.naming import key_name
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState, Slot
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.parts import column, label, row

NEVER = "COUNTERFACTUAL · none of what is on the right was recorded"


class CounterfactualPage(QWidget):
    """A banner that says what this is, both episodes on the map, and their choices step by step.

    It follows the step of the window; a click on a row goes to its step.

    Attributes:
        left: somebody wants to see the check again.
        made: what is shown; None while it is replayed.
        busy: shown while a replay is on its way.
        before: the map as it was.
        after: the map as it would have been.
        steps: the choices.
    """

    left = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("counterfactual")
        self._session = session
        self._slot: Slot = "A"
        self.made: Replay | None = None
        self.banner = label(NEVER, "warning", "counterfactualBanner")
        # On one line it would make the window's middle wider, also while another page is shown.
        self.banner.setWordWrap(True)
        self.back = QPushButton("Back to the check")
        self.back.setObjectName("counterfactualBack")
        self.back.setShortcut("Backspace")
        self.back.setToolTip("Leave what would have been (Backspace)")
        self.back.clicked.connect(self.left)
        self.says = label(role="value", name="counterfactualSays")
        self.says.setWordWrap(True)
        self.before: Canvas[RegionsPicture] = Canvas("counterfactualBefore", paint_regions)
        self.after: Canvas[RegionsPicture] = Canvas("counterfactualAfter", paint_regions)
        self.before.setAccessibleName("The episode as it was")
        self.after.setAccessibleName("The episode as it would have been")
        self._titles = label("", "title"), label("", "title")
        maps = row(
            _side(self._titles[0], self.before, ""),
            _side(self._titles[1], self.after, "counterfactual"),
            spacing=12,
        )
        self.maps = QWidget()
        self.maps.setLayout(maps)
        self.steps = _listing()
        self.steps.itemClicked.connect(self._go_to)
        head = row(self.banner, self.back, spacing=8)
        head.setStretch(0, 1)
        self.busy = QProgressBar()
        self.busy.setObjectName("counterfactualBusy")
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setFixedHeight(6)
        self.busy.setAccessibleName("The episode is replayed")
        self._room = QWidget()
        layout = column(
            *(head, self.says, self.busy, self.maps, self.steps, self._room),
            spacing=8,
            margins=(12, 10, 12, 10),
        )
        layout.setStretch(3, 3)
        layout.setStretch(4, 2)
        layout.setStretch(5, 1)
        self.setLayout(layout)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.before.set_theme(theme)
        self.after.set_theme(theme)

    def wait(self, words: str, *, busy: bool = True) -> None:
        """Say that a replay is on its way, or why none comes."""
        self.made = None
        self.says.setText(words)
        self.busy.setVisible(busy)
        self._room.setVisible(True)
        self.maps.setVisible(False)
        self.steps.setVisible(False)

    def show_replay(self, made: Replay, state: SessionState, slot: Slot) -> None:
        """Show a replay beside what was."""
        self.made, self._slot = made, slot
        self.says.setText(made.words())
        self.busy.setVisible(False)
        self._room.setVisible(False)
        self.steps.setVisible(True)
        self.show_state(state)

    def show_state(self, state: SessionState) -> None:
        """Follow the step."""
        made = self.made
        if made is None:
            return
        step = min(max(state.place.step, 0), len(made.chosen) - 1)
        frame = state.frames.of(self._slot)
        self._list(made, frame, step)
        other = counterfactual_frame(frame, made, step) if frame is not None else None
        self.maps.setVisible(other is not None and frame is not None and frame.boxes is not None)
        if frame is None or other is None:
            return
        was = frame_at_step(frame, step)
        scale = shared_scale([was, other])
        for title, canvas, shown, words, output in (
            (self._titles[0], self.before, was, "as it was", made.output),
            (self._titles[1], self.after, other, "replayed", made.replayed_output),
        ):
            told = f"{words}, step {step + 1}: {made.reading} {number(output, 3)}"
            title.setText(told)
            picture = regions_picture(shown, state.display, scale_max=scale)
            canvas.show_picture(picture, told)

    def _list(self, made: Replay, frame: Frame | None, here: int) -> None:
        self.steps.clear()
        for step, (was, then) in enumerate(zip(made.chosen, made.replayed, strict=True)):
            there = bool(made.live[step]) or step == made.step
            words = (
                "forced"
                if step == made.step
                else "another"
                if step in made.changed
                else "the same"
                if there
                else "no choice"
            )
            names = [_name(frame, int(one)) for one in (was, then)]
            p = number(float(made.probabilities[step, then])) if there else "–"
            item = QTreeWidgetItem([str(step + 1), names[0], names[1], p, words])
            item.setData(0, Qt.ItemDataRole.UserRole, step)
            if step == made.step or step in made.changed:
                for at in range(self.steps.columnCount()):
                    font = item.font(at)
                    font.setBold(True)
                    item.setFont(at, font)
            self.steps.addTopLevelItem(item)
            item.setSelected(step == here)

    def _go_to(self, item: QTreeWidgetItem, column: int = 0) -> None:
        self._session.go_to_step(item.data(0, Qt.ItemDataRole.UserRole))


def _name(frame: Frame | None, item: int) -> str:
    known = frame is not None and not frame.first_region and item < frame.probabilities.size
    return key_name(frame, item) if frame is not None and known else f"item {item}"


def _side(title: QWidget, canvas: QWidget, kind: str) -> QFrame:
    made = QFrame()
    made.setProperty("surface", kind or "plain")
    if kind:
        # A dashed edge says without a colour that this is no record.
        made.setObjectName("counterfactualSide")
        made.setStyleSheet("#counterfactualSide { border: 2px dashed palette(mid); }")
    layout = column(title, canvas, spacing=4, margins=(6, 6, 6, 6))
    layout.setStretch(1, 1)
    made.setLayout(layout)
    return made


def _listing() -> QTreeWidget:
    made = QTreeWidget()
    made.setObjectName("counterfactualSteps")
    made.setAccessibleName("Choices as they were, and replayed")
    made.setHeaderLabels(["step", "as it was", "replayed", "π", ""])
    made.setRootIsDecorated(False)
    made.setUniformRowHeights(True)
    made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    made.header().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    made.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
    made.setMinimumHeight(110)
    return made
