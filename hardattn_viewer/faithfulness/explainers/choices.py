"""Hard attention as an explanation: what was chosen, and what the policy would have chosen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.subject import Floats
from hardattn_viewer.faithfulness.subjects.choosing import Choices, Choosing


def _choices(asked: Asked) -> Choices:
    subject = asked.engine.subject
    if not isinstance(subject, Choosing):
        raise UndefinedError("the model makes no choices")
    found = subject.choices(asked.example)
    if found.probabilities.shape[1] != asked.items:
        raise UndefinedError("what it chooses among are not the items that are removed")
    return found


def _by(
    score: Callable[[Choices], Floats], *, of_blends: bool = False
) -> Callable[[Asked], Floats]:
    def explain(asked: Asked) -> Floats:
        choices = _choices(asked)
        if choices.blends and not of_blends:
            raise UndefinedError("the model blends: it selects nothing")
        return score(choices)

    return explain


def _selected(choices: Choices) -> Floats:
    found = np.zeros(choices.probabilities.shape[1])
    np.add.at(found, choices.chosen[choices.live], 1.0)
    return found


def _surprising(choices: Choices) -> Floats:
    """Log-probability of the choices of an item, summed: 0 for what was never chosen."""
    at = np.flatnonzero(choices.live)
    tiny = np.finfo(np.float64).tiny
    found = np.zeros(choices.probabilities.shape[1])
    p = choices.probabilities[at, choices.chosen[at]]
    np.add.at(found, choices.chosen[at], np.log(np.maximum(p, tiny)))
    # What is chosen for sure must count more than what is not chosen at all.
    chosen = _selected(choices) > 0
    return np.where(chosen, np.exp(found), 0.0)


def _expected(choices: Choices) -> Floats:
    found: Floats = choices.probabilities[choices.live].sum(0)
    return found


_STILL = "choices are as they were recorded, and not made again at each point"

CHOICES = (
    Explainer(
        "selection",
        "choice",
        "how often the item was chosen",
        "Mnih et al. 2014",
        _by(_selected),
        still=_STILL,
    ),
    Explainer(
        "selection probability",
        "choice",
        "probability of its choices, 0 for what was not chosen",
        "Mnih et al. 2014",
        _by(_surprising),
        still=_STILL,
    ),
    Explainer(
        "expected attention",
        "choice",
        "how often the policy would choose it, Σ π over choices",
        "Xu et al. 2015, arXiv:1502.03044",
        _by(_expected, of_blends=True),
        still=_STILL,
    ),
)
