"""What a document is made of: headings, words, tables and drawings, in no format yet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """The title of a section."""

    words: str


@dataclass(frozen=True)
class Paragraph:
    """Some sentences; ``quiet`` ones explain what stands beside them."""

    words: str
    quiet: bool = False


@dataclass(frozen=True)
class Points:
    """Sentences that stand one below the other."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """The verdict on one explanation."""

    name: str
    level: str
    sentence: str


@dataclass(frozen=True)
class Table:
    """Rows of words.

    Attributes:
        caption: what it holds.
        columns: their headings.
        rows: a cell a column; lines of one cell are separated by a line break.
        left: columns of words, which come first; the others are numbers.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1


@dataclass(frozen=True)
class Drawing:
    """A picture.

    Attributes:
        kind: "curves", "wins", "agreement" or "effects".
        operator: whose.
        words: what it shows, also for those who cannot see it.
    """

    kind: str
    operator: str
    words: str


Block = Heading | Paragraph | Points | Judged | Table | Drawing


@dataclass(frozen=True)
class Document:
    """A title and what follows."""

    title: str
    blocks: tuple[Block, ...]
