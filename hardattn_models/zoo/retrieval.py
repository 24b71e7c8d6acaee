"""Finds the clip that a caption tells of, reading one frame of each clip of a gallery.

All frames are glanced at in half their resolution, as a key for each; the caption chooses one of
each clip, which is read in full and compared with it. That a caption looks for frames after
Gabeur, Sun, Alahari and Schmid 2020, "Multi-modal Transformer for Video Retrieval"
(arXiv:2007.10639). Captions and frames are encoded apart, as by Radford et al. 2021, "Learning
Transferable Visual Models From Natural Language Supervision" (arXiv:2103.00020), but compared
without their norms: a frame that shows nothing has nothing to say. The loss is that of van den
Oord, Li and Vinyals 2018, "Representation Learning with Contrastive Predictive Coding"
(arXiv:1807.03748, eq. 4), over the clips of a gallery.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hardattn_models.choosing import Chooser, tell
from hardattn_models.mechanisms import Selection
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import CHOICES, SINGLE, pairs
from hardattn_models.seeing import of_each, reader
from hardattn_models.system import System
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.retrieving import GalleryBatch
from recorders.capture.tap import AttentionTap

_FIRST = 0.3
"""Standard deviation of what is known of a word at first."""


@dataclass(frozen=True)
class RetrievalConfig(ModelConfig):
    """What a retriever is built from.

    Attributes:
        mechanism: how a frame is chosen.
        temperature: what the scores of frames are divided by.
        k: frames of a clip that "top-k" and "hybrid" read.
        words: how many words captions consist of.
        frames: how many frames a clip has.
        size: height and width of a frame in pixels, a multiple of 8.
        features: width of what is known of a frame, and of a caption.
    """

    WHAT: ClassVar[str] = "retriever"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *CHOICES[1:])

    words: int = 14
    frames: int = 8
    size: int = 32
    features: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 8:
            raise ValueError(f"a frame of {self.size} × {self.size} is no multiple of 8 pixels")
        if self.k > self.frames:
            raise ValueError(f"k is {self.k}, but a clip has {self.frames} frames")


class Retriever(SystemModel):
    """Chooses a frame of each clip by the caption, and ranks the clips by what it reads there.

    Attributes:
        config: what it was built from.
        frames: the ``AttentionTap`` that a recorder listens to, called once a clip; its keys are
            the frames of all clips, those of the others having no probability.
    """

    config: RetrievalConfig

    def __init__(self, config: RetrievalConfig | None = None) -> None:
        super().__init__(config or RetrievalConfig())
        config = self.config
        width = config.features
        self.frames = AttentionTap(
            "frames",
            kind="cross",
            mechanism=config.mechanism,
            key_axis="regions",
            query_axis="target",
        )
        self.glance = reader(config.size // 2, width, (8, 16))
        self.asked = _captions(config.words, width)
        self.read = reader(config.size, width, (8, 16, 32))
        self.said = _captions(config.words, width)
        self.expect = nn.Linear(width, 1)

    def selector(self) -> list[nn.Parameter]:
        """What glances at the frames, and what the caption looks for."""
        return [*self.glance.parameters(), *self.asked.parameters()]

    def outcome(self, batch: GalleryBatch, choose: Chooser) -> Outcome:
        """Rank the clips; the reward is one over the rank of the right one.

        That is more than nothing for a look that brings the right clip from the fourth place to the
        second, as most do at first. The loss is the cross-entropy of the right clip among those of
        the gallery.
        """
        keys = of_each(self.glance, functional.avg_pool2d(self._pixels(batch.frames), 2))
        looked_for = self.asked(batch.caption)
        logits = torch.einsum("bd,bnd->bn", looked_for, keys) / math.sqrt(keys.shape[-1])
        clip = torch.arange(logits.shape[1]) // self.config.frames
        looks = []
        for one in range(logits.shape[1] // self.config.frames):
            looks.append(choose(logits.masked_fill(clip != one, -torch.inf)))
            tell(self.frames, looks[-1])
        seen, read = self._read(batch.frames, looks, choose.reads_all)
        said = self.said(batch.caption) / math.sqrt(seen.shape[-1])
        scores = torch.einsum("bd,bcd->bc", said, seen)
        true = scores.detach().gather(1, batch.answer.unsqueeze(-1))
        # A clip that scores the same is before the right one.
        rank = (scores.detach() >= true).sum(-1).to(scores.dtype)
        weights = torch.stack([look.weights.detach() for look in looks], 1).sum(1)
        return Outcome(
            loss=functional.cross_entropy(scores, batch.answer, reduction="none"),
            reward=1 / rank,
            right=(rank == 1).to(scores.dtype),
            baseline=self.expect(looked_for.detach()).expand(-1, len(looks)),
            scores=scores.detach().softmax(-1),
            figures={
                "recall at 5": (rank <= 5).to(scores.dtype),
                "reciprocal rank": 1 / rank,
                "weight of frames that show it": (weights * batch.where).sum(-1),
                "frames read of a clip": torch.full_like(rank, read),
            },
            tracks={"similarity": scores.detach()},
            words=_ranks(scores.detach()),
        )

    def _read(self, frames: Tensor, looks: list[Selection], whole: bool) -> tuple[Tensor, int]:
        """What is known of each clip, ``[batch, clips, features]``, and how many frames tell it."""
        indices = [look.index for look in looks if look.index is not None]
        if whole or len(indices) < len(looks):
            features = of_each(self.read, self._pixels(frames))
            return torch.stack([look.apply(features) for look in looks], 1), self.config.frames
        at = torch.stack(indices, 1)
        share = torch.stack([look.weights for look in looks], 1).gather(-1, at).unsqueeze(-1)
        rows = torch.arange(len(at)).unsqueeze(-1)
        read = of_each(self.read, self._pixels(frames[rows, at.flatten(1)]))
        return (read.reshape(*at.shape, -1) * share).sum(2), at.shape[-1]

    def _pixels(self, frames: Tensor) -> Tensor:
        return frames.to(self.said.weight.dtype) / 255


def _captions(words: int, width: int) -> nn.EmbeddingBag:
    """From captions ``[batch, words]`` to ``[batch, features]``: the sum of what each word means.

    A frame that shows one thing is then compared with all words at once.
    """
    known = nn.EmbeddingBag(words, width, mode="sum")
    nn.init.normal_(known.weight, std=_FIRST)
    return known


def _ranks(scores: Tensor) -> list[list[str]]:
    """The place of each clip in the ranking, in words."""
    places = scores.argsort(-1, descending=True).argsort(-1) + 1
    return [[f"rank {place}" for place in row] for row in places.tolist()]


def _fit(task: GeneratedTask) -> dict[str, Any]:
    return dict(task.facts)


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 400,
        "batch": 64,
        "learning_rate": 4e-3,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    # Where one frame of a clip is read and not all eight, two updates and a half cost as much.
    if mechanism in ("sampled", "top-k", "uniform"):
        plan |= {"steps": 1_000}
    if mechanism in ("sampled", "top-k"):
        plan |= {"entropy_bonus": 0.01}
    if gradient == "rloo":
        plan |= {"batch": 24}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="retrieval",
    summary="finds the clip that a caption tells of, reading one frame of each clip of a gallery",
    trainable=pairs(CHOICES, without=SINGLE),
    mechanisms=RetrievalConfig.MECHANISMS,
    tasks=("gallery-8", "gallery-16", "gallery-32"),
    reference="Gabeur et al. 2020, Multi-modal Transformer for Video Retrieval, arXiv:2007.10639",
    model=Retriever,
    config=RetrievalConfig,
    note="exact, sum-and-sample, rebar and relax need a single choice, and there is one a clip",
    fit=_fit,
    defaults=_defaults,
)
