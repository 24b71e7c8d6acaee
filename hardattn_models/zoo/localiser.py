"""Finds one digit in a large image: a coarse overview says which crop to read at full resolution.

The overview is as coarse as in Katharopoulos and Fleuret 2019, "Processing Megapixel Images with
Deep Attention-Sampling Models" (arXiv:1905.03711), and a crop is chosen as there, by a small
network on it; here by any mechanism. Both networks are convolutions, so that what was trained on
small images runs on large ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hardattn_models.choosing import Chooser
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import CHOICES, pairs
from hardattn_models.system import System
from hardattn_models.tasks.clutter import SIDE, SIZES, ClutterBatch
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.weights import kept_size
from recorders.capture.tap import AttentionTap

STRIDE, CROP = 32, 48
"""Distance between neighbouring crops, and height and width of one, in pixels."""
COARSE = 4
"""Height and width of the square that a pixel of the overview is the mean of."""
_BRIGHTER = 2.0
"""What the overview is multiplied by: a mean of thin strokes is dark."""
_MIDDLE = 16
"""Height and width of the middle of a digit, which some crop always holds whole."""


@dataclass(frozen=True)
class LocaliserConfig(ModelConfig):
    """What a localiser is built from.

    Attributes:
        mechanism: how a crop is chosen.
        temperature: what the scores are divided by.
        k: crops that "top-k" and "hybrid" read.
        classes: classes told apart.
        channels: of the network that reads the overview, 2 or more.
        features: width of what is known of a crop.
    """

    WHAT: ClassVar[str] = "localiser"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *CHOICES[1:])

    classes: int = 10
    channels: int = 16
    features: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels < 2:
            raise ValueError(f"channels must be 2 or more, not {self.channels}")


class Localiser(SystemModel):
    """Scores all crops from the overview, and reads those that are chosen, or all for a blend.

    Attributes:
        config: what it was built from.
        crop: the ``AttentionTap`` that a recorder listens to, called once an image.
    """

    config: LocaliserConfig

    def __init__(self, config: LocaliserConfig | None = None) -> None:
        super().__init__(config or LocaliserConfig())
        config = self.config
        channels, width = config.channels, config.features
        self.crop = AttentionTap(
            "crop", kind="glimpse", mechanism=config.mechanism, key_axis="regions"
        )
        self.overview = nn.Sequential(
            nn.Conv2d(1, channels // 2, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
        )
        self.score = nn.Conv2d(channels, 1, 1)
        self.read = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * (CROP // 8) ** 2, width),
            nn.ReLU(),
        )
        self.classify = nn.Linear(width, config.classes)
        self.expect = nn.Linear(channels, 1)
        for network in (self.overview, self.read):
            kept_size(network)

    def selector(self) -> list[nn.Parameter]:
        """What reads the overview; crops are read by another network."""
        return [*self.overview.parameters(), *self.score.parameters()]

    def outcome(self, batch: ClutterBatch, choose: Chooser) -> Outcome:
        """Name the digits; the reward is 1 where the name is right.

        Raises:
            ValueError: the images are not square, or of no whole number of crops.
        """
        size = _checked(batch.images)
        seen = self.overview(self._coarse(batch.images))
        selection = choose(self.score(seen).flatten(1))
        index = selection.index
        if index is not None and index.shape[-1] == 1:
            index = index.squeeze(-1)
        self.crop(
            probabilities=selection.probabilities,
            selection=index,
            log_prob=None if index is None else selection.log_prob,
            temperature=selection.temperature,
        )
        # An estimator that gives weights of its own asks for all crops by having no index.
        if choose.reads_all or selection.index is None:
            features = selection.apply(self._features(_every_crop(batch.images)))
        else:
            at = selection.index
            share = selection.weights.gather(-1, at).unsqueeze(-1)
            features = (self._features(_crops(batch.images, at)) * share).sum(1)
        scores = self.classify(features)
        right = (scores.argmax(-1) == batch.labels).to(scores.dtype)
        held = _holds_middle(regions(size), batch.corners)
        return Outcome(
            loss=functional.cross_entropy(scores, batch.labels, reduction="none"),
            reward=right,
            right=right,
            baseline=self.expect(seen.detach().mean((2, 3))),
            scores=scores.detach().softmax(-1),
            figures={"weight of crops with the digit": (selection.weights.detach() * held).sum(-1)},
        )

    def described(self, batch: ClutterBatch) -> list[dict[str, Any]]:
        """Images with the crops that could be read."""
        boxes = regions(batch.images.shape[-1]).numpy()
        return [{**entry, "regions": boxes} for entry in batch.entries]

    def _coarse(self, images: Tensor) -> Tensor:
        pixels = images.unsqueeze(1).to(self.classify.weight.dtype) / 255
        return functional.avg_pool2d(pixels, COARSE) * _BRIGHTER

    def _features(self, crops: Tensor) -> Tensor:
        """Of crops uint8 ``[batch, n, CROP, CROP]``: ``[batch, n, features]``."""
        pixels = crops.flatten(0, 1).unsqueeze(1).to(self.classify.weight.dtype) / 255
        found: Tensor = self.read(pixels).unflatten(0, crops.shape[:2])
        return found


def regions(size: int) -> Tensor:
    """The crops of an image as boxes x0, y0, x1, y1 in pixels, float32 ``[n, 4]``, row by row.

    Those at the border reach outside the image, where it counts as black.
    """
    margin = (CROP - STRIDE) / 2
    corner = torch.arange(0.0, size, STRIDE) - margin
    y, x = torch.meshgrid(corner, corner, indexing="ij")
    return torch.stack([x, y, x + CROP, y + CROP], -1).reshape(-1, 4)


def _checked(images: Tensor) -> int:
    size = images.shape[-1]
    if images.ndim != 3 or images.shape[1] != size or size % STRIDE or not size:
        raise ValueError(
            f"images must be [batch, size, size] with a size that is a multiple of {STRIDE}, "
            f"not {tuple(images.shape)}"
        )
    return size


def _every_crop(images: Tensor) -> Tensor:
    margin = (CROP - STRIDE) // 2
    padded = functional.pad(images, (margin,) * 4)
    return padded.unfold(1, CROP, STRIDE).unfold(2, CROP, STRIDE).flatten(1, 2)


def _crops(images: Tensor, at: Tensor) -> Tensor:
    """Those of numbers ``[batch, k]``; no other pixel is read."""
    size = images.shape[-1]
    inside = torch.arange(CROP) - (CROP - STRIDE) // 2
    row, column = at // (size // STRIDE) * STRIDE, at % (size // STRIDE) * STRIDE
    down, across = row.unsqueeze(-1) + inside, column.unsqueeze(-1) + inside
    there = ((down >= 0) & (down < size)).unsqueeze(-1)
    there = there & ((across >= 0) & (across < size)).unsqueeze(-2)
    rows = torch.arange(len(images))[:, None, None, None]
    down, across = down.clamp(0, size - 1), across.clamp(0, size - 1)
    return images[rows, down.unsqueeze(-1), across.unsqueeze(-2)] * there


def _holds_middle(boxes: Tensor, corners: Tensor) -> Tensor:
    """Which crops hold the middle of the digit, ``[batch, n]``."""
    low = corners + (SIDE - _MIDDLE) // 2
    inside = (low.unsqueeze(1) >= boxes[:, :2]) & (low.unsqueeze(1) + _MIDDLE <= boxes[:, 2:])
    return inside.all(-1).to(boxes.dtype)


def _fit(task: GeneratedTask) -> dict[str, Any]:
    return dict(task.facts)


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 2_000,
        "batch": 32,
        "learning_rate": 3e-3,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism in ("sampled", "top-k"):
        # With less of a bonus it settles on crops before it can read what is in them.
        plan |= {"steps": 5_500, "batch": 64, "learning_rate": 2e-3, "entropy_bonus": 0.1}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="localiser",
    summary="finds one digit in a large image: an overview says which crop to read in full",
    trainable=pairs(CHOICES),
    mechanisms=LocaliserConfig.MECHANISMS,
    tasks=("clutter", *(f"clutter-{size}" for size in SIZES)),
    reference="Katharopoulos & Fleuret 2019, Processing Megapixel Images with Deep "
    "Attention-Sampling Models, arXiv:1905.03711",
    model=Localiser,
    config=LocaliserConfig,
    note="relax fits its control variate to one number of crops: a task of one size",
    fit=_fit,
    defaults=_defaults,
)
