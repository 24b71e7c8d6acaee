"""One run's picture with its heading and its distribution below."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget, QWidget

from hardattn_viewer.drawing.distribution import (
    DistributionPicture,
    bar_at,
    distribution_picture,
    paint_distribution,
)
from hardattn_viewer.drawing.frame_words import kind_words, mechanism_words, step_words
from hardattn_viewer.drawing.regions import (
    RegionsPicture,
    paint_regions,
    region_at,
    regions_picture,
)
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.numbers import key_name, key_noun, probability
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState, Slot, key_in_focus
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.pane_body import PaneBody
from hardattn_viewer.views.parts import (
    ElidedLabel,
    Notice,
    SlotMark,
    column,
    label,
    plain_tooltip,
    row,
)
from hardattn_viewer.views.scales import (
    ScalePicture,
    paint_scale,
    scale_of,
    scope_of,
    short_scope,
)

STRIP_HEIGHTS = (84, 210)


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
        self._mark = SlotMark()
        self._title = ElidedLabel(role="big", name=f"{name}Title")
        self._step = label(role="muted", name=f"{name}Step")
        self.canvas: Canvas[RegionsPicture] = Canvas(f"{name}Canvas", paint_regions, region_at)
        self.strip: Canvas[DistributionPicture] = Canvas(f"{name}Strip", paint_distribution, bar_at)
        for canvas in (self.canvas, self.strip):
            canvas.hovered.connect(session.hover)
            canvas.clicked.connect(self._pin)
        self.notice = Notice(f"{name}Notice")
        self.scale: Canvas[ScalePicture] = Canvas(f"{name}Scale", paint_scale)
        picture = PaneBody(self.canvas, self.scale, self.strip, *STRIP_HEIGHTS)
        self._stack = QStackedWidget()
        self._stack.addWidget(picture)
        self._stack.addWidget(self.notice)
        head = row(self._mark, self._title, self._step, spacing=9)
        head.setStretch(1, 1)
        self.setLayout(column(head, self._stack, spacing=8, margins=(12, 10, 12, 8)))
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.canvas.set_theme(theme)
        self.scale.set_theme(theme)
        self.strip.set_theme(theme)

    def _pin(self, key: int) -> None:
        self._session.look_at(self._shown_slot(self._session.state))
        self._session.pin(key)

    def _shown_slot(self, state: SessionState) -> Slot:
        return state.shown_slot if self._slot is None else self._slot

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        before = (old.frames, old.display, old.pinned, old.hovered, old.runs, old.focus, old.slot_a)
        after = (new.frames, new.display, new.pinned, new.hovered, new.runs, new.focus, new.slot_a)
        if after != before or new.slot_b != old.slot_b:
            self._show(new)

    def _show(self, state: SessionState) -> None:
        slot = self._shown_slot(state)
        frame = state.frames.of(slot)
        if frame is None or frame.boxes is None:
            self._show_words(state, slot, frame)
            return
        self._mark.show_slot(slot, frame.hard)
        self._mark.show()
        self._title.set_whole(mechanism_words(frame), kind_words(frame))
        self._title.setToolTip(plain_tooltip(frame.run_name))
        self._step.setText(step_words(frame))
        scale, words = scale_of(state, frame), _words(state, frame)
        keys = frame.probabilities.size
        hover, pinned = (
            key if key is not None and key < keys else None for key in (state.hovered, state.pinned)
        )
        self.canvas.setAccessibleName(f"Picture of {slot}")
        self.strip.setAccessibleName(f"Distribution of {slot}")
        display = state.display
        self.canvas.show_picture(
            regions_picture(frame, display, scale_max=scale, hover=hover, pinned=pinned), words
        )
        self.scale.show_picture(
            ScalePicture(scale, short_scope(state), colours=state.display.colours),
            f"Scale: {scope_of(state)}",
        )
        self.strip.show_picture(distribution_picture(frame, scale, hover, pinned=pinned), words)
        self._stack.setCurrentIndex(0)

    def _show_words(self, state: SessionState, slot: Slot, frame: Frame | None) -> None:
        run = state.run_in(slot)
        facts = state.facts(slot)
        site = facts.site(state.place.site) if facts else None
        self._mark.show_slot(slot, site.hard if site else None)
        self._mark.setVisible(bool(state.runs))
        empty = f"Nothing in slot {slot}" if state.runs else ""
        self._title.set_whole(run.name if run else empty)
        self._step.setText("")
        for canvas in (self.canvas, self.scale, self.strip):
            canvas.show_picture(None, "nothing to show")
        self.notice.say(*_explanation(state, slot, frame))
        self._stack.setCurrentIndex(1)


def _words(state: SessionState, frame: Frame) -> str:
    key = key_in_focus(state, frame)
    if key is None:
        return f"{frame.example_name}: no probabilities were recorded"
    chosen = "selected " if key in frame.selection else ""
    return (
        f"{frame.example_name}, step {frame.place.step + 1} of {frame.steps}, "
        f"{chosen}{key_noun(frame)} {key_name(frame, key)}, "
        f"probability {probability(float(frame.probabilities[key]))}"
    )


def _explanation(state: SessionState, slot: Slot, frame: Frame | None) -> tuple[str, str]:
    """What, why, and what to do next, where there is no picture."""
    run = state.run_in(slot)
    if frame is not None:
        noun = key_noun(frame, plural=True)
        return (
            "No regions to draw on",
            f"The keys of this site are {noun}, without boxes on an image. The numbers are in "
            "the inspector; record with regions= to see them on the image.",
        )
    if run is None:
        if any(one.status == "loading" for one in state.runs):
            return "Reading…", "The picture appears when the run is open."
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
