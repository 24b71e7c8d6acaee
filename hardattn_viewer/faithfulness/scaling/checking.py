"""The whole check of what a source names, measured elsewhere and concluded here."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from hardattn_viewer.checks.report import Report
from hardattn_viewer.checks.sanity import Sanity
from hardattn_viewer.faithfulness.checking import concluding, conclusion, facts_of, prepared
from hardattn_viewer.faithfulness.errors import CancelledError
from hardattn_viewer.faithfulness.scaling.cluster import Cluster
from hardattn_viewer.faithfulness.scaling.parts import Parts
from hardattn_viewer.faithfulness.scaling.pool import Pool
from hardattn_viewer.faithfulness.scaling.source import Loaded, Source
from hardattn_viewer.faithfulness.scaling.units import Job, Piece, Runner, Unit, units_of
from hardattn_viewer.faithfulness.subjects.choosing import Choosing

_REPORTING = 9
"""A tenth of the time may go into reports on the way, of which a long one takes seconds."""

_LONGEST = 1.0
"""Seconds that such a report may take; after a longer one there are none but the last."""


def check_apart(
    source: Source,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    parts: Path | None = None,
    threads: int = 1,
    loaded: Loaded | None = None,
    facts: Mapping[str, Any] | None = None,
    sanity: Sequence[Sanity] = (),
    warnings: Sequence[str] = (),
    on_report: Callable[[Report], object] | None = None,
    on_progress: Callable[[float, str], object] = lambda done, words: None,
    should_stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> Report:
    """As :func:`hardattn_viewer.faithfulness.check`, by several processes or machines.

    The report's numbers are those of a check in one process: every draw is seeded by the check's
    seed, the example and what it is for. It ends within a second of ``should_stop`` saying so.

    Args:
        source: what is checked; every process loads it for itself.
        workers: processes on this machine, where no scheduler is named.
        scheduler: address of a Dask scheduler whose workers have this package and the same files.
        parts: folder that finished units are written to as they come, and from which an equal check
            goes on; the caller removes it, with ``discard``, when the report is safe.
        threads: of torch, in each process.
        loaded: what the source gives, if that was loaded already.
        facts: as for ``check``.
        sanity: as for ``check``.
        warnings: as for ``check``.
        on_report: as for ``check``, as often as a tenth of the time allows, and no more once one
            took over a second (some 200 examples).
        on_progress: as for ``check``.
        should_stop: as for ``check``.
        options: explainers, operators, targets, reading, controls, seed, rest and most, as for
            ``check``.

    Raises:
        ValueError: arguments that do not go together.
        FaithfulnessError: something cannot be checked, a unit was lost four times over, or the
            folder of parts cannot be used; one sentence.
        CancelledError: ``should_stop`` said so; the parts stay.
        ModuleNotFoundError: a scheduler is named and ``distributed`` is not installed.
    """
    began = time.process_time()
    runner: Runner = Cluster(scheduler) if scheduler is not None else Pool(workers)
    loaded = loaded or source.load()
    engine, plan, known = prepared(
        loaded.subject, loaded.explanations, should_stop=should_stop, **options
    )
    chooses = isinstance(loaded.subject, Choosing)
    units = units_of(plan, len(loaded.subject), chooses=chooses)
    targets = options.get("targets")
    job = Job(
        source,
        loaded.identity(),
        plan,
        engine.reading,
        tuple(map(int, targets)) if targets is not None else None,
        threads,
    )
    pieces: dict[int, Piece] = {}

    def conclude(numbers: Sequence[int], *, last: bool) -> Report:
        there = [pieces[number] for number in sorted(numbers)]
        measured = [one.measured for one in there if one.measured is not None]
        for one in measured:
            engine.targets.update(zip(one.examples, one.targets, strict=True))
        told = facts_of(engine, plan, began - sum(one.seconds for one in there))
        told["rows asked"] += sum(one.asked for one in there)
        told["rows evaluated"] += sum(one.evaluated for one in there)
        forced = {example: made for one in there for example, made in one.forced.items()}
        return conclusion(
            engine,
            plan,
            known,
            measured,
            forced,
            {**told, **(facts or {})},
            sanity,
            warnings,
            last=last,
            on_step=concluding(on_progress, len(pieces) / (len(units) + 1))
            if last
            else lambda done: None,
        )

    whole = _Shards(units)
    next_report = 0.0
    # Left to the garbage collector, workers would outlive an error.
    with closing(_pieces(runner, job, units, parts, should_stop)) as coming:
        for piece in coming:
            pieces[piece.number] = piece
            on_progress(len(pieces) / (len(units) + 1), f"{units[piece.number].words}: done")
            new = whole.completed(piece.number) and len(pieces) < len(units)
            if new and on_report is not None and time.monotonic() >= next_report:
                started = time.monotonic()
                on_report(conclude(whole.numbers, last=False))
                took = time.monotonic() - started
                # Workers that are done wait for their next unit while one is made.
                pause = _REPORTING * took if took < _LONGEST else float("inf")
                next_report = time.monotonic() + pause
    on_progress(len(pieces) / (len(units) + 1), "controls")
    if should_stop():
        raise CancelledError("stopped")
    report = conclude(list(pieces), last=True)
    on_progress(1.0, "done")
    return report


def _pieces(
    runner: Runner,
    job: Job,
    units: Sequence[Unit],
    folder: Path | None,
    should_stop: Callable[[], bool],
) -> Generator[Piece]:
    """All pieces: first those that lie in a folder, then the others, which are put there."""
    with nullcontext() if folder is None else Parts(folder, job, units) as parts:
        before = parts.found() if parts is not None else []
        yield from before
        done = {piece.number for piece in before}
        left = [unit for unit in units if unit.number not in done]
        with closing(runner(job, left, should_stop)) as coming:
            for piece in coming:
                if parts is not None:
                    parts.keep(piece)
                yield piece


class _Shards:
    """Which shards have all their units, so that reports hold every example in full."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self._of = {unit.number: unit.examples for unit in units}
        self._left: dict[tuple[int, ...], set[int]] = {}
        for unit in units:
            self._left.setdefault(unit.examples, set()).add(unit.number)
        self.numbers: list[int] = []

    def completed(self, number: int) -> bool:
        """Note a unit; True where it was the last of its shard."""
        shard = self._of[number]
        self._left[shard].discard(number)
        if self._left[shard]:
            return False
        self.numbers += [other for other, examples in self._of.items() if examples == shard]
        return True
