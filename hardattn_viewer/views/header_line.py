"""One line above the pictures: which example, what is true, what is predicted, at what scale."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import query_name, text_beside
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.shown_tokens import queries_words
from hardattn_viewer.session.state import SLOTS, SessionState, Slot
from hardattn_viewer.views.flow import FlowLayout
from hardattn_viewer.views.live_badge import LiveBadge
from hardattn_viewer.views.parts import ExactLabel, label, plain_tooltip, row, set_property
from hardattn_viewer.views.scales import scale_words
from hardattn_viewer.views.site_choice import HeadButton, SiteButton

# Letters of a text that are shown; all of it is in the tool tip.
MOST_TEXT = 72


class HeaderLine(QWidget):
    """Example, true class, predictions, head and scale; never says more than the frames do."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("headerLine")
        self.setProperty("surface", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session = session
        self.example = ExactLabel("title", "headerExample")
        self._true = Pair("true", "headerTrue")
        self._predictions: dict[Slot, Pair] = {
            slot: Pair(f"{slot} predicts", f"headerPredicts{slot}") for slot in SLOTS
        }
        self.site = SiteButton(session)
        self.head = HeadButton(session)
        self._query = Pair("query", "headerQuery")
        self._scale = Pair("scale", "headerScale")
        self._text = Pair("text", "headerText")
        self._snapshot = SnapshotChoice(session)
        self.live = LiveBadge(session)
        self.warning = label("A and B hold different inputs of this name", name="headerWarning")
        self.warning.setProperty("tone", "bad")
        self.warning.setToolTip("Image, regions, tokens or label differ: compare with care.")
        self.warning.hide()
        layout = FlowLayout(self, spacing=16, gap=3, margins=(14, 9, 14, 9), push=10)
        for part in (
            self.example,
            self.live,
            self._true,
            *self._predictions.values(),
            self._text,
            self.warning,
            self._snapshot,
            self.site,
            self.head,
            self._query,
            self._scale,
        ):
            layout.addWidget(part)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        before = (old.frames, old.display, old.rows, old.view, old.focus, old.matrix.one_row)
        after = (new.frames, new.display, new.rows, new.view, new.focus, new.matrix.one_row)
        if after != before:
            self._show(new)

    def _show(self, state: SessionState) -> None:
        frame = state.frame
        # All heads have scales of their own, which stand beside them.
        self._scale.setVisible(frame is not None and state.view != "heads")
        # What has neither label nor prediction, such as a text, needs no room for them.
        judged = any(
            one.label is not None or one.prediction is not None for one in state.frames.present
        )
        self._true.setVisible(judged)
        predicted = any(one.prediction is not None for one in state.frames.present)
        differs = state.rows is not None and state.place.example in state.rows.differs
        self.warning.setVisible(differs and len(state.frames.present) == 2)
        for slot in SLOTS:
            self._show_prediction(slot, state.frames.of(slot) if predicted else None)
        self._query.setVisible(frame is not None and frame.queries > 1)
        text = text_beside(frame) if frame is not None else ""
        self._text.setVisible(bool(text))
        if text:
            short = text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1].rstrip() + "…"
            self._text.show_value(f"“{short}”", note=text)
        if frame is None:
            self.example.setText(_nothing(state))
            return
        if frame.queries > 1:
            pointed = " (pointed)" if state.hovered_query is not None else ""
            several = queries_words(frame)
            self._query.show_value(
                query_name(frame),
                after=(several or f"{frame.query + 1} of {frame.queries}") + pointed,
                note=_MEAN if several else _QUERY,
            )
        # The number in the table: in a run of its own the example may have another.
        self.example.setText(f"Example {state.place.example:,}")
        self.example.setToolTip(plain_tooltip(frame.example_name))
        self._true.show_value("–" if frame.label is None else str(frame.label))
        self._scale.show_value(scale_words(state))

    def _show_prediction(self, slot: Slot, frame: Frame | None) -> None:
        part = self._predictions[slot]
        part.setVisible(frame is not None)
        if frame is None:
            return
        if frame.prediction is None:
            part.show_value("–", note="The run holds no prediction for this example.")
            return
        sure = "" if frame.confidence is None else f" ({frame.confidence:.2f})"
        if frame.label is None:
            part.show_value(str(frame.prediction), after=sure)
            return
        right = frame.prediction == frame.label
        part.show_value(
            f"{frame.prediction} {'✓' if right else '✗'}",
            tone="good" if right else "bad",
            after=sure,
            note=f"{'Right' if right else 'Wrong'}; in brackets its probability.",
        )


class Pair(QWidget):
    """A word and its value."""

    def __init__(self, words: str, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.words = label(words, "muted")
        self.value = ExactLabel("value")
        self._after = ExactLabel("muted")
        self.setLayout(row(self.words, self.value, self._after, spacing=5))
        self._shown: tuple[str, str, str, str] | None = None

    def show_value(self, value: str, *, tone: str = "", after: str = "", note: str = "") -> None:
        """Show a value; ``after`` follows it in plain type."""
        shown = (value, tone, after, note)
        if shown == self._shown:
            return
        self._shown = shown
        before = self.sizeHint()
        self.value.setText(value)
        set_property(self.value, "tone", tone)
        self._after.setText(after.strip())
        self._after.setVisible(bool(after))
        self.setToolTip(plain_tooltip(note))
        self.setAccessibleName(f"{self.words.text()} {value}{after}")
        # The whole window is laid out again where this changes.
        if self.sizeHint() != before:
            self.updateGeometry()


class SnapshotChoice(QComboBox):
    """Which moment of training is shown; hidden where a run holds only one."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("snapshotChoice")
        self.setAccessibleName("Training snapshot")
        self.setToolTip("The moment of training that is shown")
        self._session = session
        self._steps: tuple[int, ...] = ()
        self.hide()
        self.activated.connect(session.go_to_snapshot)
        session.changed.connect(self._on_changed)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        facts = new.leader
        steps = facts.snapshots if facts else ()
        if steps != self._steps:
            self._steps = steps
            self.clear()
            self.addItems([f"training step {step:,}" for step in steps])
            self.setVisible(len(steps) > 1)
        chosen = new.place.snapshot
        last = len(steps) - 1
        self.setCurrentIndex(last if chosen is None else min(chosen, last))


_QUERY = "The query whose attention is shown; , and . go to the previous and the next."
_MEAN = (
    "Every number shown is the mean over these queries’ rows, each of which sums to 1. "
    "Shift+click a token to add or remove it; Escape lets go."
)


def _nothing(state: SessionState) -> str:
    if any(run.status == "loading" for run in state.runs):
        return "Reading…"
    if any(run.status == "waiting" for run in state.runs):
        return "Waiting for the first step…"
    return "No example to show"
