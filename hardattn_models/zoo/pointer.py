"""A network whose answer is a sequence of pointers at what it was given.

After Vinyals, Fortunato and Jaitly 2015, "Pointer Networks" (arXiv:1506.03134). Unlike theirs, what
is given is read by self-attention, as by Kool, van Hoof and Welling 2019 (arXiv:1803.08475), with
the number of each thing as one more input, since a hull begins at its corner of lowest number; and
the decoder keeps no state but what it pointed at first and last, which is all that a hull or an
order needs.
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
from hardattn_models.pairs import COMPARED, SINGLE, pairs
from hardattn_models.system import System
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.pointing import PointingBatch
from recorders.capture.tap import AttentionTap

_LEARNT = (
    "argmax",
    "sampled",
    "soft",
    "gumbel-softmax",
    "straight-through",
    "gumbel-straight-through",
    "sparsemax",
    "entmax15",
)

_MOST = 10
"""Things that their numbers are spread over from -0.5 to 0.5."""


@dataclass(frozen=True)
class PointerConfig(ModelConfig):
    """What a pointer network is built from.

    Attributes:
        mechanism: how it points.
        temperature: what the scores are divided by.
        dimensions: numbers that each thing is given by.
        width: of what is known of each thing; a multiple of ``heads``.
        heads: of the self-attention.
        layers: of the self-attention.
    """

    WHAT: ClassVar[str] = "pointer network"
    MECHANISMS: ClassVar[tuple[str, ...]] = (*_LEARNT, "uniform")

    dimensions: int = 2
    width: int = 64
    heads: int = 4
    layers: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads:
            raise ValueError(f"a width of {self.width} is not a multiple of {self.heads} heads")


class PointerNetwork(SystemModel):
    """Points at one thing after another, until it points at the first again.

    The next pointer is asked for by what was pointed at first and last: the thing itself where the
    choice is hard, a blend of all things where it is soft.

    Attributes:
        config: what it was built from.
        point: the ``AttentionTap`` that a recorder listens to, called once a pointer.
    """

    RECORDED_AT_ONCE: ClassVar[int] = 1

    config: PointerConfig

    def __init__(self, config: PointerConfig | None = None) -> None:
        super().__init__(config or PointerConfig())
        config = self.config
        width = config.width
        axis = "points" if config.dimensions == 2 else "tokens"
        self.point = AttentionTap(
            "pointer", kind="pointer", mechanism=config.mechanism, key_axis=axis
        )
        self.embed = nn.Linear(config.dimensions + 1, width)
        self.layers = nn.ModuleList(_Layer(width, config.heads) for _ in range(config.layers))
        self.settle = nn.LayerNorm(width)
        # One row for the first pointer and one for the last, by which the next is asked for.
        self.ask = nn.Linear(width, 4 * width, bias=False)
        self.start = nn.Parameter(torch.randn(4 * width) * 0.1)
        self.whole = nn.Linear(width, 2 * width)
        self.keys = nn.Linear(width, 2 * width, bias=False)

    def answers(self, batch: PointingBatch) -> list[Tensor]:
        """What to point at, one after another."""
        return list(batch.targets.unbind(1))

    def outcome(self, batch: PointingBatch, choose: Chooser) -> Outcome:
        """Point until the end of the longest answer that there can be.

        The loss is the mean cross-entropy of the right pointers, each asked for by what the network
        itself pointed at before (or was given); the reward the share of right pointers, one too
        many or too few counting as wrong; right is an answer that is right throughout.
        """
        rows, n, _ = batch.things.shape
        numbers = torch.arange(n, dtype=batch.things.dtype) / _MOST - 0.5
        numbered = torch.cat([batch.things, numbers[:, None].expand(rows, n, 1)], -1)
        things = self.embed(numbered)
        for layer in self.layers:
            things = layer(things)
        things, width = self.settle(things), self.config.width
        keys, asks = self.keys(things) / math.sqrt(2 * width), self.ask(things)
        whole = self.whole(things.mean(1))
        first, last = self.start.expand(rows, 4 * width).chunk(2, -1)
        live = torch.ones(rows, dtype=torch.bool)
        pointed: list[Tensor] = []
        alive: list[Tensor] = []
        begun = torch.zeros(rows, dtype=torch.int64)
        for step in range(n + 1):
            query = functional.relu(first + last + whole).unsqueeze(-1)
            selection = choose(torch.matmul(keys, query).squeeze(-1), live)
            index = selection.index
            tell(self.point, selection)
            best = selection.probabilities.argmax(-1)
            told = best if index is None or choose.given else index.squeeze(-1)
            pointed.append(told if step == 0 else torch.where(live, told, pointed[0]))
            alive.append(live)
            as_first, last = selection.apply(asks).chunk(2, -1)
            taken = best if index is None else index.squeeze(-1)
            if step == 0:
                first, begun = as_first, taken
            else:
                live = live & (taken != begun)
            if rows == 1 and not live.any():
                # Alone, an answer ends with its last pointer; in a batch it waits for the others.
                break
        targets, answer = batch.targets, torch.stack(pointed, 1)
        if answer.shape[1] < n + 1:
            # What the answer lacks is wrong, and what it closed too early cannot be made good.
            rest = answer[:, :1].expand(rows, n + 1 - answer.shape[1])
            answer = torch.cat([answer, rest], 1)
            alive += [live] * rest.shape[1]
        closed = (targets[:, 1:-1] == targets[:, :1]).cumsum(1) > 0
        wanted = torch.cat([closed.new_ones(rows, 2), ~closed], 1)
        counted = wanted | torch.stack(alive, 1)
        same = (answer == targets) & counted
        logits = torch.stack(choose.logits, -1)
        asked = wanted[:, : logits.shape[-1]]
        missed = functional.cross_entropy(logits, targets[:, : asked.shape[1]], reduction="none")
        loss = (missed * asked).sum(1) / asked.sum(1)
        right = (answer == targets).all(1).to(loss.dtype)
        return Outcome(
            loss=loss,
            reward=(same.sum(1) / counted.sum(1)).detach(),
            right=right,
            figures={f"exact, n = {n}": right} if choose.given is False else {},
        )


class _Layer(nn.Module):
    """Self-attention and a small network, each added to what was known."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.before = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.think = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )

    def forward(self, things: Tensor) -> Tensor:
        rows, n, width = things.shape
        mixed = self.project(self.before(things)).view(rows, n, 3, self._heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value)
        things = things + self.join(seen.transpose(1, 2).reshape(rows, n, width))
        found: Tensor = things + self.think(things)
        return found


def _fit(task: GeneratedTask) -> dict[str, Any]:
    return dict(task.facts)


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 3_000,
        "learning_rate": 2e-3,
        "shift": 0,
        "policy_weight": 1.0,
        "entropy_bonus": 0.0,
        "clip": 1.0,
    }
    if gradient in ("reinforce", "self-critical", "rloo"):
        # A pointer network has nothing but its pointers, so a reward alone teaches it.
        plan |= {"loss_weight": 0.0, "baseline": "moving-average", "entropy_bonus": 0.01}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="pointer",
    summary="answers with a sequence of pointers at what it was given: hulls, orders",
    trainable=pairs(
        _LEARNT,
        without=(*COMPARED, *SINGLE),
        argmax=("likelihood",),
        sampled=("likelihood",),
    ),
    mechanisms=PointerConfig.MECHANISMS,
    tasks=("hull", "hull-5", "hull-10", "sort-10"),
    reference="Vinyals et al. 2015, Pointer Networks, arXiv:1506.03134",
    model=PointerNetwork,
    config=PointerConfig,
    fit=_fit,
    defaults=_defaults,
)
