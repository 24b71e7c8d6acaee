"""Keeps of an image nothing but the number of one code, and draws it again from that.

A variational autoencoder with one categorical latent variable (Kingma and Welling 2014,
arXiv:1312.6114), on which gradient estimators are compared since Jang, Gu and Poole 2017
(arXiv:1611.01144) and Tucker et al. 2017 (arXiv:1703.07370). With a single variable of few values
the bound can be worked out by enumeration, so that all estimators are held to the same number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hardattn_models.choosing import Chooser, tell
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import pairs
from hardattn_models.system import System
from hardattn_models.tasks.images import Batch, ImageTask
from hardattn_models.tasks.loading import image_task_names
from recorders.capture.tap import AttentionTap

_LEARNT = (
    "sampled",
    "soft",
    "uniform",
    "gumbel-softmax",
    "straight-through",
    "gumbel-straight-through",
)
_INK = 0.5
"""Brightness from which on a pixel counts as ink: images are made black and white."""
_GAP = 8
"""Pixels between the image and the codes, in the picture that a recorder is given."""


@dataclass(frozen=True)
class LatentConfig(ModelConfig):
    """What a latent variable model is built from.

    Attributes:
        mechanism: how a code is chosen.
        temperature: what the scores are divided by.
        k: not used.
        codes: values of the latent variable.
        classes: classes that the code is read as, beside the model.
        size: height and width of the images in pixels.
        width: of what is known of a code.
        hidden: width of the layers between.
    """

    WHAT: ClassVar[str] = "latent variable model"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *_LEARNT[1:])

    codes: int = 64
    classes: int = 10
    size: int = 28
    width: int = 64
    hidden: int = 128


class LatentModel(SystemModel):
    """An encoder that chooses a code, and a decoder that draws it; the prior is even.

    Attributes:
        config: what it was built from.
        code: the ``AttentionTap`` that a recorder listens to, called once an image.
    """

    config: LatentConfig

    def __init__(self, config: LatentConfig | None = None) -> None:
        super().__init__(config or LatentConfig())
        config = self.config
        pixels = config.size**2
        self.code = AttentionTap(
            "code", kind="latent", mechanism=config.mechanism, key_axis="regions"
        )
        self.encode = nn.Sequential(
            nn.Linear(pixels, config.hidden), nn.ReLU(), nn.Linear(config.hidden, config.codes)
        )
        self.book = nn.Parameter(torch.randn(config.codes, config.width))
        self.decode = nn.Sequential(
            nn.Linear(config.width, config.hidden), nn.ReLU(), nn.Linear(config.hidden, pixels)
        )
        self.name = nn.Linear(config.codes, config.classes)
        self.expect = nn.Linear(pixels, 1)
        self._drawn: Tensor | None = None

    def selector(self) -> list[nn.Parameter]:
        """The encoder."""
        return list(self.encode.parameters())

    def outcome(self, batch: Batch, choose: Chooser) -> Outcome:
        """Encode and draw again.

        The loss is the negative evidence lower bound in nats, its expectation taken over the code
        that was chosen (for a blend, at the blend of codes, which bounds nothing); the reward the
        bound itself, in hundreds of nats. Right is an image whose class a linear reader tells from
        the code; the reader learns beside the model and teaches it nothing. The figures are taken
        over all codes, so they are the same whatever was drawn.
        """
        ink = (batch.images.flatten(1) > _INK).to(batch.images.dtype)
        selection = choose(self.encode(ink))
        tell(self.code, selection)
        drawn = self.decode(selection.apply(self.book.expand(len(ink), -1, -1)))
        missed = functional.binary_cross_entropy_with_logits(drawn, ink, reduction="none").sum(1)
        # Beside an even prior.
        kl = math.log(self.config.codes) - selection.entropy
        bound = -(missed + kl)
        named = self.name(selection.weights.detach())
        read = functional.cross_entropy(named, batch.labels, reduction="none")
        right = (named.argmax(-1) == batch.labels).to(ink.dtype)
        with torch.no_grad():
            every = self._every(ink)
            likely = torch.logsumexp(every - math.log(self.config.codes), -1)
            whole = (selection.probabilities * every).sum(-1) - kl
        return Outcome(
            # The reader has a gradient and no value.
            loss=read - read.detach() - bound,
            reward=bound.detach() / 100,
            right=right,
            baseline=self.expect(ink),
            scores=named.detach().softmax(-1),
            figures={
                "negative ELBO": -whole,
                "negative log-likelihood": -likely,
                "KL": kl.detach(),
            },
        )

    def described(self, batch: Batch) -> list[dict[str, Any]]:
        """Each image beside what the decoder draws for every code, a region each.

        An example is one picture in all snapshots of a training, so the drawings are those of the
        first time that this is asked: of a training that is followed, those it began with.
        """
        side, across = self.config.size, math.isqrt(self.config.codes - 1) + 1
        if self._drawn is None:
            with torch.no_grad():
                self._drawn = (self.decode(self.book).sigmoid() * 255).round().to(torch.uint8)
        drawn = self._drawn
        row, column = np.divmod(np.arange(self.config.codes), across)
        sheet = np.zeros(((int(row[-1]) + 1) * side, (across + 1) * side + _GAP), np.uint8)
        sheet[:, side : side + _GAP] = 64
        left, top = side + _GAP + column * side, row * side
        for x, y, code in zip(left, top, drawn.numpy(), strict=True):
            sheet[y : y + side, x : x + side] = code.reshape(side, side)
        boxes = np.stack([left, top, left + side, top + side], -1).astype(np.float32)
        entries = []
        for entry, image in zip(batch.entries, batch.images, strict=True):
            picture = sheet.copy()
            picture[:side, :side] = 255 * (image.numpy() > _INK)
            entries.append({**entry, "image": picture, "regions": boxes})
        return entries

    def _every(self, ink: Tensor) -> Tensor:
        """Log-likelihood ``[batch, codes]`` of images ``[batch, pixels]`` under each code."""
        drawn = self.decode(self.book)
        found: Tensor = ink @ drawn.T - functional.softplus(drawn).sum(-1)
        return found


def _fit(task: ImageTask) -> dict[str, Any]:
    return {"classes": task.classes, "size": task.train.images.shape[-1]}


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 2_000,
        "batch": 100,
        "learning_rate": 5e-3,
        "shift": 0,
        # Losses are sums over pixels, and so are their gradients.
        "clip": 1_000.0,
        "policy_weight": 100.0,
        "entropy_bonus": 0.0,
    }
    if gradient in ("soft-baseline", "muprop", "exact", "sum-and-sample", "rebar", "relax"):
        # They ask for the loss in nats, not for the reward in hundreds of them.
        plan |= {"policy_weight": 1.0}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="latent",
    summary="keeps of an image the number of one code alone, and draws it again from that",
    trainable=pairs(_LEARNT),
    mechanisms=LatentConfig.MECHANISMS,
    tasks=image_task_names(),
    reference="Jang et al. 2017, Categorical Reparameterization with Gumbel-Softmax, "
    "arXiv:1611.01144",
    model=LatentModel,
    config=LatentConfig,
    note="top-k, hybrid, sparsemax and entmax15 are left out: the bound is that of one code drawn "
    "from a softmax",
    fit=_fit,
    defaults=_defaults,
)
