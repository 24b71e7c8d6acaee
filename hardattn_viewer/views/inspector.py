"""The exact numbers of the key, step and example that all views look at."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtWidgets import QScrollArea, QToolButton, QWidget

from hardattn_viewer.measures.distributions import most_probable
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import key_name, key_noun
from hardattn_viewer.session.numbers import (
    Number,
    as_text,
    numbers_of,
    probability,
    record_of,
)
from hardattn_viewer.session.recorded import verification_kind
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.shown_tokens import shown_frame
from hardattn_viewer.session.state import SLOTS, KeptNumbers, RunFacts, SessionState, key_in_focus
from hardattn_viewer.views.number_lines import Fold, NumberGrid, holder_of
from hardattn_viewer.views.parts import (
    ElidedLabel,
    ExactLabel,
    Notice,
    column,
    heading,
    label,
    line,
    plain_tooltip,
    row,
    set_property,
)

TOP = 6
# Width of a probability, with what sets it apart from its neighbour.
VALUE = 48
# Characters that fit beside their name, and sentences that fit below the numbers.
SHORT = 24
FEW = 3


class Inspector(QScrollArea):
    """Numbers of one run at one place, and the most likely keys beside each other in A and B."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setAccessibleName("Inspector")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._session = session
        self._numbers: tuple[Number, ...] = ()
        self._title = heading("")
        self._title.setObjectName("inspectorTitle")
        self._pin = QToolButton()
        self._pin.setObjectName("pin")
        self._pin.setProperty("kind", "flat")
        self._pin.setText("PIN")
        self._pin.clicked.connect(self._toggle_pin)
        self.keep = QToolButton()
        self.keep.setObjectName("keep")
        self.keep.setProperty("kind", "flat")
        self.keep.setText("KEEP")
        self._kept_words = ElidedLabel(role="faint", name="keptWords")
        self._kept_words.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._kept_words.hide()
        self._lines = NumberGrid(16)
        self._record_lines = NumberGrid(7)
        self.record = RecordWords()
        self._top_heading = heading("")
        self._top = TopKeys(session)
        self._top.setObjectName("topKeys")
        self._notice = Notice("noNumbers")
        self._numbers_part = QWidget()
        numbers = holder_of(column(self._kept_words, self._lines, spacing=4))
        record = holder_of(column(self._record_lines, self.record, spacing=10))
        self.folds = (
            Fold("numbers", "the numbers", numbers),
            Fold("mostLikely", "the most likely keys", self._top),
            Fold("recorded", "what was recorded", record),
        )
        self._numbers_part.setLayout(
            column(
                row(self.folds[0], self._title, 1, self.keep, self._pin, spacing=4),
                numbers,
                line(),
                row(self.folds[1], self._top_heading, 1, spacing=4),
                self._top,
                line(),
                row(self.folds[2], heading("Recorded"), 1, spacing=4),
                record,
                1,
                spacing=10,
            )
        )
        inside = QWidget()
        inside.setLayout(column(self._numbers_part, self._notice, margins=(13, 10, 13, 10)))
        self.setWidget(inside)
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def text(self) -> str:
        """The numbers as lines of text; what Ctrl+C copies."""
        kept = self._session.state.kept
        words = as_text(self._title.text().title(), self._numbers)
        if kept is None:
            return words
        first, *rest = words.split("\n")
        values = (kept.values.get(one.name, "") for one in self._numbers)
        lines = (f"{one}\t{value}" for one, value in zip(rest, values, strict=True))
        return "\n".join([f"{first}\tnow\t{kept.title}", *lines])

    def remember_folds(
        self, folded: frozenset[str], keep: Callable[[frozenset[str]], None]
    ) -> None:
        """Fold away what was folded when the app was closed, and tell of every change.

        Args:
            folded: names of the parts that are folded away.
            keep: is told the names of all such parts whenever one is folded or unfolded.
        """
        for fold in self.folds:
            fold.setChecked(fold.name not in folded)
        for fold in self.folds:
            fold.toggled.connect(
                lambda *_: keep(frozenset(f.name for f in self.folds if not f.isChecked()))
            )

    def bind(self, keep: QAction) -> None:
        """Let the button do what the app's action does."""
        self.keep.clicked.connect(lambda *_: keep.trigger())
        self.keep.setToolTip(keep.toolTip())
        self.keep.setAccessibleName("Keep these numbers, or let go of those kept")

    def kept(self) -> KeptNumbers:
        """The numbers that are shown, to be kept."""
        return KeptNumbers(
            self._title.text().title(), {one.name: one.value for one in self._numbers}
        )

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        seen = ("frames", "focus", "pinned", "hovered", "runs", "display", "kept")
        if any(getattr(new, name) != getattr(old, name) for name in seen):
            self._show(new)

    def _show(self, state: SessionState) -> None:
        frame = state.frame
        if frame is not None:
            frame = shown_frame(frame, state.display)
        self._numbers_part.setVisible(frame is not None)
        self._notice.setVisible(frame is None)
        if frame is None:
            self._numbers = ()
            self._notice.say("No numbers yet", "They appear with the first example.")
            return
        key = key_in_focus(state, frame)
        self._title.setText(f"STEP {frame.place.step + 1} · {state.shown_slot}")
        self._title.setToolTip(plain_tooltip(frame.run_name))
        self._pin.setEnabled(key is not None)
        self._pin.setText("UNPIN" if state.pinned is not None else "PIN")
        self._pin.setAccessibleName("Let go of the pinned key" if state.pinned else "Pin this key")
        self._numbers = numbers_of(frame, key, _how(state, frame))
        self._lines.show_numbers(self._numbers, state.kept)
        self._kept_words.setVisible(state.kept is not None)
        self._kept_words.set_whole(f"right: kept at {state.kept.title}" if state.kept else "")
        self.keep.setText("DROP" if state.kept is not None else "KEEP")
        facts = state.facts(state.shown_slot)
        self._record_lines.show_numbers(record_of(facts, frame) if facts is not None else ())
        self.record.show_record(facts, frame)
        self._top_heading.setText(f"MOST LIKELY {key_noun(frame, plural=True).upper()}")
        self._top.show_state(state, frame, key)

    def _toggle_pin(self) -> None:
        state = self._session.state
        if state.frame is not None:
            frame = shown_frame(state.frame, state.display)
            item = key_in_focus(state, frame)
            self._session.pin(state.pinned if state.pinned is not None else frame.key_of(item))


class RecordWords(QWidget):
    """What the recorder says of a site and of what it left out, in whole sentences."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("recordWords")
        self._shown: tuple[RunFacts | None, str, tuple[str, ...]] | None = None
        self.verified = label(name="verifiedWords")
        self.left_out = label(role="muted", name="leftOutWords")
        self.changed = label(role="muted", name="changedWords")
        self.damage = label(name="damageWords")
        set_property(self.damage, "tone", "bad")
        for part in (self.damage, self.verified, self.left_out, self.changed):
            part.setWordWrap(True)
        self.all = QToolButton()
        self.all.setObjectName("allOmissions")
        self.all.setText("All of it…")
        self.all.setAccessibleName("What is not in this run")
        self.setLayout(
            column(
                self.damage,
                self.verified,
                self.left_out,
                self.changed,
                row(self.all, 1),
                spacing=8,
            )
        )

    def bind(self, action: QAction) -> None:
        """Let the button do what the app's action does."""
        self.all.clicked.connect(lambda *_: action.trigger())
        self.all.setToolTip(action.toolTip())

    def show_record(self, facts: RunFacts | None, frame: Frame) -> None:
        """Show what is known of the site of ``frame`` and of its run."""
        if (facts, frame.verified, frame.damage) == self._shown:
            return
        self._shown = (facts, frame.verified, frame.damage)
        kind = verification_kind(frame.verified)
        # Short words of those who recorded by hand have their line above.
        self.verified.setVisible(kind != "unverified" or len(frame.verified) > SHORT)
        self.verified.setText(frame.verified)
        set_property(self.verified, "tone", "bad" if kind == "mismatch" else "")
        left_out, changed = (facts.left_out, facts.changed) if facts is not None else ((), ())
        damage = tuple(
            dict.fromkeys([*(facts.notices if facts is not None else ()), *frame.damage])
        )
        self.damage.setVisible(bool(damage))
        self.damage.setText(first_few(damage))
        for part, title, sentences in (
            (self.left_out, "Not recorded", left_out),
            (self.changed, "Recording changed", changed),
        ):
            part.setVisible(bool(sentences))
            part.setText(f"{title}: {first_few(sentences)}")
        self.all.setVisible(bool(left_out or changed or damage))


def first_few(sentences: tuple[str, ...], most: int = FEW) -> str:
    """The first sentences and how many more there are."""
    words = "; ".join(sentence.rstrip(".") for sentence in sentences[:most])
    more = len(sentences) - most
    return f"{words}; and {more:,} more." if more > 0 else f"{words}."


class TopKeys(QWidget):
    """The most probable keys of the run in focus, with the probability in A and in B."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._frame: Frame | None = None
        self._titles = [label(text, "muted") for text in ("region", "p(A)", "p(B)")]
        self._lines = [KeyLine() for _ in range(TOP)]
        titles = row(*self._titles, margins=(6, 0, 6, 2))
        titles.setStretch(0, 2)
        for title in self._titles[1:]:
            title.setFixedWidth(VALUE)
            title.setAlignment(Qt.AlignmentFlag.AlignRight)
        for one in self._lines:
            one.clicked.connect(self._pin)
        self.setLayout(column(titles, *self._lines))

    def _pin(self, item: int) -> None:
        if self._frame is not None:
            self._session.pin(self._frame.key_of(item))

    def show_state(self, state: SessionState, frame: Frame, marked: int | None) -> None:
        """Show the keys of ``frame``; ``marked`` is the one that all views mark."""
        self._frame = frame
        p = frame.probabilities
        known = most_probable(p, TOP).tolist()
        self._titles[0].setText(key_noun(frame))
        for slot, title in zip(SLOTS, self._titles[1:], strict=True):
            title.setVisible(state.frames.of(slot) is not None)
        for one, key in zip(self._lines, known, strict=False):
            values = []
            for slot in SLOTS:
                other = state.frames.of(slot)
                other = other and shown_frame(other, state.display)
                if other is None:
                    values.append("")
                elif key < other.probabilities.size:
                    values.append(probability(float(other.probabilities[key])))
                else:
                    values.append("none")
            one.show_key(key, key_name(frame, key), key in frame.selection, values, key == marked)
        for one in self._lines[len(known) :]:
            one.hide()


class KeyLine(QWidget):
    """One key: where it is, and its probabilities. A click pins it."""

    clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._key = -1
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._name = ElidedLabel()
        self._values = [ExactLabel("value", width=VALUE) for _ in SLOTS]
        layout = row(self._name, *self._values, margins=(6, 4, 6, 4))
        layout.setStretch(0, 2)
        for value in self._values:
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setLayout(layout)

    def show_key(
        self, key: int, name: str, selected: bool, values: list[str], marked: bool
    ) -> None:
        """Show a key; ``selected`` says that the model looked there."""
        self._key = key
        words = f"{name} selected" if selected else name
        self._name.set_whole(words)
        self._name.setToolTip(plain_tooltip(words))
        for shown, value in zip(self._values, values, strict=True):
            shown.setText(value)
            shown.setVisible(bool(value))
        set_property(self, "surface", "selection" if marked else "")
        self.show()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """React to a click."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(self._key)


def _how(state: SessionState, frame: Frame) -> str:
    """How the key that is shown came to be shown."""
    if state.hovered is not None:
        return "pointed"
    if state.pinned is not None:
        return "pinned"
    return "selected" if frame.selection else "likeliest"
