"""Says each English word of a verse from a Greek word that it chooses, or from a blend of all.

What is chosen among are the words of Brown et al. 1993, "The Mathematics of Statistical Machine
Translation" (Computational Linguistics 19), with embeddings for their tables. Summing over the
choice is Shankar, Garg and Sarawagi 2018, "Surprisingly Easy Hard-Attention for Sequence to
Sequence Learning" (EMNLP); that sum, draws and blends are compared by Deng, Kim, Chiu, Guo and Rush
2018 (arXiv:1807.03756); the blend is that of Bahdanau, Cho and Bengio 2015 (arXiv:1409.0473).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hardattn_models.choosing import Chooser
from hardattn_models.mechanisms import Selection
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import pairs
from hardattn_models.system import System
from hardattn_models.tasks.translation import TranslationBatch, TranslationTask
from recorders.capture.tap import AttentionTap

_LEARNT = (
    "sampled",
    "argmax",
    "soft",
    "uniform",
    "top-k",
    "gumbel-softmax",
    "straight-through",
    "gumbel-straight-through",
    "sparsemax",
    "entmax15",
    "hybrid",
)

_FAR = 10
"""Words off its place beyond which a Greek word is far, whatever the distance."""
_LEAST = 1e-30
"""Stands for a probability of 0 where its logarithm is asked for."""


@dataclass(frozen=True)
class AlignmentConfig(ModelConfig):
    """What a translator is built from.

    Attributes:
        mechanism: how a Greek word is chosen.
        temperature: what the scores are divided by.
        k: Greek words that "top-k" and "hybrid" read.
        stems: how many stems of Greek words are told apart.
        forms: how many whole Greek words are.
        words: how many English words are.
        width: of what is known of a word.
    """

    WHAT: ClassVar[str] = "translator"
    MECHANISMS: ClassVar[tuple[str, ...]] = _LEARNT

    stems: int = 3149
    forms: int = 1826
    words: int = 2987
    width: int = 32


class Translator(SystemModel):
    """Chooses a Greek word, or none, and says an English word from it alone.

    It chooses before the word is known: by the two English words before, by what stands around each
    Greek word, and by how far that is from the place of the English word. So its log-likelihoods
    are those of an English verse given the Greek and the number of English words.

    Attributes:
        config: what it was built from.
        look: the ``AttentionTap`` that a recorder listens to, called once a verse where there is
            one verse.
    """

    RECORDED_AT_ONCE: ClassVar[int] = 1

    config: AlignmentConfig

    def __init__(self, config: AlignmentConfig | None = None) -> None:
        super().__init__(config or AlignmentConfig())
        config = self.config
        width = config.width
        self.look = AttentionTap(
            "cross",
            kind="cross",
            mechanism=config.mechanism,
            key_axis="tokens",
            query_axis="target",
        )
        self.stems = nn.Embedding(config.stems, width)
        self.forms = nn.Embedding(config.forms, width)
        # The last one stands before the beginning of a verse.
        self.words = nn.Embedding(config.words + 1, width)
        for table in (self.stems, self.forms, self.words):
            nn.init.normal_(table.weight, std=0.3)
        self.none = nn.Parameter(torch.randn(width))
        self.meaning = nn.Linear(width, width)
        self.often = nn.Parameter(torch.zeros(config.words))
        self.keys = nn.Conv1d(width, width, 3, padding=1)
        self.asked = nn.Linear(2 * width, width)
        # One for each distance, and one for no Greek word.
        self.offset = nn.Parameter(torch.zeros(2 * _FAR + 2))
        self.expect = nn.Linear(width, 1)

    def selector(self) -> list[nn.Parameter]:
        """What asks and what is asked; the embeddings serve the saying too."""
        return [*self.keys.parameters(), *self.asked.parameters(), self.offset]

    def per_example(self, batch: TranslationBatch, values: Tensor) -> Tensor:
        """Means over the words of each verse."""
        verses = len(batch.greek.lengths)
        sums = values.new_zeros(verses, values.shape[1]).index_add(0, batch.verse, values)
        return sums / torch.bincount(batch.verse, minlength=verses).unsqueeze(-1)

    def outcome(self, batch: TranslationBatch, choose: Chooser) -> Outcome:
        """Say every word; the reward is the log-likelihood of the right one, in nats."""
        greek, query = self._greek(batch), self._query(batch)
        selection = choose(self._scores(batch, greek, query))
        self._tell(batch, selection)
        meant = torch.tanh(self.meaning(greek))
        said = self._said(selection.apply(meant[batch.verse]))
        loss = functional.cross_entropy(said, batch.word, reduction="none")
        measured = {} if self.training else self._measured(batch, meant, selection, loss)
        return Outcome(
            loss=loss,
            reward=-loss.detach(),
            right=(said.argmax(-1) == batch.word).to(loss.dtype),
            baseline=self.expect(query.detach()),
            **measured,
        )

    def marginal(self, batch: TranslationBatch, choose: Chooser) -> Outcome:
        """Say every word, summed over the Greek words that it could be said from."""
        greek, query = self._greek(batch), self._query(batch)
        scores = self._scores(batch, greek, query)
        choose(scores)
        each = self._each(batch, torch.tanh(self.meaning(greek)))
        both = (scores / choose.temperature).log_softmax(-1) + each
        loss = -torch.logsumexp(both, -1)
        best = each.gather(-1, both.argmax(-1, keepdim=True)).squeeze(-1)
        # Whether the word is the likeliest is not worked out for every Greek word.
        right = (best > math.log(0.5)).to(loss.dtype)
        return Outcome(loss=loss, reward=-loss.detach(), right=right)

    def _greek(self, batch: TranslationBatch) -> Tensor:
        """What is known of no word and of each Greek word, ``[verses, n, width]``."""
        known = self.stems(batch.greek.stems) + self.forms(batch.greek.forms)
        known = known * _words(batch).unsqueeze(-1)
        return torch.cat([self.none.expand(len(known), 1, -1), known], 1)

    def _query(self, batch: TranslationBatch) -> Tensor:
        found: Tensor = torch.tanh(self.asked(self.words(batch.before).flatten(1)))
        return found

    def _scores(self, batch: TranslationBatch, greek: Tensor, query: Tensor) -> Tensor:
        """How well no word and each Greek word suit each English word, ``[rows, n]``."""
        keys = self.keys(greek.transpose(1, 2)).transpose(1, 2)[batch.verse]
        suits = torch.einsum("bd,bnd->bn", query, keys) / math.sqrt(query.shape[-1])
        words = _words(batch)[batch.verse]
        place = batch.place * batch.greek.lengths[batch.verse]
        far = torch.arange(words.shape[1]) + 0.5 - place.unsqueeze(-1)
        far = self.offset[far.round().clamp(-_FAR, _FAR).long() + _FAR]
        far = torch.cat(
            [self.offset[-1].expand(len(far), 1), far.masked_fill(~words, -math.inf)], 1
        )
        return suits + far

    def _said(self, meant: Tensor) -> Tensor:
        return functional.linear(meant, self.words.weight[:-1], self.often)

    def _each(self, batch: TranslationBatch, meant: Tensor) -> Tensor:
        """Log-likelihood of each English word from no word and each Greek word, ``[rows, n]``."""
        said = self._said(meant).log_softmax(-1)
        sources = torch.arange(meant.shape[1])
        found: Tensor = said[batch.verse.unsqueeze(-1), sources, batch.word.unsqueeze(-1)]
        return found

    def _measured(
        self, batch: TranslationBatch, meant: Tensor, selection: Selection, loss: Tensor
    ) -> dict[str, Any]:
        """Log-likelihoods, and errors of the alignment before and after the word is known.

        A model that chooses has the likelihood summed over its choices; one that blends that of its
        blend. Which Greek word an English one is from is told by ``p(a) p(word | a)``.
        """
        chosen = selection.probabilities.clamp_min(_LEAST).log()
        both = chosen + self._each(batch, meant)
        likely = -loss if selection.index is None else torch.logsumexp(both, -1)
        return {
            "figures": {"log-likelihood of a word": likely},
            "ratios": {
                "alignment error, word unknown": alignment_error(chosen, batch.links),
                "alignment error": alignment_error(both, batch.links),
            },
        }

    def _tell(self, batch: TranslationBatch, selection: Selection) -> None:
        if len(batch.greek.lengths) > 1:
            # Maps of several verses have no common size.
            return
        index = selection.index
        self.look(
            probabilities=selection.probabilities[None, :, : 1 + int(batch.greek.lengths)],
            selection=None if index is None else index[None],
            log_prob=None if index is None else selection.log_prob[None],
            temperature=selection.temperature,
        )


def alignment_error(scores: Tensor, links: Tensor) -> tuple[Tensor, Tensor]:
    """Alignment error rate of linking each word to what scores best, as a ratio.

    ``1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|)``, Och and Ney 2003, "A Systematic Comparison of Various
    Statistical Alignment Models" (Computational Linguistics 29), eq. 36; the manual links are all
    sure, so S = P.

    Args:
        scores: ``[rows, n]``; where candidate 0 scores best there is no link.
        links: bool ``[rows, n]``, the manual ones.

    Returns:
        Numerators and denominators, ``[rows]`` each.
    """
    best = scores.argmax(-1, keepdim=True)
    made = (best > 0).squeeze(-1).double()
    hit = links.gather(-1, best).squeeze(-1).double()
    total = made + links.sum(-1)
    return total - 2 * hit, total


def _words(batch: TranslationBatch) -> Tensor:
    """Where there are Greek words, bool ``[verses, n]``."""
    return torch.arange(batch.greek.stems.shape[1]) < batch.greek.lengths.unsqueeze(-1)


def _fit(task: TranslationTask) -> dict[str, Any]:
    return task.facts


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 2_000,
        "batch": 16,
        "learning_rate": 1.5e-2,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism in ("sampled", "top-k") and gradient != "marginal":
        # With a nat for a nat it begins as a bound of the marginal likelihood.
        plan |= {"entropy_bonus": 1.0}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="alignment",
    summary="says each English word of a verse from the Greek word that it chooses",
    trainable=pairs(_LEARNT, sampled=("marginal",), argmax=("marginal",)),
    mechanisms=AlignmentConfig.MECHANISMS,
    tasks=("new-testament",),
    reference="Shankar et al. 2018, Surprisingly Easy Hard-Attention for Sequence to Sequence "
    "Learning, EMNLP; Deng et al. 2018, arXiv:1807.03756",
    model=Translator,
    config=AlignmentConfig,
    fit=_fit,
    defaults=_defaults,
)
