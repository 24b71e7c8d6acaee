"""What an expression is made of, once it is read: frozen nodes that know where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Slot = Literal["A", "B"]
SLOTS: tuple[Slot, Slot] = ("A", "B")


class ExpressionError(ValueError):
    """What is wrong with an expression, in one sentence, and where.

    Args:
        sentence: what is wrong.
        start: the first character that is meant.
        end: the character after the last one; at least one is marked.
    """

    def __init__(self, sentence: str, start: int = 0, end: int = 0) -> None:
        super().__init__(sentence)
        self.start = start
        self.end = max(end, start + 1)


@dataclass(frozen=True)
class Node:
    """A part of an expression.

    Attributes:
        start: its first character.
        end: the character after its last one.
    """

    start: int
    end: int


@dataclass(frozen=True)
class Number(Node):
    """A number as it was written."""

    value: float


@dataclass(frozen=True)
class Text(Node):
    """A text between quotes."""

    value: str


@dataclass(frozen=True)
class Name(Node):
    """A field, of one run where a slot is named: ``entropy``, ``entropy(B)``.

    Attributes:
        name: the field.
        slot: ``"A"`` or ``"B"``, or None where none was written.
        quoted: whether it stood between backticks, and so names a recorded scalar.
    """

    name: str
    slot: Slot | None = None
    quoted: bool = False


@dataclass(frozen=True)
class OverSteps(Node):
    """One number or condition for all steps of an example: ``any(entropy > 2)``.

    Attributes:
        function: ``any``, ``all``, ``count``, ``max`` …
        argument: what is asked of every step.
    """

    function: str
    argument: Expression


@dataclass(frozen=True)
class Not(Node):
    """The opposite of a condition."""

    operand: Expression


@dataclass(frozen=True)
class Junction(Node):
    """Several conditions joined by one word.

    Attributes:
        both: whether all of them must hold, and not just one.
        parts: the conditions, two or more.
    """

    both: bool
    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Comparison(Node):
    """A chain such as ``1 < entropy <= 2``.

    Attributes:
        operands: what is compared, one more than there are signs.
        signs: ``>``, ``>=``, ``<``, ``<=``, ``==``, ``!=``, ``~`` (holds the text), ``!~``.
    """

    operands: tuple[Expression, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True)
class Arithmetic(Node):
    """A sum or a product, from left to right.

    Attributes:
        first: the first operand.
        rest: a sign of ``+ - * /`` and an operand each.
    """

    first: Expression
    rest: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class Negative(Node):
    """Minus a number."""

    operand: Expression


Expression = Number | Text | Name | OverSteps | Not | Junction | Comparison | Arithmetic | Negative
