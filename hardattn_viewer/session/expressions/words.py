"""An expression cut into words, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from hardattn_viewer.session.expressions.syntax import ExpressionError

Kind = Literal["number", "text", "name", "quoted", "sign", "end"]

_SAME = {
    "&": "and",
    "&&": "and",
    "∧": "and",
    "|": "or",
    "||": "or",
    "∨": "or",
    "!": "not",
    "¬": "not",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "−": "-",
    "×": "*",
    "÷": "/",
}
_CLOSING = {'"': '"', "'": "'", "“": "”", "`": "`"}
_NUMBER = re.compile(r"(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NAME = re.compile(r"[^\W\d]\w*")
_SIGN = re.compile(r"&&|\|\||>=|<=|==|!=|!~|[&|~!<>=+\-*/(),≥≤≠∧∨¬−×÷]")


@dataclass(frozen=True)
class Word:
    """One word of an expression.

    Attributes:
        kind: what it is.
        text: the word; of a text what is between the quotes, of a sign the usual one.
        start: its first character.
        end: the character after its last one.
    """

    kind: Kind
    text: str
    start: int
    end: int


def words_of(text: str) -> tuple[Word, ...]:
    """Cut an expression into words; the last one is always an end.

    Raises:
        ExpressionError: a character that means nothing, or a text that does not end.
    """
    words: list[Word] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        word = _word_at(text, at)
        words.append(word)
        at = word.end
    return (*words, Word("end", "", len(text), len(text)))


def _word_at(text: str, at: int) -> Word:
    if text[at] in _CLOSING:
        return _quoted(text, at)
    if found := _NUMBER.match(text, at):
        return Word("number", found[0], at, found.end())
    if found := _NAME.match(text, at):
        word = found[0]
        lower = word.lower()
        kind: Kind = "sign" if lower in ("and", "or", "not") else "name"
        return Word(kind, lower if kind == "sign" else word, at, found.end())
    if found := _SIGN.match(text, at):
        return Word("sign", _SAME.get(found[0], found[0]), at, found.end())
    raise ExpressionError(f"{_shown(text[at])} means nothing here.", at, at + 1)


def _quoted(text: str, at: int) -> Word:
    closing = _CLOSING[text[at]]
    held: list[str] = []
    place = at + 1
    while place < len(text):
        if text[place] == "\\" and place + 1 < len(text):
            held.append(text[place + 1])
            place += 2
            continue
        # A text that begins as “ may be typed on and end as ".
        if text[place] == closing or (closing == "”" and text[place] == '"'):
            kind: Kind = "quoted" if closing == "`" else "text"
            return Word(kind, "".join(held), at, place + 1)
        held.append(text[place])
        place += 1
    raise ExpressionError(f"The text is not closed: write {closing} after it.", at, len(text))


def _shown(character: str) -> str:
    return character if character.isprintable() else f"U+{ord(character):04X}"
