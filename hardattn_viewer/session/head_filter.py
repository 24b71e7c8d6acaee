"""Filter expressions over the heads of a run, such as ``entropy < 1 & layer >= 3``.

Parsed with Python's own parser, checked against a short list of allowed nodes, and evaluated on
one column a name: an expression reaches nothing but these. The words ``and``, ``or``, ``not`` and
the signs ``&``, ``|``, ``~`` mean the same.
"""

from __future__ import annotations

import ast
import difflib
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.atlas import MEASURES, WORDS, Atlas
from hardattn_viewer.session.filters import FilterError
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
    "site": 'name of its site, as in "decoder" in site',
}
MAX_LENGTH = 500
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
# Outside of quotes; doubled signs come first.
_SIGNS = re.compile(r"\"[^\"]*\"|'[^']*'|&&?|\|\|?|~|!(?!=)")
_AS_WORDS = {"&": " and ", "|": " or ", "~": " not ", "!": " not "}


def filter_names() -> dict[str, str]:
    """Every name that an expression can use, with what it stands for."""
    measures: dict[str, str] = {
        name: f"{WORDS[name].name}: {WORDS[name].note}" for name in MEASURES
    }
    return {**measures, **PLACES}


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
        FilterError: the expression cannot be understood; the message says where.
    """
    count = len(columns["head"])
    if not text.strip():
        return np.ones(count, np.bool_)
    if len(text) > MAX_LENGTH:
        raise FilterError(f"A filter may be at most {MAX_LENGTH} characters long.")
    tree = _parse(text)
    try:
        with np.errstate(all="ignore"):
            result = _value(tree.body, columns)
    except RecursionError:
        raise FilterError("That is nested too deeply.") from None
    if isinstance(result, np.ndarray) and result.dtype == np.bool_:
        return result
    raise FilterError("That is a value, not a condition: compare it, as in entropy < 1.")


def _parse(text: str) -> ast.Expression:
    words = _SIGNS.sub(lambda sign: _AS_WORDS.get(sign.group()[:1], sign.group()), text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(words.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FilterError(_what_is_missing(text)) from None


def _what_is_missing(text: str) -> str:
    if text.count("(") != text.count(")"):
        return "A bracket is not closed."
    if text.rstrip().endswith(("&", "|", "~", ">", "<", "=", "+", "-", "*", "/", "and", "or")):
        return "Something must follow at the end."
    if re.search(r"(?<![=<>!])=(?!=)", text):
        return "To compare, write == instead of =."
    return "That cannot be read. Try entropy < 1 & layer >= 3."


def _value(node: ast.expr, columns: Mapping[str, Column]) -> Any:
    match node:
        case ast.Constant(value=bool()):
            raise FilterError("Write conditions instead of True and False.")
        case ast.Constant(value=int() | float() as number):
            return _as_float(number)
        case ast.Constant(value=str() as text):
            return text
        case ast.BoolOp():
            parts = [_condition(part, columns) for part in node.values]
            combine = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return np.asarray(combine.reduce(parts), np.bool_)
        case ast.UnaryOp(op=ast.Not()):
            return ~_condition(node.operand, columns)
        case ast.UnaryOp(op=ast.USub()):
            return -1.0 * _number(node.operand, columns)
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            left, right = _number(node.left, columns), _number(node.right, columns)
            try:
                return _ARITHMETIC[type(node.op)](left, right)
            except (ZeroDivisionError, OverflowError):
                raise FilterError("That divides by zero.") from None
        case ast.Compare():
            return _comparison(node, columns)
        case ast.Name(id=name):
            if name in columns:
                return columns[name]
            close = difflib.get_close_matches(name, columns, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(columns)}."
            raise FilterError(f"There is no {name}: {hint}")
    raise FilterError(f"{_shown(node)} cannot be used in a filter.")


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise FilterError("That number is too large.") from None


def _condition(node: ast.expr, columns: Mapping[str, Column]) -> NDArray[np.bool_]:
    value = _value(node, columns)
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        return value
    raise FilterError(f"{_shown(node)} is not a condition: compare it, as in entropy < 1.")


def _number(node: ast.expr, columns: Mapping[str, Column]) -> Any:
    value = _value(node, columns)
    if _is_text(value):
        raise FilterError(f"{_shown(node)} is text; a number is needed there.")
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        raise FilterError("A condition cannot be calculated with.")
    return value


def _comparison(node: ast.Compare, columns: Mapping[str, Column]) -> NDArray[np.bool_]:
    result = np.ones(len(columns["head"]), np.bool_)
    left = node.left
    for sign, right in zip(node.ops, node.comparators, strict=True):
        result = result & _compare(left, sign, right, columns)
        left = right
    return result


def _compare(
    left: ast.expr, sign: ast.cmpop, right: ast.expr, columns: Mapping[str, Column]
) -> NDArray[np.bool_]:
    a, b = _value(left, columns), _value(right, columns)
    if isinstance(sign, ast.In):
        if not isinstance(a, str) or not (isinstance(b, np.ndarray) and b.dtype.kind == "U"):
            raise FilterError('With in, write text and a name, as in "decoder" in site.')
        return np.asarray(np.char.find(b, a) >= 0)
    if type(sign) not in _COMPARE:
        raise FilterError("Use one of > >= < <= == != to compare.")
    if _is_text(a) != _is_text(b):
        raise FilterError(f"{_shown(left)} and {_shown(right)} are not of the same kind.")
    result = np.asarray(_COMPARE[type(sign)](a, b), np.bool_)
    for side in (a, b):
        if isinstance(side, np.ndarray) and side.dtype.kind == "f":
            result = result & ~np.isnan(side)
    return np.broadcast_to(result, len(columns["head"])).copy()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype.kind == "U")


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 30 else text[:29] + "…"
