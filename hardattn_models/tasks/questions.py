"""Questions that a text answers, made of its own clauses without anybody's labels.

A clause loses one of its names, numbers or noun phrases, and a question word stands in its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from hardattn_models.tasks.testament import MARKS, verses

KINDS = ("who", "where", "how many", "what")
"""What is asked: a name, a name of a place, a number, any other noun phrase."""
LONGEST = 6
"""Most words of an answer."""
_LEFT = 2
"""Fewest words of a clause that are left to ask with."""

_BEFORE_NOUNS = frozenset(
    {"the", "a", "an", "his", "her", "its", "my", "your", "their", "our", "this", "that", "these",
     "those", "every", "each", "some", "another"}
)  # fmt: skip
_NUMBERS = frozenset(
    {"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
     "fourteen", "fifteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty",
     "ninety", "hundred", "thousand"}
)  # fmt: skip
_BEFORE_PLACES = frozenset({"in", "into", "at", "from", "to", "through", "near"})
_NO_NAMES = frozenset(
    {"i", "i’m", "i’ll", "i’ve", "he", "him", "his", "himself", "you", "your", "yours", "yourself",
     "me", "my", "mine", "myself", "we", "us", "our", "one", "o", "amen", "who", "whom", "whose",
     "it", "they", "them", "their"}
)  # fmt: skip
_NOUN, _AFTER_ANOTHER, _NAME, _PLACE = 0.25, 0.6, 0.5, 0.3
"""Shares of a word's occurrences from which it counts as one."""
_OFTEN, _VERY_OFTEN = 3, 10


@dataclass(frozen=True)
class Span:
    """Some tokens that can be asked for.

    Attributes:
        start: the first.
        stop: one after the last.
        kind: number in ``KINDS``.
    """

    start: int
    stop: int
    kind: int


@dataclass(frozen=True)
class Question:
    """A clause without one span.

    Attributes:
        span: what is asked for.
        before: words of the clause to ask with, by number, that stand before the span.
        after: the same after it; none of these stands beside it.
    """

    span: Span
    before: tuple[int, ...]
    after: tuple[int, ...]


def spans(tokens: Sequence[str]) -> list[Span]:
    """The names, numbers and noun phrases of a text, none within another, in their order.

    A noun phrase begins with an article or the like; one more may follow after "of".
    """
    found: list[Span] = []
    at = 0
    while at < len(tokens):
        span = _span(tokens, at)
        if span is not None:
            found.append(span)
        at = at + 1 if span is None else span.stop
    return found


def clauses(tokens: Sequence[str]) -> Iterator[range]:
    """What stands between two marks."""
    start = 0
    for at in range(len(tokens) + 1):
        if at == len(tokens) or tokens[at] in MARKS:
            if at > start:
                yield range(start, at)
            start = at + 1


def questions(tokens: Sequence[str]) -> list[Question]:
    """All that a text is asked: for each span whose clause leaves enough words to ask with."""
    asked = spans(tokens)
    found = []
    for clause in clauses(tokens):
        for span in asked:
            if span.start not in clause:
                continue
            before = tuple(range(clause.start, span.start - 1))
            after = tuple(range(span.stop + 1, clause.stop))
            if len(before) + len(after) >= _LEFT:
                found.append(Question(span, before, after))
    return found


def _span(tokens: Sequence[str], at: int) -> Span | None:
    known = _words()
    stop = at
    while stop < len(tokens) and tokens[stop].lower() in _NUMBERS:
        stop += 1
    if stop > at:
        return Span(at, stop, KINDS.index("how many"))
    stop = _phrase(tokens, at)
    if stop == at:
        return None
    head = tokens[stop - 1]
    kind = "where" if head in known.places else "who" if head in known.names else "what"
    if stop < len(tokens) - 1 and tokens[stop] == "of":
        more = _phrase(tokens, stop + 1)
        if stop + 1 < more <= at + LONGEST:
            stop = more
    return Span(at, min(stop, at + LONGEST), KINDS.index(kind))


def _phrase(tokens: Sequence[str], at: int) -> int:
    """Where a noun phrase that begins here ends; here if none does."""
    known = _words()
    named = tokens[at] in known.names
    first = at if named else at + 1
    if not named and tokens[at].lower() not in _BEFORE_NOUNS:
        return at
    stop = first
    while stop < len(tokens) and (
        tokens[stop] in known.names
        or (tokens[stop] in known.nouns and (not named or tokens[stop - 1].endswith("’s")))
    ):
        stop += 1
    return stop if stop > first else at


@dataclass(frozen=True)
class _Words:
    nouns: frozenset[str]
    names: frozenset[str]
    places: frozenset[str]


@cache
def _words() -> _Words:
    """Which words are nouns, names and places, by what they stand after in the whole text."""
    total, nouns, second, places, capital, inside = (Counter[str]() for _ in range(6))
    for verse in verses():
        shifted = zip(
            (".", ".", *verse.english), (".", *verse.english), verse.english, strict=False
        )
        for earlier, before, token in shifted:
            if token in MARKS:
                continue
            total[token] += 1
            nouns[token] += before.lower() in _BEFORE_NOUNS
            second[token] += earlier.lower() in _BEFORE_NOUNS and before not in MARKS
            places[token] += before in _BEFORE_PLACES
            if before not in MARKS:
                inside[token.lower()] += 1
                capital[token.lower()] += token[:1].isupper()
    often = [token for token, count in total.items() if count >= _OFTEN]
    names = frozenset(
        token
        for token, count in total.items()
        if token[:1].isupper()
        and token.lower() not in _NO_NAMES | _BEFORE_NOUNS
        and capital[token.lower()] > _NAME * inside[token.lower()]
    )
    nouns_ = (
        token
        for token in often
        if token not in _BEFORE_NOUNS | _NUMBERS | {"of"}
        and (
            nouns[token] >= _NOUN * total[token]
            or (
                total[token] >= _VERY_OFTEN
                and nouns[token] + second[token] >= _AFTER_ANOTHER * total[token]
            )
        )
    )
    return _Words(
        nouns=frozenset(nouns_),
        names=names,
        places=frozenset(names.intersection(often)).intersection(
            one for one in often if places[one] >= _PLACE * total[one]
        ),
    )
