"""Lines of names and numbers, beside those that were kept, and parts that fold away."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QToolButton, QVBoxLayout, QWidget

from hardattn_viewer.session.definitions import explained
from hardattn_viewer.session.numbers import Number, short_of
from hardattn_viewer.session.state import KeptNumbers
from hardattn_viewer.views.parts import ElidedLabel, label, plain_tooltip, set_property


class Fold(QToolButton):
    """Shows or hides one part of the inspector.

    Args:
        name: end of its object name, and what it is remembered by.
        words: what it shows or hides.
        part: the part.
    """

    def __init__(self, name: str, words: str, part: QWidget) -> None:
        super().__init__()
        self.name = name
        self.setObjectName(f"fold_{name}")
        self.setProperty("kind", "fold")
        self.setCheckable(True)
        self.setChecked(True)
        self.setFixedWidth(16)
        self._words = words
        self._part = part
        self.toggled.connect(self._turn)
        self._turn(True)

    def _turn(self, shown: bool) -> None:
        self._part.setVisible(shown)
        self.setText("▾" if shown else "▸")
        self.setToolTip(f"{'Hide' if shown else 'Show'} {self._words}")
        self.setAccessibleName(self.toolTip())


class NumberGrid(QWidget):
    """Names on the left, values at the right edge, kept ones beyond them where there are any.

    Args:
        most: lines that it has room for.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.lines = [_Line() for _ in range(most)]
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(7)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(1, 3)
        for at, one in enumerate(self.lines):
            for place, part in enumerate((one.name, one.value, one.kept)):
                self._grid.addWidget(part, at, place)
        self.setLayout(self._grid)

    def show_numbers(self, numbers: tuple[Number, ...], kept: KeptNumbers | None = None) -> None:
        """Show numbers, and beside each what it was where others were kept."""
        self._grid.setColumnStretch(2, 0 if kept is None else 3)
        for one, number in zip(self.lines, numbers, strict=False):
            one.show_number(number, None if kept is None else kept.values.get(number.name, ""))
        for one in self.lines[len(numbers) :]:
            one.hide()


class _Line:
    """A name, a value, and what that was where numbers were kept."""

    def __init__(self) -> None:
        self.name = label(role="muted")
        self.value = ElidedLabel(role="value")
        self.kept = ElidedLabel(role="muted")
        for part in (self.value, self.kept):
            part.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.kept.hide()
        self._shown: tuple[Number, str | None] | None = None

    def show_number(self, number: Number, kept: str | None) -> None:
        # Most stay as they are from step to step, and setting a tool tip takes as long as any.
        if self._shown == (number, kept):
            return
        before, kept_before = self._shown or (None, None)
        is_new = before is None
        self._shown = (number, kept)
        self.value.set_whole(number.value, number.short)
        set_property(self.value, "tone", number.tone)
        if before is None or (number.name, number.note) != (before.name, before.note):
            self.name.setText(number.name)
            words = plain_tooltip(explained(number.note, number.name))
            for part in (self.name, self.value):
                part.setToolTip(words)
                part.show()
        if is_new or kept != kept_before:
            self.kept.setVisible(kept is not None)
            self.kept.set_whole(kept or "", short_of(kept or ""))
            self.kept.setToolTip(plain_tooltip(f"Kept: {kept}" if kept else "Not known there."))
        self.value.setAccessibleName(f"{number.name} {number.value}")

    def hide(self) -> None:
        self._shown = None
        for part in (self.name, self.value, self.kept):
            part.hide()


def holder_of(layout: QVBoxLayout) -> QWidget:
    """A widget around a layout, so that it can be hidden as one."""
    held = QWidget()
    held.setLayout(layout)
    return held
