"""The open runs as cards: what each is, and which of them are A and B."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QMenu, QPushButton, QScrollArea, QWidget

from hardattn_viewer.session.pairing import is_within, place_words, site_in
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SLOTS, OpenRun, RunFacts, SessionState, SiteFacts, Slot
from hardattn_viewer.views.parts import (
    ElidedLabel,
    Notice,
    SlotMark,
    column,
    label,
    plain_tooltip,
    row,
    set_property,
)
from recorders.run.parts import Doing
from recorders.run.text import visible

# Two cards, so that a comparison is seen whole.
MINIMUM_HEIGHT = 152
_LIVE: dict[Doing, str] = {
    "recording": "recording…",
    "joining": "being sealed…",
    "cut off": "recording was cut off",
    "unknown": "not sealed: still recorded on another host, or cut off",
}


class RunCards(QScrollArea):
    """One card a run, in the order in which they were opened."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("runCards")
        self.setAccessibleName("Runs")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._session = session
        self._cards: dict[int, RunCard] = {}
        self._notice = Notice("noRuns")
        self._notice.say(
            "No run is open", "Open one with Ctrl+O, or drop .h5 files onto this window."
        )
        inside = QWidget()
        self._layout = column(spacing=4, margins=(9, 0, 9, 6))
        inside.setLayout(self._layout)
        self._layout.addWidget(self._notice)
        self.samples = QPushButton("Sample runs…")
        self.samples.setObjectName("sampleRuns")
        self.samples.setProperty("kind", "flat")
        self._layout.addLayout(row(self.samples, 1))
        self._layout.addStretch(1)
        self.setWidget(inside)
        self.setMinimumHeight(MINIMUM_HEIGHT)
        session.changed.connect(self._on_changed)

    def bind_samples(self, action: QAction, there: bool) -> None:
        """Let the button do what the app's action does; hide it where there are none."""
        self.samples.clicked.connect(lambda *_: action.trigger())
        self.samples.setToolTip(action.toolTip())
        self.samples.setVisible(there)

    def card(self, key: int) -> RunCard:
        """The card of an open run."""
        return self._cards[key]

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        same = (new.runs, new.slot_a, new.slot_b) == (old.runs, old.slot_a, old.slot_b)
        seen = (new.focus, new.place.site, new.place.head, new.beside)
        if same and seen == (old.focus, old.place.site, old.place.head, old.beside):
            return
        open_keys = {run.key for run in new.runs}
        for key in [key for key in self._cards if key not in open_keys]:
            card = self._cards.pop(key)
            card.hide()
            card.deleteLater()
        for position, run in enumerate(new.runs):
            if run.key not in self._cards:
                card = RunCard(self._session, run.key)
                card.chosen.connect(self._choose)
                self._cards[run.key] = card
                self._layout.insertWidget(position, card)
            self._cards[run.key].show_run(run, new.slot_of(run.key))
        self._notice.setVisible(not new.runs)

    def _choose(self, key: int) -> None:
        """What a click on a card does: look at its numbers, or put it into a slot."""
        state = self._session.state
        slot = state.slot_of(key)
        if slot is not None:
            self._session.look_at(slot)
        elif state.slot_a is None:
            self._session.assign(key, "A")
        elif state.slot_b is None:
            self._session.assign(key, "B")
        else:
            self._session.assign(key, state.focus)


class RunCard(QFrame):
    """One run: name, badge, slot, and a line about what it holds."""

    chosen = Signal(int)

    def __init__(self, session: Session, key: int) -> None:
        super().__init__()
        self.setObjectName("runCard")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._session = session
        self._key = key
        self._mark = SlotMark()
        self.name = ElidedLabel(role="title")
        self.badge = label()
        self.line = label(role="muted")
        self.line.setWordWrap(True)
        top = row(self._mark, self.name, self.badge, spacing=9)
        top.setStretch(1, 1)
        below = row(self.line, margins=(29, 0, 0, 0))
        self.setLayout(column(top, below, spacing=4, margins=(8, 8, 8, 8)))

    def show_run(self, run: OpenRun, slot: Slot | None) -> None:
        """Show a run in its present state."""
        state = self._session.state
        own = site_in(state, slot) if slot is not None else None
        site = own or (run.facts.site(state.place.site) if run.facts else None)
        hard = site.hard if site else None
        self.name.set_whole(run.name)
        self._mark.setVisible(run.status == "ready")
        self._mark.show_slot(slot or "", hard if slot else None)
        both = slot is not None and is_within(state)
        if both:
            self._mark.setText("AB")
        slots = "slots A and B" if both else f"slot {slot}"
        self._mark.setToolTip(f"In {slots}" if slot else "In no slot: click to compare it")
        set_property(self, "on", "true" if slot else "false")
        self._show_badge(run, hard)
        places = [f"{one}: {words}" for one in SLOTS if (words := place_words(state, one))]
        self.line.setText("\n".join([_line_of(run, site), *(places if both else ())]))
        wrong = run.facts is not None and bool(run.facts.mismatches)
        set_property(self.line, "tone", "bad" if run.status == "failed" or wrong else "")
        self.setToolTip(plain_tooltip(visible(str(run.path))))
        self.setAccessibleName(
            f"Run {run.name}, {self.badge.text()}, {slots if slot else 'in no slot'}"
        )
        self.setAccessibleDescription(self.line.text())

    def _show_badge(self, run: OpenRun, hard: bool | None) -> None:
        if run.status == "failed":
            text, kind = "FAILED", "failed"
        elif run.status in ("loading", "waiting"):
            text, kind = "reading…" if run.status == "loading" else "waiting…", ""
        elif hard is None:
            text, kind = "EMPTY", ""
        else:
            text, kind = ("HARD", "hard") if hard else ("SOFT", "soft")
        self.badge.setText(text)
        set_property(self.badge, "badge", kind)

    def menu(self) -> QMenu:
        """What can be done with this run."""
        menu = QMenu(self)
        state = self._session.state
        run = state.run(self._key)
        ready = run is not None and run.status == "ready"
        for slot in SLOTS:
            action = menu.addAction(f"Show as {slot}")
            action.setCheckable(True)
            action.setChecked(state.slot_of(self._key) == slot)
            action.setEnabled(ready)
            action.triggered.connect(lambda *_, s=slot: self._session.assign(self._key, s))
        menu.addSeparator()
        if run is not None and run.status == "failed":
            menu.addAction("Try again", lambda: self._session.open([run.path]))
        menu.addAction("Close run", lambda: self._session.close_run(self._key))
        return menu

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """React to a click."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self._key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """React to a key."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self._key)
        elif event.key() == Qt.Key.Key_Delete:
            self._session.close_run(self._key)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Show what can be done."""
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        at_pointer = event.reason() == QContextMenuEvent.Reason.Mouse
        menu.popup(event.globalPos() if at_pointer else self.mapToGlobal(QPoint(20, 20)))


# What the places of an example are called where keys are on such an axis.
_PLACES = {"frames": "frame", "points": "point"}


def _line_of(run: OpenRun, site: SiteFacts | None) -> str:
    if run.status == "loading":
        return "reading…"
    if run.status == "waiting":
        return "being recorded; nothing of it is on disk yet"
    if run.status == "failed" or run.facts is None:
        return run.error
    parts = _parts(run.facts, site)
    if run.live is not None:
        parts.append(_LIVE[run.live.doing])
    elif run.error:
        parts.append(f"not sealed, and no longer followed: {run.error}")
    return " · ".join(parts)


def _parts(facts: RunFacts, site: SiteFacts | None) -> list[str]:
    if site is None:
        return ["holds no attention: nothing was recorded"]
    parts = [site.mechanism] if site.mechanism else []
    parts.append(_count(facts.steps, "step"))
    if len(facts.sites) > 1:
        parts.append(_count(len(facts.sites), "site"))
    if site.heads > 1:
        parts.append(_count(site.heads, "head"))
    if facts.regions:
        parts.append(_count(facts.regions, _PLACES.get(site.key_axis, "region")))
    elif facts.tokens:
        parts.append(_count(facts.tokens, "token"))
    parts.append(_count(facts.examples, "example"))
    if len(facts.snapshots) > 1:
        parts.append(_count(len(facts.snapshots), "snapshot"))
    if facts.mismatches:
        parts.append(f"MISMATCH at {_count(len(facts.mismatches), 'site')}")
    if any(notice.startswith("damaged") for notice in facts.notices):
        parts.append("DAMAGED in part: see View › What is not in this run")
    return parts


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
