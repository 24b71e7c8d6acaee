"""Keys put together or left out: words from subwords, special tokens dimmed or hidden.

Nothing is normalised anew: a word has the sum of its pieces, and what is hidden is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.session.token_marks import Scheme, encoded, pieces_of, shown


@dataclass(frozen=True, eq=False)
class Groups:
    """Which keys are shown, and as what.

    Attributes:
        labels: what is written for each item, without marks of the tokenizer.
        names: the same for lists, where what continues a word begins with ``##``.
        first: int64 [items], the first key of each item.
        count: int64 [items], how many keys follow each other in it.
        item: int64 [keys], the item of each key; -1 where it is hidden.
        spaced: bool [items], whether a space goes before it.
        starts: bool [items], whether a word begins with it.
        breaks: bool [items], whether the line ends with it.
        special: bool [items], whether it is a special token.
        dimmed: bool [items], whether it is drawn without colour.
        hidden: int64 [n], the keys that are not shown.
        merged: whether items are words.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    item: NDArray[np.int64]
    spaced: NDArray[np.bool_]
    starts: NDArray[np.bool_]
    breaks: NDArray[np.bool_]
    special: NDArray[np.bool_]
    dimmed: NDArray[np.bool_]
    hidden: NDArray[np.int64]
    merged: bool

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def keys(self) -> int:
        """The number of keys, those that are hidden included."""
        return len(self.item)

    def sums(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """The sum over the keys of each item, taken in float64.

        Args:
            values: [keys] or [steps, keys]; NaN makes the sum of its item NaN.

        Returns:
            float32 [items] or [steps, items].
        """
        exact = np.asarray(values, dtype=np.float64)
        if not len(self):
            return np.zeros((*exact.shape[:-1], 0), np.float32)
        if len(self) == self.keys:
            return exact.astype(np.float32)
        shown_keys = exact[..., self.item >= 0]
        starts = np.cumsum(self.count) - self.count
        summed: NDArray[np.float64] = np.add.reduceat(shown_keys, starts, axis=-1)
        return summed.astype(np.float32)

    def items_of(self, keys: Sequence[int]) -> tuple[int, ...]:
        """The items of several keys, each once, without those that are hidden."""
        found = (int(self.item[key]) for key in keys if 0 <= key < self.keys)
        return tuple(dict.fromkeys(item for item in found if item >= 0))


@lru_cache(maxsize=32)
def group_tokens(
    tokens: tuple[str, ...],
    *,
    specials: tuple[str, ...] = (),
    sink: bool = False,
    merge: bool = False,
    dim: bool = False,
    hide: bool = False,
    raw: bool = False,
    scheme: Scheme | None = None,
) -> Groups:
    """Which of the keys of a text are shown, and as what.

    Args:
        tokens: one for each key, as the run holds them.
        specials: further names of special tokens, which the run knows.
        sink: whether the last key is the sink that some models add.
        merge: put the pieces of a word together.
        dim: draw special tokens without colour.
        hide: leave special tokens out.
        raw: write tokens as they are, with the marks of the tokenizer.
        scheme: how words are marked, where these tokens are part of a text; None to find out.
    """
    texts = tokens[:-1] if sink else tokens
    pieces = pieces_of(texts, specials, scheme)
    special = np.array([piece.special for piece in pieces] + [True] * sink, bool)
    starts = np.array([piece.starts for piece in pieces] + [True] * sink, bool)
    begins = starts | special if merge else np.ones(len(tokens), bool)
    kept = ~special if hide else np.ones(len(tokens), bool)
    words = np.cumsum(begins) - 1
    number = np.full(int(words[-1]) + 1 if len(words) else 0, -1, np.int64)
    number[words[kept]] = 0
    number[number == 0] = np.arange(np.count_nonzero(number == 0))
    item = np.where(kept, number[words] if len(words) else words, -1).astype(np.int64)
    first = np.flatnonzero(begins & kept).astype(np.int64)
    count = np.bincount(item[kept], minlength=len(first)).astype(np.int64)
    last = first + count - 1
    spaced = np.array([piece.spaced for piece in pieces] + [True] * sink, bool)
    breaks = np.array([piece.breaks for piece in pieces] + [False] * sink, bool)
    labels, names = [], []
    for a, b in zip(first.tolist(), last.tolist(), strict=True):
        if a >= len(pieces):
            clean = tokens[a]
        elif raw:
            clean = shown(encoded("".join(tokens[a : b + 1])))
        else:
            clean = shown(b"".join(piece.data for piece in pieces[a : b + 1]))
        labels.append(clean)
        names.append(clean if raw or starts[a] else f"##{clean}")
    return Groups(
        labels=tuple(labels),
        names=tuple(names),
        first=first,
        count=count,
        item=item,
        spaced=spaced[first],
        starts=starts[first],
        breaks=breaks[last] if len(last) else breaks[first],
        special=special[first],
        dimmed=special[first] & dim,
        hidden=np.flatnonzero(~kept).astype(np.int64),
        merged=merge,
    )


@lru_cache(maxsize=32)
def word_numbers(tokens: tuple[str, ...], specials: tuple[str, ...] = ()) -> NDArray[np.int64]:
    """The number of the word that each token is a piece of, int64 [tokens]; read-only."""
    starts = [piece.starts or piece.special for piece in pieces_of(tokens, specials)]
    numbers: NDArray[np.int64] = np.cumsum(starts).astype(np.int64)
    numbers.flags.writeable = False
    return numbers
