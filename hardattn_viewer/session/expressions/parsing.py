"""From typed text to an expression: a grammar of a dozen rules, never Python's ``eval``.

From loose to tight: ``or`` ``|``, ``and`` ``&``, ``not`` ``~``, comparisons, ``+ -``, ``* /``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

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
from hardattn_viewer.session.expressions.words import Word, words_of

MAX_LENGTH = 1_000
MAX_DEPTH = 50
OVER_STEPS = {
    "any": "whether it holds at one step at least",
    "all": "whether it holds at every step",
    "count": "at how many steps it holds",
    "share": "at what share of the steps it holds, 0 to 1",
    "mean": "mean over the steps",
    "max": "largest of the steps",
    "min": "smallest of the steps",
    "sum": "sum over the steps",
    "first": "what it is at the first step",
    "last": "what it is at the last step",
}
"""What can be asked of all steps of an example, with one line of help."""

_Rule = Callable[[], Expression]
_COMPARING = (">", ">=", "<", "<=", "==", "!=", "~", "!~")


@lru_cache(maxsize=256)
def parse(text: str) -> Expression:
    """The expression that a text stands for.

    Raises:
        ExpressionError: it cannot be understood.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"An expression may be at most {MAX_LENGTH:,} characters long.", MAX_LENGTH, len(text)
        )
    return _Parser(words_of(text)).whole()


class _Parser:
    """Reads words from left to right."""

    def __init__(self, words: tuple[Word, ...]) -> None:
        self._words = words
        self._at = 0
        self._depth = 0

    def whole(self) -> Expression:
        found = self._any_of()
        left = self._now
        if left.kind == "end":
            return found
        if left.text == ")":
            raise ExpressionError("A bracket is closed that was not opened.", left.start, left.end)
        if left.text == "=":
            raise _unexpected(left)
        words = "Something is missing before this: & or |, or a sign such as >."
        raise ExpressionError(words, left.start, left.end)

    @property
    def _now(self) -> Word:
        return self._words[self._at]

    def _take(self, *signs: str) -> Word | None:
        word = self._now
        if word.kind == "sign" and word.text in signs:
            self._at += 1
            return word
        return None

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError("That is nested too deeply.", self._now.start, self._now.end)

    def _any_of(self) -> Expression:
        parts = [self._all_of()]
        while self._take("or"):
            parts.append(self._all_of())
        return _joined(False, parts)

    def _all_of(self) -> Expression:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return _joined(True, parts)

    def _not(self) -> Expression:
        word = self._take("not", "~")
        if word is None:
            return self._comparison()
        self._deeper()
        operand = self._not()
        self._depth -= 1
        return Not(word.start, operand.end, operand)

    def _comparison(self) -> Expression:
        operands = [self._sum()]
        signs: list[str] = []
        while (sign := self._sign()) is not None:
            signs.append(sign)
            operands.append(self._sum())
        if not signs:
            return operands[0]
        start, end = operands[0].start, operands[-1].end
        return Comparison(start, end, tuple(operands), tuple(signs))

    def _sign(self) -> str | None:
        """The next sign of a comparison; ``"x" in name`` is not one of them any more."""
        word = self._take(*_COMPARING)
        if word is not None:
            return word.text
        if self._now.kind == "name" and self._now.text == "in":
            word = self._now
            raise ExpressionError('To search a text, write name ~ "cat".', word.start, word.end)
        return None

    def _sum(self) -> Expression:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Expression:
        return self._chain(("*", "/"), self._signed)

    def _chain(self, signs: tuple[str, ...], part: _Rule) -> Expression:
        first = part()
        rest: list[tuple[str, Expression]] = []
        while (word := self._take(*signs)) is not None:
            rest.append((word.text, part()))
        if not rest:
            return first
        return Arithmetic(first.start, rest[-1][1].end, first, tuple(rest))

    def _signed(self) -> Expression:
        word = self._take("-", "+")
        if word is None:
            return self._one()
        self._deeper()
        operand = self._signed()
        self._depth -= 1
        return operand if word.text == "+" else Negative(word.start, operand.end, operand)

    def _one(self) -> Expression:
        word = self._now
        self._at += word.kind != "end"
        match word.kind:
            case "number":
                # Of too many digits there is infinity, with which everything can be compared.
                return Number(word.start, word.end, float(word.text.replace("_", "")))
            case "text":
                return Text(word.start, word.end, word.text)
            case "quoted":
                return self._of_slot(word, quoted=True)
            case "name":
                return self._called(word)
            case "sign" if word.text == "(":
                self._deeper()
                inner = self._any_of()
                self._close(word)
                self._depth -= 1
                return inner
        raise _unexpected(word)

    def _close(self, opening: Word) -> Word:
        closing = self._take(")")
        if closing is None:
            if self._now.kind == "end":
                words = "A bracket is not closed."
                raise ExpressionError(words, opening.start, opening.end)
            if self._now.text == "=":
                raise _unexpected(self._now)
            words = "A closing bracket is missing before this."
            raise ExpressionError(words, self._now.start, self._now.end)
        return closing

    def _called(self, word: Word) -> Expression:
        is_call = self._now.kind == "sign" and self._now.text == "("
        if word.text not in OVER_STEPS or not is_call:
            # A field is called true: the true class.
            if word.text in ("True", "False", "false"):
                raise ExpressionError(
                    "Write conditions instead of True and False.", word.start, word.end
                )
            return self._of_slot(word, quoted=False)
        opening = self._now
        self._at += 1
        self._deeper()
        argument = self._any_of()
        closing = self._close(opening)
        self._depth -= 1
        return OverSteps(word.start, closing.end, word.text, argument)

    def _of_slot(self, word: Word, quoted: bool) -> Expression:
        opening = self._take("(")
        if opening is None:
            return Name(word.start, word.end, word.text, None, quoted)
        named = self._now
        slot: Slot | None = "A" if named.text == "A" else "B" if named.text == "B" else None
        if named.kind == "end":
            raise ExpressionError("A bracket is not closed.", opening.start, opening.end)
        if named.kind != "name" or slot is None:
            raise ExpressionError(
                f"Write {word.text}(A) or {word.text}(B).", named.start, named.end
            )
        self._at += 1
        closing = self._close(opening)
        return Name(word.start, closing.end, word.text, slot, quoted)


def _joined(both: bool, parts: list[Expression]) -> Expression:
    if len(parts) == 1:
        return parts[0]
    return Junction(parts[0].start, parts[-1].end, both, tuple(parts))


def _unexpected(word: Word) -> ExpressionError:
    if word.kind == "end":
        return ExpressionError("Something must follow at the end.", word.start, word.end)
    if word.text == ")":
        return ExpressionError("Something must stand before this bracket.", word.start, word.end)
    if word.text == "=":
        return ExpressionError("To compare, write == instead of =.", word.start, word.end)
    return ExpressionError(f"Something is missing before {word.text}.", word.start, word.end)
