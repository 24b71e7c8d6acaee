"""Filter expressions over the heads of a run, such as ``entropy < 1 & layer >= 3``.

They are written and read as those over examples are; only what the names stand for is another: one
column a name, one value a head.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.atlas import MEASURES, WORDS, Atlas
from hardattn_viewer.session.expressions.completing import Completion, word_before
from hardattn_viewer.session.expressions.evaluating import folded
from hardattn_viewer.session.expressions.parsing import parse
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
    Text,
)
from hardattn_viewer.session.head_numbers import HeadNumbers

Column = NDArray[Any]

PLACES = {
    "layer": "layer of the model, from 0",
    "head": "number of the head in its layer, from 0",
    "queries": "queries of its map",
    "keys": "keys of its map",
    "hard": "whether it selects items",
    "picked": "whether it is picked",
    "kind": 'kind of its site, as in kind == "self"',
    "site": 'name of its site, as in site ~ "decoder"',
}
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


def filter_names() -> dict[str, str]:
    """Every name that an expression can use, with what it stands for."""
    measures: dict[str, str] = {
        name: f"{WORDS[name].name}: {WORDS[name].note}" for name in MEASURES
    }
    return {**measures, **PLACES}


def completions_of_heads(text: str) -> tuple[str, tuple[Completion, ...]]:
    """What can stand at the end of an expression: the word that is typed, and what it may become.

    Args:
        text: the expression up to the cursor.
    """
    word = word_before(text)
    names = {**filter_names(), "and": "both hold; also &", "or": "one holds; also |"}
    fitting = [Completion(name, note) for name, note in names.items() if name.startswith(word)]
    return (
        (word, tuple(fitting)) if word and [one.text for one in fitting] != [word] else (word, ())
    )


def columns_of(numbers: HeadNumbers, atlas: Atlas) -> dict[str, Column]:
    """One value a head, by the names of ``filter_names``."""
    found: dict[str, Column] = {name: numbers.column(name) for name in MEASURES}
    sites, picked = numbers.sites, set(atlas.picked)

    def each(values: list[Any], dtype: Any) -> Column:
        return np.repeat(np.array(values, dtype), [one.heads for one in sites])

    layers = [one.layer if one.layer >= 0 else np.nan for one in sites]
    found["layer"] = each(layers, np.float64)
    found["head"] = np.array(
        [number for one in sites for number in one.numbers_in_model], np.float64
    )
    found["queries"] = each([one.queries or np.nan for one in sites], np.float64)
    found["keys"] = each([one.keys or np.nan for one in sites], np.float64)
    found["hard"] = each([one.hard for one in sites], np.bool_)
    found["picked"] = np.array([head in picked for head in numbers.heads], np.bool_)
    found["kind"] = each([one.kind for one in sites], np.str_)
    found["site"] = each([one.site for one in sites], np.str_)
    return found


def filtered(text: str, columns: Mapping[str, Column]) -> NDArray[np.bool_]:
    """Which heads an expression lets through.

    A measure that a head has not is neither equal nor unequal to anything, nor above or below it.

    Args:
        text: the expression; empty lets everything through.
        columns: from ``columns_of``.

    Returns:
        bool [heads].

    Raises:
        ExpressionError: it cannot be understood; the error says why and where.
    """
    count = len(columns["head"])
    if not text.strip():
        return np.ones(count, np.bool_)
    with np.errstate(all="ignore"):
        return np.broadcast_to(_condition(parse(text), columns), count).copy()


def _value(node: Expression, columns: Mapping[str, Column]) -> Any:
    match node:
        case Number(value=value) | Text(value=value):
            return value
        case Name():
            return _column(node, columns)
        case OverSteps():
            words = f"{node.function}(…) runs over steps; all heads here are of one step."
            raise ExpressionError(words, node.start, node.end)
        case Not():
            return ~_condition(node.operand, columns)
        case Negative():
            return np.negative(_number(node.operand, columns))
        case Junction():
            parts = [_condition(part, columns) for part in node.parts]
            combine = np.logical_and if node.both else np.logical_or
            return np.asarray(combine.reduce(parts), np.bool_)
        case Arithmetic():
            return _calculated(node, columns)
        case Comparison():
            pairs = zip(node.operands, node.signs, node.operands[1:], strict=False)
            parts = [_compared(*pair, columns) for pair in pairs]
            return np.asarray(np.logical_and.reduce(parts), np.bool_)


def _column(node: Name, columns: Mapping[str, Column]) -> Column:
    if node.slot is not None:
        words = f"Write {node.name} without a bracket: all heads here are of one run."
        raise ExpressionError(words, node.start, node.end)
    if node.name in columns:
        return columns[node.name]
    close = difflib.get_close_matches(node.name, columns, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(columns)}."
    name = node.name if len(node.name) <= 30 else node.name[:29] + "…"
    raise ExpressionError(f"There is no {name}: {hint}", node.start, node.end)


def _condition(node: Expression, columns: Mapping[str, Column]) -> NDArray[np.bool_]:
    value = _value(node, columns)
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        return value
    what, hint = ("text", 'site ~ "decoder"') if _is_text(value) else ("a value", "entropy < 1")
    words = f"That is {what}, not a condition: compare it, as in {hint}."
    raise ExpressionError(words, node.start, node.end)


def _number(node: Expression, columns: Mapping[str, Column]) -> Any:
    value = _value(node, columns)
    if _is_text(value):
        raise ExpressionError("That is text; a number is needed here.", node.start, node.end)
    if _is_condition(value):
        raise ExpressionError("A condition cannot be calculated with.", node.start, node.end)
    return value


def _calculated(node: Arithmetic, columns: Mapping[str, Column]) -> Any:
    total = _number(node.first, columns)
    for sign, part in node.rest:
        other = _number(part, columns)
        if sign == "/" and np.ndim(other) == 0 and other == 0:
            raise ExpressionError("That divides by zero.", part.start, part.end)
        total = _CALCULATE[sign](total, other)
    return total


def _compared(
    left: Expression, sign: str, right: Expression, columns: Mapping[str, Column]
) -> NDArray[np.bool_]:
    a, b = _value(left, columns), _value(right, columns)
    count = len(columns["head"])
    if sign in ("~", "!~"):
        if not (_is_text(a) and isinstance(b, str)):
            words = f'{sign} searches a text: write for example site {sign} "decoder".'
            raise ExpressionError(words, left.start, right.end)
        part = folded(b)
        holds = np.array([part in folded(str(one)) for one in np.broadcast_to(a, count)], np.bool_)
        return holds if sign == "~" else ~holds
    if (_is_text(a), _is_condition(a)) != (_is_text(b), _is_condition(b)):
        words = "These two are not of the same kind and cannot be compared."
        raise ExpressionError(words, left.start, right.end)
    if sign not in ("==", "!=") and (_is_text(a) or _is_condition(a)):
        words = "Text and conditions are compared with == or !=."
        raise ExpressionError(words, left.start, right.end)
    result = np.broadcast_to(np.asarray(_COMPARE[sign](a, b), np.bool_), count)
    for side in (a, b):
        if not _is_text(side) and not _is_condition(side):
            result = result & ~np.isnan(side)
    return np.asarray(result, np.bool_)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype.kind == "U")


def _is_condition(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.bool_
