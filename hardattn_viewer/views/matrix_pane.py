"""One matrix of the view of matrices: its heading, the map, and its scale."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QMenu, QStackedWidget, QWidget

from hardattn_viewer.drawing.matrix import MatrixPicture, matrix_picture
from hardattn_viewer.drawing.matrix.picture import difference_picture
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session import map_difference, map_window
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.map_difference import why_no_difference
from hardattn_viewer.session.map_source import pyramid_of
from hardattn_viewer.session.matrix import Zoom
from hardattn_viewer.session.matrix_copy import What, matrix_text
from hardattn_viewer.session.matrix_moves import (
    detail_of,
    difference_of,
    is_reading,
    margins_of,
    place_of,
    shown_layout,
    zoomed_to,
)
from hardattn_viewer.session.pyramid import MapPatch
from hardattn_viewer.session.recorded import verification_kind
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState, SiteFacts, Slot
from hardattn_viewer.views.matrix_canvas import MatrixCanvas
from hardattn_viewer.views.matrix_scale import MatrixScale, ScaleBar
from hardattn_viewer.views.parts import (
    OPEN,
    SAMPLES,
    SLOT_SIZE,
    ElidedLabel,
    Notice,
    SlotMark,
    column,
    label,
    row,
)
from hardattn_viewer.views.scales import matrix_scale_of, matrix_scope

Shows = Literal["focus", "A", "B", "difference"]
COPIES: tuple[tuple[What, str], ...] = (
    ("value", "Copy this value"),
    ("row", "Copy this row (TSV)"),
    ("column", "Copy this column (TSV)"),
    ("window", "Copy all that is in sight (TSV)"),
)


class MatrixPane(QWidget):
    """A map of one slot, or B − A.

    Args:
        session: the shared session.
        shows: which map.
        name: prefix of the object names.
    """

    def __init__(self, session: Session, shows: Shows, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self._session = session
        self._shows = shows
        self._mark = SlotMark()
        self._title = ElidedLabel(role="big", name=f"{name}Title")
        # As high as the letters A and B of other panes, so that their maps are in line.
        self._title.setMinimumHeight(SLOT_SIZE)
        self._where = ElidedLabel(role="muted", name=f"{name}Where")
        self._where.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._warning = label(role="warning", name=f"{name}Warning")
        self._warning.setWordWrap(True)
        self._warning.hide()
        self.canvas = MatrixCanvas(f"{name}Canvas")
        self.canvas.setAccessibleName(_names[shows])
        self.scale = ScaleBar(f"{name}Scale")
        self.notice = Notice(f"{name}Notice")
        self._old: tuple[object, tuple[MapPatch, ...]] = (None, ())
        self.canvas.hovered.connect(self._hover)
        self.canvas.clicked.connect(self._pick)
        self.canvas.double_clicked.connect(self._go_near)
        self.canvas.zoom_wanted.connect(self._zoom)
        self.canvas.menu_wanted.connect(self._show_menu)
        self.scale.clipped.connect(self._clip)
        body = QWidget()
        inside = column(self.canvas, self.scale, spacing=4)
        inside.setStretch(0, 1)
        body.setLayout(inside)
        self._stack = QStackedWidget()
        self._stack.addWidget(body)
        self._stack.addWidget(self.notice)
        head = row(self._mark, self._title, self._where, spacing=9)
        head.setStretch(1, 1)
        head.setStretch(2, 2)
        layout = column(head, self._warning, self._stack, spacing=6, margins=(12, 10, 12, 4))
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.canvas.set_theme(theme)
        self.scale.set_theme(theme)

    def forget(self) -> None:
        """Let go of the map of a picture that nobody sees."""
        self._old = (None, ())
        if self.canvas.picture is not None:
            self.canvas.show_picture(None, "nothing to show")

    def show_state(self, state: SessionState) -> None:
        """Show what is in a state."""
        slot: Slot = (
            state.shown_slot if self._shows == "focus" else "B" if self._shows == "B" else "A"
        )
        frame = state.frames.of(slot)
        if self._shows == "difference":
            why = why_no_difference(state.frames.a, state.frames.b)
        else:
            why = _why_empty(state, slot, frame)
        self._show_head(state, slot, frame)
        self._stack.setCurrentIndex(1 if why else 0)
        if frame is None or why:
            offers = () if state.runs else (OPEN, SAMPLES)
            self.notice.say("No matrix to show" if state.runs else "No run is open", why, *offers)
            self.canvas.show_picture(None, why)
            self.scale.show_scale(None)
            return
        top = matrix_scale_of(state, frame)
        picture = self._picture(state, slot, frame, top)
        self.canvas.show_picture(picture, _words(state, frame, picture))
        signed = self._shows == "difference"
        self.scale.show_scale(
            MatrixScale(
                top,
                state.matrix.clip,
                "as far as the scale of A and B" if signed else matrix_scope(state),
                state.matrix.transform,
                state.display.colours,
                signed,
            )
        )

    def _picture(self, state: SessionState, slot: Slot, frame: Frame, top: float) -> MatrixPicture:
        facts = state.facts(slot)
        same = state.place.step == frame.place.step
        picture = matrix_picture(
            frame,
            state.display,
            scale_max=top,
            hover=state.hovered if same else None,
            pinned=state.pinned,
            hover_query=state.hovered_query if same else None,
            look=state.matrix,
            tiny=facts.codec_error if facts is not None else 0.0,
            margins=margins_of(state, slot) if state.matrix.statistics else None,
            in_window=True,
        )
        if self._shows == "difference":
            reading = is_reading(state, map_difference.KIND)
            return difference_picture(picture, self._kept(picture, difference_of(state)), reading)
        if picture.pyramid is None or picture.pyramid.is_exact:
            return picture
        detail = self._kept(picture.pyramid, detail_of(state, slot))
        reading = is_reading(state, map_window.KIND)
        return replace(picture, detail=detail, reading=reading)

    def _kept(self, of: object, now: tuple[MapPatch, ...]) -> tuple[MapPatch, ...]:
        """What was read of a map, over what was read of it before."""
        held = of.pyramid if isinstance(of, MatrixPicture) else of
        before, old = self._old
        if before is not held:
            old = ()
        if now:
            # Two are enough: what is in sight, and what was before it.
            old = (*(one for one in old[-1:] if one is not now[0]), now[0])
        self._old = held, old
        return old

    def _show_head(self, state: SessionState, slot: Slot, frame: Frame | None) -> None:
        run, difference = state.run_in(slot), self._shows == "difference"
        self._mark.setVisible(not difference and bool(state.runs))
        self._mark.show_slot(slot, frame.hard if frame is not None else None)
        self._title.set_whole(
            "B − A" if difference else "Queries × keys", "B − A" if difference else "Q × K"
        )
        words = ""
        if frame is not None and state.site is not None and run is not None:
            name = "" if state.frames.b is None or state.frames.a is None else f"{run.name} · "
            words = f"{name}{frame.place.site}{_head_words(state.site, frame.place.head)}"
        self._where.set_whole("where they disagree" if difference else words)
        wrong = frame is not None and verification_kind(frame.verified) == "mismatch"
        self._warning.setVisible(wrong and not difference)
        if frame is not None and wrong:
            self._warning.setText(f"⚠ {frame.verified}")
            self._warning.setAccessibleName(frame.verified)

    # --- what a person does ---------------------------------------------------------------

    @property
    def _slot(self) -> Slot:
        state = self._session.state
        match self._shows:
            case "A" | "B" as slot:
                return slot
        return state.shown_slot

    def _frame(self) -> Frame | None:
        return self._session.state.frames.of(self._slot)

    def _hover(self, cell: tuple[int, int] | None) -> None:
        frame = self._frame()
        if cell is None or frame is None:
            self._session.hover(None)
            return
        place = place_of(frame, *cell)
        # The row of another step is not previewed: it is one click away.
        here = place.step == self._session.state.place.step
        self._session.hover(place.key if here else None, place.query if here else None)

    def _pick(self, row: int, column: int) -> None:
        """Look from a query and hold on to a key; the same cell again lets go of the key."""
        frame, session = self._frame(), self._session
        if frame is None:
            return
        place, state = place_of(frame, row, column), session.state
        again = (state.place.step, state.place.query, state.pinned) == (
            place.step, place.query, place.key,
        )  # fmt: skip
        if self._shows != "difference":
            session.look_at(self._slot)
        session.go_to_query(place.query, place.step)
        if again or (state.pinned != place.key and place.key >= 0):
            session.pin(None if again else place.key)

    def _go_near(self, row: int, column: int) -> None:
        if self._shows in ("A", "B"):
            self._session.look_at(self._slot)
        self._zoom(zoomed_to(self._session.state, row, column))

    def _zoom(self, zoom: Zoom) -> None:
        self._session.set_matrix(replace(self._session.state.matrix, zoom=zoom))

    def _clip(self, share: float) -> None:
        self._session.set_matrix(replace(self._session.state.matrix, clip=share))

    def _show_menu(self, at: QPoint, row: int, column: int) -> None:
        if self._shows == "difference":
            return
        self._session.look_at(self._slot)
        menu = QMenu(self)
        menu.setObjectName("matrixMenu")
        for what, words in COPIES:
            action = menu.addAction(words)
            action.triggered.connect(lambda *_, what=what: self._copy(what, row, column))
        menu.addSeparator()
        near = menu.addAction("Go to this cell, or back to the whole map")
        near.triggered.connect(lambda *_: self._go_near(row, column))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at)

    def _copy(self, what: What, row: int, column: int) -> None:
        state = self._session.state
        text = matrix_text(state, what, row, column, shown_layout(state))
        QApplication.clipboard().setText(text)


_names: dict[Shows, str] = {
    "focus": "Matrix of queries and keys",
    "A": "Matrix of queries and keys of A",
    "B": "Matrix of queries and keys of B",
    "difference": "Matrix of B minus A",
}


def _head_words(site: SiteFacts, head: int | None) -> str:
    words = site.head_words(head)
    if site.heads == 1:
        return ""
    return f" · {words} heads" if head is None else f" · head {words}"


def _why_empty(state: SessionState, slot: Slot, frame: Frame | None) -> str:
    if frame is not None:
        return "" if pyramid_of(frame) is not None else "This step was not recorded."
    if any(run.status in ("loading", "waiting") for run in state.runs):
        return "Being read…"
    why = state.frames.why(slot)
    if not state.runs:
        return "Open a run with Ctrl+O, or drop .h5 files onto this window."
    return why or "Open a run, or put one into this slot by a click on its card."


def _words(state: SessionState, frame: Frame, picture: MatrixPicture) -> str:
    return (
        f"{frame.example_name}, step {frame.place.step + 1} of {frame.steps}: "
        f"{picture.queries:,} queries by {picture.keys:,} keys, {matrix_scope(state)}"
    )
