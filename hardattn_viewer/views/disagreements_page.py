"""The list of where A and B disagree most; a click or Enter goes there."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHeaderView,
    QTableView,
    QToolButton,
    QWidget,
)

from hardattn_viewer.figures.disagreements import disagreements_csv
from hardattn_viewer.figures.files import write_whole
from hardattn_viewer.figures.options import FigureError
from hardattn_viewer.session import ranking
from hardattn_viewer.session.comparing import comparison_of
from hardattn_viewer.session.disagreements import BY, KEPT, By
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from hardattn_viewer.views.disagreements_model import PLACE, TITLES, DisagreementsModel, Index
from hardattn_viewer.views.parts import ElidedLabel, column, row

LINE, HEADER = 20, 20
# Below this width there is room for the number alone that the steps are ranked by.
_WIDE = 290


class DisagreementsPage(QWidget):
    """The measure on top, the list below it, and from how many steps it was chosen."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("disagreements")
        self._session = session
        self.by = QComboBox()
        self.by.setObjectName("disagreementsBy")
        self.by.setAccessibleName("Rank by")
        self.by.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.by.setMinimumContentsLength(6)
        for by in BY:
            self.by.addItem(TITLES[by][1], by)
        self.by.activated.connect(lambda at: session.set_ranking(self.by.itemData(at)))
        self.save = QToolButton()
        self.save.setObjectName("disagreementsSave")
        self.save.setText("CSV…")
        self.save.setToolTip("Save this list with all its numbers as a CSV file")
        self.save.setProperty("kind", "flat")
        self.save.clicked.connect(self.choose_file)
        self.model = DisagreementsModel()
        self.table = DisagreementsTable(session, self.model)
        self.foot = ElidedLabel(role="muted", name="disagreementsFoot")
        top = row(self.by, self.save, spacing=4)
        top.setStretch(0, 1)
        self.setLayout(column(top, self.table, self.foot, spacing=3))

    def show_state(self, state: SessionState) -> None:
        """Show what is known by now."""
        found = comparison_of(state)
        items = ranking.ranked(state)
        names = state.rows.names if state.rows is not None else ()
        self.by.setCurrentIndex(BY.index(state.rank_by))
        self.table.setColumnHidden(2, found is None or len(found.lanes) < 2)
        self.model.show_items(items, found, names)
        self.table.show_here(ranking.here(state, items), state.rank_by)
        self.save.setEnabled(bool(items))
        self.foot.set_whole(self._words(state, len(items)), f"{len(items)} steps")

    def _words(self, state: SessionState, count: int) -> str:
        found = comparison_of(state)
        if found is None:
            return "Being read…"
        if not count:
            return "Nothing to rank by this measure: choose another above"
        heads = f" of {len(found.lanes) - 1} heads" if len(found.lanes) > 1 else ""
        cut = (
            f"the {KEPT} worst of {found.tops.seen:,} steps"
            if count == KEPT
            else f"{count:,} steps"
        )
        going = "" if found.finished else f", {found.done:,} of {found.total:,} examples so far"
        return f"{cut}{heads}{going}"

    def choose_file(self) -> None:
        """Ask where the list goes, and write it."""
        dialog = QFileDialog(self.window(), "Save where A and B disagree", "disagreements.csv")
        dialog.setObjectName("disagreementsDialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("Table (*.csv)")
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda path: self.write(Path(path)))
        dialog.open()

    def write(self, path: Path) -> None:
        """Write the list; what goes wrong is said below it."""
        state = self._session.state
        found = comparison_of(state)
        if found is None or state.rows is None:
            return
        try:
            write_whole(path, disagreements_csv(self.model.items, state.rows.names, found.lanes))
        except (OSError, FigureError) as error:
            self.foot.set_whole(" ".join(str(error).split()))
            return
        self.foot.set_whole(f"Saved {path}")


class DisagreementsTable(QTableView):
    """The list; a click or Enter goes to a step, a click on a title ranks by it."""

    def __init__(self, session: Session, model: DisagreementsModel) -> None:
        super().__init__()
        self.setObjectName("disagreementsTable")
        self.setAccessibleName("Where A and B disagree most")
        self._session, self._model = session, model
        self._by: By = "jensen_shannon"
        self.setModel(model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(LINE)
        self.verticalHeader().setDefaultSectionSize(LINE)
        header = self.horizontalHeader()
        for part in (self, header):
            part.setProperty("surface", "window")
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.setFixedHeight(HEADER)
        header.setMinimumSectionSize(28)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        header.sectionClicked.connect(self._rank)
        self.clicked.connect(self._go)

    def show_here(self, line: int | None, by: By) -> None:
        """Mark the line that the session is at."""
        if by != self._by:
            self._by = by
            self._share_out()
        if line is None:
            self.clearSelection()
        elif line != self.currentIndex().row() or not self.selectionModel().hasSelection():
            self.selectRow(line)
            self.scrollTo(self._model.index(line, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes to the line."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._go(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many numbers as there is room for."""
        super().resizeEvent(event)
        self._share_out()

    def _share_out(self) -> None:
        wide = self.viewport().width() >= _WIDE
        for at, by in enumerate(BY, len(PLACE)):
            shown = by == self._by or (
                wide and by in ("jensen_shannon", "same_argmax", "soft_mass")
            )
            self.setColumnHidden(at, not shown)

    def _go(self, index: Index) -> None:
        self._session.go_to_disagreement(self._model.items[index.row()])

    def _rank(self, section: int) -> None:
        if section >= len(PLACE):
            self._session.set_ranking(BY[section - len(PLACE)])
