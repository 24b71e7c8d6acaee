"""A, B and their difference side by side, under one stated scale."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from hardattn_viewer.drawing.difference import difference_scale
from hardattn_viewer.drawing.difference_bars import bars_picture
from hardattn_viewer.drawing.difference_words import difference_words
from hardattn_viewer.drawing.matrix_difference import matrix_difference
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.drawing.token_difference import no_token_difference, token_difference_picture
from hardattn_viewer.session.comparing import comparison_of
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.pairing import pairing_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.comparison_panel import ComparisonPanel
from hardattn_viewer.views.difference_body import DifferenceBody, Mode
from hardattn_viewer.views.panes import RunPane
from hardattn_viewer.views.parts import (
    SLOT_SIZE,
    ElidedLabel,
    Notice,
    column,
    label,
    line,
    plain_tooltip,
    row,
)
from hardattn_viewer.views.region_difference import RegionDifference, aspect_of
from hardattn_viewer.views.scales import ScalePicture


class CompareView(QWidget):
    """Three panes of equal width."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("compareView")
        self.a = RunPane(session, "A", "compareA")
        self.b = RunPane(session, "B", "compareB")
        self.difference = DifferencePane(session)
        layout = row(
            self.a, line(vertical=True), self.b, line(vertical=True), self.difference, spacing=0
        )
        for at in (0, 2, 4):
            layout.setStretch(at, 1)
        for pane in (self.a, self.b, self.difference):
            pane.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.setLayout(layout)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        for pane in (self.a, self.b, self.difference):
            pane.set_theme(theme)


class DifferencePane(QWidget):
    """B − A on the image, the tokens or the map, and how far the two agree in numbers."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("difference")
        self._session = session
        # Whether it shows pictures, which keep maps.
        self._holds = False
        title = label("B − A", "big")
        # As high as the letters A and B of the other panes, so that pictures line up.
        title.setMinimumHeight(SLOT_SIZE)
        self.where = ElidedLabel(role="muted", name="differenceWhere")
        self.where.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.words = ElidedLabel(role="muted", name="differenceWords")
        self.words.hide()
        self.notice = Notice("differenceNotice")
        self.panel = ComparisonPanel(session)
        self.body = DifferenceBody(self.panel, session)
        self.regions = RegionDifference(session, self.body)
        self.canvas, self.tokens, self.scale = self.body.canvas, self.body.text, self.body.scale
        for canvas in (self.body.tokens, self.body.text.canvas):
            canvas.hovered.connect(session.hover)
            canvas.clicked.connect(session.pin)
        self.body.matrix.hovered.connect(self._hover_cell)
        self.body.matrix.clicked.connect(self._pick_cell)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.body)
        self._stack.addWidget(self.notice)
        head = row(title, self.where)
        head.setStretch(1, 1)
        layout = column(head, self.words, self._stack, spacing=8, margins=(12, 10, 12, 8))
        layout.setStretch(2, 1)
        self.setLayout(layout)
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.body.set_theme(theme)
        self.regions.set_theme(theme)
        # The colours of A and B are the theme's, and are worked out before they are painted.
        self._show(self._session.state)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what changed while nobody saw it."""
        super().showEvent(event)
        self._show(self._session.state)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.view != "compare":
            if new.frames is not old.frames and self._holds:
                self._forget("nothing to show")
            return
        before = (old.frames, old.display, old.hovered, old.pinned, old.beside, old.view)
        after = (new.frames, new.display, new.hovered, new.pinned, new.beside, new.view)
        if (*after, new.picked) != (*before, old.picked):
            self._show(new)
        elif new.studies is not old.studies or _asked(new) != _asked(old):
            self._show_words(new)
            self.panel.show_state(new)

    def _hover_cell(self, cell: int | None) -> None:
        picture = self.body.matrix.picture
        if cell is None or picture is None:
            self._session.hover(None)
        else:
            query, key = divmod(cell, picture.keys)
            self._session.hover(key, query)

    def _pick_cell(self, cell: int) -> None:
        picture = self.body.matrix.picture
        if picture is not None:
            self._session.go_to_query(cell // picture.keys)

    def _show(self, state: SessionState) -> None:
        a, b = state.frames.a, state.frames.b
        why = _why_not(a, b, state)
        self._stack.setCurrentWidget(self.notice if why else self.body)
        self._show_words(state)
        if a is None or b is None or why:
            self.notice.say("No difference to show", why)
            self._forget(why)
            return
        mode = mode_of(a, b, state)
        self._holds = True
        self.body.show_mode(mode, not no_token_difference(a, b), aspect_of(a))
        self.where.set_whole(
            "where they disagree" if mode == "regions" else f"step {b.place.step + 1}",
            "disagreement" if mode == "regions" else "",
        )
        self._show_pictures(a, b, mode, state)
        self.panel.show_state(state)

    def _forget(self, why: str) -> None:
        """Let go of the pictures, and of the maps that they are of."""
        self._holds = False
        for part in (self.body.canvas, self.body.tokens, self.body.text, self.body.matrix):
            part.show_picture(None, why)

    def _show_pictures(self, a: Frame, b: Frame, mode: Mode, state: SessionState) -> None:
        keys = a.probabilities.size
        hover, pinned = (
            key if key is not None and key < keys else None for key in (state.hovered, state.pinned)
        )
        display, body = state.display, self.body
        words = f"Where B looks more than A, and less, at step {b.place.step + 1}"
        if mode == "regions":
            self.regions.show_frames(state, a, b, words)
            top = difference_scale(a, b, display)
        else:
            body.canvas.show_picture(None, "nothing to show")
        if mode == "tokens" and no_token_difference(a, b):
            bars = bars_picture(a, b, display, hover=hover, pinned=pinned)
            body.tokens.show_picture(bars, words)
            top = bars.scale_max
        elif mode == "tokens":
            text = token_difference_picture(
                a, b, display, body.text.theme, hover=hover, pinned=pinned
            )
            body.text.show_picture(text, words)
            top = text.scale_max
        if mode != "regions" and body.shows_matrix:
            both = matrix_difference(a, b, display, hover=hover, pinned=pinned)
            body.matrix.show_picture(both, f"{words}, of {both.queries} queries")
            # Beside the bars of one row the map states its scale itself.
            top = both.scale_max if mode == "matrix" else top
        scope = "this step" if display.scale == "step" else "all steps"
        if mode == "tokens" and a.queries > 1:
            scope = f"this query, {scope}"
        bar = ScalePicture(top, scope, signed=True, on_surface=mode == "tokens")
        self.scale.show_picture(bar, f"Scale: {scope}")

    def _show_words(self, state: SessionState) -> None:
        words = not_aligned(state)
        self.words.setVisible(bool(words))
        more = f" (and {len(words) - 1} more)" if len(words) > 1 else ""
        self.words.set_whole(f"⚠ {words[0]}{more}" if words else "")
        self.words.setToolTip(plain_tooltip("\n".join(words)))


def _asked(state: SessionState) -> tuple[object, ...]:
    """What the panel shows, besides what is studied."""
    return state.rank_by, state.compare_page, state.rows, state.place, state.site_pairs


def mode_of(a: Frame, b: Frame, state: SessionState) -> Mode:
    """What the difference is drawn on."""
    if state.display.maps:
        return "matrix"
    return "regions" if a.boxes is not None and b.boxes is not None else "tokens"


def not_aligned(state: SessionState) -> tuple[str, ...]:
    """Sentences on what could not be aligned: sites, heads, this example, and all of them."""
    pairing, found = pairing_of(state), comparison_of(state)
    here = difference_words(state.frames.a, state.frames.b)
    if pairing is None:
        return here
    return (*pairing.words, *here, *(found.words if found is not None else ()))


def _why_not(a: Frame | None, b: Frame | None, state: SessionState) -> str:
    if a is None or b is None:
        return "It needs a run in A and one in B that both hold this example."
    if a.probabilities.shape != b.probabilities.shape and not state.display.maps:
        return (
            f"A has {a.probabilities.size} keys here and B has {b.probabilities.size}: "
            "only distributions over the same keys can be subtracted."
        )
    return ""
