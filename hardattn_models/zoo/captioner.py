"""Says what is in an image a word at a time, looking at one cell of it for each word.

After Xu, Ba, Kiros, Cho, Courville, Salakhutdinov, Zemel and Bengio 2015, "Show, Attend and Tell:
Neural Image Caption Generation with Visual Attention" (arXiv:1502.03044). Unlike theirs, the words
begin from nothing and not from the mean of all cells, so that whatever the captioner knows of an
image it has looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hardattn_models.choosing import Chooser, tell
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import CHOICES, SINGLE, pairs
from hardattn_models.saying import outcome_of_words
from hardattn_models.system import System
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.scenes import WORDS, SceneBatch
from hardattn_models.weights import kept_size
from recorders.capture.tap import AttentionTap

STRIDE = 8
"""Height and width of a cell in pixels; what is known of it comes from 32 × 32 around it."""


@dataclass(frozen=True)
class CaptionerConfig(ModelConfig):
    """What a captioner is built from.

    Attributes:
        mechanism: how a cell is chosen.
        temperature: what the scores are divided by.
        k: cells that "top-k" and "hybrid" look at for a word.
        words: how many words there are.
        height: of the images in pixels, a multiple of 8.
        width: the same across.
        features: width of what is known of a cell.
        hidden: width of the recurrent state.
    """

    WHAT: ClassVar[str] = "captioner"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *CHOICES[1:])

    words: int = 12
    height: int = 64
    width: int = 96
    features: int = 64
    hidden: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.height % STRIDE or self.width % STRIDE:
            raise ValueError(
                f"images of {self.height} × {self.width} are no whole cells of {STRIDE} × {STRIDE}"
            )
        if self.k > self.cells:
            raise ValueError(f"k is {self.k}, but there are {self.cells} cells")

    @property
    def cells(self) -> int:
        """Cells of an image."""
        return self.height // STRIDE * (self.width // STRIDE)


class Captioner(SystemModel):
    """Looks at a cell, says a word, and goes on from both.

    While it learns, each word is asked for after the right words before it; otherwise after those
    that it said itself.

    Attributes:
        config: what it was built from.
        regions: float32 ``[cells, 4]``, the cells as boxes x0, y0, x1, y1 in pixels, row by row.
        look: the ``AttentionTap`` that a recorder listens to, called once a word.
    """

    config: CaptionerConfig
    regions: Tensor

    def __init__(self, config: CaptionerConfig | None = None) -> None:
        super().__init__(config or CaptionerConfig())
        config = self.config
        width, state = config.features, config.hidden
        self.look = AttentionTap(
            "look",
            kind="cross",
            mechanism=config.mechanism,
            key_axis="regions",
            query_axis="target",
        )
        self.register_buffer("regions", _regions(config), persistent=False)
        self.see = nn.Sequential(
            nn.Conv2d(1, 24, 8, stride=4),
            nn.ReLU(),
            nn.Conv2d(24, 48, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(48, width, 3, padding=1),
            nn.ReLU(),
        )
        self.place = nn.Parameter(torch.randn(config.cells, width) * 0.1)
        self.keys = nn.Linear(width, width)
        self.where = nn.Parameter(torch.randn(config.cells, width) * 0.1)
        self.ask = nn.Linear(state, width)
        self.score = nn.Linear(width, 1, bias=False)
        # One more word, with which a caption begins.
        self.said = nn.Embedding(config.words + 1, width)
        self.core = nn.GRUCell(2 * width, state)
        self.say = nn.Sequential(
            nn.Linear(state + width, state), nn.ReLU(), nn.Linear(state, config.words)
        )
        self.expect = nn.Sequential(nn.Linear(state, 64), nn.ReLU(), nn.Linear(64, 1))
        self._begin()

    def selector(self) -> list[nn.Parameter]:
        """What scores the cells."""
        asked = [*self.keys.parameters(), *self.ask.parameters(), *self.score.parameters()]
        return [*asked, self.where]

    def outcome(self, batch: SceneBatch, choose: Chooser) -> Outcome:
        """Say the captions.

        The loss is the mean cross-entropy of the words; the reward of a look how probable the right
        words were from there on, summed and divided by the words of a caption; right is a caption
        that is right throughout.
        """
        images = batch.images.unsqueeze(1).to(self.place.dtype) / 255
        cells = self.see(images).flatten(2).transpose(1, 2)
        values = cells + self.place
        # Where no gradient passes the choice, the estimator alone teaches what scores.
        keys = self.keys(cells if choose.passes else cells.detach()) + self.where
        rows, length = batch.words.shape
        state = cells.new_zeros(rows, self.config.hidden)
        context = cells.new_zeros(rows, self.config.features)
        before = torch.full((rows,), self.config.words, dtype=torch.int64)
        scores, expected, masses = [], [], []
        for step in range(length):
            state = self.core(torch.cat([self.said(before), context], -1), state)
            expected.append(self.expect(state.detach()).squeeze(-1))
            query = self.ask(state if choose.passes else state.detach())
            logits = self.score(torch.tanh(keys + query.unsqueeze(1))).squeeze(-1)
            selection = choose(logits)
            tell(self.look, selection)
            context = selection.apply(values)
            scores.append(self.say(torch.cat([state, context], -1)))
            before = batch.words[:, step] if self.training else scores[-1].argmax(-1)
            on = self._on(batch.boxes[:, step])
            masses.append((selection.weights.detach() * on).sum(-1))
        looked = torch.stack(masses, 1).nanmean(1)
        figures = {"looks on the digit named": looked}
        return outcome_of_words(scores, batch.words, expected, WORDS, figures)

    def described(self, batch: SceneBatch) -> list[dict[str, Any]]:
        """Images with the cells that could be looked at."""
        regions = self.regions.numpy()
        return [{**entry, "regions": regions} for entry in batch.entries]

    def _begin(self) -> None:
        """First weights under which cells differ in their scores."""
        kept_size(self.see)
        nn.init.normal_(self.keys.weight, std=self.config.features**-0.5)
        nn.init.normal_(self.where, std=0.5)
        nn.init.normal_(self.score.weight)

    def _on(self, boxes: Tensor) -> Tensor:
        """Which cells have their middle in boxes ``[batch, 4]``; all NaN where there is none."""
        x, y = (self.regions[:, :2] + self.regions[:, 2:]).unbind(-1)
        x0, y0, x1, y1 = boxes.unsqueeze(-1).unbind(1)
        inside = (x / 2 >= x0) & (x / 2 < x1) & (y / 2 >= y0) & (y / 2 < y1)
        return torch.where(boxes.isnan().any(-1, keepdim=True), torch.nan, inside.to(boxes.dtype))


def _regions(config: CaptionerConfig) -> Tensor:
    y, x = torch.meshgrid(
        torch.arange(0.0, config.height, STRIDE),
        torch.arange(0.0, config.width, STRIDE),
        indexing="ij",
    )
    return torch.stack([x, y, x + STRIDE, y + STRIDE], -1).reshape(-1, 4)


def _fit(task: GeneratedTask) -> dict[str, Any]:
    return dict(task.facts)


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 2_500,
        "batch": 64,
        "learning_rate": 2e-3,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism in ("sampled", "top-k"):
        plan |= {"steps": 5_000, "learning_rate": 4e-3, "entropy_bonus": 0.003}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="captioner",
    summary="says what is in an image, looking at one cell of it for each word",
    trainable=pairs(CHOICES, without=SINGLE),
    mechanisms=CaptionerConfig.MECHANISMS,
    tasks=("scenes",),
    reference="Xu et al. 2015, Show, Attend and Tell, arXiv:1502.03044",
    model=Captioner,
    config=CaptionerConfig,
    note="exact, sum-and-sample, rebar and relax need a single choice, and a caption takes five",
    fit=_fit,
    defaults=_defaults,
)
