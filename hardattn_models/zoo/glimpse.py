"""A classifier that looks at an image through a few small windows, one after another.

After Mnih, Heess, Graves and Kavukcuoglu 2014, "Recurrent Models of Visual Attention"
(arXiv:1406.6247). Unlike theirs, the place of a glimpse is one of a grid of positions, drawn from
a categorical distribution, so that what the policy believed can be seen whole; and a glimpse has
one scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from hardattn_models.mechanisms import Selection, argmax, sampled, soft, uniform
from recorders.capture.tap import AttentionTap

_MECHANISMS: Mapping[str, Callable[[Tensor, Generator | None], Selection]] = {
    "sampled": lambda logits, generator: sampled(logits, generator=generator),
    "argmax": lambda logits, _: argmax(logits),
    "soft": lambda logits, _: soft(logits),
    "uniform": lambda logits, generator: uniform(logits, generator=generator),
}
MECHANISMS = tuple(_MECHANISMS)


@dataclass(frozen=True)
class GlimpseConfig:
    """What a glimpse classifier is built from.

    Attributes:
        mechanism: how a window is chosen: "sampled", "argmax", "soft" or "uniform".
        classes: classes told apart.
        glimpses: windows looked at, one after another.
        size: height and width of the images in pixels.
        stride: distance between neighbouring positions in pixels; ``size`` is a multiple of it.
        window: height and width of a window in pixels; even difference to ``stride``, not less.
        features: width of what is remembered of one glimpse.
        hidden: width of the recurrent state.
    """

    mechanism: str = "sampled"
    classes: int = 10
    glimpses: int = 6
    size: int = 28
    stride: int = 4
    window: int = 8
    features: int = 128
    hidden: int = 224

    def __post_init__(self) -> None:
        if self.mechanism not in _MECHANISMS:
            raise ValueError(
                f"the glimpse classifier has no mechanism {self.mechanism!r}: "
                f"choose {', '.join(MECHANISMS)}"
            )
        for name, value in asdict(self).items():
            if name != "mechanism" and (type(value) is not int or not 1 <= value <= 4096):
                raise ValueError(f"{name} must be a whole number from 1 to 4096, not {value!r}")
        if self.size % self.stride:
            raise ValueError(f"a size of {self.size} is not a multiple of stride {self.stride}")
        if self.window < self.stride or (self.window - self.stride) % 2:
            raise ValueError(
                f"a window of {self.window} must exceed stride {self.stride} by an even number"
            )

    @property
    def grid(self) -> int:
        """Positions along one side of the image."""
        return self.size // self.stride


@dataclass(frozen=True, eq=False)
class Episode:
    """One batch of images, looked at from the first glimpse to the verdict.

    Attributes:
        logits: ``[batch, classes]``, scores of the classes.
        probabilities: ``[batch, glimpses, n]``, where each glimpse could have gone.
        index: ``[batch, glimpses]`` int64, where it went; ``None`` for soft attention.
        log_prob: ``[batch, glimpses]``, log-probability of that, in nats; zero for soft.
        entropy: ``[batch, glimpses]``, entropy of ``probabilities`` in nats.
        baseline: ``[batch, glimpses]``, the reward expected before each glimpse.
        temperature: that of ``probabilities``.
    """

    logits: Tensor
    probabilities: Tensor
    index: Tensor | None
    log_prob: Tensor
    entropy: Tensor
    baseline: Tensor
    temperature: float


@dataclass(frozen=True, eq=False)
class Credit:
    """What an episode was worth, detached, in the shapes that a recorder takes.

    Attributes:
        scores: ``[batch, classes]``, class probabilities.
        reward: ``[batch, glimpses]``, 1 where the verdict was right and 0 where not, credited to
            every glimpse of the episode as REINFORCE does.
        baseline: ``[batch, glimpses]``, the reward expected before each glimpse.
        advantage: ``[batch, glimpses]``, ``reward − baseline``.
    """

    scores: Tensor
    reward: Tensor
    baseline: Tensor
    advantage: Tensor


def credit(episode: Episode, labels: Tensor) -> Credit:
    """What an episode was worth.

    Args:
        episode: what the model returned.
        labels: int64 ``[batch]``, the true classes.

    Returns:
        Scores, reward, baseline and advantage.

    Raises:
        ValueError: if there is not one label for each episode.
    """
    if labels.shape != episode.logits.shape[:1]:
        raise ValueError(
            f"labels must be [{episode.logits.shape[0]}], one an episode, not {tuple(labels.shape)}"
        )
    baseline = episode.baseline.detach()
    right = (episode.logits.argmax(-1) == labels).to(baseline.dtype)
    reward = right.unsqueeze(1).expand_as(baseline).contiguous()
    return Credit(
        scores=episode.logits.detach().softmax(-1),
        reward=reward,
        baseline=baseline,
        advantage=reward - baseline,
    )


class GlimpseClassifier(nn.Module):
    """The recurrent glimpse classifier, hard or soft.

    At each step a policy head reads the recurrent state and gives a distribution over the
    positions of a grid. A hard mechanism picks one window there and encodes only that one; soft
    attention encodes all windows and blends their features. What was seen and where goes into a
    gated recurrent unit, and the class is read from its last state.

    With a hard mechanism the policy head sees the state detached, so REINFORCE alone teaches it;
    with soft attention the gradient of the classification passes through everything. The
    baseline head always sees the state detached.

    Attributes:
        config: what it was built from.
        regions: float32 ``[n, 4]``, the windows as boxes x0, y0, x1, y1 in pixels, row by row;
            those at the border reach outside the image, where it counts as black.
        look: the ``AttentionTap`` that a recorder listens to, called once a glimpse.
    """

    regions: Tensor

    def __init__(self, config: GlimpseConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or GlimpseConfig()
        width, state = config.features, config.hidden
        positions = config.grid**2
        self.look = AttentionTap(
            "glimpse", kind="glimpse", mechanism=config.mechanism, key_axis="regions"
        )
        self.register_buffer("regions", _regions(config), persistent=False)
        self.what = nn.Linear(config.window**2, width)
        self.where = nn.Parameter(torch.randn(positions, width) * 0.1)
        self.fuse = nn.Linear(width, width)
        self.core = nn.GRUCell(width, state)
        self.initial = nn.Parameter(torch.zeros(state))
        self.policy = nn.Sequential(nn.Linear(state, 64), nn.ReLU(), nn.Linear(64, positions))
        self.expect = nn.Sequential(nn.Linear(state, 64), nn.ReLU(), nn.Linear(64, 1))
        self.classify = nn.Linear(state, config.classes)

    @property
    def mechanism(self) -> str:
        """How a window is chosen."""
        return self.config.mechanism

    def with_mechanism(self, mechanism: str) -> GlimpseClassifier:
        """The same weights with another way to choose: "argmax" for a trained "sampled", say.

        Args:
            mechanism: one of ``MECHANISMS``.

        Returns:
            A new model that shares this one's parameters and has a tap of its own.

        Raises:
            ValueError: if there is no such mechanism.
        """
        other = GlimpseClassifier(replace(self.config, mechanism=mechanism))
        other.load_state_dict(self.state_dict(keep_vars=True), assign=True)
        other.regions = self.regions
        return other.train(self.training)

    def windows(self, images: Tensor) -> Tensor:
        """What can be seen from each position.

        Args:
            images: ``[batch, size, size]`` or ``[batch, 1, size, size]``, floats from 0 to 1.

        Returns:
            ``[batch, n, window²]``, pixels of window i (box ``regions[i]``) row by row, with zero
            outside the image.

        Raises:
            ValueError: if the images have another shape, are not floating point, or leave 0 to 1.
        """
        size, stride, window = self.config.size, self.config.stride, self.config.window
        if images.ndim == 3:
            images = images.unsqueeze(1)
        if images.ndim != 4 or images.shape[1:] != (1, size, size) or images.shape[0] == 0:
            raise ValueError(
                f"images must be [batch, {size}, {size}] or [batch, 1, {size}, {size}], "
                f"not {tuple(images.shape)}"
            )
        if not images.is_floating_point():
            raise ValueError(f"images must be floats from 0 to 1, not {images.dtype}")
        low, high = images.aminmax()
        if not (low >= 0 and high <= 1):
            raise ValueError(f"images must lie from 0 to 1, not {low.item()} to {high.item()}")
        margin = (window - stride) // 2
        seen = functional.unfold(images, window, padding=margin, stride=stride)
        return seen.transpose(1, 2)

    def forward(self, images: Tensor, generator: Generator | None = None) -> Episode:
        """Look at a batch of images and classify them.

        Args:
            images: ``[batch, size, size]`` or ``[batch, 1, size, size]``, floats from 0 to 1.
            generator: source of the random choices ("sampled", "uniform"); torch's global one if
                not given. The same state gives the same episode.

        Returns:
            The episode.

        Raises:
            ValueError: as for :meth:`windows`.
        """
        windows = self.windows(images)
        choose = _MECHANISMS[self.mechanism]
        blends = self.mechanism == "soft"
        everything = self._encode(windows, self.where) if blends else None
        state = self.initial.expand(len(windows), -1)
        steps: list[Selection] = []
        expected = []
        for _ in range(self.config.glimpses):
            expected.append(self.expect(state.detach()).squeeze(-1))
            selection = choose(self.policy(state if blends else state.detach()), generator)
            if everything is not None:
                self.look(probabilities=selection.probabilities, temperature=selection.temperature)
                seen = selection.apply(everything)
            else:
                assert selection.index is not None
                place = self.look(
                    probabilities=selection.probabilities,
                    selection=selection.index.squeeze(-1),
                    log_prob=selection.log_prob,
                    temperature=selection.temperature,
                )
                seen = self._encode(selection.apply(windows), self.where[place])
            state = self.core(seen, state)
            steps.append(selection)
        places = [step.index for step in steps if step.index is not None]
        return Episode(
            logits=self.classify(state),
            probabilities=torch.stack([step.probabilities for step in steps], 1),
            index=torch.cat(places, 1) if places else None,
            log_prob=torch.stack([step.log_prob for step in steps], 1),
            entropy=torch.stack([step.entropy for step in steps], 1),
            baseline=torch.stack(expected, 1),
            temperature=steps[-1].temperature,
        )

    def _encode(self, windows: Tensor, where: Tensor) -> Tensor:
        """What was seen and where: windows ``[..., window²]``, where ``[..., features]``."""
        mixed = functional.relu(self.what(windows) + where)
        return functional.relu(self.fuse(mixed))


def build(**options: Any) -> GlimpseClassifier:
    """Build a glimpse classifier with fresh weights.

    Args:
        **options: fields of ``GlimpseConfig``.

    Raises:
        ValueError: if there is no such field, or its value will not do.
    """
    unknown = options.keys() - GlimpseConfig.__dataclass_fields__.keys()
    if unknown:
        raise ValueError(
            f"the glimpse classifier has no option {', '.join(sorted(unknown))}: "
            f"choose from {', '.join(GlimpseConfig.__dataclass_fields__)}"
        )
    return GlimpseClassifier(GlimpseConfig(**options))


def _regions(config: GlimpseConfig) -> Tensor:
    centres = torch.arange(config.grid, dtype=torch.float32) * config.stride + config.stride / 2
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    half = config.window / 2
    return torch.stack([x - half, y - half, x + half, y + half], -1).reshape(-1, 4)
