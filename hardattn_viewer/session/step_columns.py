"""Reading numbers of all steps of the runs in A and B, and the texts of their examples."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.expressions.blocks import StepColumns
from hardattn_viewer.session.expressions.syntax import SLOTS, Slot
from hardattn_viewer.session.rows import NATS_PER_BIT
from hardattn_viewer.session.wording import plain_text
from recorders.run.batches import EventTable
from recorders.run.layout import MAX_STEPS
from recorders.run.steps import StepScalar

if TYPE_CHECKING:
    from recorders.run.reader import Run

# What is read between two looks at whether somebody waits for a picture.
_STEPS = 1 << 16
_ROWS = 1 << 20
_TEXTS = 200
_TOKENS = 4_000


@dataclass(frozen=True, eq=False)
class ReadColumns:
    """What was read of the runs in A and B by now.

    Attributes:
        done: how much of it was read, in [0, 1].
        a: the steps of the run in A; None without a run, or while reading goes on.
        b: the same for B.
    """

    done: float
    a: StepColumns | None = None
    b: StepColumns | None = None

    def of(self, slot: Slot) -> StepColumns | None:
        """The steps of the run in ``slot``."""
        return self.a if slot == "A" else self.b


@dataclass(frozen=True)
class ColumnsStudy:
    """Fields of all steps of the runs in A and B at one site.

    Attributes:
        a: key of the run in A, or None.
        b: key of the run in B, or None.
        grown: the generations of both.
        sites: the site in each run, None where it has none.
        snapshots: the snapshot of each; None is the last.
        fields: what to read, by slot: fields of steps, and ``text``.
        known: what was read before of the same steps, and need not be read again.
    """

    a: int | None
    b: int | None
    grown: tuple[int, int]
    sites: tuple[str | None, str | None]
    snapshots: tuple[int | None, int | None]
    fields: frozenset[tuple[Slot, str]] = frozenset()
    known: ReadColumns | None = field(default=None, compare=False)

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""
        return tuple(key for key in (self.a, self.b) if key is not None)

    def results(self, runs: Mapping[int, Run]) -> Iterator[object]:
        """Read; what comes first says only how far reading has come."""
        wanted = {slot: sorted(name for of, name in self.fields if of == slot) for slot in SLOTS}
        parts = max(sum(len(names) for names in wanted.values()), 1)
        before = 0
        found: dict[Slot, StepColumns | None] = {}
        for slot, key, site, snapshot in zip(
            SLOTS, (self.a, self.b), self.sites, self.snapshots, strict=True
        ):
            found[slot] = None
            if key is None or site is None:
                continue
            known = self.known.of(slot) if self.known is not None else None
            reading = read_columns(runs[key], site, snapshot, wanted[slot], known)
            while True:
                try:
                    done = next(reading)
                except StopIteration as end:
                    found[slot] = end.value
                    break
                yield ReadColumns((before + done) / parts)
            before += len(wanted[slot])
        yield ReadColumns(1.0, found["A"], found["B"])


def read_columns(
    run: Run,
    site: str,
    snapshot: int | None,
    names: list[str],
    known: StepColumns | None = None,
) -> Generator[float, None, StepColumns]:
    """Read fields of all steps of a run; yields how many of them are read by now.

    Args:
        run: the run.
        site: the site.
        snapshot: the snapshot; None is the last.
        names: fields of steps, recorded scalars, and ``text``.
        known: what was read before of the same steps.

    Raises:
        recorders.RunError: the run is damaged there.
    """
    table = run.event_table(site, snapshot)
    heads = next(one.heads for one in run.sites if one.name == site)
    yield 0.0
    starts = np.searchsorted(table.example, np.arange(len(run.examples) + 1))
    fields: dict[str, NDArray[Any]] = {}
    texts = np.zeros(0, dtype=object)
    for at, name in enumerate(names):
        if known is not None and name in known.fields:
            fields[name] = known.fields[name]
        elif name == "text" and known is not None and known.texts.size:
            texts = known.texts
        elif name == "text":
            texts = np.empty(len(run.examples), dtype=object)
            for first in range(0, texts.size, _TEXTS):
                for example in range(first, min(first + _TEXTS, texts.size)):
                    tokens = run.tokens(example, "tokens", snapshot) or ()
                    texts[example] = plain_text(tokens)
                yield at + first / texts.size
        else:
            reading = _field(run, table, heads, name, snapshot)
            while True:
                try:
                    done = next(reading)
                except StopIteration as end:
                    fields[name] = end.value
                    break
                yield at + done
    return StepColumns(starts.astype(np.int64), table.step, fields, texts)


_Reading = Generator[float, None, NDArray[Any]]


def _field(run: Run, table: EventTable, heads: int, name: str, snapshot: int | None) -> _Reading:
    match name:
        case "entropy":
            nats = yield from _sliced(table, heads, partial(run.step_means, "entropy"))
            return np.asarray(nats / NATS_PER_BIT)
        case "log_prob":
            return (yield from _sliced(table, heads, partial(run.step_means, "log_prob")))
        case "p_selected":
            logs = yield from _sliced(table, heads, partial(run.step_means, "log_prob"))
            return np.asarray(np.exp(logs))
        case "selected":
            return (yield from _sliced(table, 1, run.step_choices))
        case "token":
            return (yield from _tokens(run, table, snapshot))
        case "temperature":
            values = yield from _scalar(run, table, name, snapshot)
            return np.where(np.isnan(values), run.step_temperatures(table.event), values)
        case "advantage" if "advantage" not in run.scalar_names:
            reward = yield from _scalar(run, table, "reward", snapshot)
            baseline = yield from _scalar(run, table, "baseline", snapshot)
            return np.asarray(reward - baseline)
    return (yield from _scalar(run, table, name, snapshot))


def _sliced(
    table: EventTable,
    heads: int,
    read: Callable[[NDArray[np.int64]], NDArray[np.float64]],
) -> _Reading:
    values = np.full(len(table.event), np.nan)
    most = int(table.shape[:, 1].max(initial=1)) * max(heads, 1)
    together = max(min(_STEPS, _ROWS // most), 1)
    for first in range(0, len(table.event), together):
        part = slice(first, first + together)
        values[part] = read(table.event[part])
        yield first / len(table.event)
    return values


def _scalar(run: Run, table: EventTable, name: str, snapshot: int | None) -> _Reading:
    scalar = run.step_scalar(name, snapshot)
    yield 0.1
    return (yield from placed(table, scalar))


def placed(table: EventTable, scalar: StepScalar) -> _Reading:
    """A scalar at the steps of a table, float64 [n]; NaN where it was not recorded."""
    values = np.full(len(table.event), np.nan)
    codes = table.example * MAX_STEPS + table.step
    for first in range(0, scalar.value.size, _STEPS):
        part = slice(first, first + _STEPS)
        wanted = scalar.example[part] * MAX_STEPS + scalar.step[part]
        at = np.minimum(np.searchsorted(codes, wanted), max(codes.size - 1, 0))
        fits = codes[at] == wanted if codes.size else np.zeros(at.size, np.bool_)
        values[at[fits]] = scalar.value[part][fits]
        yield 0.1 + 0.9 * first / scalar.value.size
    return values


def _tokens(run: Run, table: EventTable, snapshot: int | None) -> _Reading:
    texts = np.full(len(table.event), "", dtype=object)
    codes = table.example * MAX_STEPS + table.step
    total = max(len(table.event), 1)
    for number, (example, step, text) in enumerate(run.step_tokens(snapshot)):
        at = int(np.searchsorted(codes, example * MAX_STEPS + step))
        if at < codes.size and codes[at] == example * MAX_STEPS + step:
            texts[at] = text
        if number % _TOKENS == 0:
            yield min(number / total, 1.0)
    return texts
