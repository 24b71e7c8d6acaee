"""Checks of hard attention: the model run with its choices made otherwise, exactly.

Two questions are kept apart. *Does the chosen item cause the output?* is answered by forcing
another one, or by changing what it holds with all choices pinned. *Why was it chosen?* is answered
by what moves the log-probability of the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from hardattn_viewer.checks.forced import Forced
from hardattn_viewer.checks.statistics import CONTROLS
from hardattn_viewer.faithfulness.engine import Ask, Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.rankings import generator_of
from hardattn_viewer.faithfulness.subject import Floats
from hardattn_viewer.faithfulness.subjects.choosing import Choices, Choosing, Explaining, Seeing

RESTS = ("pinned", "replayed")
"""What happens after a choice that is forced: the ones after it stay as they were, or the policy
makes them anew, having seen what it was made to see."""
DRAWS = 4


def forced(
    engine: Engine,
    examples: Sequence[int],
    *,
    rest: str = "replayed",
    draws: int = DRAWS,
    most: int | None = None,
    controls: int = CONTROLS,
    seed: int = 0,
) -> dict[int, Forced]:
    """The output with each candidate chosen in turn, at every choice, and with all at random.

    Args:
        engine: runs the model; its subject makes choices.
        examples: which.
        rest: one of ``RESTS``.
        draws: draws of what comes after, if that is replayed; every candidate meets the same ones.
            0 for the most probable choices instead.
        most: tries the most probable candidates only, so many, and what was chosen.
        controls: whole paths of choices that are drawn at random, among what can be chosen.
        seed: of these.

    Raises:
        UndefinedError: the model makes no choices that can be forced.
        ValueError: there is no such rest.
    """
    if rest not in RESTS:
        raise ValueError(f"what comes after is {' or '.join(RESTS)}, not {rest!r}")
    subject = choosing(engine)
    made = {example: subject.choices(example) for example in examples}
    replayed = list(range(draws)) if rest == "replayed" and draws else [-1]
    asks, places = [], []
    for example, choices in made.items():
        for step in np.flatnonzero(choices.live).tolist():
            tried = _tried(choices, step, most)
            told = _told(choices, step, tried, pinned=rest == "pinned")
            places.append((example, step, tried))
            last = step == len(choices.chosen) - 1 or rest == "pinned"
            whole = np.ones((len(tried), subject.items(example)), bool)
            # What nothing is drawn after is the same in every draw.
            for draw in [-1] * len(replayed) if last else replayed:
                asks.append(Ask(example, whole, forced=told, draw=draw))  # noqa: PERF401
    for example, choices in made.items():
        told = np.concatenate([choices.chosen[None], _anywhere(choices, controls, seed, example)])
        asks.append(Ask(example, np.ones((len(told), subject.items(example)), bool), forced=told))
    values_of = engine.values(asks)
    found = iter(values_of)
    results = {
        example: _nothing(choices, path)
        for (example, choices), path in zip(
            made.items(), values_of[len(asks) - len(made) :], strict=True
        )
    }
    for example, step, tried in places:
        values = np.stack([next(found) for _ in replayed])
        result = results[example]
        result.values[step, tried] = values.mean(0)
        chosen = values[:, tried == result.chosen[step]][:, 0]
        if len(set(chosen.tolist())) > 1:
            result.spread[step] = chosen.std() / (len(values) - 1) ** 0.5
    return results


def as_chosen(engine: Engine, examples: Sequence[int]) -> Floats:
    """The output with all choices as they were made, ``[examples]``."""
    subject = choosing(engine)
    asks = [
        Ask(
            example,
            np.ones((1, subject.items(example)), bool),
            forced=subject.choices(example).chosen[None],
        )
        for example in examples
    ]
    return np.concatenate(engine.values(asks)) if asks else np.zeros(0)


@dataclass(frozen=True, eq=False)
class Contents:
    """What items hold, changed while all choices stay as they were, for one example.

    Attributes:
        chosen: ``[choices]``, how far the output falls when what each choice saw is removed.
        unseen: how far it moves when all that no choice saw is removed: 0 without a side path.
        removed: number of items that no choice saw.
    """

    chosen: Floats
    unseen: float
    removed: int


def contents(engine: Engine, operator: str, examples: Sequence[int]) -> dict[int, Contents]:
    """Whether what was seen matters, and nothing else, the choices being pinned.

    Raises:
        UndefinedError: it is not known which items a choice lets the model see.
    """
    subject = choosing(engine)
    if not isinstance(subject, Seeing) or not subject.operators:
        raise UndefinedError("it is not known what a choice lets the model see, item by item")
    asks, unseen = [], {}
    for example in examples:
        choices = subject.choices(example)
        count = subject.items(example)
        saw = np.stack([subject.seen(example, int(one)) for one in choices.chosen])
        saw[~choices.live] = False
        any_saw = np.asarray(saw.any(0))
        unseen[example] = ~any_saw
        kept = np.concatenate([np.ones((1, count), bool), ~saw, any_saw[None]])
        told = np.repeat(choices.chosen[None], len(kept), 0)
        asks.append(Ask(example, kept, operator, told))
    return {
        ask.example: Contents(
            values[0] - values[1:-1], float(values[0] - values[-1]), int(unseen[ask.example].sum())
        )
        for ask, values in zip(asks, engine.values(asks), strict=True)
    }


@dataclass(frozen=True, eq=False)
class Paths:
    """The output over choices drawn from the policy, for one example.

    Attributes:
        values: ``[draws]``.
    """

    values: Floats

    @property
    def mean(self) -> float:
        """Mean over the draws."""
        return float(self.values.mean())

    @property
    def deviation(self) -> float:
        """Standard deviation over draws; NaN for a single one."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else float("nan")


def paths(engine: Engine, examples: Sequence[int], draws: int) -> dict[int, Paths]:
    """The output of episodes drawn from the policy, whole ones.

    Raises:
        ValueError: fewer than one draw.
    """
    if draws < 1:
        raise ValueError(f"{draws} draws are none")
    subject = choosing(engine)
    asks = [
        Ask(example, np.ones((1, subject.items(example)), bool), draw=draw)
        for example in examples
        for draw in range(draws)
    ]
    values = np.concatenate(engine.values(asks)).reshape(len(examples), draws)
    return dict(zip(examples, map(Paths, values), strict=True))


def why_chosen(engine: Engine, example: int, step: int) -> tuple[Floats, Floats]:
    """What moves the log-probability of a choice: gradient and input × gradient, ``[items]``.

    Raises:
        UndefinedError: no gradient of it reaches the input, as for a first choice that is made
            before anything was seen.
    """
    subject = engine.subject
    if not isinstance(subject, Explaining):
        raise UndefinedError("the choices have no gradient by the input")
    values, log_prob = subject.log_prob(example, step)
    gradient = None
    if log_prob.requires_grad:
        (gradient,) = torch.autograd.grad(log_prob, values, allow_unused=True)
    if gradient is None:
        raise UndefinedError("nothing of the input moves this choice: it was made before any look")
    return (
        subject.pool(example, gradient.abs()),
        subject.pool(example, gradient * values.detach()),
    )


def choosing(engine: Engine) -> Choosing:
    """The subject of an engine, as one that makes choices.

    Raises:
        UndefinedError: it makes none.
    """
    if not isinstance(engine.subject, Choosing):
        raise UndefinedError("the model makes no choices that can be forced")
    return engine.subject


def _tried(choices: Choices, step: int, most: int | None) -> NDArray[np.int64]:
    p = choices.probabilities[step]
    possible = np.flatnonzero(p > 0)
    if most is not None:
        possible = possible[np.argsort(-p[possible], kind="stable")][:most]
    return np.union1d(possible, choices.chosen[step]).astype(np.int64)


def _told(
    choices: Choices, step: int, tried: NDArray[np.int64], *, pinned: bool
) -> NDArray[np.int64]:
    told = np.repeat(choices.chosen[None], len(tried), 0)
    if not pinned:
        told[:, step + 1 :] = -1
    told[:, step] = tried
    return told


def _anywhere(choices: Choices, count: int, seed: int, example: int) -> NDArray[np.int64]:
    """Paths of choices at random, ``[count, choices]``; what was no choice stays as it was."""
    generator = generator_of(seed, "paths", example)
    found = np.repeat(choices.chosen[None], count, 0)
    for step in np.flatnonzero(choices.live).tolist():
        possible = np.flatnonzero(choices.probabilities[step] > 0)
        found[:, step] = generator.choice(possible, count)
    return found


def _nothing(choices: Choices, path: Floats) -> Forced:
    return Forced(
        values=np.full(choices.probabilities.shape, np.nan),
        probabilities=choices.probabilities,
        chosen=choices.chosen,
        live=choices.live,
        elsewhere=path[1:],
        whole=float(path[0]),
        spread=np.zeros(len(choices.chosen)),
        blends=choices.blends,
    )
