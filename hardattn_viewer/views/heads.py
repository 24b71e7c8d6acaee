"""All heads of a run at once, and one of them large."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from hardattn_viewer.drawing.heads import HeadsPicture, HeadsSheet, heads_sheet
from hardattn_viewer.drawing.heads_words import (
    count_words,
    hard_words,
    head_words,
    order_words,
    paint_heads_scale,
    pooled_words,
    sampled_words,
    scale_words,
)
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.atlas import Atlas, HeadAt
from hardattn_viewer.session.display import AmountTable
from hardattn_viewer.session.head_numbers import HeadNumbers
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.session.studies import StudyResult
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.heads_bar import HeadsBar
from hardattn_viewer.views.heads_canvas import HeadsCanvas
from hardattn_viewer.views.heads_map import HeadMap
from hardattn_viewer.views.parts import (
    OPEN,
    SAMPLES,
    ElidedLabel,
    Notice,
    column,
    label,
    line,
    row,
)

HINT = (
    "Click a head to look at it, double-click to open it. Ctrl-click picks several, Shift a range."
)
# Below this width the map of one head leaves its room to all of them.
_WIDE = 860
_Key = tuple[HeadNumbers, Atlas, AmountTable]


class HeadsView(QWidget):
    """All heads on the left, the one that is looked at or the mean of the picked ones on the right.

    Args:
        session: the shared session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("headsView")
        self._session = session
        self._numbers: HeadNumbers | None = None
        self._numbers_of: int | None = None
        self._key: _Key | None = None
        self._sheet: HeadsSheet | None = None
        self._hover: HeadAt | None = None
        self._anchor: HeadAt | None = None
        self._tall = 0
        self._tall_of: tuple[HeadsSheet | None, int] = (None, 0)
        self.bar = HeadsBar(session)
        self.title = label("All heads", "title")
        self.count = label(role="muted", name="headsCount")
        self.about = ElidedLabel(role="muted", name="headsAbout")
        self.about.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.canvas = HeadsCanvas("headsCanvas")
        self.canvas.setAccessibleName("All heads")
        self.scale: Canvas[HeadsSheet] = Canvas("headsScale", paint_heads_scale)
        self.scale.setFixedHeight(16)
        self.words = label(role="muted", name="headsWords")
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.notice = Notice("headsNotice")
        self._stack = QStackedWidget()
        self._stack.addWidget(self.canvas)
        self._stack.addWidget(self.notice)
        self.map = HeadMap(session)
        head = row(self.title, self.count, self.about)
        head.setStretch(2, 1)
        left = QWidget()
        body = column(head, self._stack, self.scale, self.words, spacing=6)
        body.setStretch(1, 1)
        left.setLayout(body)
        self._between = line(vertical=True)
        sides = row(left, self._between, self.map, spacing=12)
        sides.setStretch(0, 3)
        sides.setStretch(2, 2)
        self._sides = sides
        layout = column(self.bar, sides, spacing=8, margins=(12, 10, 12, 8))
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.canvas.pointed.connect(self._point)
        self.canvas.chosen.connect(self._choose)
        self.canvas.toggled.connect(self._toggle)
        self.canvas.reached.connect(self._reach)
        self.canvas.opened.connect(self._open)
        self.bar.pick_all.clicked.connect(lambda *_: self.pick_all())
        session.changed.connect(self._on_changed)

    @property
    def sheet(self) -> HeadsSheet | None:
        """What is shown; None before anything is known."""
        return self._sheet

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.bar.set_theme(theme)
        self.canvas.set_theme(theme)
        self.scale.set_theme(theme)
        self.map.set_theme(theme)

    def pick_all(self) -> None:
        """Pick every head that passes the filter."""
        if self._sheet is not None:
            state = self._session.state
            self._session.set_atlas(state.atlas.with_picked(self._sheet.shown.heads))

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what changed while this was hidden."""
        super().showEvent(event)
        self._show(self._session.state)
        self._show_map(self._session.state)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share out the width."""
        super().resizeEvent(event)
        self._share_out(self._session.state)
        self._show_words()

    # --- what a person does ---------------------------------------------------------------

    def _point(self, head: HeadAt | None) -> None:
        self._hover = head
        self._show_marks(self._session.state)
        self._show_words()

    def _choose(self, head: HeadAt) -> None:
        self._anchor = head
        self._session.go_to_head_at(head)

    def _toggle(self, head: HeadAt) -> None:
        self._anchor = head
        self._session.set_atlas(self._session.state.atlas.toggled(head))

    def _reach(self, head: HeadAt) -> None:
        """Pick every head from the one that was clicked last to this one, as they are shown."""
        if self._sheet is None:
            return
        shown = self._sheet.shown.heads
        start = shown.index(self._anchor) if self._anchor in shown else shown.index(head)
        end = shown.index(head)
        some = shown[min(start, end) : max(start, end) + 1]
        self._session.set_atlas(self._session.state.atlas.with_picked(some))

    def _open(self, head: HeadAt) -> None:
        self._session.go_to_head_at(head)
        self._session.set_view("matrix")

    # --- following the session ------------------------------------------------------------

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if not self.isVisible():
            return
        heads, picked = (
            new.studies.get(kind) is not old.studies.get(kind) for kind in ("heads", "pickedHeads")
        )
        if heads or picked or _shown_of(new) != _shown_of(old):
            self._show(new)
        elif new.place != old.place:
            self._show_marks(new)
            self._show_words()
        if heads or picked or _drawn_of(new) != _drawn_of(old):
            self._show_map(new)

    def _show(self, state: SessionState) -> None:
        result = state.studies.get("heads")
        self._take(result)
        if result is None or self._numbers is None or (result.error and not self._numbers.sites):
            self._numbers = self._sheet = self._key = None
            offers = () if state.runs else (OPEN, SAMPLES)
            self.notice.say(*_explanation(state, result), *offers)
            self.canvas.show_picture(None, "nothing to show")
            self.scale.show_picture(None, "nothing to show")
            self.about.set_whole("")
            self.count.setText("")
            self.bar.show_error("")
            self._stack.setCurrentWidget(self.notice)
        else:
            self._show_sheet(state, self._numbers, result)
        self._share_out(state)
        self._show_words()

    def _take(self, result: StudyResult | None) -> None:
        """Go over to newer numbers; until those of another place come, the last ones stay."""
        value = result.value if result is not None else None
        if not isinstance(value, HeadNumbers):
            return
        old = self._numbers
        # Of a run that grows the same is read again: what is known of it stays until then.
        fewer = (
            old is not None
            and result is not None
            and not result.finished
            and (old.run_name, old.example, old.step, old.training_step)
            == (value.run_name, value.example, value.step, value.training_step)
            and len(value.sites) < len(old.sites)
        )
        if not fewer:
            self._numbers = value
            self._numbers_of = result.study.keys[0] if result is not None else None

    def _is_of(self, state: SessionState) -> bool:
        """Whether the numbers are of the run that is looked at: they may still be another's."""
        run = state.run_in(state.shown_slot)
        return run is not None and run.key == self._numbers_of

    def _show_map(self, state: SessionState) -> None:
        self.map.show_state(state, self._numbers if self._is_of(state) else None)

    def _show_sheet(self, state: SessionState, numbers: HeadNumbers, result: StudyResult) -> None:
        atlas, colours = state.atlas, state.display.colours
        # Which heads are picked matters to the marks alone, unless it is filtered by.
        known = atlas if "picked" in atlas.filter else replace(atlas, picked=())
        key = (numbers, known, colours)
        if key != self._key or self._sheet is None:
            self._key = key
            self._sheet = heads_sheet(numbers, atlas, colours)
            self.scale.show_picture(self._sheet, scale_words(self._sheet))
        self._stack.setCurrentWidget(self.canvas)
        self._show_marks(state)
        reading = "" if result.value is not None else " · reading…"
        self.count.setText(count_words(self._sheet) + reading)
        self.bar.show_error(self._sheet.shown.error, self._sheet.shown.mark)
        self.about.set_whole(f"{order_words(self._sheet)} · step {numbers.step + 1}")

    def _show_marks(self, state: SessionState) -> None:
        if self._sheet is None:
            return
        site, head = state.site, state.place.head
        current = HeadAt(site.name, head) if site is not None and head is not None else None
        if site is not None and site.heads == 1:
            current = HeadAt(site.name, 0)
        if not self._is_of(state):
            current = None
        hover = self._hover if self._hover in self._sheet.shown.heads else None
        picked = state.atlas.picked
        name = site.name if site is not None else ""
        picture = HeadsPicture(self._sheet, current, name, hover, picked)
        numbers = self._sheet.numbers
        self.canvas.show_picture(picture, head_words(numbers, current) if current else HINT)

    def _show_words(self) -> None:
        picture, sheet = self.canvas.picture, self._sheet
        if picture is None or sheet is None:
            self.words.setText("")
            return
        head = picture.hover or picture.current
        first = head_words(sheet.numbers, head) if head is not None else HINT
        side = round(self.canvas.side * self.canvas.devicePixelRatioF())
        notes = (pooled_words(sheet, side), sampled_words(sheet.numbers), hard_words(sheet.numbers))
        text = "\n".join(filter(None, (first, " · ".join(filter(None, notes)))))
        self.words.setText(text)
        # It never gets lower, so that nothing moves while the pointer does.
        width, of = self.words.width(), (sheet, self.words.width())
        if of != self._tall_of:
            self._tall_of, self._tall = of, 3 * self.words.fontMetrics().lineSpacing()
        room, wrap = QRect(0, 0, width, 1_000), Qt.TextFlag.TextWordWrap
        needed = self.words.fontMetrics().boundingRect(room, wrap, text).height()
        self._tall = max(self._tall, needed)
        self.words.setFixedHeight(self._tall + 2)

    def _share_out(self, state: SessionState) -> None:
        shows_map = self.width() >= _WIDE or "pickedHeads" in state.studies
        for part in (self.map, self._between):
            part.setVisible(shows_map)


def _shown_of(state: SessionState) -> tuple[object, ...]:
    """What all heads are drawn from, besides the studies and the place."""
    slots = (state.slot_a, state.slot_b, state.focus)
    return (*slots, state.atlas, state.display, state.runs, state.frames.why_a, state.frames.why_b)


def _drawn_of(state: SessionState) -> tuple[object, ...]:
    """What the map of one head is drawn from, besides the study of the picked ones."""
    return (
        state.frames,
        state.display,
        state.hovered,
        state.pinned,
        state.focus,
        state.slot_a,
        state.slot_b,
    )


def _explanation(state: SessionState, result: StudyResult | None) -> tuple[str, str]:
    """What, why, and what to do next, where there is no picture."""
    if result is not None and result.error:
        return "The heads could not be read", result.error
    if not state.runs:
        return "No run is open", "Open one with Ctrl+O, or drop .h5 files onto this window."
    why = state.frames.why(state.shown_slot)
    return ("Nothing to show here", why) if why else ("Reading…", "")
