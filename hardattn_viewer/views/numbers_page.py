"""The numbers between A and B: here, at this step of all examples, and over everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from hardattn_viewer.measures import Interval, PairMeasure, pair_numbers
from hardattn_viewer.session.comparing import Comparison, Numbers
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.numbers import NOT_RECORDED

# Below this width the numbers of one step over all examples have no room.
_WIDE = 252
LINE, HEADER = 19, 20
# The lowest line that has room for its small type.
LEAST = 14
_SMALL = 11
_PADDING = 10
_USUAL = 13


@dataclass(frozen=True)
class Line:
    """One line of a table of numbers.

    Attributes:
        name: what the number is, and in short where there is little room.
        short: the name where there is little room.
        middle: the name where there is some; empty where it is no other.
        cells: the numbers as shown.
        notes: what each of them is in full.
    """

    name: str
    short: str
    cells: tuple[str, ...]
    notes: tuple[str, ...]
    middle: str = ""


class NumbersTable(QTableWidget):
    """A small table of names and numbers that nobody edits.

    Args:
        name: object name.
        words: what it is, for those who cannot see it.
    """

    def __init__(self, name: str, words: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(words)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(LEAST)
        self.verticalHeader().setDefaultSectionSize(LINE)
        header = self.horizontalHeader()
        for part in (self, header):
            part.setProperty("surface", "window")
        header.setHighlightSections(False)
        header.setMinimumSectionSize(28)
        header.setFixedHeight(HEADER)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._lines: tuple[Line, ...] = ()
        self._titles: tuple[str, ...] = ()
        self._marked: int | None = None
        self._usual = self.font().pixelSize() if self.font().pixelSize() > 0 else _USUAL
        # Columns that are left out where there is little room.
        self.spare: tuple[int, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """What it shows."""
        return self._lines

    def show_lines(
        self, titles: Sequence[str], lines: Sequence[Line], marked: int | None = None
    ) -> None:
        """Show lines of numbers below titles; ``marked`` is one that stands out."""
        if (tuple(titles), tuple(lines), marked) == (self._titles, self._lines, self._marked):
            return
        self._titles, self._lines, self._marked = tuple(titles), tuple(lines), marked
        self.setColumnCount(len(titles))
        self.setRowCount(len(lines))
        self.setHorizontalHeaderLabels(list(titles))
        first = self.horizontalHeaderItem(0)
        if first is not None:
            first.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for row, line in enumerate(lines):
            cells, notes = (line.name, *line.cells), (line.name, *line.notes)
            for column, (cell, note) in enumerate(zip(cells, notes, strict=True)):
                self._put(row, column, cell, note, marked == row)
        self._share_out()

    @property
    def _is_wide(self) -> bool:
        return self.viewport().width() >= _WIDE

    def _put(self, row: int, column: int, text: str, note: str | None, bold: bool) -> None:
        item = self.item(row, column) or QTableWidgetItem()
        item.setText(text)
        if note is not None:
            item.setToolTip(note)
        side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
        item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        font = self.font()
        font.setBold(bold or (column == self.columnCount() - 1 and self._is_wide))
        item.setFont(font)
        if self.item(row, column) is not item:
            self.setItem(row, column, item)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width among the columns."""
        super().resizeEvent(event)
        self._share_out()

    def _share_out(self) -> None:
        if not self._titles:
            return
        header = self.horizontalHeader()
        wide = self._is_wide
        font = self.font()
        font.setPixelSize(self._usual if wide else _SMALL)
        if font != self.font():
            self.setFont(font)
            # Ten px that a name needs; the wheel and the keys scroll.
            bars = Qt.ScrollBarPolicy
            self.setVerticalScrollBarPolicy(
                bars.ScrollBarAsNeeded if wide else bars.ScrollBarAlwaysOff
            )
        for row, line in enumerate(self._lines):
            for column, text in enumerate((line.name, *line.cells)):
                narrow = text.replace(" ± ", "±")
                self._put(row, column, text if wide else narrow, None, self._marked == row)
        shown = [column for column in range(self.columnCount()) if wide or column not in self.spare]
        metrics = self.fontMetrics()
        rest = self.viewport().width() - sum(
            self.sizeHintForColumn(column) for column in shown if column
        )
        names = next(
            (
                names
                for names in _namings(self._lines)
                if all(metrics.horizontalAdvance(name) + _PADDING < rest for name in names)
            ),
            [line.short for line in self._lines],
        )
        # All lines are seen at once as long as they can be read.
        room = self.viewport().height() // max(len(self._lines), 1)
        self.verticalHeader().setDefaultSectionSize(min(max(room, LEAST), LINE))
        for column in range(self.columnCount()):
            self.setColumnHidden(column, column not in shown)
            fits = QHeaderView.ResizeMode.ResizeToContents if column else None
            header.setSectionResizeMode(column, fits or QHeaderView.ResizeMode.Stretch)
        for row in range(len(self._lines)):
            item = self.item(row, 0)
            if item is not None:
                item.setText(names[row])


def _namings(lines: Sequence[Line]) -> tuple[list[str], list[str]]:
    """The names of all lines in full, and in fewer words."""
    return [line.name for line in lines], [line.middle or line.name for line in lines]


_MIDDLE: dict[PairMeasure, str] = {
    "same_argmax": "same max",
    "jensen_shannon": "JS, bits",
    "soft_mass": "soft mass",
    "entropy_a": "H(A), bits",
    "entropy_b": "H(B), bits",
    "effective_a": "items of A",
    "effective_b": "items of B",
}
NAMES: dict[PairMeasure, tuple[str, str, str]] = {
    "same_argmax": (
        "same argmax",
        "max",
        "Whether both are largest at the same key; how often, over queries, steps and examples.",
    ),
    "jensen_shannon": (
        "Jensen–Shannon, bits",
        "JS",
        "H((A + B)/2) − (H(A) + H(B))/2: 0 for equal distributions, 1 for ones that share no key.",
    ),
    "soft_mass": (
        "soft mass on choice",
        "mass",
        "Probability that the soft run gives to what the hard one selected.",
    ),
    "entropy_a": ("entropy of A, bits", "H(A)", "−Σ p log₂ p of A’s distribution."),
    "entropy_b": ("entropy of B, bits", "H(B)", "−Σ p log₂ p of B’s distribution."),
    "effective_a": (
        "effective items of A",
        "N(A)",
        "2 to the entropy: how many equally likely items would have as much.",
    ),
    "effective_b": (
        "effective items of B",
        "N(B)",
        "2 to the entropy: how many equally likely items would have as much.",
    ),
}

# Those that follow from others; the last ones.
SPARE = ("effective_a", "effective_b")


def numbers_lines(a: Frame, b: Frame, found: Comparison | None, lane: int) -> tuple[Line, ...]:
    """The numbers at the place of two frames, at its step over all examples, and over all steps."""
    here = here_numbers(a, b)
    several = max(a.steps, b.steps) > 1
    step = found.step(b.place.step, lane) if found is not None else None
    overall = found.overall[lane] if found is not None else None
    one_hard = a.hard != b.hard
    return tuple(
        Line(
            name,
            short,
            (
                here_words(measure, here),
                *([_cell(measure, step)] if several else ()),
                _cell(measure, overall),
            ),
            (
                f"{note} Here: this example, step and query.",
                *([f"{note} {_note(measure, step)}"] if several else ()),
                f"{note} {_note(measure, overall)}",
            ),
            _MIDDLE[measure],
        )
        for measure, (name, short, note) in NAMES.items()
        if measure != "soft_mass" or one_hard
    )


def here_numbers(a: Frame, b: Frame) -> dict[PairMeasure, float]:
    """The numbers between the rows of two frames; none where they have different keys."""
    if a.probabilities.shape != b.probabilities.shape or not a.probabilities.size:
        return {}
    chosen, by = None, ""
    if a.hard != b.hard:
        chosen, by = ([a.selection or (-1,)], "A") if a.hard else ([b.selection or (-1,)], "B")
    row = pair_numbers(a.probabilities[None], b.probabilities[None], chosen, by)[0]
    return dict(zip(NAMES, row.tolist(), strict=True))


def here_words(measure: PairMeasure, numbers: dict[PairMeasure, float]) -> str:
    """One of the numbers of a place, as shown."""
    value = numbers.get(measure, float("nan"))
    if value != value:
        return NOT_RECORDED
    if measure == "same_argmax":
        return "yes" if value == 1 else "no"
    return _digits(measure, value)


def interval_words(measure: PairMeasure, one: Interval | None) -> str:
    """A mean with half the width of its interval, as shown: ``"72.4 ± 0.9 %"``."""
    if one is None or not one.count:
        return NOT_RECORDED
    if measure == "same_argmax":
        return f"{100 * one.mean:.1f} ± {100 * one.half_width:.1f} %"
    return f"{_digits(measure, one.mean)} ± {_digits(measure, one.half_width)}"


def _digits(measure: PairMeasure, value: float) -> str:
    if measure.startswith("effective"):
        return f"{value:.1f}"
    return f"{value:.3f}" if measure == "soft_mass" else f"{value:.2f}"


def _cell(measure: PairMeasure, numbers: Numbers | None) -> str:
    return interval_words(measure, numbers[measure] if numbers is not None else None)


def _note(measure: PairMeasure, numbers: Numbers | None) -> str:
    one = numbers[measure] if numbers is not None else None
    if one is None or not one.count:
        return "Not known."
    return (
        f"Mean {one.mean:.4f}, {100 * one.level:.0f} % interval {one.low:.4f} – {one.high:.4f} "
        f"over {one.count:,} examples."
    )


def foot_words(found: Comparison | None, error: str = "") -> tuple[str, str]:
    """How the intervals were made and over what, in full and in short."""
    if error:
        return error, error
    if found is None:
        return "Over all examples: being read…", "being read…"
    over = f"{found.done:,} of {found.total:,}" if found.done < found.total else f"{found.total:,}"
    words = (
        f"± half of the {100 * found.level:.0f} % percentile bootstrap interval over {over} "
        f"examples, {found.resamples:,} resamples"
    )
    left_out = f"; {found.skipped:,} left out" if found.skipped else ""
    short = f"± {100 * found.level:.0f} %, n = {over}, {found.resamples:,} resamples{left_out}"
    return words + left_out, short
