"""Answers a question about a picture from one of its regions, which the question looks for.

After Xu and Saenko 2016, "Ask, Attend and Answer: Exploring Question-Guided Spatial Attention for
Visual Question Answering" (arXiv:1511.05234), with one hop; that a region is chosen and not blended
after Malinowski, Doersch, Santoro and Battaglia 2018, "Learning Visual Question Answering by
Bootstrapping Hard Attention" (arXiv:1808.00300), who chose by the size of features.
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
from hardattn_models.tasks.shapes import ANSWERS, KINDS, ShapeBatch
from hardattn_models.weights import kept_size
from recorders.capture.tap import AttentionTap

STRIDE = 8
"""Height and width of a region in pixels; what is known of it comes from 24 × 24 around it."""


@dataclass(frozen=True)
class VqaConfig(ModelConfig):
    """What an answerer is built from.

    Attributes:
        mechanism: how a region is chosen.
        temperature: what the scores are divided by.
        k: regions that "top-k" and "hybrid" look at.
        words: how many words questions consist of, and one for none.
        answers: how many answers there are.
        size: height and width of a picture in pixels, a multiple of 8.
        features: width of what is known of a region, and of a question.
    """

    WHAT: ClassVar[str] = "answerer"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *CHOICES[1:])

    words: int = 28
    answers: int = 13
    size: int = 64
    features: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % STRIDE:
            raise ValueError(f"a picture of {self.size} × {self.size} is no multiple of {STRIDE}")


class VqaModel(SystemModel):
    """Reads a question, scores the regions by it, and answers from those that it takes.

    Attributes:
        config: what it was built from.
        regions: float32 ``[n, 4]``, the regions as boxes x0, y0, x1, y1 in pixels, row by row.
        look: the ``AttentionTap`` that a recorder listens to, called once a question.
    """

    config: VqaConfig
    regions: Tensor

    def __init__(self, config: VqaConfig | None = None) -> None:
        super().__init__(config or VqaConfig())
        config = self.config
        width = config.features
        self.look = AttentionTap(
            "look",
            kind="cross",
            mechanism=config.mechanism,
            query_axis="target",
            key_axis="regions",
        )
        corner = torch.arange(0.0, config.size, STRIDE)
        y, x = torch.meshgrid(corner, corner, indexing="ij")
        boxes = torch.stack([x, y, x + STRIDE, y + STRIDE], -1).reshape(-1, 4)
        self.register_buffer("regions", boxes, persistent=False)
        # From 8 × 8 pixels, then 16 × 16, then 24 × 24 around the middle of a region.
        self.see = nn.Sequential(
            nn.Conv2d(3, 32, 8, stride=4),
            nn.ReLU(),
            nn.Conv2d(32, 48, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(48, width, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        kept_size(self.see)
        self.word = nn.Embedding(config.words, width, padding_idx=0)
        self.read = nn.Sequential(nn.Linear(width, width), nn.ReLU())
        self.ask = nn.Linear(width, width)
        self.keys = nn.Linear(width, width, bias=False)
        self.told = nn.Linear(width, width)
        self.asked = nn.Linear(width, width)
        self.answer = nn.Sequential(
            nn.Linear(3 * width, 2 * width), nn.ReLU(), nn.Linear(2 * width, config.answers)
        )
        self.expect = nn.Linear(width, 1)

    def selector(self) -> list[nn.Parameter]:
        """What the question looks for, and what it is compared with."""
        return [*self.ask.parameters(), *self.keys.parameters()]

    def outcome(self, batch: ShapeBatch, choose: Chooser) -> Outcome:
        """Answer the questions; the reward is 1 where the answer is right."""
        # White is nothing: the background of the pictures is light.
        pixels = 1 - batch.images.permute(0, 3, 1, 2).to(self.word.weight.dtype) / 255
        seen = self.see(pixels).flatten(2).transpose(1, 2)
        asked = self.read(self.word(batch.question).sum(1))
        through = choose.passes
        query = self.ask(asked if through else asked.detach())
        keys = self.keys(seen if through else seen.detach())
        selection = choose(torch.einsum("bd,bnd->bn", query, keys) / math.sqrt(keys.shape[-1]))
        tell(self.look, selection)
        told = selection.apply(seen)
        # The product says whether what is seen is what is asked for (Kim et al. 2016,
        # arXiv:1610.04325).
        both = self.told(told) * self.asked(asked)
        scores = self.answer(torch.cat([told, asked, both], -1))
        said = scores.argmax(-1)
        right = (said == batch.answer).to(scores.dtype)
        held = functional.max_pool2d(batch.shape.to(scores.dtype), STRIDE).flatten(1)
        return Outcome(
            loss=functional.cross_entropy(scores, batch.answer, reduction="none"),
            reward=right,
            right=right,
            baseline=self.expect(asked.detach()),
            scores=scores.detach().softmax(-1),
            figures={
                "weight on the shape": (selection.weights.detach() * held).sum(-1),
                **{
                    f"right, {kind}": torch.where(batch.kind == number, right, torch.nan)
                    for number, kind in enumerate(KINDS)
                },
            },
            words=[[ANSWERS[answer]] for answer in said.tolist()],
        )

    def described(self, batch: ShapeBatch) -> list[dict[str, Any]]:
        """Pictures with the regions that could be looked at."""
        regions = self.regions.numpy()
        return [{**entry, "regions": regions} for entry in batch.entries]


def _fit(task: GeneratedTask) -> dict[str, Any]:
    return dict(task.facts)


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 2_000,
        "batch": 64,
        "learning_rate": 2e-3,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism in ("sampled", "top-k"):
        plan |= {"steps": 3_000, "entropy_bonus": 0.01}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="vqa",
    summary="answers a question about a picture from the one region that the question looks for",
    trainable=pairs(CHOICES),
    mechanisms=VqaConfig.MECHANISMS,
    tasks=("easy-vqa",),
    reference="Xu & Saenko 2016, Ask, Attend and Answer, arXiv:1511.05234",
    model=VqaModel,
    config=VqaConfig,
    fit=_fit,
    defaults=_defaults,
)
