"""Answers a request by calling one tool of those that are offered: hard, or all of them blended.

After Schick et al. 2023, "Toolformer: Language Models Can Teach Themselves to Use Tools"
(arXiv:2302.04761); that which tool to call is learnt from what calls were worth after Zaremba and
Sutskever 2015, "Reinforcement Learning Neural Turing Machines" (arXiv:1505.00521), whose interfaces
are no more differentiable than these. A tool is an ordinary function: no gradient passes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hardattn_models.choosing import Chooser, tell
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import CHOICES, pairs
from hardattn_models.system import System
from hardattn_models.tasks.generated import GeneratedTask
from hardattn_models.tasks.toolbox import REFUSED, TOOLS
from hardattn_models.tasks.tooling import SIZES, ToolBatch
from recorders.capture.tap import AttentionTap

DOUBT = 0.01
"""Share of the probability that is spread over all answers, whatever tools gave."""
_FIRST = 0.1
"""Standard deviation of the first embeddings."""


@dataclass(frozen=True)
class ToolsConfig(ModelConfig):
    """What a chooser of tools is built from.

    Attributes:
        mechanism: how a tool is chosen.
        temperature: what the scores are divided by.
        k: tools that "top-k" and "hybrid" call.
        words: how many words requests and descriptions consist of, and one for none.
        answers: how many answers there are, from 0 on.
        width: of what is known of a request and of a tool.
    """

    WHAT: ClassVar[str] = "chooser of tools"
    MECHANISMS: ClassVar[tuple[str, ...]] = ("sampled", "argmax", *CHOICES[1:])

    words: int = 400
    answers: int = 901
    width: int = 64


class ToolUser(SystemModel):
    """Compares a request with the descriptions of tools, and calls those that it takes.

    Attributes:
        config: what it was built from.
        choice: the ``AttentionTap`` that a recorder listens to, called once a request.
    """

    config: ToolsConfig

    def __init__(self, config: ToolsConfig | None = None) -> None:
        super().__init__(config or ToolsConfig())
        config = self.config
        self.choice = AttentionTap(
            "tools",
            kind="memory",
            mechanism=config.mechanism,
            key_axis="slots",
            query_axis="queries",
        )
        self.asked = _table(config)
        self.offered = _table(config)
        self.expect = nn.Linear(config.width, 1)

    def selector(self) -> list[nn.Parameter]:
        """What is known of words, on either side."""
        return [*self.asked.parameters(), *self.offered.parameters()]

    def outcome(self, batch: ToolBatch, choose: Chooser) -> Outcome:
        """Answer the requests; the reward is 1 where the answer is right, by whichever tool."""
        query = _of_words(self.asked, batch.request)
        keys = _of_words(self.offered, batch.descriptions)
        selection = choose(torch.einsum("bd,bnd->bn", query, keys) / math.sqrt(query.shape[-1]))
        tell(self.choice, selection)
        weights = selection.weights
        is_called = weights.detach() > 0
        if choose.reads_all and torch.is_grad_enabled():
            # The slope by the weight of a tool is not known unless it is called.
            is_called = torch.ones_like(is_called)
        results = called(batch, is_called)
        # What a tool refuses is an answer too, the last, and never right.
        results = torch.where(results == REFUSED, self.config.answers, results)
        blend = weights.new_zeros(len(weights), self.config.answers + 1)
        blend = blend.scatter_add(1, results, weights)
        scores = (1 - DOUBT) * blend + DOUBT / blend.shape[1]
        said = scores.argmax(-1)
        calls = is_called.sum(1).to(weights.dtype)
        right = (said == batch.answer).to(weights.dtype)
        return Outcome(
            loss=-scores.gather(1, batch.answer.unsqueeze(1)).squeeze(1).log(),
            reward=right,
            right=right,
            baseline=self.expect(query.detach()),
            scores=scores.detach(),
            figures={
                "weight of the tool that is meant": weights.detach()
                .gather(1, batch.where.unsqueeze(1))
                .squeeze(1),
                "calls": calls,
                "right, known wording": torch.where(batch.new, torch.nan, right),
                "right, new wording": torch.where(batch.new, right, torch.nan),
            },
            tracks={"calls": calls.unsqueeze(1)},
            words=[[_told(answer, self.config.answers)] for answer in said.tolist()],
        )


def called(batch: ToolBatch, is_called: Tensor) -> Tensor:
    """Run tools on the numbers of their requests.

    Args:
        batch: with requests and offers.
        is_called: bool ``[batch, n]``, the tools to run; no other is.

    Returns:
        int64 ``[batch, n]``, what each gave, and ``REFUSED`` of those that were not run too.
    """
    numbers = [[number for number in pair if number] for pair in batch.numbers.tolist()]
    rows, places = is_called.nonzero(as_tuple=True)
    tools = batch.tools[rows, places].tolist()
    found = torch.full_like(batch.tools, REFUSED)
    found[rows, places] = torch.tensor(
        [TOOLS[tool](*numbers[row]) for tool, row in zip(tools, rows.tolist(), strict=True)],
        dtype=torch.int64,
    )
    return found


def _table(config: ToolsConfig) -> nn.Embedding:
    """Embeddings that are small at first, so that all tools score nearly the same until it learns.

    What chance says of words fades slowly, and wordings that never met would be told by it.
    """
    table = nn.Embedding(config.words, config.width, padding_idx=0)
    with torch.no_grad():
        table.weight.mul_(_FIRST)
    return table


def _told(answer: int, answers: int) -> str:
    return str(answer) if answer < answers else "refused"


def _of_words(table: nn.Embedding, words: Tensor) -> Tensor:
    """Sums of embeddings ``[…, width]`` of texts ``[…, words]``, divided by √words."""
    count = (words > 0).sum(-1, keepdim=True)
    found: Tensor = table(words).sum(-2) / count.sqrt()
    return found


def _fit(task: GeneratedTask) -> dict[str, Any]:
    return dict(task.facts)


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 1_500,
        "batch": 64,
        "learning_rate": 3e-2,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism in ("sampled", "top-k"):
        plan |= {"steps": 4_000, "entropy_bonus": 0.01}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="tools",
    summary="answers a request by calling one of several tools, known by their descriptions alone",
    trainable=pairs(CHOICES),
    mechanisms=ToolsConfig.MECHANISMS,
    tasks=tuple(f"offer-{size}" for size in (16, 8, 4, *SIZES[3:])),
    reference="Schick et al. 2023, Toolformer, arXiv:2302.04761; Zaremba & Sutskever 2015, "
    "Reinforcement Learning Neural Turing Machines, arXiv:1505.00521",
    note="gates are left out: a request is answered by what a tool gives, and several open gates "
    "would give several answers with nothing to tell which is meant",
    model=ToolUser,
    config=ToolsConfig,
    fit=_fit,
    defaults=_defaults,
)
