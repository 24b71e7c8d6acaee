"""Other words for a word of the English New Testament: what the same Greek word became elsewhere.

After Bannard and Callison-Burch 2005, "Paraphrasing with Bilingual Parallel Corpora" (ACL), with
manual links in place of their estimated ones: "the boat" and "the ship" are both πλοῖον.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache

from hardattn_models.tasks.testament import MARKS, Verse, bare, verses

STEM = 5
"""Letters of a Greek word that tell it from others, whatever its ending."""
_SMALL = 60
"""Words that stand in the text most often, and say little: they are neither asked for nor given."""
_TWICE = 2
MOST = 3
"""Other words that there are for one at most."""


def paraphrases(verse: Verse, at: int) -> tuple[str, ...]:
    """Up to three words that an English token could be said by, in small letters, likeliest first.

    There are none for names, for the commonest words, and for what renders no one Greek word. What
    a Greek word is not seen to become elsewhere has none either: some links are wrong.
    """
    word = verse.english[at].lower()
    alike = _table().get(_stem(verse, at), ())
    return tuple(other for other in alike if other != word)[:MOST] if word in alike else ()


@cache
def small_words() -> frozenset[str]:
    """The sixty commonest words, in small letters."""
    often = Counter(
        token.lower() for verse in verses() for token in verse.english if token not in MARKS
    )
    return frozenset(word for word, _ in often.most_common(_SMALL))


@cache
def _table() -> Mapping[str, tuple[str, ...]]:
    """The words that each Greek one became twice at least in verses that are learnt from."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for verse in verses():
        if verse.split == "train":
            for at, token in enumerate(verse.english):
                stem = _stem(verse, at)
                if stem:
                    found[stem][token.lower()] += 1
    return {
        stem: tuple(word for word, count in words.most_common() if count >= _TWICE)
        for stem, words in found.items()
    }


def _stem(verse: Verse, at: int) -> str:
    """The beginning of the one Greek word that a content word renders alone; empty without one."""
    token, links = verse.english[at], verse.links[at]
    if token in MARKS or token[:1].isupper() or token in small_words() or len(links) != 1:
        return ""
    beside = [
        other
        for other, linked in enumerate(verse.links)
        if other != at
        and linked == links
        and verse.english[other].lower() not in small_words() | MARKS
    ]
    return "" if beside else bare(verse.greek[links[0]])[:STEM]
