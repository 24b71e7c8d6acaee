"""Steps where an expression holds, and the way from one to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.expressions.blocks import Tables
from hardattn_viewer.session.expressions.evaluating import evaluate
from hardattn_viewer.session.expressions.parsing import parse

if TYPE_CHECKING:
    from recorders.run.reader import Run


@dataclass(frozen=True)
class Find:
    """The search for steps, as it stands.

    Attributes:
        text: the expression over steps as typed; empty where nothing is searched.
        error: what is wrong with it, in words; empty where nothing is.
        mark: the characters of it that are meant, first and after the last.
        said: what came of the last jump, such as that it began again from the start.
    """

    text: str = ""
    error: str = ""
    mark: tuple[int, int] = (0, 0)
    said: str = ""


@dataclass(frozen=True, eq=False)
class Hits:
    """The steps where an expression holds, in the order of the example table's rows.

    Attributes:
        starts: int64 [rows + 1], where each row's hits begin.
        step: int64 [hits], from 0.
        done: how much of the table was searched, in [0, 1].
    """

    starts: NDArray[np.int64]
    step: NDArray[np.int64]
    done: float = 1.0

    def of_row(self, row: int) -> NDArray[np.int64]:
        """The steps of a row, from 0, ascending."""
        if not 0 <= row < self.starts.size - 1:
            return np.zeros(0, np.int64)
        return self.step[self.starts[row] : self.starts[row + 1]]

    def number(self, order: Sequence[int]) -> int:
        """How many hits the listed rows have."""
        if len(order) == self.starts.size - 1:
            return int(self.step.size)
        return int(self._counts(order).sum())

    def _counts(self, order: Sequence[int]) -> NDArray[np.int64]:
        rows = np.fromiter(order, np.int64, len(order))
        return self.starts[rows + 1] - self.starts[rows]

    def after(
        self, order: Sequence[int], row: int, step: int, by: int
    ) -> tuple[int, int, bool] | None:
        """The next hit in the order of the table.

        Args:
            order: the listed rows.
            row: where to start; a row that is not listed stands before the first.
            step: the step to start behind.
            by: 1 for the next hit, -1 for the one before.

        Returns:
            Row, step, and whether the end of the table was passed; None where there is no hit.
        """
        own = self.of_row(row)
        listed = row in order
        if listed:
            at = int(np.searchsorted(own, step, "right" if by > 0 else "left"))
            if by > 0 and at < own.size:
                return row, int(own[at]), False
            if by < 0 and at > 0:
                return row, int(own[at - 1]), False
        counts = self._counts(order)
        places = np.flatnonzero(counts)
        if not places.size:
            return None
        here = order.index(row) if listed else -1
        later = places[places > here] if by > 0 else places[places < here][::-1]
        passed = not later.size
        place = int(later[0]) if later.size else int(places[0] if by > 0 else places[-1])
        found = self.of_row(order[place])
        return order[place], int(found[0] if by > 0 else found[-1]), passed and listed


@dataclass(frozen=True)
class HitsStudy:
    """Every step of every example where an expression holds.

    Attributes:
        tables: what it is evaluated on.
        text: the expression.
    """

    tables: Tables
    text: str

    @property
    def keys(self) -> tuple[int, ...]:
        """It reads no run: everything was read before."""
        return ()

    def results(self, runs: Mapping[int, Run]) -> Iterator[object]:
        """The hits so far, again and again until they are all there."""
        expression = parse(self.text)
        rows = len(self.tables.rows)
        counts = np.zeros(rows, np.int64)
        steps = [np.zeros(0, np.int64)]
        for block in self.tables.blocks():
            holds = evaluate(expression, block, "steps")
            counts[block.low : block.high] = block.segments.number_of(holds)
            steps.append(block.step[holds])
            if block.high < rows:
                yield None
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        yield Hits(starts, np.concatenate(steps))
