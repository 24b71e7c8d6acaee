"""One run's picture with its heading and its distribution below."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from hardattn_viewer.drawing.distribution import (
    DistributionPicture,
    bar_at,
    distribution_picture,
    paint_distribution,
)
from hardattn_viewer.drawing.frame_words import kind_words, mechanism_words, step_words
from hardattn_viewer.drawing.matrix import matrix_picture
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.drawing.tokens import tokens_picture
from hardattn_viewer.session.display import is_other_part
from hardattn_viewer.session.draws import shown_draws
from hardattn_viewer.session.frame_items import query_of_key
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.matrix_moves import place_of
from hardattn_viewer.session.naming import key_name, key_noun, query_name
from hardattn_viewer.session.numbers import probability
from hardattn_viewer.session.pairing import place_words, site_in
from hardattn_viewer.session.recorded import verification_kind
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.shown_tokens import mass_words, shown_frame
from hardattn_viewer.session.state import SessionState, Slot, key_in_focus
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.parts import (
    OPEN,
    SAMPLES,
    ElidedLabel,
    ExactLabel,
    Notice,
    Offer,
    SlotMark,
    column,
    label,
    plain_tooltip,
    row,
)
from hardattn_viewer.views.region_body import STRIP_HEIGHTS, RegionBody
from hardattn_viewer.views.scales import (
    ScalePicture,
    colour_words,
    matrix_scale_of,
    paint_scale,
    scale_of,
    scope_of,
    short_scope,
)
from hardattn_viewer.views.text_body import TextBody
from hardattn_viewer.views.token_menu import token_menu

__all__ = ["STRIP_HEIGHTS", "RunPane"]


class RunPane(QWidget):
    """What one slot shows: heading, image with attention on it, distribution.

    Args:
        session: the shared session.
        slot: the slot that is shown; None follows the slot in focus.
        name: prefix of the object names.
    """

    def __init__(self, session: Session, slot: Slot | None, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._session = session
        self._slot = slot
        self._is_stale = False
        self._mark = SlotMark()
        self._title = ElidedLabel(role="big", name=f"{name}Title")
        self._step = ExactLabel("muted", f"{name}Step")
        self.strip: Canvas[DistributionPicture] = Canvas(
            f"{name}Strip", paint_distribution, bar_at, behind=True
        )
        self.warning = label(role="warning", name=f"{name}Warning")
        self.warning.setWordWrap(True)
        self.warning.hide()
        self.mass = label(role="muted", name=f"{name}Mass")
        self.mass.setWordWrap(True)
        self.mass.hide()
        self.notice = Notice(f"{name}Notice")
        self.scale: Canvas[ScalePicture] = Canvas(f"{name}Scale", paint_scale)
        self.regions = RegionBody(session, name, self.scale, self.strip)
        self.canvas = self.regions.canvas
        self.text = TextBody(name, self.scale, self.strip)
        self.strip.hovered.connect(lambda item: self._hover(self._key_of(item)))
        for pinned in (self.strip.clicked, self.strip.shift_clicked):
            pinned.connect(lambda item: self._pin(self._key_of(item)))
        tokens = self.text.tokens
        tokens.hovered.connect(self._hover)
        tokens.clicked.connect(self._pick)
        tokens.shift_clicked.connect(self._add)
        tokens.control_clicked.connect(self._pin)
        tokens.swept.connect(self._sweep)
        tokens.menu_wanted.connect(self._show_menu)
        self.text.matrix.hovered.connect(self._hover_cell)
        self.text.matrix.clicked.connect(self._pick_cell)
        self.text.matrix.shift_clicked.connect(self._pin_cell)
        self._stack = QStackedWidget()
        for body in (self.regions, self.text, self.notice):
            self._stack.addWidget(body)
        self.place = ElidedLabel(role="value", name=f"{name}Place")
        self.place.hide()
        head = row(self._mark, self._title, self._step, spacing=9)
        head.setStretch(1, 1)
        layout = column(
            head,
            self.place,
            self.mass,
            self.warning,
            self._stack,
            spacing=8,
            margins=(12, 10, 12, 8),
        )
        layout.setStretch(4, 1)
        self.setLayout(layout)
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.regions.set_theme(theme)
        self.text.set_theme(theme)
        self.scale.set_theme(theme)
        self.strip.set_theme(theme)

    @property
    def shown_step(self) -> int | None:
        """The step of the picture that is shown; None where there is none."""
        picture = self.canvas.picture or self.text.tokens.picture
        return picture.step if picture is not None else None

    def _frame(self) -> Frame | None:
        state = self._session.state
        return state.frames.of(self._shown_slot(state))

    def _hover(self, key: int | None) -> None:
        if key is None or key >= 0:
            self._session.hover(key)
        else:
            self._session.hover(None, -1 - key)

    def _hover_cell(self, cell: int | None) -> None:
        step, query, key = self._cell(cell)
        # The row of another step is not previewed: it is one click away.
        here = step == self._session.state.place.step
        self._session.hover(key if here else None, query if here else None)

    def _pick(self, key: int) -> None:
        """Look from what was clicked, or pin it where it is no query."""
        query = self._query_of(key)
        if query is None:
            self._pin(key)
        else:
            self._session.look_at(self._shown_slot(self._session.state))
            self._session.go_to_query(query)

    def _query_of(self, key: int) -> int | None:
        """The query that is pointed at as a key, or as -1 - query."""
        frame = self._frame()
        if key < 0:
            return -1 - key
        return None if frame is None or frame.queries < 2 else query_of_key(frame, key)

    def _key_of(self, item: int | None) -> int | None:
        """The first key of a bar."""
        frame = self._frame()
        if frame is None or item is None:
            return None
        return shown_frame(frame, self._session.state.display).key_of(item)

    def _add(self, key: int) -> None:
        """Look from what was clicked as well, or no longer; pin it where it is no query."""
        query = self._query_of(key)
        if query is None:
            self._pin(key)
        else:
            self._session.look_at(self._shown_slot(self._session.state))
            self._session.toggle_query(query)

    def _sweep(self, start: int, end: int) -> None:
        """Look from all queries between two."""
        first, last = self._query_of(start), self._query_of(end)
        if first is not None and last is not None and (start < 0) == (end < 0):
            low, high = min(first, last), max(first, last)
            self._session.look_at(self._shown_slot(self._session.state))
            self._session.go_to_queries([first, *(q for q in range(low, high + 1) if q != first)])

    def _show_menu(self, key: int, where: QPoint) -> None:
        frame = self._frame()
        if frame is not None:
            token_menu(self.text.tokens, frame, self._session.state.display, key).popup(where)

    def _pick_cell(self, cell: int) -> None:
        step, query, _ = self._cell(cell)
        if step is not None:
            self._session.look_at(self._shown_slot(self._session.state))
            self._session.go_to_query(query, step)

    def _pin_cell(self, cell: int) -> None:
        self._pick_cell(cell)
        key = self._cell(cell)[2]
        if key is not None:
            self._pin(key)

    def _cell(self, cell: int | None) -> tuple[int | None, int | None, int | None]:
        """Step, query and key of a cell of the matrix."""
        picture, frame = self.text.matrix.picture, self._frame()
        if cell is None or picture is None or frame is None:
            return None, None, None
        place = place_of(frame, *divmod(cell, picture.keys))
        return place.step, place.query, place.key

    def _pin(self, key: int | None) -> None:
        if key is not None and key >= 0:
            self._session.look_at(self._shown_slot(self._session.state))
            self._session.pin(key)

    def _shown_slot(self, state: SessionState) -> Slot:
        return state.shown_slot if self._slot is None else self._slot

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        before = (old.frames, old.display, old.pinned, old.hovered, old.runs, old.focus, old.slot_a)
        after = (new.frames, new.display, new.pinned, new.hovered, new.runs, new.focus, new.slot_a)
        drawn = new.studies.get("draws") is not old.studies.get("draws")
        others = (new.slot_b, new.beside, new.picked) != (old.slot_b, old.beside, old.picked)
        if after == before and not others and not drawn:
            return
        # A pane that is not seen is shown what has changed when it is.
        was_stale, self._is_stale = self._is_stale, not self.isVisible()
        if self._is_stale:
            if not was_stale:
                # A picture keeps the map that it is of.
                self.regions.show_nothing()
                self.text.show_nothing()
            return
        if replace(old, display=new.display) == new and is_other_part(new.display, old.display):
            self._show_part(new)
        else:
            self._show(new)

    def _show_part(self, state: SessionState) -> None:
        """Show another part of the image, where nothing else has changed."""
        slot = self._shown_slot(state)
        frame = state.frames.of(slot)
        if frame is not None and frame.boxes is not None:
            words = self.canvas.accessibleDescription()
            self.regions.show_frame(state, slot, frame, scale_of(state, frame), words)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what changed meanwhile."""
        super().showEvent(event)
        if self._is_stale:
            self._is_stale = False
            self._show(self._session.state)

    def _show(self, state: SessionState) -> None:
        slot = self._shown_slot(state)
        frame = state.frames.of(slot)
        self._show_warning(frame)
        self._show_mass(state, frame)
        if frame is None or not frame.probabilities.size:
            self._show_words(state, slot)
            return
        self._mark.show_slot(slot, frame.hard)
        self._mark.show()
        self._title.set_whole(mechanism_words(frame), kind_words(frame))
        self._title.setToolTip(plain_tooltip(frame.run_name))
        self._step.setText(step_words(frame))
        self._show_place(place_words(state, slot))
        there = shown_frame(frame, state.display)
        scale, words = scale_of(state, frame), _words(state, there)
        keys = frame.probabilities.size
        hover, pinned = (
            key if key is not None and key < keys else None for key in (state.hovered, state.pinned)
        )
        self.canvas.setAccessibleName(f"Picture of {slot}")
        self.strip.setAccessibleName(f"Distribution of {slot}")
        display = state.display
        if frame.boxes is not None:
            self.regions.show_frame(state, slot, frame, scale, words)
            self.text.show_nothing()
            self._stack.setCurrentWidget(self.regions)
        else:
            self._show_text(state, frame, scale, hover, pinned, words)
        self.scale.show_picture(
            ScalePicture(
                scale,
                short_scope(state),
                colours=display.colours,
                detail=colour_words(frame, display),
            ),
            f"Scale: {scope_of(state)}",
        )
        item, held = there.item_of(hover), there.item_of(pinned)
        # Draws are of keys; where items stand for several, they have no place.
        draws = shown_draws(state, slot, frame) if there.groups is None else None
        bars = distribution_picture(there, scale, item, pinned=held, display=display, draws=draws)
        self.strip.show_picture(bars, words)

    def _show_text(
        self,
        state: SessionState,
        frame: Frame,
        scale: float,
        hover: int | None,
        pinned: int | None,
        words: str,
    ) -> None:
        self.regions.show_nothing()
        # In one of several panes the text has less room.
        size = 14.0 if self._slot is None else 13.0
        self.text.show_pictures(
            tokens_picture(
                frame, state.display, scale_max=scale, hover=hover, pinned=pinned, size=size
            ),
            matrix_picture(
                frame,
                state.display,
                scale_max=matrix_scale_of(state, frame),
                hover=hover,
                pinned=pinned,
            ),
            words,
        )
        self._stack.setCurrentWidget(self.text)

    def _show_place(self, words: str) -> None:
        """Say which site, head or snapshot this is, where the other slot shows another one."""
        self.place.setVisible(bool(words))
        self.place.set_whole(words)
        self.place.setToolTip(plain_tooltip(words))

    def _show_mass(self, state: SessionState, frame: Frame | None) -> None:
        """Say what was put together or left out of the text, and how much mass went."""
        said = mass_words(frame, state.display) if frame is not None else ()
        self.mass.setVisible(bool(said))
        self.mass.setText(" · ".join(said))

    def _show_warning(self, frame: Frame | None) -> None:
        """Say at the picture itself that it is not what the model used."""
        wrong = frame is not None and verification_kind(frame.verified) == "mismatch"
        self.warning.setVisible(wrong)
        if frame is not None and wrong:
            self.warning.setText(f"⚠ {frame.verified}")
            self.warning.setAccessibleName(frame.verified)
            self.warning.setToolTip(
                "What was recorded here is not what the model used: do not rely on this picture."
            )

    def _show_words(self, state: SessionState, slot: Slot) -> None:
        run = state.run_in(slot)
        site = site_in(state, slot)
        self._mark.show_slot(slot, site.hard if site else None)
        self._mark.setVisible(bool(state.runs))
        empty = f"Nothing in slot {slot}" if state.runs else ""
        self._title.set_whole(run.name if run else empty, "" if run else "Empty")
        self._step.setText("")
        self._show_place("")
        for canvas in (self.scale, self.strip):
            canvas.show_picture(None, "nothing to show")
        self.regions.show_nothing()
        self.text.show_nothing()
        self.notice.say(*_explanation(state, slot), *_offers(state, slot, self._slot is None))
        self._stack.setCurrentWidget(self.notice)


def _words(state: SessionState, frame: Frame) -> str:
    key = key_in_focus(state, frame)
    if key is None:
        return f"{frame.example_name}: no probabilities were recorded"
    chosen = "selected " if key in frame.selection else ""
    seen_from = f"from {query_name(frame)}, " if frame.queries > 1 else ""
    return (
        f"{frame.example_name}, step {frame.place.step + 1} of {frame.steps}, "
        f"{seen_from}{chosen}{key_noun(frame)} {key_name(frame, key)}, "
        f"probability {probability(float(frame.probabilities[key]))}"
    )


def _offers(state: SessionState, slot: Slot, alone: bool) -> tuple[Offer, ...]:
    """What can be done at once where there is no picture; ``alone``: no other pane beside it."""
    if state.run_in(slot) is not None or any(run.status != "failed" for run in state.runs):
        missing = state.run_in(slot) is None and all(run.status == "ready" for run in state.runs)
        return (OPEN,) if missing else ()
    # Where A and B stand beside each other there is room for one button each.
    return (OPEN, SAMPLES) if alone else (OPEN,) if slot == "A" else (SAMPLES,)


def _explanation(state: SessionState, slot: Slot) -> tuple[str, str]:
    """What, why, and what to do next, where there is no picture."""
    run = state.run_in(slot)
    if run is None:
        if any(one.status == "loading" for one in state.runs):
            return "Reading…", "The picture appears when the run is open."
        waiting = next((one for one in state.runs if one.status == "waiting"), None)
        if waiting is not None:
            return "Waiting for the first step…", f"{waiting.path.name} is being recorded."
        if not state.runs:
            return "No run is open", "Open one with Ctrl+O, or drop .h5 files onto this window."
        failed = [one for one in state.runs if one.status == "failed"]
        if len(failed) == len(state.runs):
            return "This run could not be opened", failed[0].error
        return (
            f"Slot {slot} is empty",
            "Open a second run with Ctrl+O, or click the card of another run on the left.",
        )
    why = state.frames.why(slot)
    return ("Nothing to show here", why) if why else ("Reading…", run.name)
