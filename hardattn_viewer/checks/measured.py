"""What was measured, before anything is concluded from it: plain numbers, in pieces that join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.checks.curves import SHARES
from hardattn_viewer.checks.scoring import Scored

Floats = NDArray[np.float64]
READINGS = ("probability", "logit", "log-probability", "value")
"""What can be read of an output; the last is the number itself, of a model without classes."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Some examples under one operator.

    Attributes:
        operator: how items were removed.
        words: what that does to an item.
        examples: indices of the examples, ``E`` of them.
        targets: class that was read of each.
        whole: ``[E]``, the output with everything there.
        alone: of each example how far the output falls without each item, ``[items]``.
        control_deletion: ``[controls, E, shares]``, of random rankings.
        control_insertion: ``[controls, E, shares]``.
        deletion: of each explanation ``[E, shares]``; NaN where it is undefined.
        insertion: of each explanation ``[E, shares]``.
        scores: of each explanation, of each example, ``[items]``; empty where undefined.
        reasons: of each explanation, by index of an example, why it has no value there.
        notes: of each explanation, by name, a further number for each example, ``[E]``.
        scored: of each explanation, by name of a score, see ``scoring.KINDS``; those by moving the
            input are with the first operator alone; empty in files from before there were any.
        asked: rows that were asked for.
        evaluated: rows that the model ran on.
    """

    operator: str
    words: str
    examples: tuple[int, ...]
    targets: tuple[int, ...]
    whole: Floats
    alone: list[Floats]
    control_deletion: Floats
    control_insertion: Floats
    deletion: dict[str, Floats] = field(default_factory=dict)
    insertion: dict[str, Floats] = field(default_factory=dict)
    scores: dict[str, list[Floats]] = field(default_factory=dict)
    reasons: dict[str, dict[int, str]] = field(default_factory=dict)
    notes: dict[str, dict[str, Floats]] = field(default_factory=dict)
    scored: dict[str, dict[str, Scored]] = field(default_factory=dict)
    asked: int = 0
    evaluated: int = 0

    @property
    def explainers(self) -> tuple[str, ...]:
        """Names of the explanations, in the order in which they were asked for."""
        return tuple(self.deletion)

    @property
    def empty(self) -> Floats:
        """``[E]``, the output with nothing there."""
        return self.control_deletion[0, :, -1]


def joined(pieces: Sequence[Measured]) -> list[Measured]:
    """Pieces of several operators and examples as one for each operator, examples in order.

    Raises:
        ValueError: two of one operator hold the same example, or other explanations.
    """
    by_operator: dict[str, list[Measured]] = {}
    for piece in pieces:
        by_operator.setdefault(piece.operator, []).append(piece)
    return [_joined(many) for many in by_operator.values()]


def _joined(pieces: Sequence[Measured]) -> Measured:
    first = pieces[0]
    examples = np.concatenate([np.asarray(one.examples, np.int64) for one in pieces])
    if len(np.unique(examples)) != len(examples):
        raise ValueError(f"two pieces by {first.operator} hold the same example")
    if any(_what(one) != _what(first) for one in pieces):
        raise ValueError(f"pieces by {first.operator} hold different explanations")
    order = np.argsort(examples, kind="stable")

    def rows(name: str, axis: int = 0) -> Floats:
        return np.concatenate([getattr(one, name) for one in pieces], axis).take(order, axis)

    def listed(parts: Sequence[Sequence[Floats]]) -> list[Floats]:
        whole = [one for part in parts for one in part]
        return [whole[at] for at in order]

    def named(name: str) -> dict[str, Floats]:
        return {
            key: np.concatenate([getattr(one, name)[key] for one in pieces])[order]
            for key in getattr(first, name)
        }

    targets = [one for piece in pieces for one in piece.targets]
    return Measured(
        operator=first.operator,
        words=first.words,
        examples=tuple(int(examples[at]) for at in order),
        targets=tuple(targets[at] for at in order),
        whole=rows("whole"),
        alone=listed([one.alone for one in pieces]),
        control_deletion=rows("control_deletion", 1),
        control_insertion=rows("control_insertion", 1),
        deletion=named("deletion"),
        insertion=named("insertion"),
        scores={name: listed([one.scores[name] for one in pieces]) for name in first.scores},
        reasons={
            name: {key: value for one in pieces for key, value in one.reasons[name].items()}
            for name in first.reasons
        },
        notes={
            name: {
                note: np.concatenate([_note(one, name, note) for one in pieces])[order]
                for note in dict.fromkeys(key for one in pieces for key in one.notes[name])
            }
            for name in first.notes
        },
        scored={
            name: {
                score: _scored([one.scored[name][score] for one in pieces], order) for score in many
            }
            for name, many in first.scored.items()
        },
        asked=sum(one.asked for one in pieces),
        evaluated=sum(one.evaluated for one in pieces),
    )


def _what(piece: Measured) -> tuple[object, ...]:
    return piece.explainers, {name: tuple(many) for name, many in piece.scored.items()}


def _scored(parts: Sequence[Scored], order: NDArray[np.int64]) -> Scored:
    return Scored(
        values=np.concatenate([one.values for one in parts])[order],
        random=np.concatenate([one.random for one in parts])[order],
        won=np.concatenate([one.won for one in parts])[order],
        reasons={key: why for one in parts for key, why in one.reasons.items()},
    )


def _note(piece: Measured, name: str, note: str) -> Floats:
    return piece.notes[name].get(note, np.full(len(piece.examples), np.nan))


def shares_of(measured: Measured) -> tuple[float, ...]:
    """Shares at which its curves were measured."""
    points = measured.control_deletion.shape[-1]
    return SHARES if points == len(SHARES) else tuple(np.linspace(0, 1, points).tolist())
