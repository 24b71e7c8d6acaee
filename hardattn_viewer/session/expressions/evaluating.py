"""What an expression says of every example, or of every step: on whole columns, at once.

Rules that hold everywhere:

- A number that was not recorded (NaN) makes every comparison with it false.
- Asked of an example, the number of a step stands for its mean over the steps that have it.
- Asked of a step, what is known of its example holds for every step.
- What runs over steps runs over those that every run named in it has.
"""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.expressions.fields import Field, Kind, Vocabulary, resolve
from hardattn_viewer.session.expressions.segments import Mask, Segments
from hardattn_viewer.session.expressions.syntax import (
    Arithmetic,
    Comparison,
    Expression,
    ExpressionError,
    Junction,
    Name,
    Negative,
    Not,
    Number,
    OverSteps,
    Slot,
    Text,
)

Scope = Literal["examples", "steps"]
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_CALCULATE: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}


class Columns(Protocol):
    """Where the values of fields come from."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The names that can be used."""

    @property
    def segments(self) -> Segments:
        """How many steps each row has."""

    def of_rows(self, field: Field, slot: Slot) -> NDArray[Any]:
        """A field of examples: float64, bool or object (texts), [rows]."""

    def of_steps(self, field: Field, slot: Slot) -> NDArray[Any]:
        """A field of steps, [steps of all rows]."""

    def mean(self, field: Field, slot: Slot) -> NDArray[np.float64] | None:
        """The mean over steps of a field [rows], where it is known already."""

    def present(self, slot: Slot) -> Mask:
        """Which steps a run has, [steps of all rows]; None for all of them."""


@dataclass(frozen=True, eq=False)
class _Value:
    """What a part stands for: one value, one a row, or one a step; and of which runs' steps."""

    kind: Kind
    level: Literal["one", "rows", "steps"]
    data: Any
    slots: frozenset[Slot] = frozenset()


def evaluate(expression: Expression, columns: Columns, scope: Scope) -> NDArray[np.bool_]:
    """Where an expression holds.

    Args:
        expression: what is asked.
        columns: the values.
        scope: whether it is asked of examples or of steps.

    Returns:
        bool [rows], or bool [steps of all rows].

    Raises:
        ExpressionError: it cannot be answered; the error says why and where.
    """
    walk = _Walk(columns)
    in_steps = scope == "steps"
    with np.errstate(all="ignore"):
        value = walk.condition(expression, in_steps)
        if not in_steps:
            return np.array(walk.raised(value, "rows").data, dtype=np.bool_)
        holds = np.array(walk.raised(value, "steps").data, dtype=np.bool_)
        mask = walk.mask(value.slots)
        return holds if mask is None else holds & mask


class _Walk:
    """Goes through an expression once."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._segments = columns.segments

    def condition(self, node: Expression, in_steps: bool) -> _Value:
        """A part that has to hold or not."""
        value = self._value(node, in_steps)
        if value.kind == "condition":
            return value
        what = "text" if value.kind == "text" else "a value"
        hint = 'name ~ "cat"' if value.kind == "text" else "entropy > 2"
        words = f"That is {what}, not a condition: compare it, as in {hint}."
        raise ExpressionError(words, node.start, node.end)

    def raised(self, value: _Value, level: Literal["rows", "steps"]) -> _Value:
        """A value as one a row, or one a step."""
        if value.level == level:
            return value
        if value.level == "one":
            rows = self._segments.counts.size
            size = rows if level == "rows" else self._segments.total
            dtype = object if value.kind == "text" else None
            data = np.full(size, value.data, dtype=dtype)
        else:
            data = self._segments.spread(value.data)
        return replace(value, level=level, data=data)

    def mask(self, slots: frozenset[Slot]) -> Mask:
        """The steps that all of these runs have; None for all steps."""
        masks = [mask for slot in slots if (mask := self._columns.present(slot)) is not None]
        return np.logical_and.reduce(masks) if masks else None

    def _value(self, node: Expression, in_steps: bool) -> _Value:
        match node:
            case Number(value=number):
                return _Value("number", "one", number)
            case Text(value=text):
                return _Value("text", "one", text)
            case Name():
                return self._field(node, in_steps)
            case OverSteps():
                return self._over_steps(node)
            case Not(operand=operand):
                value = self.condition(operand, in_steps)
                return replace(value, data=np.logical_not(value.data))
            case Negative(operand=operand):
                value = self._number(operand, in_steps)
                return replace(value, data=np.negative(value.data))
            case Junction():
                return self._junction(node, in_steps)
            case Arithmetic():
                return self._arithmetic(node, in_steps)
            case Comparison():
                return self._comparison(node, in_steps)

    def _field(self, node: Name, in_steps: bool) -> _Value:
        use = resolve(node, self._columns.vocabulary)
        field, slot = use.field, use.slot
        if field.level == "example":
            return _Value(field.kind, "rows", self._columns.of_rows(field, slot))
        slots: frozenset[Slot] = frozenset((slot,)) if field.sided else frozenset()
        if in_steps:
            return _Value(field.kind, "steps", self._columns.of_steps(field, slot), slots)
        if not field.bare or field.kind != "number":
            like = f'any({field.name} ~ "the")' if field.kind == "text" else f"max({field.name})"
            words = f"{field.name} is of each step: say of which, as in {like}."
            raise ExpressionError(words, node.start, node.end)
        known = self._columns.mean(field, slot)
        if known is None:
            known = self._segments.mean(self._columns.of_steps(field, slot))
        return _Value("number", "rows", known)

    def _number(self, node: Expression, in_steps: bool) -> _Value:
        value = self._value(node, in_steps)
        if value.kind == "text":
            raise ExpressionError("That is text; a number is needed here.", node.start, node.end)
        if value.kind == "condition":
            words = "A condition cannot be calculated with."
            raise ExpressionError(words, node.start, node.end)
        return value

    def _junction(self, node: Junction, in_steps: bool) -> _Value:
        combine = np.logical_and if node.both else np.logical_or
        total = self.condition(node.parts[0], in_steps)
        for part in node.parts[1:]:
            total = self._together(total, self.condition(part, in_steps), combine, "condition")
        return total

    def _arithmetic(self, node: Arithmetic, in_steps: bool) -> _Value:
        total = self._number(node.first, in_steps)
        for sign, part in node.rest:
            other = self._number(part, in_steps)
            if sign == "/" and other.level == "one" and other.data == 0:
                raise ExpressionError("That divides by zero.", part.start, part.end)
            total = self._together(total, other, _CALCULATE[sign], "number")
        return total

    def _together(
        self, a: _Value, b: _Value, function: Callable[[Any, Any], Any], kind: Kind
    ) -> _Value:
        """Two values as one of the finer level of both."""
        if a.level != b.level and "steps" in (a.level, b.level):
            a, b = (self.raised(one, "steps") if one.level == "rows" else one for one in (a, b))
        level = a.level if b.level == "one" else b.level
        return _Value(kind, level, function(a.data, b.data), a.slots | b.slots)

    def _comparison(self, node: Comparison, in_steps: bool) -> _Value:
        values = [self._value(one, in_steps) for one in node.operands]
        parts: list[_Value] = []
        for at, sign in enumerate(node.signs):
            left, right = node.operands[at], node.operands[at + 1]
            compare = _comparing(sign, left, right, values[at].kind, values[at + 1].kind)
            parts.append(self._together(values[at], values[at + 1], compare, "condition"))
        total = parts[0]
        for part in parts[1:]:
            total = self._together(total, part, np.logical_and, "condition")
        return total

    def _over_steps(self, node: OverSteps) -> _Value:
        asks = node.function in ("any", "all", "count", "share")
        ends = node.function in ("first", "last")
        if asks:
            value = self.condition(node.argument, True)
        elif ends:
            value = self._value(node.argument, True)
        else:
            value = self._number(node.argument, True)
        mask, data = self.mask(value.slots), self.raised(value, "steps").data
        if ends:
            return _Value(value.kind, "rows", self._at_end(data, value.kind, mask, node.function))
        if asks:
            return self._asked(node.function, data, mask)
        if mask is not None:
            data = np.where(mask, data, np.nan)
        of_each = {
            "mean": self._segments.mean,
            "sum": self._segments.sum,
            "max": self._segments.largest,
            "min": self._segments.smallest,
        }
        return _Value("number", "rows", of_each[node.function](np.asarray(data, np.float64)))

    def _asked(self, function: str, holds: NDArray[np.bool_], mask: Mask) -> _Value:
        segments = self._segments
        of = segments.counts if mask is None else segments.number_of(mask)
        number = segments.number_of(holds if mask is None else holds & mask)
        if function == "any":
            return _Value("condition", "rows", number > 0)
        if function == "all":
            return _Value("condition", "rows", (number == of) & (of > 0))
        # Of an example that the run does not hold there is nothing to count.
        share = np.where(of > 0, number, np.nan)
        return _Value("number", "rows", share if function == "count" else share / of)

    def _at_end(self, data: NDArray[Any], kind: Kind, mask: Mask, function: str) -> NDArray[Any]:
        at = self._segments.at_end(mask, last=function == "last")
        empty: Any = {"number": np.nan, "text": "", "condition": False}[kind]
        found = np.full(at.size, empty, dtype=data.dtype)
        found[at >= 0] = data[at[at >= 0]]
        return found


def _comparing(
    sign: str, left: Expression, right: Expression, a: Kind, b: Kind
) -> Callable[[Any, Any], Any]:
    """What a sign does with two values of these kinds."""
    start, end = left.start, right.end
    if sign in ("~", "!~"):
        for node, kind in ((left, a), (right, b)):
            if kind != "text":
                words = f'{sign} searches a text: write for example name {sign} "cat".'
                raise ExpressionError(words, node.start, node.end)
        return _holds if sign == "~" else lambda x, y: np.logical_not(_holds(x, y))
    if a != b:
        raise ExpressionError(f"{_A[a]} cannot be compared with {_A[b].lower()}.", start, end)
    if a != "number" and sign not in ("==", "!="):
        signs = "== != ~ or !~" if a == "text" else "== or !="
        raise ExpressionError(f"{_A[a]} is compared with {signs}.", start, end)
    return lambda x, y: _known(_COMPARE[sign](x, y), x, y)


_A = {"number": "A number", "text": "Text", "condition": "A condition"}


def _known(result: Any, *sides: Any) -> Any:
    """A missing number is neither equal nor unequal to anything."""
    for side in sides:
        if isinstance(side, np.ndarray) and side.dtype.kind == "f":
            result = np.logical_and(result, ~np.isnan(side))
    return np.asarray(result, dtype=np.bool_)[()]


def _holds(text: Any, part: Any) -> Any:
    """Whether texts hold a part, whatever the case of letters."""
    if isinstance(part, str):
        wanted = folded(part)
        if isinstance(text, str):
            return wanted in folded(text)
        return np.fromiter((wanted in folded(one) for one in text), np.bool_, len(text))
    texts = [text] * len(part) if isinstance(text, str) else text
    pairs = zip(texts, part, strict=True)
    return np.fromiter((folded(y) in folded(x) for x, y in pairs), np.bool_, len(part))


def folded(text: str) -> str:
    """A text without its differences of case, and with letters and their accents as one."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", text).casefold()
