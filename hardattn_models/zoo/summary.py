"""Quotes a passage: chooses three of its verses, one after another, that say most of the rest.

After Narayan, Cohen and Lapata 2018, "Ranking Sentences for Extractive Summarization with
Reinforcement Learning" (arXiv:1802.08636): sentences are chosen by a reward that counts words, with
nobody's summaries here. Which verses share words with which is told to it, as by Mihalcea and Tarau
2004, "TextRank" (EMNLP).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hardattn_models.choosing import Chooser, tell
from hardattn_models.mechanisms import Selection
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import SINGLE, pairs
from hardattn_models.system import System
from hardattn_models.tasks.quotes import (
    QUOTES,
    VERSES,
    QuoteBatch,
    QuoteTask,
    best_quotes,
    told_by,
)
from recorders.capture.tap import AttentionTap

_LEARNT = (
    "sampled",
    "soft",
    "gumbel-softmax",
    "straight-through",
    "gumbel-straight-through",
    "sparsemax",
    "entmax15",
)

_MUCH = 10.0
"""Words that are many, by which numbers of words are divided."""
_SAME = 1e-6
"""What rounding makes of two sets of quotes that are worth the same."""
_LEAST = 1e-3
"""Added to what is told by the quotes, which may be nothing, before its logarithm is taken."""


@dataclass(frozen=True)
class SummaryConfig(ModelConfig):
    """What a summariser is built from.

    Attributes:
        mechanism: how a verse is chosen.
        temperature: what the scores are divided by.
        words: how many words are told apart.
        width: of what is known of a verse.
    """

    WHAT: ClassVar[str] = "summariser"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *_LEARNT[1:], "uniform")

    words: int = 3000
    width: int = 24


class Summariser(SystemModel):
    """Chooses one verse after another, none twice, knowing what it chose before.

    Attributes:
        config: what it was built from.
        quote: the ``AttentionTap`` that a recorder listens to, called once a quote.
    """

    config: SummaryConfig

    def __init__(self, config: SummaryConfig | None = None) -> None:
        super().__init__(config or SummaryConfig())
        config = self.config
        width = config.width
        self.quote = AttentionTap(
            "quotes",
            kind="pointer",
            mechanism=config.mechanism,
            key_axis="tokens",
            query_axis="target",
        )
        self.known = nn.Embedding(config.words, width)
        nn.init.normal_(self.known.weight, std=0.3)
        self.verse = nn.Linear(width, width)
        # Of each verse: itself, what is left, what was chosen, and five numbers.
        self.score = nn.Sequential(
            nn.Linear(3 * width + 5, 2 * width), nn.ReLU(), nn.Linear(2 * width, 1)
        )
        self.expect = nn.Linear(3 * width + 5, 1)

    def outcome(self, batch: QuoteBatch, choose: Chooser) -> Outcome:
        """Quote the passages.

        The loss is ``−log`` of what the quotes say of the rest, or of what blends of them are to be
        expected to say; the reward is what the verses that are quoted in the end do say. Right is a
        set of quotes that no other is better than; while it learns, nobody looks for that.
        """
        verses, shared = self._verses(batch), self._shared(batch)
        left = torch.ones(shared.shape[:2])
        expected: list[Tensor] = []
        taken: list[Tensor] = []
        for _ in range(QUOTES):
            features = self._features(batch, verses, shared, left)
            expected.append(self.expect(features.detach().mean(1)))
            selection = choose(self.score(features).squeeze(-1) + _log(left))
            tell(self.quote, selection)
            left = left * (1 - selection.weights)
            taken.append(_told(selection, taken))
        told = told_by(batch.counts, batch.lengths, 1 - left)
        chosen = torch.stack(taken, 1)
        quoted = torch.zeros_like(left).scatter(1, chosen, 1.0)
        worth = told_by(batch.counts, batch.lengths, quoted)
        best = torch.full_like(worth, torch.inf) if self.training else best_quotes(batch)[1]
        right = (worth >= best - _SAME).to(worth.dtype)
        return Outcome(
            loss=-(told + _LEAST).log(),
            reward=worth,
            right=right,
            baseline=torch.cat(expected, 1),
            figures={
                "said of the rest": worth,
                "of the best": torch.where(best > 0, worth / best, torch.nan),
                "best set": right,
            },
            words=_words(batch, chosen),
        )

    def _verses(self, batch: QuoteBatch) -> Tensor:
        """What is known of each verse, ``[batch, verses, width]``."""
        there = torch.arange(batch.words.shape[2]) < batch.lengths.unsqueeze(-1)
        words = self.known(batch.words) * there.unsqueeze(-1)
        found: Tensor = torch.tanh(
            self.verse(words.sum(2) / (1 + batch.lengths).sqrt().unsqueeze(-1))
        )
        return found

    def _shared(self, batch: QuoteBatch) -> Tensor:
        """How many words of verse j stand in verse i too, ``[batch, i, j]``; none of its own."""
        stands = (batch.counts > 0).to(batch.counts.dtype)
        shared = torch.einsum("biw,bjw->bij", stands, batch.counts)
        return shared * (1 - torch.eye(shared.shape[1]))

    def _features(self, batch: QuoteBatch, verses: Tensor, shared: Tensor, left: Tensor) -> Tensor:
        """What each verse is judged by, ``[batch, verses, features]``."""
        gone = 1 - left
        numbers = [
            batch.lengths.to(left.dtype),
            (shared * left.unsqueeze(1)).sum(2),
            (shared * gone.unsqueeze(1)).sum(2),
            (shared * gone.unsqueeze(2)).sum(1),
            ((shared > 0) * left.unsqueeze(1)).sum(2),
        ]
        rest, chosen = (
            torch.einsum("bvd,bv->bd", verses, part).unsqueeze(1).expand_as(verses) / VERSES
            for part in (left, gone)
        )
        return torch.cat([verses, rest, chosen, torch.stack(numbers, -1) / _MUCH], -1)


def _told(selection: Selection, before: list[Tensor]) -> Tensor:
    """The verse that is quoted: the chosen one, or the likeliest that was not quoted before."""
    if selection.index is not None:
        return selection.index[..., 0]
    likely = selection.probabilities.detach().clone()
    for verse in before:
        likely.scatter_(1, verse.unsqueeze(1), -1.0)
    return likely.argmax(-1)


def _log(probabilities: Tensor) -> Tensor:
    """Logarithms; ``-inf`` of what cannot be, with no gradient."""
    possible = probabilities > 0
    # Weights of a relaxation may be beyond 1 by rounding.
    safe = torch.where(possible, probabilities, 1.0)
    return torch.where(possible, safe.log(), -torch.inf)


def _words(batch: QuoteBatch, chosen: Tensor) -> list[list[str]] | None:
    """What is quoted, in words."""
    if not batch.entries:
        return None
    return [
        [entry["tokens"][verse] for verse in row]
        for entry, row in zip(batch.entries, chosen.tolist(), strict=True)
    ]


def _fit(task: QuoteTask) -> dict[str, Any]:
    return task.facts


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 1_500,
        "batch": 64,
        "learning_rate": 2e-3,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism == "sampled":
        plan |= {"entropy_bonus": 0.01}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="summary",
    summary="quotes three verses of a passage, one after another, that say most of the rest",
    trainable=pairs(_LEARNT, without=SINGLE),
    mechanisms=SummaryConfig.MECHANISMS,
    tasks=("quotes",),
    reference="Narayan et al. 2018, Ranking Sentences for Extractive Summarization with "
    "Reinforcement Learning, arXiv:1802.08636",
    model=Summariser,
    config=SummaryConfig,
    note="exact, sum-and-sample, rebar and relax need a single choice, and there are three",
    fit=_fit,
    defaults=_defaults,
)
