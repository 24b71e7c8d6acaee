"""Tells what a text is from a few of its words alone, and so says which words it told it by.

After Lei, Barzilay and Jaakkola 2016, "Rationalizing Neural Predictions" (arXiv:1606.04155). What
they keep short by a penalty has a number of words here; that they are drawn without replacement is
the choice of Kool, van Hoof and Welling 2019 (arXiv:1903.06059).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from hardattn_models.choosing import Chooser
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import pairs
from hardattn_models.system import System
from hardattn_models.tasks.books import BookBatch, BookTask
from recorders.capture.tap import AttentionTap

_LEARNT = (
    "top-k",
    "sampled",
    "soft",
    "uniform",
    "gumbel-softmax",
    "straight-through",
    "gumbel-straight-through",
    "sparsemax",
    "entmax15",
    "hybrid",
)

_READ = 1e-6
"""Weight from which a word counts as read."""


@dataclass(frozen=True)
class RationaleConfig(ModelConfig):
    """What a reader is built from.

    Attributes:
        mechanism: how words are chosen.
        temperature: what the scores are divided by.
        k: words that "top-k" and "hybrid" read.
        words: how many words are told apart.
        kinds: how many kinds of texts.
        width: of what is known of a word.
    """

    WHAT: ClassVar[str] = "reader"
    MECHANISMS: ClassVar[tuple[str, ...]] = (*_LEARNT, "argmax")

    mechanism: str = "top-k"
    k: int = 4
    words: int = 3000
    kinds: int = 4
    width: int = 24


class Reader(SystemModel):
    """One half chooses words, the other tells the kind of the text and sees nothing but these.

    The half that chooses sees each word between its neighbours, the other each word by itself, so
    that nothing of what was left out comes along.

    Attributes:
        config: what it was built from.
        look: the ``AttentionTap`` that a recorder listens to, called once a text.
    """

    RECORDED_AT_ONCE: ClassVar[int] = 1

    config: RationaleConfig

    def __init__(self, config: RationaleConfig | None = None) -> None:
        super().__init__(config or RationaleConfig())
        config = self.config
        self.look = AttentionTap(
            "rationale", kind="pointer", mechanism=config.mechanism, key_axis="tokens"
        )
        self.seen = nn.Embedding(config.words, config.width)
        self.around = nn.Conv1d(config.width, config.width, 3, padding=1)
        self.score = nn.Linear(config.width, 1)
        self.read = nn.Embedding(config.words, config.width)
        self.tell = nn.Linear(config.width, config.kinds)
        self.expect = nn.Linear(config.width, 1)

    def selector(self) -> list[nn.Parameter]:
        """The half that chooses."""
        return [one for part in (self.seen, self.around, self.score) for one in part.parameters()]

    def outcome(self, batch: BookBatch, choose: Chooser) -> Outcome:
        """Tell the kinds; the reward is the log-likelihood of the right one, in nats."""
        text = self.around(self.seen(batch.words).transpose(1, 2)).transpose(1, 2).relu()
        there = torch.arange(batch.words.shape[1]) < batch.lengths.unsqueeze(-1)
        scores = self.score(text).squeeze(-1).masked_fill(~there, -math.inf)
        selection = choose(scores)
        index = selection.index
        # Alone, a text is shown without what fills it up to the length of others.
        shown = int(batch.lengths) if len(batch.lengths) == 1 else batch.words.shape[1]
        self.look(
            probabilities=selection.probabilities[:, :shown],
            selection=index,
            log_prob=None if index is None else selection.log_prob,
            temperature=selection.temperature,
        )
        told = self.tell(selection.apply(self.read(batch.words)))
        loss = functional.cross_entropy(told, batch.kind, reduction="none")
        read = (selection.weights.detach() > _READ).sum(-1)
        mean = (text.detach() * there.unsqueeze(-1)).sum(1) / batch.lengths.unsqueeze(-1)
        return Outcome(
            loss=loss,
            reward=-loss.detach(),
            right=(told.argmax(-1) == batch.kind).to(loss.dtype),
            baseline=self.expect(mean),
            scores=told.detach().softmax(-1),
            figures={"words read": read.to(loss.dtype)},
            ratios={"share of words read": (read, batch.lengths)},
        )


def _fit(task: BookTask) -> dict[str, Any]:
    return task.facts


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 1_500,
        "batch": 64,
        "learning_rate": 4e-3,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism in ("sampled", "top-k"):
        plan |= {"entropy_bonus": 0.3}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="rationale",
    summary="tells which kind of book a verse is from, by a few of its words alone",
    trainable=pairs(_LEARNT),
    mechanisms=RationaleConfig.MECHANISMS,
    tasks=("books",),
    reference="Lei et al. 2016, Rationalizing Neural Predictions, arXiv:1606.04155",
    model=Reader,
    config=RationaleConfig,
    note="--temperature 1000000 makes its choices blind: random words for top-k, the whole text "
    "for soft",
    fit=_fit,
    defaults=_defaults,
)
