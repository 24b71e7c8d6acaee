"""IBM Model 1: what a table of word translations alone knows of which word goes with which.

After Brown, Della Pietra, Della Pietra and Mercer 1993, "The Mathematics of Statistical Machine
Translation: Parameter Estimation", Computational Linguistics 19(2), section 4. Alignments are
compared with it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pair = tuple[Sequence[Hashable], Sequence[Hashable]]
"""A sentence to translate from, and its translation."""


@dataclass(frozen=True, eq=False)
class Model1:
    """Probabilities of translations.

    Attributes:
        table: t(e | f) of what was seen together, by ``(f, e)``; ``None`` for f is no word.
        unseen: t(e | f) of any other e, by f.
        floor: the same of an f that was not seen itself.
    """

    table: dict[tuple[Hashable, Hashable], float]
    unseen: dict[Hashable, float]
    floor: float

    def scores(self, source: Sequence[Hashable], word: Hashable) -> npt.NDArray[np.float64]:
        """t(word | f) of no word and then of each word of ``source``, ``[1 + n]``."""
        found = [self.table.get((f, word), self.unseen.get(f, self.floor)) for f in (None, *source)]
        return np.array(found)

    def log_likelihood(self, source: Sequence[Hashable], word: Hashable) -> float:
        """Of a word given the sentence, nats: ``log 1/(n + 1) Σ_i t(e | f_i)``, eq. 6."""
        with np.errstate(divide="ignore"):
            return float(np.log(self.scores(source, word).mean()))


def train_model1(
    pairs: Sequence[Pair], *, words: int, rounds: int = 10, smoothing: float = 0.0
) -> Model1:
    """Expectation maximisation from a uniform table.

    Args:
        pairs: sentences with their translations.
        words: how many words there are to translate into.
        rounds: of expectation and maximisation.
        smoothing: how often each pair of words counts as seen beside what was expected of it.
    """
    numbers: dict[tuple[Hashable, Hashable], int] = {}
    sources: dict[Hashable, int] = {None: 0}
    owners: list[int] = []
    pair_of: list[int] = []
    token_of: list[int] = []
    tokens = 0
    for source, target in pairs:
        for word in target:
            for f in (None, *source):
                number = numbers.setdefault((f, word), len(numbers))
                if number == len(owners):
                    owners.append(sources.setdefault(f, len(sources)))
                pair_of.append(number)
                token_of.append(tokens)
            tokens += 1
    pair, token, owner = (np.array(one, np.int64) for one in (pair_of, token_of, owners))
    t: npt.NDArray[np.floating] = np.full(len(numbers), 1 / words)
    total: npt.NDArray[np.floating] = np.ones(len(sources))
    for _ in range(rounds):
        weight = t[pair]
        weight /= np.bincount(token, weight, tokens)[token]
        counts = np.bincount(pair, weight, len(numbers))
        total = np.bincount(owner, counts, len(sources)) + smoothing * words
        t = (counts + smoothing) / total[owner]
    return Model1(
        dict(zip(numbers, t.tolist(), strict=True)),
        dict(zip(sources, (smoothing / total).tolist(), strict=True)),
        1 / words if smoothing else 0.0,
    )
