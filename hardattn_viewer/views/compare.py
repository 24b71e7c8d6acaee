"""A, B and their difference side by side, under one stated scale."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from hardattn_viewer.drawing.difference import (
    DifferencePicture,
    difference_picture,
    difference_scale,
    paint_difference,
)
from hardattn_viewer.drawing.regions import region_at
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.drawing.token_difference import no_token_difference, token_difference_picture
from hardattn_viewer.measures import jensen_shannon, mass_on, same_argmax
from hardattn_viewer.session.comparing import RunComparison
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.canvas import Canvas
from hardattn_viewer.views.flow import FlowLayout
from hardattn_viewer.views.pane_body import PaneBody
from hardattn_viewer.views.panes import STRIP_HEIGHTS, RunPane
from hardattn_viewer.views.parts import (
    SLOT_SIZE,
    Chip,
    ElidedLabel,
    Notice,
    column,
    label,
    line,
    row,
)
from hardattn_viewer.views.scales import ScalePicture, paint_scale
from hardattn_viewer.views.token_difference import TokenDifference


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
    """B − A on the image, and how far the two agree in numbers."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("difference")
        self._session = session
        title = label("B − A", "big")
        # As high as the letters A and B of the other panes, so that pictures line up.
        title.setMinimumHeight(SLOT_SIZE)
        where = ElidedLabel(role="muted")
        where.set_whole("where they disagree", "disagreement")
        where.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.canvas: Canvas[DifferencePicture] = Canvas(
            "differenceCanvas", paint_difference, region_at
        )
        self.canvas.hovered.connect(session.hover)
        self.canvas.clicked.connect(session.pin)
        self.canvas.setAccessibleName("Picture of B minus A")
        self.notice = Notice("differenceNotice")
        self.divergence = Chip("chipDivergence")
        self.mass = Chip("chipMass")
        self.argmax = Chip("chipArgmax")
        self.overall = Chip("chipOverall")
        self.overall_mass = Chip("chipOverallMass")
        self._chips = (self.divergence, self.mass, self.argmax, self.overall, self.overall_mass)
        chips = QWidget()
        flow = FlowLayout(chips, spacing=7, gap=7)
        for chip in self._chips:
            flow.addWidget(chip)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        chips.setSizePolicy(policy)
        self.scale: Canvas[ScalePicture] = Canvas("differenceScale", paint_scale)
        self.tokens = TokenDifference()
        self.tokens.canvas.hovered.connect(session.hover)
        self.tokens.canvas.clicked.connect(session.pin)
        self._picture = QStackedWidget()
        for kind in (self.canvas, self.tokens):
            self._picture.addWidget(kind)
        picture = PaneBody(self._picture, self.scale, chips, STRIP_HEIGHTS[0], None)
        self._stack = QStackedWidget()
        self._stack.addWidget(picture)
        self._stack.addWidget(self.notice)
        head = row(title, where)
        head.setStretch(1, 1)
        self.setLayout(column(head, self._stack, spacing=8, margins=(12, 10, 12, 8)))
        session.changed.connect(self._on_changed)
        self._show(session.state)

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.canvas.set_theme(theme)
        self.tokens.set_theme(theme)
        self.scale.set_theme(theme)
        # The colours of A and B are the theme's, and are worked out before they are painted.
        self._show(self._session.state)

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        before = (old.frames, old.display, old.hovered, old.pinned)
        if (new.frames, new.display, new.hovered, new.pinned) != before:
            self._show(new)
        if new.comparison != old.comparison:
            self._show_overall(new.comparison)

    def _show(self, state: SessionState) -> None:
        a, b = state.frames.a, state.frames.b
        why = _why_not(a, b)
        self._stack.setCurrentIndex(1 if why else 0)
        if a is None or b is None or why:
            self.notice.say("No difference to show", why)
            self.canvas.show_picture(None, why)
            self.tokens.show_picture(None, why)
            return
        keys = a.probabilities.size
        hover, pinned = (
            key if key is not None and key < keys else None for key in (state.hovered, state.pinned)
        )
        words = f"Where B looks more than A, and less, at step {b.place.step + 1}"
        if a.tokens is not None:
            text = token_difference_picture(
                a, b, state.display, self.tokens.theme, hover=hover, pinned=pinned
            )
            self.tokens.show_picture(text, words)
            self._picture.setCurrentWidget(self.tokens)
            top = text.scale_max
        else:
            picture = difference_picture(a, b, state.display, hover=hover, pinned=pinned)
            self.canvas.show_picture(picture, words)
            self._picture.setCurrentWidget(self.canvas)
            top = difference_scale(a, b, state.display)
        scope = "this step" if state.display.scale == "step" else "all steps"
        self.scale.show_picture(ScalePicture(top, scope, signed=True), f"Scale: {scope}")
        self._show_numbers(a, b)

    def _show_numbers(self, a: Frame, b: Frame) -> None:
        p, q = a.probabilities, b.probabilities
        self.divergence.show_number(
            "Jensen–Shannon",
            f"{float(jensen_shannon(p, q)):.2f} bits",
            "How far the two distributions are apart at this step: 0 equal, 1 nothing in common.",
            "JS",
        )
        if a.selection and not b.hard:
            mass = float(mass_on(q, list(a.selection)))
            self.mass.show_number("soft mass on A’s choice", f"{mass:.2f}", _MASS, "mass on A’s")
        elif b.selection and not a.hard:
            mass = float(mass_on(p, list(b.selection)))
            self.mass.show_number("soft mass on B’s choice", f"{mass:.2f}", _MASS, "mass on B’s")
        else:
            self.mass.hide()
        self.argmax.show_number(
            "same argmax",
            "yes" if float(same_argmax(p, q)) == 1.0 else "no",
            "Whether both are largest at the same key, at this step.",
        )

    def _show_overall(self, comparison: RunComparison | None) -> None:
        for chip in (self.overall, self.overall_mass):
            chip.setVisible(comparison is not None)
        if comparison is None:
            return
        if comparison.finished:
            words, short = f"over all {comparison.total:,} examples:", "all:"
        else:
            words = f"over {comparison.done:,} of {comparison.total:,} examples so far:"
            short = "so far:"
        left_out = ""
        if comparison.skipped:
            left_out = (
                f" {comparison.skipped} with different keys in A and B, or with maps too large "
                "to be read whole, are left out."
            )
        agree, mass = comparison.same_argmax, comparison.soft_mass
        self.overall.show_number(
            f"{words} agree",
            f"{100 * agree.mean:.1f} ± {100 * agree.half_width:.1f} %",
            f"How often both are largest at the same key. {_INTERVAL}{left_out}",
            f"{short} agree",
        )
        if mass is None:
            self.overall_mass.hide()
            return
        self.overall_mass.show_number(
            f"{words} soft mass",
            f"{mass.mean:.2f} ± {mass.half_width:.2f}",
            f"What the soft run gives to the choice of the hard one. {_INTERVAL}{left_out}",
            f"{short} mass",
        )


_MASS = "Probability that the soft run gives to what the hard run selected at this step."
_INTERVAL = "95 % bootstrap interval over examples; the steps of each are averaged first."


def _why_not(a: Frame | None, b: Frame | None) -> str:
    if a is None or b is None:
        return "It needs a run in A and one in B that both hold this example."
    if a.tokens is not None or b.tokens is not None:
        why = no_token_difference(a, b)
        return f"{why[:1].upper()}{why[1:]}." if why else ""
    if a.boxes is None or b.boxes is None:
        return "It is drawn on an image or a text, and one of the runs has neither here."
    if a.probabilities.shape != b.probabilities.shape:
        return (
            f"A has {a.probabilities.size} keys here and B has {b.probabilities.size}: "
            "only distributions over the same keys can be subtracted."
        )
    return ""
