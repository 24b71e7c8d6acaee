"""The example table: examples of runs A and B side by side, aligned by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recorders.run.reader import Run

Column = Literal["index", "outcome", "entropy", "reward"]
NATS_PER_BIT = float(np.log(2.0))
# Columns that belong to one site, not to the example as a whole.
_OF_SITE = ("entropy", "log_prob", "steps")


@dataclass(frozen=True)
class Sort:
    """The order of the example table."""

    column: Column = "index"
    descending: bool = False


@dataclass(frozen=True, eq=False)
class RunColumns:
    """Columns of one run over the aligned rows.

    Attributes:
        index: int64 [rows], the example in the run, -1 where the run does not hold it.
        prediction: int64 [rows], -1 where there is none.
        confidence: float64 [rows], probability of the prediction, NaN where there is none.
        label_probability: float64 [rows], probability of the true class.
        entropy: float64 [rows], mean over steps, in bits.
        reward: float64 [rows], reward of the last step.
        steps: float64 [rows], number of steps.
        tokens: float64 [rows], number of tokens; empty where it is not known.
    """

    index: NDArray[np.int64]
    prediction: NDArray[np.int64]
    confidence: NDArray[np.float64]
    label_probability: NDArray[np.float64]
    entropy: NDArray[np.float64]
    reward: NDArray[np.float64]
    steps: NDArray[np.float64]
    tokens: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, eq=False)
class Rows:
    """Examples of A, then those that only B holds, with the numbers of both.

    Attributes:
        names: the examples' names.
        label: int64 [rows], true class, -1 where there is none.
        a: columns of the run in slot A, or None.
        b: columns of the run in slot B, or None.
        differs: rows where A and B hold different inputs under the same name.
    """

    names: tuple[str, ...]
    label: NDArray[np.int64]
    a: RunColumns | None
    b: RunColumns | None
    differs: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.names)

    def index(self, slot: Literal["A", "B"], row: int) -> int:
        """The example of the run in ``slot`` that ``row`` shows; -1 where there is none."""
        columns = self.a if slot == "A" else self.b
        return -1 if columns is None or not 0 <= row < len(self) else int(columns.index[row])

    def thumbnail_source(self, row: int) -> tuple[Literal["A", "B"], int]:
        """The slot and example whose image stands for ``row``."""
        index = self.index("A", row)
        return ("A", index) if index >= 0 else ("B", self.index("B", row))


def align(
    names_a: Sequence[str], names_b: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair the examples of two runs by name.

    An example without a name is paired by its index; where a name occurs several times, its
    first occurrences are paired, then its second ones.

    Returns:
        int64 [rows] indices into A and into B, -1 where a run does not hold the example. All
        of A come first, in A's order.
    """
    if names_a == names_b and len(set(names_a)) == len(names_a):
        # The usual pair, of the same examples: no example is looked for one by one.
        same = np.arange(len(names_a), dtype=np.int64)
        return same, same.copy()
    waiting: dict[str | int, list[int]] = defaultdict(list)
    for index in range(len(names_b) - 1, -1, -1):
        waiting[names_b[index] or index].append(index)
    pairs = [
        (index, found.pop() if (found := waiting.get(name or index)) else -1)
        for index, name in enumerate(names_a)
    ]
    pairs += [(-1, index) for index in sorted(i for left in waiting.values() for i in left)]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()


def read_rows(
    run_a: Run | None,
    run_b: Run | None,
    sites: tuple[str | None, str | None],
    snapshots: tuple[int | None, int | None],
) -> Rows:
    """Align two runs and read the columns of both.

    Args:
        run_a: the run in slot A, or None.
        run_b: the run in slot B, or None.
        sites: name of the site of each run, None for the first; a run that does not hold it has
            no entropy and no steps there.
        snapshots: index of the snapshot of each run; None is the last one.

    Raises:
        recorders.RunError: a run is damaged.
    """
    names_a = run_a.example_names if run_a else ()
    names_b = run_b.example_names if run_b else ()
    index_a, index_b = align(names_a, names_b)
    only_b = index_b[index_a < 0].tolist()
    names = (*names_a, *(names_b[index] for index in only_b))
    columns_a, label_a = _columns(run_a, index_a, sites[0], snapshots[0])
    columns_b, label_b = _columns(run_b, index_b, sites[1], snapshots[1])
    differs = _differing(run_a, run_b, index_a, index_b)
    return Rows(names, np.where(label_a >= 0, label_a, label_b), columns_a, columns_b, differs)


def _differing(
    run_a: Run | None, run_b: Run | None, index_a: NDArray[np.int64], index_b: NDArray[np.int64]
) -> frozenset[int]:
    if run_a is None or run_b is None:
        return frozenset()
    both = np.flatnonzero((index_a >= 0) & (index_b >= 0))
    digests_a, digests_b = run_a.example_digests, run_b.example_digests
    other = (digests_a[index_a[both]] != digests_b[index_b[both]]).any(axis=1)
    return frozenset(both[other].tolist())


def _columns(
    run: Run | None, index: NDArray[np.int64], site: str | None, snapshot: int | None
) -> tuple[RunColumns | None, NDArray[np.int64]]:
    if run is None:
        return None, np.full(index.size, -1, dtype=np.int64)
    names = [known.name for known in run.sites]
    stored = run.columns(site if site in names else None, snapshot)
    if site is not None and site not in names:
        stored = {name: values for name, values in stored.items() if name not in _OF_SITE}
    present = index >= 0
    source = index[present]

    def floats(name: str) -> NDArray[np.float64]:
        values = np.full(index.size, np.nan)
        if name in stored:
            values[present] = stored[name][source]
        return values

    def integers(name: str) -> NDArray[np.int64]:
        values = np.full(index.size, -1, dtype=np.int64)
        if name in stored:
            values[present] = stored[name][source]
        return values

    columns = RunColumns(
        index=index,
        prediction=integers("prediction"),
        confidence=floats("confidence"),
        label_probability=floats("label_probability"),
        entropy=floats("entropy") / NATS_PER_BIT,
        reward=floats("reward"),
        steps=floats("steps"),
        tokens=floats("tokens"),
    )
    return columns, integers("label")


def sort_rows(rows: Rows, keep: NDArray[np.bool_], sort: Sort) -> tuple[int, ...]:
    """The rows that ``keep`` lets through, sorted; missing values always come last."""
    kept = np.flatnonzero(keep)
    values = _sort_values(rows, sort.column)[kept]
    # Negated rather than reversed, so that equal rows stay in the order of the run; what is
    # missing is sorted last by itself.
    order = np.argsort(-values if sort.descending else values, kind="stable")
    return tuple(kept[order].tolist())


def _sort_values(rows: Rows, column: Column) -> NDArray[np.float64]:
    first = rows.a or rows.b
    if column == "index" or first is None:
        return np.arange(len(rows), dtype=np.float64)
    if column == "outcome":
        wrong = [_wrong(rows.label, side.prediction) for side in (rows.a, rows.b) if side]
        return np.asarray(rows.label + 1000.0 * sum(wrong), dtype=np.float64)
    if column == "entropy":
        return first.entropy
    return first.reward


def _wrong(label: NDArray[np.int64], prediction: NDArray[np.int64]) -> NDArray[np.float64]:
    wrong = (prediction >= 0) & (label >= 0) & (prediction != label)
    return np.asarray(wrong, dtype=np.float64)
