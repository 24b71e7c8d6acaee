"""All sample runs with their stories; a click opens one."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QScrollArea, QWidget

from hardattn_viewer.app.samples import SampleShelf
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.parts import column, label, row, set_property
from sample_runs import Sample

WIDTH, HEIGHT = 920, 640
COLUMNS = 2
_ARROWS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Up: -COLUMNS,
    Qt.Key.Key_Down: COLUMNS,
}


class SamplesDialog(QDialog):
    """A card for each sample; arrows go from card to card, Enter opens.

    Args:
        shelf: the samples.
        state: what is shown now.
        parent: the window that it appears over.
    """

    def __init__(self, shelf: SampleShelf, state: SessionState, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("samples")
        self.setWindowTitle("Sample runs")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(min(WIDTH, parent.width() - 40), min(HEIGHT, parent.height() - 40))
        self._shelf = shelf
        shown = shelf.shown(state)
        self.cards = [SampleCard(one, one is shown) for one in shelf.samples]
        grid = QGridLayout()
        grid.setContentsMargins(2, 2, 8, 2)
        grid.setSpacing(10)
        for at, card in enumerate(self.cards):
            grid.addWidget(card, *divmod(at, COLUMNS))
            card.chosen.connect(self._open)
            card.left.connect(lambda by, card=card: self._go(card, by))
        for at in range(COLUMNS):
            grid.setColumnStretch(at, 1)
        grid.setRowStretch(-(-len(self.cards) // COLUMNS), 1)
        inside = QWidget()
        inside.setLayout(grid)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        head = label("A click opens a sample: the hard run as A, the soft one as B.", "muted")
        head.setWordWrap(True)
        layout = column(head, self._scroll, spacing=12, margins=(16, 14, 10, 14))
        layout.setStretch(1, 1)
        self.setLayout(layout)
        first = next((card for card in self.cards if card.is_shown), None)
        if self.cards:
            (first or self.cards[0]).setFocus()

    def _go(self, card: SampleCard, by: int) -> None:
        there = min(max(self.cards.index(card) + by, 0), len(self.cards) - 1)
        self.cards[there].setFocus(Qt.FocusReason.TabFocusReason)
        self._scroll.ensureWidgetVisible(self.cards[there])

    def _open(self, sample: Sample) -> None:
        self.close()
        self._shelf.show(sample)


class SampleCard(QFrame):
    """One sample: its title, whether it is hard, soft or both, and its story."""

    chosen = Signal(object)
    # How many cards further an arrow points.
    left = Signal(int)

    def __init__(self, sample: Sample, is_shown: bool) -> None:
        super().__init__()
        self.setObjectName("sampleCard")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.sample = sample
        self.is_shown = is_shown
        set_property(self, "on", "true" if is_shown else "false")
        title = label(sample.title, "title")
        title.setWordWrap(True)
        badges = []
        for kind in sample.kinds:
            badge = label(kind.upper())
            set_property(badge, "badge", kind)
            badges.append(badge)
        story = label(sample.story, "muted")
        story.setWordWrap(True)
        top = row(title, *badges, spacing=6)
        top.setStretch(0, 1)
        self.setLayout(column(top, story, 1, spacing=6, margins=(12, 10, 12, 10)))
        shown = ", shown now" if is_shown else ""
        self.setAccessibleName(f"{sample.title}, {' and '.join(sample.kinds)}{shown}")
        self.setAccessibleDescription(sample.story)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open it."""
        inside = self.rect().contains(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and inside:
            self.chosen.emit(self.sample)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open it with Enter or Space; an arrow goes to another."""
        by = _ARROWS.get(Qt.Key(event.key()))
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.sample)
        elif by is not None:
            self.left.emit(by)
        else:
            super().keyPressEvent(event)
