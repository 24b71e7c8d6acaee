"""The columns that expressions are evaluated on: some rows of the example table at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.expressions.fields import Field, Vocabulary
from hardattn_viewer.session.expressions.segments import Mask, Segments
from hardattn_viewer.session.expressions.syntax import SLOTS, Slot
from hardattn_viewer.session.rows import Rows, RunColumns
from recorders.run.layout import MAX_STEPS

# Steps and rows that are looked at together, so that pictures need not wait for all of them.
TOGETHER = 1 << 17


@dataclass(frozen=True, eq=False)
class StepColumns:
    """What was read of all steps of one run at one site.

    Attributes:
        starts: int64 [examples + 1], where each example's steps begin.
        step: int64 [n], from 0.
        fields: by name, float64 [n] or texts [n].
        texts: the texts of the examples [examples]; empty where they were not read.
    """

    starts: NDArray[np.int64]
    step: NDArray[np.int64]
    fields: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    texts: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, object))


@dataclass(frozen=True, eq=False)
class Tables:
    """Everything that an expression can be evaluated on.

    Attributes:
        rows: the example table.
        vocabulary: the names that can be used.
        a: the steps of the run in A, where they were read.
        b: the same for B.
        notes: the notes of bookmarked rows, by row.
    """

    rows: Rows
    vocabulary: Vocabulary
    a: StepColumns | None = None
    b: StepColumns | None = None
    notes: Mapping[int, str] = field(default_factory=dict)

    def steps_of(self, slot: Slot) -> StepColumns | None:
        """The steps of the run in a slot."""
        return self.a if slot == "A" else self.b

    def side(self, slot: Slot) -> RunColumns | None:
        """The columns of examples of the run in a slot."""
        return self.rows.a if slot == "A" else self.rows.b

    def blocks(self, together: int = TOGETHER) -> Iterator[Block]:
        """Parts of the table, whole examples each, none much larger than ``together`` steps."""
        sizes = np.ones(len(self.rows), dtype=np.int64)
        for slot in SLOTS:
            steps, side = self.steps_of(slot), self.side(slot)
            if steps is not None and side is not None:
                sizes += _counts(steps, side.index)
        ends = np.cumsum(sizes)
        low = 0
        while low < len(self.rows):
            before = int(ends[low - 1]) if low else 0
            high = max(int(np.searchsorted(ends, before + together, "right")), low + 1)
            yield Block(self, low, high)
            low = high


class Block:
    """Some rows of the table, and their steps.

    Args:
        tables: the whole.
        low: the first row.
        high: the row after the last one.
    """

    def __init__(self, tables: Tables, low: int, high: int) -> None:
        self._tables = tables
        self.low, self.high = low, high

    @property
    def vocabulary(self) -> Vocabulary:
        """The names that can be used."""
        return self._tables.vocabulary

    @property
    def segments(self) -> Segments:
        """How many steps each row has, in either run."""
        return self._joined[0]

    @property
    def step(self) -> NDArray[np.int64]:
        """The number of each step, from 0."""
        return self._joined[1]

    def of_rows(self, field: Field, slot: Slot) -> NDArray[Any]:
        """A field of the examples."""
        rows, part = self._tables.rows, slice(self.low, self.high)
        match field.name:
            case "example":
                return np.arange(self.low, self.high, dtype=np.float64)
            case "name":
                return _texts(rows.names[part])
            case "true":
                return _classes(rows.label[part])
            case "agree":
                a, b = self._side("A").prediction[part], self._side("B").prediction[part]
                return np.asarray((a >= 0) & (a == b))
            case "bookmarked":
                return np.array([row in self._tables.notes for row in range(self.low, self.high)])
            case "note":
                notes = self._tables.notes
                return _texts(tuple(notes.get(row, "") for row in range(self.low, self.high)))
        return self._of_side(field.name, slot, part)

    def of_steps(self, field: Field, slot: Slot) -> NDArray[Any]:
        """A field of the steps; NaN, or no text, where the run does not have the step."""
        if field.name == "step":
            return self.step + 1.0
        places = self._places[slot]
        steps = self._tables.steps_of(slot)
        empty: Any = np.nan if field.kind == "number" else ""
        dtype = np.float64 if field.kind == "number" else object
        if steps is None:
            return np.full(self.segments.total, empty, dtype=dtype)
        values = steps.fields[field.name][self._positions[slot]]
        if places is None:
            return values
        found = np.full(self.segments.total, empty, dtype=dtype)
        found[places] = values
        return found

    def mean(self, field: Field, slot: Slot) -> NDArray[np.float64] | None:
        """The mean over steps that the table shows already."""
        return self._side(slot).entropy[self.low : self.high] if field.name == "entropy" else None

    def present(self, slot: Slot) -> Mask:
        """Which of the steps the run in ``slot`` has."""
        places = self._places[slot]
        if places is None:
            return None
        mask = np.zeros(self.segments.total, dtype=np.bool_)
        mask[places] = True
        return mask

    def _side(self, slot: Slot) -> RunColumns:
        side = self._tables.side(slot)
        # Names of a run that is not there were refused before.
        assert side is not None
        return side

    def _of_side(self, name: str, slot: Slot, part: slice) -> NDArray[Any]:
        side, label = self._side(slot), self._tables.rows.label[part]
        prediction = side.prediction[part]
        both = (prediction >= 0) & (label >= 0)
        match name:
            case "wrong":
                return np.asarray(both & (prediction != label))
            case "right" | "correct":
                return np.asarray(both & (prediction == label))
            case "prediction":
                return _classes(prediction)
            case "p_true":
                return side.label_probability[part]
            case "missing":
                return side.index[part] < 0
            case "text":
                return self._example_texts(slot, side.index[part])
        numbers: NDArray[np.float64] = getattr(side, name)
        return numbers[part]

    def _example_texts(self, slot: Slot, index: NDArray[np.int64]) -> NDArray[np.object_]:
        steps = self._tables.steps_of(slot)
        found = np.full(index.size, "", dtype=object)
        if steps is not None and steps.texts.size:
            found[index >= 0] = steps.texts[index[index >= 0]]
        return found

    @cached_property
    def _positions(self) -> dict[Slot, NDArray[np.int64] | slice]:
        """Where the steps of the rows are among those of each run."""
        found: dict[Slot, NDArray[np.int64] | slice] = {}
        for slot in SLOTS:
            steps, side = self._tables.steps_of(slot), self._tables.side(slot)
            found[slot] = slice(0, 0)
            if steps is not None and side is not None:
                found[slot] = _positions(steps, side.index[self.low : self.high])
        return found

    @cached_property
    def _codes(self) -> dict[Slot, NDArray[np.int64]]:
        """Row and step of each step of each run, as one number."""
        found: dict[Slot, NDArray[np.int64]] = {}
        rows = np.arange(self.high - self.low, dtype=np.int64)
        for slot in SLOTS:
            steps, side = self._tables.steps_of(slot), self._tables.side(slot)
            found[slot] = np.zeros(0, np.int64)
            if steps is not None and side is not None:
                counts = _counts(steps, side.index[self.low : self.high])
                own = steps.step[self._positions[slot]]
                found[slot] = np.repeat(rows, counts) * MAX_STEPS + own
        return found

    @cached_property
    def _joined(self) -> tuple[Segments, NDArray[np.int64]]:
        """The steps that either run has."""
        a, b = self._codes["A"], self._codes["B"]
        codes = self._all_codes(a, b)
        row = codes // MAX_STEPS
        counts = np.bincount(row, minlength=self.high - self.low).astype(np.int64)
        return Segments(counts), codes - row * MAX_STEPS

    @staticmethod
    def _all_codes(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        if not b.size or np.array_equal(a, b):
            return a
        return np.union1d(a, b) if a.size else b

    @cached_property
    def _places(self) -> dict[Slot, NDArray[np.int64] | None]:
        """Where the steps of each run are among those of either; None where they are the same."""
        a, b = self._codes["A"], self._codes["B"]
        codes = self._all_codes(a, b)
        return {
            slot: None if own.size == codes.size else np.searchsorted(codes, own)
            for slot, own in self._codes.items()
        }


def _counts(steps: StepColumns, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many steps each row has in a run."""
    known = (index >= 0) & (index < steps.starts.size - 1)
    at = np.where(known, index, 0)
    if steps.starts.size < 2:
        return np.zeros(index.size, np.int64)
    return np.where(known, steps.starts[at + 1] - steps.starts[at], 0)


def _positions(steps: StepColumns, index: NDArray[np.int64]) -> NDArray[np.int64] | slice:
    if index.size and index[0] >= 0 and bool((np.diff(index) == 1).all()):
        last = min(int(index[-1]) + 1, steps.starts.size - 1)
        return slice(int(steps.starts[min(index[0], last)]), int(steps.starts[last]))
    counts = _counts(steps, index)
    known = np.where(counts > 0, index, 0)
    first = steps.starts[known] - (np.cumsum(counts) - counts)
    return np.repeat(first, counts) + np.arange(int(counts.sum()), dtype=np.int64)


def _classes(values: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(values >= 0, values, np.nan).astype(np.float64)


def _texts(texts: tuple[str, ...]) -> NDArray[np.object_]:
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found
