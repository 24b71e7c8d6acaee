"""Training: curves over its snapshots, and the example at each of them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QMouseEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QStackedWidget, QToolButton, QWidget

from hardattn_viewer.drawing.cells import CellPicture, cell_picture, paint_cell
from hardattn_viewer.drawing.curves import CurvesPicture, paint_curves, readings, stop_at
from hardattn_viewer.drawing.regions import RegionsPicture, region_at
from hardattn_viewer.drawing.text import amount
from hardattn_viewer.drawing.theme import DARK, Theme
from hardattn_viewer.session.curves import NAMES, numbers_in, panels_of
from hardattn_viewer.session.display import with_curve
from hardattn_viewer.session.film import FilmFrames
from hardattn_viewer.session.moving import shown_snapshot, snapshots
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SLOTS, SessionState, Slot
from hardattn_viewer.session.training_course import Course, TrainingCourse
from hardattn_viewer.session.wants import snapshot_of
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.film_strip import FilmStrip
from hardattn_viewer.views.icons import transport_icon
from hardattn_viewer.views.parts import (
    SAMPLES,
    ElidedLabel,
    Notice,
    SlotMark,
    column,
    label,
    line,
    row,
)
from hardattn_viewer.views.scales import ScalePicture, paint_scale

RECORD_IT = (
    "Snapshots show how attention came to be. While training, call recorder.snapshot(step=…, "
    "loss=…) and run the same examples again; or train a model of the zoo with\n"
    "hardattn train glimpse --record run.h5 -o glimpse.safetensors\n"
    "File › Sample runs… has two."
)
PICTURE = 0.36
"""Share of the height that the example gets; the curves get the rest."""


class CurvesCanvas(Canvas[CurvesPicture]):
    """Curves; a click goes to a snapshot, a drag scrubs over them."""

    def __init__(self) -> None:
        super().__init__("trainingCurves", paint_curves, stop_at)
        self.setMinimumHeight(96)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer; with the button held, go where it is."""
        super().mouseMoveEvent(event)
        stop = self._find(event.position())
        if event.buttons() & Qt.MouseButton.LeftButton and stop is not None:
            self.clicked.emit(stop)


class TrainingView(QWidget):
    """Curves above, the film of one example below; or words how to record them."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("trainingView")
        self._session = session
        self._theme = DARK
        self._courses: tuple[Course, ...] = ()
        self._courses_of: tuple[tuple[Slot, int], ...] = ()
        self._pointed: int | None = None
        self._stale = True
        self.curves = CurvesCanvas()
        self.curves.clicked.connect(session.go_to_snapshot)
        self.curves.hovered.connect(self._point_at)
        self.film = FilmStrip(session)
        self.now = {slot: _Now(session, slot) for slot in SLOTS}
        self.scale: Canvas[ScalePicture] = Canvas("trainingScale", paint_scale)
        self.scale.setFixedHeight(16)
        self.moment = label(role="title", name="trainingMoment")
        self.examples = ElidedLabel(role="muted", name="trainingExamples")
        self._buttons = {
            name: _transport(name) for name in ("previousSnapshot", "playSnapshots", "nextSnapshot")
        }
        self.choose = _menu_button()
        self.choose.menu().aboutToShow.connect(self._fill_choices)
        self.notice = Notice("trainingNotice")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._body())
        self._stack.addWidget(self.notice)
        self.setLayout(column(self._stack))
        session.changed.connect(self._on_changed)

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that the buttons stand for."""
        return tuple(self._buttons)

    def bind(self, actions: dict[str, QAction]) -> None:
        """Let the buttons do what the app's actions do, with their tool tips."""
        for name, button in self._buttons.items():
            action = actions[name]
            button.clicked.connect(action.trigger)
            button.setToolTip(action.toolTip())
            button.setAccessibleName(action.text())

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self._theme = theme
        self.curves.set_theme(theme)
        self.scale.set_theme(theme)
        self.film.pictures.set_theme(theme)
        for now in self.now.values():
            now.canvas.set_theme(theme)
        self._show_buttons(self._session.state)

    @property
    def courses(self) -> tuple[Course, ...]:
        """What the curves are drawn from."""
        return self._courses

    def _body(self) -> QWidget:
        head = row(*self._buttons.values(), self.moment, self.examples, self.choose, spacing=6)
        head.setStretch(4, 1)
        pictures = row(*self.now.values(), line(vertical=True), self.film, spacing=10)
        pictures.setStretch(3, 1)
        below = QWidget()
        below.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        below.setMinimumHeight(118)
        below.setLayout(column(pictures, self.scale, spacing=6))
        body = QWidget()
        layout = column(head, self.curves, line(), below, spacing=8, margins=(12, 10, 12, 8))
        layout.setStretch(1, round(100 * (1 - PICTURE)))
        layout.setStretch(3, round(100 * PICTURE))
        body.setLayout(layout)
        return body

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
        if _study(new, "training") is not _study(old, "training"):
            self._take_courses(new)
        if (new.runs, new.slot_a, new.slot_b) != (old.runs, old.slot_a, old.slot_b):
            self._show(new)
            return
        if _study(new, "film") is not _study(old, "film"):
            self._show_film(new)
        elif new.place.step != old.place.step or new.display != old.display:
            self.film.pictures.forget_pictures()
        if new.place.snapshot != old.place.snapshot:
            self._show_moment(new)
        courses = _study(new, "training") is not _study(old, "training")
        if courses or new.display != old.display:
            self._show_curves(new)
        if (new.frames, new.hovered, new.pinned, new.display) != (
            old.frames,
            old.hovered,
            old.pinned,
            old.display,
        ):
            self._show_now(new)
        if (new.playing, new.playing_snapshots) != (old.playing, old.playing_snapshots):
            self._show_buttons(new)

    def _show(self, state: SessionState) -> None:
        self._stale = False
        self._take_courses(state)
        recorded = any(
            facts is not None and len(facts.snapshots) > 1 for facts in map(state.facts, SLOTS)
        )
        if not recorded:
            title = "No snapshots of training" if state.runs else "No run is open"
            self.notice.say(title, RECORD_IT, SAMPLES)
        self._stack.setCurrentIndex(0 if recorded else 1)
        self._show_film(state)
        self._show_moment(state)
        self._show_curves(state)
        self._show_buttons(state)

    def _take_courses(self, state: SessionState) -> None:
        """Take over what is read; a run that grew is drawn as it was until it is read again."""
        result = state.studies.get("training")
        if result is None or not isinstance(result.study, TrainingCourse):
            self._courses, self._courses_of = (), ()
            return
        of = tuple((side.slot, side.key) for side in result.study.sides)
        if isinstance(result.value, tuple):
            self._courses, self._courses_of = result.value, of
        elif of != self._courses_of:
            self._courses, self._courses_of = (), of

    def _show_moment(self, state: SessionState) -> None:
        count, at, leader = snapshots(state), shown_snapshot(state), state.leader
        step = leader.snapshots[at] if leader is not None and count else 0
        self.moment.setText(f"step {step:,} · {at + 1} of {count}" if count else "")
        self.moment.setToolTip("The training step that is shown, and its snapshot")
        self.film.pictures.show_place(state)
        self.film.keep_in_sight()
        self._show_curves(state)

    def _show_curves(self, state: SessionState) -> None:
        panels = panels_of(self._courses, state.display.curves, log=state.display.log_curves)
        leader = next(iter(self._courses), None)
        if leader is None:
            self.curves.show_picture(None, "nothing to show")
            self.examples.set_whole("reading…")
            return
        picture = CurvesPicture(
            panels,
            leader.steps.astype(float),
            at=shown_snapshot(state) if leader.slot == self._leader_slot(state) else None,
            pointed=self._pointed,
        )
        said = (
            f"{panel.title} {''.join(w.text for w in readings(picture, panel, self._theme))}"
            for panel in panels
        )
        self.curves.show_picture(picture, "; ".join(said))
        self.curves.setAccessibleName("Curves over training")
        self.examples.set_whole(*_examples_words(self._courses, state))
        self.examples.setToolTip(self.examples.whole)

    @staticmethod
    def _leader_slot(state: SessionState) -> Slot:
        return "A" if state.leader is state.facts("A") else "B"

    def _show_film(self, state: SessionState) -> None:
        result = state.studies.get("film")
        film = result.value if result is not None else None
        self.film.pictures.show_film(
            state, film if isinstance(film, FilmFrames) else FilmFrames({})
        )
        if isinstance(film, FilmFrames) and film.left_out:
            self.film.setToolTip(f"{film.left_out:,} pictures do not fit into memory.")
        self.film.keep_in_sight()
        self._show_now(state)

    def _show_now(self, state: SessionState) -> None:
        for slot, now in self.now.items():
            now.show_frame(state, self.film.pictures.scale_of(slot))
        known = [top for slot in SLOTS if (top := self.film.pictures.scale_of(slot)) is not None]
        scale = known[0] if known else None
        if scale is None or state.display.scale == "step":
            words = "each picture on a scale of its own" if scale is not None else ""
            self.scale.setToolTip(words)
            self.scale.show_picture(None, words or "nothing to show")
            return
        scope = "this example, all steps and snapshots"
        if len(known) > 1:
            own = state.display.scale == "example"
            # Two scales are both said, where each run has its own.
            scope += f", B 0 – {amount(known[1])}, A" if own else ", A and B"
        self.scale.show_picture(
            ScalePicture(scale, scope, colours=state.display.colours), f"Scale: {scope}"
        )

    def _show_buttons(self, state: SessionState) -> None:
        going = state.playing and state.playing_snapshots
        shapes = {
            "previousSnapshot": "back",
            "playSnapshots": "pause" if going else "play",
            "nextSnapshot": "forward",
        }
        for name, button in self._buttons.items():
            several = snapshots(state) > 1
            button.setEnabled(several)
            colour = self._theme.text if several else self._theme.faint
            button.setIcon(transport_icon(shapes[name], colour))

    def _point_at(self, stop: int | None) -> None:
        self._pointed = stop
        self._show_curves(self._session.state)

    def _fill_choices(self) -> None:
        """The numbers that the runs hold, each on or off."""
        menu, state = self.choose.menu(), self._session.state
        menu.clear()
        for name in numbers_in(self._courses):
            words, _ = NAMES.get(name, (name.replace("_", " "), ""))
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setChecked(name in state.display.curves)
            action.triggered.connect(partial(self._toggle_curve, name))

    def _toggle_curve(self, name: str, *_: object) -> None:
        self._session.set_display(with_curve(self._session.state.display, name))


class _Now(QWidget):
    """What one run shows at the snapshot that the session is at."""

    def __init__(self, session: Session, slot: Slot) -> None:
        super().__init__()
        self.setObjectName(f"trainingNow{slot}")
        self._session = session
        self._slot = slot
        self._mark = SlotMark(slot)
        self._words = ElidedLabel(role="muted")
        self.canvas: Canvas[CellPicture] = Canvas(f"trainingPicture{slot}", paint_cell, _region_at)
        self.canvas.hovered.connect(session.hover)
        self.canvas.clicked.connect(self._pin)
        head = row(self._mark, self._words, spacing=6)
        head.setStretch(1, 1)
        layout = column(head, self.canvas, spacing=4)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """A square picture."""
        side = max(80, self.height() - 24)
        return QSize(min(side, 260), side)

    def show_frame(self, state: SessionState, scale: float | None) -> None:
        """Show the run's frame, on the scale of its film."""
        frame, facts = state.frames.of(self._slot), state.facts(self._slot)
        several = facts is not None and len(facts.snapshots) > 1
        self.setVisible(several)
        if frame is None or not several or not frame.probabilities.size:
            self.canvas.show_picture(None, "nothing to show")
            self._words.set_whole(state.frames.why(self._slot) or "reading…")
            return
        self._mark.show_slot(self._slot, frame.hard)
        said = "" if frame.prediction is None else f"says {frame.prediction}"
        moment = snapshot_of(state, self._slot)
        late = moment is None and state.place.snapshot is not None
        self._words.set_whole(f"{said} · its last snapshot" if late else said)
        keys = frame.probabilities.size
        hover, pinned = (
            key if key is not None and key < keys else None for key in (state.hovered, state.pinned)
        )
        top = scale or 1.0
        picture = cell_picture(frame, state.display, top, hover=hover, pinned=pinned)
        self.canvas.setAccessibleName(f"Picture of {self._slot} at this snapshot")
        self.canvas.show_picture(picture, f"step {frame.place.step + 1}, {said}")
        self.updateGeometry()

    def _pin(self, key: int) -> None:
        self._session.look_at(self._slot)
        self._session.pin(key)


def _region_at(picture: CellPicture, rect: object, point: object) -> int | None:
    return region_at(picture, rect, point) if isinstance(picture, RegionsPicture) else None  # type: ignore[arg-type]


def _study(state: SessionState, kind: str) -> object:
    return state.studies.get(kind)


def _examples_words(courses: tuple[Course, ...], state: SessionState) -> tuple[str, str]:
    """Of how many examples the means are, at length and in short."""
    done = max((course.done for course in courses), default=0)
    chosen = max((course.chosen for course in courses), default=0)
    total = max((course.total for course in courses), default=0)
    which = "filtered examples" if state.display.filtered_curves and state.filter else "examples"
    of = f"{done:,}" if done == total else f"{done:,} of {total:,}"
    drawn = f" ({chosen:,} drawn at random)" if chosen < total else ""
    told = any(course.told for course in courses)
    dashed = ", dashed: told by training" if told else ""
    short = f"mean of {of} {which}"
    return f"{short}{drawn} ± 95 %{dashed}", short


def _transport(name: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(f"training_{name}")
    button.setProperty("kind", "transport")
    button.setFixedSize(28, 26)
    return button


def _menu_button() -> QToolButton:
    button = QToolButton()
    button.setObjectName("trainingChoose")
    button.setText("Curves ▾")
    button.setProperty("kind", "flat")
    button.setAccessibleName("Which curves are shown")
    button.setToolTip("Which curves are shown")
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setMenu(QMenu(button))
    return button
