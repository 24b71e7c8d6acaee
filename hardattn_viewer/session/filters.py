"""Filter expressions over the example table, such as ``wrong(A) & entropy > 2``.

An expression is parsed with Python's own parser, checked against a short list of allowed
nodes and evaluated on whole columns. It cannot reach anything but the columns.
"""

from __future__ import annotations

import ast
import difflib
import io
import operator
import re
import tokenize
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.rows import Rows, RunColumns

# What a part of an expression stands for: a column over all rows (an array), or one float or str.
Value = Any

COLUMNS = {
    "true": "true class",
    "name": "the example's name",
    "number": "position in the table, from 1",
    "agree": "A and B predict the same class",
}
SIDES = {
    "wrong": "prediction differs from the true class",
    "right": "prediction is the true class",
    "prediction": "predicted class",
    "confidence": "probability of the prediction",
    "p_true": "probability of the true class",
    "entropy": "mean entropy over steps, bits",
    "reward": "reward of the last step",
    "steps": "number of steps",
    "missing": "the run does not hold the example",
}
_WORDS = {"&": "and", "|": "or", "~": "not", "&&": "and", "||": "or", "!": "not"}
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
MAX_LENGTH = 500


class FilterError(ValueError):
    """What is wrong with a filter expression, in one sentence."""


def completions(both: bool) -> tuple[str, ...]:
    """Every name that a filter can use, as it is typed."""
    slots = ("A", "B") if both else ("A",)
    return (*COLUMNS, *SIDES, *(f"{name}({slot})" for name in SIDES for slot in slots))


def filter_rows(text: str, rows: Rows) -> NDArray[np.bool_]:
    """Which rows an expression lets through.

    ``&``, ``|`` and ``~`` bind looser than comparisons, as people mean them. A name without a
    slot, such as ``entropy``, means run A, or the only run there is.

    Args:
        text: the expression; empty lets everything through.
        rows: the table that it is evaluated on.

    Returns:
        bool [rows].

    Raises:
        FilterError: the expression cannot be understood; the message says where.
    """
    if not text.strip():
        return np.ones(len(rows), dtype=np.bool_)
    if len(text) > MAX_LENGTH:
        raise FilterError(f"A filter may be at most {MAX_LENGTH} characters long.")
    tree = _parse(text)
    try:
        with np.errstate(all="ignore"):
            result = _Evaluation(rows).value(tree.body)
    except RecursionError:
        raise FilterError("That is nested too deeply.") from None
    if isinstance(result, np.ndarray) and result.dtype == np.bool_:
        return result
    raise FilterError("That is a value, not a condition: compare it, as in entropy > 2.")


def _parse(text: str) -> ast.Expression:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(_with_words(text), mode="eval")
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError):
        raise FilterError(_what_is_missing(text)) from None


def _with_words(text: str) -> str:
    """``&``, ``|``, ``~`` as the words that bind looser than comparisons."""
    tokens = tokenize.generate_tokens(io.StringIO(text.strip()).readline)
    # NAME for an operator word: untokenize puts the spaces in.
    words = [
        (tokenize.NAME, _WORDS[token.string])
        if token.type in (tokenize.OP, tokenize.ERRORTOKEN) and token.string in _WORDS
        else (token.type, token.string)
        for token in tokens
        if not (token.type == tokenize.ERRORTOKEN and token.string.isspace())
    ]
    return tokenize.untokenize(words).strip()


def _what_is_missing(text: str) -> str:
    if text.count("(") != text.count(")"):
        return "A bracket is not closed."
    if text.rstrip().endswith(("&", "|", "~", ">", "<", "=", "+", "-", "*", "/", "and", "or")):
        return "Something must follow at the end."
    if re.search(r"(?<![=<>!])=(?!=)", text):
        return "To compare, write == instead of =."
    return "That cannot be read. Try wrong(A) & entropy > 2."


class _Evaluation:
    """Walks an expression over the columns of one table."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=bool()):
                raise FilterError("Write conditions instead of True and False.")
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Constant(value=str() as text):
                return text
            case ast.BoolOp():
                return self._junction(node)
            case ast.UnaryOp(op=ast.Not()):
                return ~self._condition(node.operand)
            case ast.UnaryOp(op=ast.USub()):
                return self._safely(operator.sub, 0.0, self._number(node.operand))
            case ast.BinOp() if type(node.op) in _ARITHMETIC:
                left, right = self._number(node.left), self._number(node.right)
                return self._safely(_ARITHMETIC[type(node.op)], left, right)
            case ast.Compare():
                return self._comparison(node)
            case ast.Name(id=name):
                return self._column(name)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]):
                return self._call(name, argument)
        raise FilterError(f"{_shown(node)} cannot be used in a filter.")

    def _junction(self, node: ast.BoolOp) -> NDArray[np.bool_]:
        parts = [self._condition(part) for part in node.values]
        combine = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return np.asarray(combine.reduce(parts), dtype=np.bool_)

    def _condition(self, node: ast.expr) -> NDArray[np.bool_]:
        value = self.value(node)
        if isinstance(value, np.ndarray) and value.dtype == np.bool_:
            return value
        raise FilterError(f"{_shown(node)} is not a condition: compare it, as in entropy > 2.")

    def _number(self, node: ast.expr) -> Any:
        value = self.value(node)
        if isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype.kind == "U"):
            raise FilterError(f"{_shown(node)} is text; a number is needed there.")
        return value

    def _comparison(self, node: ast.Compare) -> NDArray[np.bool_]:
        result = np.ones(len(self._rows), dtype=np.bool_)
        left = node.left
        for sign, right in zip(node.ops, node.comparators, strict=True):
            result &= self._compare(left, sign, right)
            left = right
        return result

    def _compare(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> NDArray[np.bool_]:
        a, b = self.value(left), self.value(right)
        if isinstance(sign, ast.In):
            if not isinstance(a, str) or not (isinstance(b, np.ndarray) and b.dtype.kind == "U"):
                raise FilterError('With in, write text and a name, as in "test" in name.')
            return np.asarray(np.char.find(b, a) >= 0)
        if type(sign) not in _COMPARE:
            raise FilterError("Use one of > >= < <= == != to compare.")
        if _is_text(a) != _is_text(b):
            raise FilterError(f"{_shown(left)} and {_shown(right)} are not of the same kind.")
        result = self._safely(_COMPARE[type(sign)], a, b)
        # A missing number (NaN) is neither equal nor unequal to anything.
        for side in (a, b):
            if isinstance(side, np.ndarray) and side.dtype.kind == "f":
                result = result & ~np.isnan(side)
        return np.broadcast_to(np.asarray(result, dtype=np.bool_), len(self._rows)).copy()

    @staticmethod
    def _safely(function: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
        try:
            return function(left, right)
        except (ZeroDivisionError, OverflowError):
            raise FilterError("That divides by zero.") from None
        except TypeError:
            raise FilterError("A condition cannot be calculated with.") from None

    def _call(self, name: str, argument: ast.expr) -> Value:
        if name not in SIDES:
            raise FilterError(_unknown(name, SIDES))
        match argument:
            case ast.Name(id="A"):
                return self._side(name, self._rows.a, "A")
            case ast.Name(id="B"):
                return self._side(name, self._rows.b, "B")
        raise FilterError(f"Write {name}(A) or {name}(B).")

    def _column(self, name: str) -> Value:
        rows = self._rows
        match name:
            case "true":
                return _classes(rows.label)
            case "name":
                return np.array(rows.names, dtype=np.str_)
            case "number":
                return np.arange(1.0, len(rows) + 1.0)
            case "agree":
                a, b = self._present(rows.a, "A"), self._present(rows.b, "B")
                return (a.prediction >= 0) & (a.prediction == b.prediction)
            case "A" | "B":
                raise FilterError(f"{name} is a run: write for example wrong({name}).")
        if name in SIDES:
            return self._side(name, rows.a or rows.b, "A")
        raise FilterError(_unknown(name, {**COLUMNS, **SIDES}))

    def _side(self, name: str, side: RunColumns | None, slot: str) -> Value:
        columns = self._present(side, slot)
        both = (columns.prediction >= 0) & (self._rows.label >= 0)
        match name:
            case "wrong":
                return both & (columns.prediction != self._rows.label)
            case "right":
                return both & (columns.prediction == self._rows.label)
            case "prediction":
                return _classes(columns.prediction)
            case "p_true":
                return columns.label_probability
            case "missing":
                return columns.index < 0
        numbers: NDArray[np.float64] = getattr(columns, name)
        return numbers

    @staticmethod
    def _present(side: RunColumns | None, slot: str) -> RunColumns:
        if side is None:
            raise FilterError(f"There is no run in slot {slot}.")
        return side


def _classes(values: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(values >= 0, values, np.nan).astype(np.float64)


def _is_text(value: Value) -> bool:
    return isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype.kind == "U")


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 30 else text[:29] + "…"


def _unknown(name: str, known: dict[str, str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
    return f"There is no {name}: {hint}"
