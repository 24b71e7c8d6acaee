"""Answers a question by reading one slot of a memory: hard, or all of them blended.

After Sukhbaatar, Szlam, Weston and Fergus 2015, "End-To-End Memory Networks" (arXiv:1503.08895),
with one hop. That the right slot is looked for is learnt from the answers alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hardattn_models.choosing import Chooser, tell
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import CHOICES, pairs
from hardattn_models.system import System
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.recall import SIZES, RecallBatch
from recorders.capture.tap import AttentionTap


@dataclass(frozen=True)
class MemoryConfig(ModelConfig):
    """What a memory network is built from.

    Attributes:
        mechanism: how a slot is chosen.
        temperature: what the scores are divided by.
        k: slots that "top-k" and "hybrid" read.
        first: how many words the first of a slot can be.
        second: how many the second can be.
        answers: how many answers there are.
        width: of what is known of a word.
    """

    WHAT: ClassVar[str] = "memory network"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *CHOICES[1:])

    first: int = 24
    second: int = 12
    answers: int = 16
    width: int = 32


class MemoryNetwork(SystemModel):
    """Asks a memory of any size for the slot that fits a question, and answers from it alone.

    Attributes:
        config: what it was built from.
        read: the ``AttentionTap`` that a recorder listens to, called once a question.
    """

    config: MemoryConfig

    def __init__(self, config: MemoryConfig | None = None) -> None:
        super().__init__(config or MemoryConfig())
        config = self.config
        width = config.width
        self.read = AttentionTap(
            "memory", kind="memory", mechanism=config.mechanism, key_axis="slots"
        )
        self.asked = nn.ModuleList(nn.Embedding(n, width) for n in (config.first, config.second))
        self.stored = nn.ModuleList(nn.Embedding(n, width) for n in (config.first, config.second))
        self.value = nn.Embedding(config.answers, width)
        self.answer = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, config.answers)
        )
        self.expect = nn.Linear(width, 1)

    def selector(self) -> list[nn.Parameter]:
        """The embeddings of questions and of slots; answers have their own."""
        return [*self.asked.parameters(), *self.stored.parameters()]

    def outcome(self, batch: RecallBatch, choose: Chooser) -> Outcome:
        """Answer the questions; the reward is 1 where the answer is right."""
        query = _sum(self.asked, batch.question)
        keys = _sum(self.stored, batch.slots)
        selection = choose(torch.einsum("bd,bnd->bn", query, keys) / math.sqrt(query.shape[-1]))
        tell(self.read, selection)
        logits = self.answer(selection.apply(self.value(batch.values)))
        right = (logits.argmax(-1) == batch.answer).to(logits.dtype)
        mass = selection.weights.detach().gather(-1, batch.where.unsqueeze(-1)).squeeze(-1)
        return Outcome(
            loss=functional.cross_entropy(logits, batch.answer, reduction="none"),
            reward=right,
            right=right,
            baseline=self.expect(query.detach()),
            scores=logits.detach().softmax(-1),
            figures={"weight of the right slot": mass},
        )


def _sum(tables: nn.ModuleList, words: Tensor) -> Tensor:
    """Embeddings ``[..., width]`` of ``words [..., 2]``, one table a word."""
    first, second = (table(words[..., at]) for at, table in enumerate(tables))
    found: Tensor = first + second
    return found


def _fit(task: GeneratedTask) -> dict[str, Any]:
    return dict(task.facts)


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {"steps": 3_000, "learning_rate": 1e-2, "shift": 0, "entropy_bonus": 0.0}
    if mechanism in ("sampled", "top-k"):
        plan |= {"entropy_bonus": 0.01}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="memory",
    summary="answers a question by reading one slot of a memory full of distractors",
    trainable=pairs(CHOICES),
    mechanisms=MemoryConfig.MECHANISMS,
    tasks=(*(f"recall-{size}" for size in (16, 8, *SIZES[2:])), "tools-16"),
    reference="Sukhbaatar et al. 2015, End-To-End Memory Networks, arXiv:1503.08895",
    model=MemoryNetwork,
    config=MemoryConfig,
    fit=_fit,
    defaults=_defaults,
)
