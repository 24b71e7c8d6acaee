"""Answers a question about a clip from one of its frames: a word looks for the frame that shows it.

All frames are glanced at in half their resolution, as a key for each; one is then read in full.
The choice of few frames of a video after Korbar, Tran and Torresani 2019, "SCSampler: Sampling
Salient Clips from Video for Efficient Action Recognition" (arXiv:1904.04289); that a text looks for
a frame after Gabeur et al. 2020 (arXiv:2007.10639).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hardattn_models.choosing import Chooser
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import CHOICES, pairs
from hardattn_models.seeing import of_each, reader
from hardattn_models.system import System
from hardattn_models.tasks.clips import ClipBatch
from hardattn_models.tasks.generated import GeneratedTask
from recorders.capture.tap import AttentionTap


@dataclass(frozen=True)
class VideoConfig(ModelConfig):
    """What a reader of clips is built from.

    Attributes:
        mechanism: how a frame is chosen.
        temperature: what the scores are divided by.
        k: frames that "top-k" and "hybrid" read.
        queries: how many questions there are.
        answers: how many answers.
        size: height and width of a frame in pixels, a multiple of 8.
        features: width of what is known of a frame.
    """

    WHAT: ClassVar[str] = "reader of clips"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *CHOICES[1:])

    queries: int = 11
    answers: int = 14
    size: int = 48
    features: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 8:
            raise ValueError(f"a frame of {self.size} × {self.size} is no multiple of 8 pixels")


class VideoReader(SystemModel):
    """Scores each frame by the question and a glance at it, and reads those that are chosen.

    Attributes:
        config: what it was built from.
        frames: the ``AttentionTap`` that a recorder listens to, called once a clip.
    """

    config: VideoConfig

    def __init__(self, config: VideoConfig | None = None) -> None:
        super().__init__(config or VideoConfig())
        config = self.config
        width = config.features
        self.frames = AttentionTap(
            "frames", kind="cross", mechanism=config.mechanism, key_axis="regions"
        )
        self.glance = reader(config.size // 2, width, (16, 32))
        self.asked = nn.Embedding(config.queries, width)
        self.read = reader(config.size, width, (16, 32, 32))
        self.query = nn.Embedding(config.queries, width)
        self.answer = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, config.answers)
        )
        self.expect = nn.Linear(width, 1)

    def selector(self) -> list[nn.Parameter]:
        """What glances at the frames, and what the question looks for."""
        return [*self.glance.parameters(), *self.asked.parameters()]

    def outcome(self, batch: ClipBatch, choose: Chooser) -> Outcome:
        """Answer the questions; the reward is 1 where the answer is right."""
        keys = of_each(self.glance, functional.avg_pool2d(self._pixels(batch.frames), 2))
        looked_for = self.asked(batch.query)
        logits = torch.einsum("bd,bnd->bn", looked_for, keys) / math.sqrt(keys.shape[-1])
        selection = choose(logits)
        index = selection.index
        if index is not None and index.shape[-1] == 1:
            index = index.squeeze(-1)
        self.frames(
            probabilities=selection.probabilities,
            selection=index,
            log_prob=None if index is None else selection.log_prob,
            temperature=selection.temperature,
        )
        if choose.reads_all or selection.index is None:
            features = selection.apply(of_each(self.read, self._pixels(batch.frames)))
        else:
            at = selection.index
            rows = torch.arange(len(at)).unsqueeze(-1)
            share = selection.weights.gather(-1, at).unsqueeze(-1)
            features = (of_each(self.read, self._pixels(batch.frames[rows, at])) * share).sum(1)
        scores = self.answer(torch.cat([features, self.query(batch.query)], -1))
        right = (scores.argmax(-1) == batch.answer).to(scores.dtype)
        return Outcome(
            loss=functional.cross_entropy(scores, batch.answer, reduction="none"),
            reward=right,
            right=right,
            baseline=self.expect(looked_for.detach()),
            scores=scores.detach().softmax(-1),
            figures={
                "weight of frames that answer": (selection.weights.detach() * batch.where).sum(-1)
            },
        )

    def _pixels(self, frames: Tensor) -> Tensor:
        return frames.to(self.asked.weight.dtype) / 255


def _fit(task: GeneratedTask) -> dict[str, Any]:
    return dict(task.facts)


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 500,
        "batch": 64,
        "learning_rate": 2e-3,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism in ("sampled", "top-k"):
        plan |= {"steps": 2_500, "entropy_bonus": 0.01}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="video",
    summary="answers a question about a clip from one frame: a word looks for what shows it",
    trainable=pairs(CHOICES),
    mechanisms=VideoConfig.MECHANISMS,
    tasks=("clip-find", "clip-name"),
    reference="Korbar et al. 2019, SCSampler: Sampling Salient Clips from Video for Efficient "
    "Action Recognition, arXiv:1904.04289",
    model=VideoReader,
    config=VideoConfig,
    fit=_fit,
    defaults=_defaults,
)
