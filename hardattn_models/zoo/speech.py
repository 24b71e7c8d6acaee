"""Writes down spoken digits, listening to one moment for each, at or after that of the last.

After Raffel, Luong, Liu, Weiss and Eck 2017, "Online and Linear-Time Attention by Enforcing
Monotonic Alignments" (arXiv:1704.00784): from where it stopped last, a listener stops at frame i
with probability p_i or goes on. What follows from that for each frame (their eq. 9) is what a
choice is drawn from, or, where it is blended, their expected alignment. Unlike theirs, what never
stops stops at the last frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hardattn_models.choosing import Chooser, tell
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import CHOICES, SINGLE, pairs
from hardattn_models.saying import outcome_of_words
from hardattn_models.system import System
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.scenes import DIGITS
from hardattn_models.tasks.spoken import HOP, SpokenBatch
from hardattn_models.tasks.voices import RATE
from recorders.capture.tap import AttentionTap

STRIDE = 4
"""Frames of the spectrum that are one moment to listen to."""
MOMENT = STRIDE * HOP / RATE
"""Its length in seconds; what is known of it comes from 0.6 s around it."""


@dataclass(frozen=True)
class SpeechConfig(ModelConfig):
    """What a listener is built from.

    Attributes:
        mechanism: how a moment is chosen.
        temperature: what the logarithms of its probabilities are divided by.
        k: moments that "top-k" and "hybrid" listen to for a digit.
        classes: how many words there are.
        bands: of the spectrum.
        features: width of what is known of a moment.
        hidden: width of the recurrent state.
    """

    WHAT: ClassVar[str] = "listener"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *CHOICES[1:])

    classes: int = 10
    bands: int = 40
    features: int = 64
    hidden: int = 96


class Listener(SystemModel):
    """Listens to a moment, writes a word, and goes on from there.

    While it learns, it is told the right words before; otherwise it goes on from its own.

    Attributes:
        config: what it was built from.
        listen: the ``AttentionTap`` that a recorder listens to, called once a word.
    """

    config: SpeechConfig

    def __init__(self, config: SpeechConfig | None = None) -> None:
        super().__init__(config or SpeechConfig())
        config = self.config
        width, state = config.features, config.hidden
        self.listen = AttentionTap(
            "listen",
            kind="cross",
            mechanism=config.mechanism,
            key_axis="frames",
            query_axis="target",
        )
        self.hear = nn.Sequential(
            nn.Conv1d(config.bands, width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv1d(width, width, 5, padding=2),
            nn.ReLU(),
        )
        self.keys = nn.Linear(width, width)
        self.ask = nn.Linear(state, width)
        self.score = nn.Linear(width, 1)
        self.told = nn.Embedding(config.classes + 1, width)
        self.core = nn.GRUCell(2 * width, state)
        self.write = nn.Sequential(
            nn.Linear(state + width, width), nn.ReLU(), nn.Linear(width, config.classes)
        )
        self.expect = nn.Sequential(nn.Linear(state, 64), nn.ReLU(), nn.Linear(64, 1))
        nn.init.normal_(self.keys.weight, std=width**-0.5)
        nn.init.normal_(self.score.weight, std=0.5)
        # It first goes on rather than stops, or it would not get beyond the first word.
        nn.init.constant_(self.score.bias, -2.0)

    def selector(self) -> list[nn.Parameter]:
        """What scores the moments."""
        parts = (self.keys, self.ask, self.score)
        return [one for part in parts for one in part.parameters()]

    def outcome(self, batch: SpokenBatch, choose: Chooser) -> Outcome:
        """Write down what is said.

        The loss is the mean cross-entropy of the words; the reward of a moment how probable the
        right words were from there on, summed and divided by the number of words; right is a row
        that is right throughout.
        """
        moments = self.hear(batch.mels.transpose(1, 2)).transpose(1, 2)
        keys = self.keys(moments if choose.passes else moments.detach())
        rows, length = batch.digits.shape
        state = moments.new_zeros(rows, self.config.hidden)
        context = moments.new_zeros(rows, self.config.features)
        before = torch.full((rows,), self.config.classes, dtype=torch.int64)
        stood = functional.one_hot(before * 0, moments.shape[1]).to(moments.dtype)
        middles = (torch.arange(moments.shape[1]) + 0.5) * MOMENT
        scores, expected, masses = [], [], []
        for step in range(length):
            state = self.core(torch.cat([self.told(before), context], -1), state)
            expected.append(self.expect(state.detach()).squeeze(-1))
            query = self.ask(state if choose.passes else state.detach())
            stops = self.score(torch.tanh(keys + query.unsqueeze(1))).squeeze(-1).sigmoid()
            selection = choose(_logits(alignment(stops, stood)))
            tell(self.listen, selection)
            stood = selection.weights
            context = selection.apply(moments)
            scores.append(self.write(torch.cat([state, context], -1)))
            before = batch.digits[:, step] if self.training else scores[-1].argmax(-1)
            begin, end = batch.spans[:, step].unsqueeze(-1).unbind(1)
            on = (middles >= begin) & (middles <= end)
            masses.append((selection.weights.detach() * on).sum(-1))
        figures = {"looks while the digit is said": torch.stack(masses, 1).mean(1)}
        return outcome_of_words(scores, batch.digits, expected, DIGITS, figures, called="digits")


def alignment(stops: Tensor, stood: Tensor) -> Tensor:
    """Where a listener stops next: ``α_i = p_i Σ_{j≤i} w_j Π_{j≤l<i} (1 − p_l)``.

    Raffel et al. 2017, eq. 9, by their recurrence 10.

    Args:
        stops: p, probabilities ``[batch, n]`` to stop at each moment; at the last it is 1.
        stood: w, ``[batch, n]``, where it stood before: one-hot, or weights that sum to 1.

    Returns:
        ``[batch, n]``; sums to 1.
    """
    reached = torch.zeros_like(stops[:, 0])
    found = []
    last = stops.shape[1] - 1
    for at, (stop, before) in enumerate(zip(stops.unbind(1), stood.unbind(1), strict=True)):
        reached = reached + before
        stopped = reached if at == last else stop * reached
        found.append(stopped)
        reached = reached - stopped
    return torch.stack(found, 1)


def _logits(probabilities: Tensor) -> Tensor:
    """Logarithms; ``-inf`` of what cannot be, with no gradient."""
    possible = probabilities > 0
    # Weights of a relaxation may be negative by rounding.
    safe = torch.where(possible, probabilities, 1.0)
    return torch.where(possible, safe.log(), -torch.inf)


def _fit(task: GeneratedTask) -> dict[str, Any]:
    return dict(task.facts)


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 600,
        "batch": 32,
        "learning_rate": 2e-3,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism == "soft":
        # Or it may be sure where to stop before it can hear a digit, and never learn to.
        plan |= {"steps": 800, "entropy_bonus": 0.02}
    if mechanism in ("sampled", "top-k"):
        plan |= {"steps": 1_600, "entropy_bonus": 0.003}
        if gradient == "reinforce":
            # Rewards are divided by the number of words, and so is what they teach.
            plan |= {"steps": 3_000, "learning_rate": 3e-3, "policy_weight": 4.0}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="speech",
    summary="writes down spoken digits, listening to one moment for each and never going back",
    trainable=pairs(CHOICES, without=SINGLE),
    mechanisms=SpeechConfig.MECHANISMS,
    tasks=("spoken-4", "spoken-2", "spoken-8"),
    reference="Raffel et al. 2017, Online and Linear-Time Attention by Enforcing Monotonic "
    "Alignments, arXiv:1704.00784",
    model=Listener,
    config=SpeechConfig,
    note="exact, sum-and-sample, rebar and relax need a single choice, and there is one a digit",
    fit=_fit,
    defaults=_defaults,
)
