"""The pieces that a check is divided into, and how a process measures one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import torch

from hardattn_viewer.checks.forced import Forced
from hardattn_viewer.checks.measured import Measured
from hardattn_viewer.faithfulness.checking import forced_of, known_of, shards_of, words_of
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import FaithfulnessError
from hardattn_viewer.faithfulness.measuring import measure
from hardattn_viewer.faithfulness.plan import Plan
from hardattn_viewer.faithfulness.scaling.source import Loaded, Source

_ONE_AT_A_TIME = threading.Lock()
"""Torch's random state and a model's hooks belong to the whole process, and a Dask worker may have
several threads."""


@dataclass(frozen=True)
class Job:
    """What all pieces of a check have in common.

    Attributes:
        source: where the model and its examples are found.
        identity: of what was found there when the check began; a process that finds something else
            refuses.
        plan: what is measured.
        reading: what is read from the outputs.
        targets: class that is read of each example; the predicted one if None.
        threads: of torch, in each process.
    """

    source: Source
    identity: str
    plan: Plan
    reading: str
    targets: tuple[int, ...] | None = None
    threads: int = 1


@dataclass(frozen=True)
class Unit:
    """A shard of the examples under one operator, or with its choices forced.

    Attributes:
        number: its place among all of a check, from 0.
        examples: indices.
        operator: how items are removed; None where choices are forced.
    """

    number: int
    examples: tuple[int, ...]
    operator: str | None

    @property
    def words(self) -> str:
        """What it is, in words."""
        doing = "forcing choices" if self.operator is None else f"removing by {self.operator}"
        return f"{words_of(self.examples)}: {doing}"


@dataclass(frozen=True, eq=False)
class Piece:
    """What came of a unit.

    Attributes:
        number: of the unit.
        measured: under its operator; None where choices were forced.
        forced: by example, where they were.
        asked: rows that were asked for.
        evaluated: rows that the model ran on.
        seconds: processor time that it took.
    """

    number: int
    measured: Measured | None = None
    forced: dict[int, Forced] = field(default_factory=dict)
    asked: int = 0
    evaluated: int = 0
    seconds: float = 0.0


class Runner(Protocol):
    """Has units measured somewhere."""

    def __call__(
        self, job: Job, units: Sequence[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Piece]:
        """The pieces of all units, each as soon as it is there.

        Raises:
            CancelledError: ``should_stop`` said so; it is asked every tenth of a second.
            FaithfulnessError: one cannot be measured.
        """
        ...


def units_of(plan: Plan, count: int, *, chooses: bool) -> list[Unit]:
    """The units of a plan over so many examples, those of one shard beside each other."""
    kinds = [*plan.operators, *([None] if chooses else [])]
    pairs = [(shard, kind) for shard in shards_of(count) for kind in kinds]
    return [Unit(number, shard, kind) for number, (shard, kind) in enumerate(pairs)]


def run_unit(job: Job, unit: Unit) -> Piece:
    """Measure one unit in this process, which loads the model when it is first asked.

    The numbers are the same whatever this process measured before, since nothing is kept of that.

    Raises:
        FaithfulnessError: the model cannot be run on them, or is another one here.
    """
    with _ONE_AT_A_TIME:
        began = time.process_time()
        torch.set_num_threads(job.threads)
        loaded = _loaded(job.source, job.identity)
        targets = dict(enumerate(job.targets)) if job.targets is not None else {}
        engine = Engine(loaded.subject, job.reading, targets)
        # First of all, as for an operator: a class that is near a tie must be the same one.
        engine.whole(unit.examples)
        plan, made, found = job.plan, {}, None
        if unit.operator is None:
            made = forced_of(engine, plan, unit.examples)
        else:
            known = known_of(loaded.subject, plan.explainers, loaded.explanations)
            found = measure(engine, plan, unit.operator, unit.examples, known)
        seconds = time.process_time() - began
    return Piece(unit.number, found, made, engine.asked, engine.evaluated, seconds)


@lru_cache(maxsize=1)
def _loaded(source: Source, identity: str) -> Loaded:
    loaded = source.load()
    if loaded.identity() != identity:
        raise FaithfulnessError(
            f"a worker found another model or other examples by {source.factory} than this check "
            "began with: give it the same files"
        )
    return loaded
