"""The New Testament, verse by verse: Greek, English, and which word goes with which.

Bundled; ``data/LICENSE.md`` says whose the texts and the links are. ``testament_subset`` made the
file.
"""

from __future__ import annotations

import gzip
import hashlib
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hardattn_models.errors import TaskError

BUNDLED = Path(__file__).with_name("data") / "new-testament.tsv.gz"
SHA256 = "777948111c68f885046a015d5ec9e6206f2cb5b51a37dc24e8048f991b17e743"
SOURCE = (
    "SBL Greek New Testament (CC BY 4.0), Berean Standard Bible (public domain), manual word "
    "alignments of Clear Bible and Biblica (CC BY 4.0); see hardattn_models/tasks/data/LICENSE.md"
)
SPLITS = ("train", "validation", "test")
MARKS = frozenset(',.“”?:!;’‘—()"…') | {"..."}
"""English tokens that are no words."""
BOOKS = (
    "Matthew", "Mark", "Luke", "John", "Acts", "Romans", "1 Corinthians", "2 Corinthians",
    "Galatians", "Ephesians", "Philippians", "Colossians", "1 Thessalonians", "2 Thessalonians",
    "1 Timothy", "2 Timothy", "Titus", "Philemon", "Hebrews", "James", "1 Peter", "2 Peter",
    "1 John", "2 John", "3 John", "Jude", "Revelation",
)  # fmt: skip
_FIRST_BOOK = 40


@dataclass(frozen=True)
class Verse:
    """One verse.

    Attributes:
        book: number of the book, 0 for Matthew to 26 for Revelation.
        chapter: from 1.
        number: of the verse in its chapter, from 1.
        greek: words, without punctuation.
        english: words and marks, as they are written.
        links: for each English token the Greek words that it renders, by number; often one, none
            for marks and for what stands in English alone.
    """

    book: int
    chapter: int
    number: int
    greek: tuple[str, ...]
    english: tuple[str, ...]
    links: tuple[tuple[int, ...], ...]

    @property
    def name(self) -> str:
        """Where it stands: "John 3:16"."""
        return f"{BOOKS[self.book]} {self.chapter}:{self.number}"

    @property
    def split(self) -> str:
        """The part that it belongs to: a tenth of all is "test", a twentieth "validation"."""
        drawn = zlib.crc32(self.name.encode()) % 20
        return "test" if drawn < 2 else "validation" if drawn == 2 else "train"

    def words(self) -> list[int]:
        """The numbers of the English tokens that are words."""
        return [at for at, token in enumerate(self.english) if token not in MARKS]


class Vocabulary:
    """Numbers for the words that were seen often enough; 0 is any other.

    Args:
        words: all of them, as often as they were seen.
        least: times that a word must have been seen.
    """

    def __init__(self, words: Iterable[str], least: int) -> None:
        counts = Counter(words)
        self.words = (
            "",
            *sorted((w for w, n in counts.items() if n >= least), key=lambda w: (-counts[w], w)),
        )
        self._numbers = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def __call__(self, word: str) -> int:
        """The number of a word; 0 if it was not seen often enough."""
        return self._numbers.get(word, 0)


@cache
def bare(word: str) -> str:
    """A Greek word in small letters without accents and breathings: ``Ἰησοῦς`` is ``ιησους``."""
    letters = unicodedata.normalize("NFD", word.lower())
    return "".join(one for one in letters if one.isalpha()).replace("ς", "σ")


@cache
def verses(path: Path = BUNDLED) -> tuple[Verse, ...]:
    """All verses in their order.

    Raises:
        TaskError: the file is missing, or is not the one that belongs to this version.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise TaskError(
            f"{path} cannot be read ({error}); install hardattn again, it comes with this file"
        ) from error
    if path == BUNDLED and hashlib.sha256(content).hexdigest() != SHA256:
        raise TaskError(f"{path} is not the one of this version; install hardattn again")
    return tuple(_verse(line) for line in content.decode("utf-8").splitlines())


@cache
def verses_of(split: str) -> tuple[Verse, ...]:
    """The verses of one part.

    Raises:
        TaskError: there is no such part.
    """
    if split not in SPLITS:
        raise TaskError(f"the New Testament has no split {split!r}: choose {', '.join(SPLITS)}")
    return tuple(verse for verse in verses() if verse.split == split)


def line_of(verse: Verse) -> str:
    """A verse as it stands in the file."""
    place = f"{verse.book + _FIRST_BOOK:02}{verse.chapter:03}{verse.number:03}"
    links = " ".join(",".join(map(str, one)) or "-" for one in verse.links)
    return "\t".join((place, " ".join(verse.greek), " ".join(verse.english), links))


def _verse(line: str) -> Verse:
    place, greek, english, links = line.split("\t")
    return Verse(
        book=int(place[:2]) - _FIRST_BOOK,
        chapter=int(place[2:5]),
        number=int(place[5:]),
        greek=tuple(greek.split(" ")),
        english=tuple(english.split(" ")),
        links=tuple(
            () if one == "-" else tuple(map(int, one.split(","))) for one in links.split(" ")
        ),
    )
