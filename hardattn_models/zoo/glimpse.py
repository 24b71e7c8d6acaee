"""A classifier that looks at an image through a few small windows, one after another.

After Mnih, Heess, Graves and Kavukcuoglu 2014, "Recurrent Models of Visual Attention"
(arXiv:1406.6247). Unlike theirs, the place of a glimpse is one of a grid of positions, chosen by
any mechanism, so that what the policy believed can be seen whole; with the mechanism "gaussian" it
is a place on the plane, as there. A glimpse has one scale, or several: windows of twice and four
times the side around the same place, with as many pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from hardattn_models.choosing import GAUSSIAN, Chooser
from hardattn_models.episode import Credit, Episode, credit
from hardattn_models.mechanisms import Selection
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import pairs
from hardattn_models.plane import cell_masses
from hardattn_models.retina import Retina
from hardattn_models.system import System
from hardattn_models.tasks.images import Batch, ImageTask
from hardattn_models.tasks.loading import image_task_names
from recorders.capture.tap import AttentionTap

__all__ = [
    "MECHANISMS",
    "SYSTEM",
    "Credit",
    "Episode",
    "GlimpseClassifier",
    "GlimpseConfig",
    "credit",
]

_LEARNT = (
    "sampled",
    "soft",
    "uniform",
    "top-k",
    "gumbel-softmax",
    "straight-through",
    "gumbel-straight-through",
    "sparsemax",
    "entmax15",
    "hybrid",
    GAUSSIAN,
)
MECHANISMS = ("sampled", "argmax", "soft", "uniform", *_LEARNT[3:])


@dataclass(frozen=True)
class GlimpseConfig(ModelConfig):
    """What a glimpse classifier is built from.

    Attributes:
        mechanism: how a window is chosen, one of ``MECHANISMS``.
        temperature: what the scores of the positions are divided by.
        k: windows that one glimpse of "top-k" or "hybrid" takes.
        classes: classes told apart.
        glimpses: windows looked at, one after another.
        size: height and width of the images in pixels.
        stride: distance between neighbouring positions in pixels; ``size`` is a multiple of it.
        window: height and width of a window in pixels; even difference to ``stride``, not less.
        scales: windows of a glimpse, each of twice the side of the one before and drawn smaller;
            ``stride`` is a multiple of ``2 ** (scales - 1)``.
        features: width of what is remembered of one glimpse.
        hidden: width of the recurrent state.
        std: standard deviation of the places of "gaussian"; 1 is half the image.
    """

    WHAT: ClassVar[str] = "glimpse classifier"
    MECHANISMS: ClassVar[tuple[str, ...]] = MECHANISMS

    classes: int = 10
    glimpses: int = 6
    size: int = 28
    stride: int = 4
    window: int = 8
    scales: int = 1
    features: int = 128
    hidden: int = 224
    std: float = 0.12

    def __post_init__(self) -> None:
        super().__post_init__()
        self.retina.check()
        if self.k > self.grid**2:
            raise ValueError(f"k is {self.k}, but there are {self.grid**2} positions")

    @property
    def grid(self) -> int:
        """Positions along one side of the image."""
        return self.size // self.stride

    @property
    def retina(self) -> Retina:
        """What is seen from where."""
        return Retina(self.size, self.stride, self.window, self.scales)


class GlimpseClassifier(SystemModel):
    """The recurrent glimpse classifier, hard or soft.

    At each step a policy head reads the recurrent state and gives a distribution over the
    positions of a grid. A hard mechanism picks one window there and encodes only that one (k of
    them for "top-k"); a blend, or an estimator that needs to know what it did not choose, encodes
    all windows. What was seen and where goes into a gated recurrent unit, and the class is read
    from its last state.

    Where no gradient passes the choice, the policy head sees the state detached, so the estimator
    alone teaches it; else the gradient of the classification passes through everything. The
    baseline head always sees the state detached.

    Attributes:
        config: what it was built from.
        regions: float32 ``[n, 4]``, the windows as boxes x0, y0, x1, y1 in pixels, row by row;
            those at the border reach outside the image, where it counts as black. Of several
            scales they are the smallest, which are seen as they are.
        look: the ``AttentionTap`` that a recorder listens to, called once a glimpse.
    """

    config: GlimpseConfig
    regions: Tensor

    def __init__(self, config: GlimpseConfig | None = None) -> None:
        super().__init__(config or GlimpseConfig())
        config = self.config
        width, state = config.features, config.hidden
        positions = config.grid**2
        self.look = AttentionTap(
            "glimpse", kind="glimpse", mechanism=config.mechanism, key_axis="regions"
        )
        self._retina = config.retina
        self.register_buffer("regions", self._retina.regions(), persistent=False)
        self.what = nn.Linear(config.scales * config.window**2, width)
        # On the plane, where is two numbers and a bias; on the grid a row for each position.
        places = config.mechanism == GAUSSIAN
        self.where = nn.Parameter(torch.randn(3 if places else positions, width) * 0.1)
        self.fuse = nn.Linear(width, width)
        self.core = nn.GRUCell(width, state)
        self.initial = nn.Parameter(torch.zeros(state))
        self.policy = nn.Sequential(
            nn.Linear(state, 64), nn.ReLU(), nn.Linear(64, 2 if places else positions)
        )
        self.expect = nn.Sequential(nn.Linear(state, 64), nn.ReLU(), nn.Linear(64, 1))
        self.classify = nn.Linear(state, config.classes)

    def selector(self) -> list[nn.Parameter]:
        """The policy head."""
        return list(self.policy.parameters())

    def chooser(
        self,
        generator: Generator | None = None,
        *,
        how: str | None = None,
        sample: bool = True,
    ) -> Chooser:
        """What makes its choices, by its mechanism unless ``how`` is another."""
        choose = super().chooser(generator, how=how, sample=sample)
        choose.std = self.config.std
        return choose

    def windows(self, images: Tensor) -> Tensor:
        """What can be seen from each position.

        Args:
            images: ``[batch, size, size]`` or ``[batch, 1, size, size]``, floats from 0 to 1.

        Returns:
            ``[batch, n, scales · window²]``, pixels of window i (box ``regions[i]``) row by row,
            with zero outside the image; then those of each larger one around it, each the mean of
            the pixels that it covers.

        Raises:
            ValueError: if the images have another shape, are not floating point, or leave 0 to 1.
        """
        return self._retina.windows(self._checked(images))

    def forward(
        self, images: Tensor, generator: Generator | None = None, choose: Chooser | None = None
    ) -> Episode:
        """Look at a batch of images and classify them.

        Args:
            images: ``[batch, size, size]`` or ``[batch, 1, size, size]``, floats from 0 to 1.
            generator: source of the random choices ("sampled", "uniform"); torch's global one if
                not given. The same state gives the same episode.
            choose: makes the choices in place of the model's own mechanism and ``generator``.

        Returns:
            The episode.

        Raises:
            ValueError: as for :meth:`windows`.
        """
        choose = choose or self.chooser(generator)
        see = self._on_plane(images, choose) if self._is_plane else self._on_grid(images, choose)
        state = self.initial.expand(len(images), -1)
        steps: list[_Seen] = []
        expected = []
        for _ in range(self.config.glimpses):
            expected.append(self.expect(state.detach()).squeeze(-1))
            seen = see(self.policy(state if choose.passes else state.detach()))
            state = self.core(seen.features, state)
            steps.append(seen)
        index = [step.index for step in steps if step.index is not None]
        places = [step.place for step in steps if step.place is not None]
        return Episode(
            logits=self.classify(state),
            probabilities=torch.stack([step.probabilities for step in steps], 1),
            index=torch.stack(index, 1) if index else None,
            log_prob=choose.log_prob(),
            entropy=choose.entropy(),
            baseline=torch.stack(expected, 1),
            temperature=choose.temperature,
            places=torch.stack(places, 1) if places else None,
        )

    def outcome(self, batch: Batch, choose: Chooser) -> Outcome:
        """Classify a batch; the reward is 1 where the verdict is right."""
        episode = self(batch.images, choose=choose)
        worth = credit(episode, batch.labels)
        tracks = {}
        if episode.places is not None:
            tracks = {"place_x": episode.places[..., 0], "place_y": episode.places[..., 1]}
        return Outcome(
            loss=functional.cross_entropy(episode.logits, batch.labels, reduction="none"),
            reward=worth.reward[:, 0],
            right=worth.reward[:, 0],
            baseline=episode.baseline,
            scores=worth.scores,
            tracks=tracks,
        )

    def described(self, batch: Batch) -> list[dict[str, Any]]:
        """Images with the windows that could be looked at."""
        regions = self.regions.numpy()
        return [{**entry, "regions": regions} for entry in batch.entries]

    @property
    def _is_plane(self) -> bool:
        return self.config.mechanism == GAUSSIAN

    def _on_grid(self, images: Tensor, choose: Chooser) -> Callable[[Tensor], _Seen]:
        everything = self._encode(self.windows(images), self.where) if choose.reads_all else None
        levels = [] if choose.reads_all else self._retina.levels(self._checked(images))

        def see(logits: Tensor) -> _Seen:
            selection = choose(logits)
            index = selection.index
            if index is not None and index.shape[-1] == 1:
                index = index.squeeze(-1)
            self.look(
                probabilities=selection.probabilities,
                selection=index,
                log_prob=None if index is None else selection.log_prob,
                temperature=selection.temperature,
            )
            if everything is not None:
                features = selection.apply(everything)
            else:
                features = self._of_chosen(levels, selection)
            return _Seen(features, selection.probabilities, index)

        return see

    def _of_chosen(self, levels: list[Tensor], selection: Selection) -> Tensor:
        assert selection.index is not None
        at = selection.index
        share = selection.weights.gather(-1, at).unsqueeze(-1)
        return (self._encode(self._retina.cut(levels, at), self.where[at]) * share).sum(1)

    def _on_plane(self, images: Tensor, choose: Chooser) -> Callable[[Tensor], _Seen]:
        checked = self._checked(images)
        grid, around = self.config.grid, self._retina.offsets()
        edges = torch.linspace(-1, 1, grid + 1)[1:-1]

        def see(raw: Tensor) -> _Seen:
            location = choose.place(raw.tanh())
            # A place beyond the image would show nothing but black; its edge is the farthest.
            place = location.place.clamp(-1, 1)
            cells = cell_masses(location, edges)
            column, row = (torch.bucketize(place.contiguous(), edges, right=True)).unbind(-1)
            index = row * grid + column
            self.look(probabilities=cells, selection=index, temperature=choose.temperature)
            sight = self._retina.around(checked, place, around)
            where = place @ self.where[:2] + self.where[2]
            return _Seen(self._encode(sight, where), cells, index, place)

        return see

    def _checked(self, images: Tensor) -> Tensor:
        size = self.config.size
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
        return images

    def _encode(self, windows: Tensor, where: Tensor) -> Tensor:
        """What was seen and where: ``[..., scales · window²]`` and ``[..., features]``."""
        mixed = functional.relu(self.what(windows) + where)
        return functional.relu(self.fuse(mixed))


@dataclass(frozen=True, eq=False)
class _Seen:
    """One glimpse: features [batch, features], probabilities [batch, n], and what was chosen."""

    features: Tensor
    probabilities: Tensor
    index: Tensor | None
    place: Tensor | None = None


def _fit(task: ImageTask) -> dict[str, Any]:
    return {"classes": task.classes, "size": task.train.images.shape[-1]}


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    if mechanism in ("sampled", "top-k"):
        return {}
    if mechanism == GAUSSIAN:
        return {"learning_rate": 1e-3, "policy_weight": 0.1, "entropy_bonus": 0.0}
    plan: dict[str, Any] = {"policy_weight": 0.0, "entropy_bonus": 0.0}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="glimpse",
    summary="classifies an image through six small windows, one after another",
    trainable=pairs(_LEARNT),
    mechanisms=MECHANISMS,
    tasks=image_task_names(larger=True),
    reference="Mnih et al. 2014, Recurrent Models of Visual Attention, arXiv:1406.6247",
    model=GlimpseClassifier,
    config=GlimpseConfig,
    note="exact, sum-and-sample, rebar and relax need a single choice: --set glimpses=1",
    fit=_fit,
    defaults=_defaults,
)
