"""Fills in a name: copied from a word of the text that it chooses, or said from memory.

After Gu, Lu, Li and Li 2016 (arXiv:1603.06393) and See, Liu and Manning 2017, "Get To The Point:
Summarization with Pointer-Generator Networks" (arXiv:1704.04368). A model that blends reads the
mean of the words, as before them Bahdanau et al. 2015 (arXiv:1409.0473), and can only say what it
has learnt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from hardattn_models.choosing import BLENDS, Chooser, tell
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import pairs
from hardattn_models.system import System
from hardattn_models.tasks.gaps import BEFORE, SIZE, GapBatch, GapTask
from recorders.capture.tap import AttentionTap

_LEARNT = (
    "sampled",
    "argmax",
    "soft",
    "uniform",
    "gumbel-softmax",
    "straight-through",
    "gumbel-straight-through",
    "sparsemax",
    "entmax15",
)

_LEAST = 1e-6
"""Probability of a name where another word is copied; without it nothing could be learnt from."""
_SEEN = {"never seen": (0, 0), "seen 1–49 times": (1, 49), "seen 50 times or more": (50, 10**9)}


@dataclass(frozen=True)
class CopierConfig(ModelConfig):
    """What a copier is built from.

    Attributes:
        mechanism: how a word is chosen.
        temperature: what the scores are divided by.
        words: how many words are told apart.
        width: of what is known of a word.
    """

    WHAT: ClassVar[str] = "copier"
    MECHANISMS: ClassVar[tuple[str, ...]] = _LEARNT

    words: int = 3000
    width: int = 24


class Copier(SystemModel):
    """Chooses a word around a gap to copy, or the gap itself to say a word from memory.

    Attributes:
        config: what it was built from.
        look: the ``AttentionTap`` that a recorder listens to, called once a gap.
    """

    config: CopierConfig

    def __init__(self, config: CopierConfig | None = None) -> None:
        super().__init__(config or CopierConfig())
        config = self.config
        width = config.width
        self.look = AttentionTap("copy", kind="copy", mechanism=config.mechanism, key_axis="tokens")
        self.known = nn.Embedding(config.words, width)
        self.capital = nn.Parameter(torch.randn(width))
        self.around = nn.Conv1d(width, width, 5, padding=2)
        self.places = nn.Parameter(torch.zeros(SIZE))
        self.ask = nn.Sequential(nn.Linear(4 * width, width), nn.Tanh())
        self.key = nn.Linear(2 * width, width)
        self.value = nn.Linear(width, width)
        self.expect = nn.Linear(width, 1)
        nn.init.normal_(self.known.weight, std=0.3)

    def selector(self) -> list[nn.Parameter]:
        """What a word is chosen by and nothing else."""
        return [self.places, *self.around.parameters(), *self.key.parameters()]

    def outcome(self, batch: GapBatch, choose: Chooser) -> Outcome:
        """Fill the gaps; the reward is 1 where the name is right."""
        return self._filled(batch, choose, summed=False)

    def marginal(self, batch: GapBatch, choose: Chooser) -> Outcome:
        """Fill the gaps, summed over all that could have been copied."""
        return self._filled(batch, choose, summed=True)

    def _filled(self, batch: GapBatch, choose: Chooser, *, summed: bool) -> Outcome:
        words = self.known(batch.words) + self.capital * batch.capital.unsqueeze(-1)
        beside = [BEFORE - 2, BEFORE - 1, BEFORE + 1, BEFORE + 2]
        asked = self.ask(words[:, beside].flatten(1))
        near = self.around(words.transpose(1, 2)).transpose(1, 2).relu()
        keys = self.key(torch.cat([words, near], -1))
        scores = torch.einsum("bd,bnd->bn", asked, keys) / math.sqrt(keys.shape[-1]) + self.places
        scores = scores.masked_fill(~batch.there, -math.inf)
        selection = choose(scores)
        index = selection.index
        tell(self.look, selection)
        same = (batch.spelt == batch.missing.unsqueeze(-1)) & batch.there
        remembered = self.mechanism in BLENDS
        if remembered:
            asked = asked + self.value(selection.apply(words))
        said = (asked @ self.known.weight.T).log_softmax(-1)
        # A hidden name has no number of its own, and saying "some rare word" is no answer.
        right_word = (said.argmax(-1) == batch.name) & (batch.name > 0)
        from_memory = said.gather(-1, batch.name.unsqueeze(-1)).squeeze(-1)
        if remembered:
            loss, right = -from_memory, right_word
        else:
            weights = (scores / choose.temperature).softmax(-1) if summed else selection.weights
            copied = (weights * same).sum(-1)
            known = from_memory.exp() * (batch.name > 0)
            likely = copied + weights[:, BEFORE] * known
            loss = -(_LEAST + (1 - _LEAST) * likely).log()
            taken = selection.probabilities.argmax(-1) if index is None else index.squeeze(-1)
            hit = same.gather(-1, taken.unsqueeze(-1)).squeeze(-1)
            right = torch.where(taken == BEFORE, right_word, hit)
        told = right.to(loss.dtype)
        there = same.any(-1)
        figures = {
            f"right, {name}": torch.where(
                there & (batch.seen >= low) & (batch.seen <= high), told, torch.nan
            )
            for name, (low, high) in _SEEN.items()
        }
        return Outcome(
            loss=loss,
            reward=told,
            right=told,
            baseline=self.expect(asked.detach()),
            figures=figures,
        )


def _fit(task: GapTask) -> dict[str, Any]:
    return task.facts


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 1_500,
        "batch": 64,
        "learning_rate": 4e-3,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism == "sampled" and gradient != "marginal":
        plan |= {"entropy_bonus": 0.1}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="copier",
    summary="fills in names that were left out of a text, copied from a word that it chooses",
    trainable=pairs(_LEARNT, sampled=("marginal",), argmax=("marginal",)),
    mechanisms=CopierConfig.MECHANISMS,
    tasks=("names",),
    reference="Gu et al. 2016, arXiv:1603.06393; See et al. 2017, arXiv:1704.04368",
    model=Copier,
    config=CopierConfig,
    fit=_fit,
    defaults=_defaults,
)
