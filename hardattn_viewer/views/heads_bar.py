"""What stands above the picture of all heads: how they are drawn, sorted, filtered and picked."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QSizePolicy, QToolButton, QWidget

from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.atlas import MEASURES, WORDS, Atlas, AtlasMode
from hardattn_viewer.session.head_filter import PLACES, completions_of_heads, filter_names
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.expression_field import ExpressionField
from hardattn_viewer.views.flow import FlowLayout
from hardattn_viewer.views.parts import column, label, plain_tooltip, row, set_property

_FIELD_WIDTH = 214


class HeadsBar(QWidget):
    """Buttons, a list of measures, and the field of the filter.

    Args:
        session: whose choices are shown and changed.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("headsBar")
        self._session = session
        self.maps = self._mode("maps", "Maps", "first", "A small map of each head")
        self.cells = self._mode("cells", "Cells", "last", "Each head in the colour of its measure")
        modes = QWidget()
        modes.setLayout(row(self.maps, self.cells, spacing=0))
        self.measure = QComboBox()
        self.measure.setObjectName("headsMeasure")
        self.measure.setAccessibleName("Measure of heads")
        for name in MEASURES:
            self.measure.addItem(WORDS[name].name, name)
            note = plain_tooltip(WORDS[name].note)
            self.measure.setItemData(self.measure.count() - 1, note, Qt.ItemDataRole.ToolTipRole)
        self.measure.activated.connect(self._measure_chosen)
        self.order = _button("headsOrder", "Order of heads")
        self.order.clicked.connect(lambda *_: self._reorder())
        self.scale = _button("headsScale", "Scale of maps")
        self.scale.clicked.connect(lambda *_: self._rescale())
        self.filter = ExpressionField(
            "headsFilterField",
            "Filter heads",
            "entropy < 1 & layer >= 3",
            completions_of_heads,
            list,
            inline=True,
        )
        self.filter.setFixedWidth(_FIELD_WIDTH)
        self.filter.applied.connect(self._apply)
        self.field = self.filter.field
        self.field.setToolTip(plain_tooltip(_help()))
        self.pick_all = _button("headsPickAll", "Pick all heads that are shown")
        self.pick_all.setText("Pick all")
        self.clear = _button("headsClear", "Let go of all picked heads")
        self.clear.setText("Clear")
        self.clear.clicked.connect(lambda *_: self._set(replace(self._atlas, picked=())))
        line = QWidget()
        flow = FlowLayout(line, spacing=8, gap=6)
        for part in (
            modes, self.measure, self.order, self.scale, self.filter, self.pick_all, self.clear,
        ):  # fmt: skip
            flow.addWidget(part)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        line.setSizePolicy(policy)
        self.error = label(role="muted", name="headsFilterError")
        self.error.setWordWrap(True)
        self.error.hide()
        set_property(self.error, "tone", "bad")
        self.setLayout(column(line, self.error, spacing=4))
        session.changed.connect(self._on_changed)
        self._show(session.state.atlas)

    @property
    def _atlas(self) -> Atlas:
        return self._session.state.atlas

    def set_theme(self, theme: Theme) -> None:
        """Paint in ``theme`` from now on."""
        self.filter.set_theme(theme)

    def show_error(self, error: str, mark: tuple[int, int] = (0, 0)) -> None:
        """Show what is wrong with the filter, and where; nothing where nothing is."""
        self.filter.show_error(error, mark)
        self.error.setText(error)
        self.error.setVisible(bool(error))

    def _mode(self, mode: AtlasMode, text: str, place: str, note: str) -> QToolButton:
        made = _button(f"heads_{mode}", note)
        made.setText(text)
        made.setProperty("kind", "segment")
        made.setProperty("place", place)
        made.setCheckable(True)
        made.clicked.connect(lambda *_: self._mode_chosen(mode))
        return made

    def _mode_chosen(self, mode: AtlasMode) -> None:
        self._set(replace(self._atlas, mode=mode))
        # A click on the button that is on already must not switch it off.
        self._show(self._atlas)

    def _set(self, atlas: Atlas) -> None:
        self._session.set_atlas(atlas)

    def _measure_chosen(self, index: int) -> None:
        self._set(replace(self._atlas, measure=MEASURES[index]))

    def _reorder(self) -> None:
        """From the order of the model to smallest first, largest first, and round again."""
        now = self._atlas
        if not now.by_measure:
            self._set(replace(now, by_measure=True, descending=False))
        elif not now.descending:
            self._set(replace(now, descending=True))
        else:
            self._set(replace(now, by_measure=False, descending=False))

    def _rescale(self) -> None:
        scale = self._atlas.scale
        self._set(replace(self._atlas, scale="all" if scale == "each" else "each"))

    def _apply(self, text: str) -> None:
        self._set(replace(self._atlas, filter=text))

    def _on_changed(self, new: SessionState, old: SessionState) -> None:
        if new.atlas != old.atlas:
            self._show(new.atlas)
            if new.atlas.filter not in (self.field.text(), old.atlas.filter):
                self.filter.set_text(new.atlas.filter)

    def _show(self, atlas: Atlas) -> None:
        self.maps.setChecked(atlas.mode == "maps")
        self.cells.setChecked(atlas.mode == "cells")
        self.measure.setCurrentIndex(MEASURES.index(atlas.measure))
        self.measure.setToolTip(plain_tooltip(WORDS[atlas.measure].note))
        order = "↓ largest first" if atlas.descending else "↑ smallest first"
        self.order.setText(order if atlas.by_measure else "layers × heads")
        self.order.setToolTip("By layer, or sorted by the measure: smallest or largest first")
        self.scale.setText("own scales" if atlas.scale == "each" else "one scale")
        self.scale.setToolTip("Each map to its own largest probability, or all to one")
        self.scale.setVisible(atlas.mode == "maps")
        self.clear.setVisible(bool(atlas.picked))
        self.updateGeometry()


def _button(name: str, words: str) -> QToolButton:
    made = QToolButton()
    made.setObjectName(name)
    made.setAccessibleName(words)
    made.setProperty("kind", "choice")
    made.setToolTip(words)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made


def _help() -> str:
    lines = ["Which heads to show. Names:"]
    lines += [
        f"{name}: {note}" if name in PLACES else f"{name}: {note.partition(': ')[2]}"
        for name, note in filter_names().items()
    ]
    lines += ["Combine with & | ~ and brackets; compare with > >= < <= == !=, search text with ~."]
    return "\n".join(lines)
