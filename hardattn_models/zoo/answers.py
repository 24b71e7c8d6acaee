"""Answers a question with a span of a text: points at its first word, and from there at its last.

After Wang and Jiang 2016, "Machine Comprehension Using Match-LSTM and Answer Pointer"
(arXiv:1608.07905), the boundary model; that a word of the text stands in the question is told to it
as by Chen, Fisch, Weston and Bordes 2017 (arXiv:1704.00051). Where the answer is written more than
once, its places are summed, as by Clark and Gardner 2018 (arXiv:1710.10723). Convolutions read here
what a recurrent network reads there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from hardattn_models.choosing import Chooser
from hardattn_models.mechanisms import Selection
from hardattn_models.model import ModelConfig, Outcome, SystemModel
from hardattn_models.pairs import SINGLE, pairs
from hardattn_models.system import System
from hardattn_models.tasks.answers import AnswerBatch, AnswerTask
from hardattn_models.tasks.questions import KINDS, LONGEST
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

_LEAST = 1e-6
"""Probability of the right answer where another is given; without it nothing could be learnt."""
_DILATIONS = (1, 2, 4)


@dataclass(frozen=True)
class AnswersConfig(ModelConfig):
    """What an answerer is built from.

    Attributes:
        mechanism: how it points.
        temperature: what the scores are divided by.
        words: how many words are told apart.
        width: of what is known of a word.
    """

    WHAT: ClassVar[str] = "answerer"
    MECHANISMS: ClassVar[tuple[str, ...]] = (*_LEARNT, "uniform")

    words: int = 3005
    width: int = 32


class Answerer(SystemModel):
    """Points at the first word of an answer, and then at its last.

    Where an answer ends is asked for by its first word: the one that was chosen, or a blend of all.

    Attributes:
        config: what it was built from.
        point: the ``AttentionTap`` that a recorder listens to, called twice.
    """

    RECORDED_AT_ONCE: ClassVar[int] = 1

    config: AnswersConfig

    def __init__(self, config: AnswersConfig | None = None) -> None:
        super().__init__(config or AnswersConfig())
        config = self.config
        width = config.width
        self.point = AttentionTap(
            "answer",
            kind="pointer",
            mechanism=config.mechanism,
            key_axis="tokens",
            query_axis="target",
        )
        self.known = nn.Embedding(config.words, width)
        nn.init.normal_(self.known.weight, std=0.3)
        self.capital = nn.Parameter(torch.randn(width))
        self.kind = nn.Embedding(len(KINDS), width)
        # How alike two words are, and how much more so where they are the same.
        self.alike = nn.Linear(width, width, bias=False)
        self.same = nn.Parameter(torch.tensor([-3.0, 6.0]))
        # A word by itself, and what it adds where the question has it, before or after.
        self.alone = nn.Linear(width, width)
        self.shared = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.around = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * apart, dilation=apart) for apart in _DILATIONS
        )
        self.first = nn.Linear(width, 1)
        self.ask = nn.Linear(2 * width, width)
        self.key = nn.Linear(width, width)
        self.long = nn.Parameter(torch.zeros(LONGEST))
        self.expect = nn.ModuleList(nn.Linear(width, 1) for _ in range(2))

    def outcome(self, batch: AnswerBatch, choose: Chooser) -> Outcome:
        """Answer the questions.

        The loss is ``−log Σ w(first) w(last)`` over the places where the right words stand. Right
        is an answer that has the right words and no others; the reward is the mean of that and of
        :func:`f1`, since an answer that is right in part is a hint that draws find sooner.
        """
        return self._answered(batch, choose, summed=False)

    def marginal(self, batch: AnswerBatch, choose: Chooser) -> Outcome:
        """Answer the questions, summed over all spans that there are."""
        return self._answered(batch, choose, summed=True)

    def _answered(self, batch: AnswerBatch, choose: Chooser, *, summed: bool) -> Outcome:
        there = batch.spelt > 0
        text = self._text(batch)
        kind = self.kind(batch.kind)
        starts = self.first(text).squeeze(-1).masked_fill(~there, -math.inf)
        first = choose(starts)
        self._tell(batch, first)
        begun = first.apply(text)
        keys = self.key(text) / math.sqrt(text.shape[-1])
        lengths = self.long.softmax(-1)
        ends = torch.einsum("bnd,bd->bn", keys, self._asked(begun, kind))
        reached = _reached(first.weights, lengths) * there
        last = choose(ends + _log(reached))
        self._tell(batch, last)
        places, length = occurrences(batch.spelt, batch.answer)
        if summed:
            likely = self._likely(starts, text, keys, kind, places, length, choose.temperature)
        else:
            ended = functional.pad(last.weights, (0, LONGEST)).gather(1, _ends(places, length))
            likely = (first.weights * ended * places).sum(-1)
        loss = -(_LEAST + (1 - _LEAST) * likely).log()
        told = torch.stack([_told(one) for one in (first, last)], 1)
        said = spoken(batch.spelt, told)
        overlap = f1(said, batch.answer)
        right = (said == batch.answer).all(-1).to(loss.dtype)
        nothing = (said == 0).all(-1).to(loss.dtype)
        middle = (text.detach() * there.unsqueeze(-1)).sum(1) / there.sum(1, keepdim=True)
        seen = (middle + kind.detach(), begun.detach())
        expected = [expect(one) for expect, one in zip(self.expect, seen, strict=True)]
        return Outcome(
            loss=loss,
            reward=(overlap + right) / 2,
            right=right,
            baseline=torch.cat(expected, 1),
            figures={
                "exact": right,
                "F1": overlap,
                "ends before it begins, or too far": nothing,
                **{
                    f"exact, {name}": torch.where(batch.kind == number, right, torch.nan)
                    for number, name in enumerate(KINDS)
                },
            },
            words=_words(batch, told),
        )

    def _text(self, batch: AnswerBatch) -> Tensor:
        """What is known of each word among the others, ``[batch, n, width]``."""
        words = self.known(batch.words) + self.capital * batch.capital.unsqueeze(-1)
        text = self.alone(words) + self.kind(batch.kind).unsqueeze(1)
        alike = self._alike(batch, words)
        for shared, side in zip(self.shared, (~batch.after, batch.after), strict=True):
            found = (alike * side.unsqueeze(1)).amax(-1, keepdim=True)
            text = text + shared(words) * found
        there = (batch.spelt > 0).unsqueeze(-1)
        for layer in self.around:
            near = layer((text * there).transpose(1, 2)).transpose(1, 2)
            text = text + near.relu()
        known: Tensor = text
        return known

    def _alike(self, batch: AnswerBatch, words: Tensor) -> Tensor:
        """How much each word is one of the question's, ``[batch, n, MOST]``, from 0 to 1."""
        asked = self.alike(self.known(batch.asked_words))
        near = torch.einsum("bnd,bmd->bnm", self.alike(words), asked) / math.sqrt(words.shape[-1])
        same = batch.spelt.unsqueeze(-1) == batch.asked.unsqueeze(1)
        there = (batch.asked > 0).unsqueeze(1)
        return (near + self.same[0] + self.same[1] * same).sigmoid() * there

    def _asked(self, begun: Tensor, kind: Tensor) -> Tensor:
        """What the last word is asked for by, from the first ``[..., width]``."""
        found: Tensor = torch.tanh(self.ask(torch.cat([begun, kind.expand_as(begun)], -1)))
        return found

    def _likely(
        self,
        starts: Tensor,
        text: Tensor,
        keys: Tensor,
        kind: Tensor,
        places: Tensor,
        length: Tensor,
        temperature: float,
    ) -> Tensor:
        """``Σ p(first) p(last | first)`` over the places of the answer, ``[batch]``."""
        asked = self._asked(text, kind.unsqueeze(1))
        spread = functional.pad(keys, (0, 0, 0, LONGEST - 1)).unfold(1, LONGEST, 1)
        scores = torch.einsum("bnd,bndl->bnl", asked, spread) + self.long.log_softmax(-1)
        there = functional.pad(starts.isfinite(), (0, LONGEST - 1)).unfold(1, LONGEST, 1)
        scores = scores.masked_fill(~there, -math.inf)
        # Beyond the end of a text there is no last word, nor is there a first.
        scores = torch.where(places.unsqueeze(-1), scores, 0.0)
        ended = (scores / temperature).softmax(-1)
        at = (length - 1)[:, None, None].expand(-1, scores.shape[1], 1)
        begun = (starts / temperature).softmax(-1)
        return (begun * ended.gather(-1, at).squeeze(-1) * places).sum(-1)

    def _tell(self, batch: AnswerBatch, selection: Selection) -> None:
        """Tell the tap; alone, a text is shown behind its question and without what fills it up."""
        probabilities, index = selection.probabilities, selection.index
        if len(probabilities) == 1:
            shown = int((batch.spelt > 0).sum())
            before = int((batch.asked > 0).sum()) + 3
            probabilities = functional.pad(probabilities[:, :shown], (before, 0))
            index = None if index is None else index + before
        self.point(
            probabilities=probabilities,
            selection=index,
            log_prob=None if index is None else selection.log_prob,
            temperature=selection.temperature,
        )


def occurrences(spelt: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
    """Where an answer begins in a text, and how long it is.

    Args:
        spelt: int64 ``[batch, n]``, words of texts, 0 beyond the end.
        answer: int64 ``[batch, LONGEST]``, words of answers, 0 beyond the last.

    Returns:
        bool ``[batch, n]``, whether all of its words stand from there on; and words ``[batch]``.
    """
    spans = functional.pad(spelt, (0, LONGEST - 1)).unfold(1, LONGEST, 1)
    wanted = answer.unsqueeze(1)
    return ((spans == wanted) | (wanted == 0)).all(-1), (answer > 0).sum(-1)


def spoken(spelt: Tensor, told: Tensor) -> Tensor:
    """The words from a first to a last one.

    Args:
        spelt: int64 ``[batch, n]``, words of texts.
        told: int64 ``[batch, 2]``, the first and the last word.

    Returns:
        int64 ``[batch, LONGEST]``, 0 beyond the last; zeros where the last comes before the first
        or is farther off than an answer is long.
    """
    first, last = told.unbind(1)
    offset = torch.arange(LONGEST)
    words = functional.pad(spelt, (0, LONGEST)).gather(1, first.unsqueeze(1) + offset)
    inside = offset <= (last - first).unsqueeze(1)
    possible = (last >= first) & (last < first + LONGEST)
    return words * (inside & possible.unsqueeze(1))


def f1(said: Tensor, answer: Tensor) -> Tensor:
    """How much of an answer is right: twice the words in common over the words of both.

    Rajpurkar et al. 2016, "SQuAD" (arXiv:1606.05250), section 6.1; a word counts as often as it
    stands in both.

    Args:
        said: int64 ``[batch, LONGEST]``, 0 beyond the last word.
        answer: the same of the right words.

    Returns:
        ``[batch]``, from 0 to 1.
    """
    same = (answer.unsqueeze(2) == answer.unsqueeze(1)) & (answer > 0).unsqueeze(2)
    # The second "the" of an answer is had where at least two were said.
    nth = same.tril().sum(2)
    had = (answer.unsqueeze(2) == said.unsqueeze(1)).sum(2)
    common = ((had >= nth) & (answer > 0)).sum(1)
    found: Tensor = 2 * common / ((said > 0).sum(1) + (answer > 0).sum(1))
    return found


def _ends(places: Tensor, length: Tensor) -> Tensor:
    """The last word of an answer that begins at each word, ``[batch, n]``."""
    return torch.arange(places.shape[1]) + length.unsqueeze(1) - 1


def _told(selection: Selection) -> Tensor:
    index = selection.index
    return selection.probabilities.argmax(-1) if index is None else index[..., 0]


def _reached(weights: Tensor, lengths: Tensor) -> Tensor:
    """How likely each word is the last, by the lengths of answers alone: ``Σ_d w_{j−d} l_d``."""
    spread = functional.pad(weights, (LONGEST - 1, 0)).unsqueeze(1)
    return functional.conv1d(spread, lengths.flip(0)[None, None]).squeeze(1)


def _log(probabilities: Tensor) -> Tensor:
    """Logarithms; ``-inf`` of what cannot be, with no gradient."""
    possible = probabilities > 0
    # Weights of a relaxation may be negative by rounding.
    safe = torch.where(possible, probabilities, 1.0)
    return torch.where(possible, safe.log(), -torch.inf)


def _words(batch: AnswerBatch, told: Tensor) -> list[list[str]] | None:
    """What is written with each pointer: the first word, and then the answer."""
    if not batch.entries:
        return None
    found = []
    for entry, (first, last), asked in zip(
        batch.entries, told.tolist(), (batch.asked > 0).sum(1).tolist(), strict=True
    ):
        tokens = entry["tokens"][asked + 3 :]
        span = tokens[first : last + 1] if last < first + LONGEST else []
        found.append([tokens[first], " ".join(span) or "∅"])
    return found


def _fit(task: AnswerTask) -> dict[str, Any]:
    return task.facts


def _defaults(mechanism: str, gradient: str) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "steps": 1_500,
        "batch": 64,
        "learning_rate": 4e-3,
        "shift": 0,
        "entropy_bonus": 0.0,
    }
    if mechanism == "sampled" and gradient != "marginal":
        # One draw an example says less than four, and needs more of them.
        plan |= {"entropy_bonus": 0.06, "steps": 2_500}
        if gradient == "rloo":
            plan |= {"batch": 32, "steps": 1_500}
    if mechanism in ("gumbel-softmax", "gumbel-straight-through"):
        plan |= {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.5}
    return plan


SYSTEM = System(
    name="answers",
    summary="answers a question about a text with a span of it: its first word, then its last",
    trainable=pairs(_LEARNT, without=SINGLE, sampled=("marginal",), argmax=("marginal",)),
    mechanisms=AnswersConfig.MECHANISMS,
    tasks=("answers",),
    reference="Wang & Jiang 2016, Machine Comprehension Using Match-LSTM and Answer Pointer, "
    "arXiv:1608.07905",
    model=Answerer,
    config=AnswersConfig,
    note="exact, sum-and-sample, rebar and relax need a single choice, and there are two",
    fit=_fit,
    defaults=_defaults,
)
