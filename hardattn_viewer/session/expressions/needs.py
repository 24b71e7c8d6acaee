"""What has to be read before an expression can be answered, and whether it makes sense at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.expressions.evaluating import Scope, evaluate
from hardattn_viewer.session.expressions.fields import Field, Vocabulary
from hardattn_viewer.session.expressions.parsing import parse
from hardattn_viewer.session.expressions.segments import Mask, Segments
from hardattn_viewer.session.expressions.syntax import (
    Arithmetic,
    Comparison,
    Expression,
    Junction,
    Negative,
    Not,
    OverSteps,
    Slot,
)


@dataclass(frozen=True)
class Needs:
    """What an expression is about.

    Attributes:
        fields: what has to be read of runs, by slot: fields of steps, and ``text``.
        steps: whether it is about steps at all.
    """

    fields: frozenset[tuple[Slot, str]] = frozenset()
    steps: bool = False

    @property
    def nothing(self) -> bool:
        """Whether the example table is enough."""
        return not (self.fields or self.steps)


@lru_cache(maxsize=256)
def needs(text: str, vocabulary: Vocabulary, scope: Scope) -> Needs:
    """Check an expression, and say what it needs.

    Args:
        text: the expression; empty needs nothing.
        vocabulary: the names that can be used.
        scope: whether it is asked of examples or of steps.

    Raises:
        ExpressionError: it cannot be understood; the error says where.
    """
    if not text.strip():
        return Needs()
    expression = parse(text)
    nothing = _Nothing(vocabulary)
    # On no rows at all every rule of kinds and names is the same as on a million.
    evaluate(expression, nothing, scope)
    steps = scope == "steps" or nothing.steps or _over_steps(expression)
    return Needs(frozenset(nothing.asked), steps)


class _Nothing:
    """Columns without rows, which note what they are asked for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.asked: set[tuple[Slot, str]] = set()
        self.steps = False

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    @property
    def segments(self) -> Segments:
        return Segments(np.zeros(0, np.int64))

    def of_rows(self, field: Field, slot: Slot) -> NDArray[Any]:
        if field.name == "text":
            self.asked.add((slot, field.name))
        return _empty(field)

    def of_steps(self, field: Field, slot: Slot) -> NDArray[Any]:
        self.steps = True
        if field.sided:
            self.asked.add((slot, field.name))
        return _empty(field)

    def mean(self, field: Field, slot: Slot) -> NDArray[np.float64] | None:
        return np.zeros(0) if field.name == "entropy" else None

    def present(self, slot: Slot) -> Mask:
        return None


def _empty(field: Field) -> NDArray[Any]:
    return np.zeros(0, {"number": np.float64, "text": object, "condition": np.bool_}[field.kind])


def _over_steps(node: Expression) -> bool:
    match node:
        case OverSteps():
            return True
        case Not(operand=operand) | Negative(operand=operand):
            return _over_steps(operand)
        case Junction(parts=parts) | Comparison(operands=parts):
            return any(_over_steps(part) for part in parts)
        case Arithmetic(first=first, rest=rest):
            return _over_steps(first) or any(_over_steps(part) for _, part in rest)
    return False
