"""Keeps of an image nothing but the number of one code, and draws it again from that.

A variational autoencoder with a categorical latent variable (Kingma and Welling 2014,
arXiv:1312.6114), or several, on which gradient estimators are compared since Jang, Gu and Poole
2017 (arXiv:1611.01144) and Tucker et al. 2017 (arXiv:1703.07370): two hundred variables of two
values there. With a single variable of few values the bound can be worked out by enumeration, so
that all estimators are held to the same number; with many it is estimated from draws. "gates"
write the numbers of the codes as bits, each a choice of its own, which is what ARM and DisARM are
for (Yin and Zhou 2019, arXiv:1807.11143; Dong, Mnih and Tucker 2020, arXiv:2006.10680).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hardattn_models.choosing import GATES, Chooser, tell, tell_gates
from hardattn_models.gradients.draws import categories, one_hot
from hardattn_models.mechanisms import Gates
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import COMPARED, GATED, SINGLE, pairs
from hardattn_models.system import System
from hardattn_models.tasks.images import Batch, ImageTask
from hardattn_models.tasks.loading import image_task_names
from recorders.capture.tap import AttentionTap

_LEARNT = (
    "sampled",
    "gates",
    "soft",
    "uniform",
    "gumbel-softmax",
    "straight-through",
    "gumbel-straight-through",
)
_INK = 0.5
"""Brightness from which on a pixel counts as ink: images are made black and white."""
_SETTINGS = 4096
"""Settings of all variables that are gone through; more are estimated from draws."""
_DRAWS = 20
"""Draws of an image that its bound is estimated from."""
_GAP = 8
"""Pixels between the image and the codes, in the picture that a recorder is given."""


@dataclass(frozen=True)
class LatentConfig(ModelConfig):
    """What a latent variable model is built from.

    Attributes:
        mechanism: how a code is chosen.
        temperature: what the scores are divided by.
        k: not used.
        codes: values of a latent variable; a power of two where gates write its bits.
        variables: latent variables, drawn each by itself given the image.
        classes: classes that the code is read as, beside the model.
        size: height and width of the images in pixels.
        layers: of the encoder and of the decoder: 2, or 1, which leaves both linear.
        width: of what is known of a code; with one layer it is the drawing itself.
        hidden: width of the layers between.
    """

    WHAT: ClassVar[str] = "latent variable model"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *_LEARNT[1:])

    codes: int = 64
    variables: int = 1
    classes: int = 10
    size: int = 28
    layers: int = 2
    width: int = 64
    hidden: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mechanism == GATES and self.codes & (self.codes - 1):
            raise ValueError(f"{self.codes} codes have no whole number of bits: choose 32 or 64")
        if self.layers > 2:
            raise ValueError(f"{self.layers} layers are more than it can have: choose 1 or 2")

    @property
    def units(self) -> int:
        """What the encoder tells: a score for each code of each variable, or for each bit."""
        each = self.codes.bit_length() - 1 if self.mechanism == GATES else self.codes
        return self.variables * each

    @property
    def prior_entropy(self) -> float:
        """Entropy of the even prior in nats."""
        return self.variables * math.log(self.codes)

    @property
    def enumerated(self) -> bool:
        """Whether the settings of all variables are few enough to be gone through."""
        return self.prior_entropy < math.log(_SETTINGS) + 1e-6


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
        gated = config.mechanism == GATES
        self.code = AttentionTap(
            "code",
            kind="gates" if gated else "latent",
            mechanism=config.mechanism,
            key_axis="gate" if gated else "regions" if config.variables == 1 else "values",
            query_axis="bits" if gated else "queries" if config.variables == 1 else "variables",
        )
        flat = config.layers == 1
        width = pixels if flat else config.width
        self.encode = _mapping(pixels, config.units, hidden=0 if flat else config.hidden)
        self.book = nn.Parameter(torch.randn(config.units, width) / math.sqrt(config.variables))
        self.decode = _Shifted(pixels) if flat else _mapping(width, pixels, hidden=config.hidden)
        self.name = nn.Linear(config.units, config.classes)
        self.expect = nn.Linear(pixels, 1)
        self._drawn: Tensor | None = None

    @property
    def _is_gated(self) -> bool:
        return self.mechanism == GATES

    @property
    def _is_several(self) -> bool:
        return self.config.variables > 1 and not self._is_gated

    def selector(self) -> list[nn.Parameter]:
        """The encoder."""
        return list(self.encode.parameters())

    def outcome(self, batch: Batch, choose: Chooser) -> Outcome:
        """Encode and draw again.

        The loss is the negative evidence lower bound in nats, its expectation taken over the code
        that was chosen (for a blend, at the blend of codes, which bounds nothing); the reward the
        bound itself, in hundreds of nats. Right is an image whose class a linear reader tells from
        the code; the reader learns beside the model and teaches it nothing. The figures are taken
        over all codes, so they are the same whatever was drawn; where there are too many, over
        twenty draws of the variables whatever the mechanism, and not while it is trained.
        """
        ink = (batch.images.flatten(1) > _INK).to(batch.images.dtype)
        told = self.encode(ink)
        if self._is_several:
            told = told.unflatten(1, (self.config.variables, self.config.codes))
        selection = choose.gates(told) if self._is_gated else choose(told)
        if isinstance(selection, Gates):
            tell_gates(self.code, selection)
        else:
            tell(self.code, selection)
        weights = selection.weights.flatten(1)
        if self._is_several:
            # What is known of a variable's value is read by all at once: there is much of it.
            drawn = self.decode(weights @ self.book)
        else:
            drawn = self.decode(selection.apply(self.book.expand(len(ink), -1, -1)))
        missed = functional.binary_cross_entropy_with_logits(drawn, ink, reduction="none").sum(1)
        entropy = selection.entropy.sum(1) if self._is_several else selection.entropy
        kl = self.config.prior_entropy - entropy
        bound = -(missed + kl)
        named = self.name(weights.detach())
        read = functional.cross_entropy(named, batch.labels, reduction="none")
        right = (named.argmax(-1) == batch.labels).to(ink.dtype)
        figures: dict[str, Tensor] = {}
        if self.config.enumerated or not self.training:
            with torch.no_grad():
                figures = self._figures(ink, selection.probabilities, kl.detach(), choose)
        return Outcome(
            # The reader has a gradient and no value.
            loss=read - read.detach() - bound,
            reward=bound.detach() / 100,
            right=right,
            baseline=self.expect(ink),
            scores=named.detach().softmax(-1),
            figures=figures,
        )

    def described(self, batch: Batch) -> list[dict[str, Any]]:
        """Each image beside what the decoder draws for every code, a region each.

        Bits and values of several variables are no regions, so those images are left as they are.

        An example is one picture in all snapshots of a training, so the drawings are those of the
        first time that this is asked: of a training that is followed, those it began with.
        """
        if self._is_gated or self._is_several:
            return list(batch.entries)
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

    def _figures(
        self, ink: Tensor, probabilities: Tensor, kl: Tensor, choose: Chooser
    ) -> dict[str, Tensor]:
        """The bound, the likelihood (or a closer bound of it) and the divergence, in nats."""
        prior = -self.config.prior_entropy
        if self.config.enumerated:
            # [batch, settings], under the settings of all variables.
            every = self._log_likelihood(self._settings(), ink)
            whole = (self._chances(probabilities) * every).sum(-1)
            return {
                "negative ELBO": kl - whole,
                "negative log-likelihood": -torch.logsumexp(every + prior, -1),
                "KL": kl,
            }
        both = torch.stack([1 - probabilities, probabilities], -1)
        p = both if self._is_gated else probabilities
        drawn = torch.stack([one_hot(one, p) for one in categories(p, choose.generator, _DRAWS)])
        chances = (drawn * p).sum(-1).log().sum(-1)
        weights = drawn[..., 1] if self._is_gated else drawn.flatten(2)
        every = torch.stack([self._of_each(one, ink) for one in weights])
        closer = torch.logsumexp(every + prior - chances, 0) - math.log(_DRAWS)
        return {
            "negative ELBO": kl - every.mean(0),
            f"negative log-likelihood, by {_DRAWS} draws": -closer,
            "KL": kl,
        }

    def _values(self) -> Tensor:
        """The value of each variable, or of each bit, in every setting: ``[settings, ...]``."""
        few, count = (
            (2, self.config.units) if self._is_gated else (self.config.codes, self.config.variables)
        )
        settings = torch.arange(self.config.codes**self.config.variables)
        return settings.unsqueeze(-1) // few ** torch.arange(count) % few

    def _settings(self) -> Tensor:
        """The weights of every setting, ``[settings, units]``."""
        values = self._values()
        if not self._is_gated:
            values = functional.one_hot(values, self.config.codes).flatten(1)
        return values.to(self.book.dtype)

    def _chances(self, probabilities: Tensor) -> Tensor:
        """Probability of every setting ``[batch, settings]``, from those of the codes or bits."""
        values = self._values()
        if self._is_gated:
            p = probabilities.unsqueeze(-2)
            return torch.where(values > 0, p, 1 - p).prod(-1)
        if not self._is_several:
            return probabilities
        return probabilities[:, torch.arange(values.shape[1]), values].prod(-1)

    def _log_likelihood(self, weights: Tensor, ink: Tensor) -> Tensor:
        """Of images ``[batch, pixels]`` under each row of weights: ``[batch, rows]``."""
        drawn = self.decode(weights @ self.book)
        found: Tensor = ink @ drawn.T - functional.softplus(drawn).sum(-1)
        return found

    def _of_each(self, weights: Tensor, ink: Tensor) -> Tensor:
        """Log-likelihood ``[batch]`` of each image under weights of its own."""
        drawn = self.decode(weights @ self.book)
        found: Tensor = (ink * drawn - functional.softplus(drawn)).sum(-1)
        return found


class _Shifted(nn.Module):
    """Adds to drawings what all of them have in common."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(pixels))

    def forward(self, drawn: Tensor) -> Tensor:
        return drawn + self.bias


def _mapping(inputs: int, outputs: int, *, hidden: int) -> nn.Module:
    if not hidden:
        return nn.Linear(inputs, outputs)
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


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
    if gradient in (*COMPARED, *SINGLE, *GATED):
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
