"""A soft model deployed hard: each head, each layer and all of it, by argmax and by a draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from hardattn_viewer.checks.hardened import EVERYTHING, HOW, Hardened, Place
from hardattn_viewer.faithfulness.attending import Attending, AttendingError
from hardattn_viewer.faithfulness.engine import Engine, quiet_run, read
from hardattn_viewer.faithfulness.errors import CancelledError, FaithfulnessError
from hardattn_viewer.faithfulness.hardening import Hardened as RunHard
from hardattn_viewer.faithfulness.observing import whole_row
from hardattn_viewer.faithfulness.rankings import generator_of
from hardattn_viewer.faithfulness.subject import Floats, Row
from hardattn_viewer.faithfulness.subjects.choosing import Choosing
from hardattn_viewer.faithfulness.subjects.reading import NextTokenSubject

MOST_HEADS = 400
"""Heads up to which each is run hard on its own; of larger models their layers are."""


def deployed_hard(engine: Engine, examples: int, seed: int = 0) -> Hardened:
    """Run the first examples with places run hard, one after another.

    Of a system that blends at choices, a choice takes one candidate where it weighed all.

    Args:
        engine: runs the model, and says what is read.
        examples: the first so many; 0 for none.
        seed: of what is drawn.

    Raises:
        CancelledError: somebody asked to stop.
    """
    count = min(examples, len(engine.subject))
    if not count:
        return Hardened(reason="no example was to be run with hard heads")
    numbers = range(count)
    if isinstance(engine.subject, Choosing):
        if not all(engine.subject.choices(example).blends for example in numbers):
            return Hardened(reason="it takes single items already: its choices are forced instead")
        return _choices(engine, engine.subject, numbers, seed)
    rows = [whole_row(engine.subject, example) for example in numbers]
    try:
        with quiet_run(), Attending() as heard:
            engine.subject.run(rows)
    except AttendingError as error:
        return Hardened(reason=str(error))
    layers = heard.heads_seen
    places = [Place(layer) for layer in range(len(layers))]
    if sum(layers) <= MOST_HEADS:
        places += [Place(layer, head) for layer, many in enumerate(layers) for head in range(many)]

    def outputs(at: int, place: Place, how: int) -> Tensor:
        site = None if place.layer == EVERYTHING else place.layer
        heads = None if place.head == EVERYTHING else [place.head]
        generator = torch.Generator().manual_seed(seed * 100_003 + at)
        with RunHard(site, heads, how=HOW[how], generator=generator):
            return engine.subject.run(rows)

    return _measured(engine, [Place(), *places], numbers, rows, outputs)


def _choices(engine: Engine, subject: Choosing, examples: Sequence[int], seed: int) -> Hardened:
    made = {example: subject.choices(example) for example in examples}
    rows = [whole_row(subject, example) for example in examples]
    count = len(made[0].chosen)

    def outputs(at: int, place: Place, how: int) -> Tensor:
        told = []
        for example, choices in made.items():
            generator = generator_of(seed, "deployed", example)
            drawn = [generator.choice(len(p), p=p / p.sum()) for p in choices.probabilities]
            taken = choices.chosen if how == 0 else np.array(drawn)
            forced = [
                int(one) if place.layer in (EVERYTHING, step) and choices.live[step] else -1
                for step, one in enumerate(taken)
            ]
            told.append(Row(example, rows[0].kept, forced=tuple(forced)))
        return subject.run(told)

    places = [Place(), *[Place(step) for step in range(count if count > 1 else 0)]]
    return _measured(engine, places, examples, rows, outputs, choices=True)


def _measured(
    engine: Engine,
    places: Sequence[Place],
    examples: Sequence[int],
    rows: Sequence[Row],
    outputs: Callable[[int, Place, int], Tensor],
    *,
    choices: bool = False,
) -> Hardened:
    targets = [engine.target(example) for example in examples]

    def table(found: Tensor) -> Floats:
        return found.detach().double().numpy()

    with quiet_run():
        usual = table(engine.subject.run(rows))
    classes = usual.shape[1] > 1 and not isinstance(engine.subject, NextTokenSubject)
    values = np.full((len(HOW), len(places), len(rows)), np.nan)
    flips = np.full(values.shape, np.nan)
    for at, place in enumerate(places):
        for how in range(len(HOW)):
            if engine.should_stop():
                raise CancelledError("stopped")
            with quiet_run():
                found = table(outputs(at, place, how))
            if not np.isfinite(found).all():
                raise FaithfulnessError(
                    f"the model's output is not finite where {place.name} attends hard"
                )
            values[how, at] = _read(found, engine.reading, targets)
            if classes:
                flips[how, at] = found.argmax(-1) != usual.argmax(-1)
    return Hardened(
        tuple(places),
        tuple(examples),
        _read(usual, engine.reading, targets),
        values,
        flips,
        choices=choices,
    )


def _read(outputs: Floats, reading: str, targets: Sequence[int]) -> Floats:
    return np.array(
        [read(row[None], reading, at)[0] for row, at in zip(outputs, targets, strict=True)]
    )
