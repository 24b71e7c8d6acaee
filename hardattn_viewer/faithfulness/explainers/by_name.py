"""Explainers of a subject by name, those by its attention among them.

Names are taken at their word: whether a model has a layer 5, or attention that can be heard at all,
is found when it runs, and is a reason in the report where it has not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from hardattn_viewer.faithfulness.attending import AttendingError
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.attention import (
    Passes,
    attention,
    attention_rollout,
    flow,
    gradient_attention,
    norm_weighted,
)
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.explainers.registry import EXPLAINERS, USUAL
from hardattn_viewer.faithfulness.subject import Floats, Query, Subject
from hardattn_viewer.faithfulness.subjects.choosing import Choosing
from hardattn_viewer.faithfulness.subjects.tokens import TokenSubject

BY_ATTENTION = (
    "attention mean",
    "attention max",
    "attention rollout",
    "attention flow",
    "norm-weighted mean",
    "gradient × attention",
)
"""Explainers by all layers together; beside them "attention L5", "attention L5 max", "attention
L5H3", "norm-weighted L5", "norm-weighted L5H3" and "gradient × attention L5" of one of them."""

USUAL_OF_TOKENS = (
    "attention mean",
    "attention rollout",
    "norm-weighted mean",
    "leave-one-out",
    "shapley",
    "integrated-gradients",
    "input-x-gradient",
    "random",
)
"""Those that are run on texts where none are named."""

_LAYER = re.compile(
    r"(?P<what>attention|norm-weighted|gradient × attention) L(?P<layer>\d+)"
    r"(H(?P<head>\d+))?(?P<most> max)?"
)


def usual_of(subject: Subject) -> tuple[str, ...]:
    """Explainers that are run where none are named."""
    if isinstance(subject, TokenSubject):
        return USUAL_OF_TOKENS
    chooses = isinstance(subject, Choosing)
    return tuple(name for name in USUAL if chooses or EXPLAINERS[name].family != "choice")


def explainers_of(subject: Subject, names: Sequence[str]) -> dict[str, Explainer]:
    """The explainers of some names, for one subject.

    Those by attention share one pass an example, and read the row that the subject's answer is
    read from (``subject.query``; position 0 where it does not say).

    Raises:
        ValueError: there is no explainer of a name.
    """
    passes = Passes()
    query: Query = getattr(subject, "query", 0)
    found = {}
    for name in names:
        one = EXPLAINERS.get(name) or _by_attention(name, query, passes)
        if one is None:
            raise ValueError(
                f"there is no explainer {name!r}: choose {', '.join((*EXPLAINERS, *BY_ATTENTION))}"
            )
        found[name] = one
    return found


def is_explainer(name: str) -> bool:
    """Whether there is an explainer of a name."""
    return name in EXPLAINERS or is_by_attention(name)


def is_by_attention(name: str) -> bool:
    """Whether an explainer of this name reads what the model attends to."""
    return _by_attention(name, 0, Passes()) is not None


def _by_attention(name: str, query: Query, passes: Passes) -> Explainer | None:
    over_all: dict[str, Callable[[], Explainer]] = {
        "attention mean": lambda: attention(query, passes=passes),
        "attention max": lambda: attention(query, over="max", passes=passes),
        "attention rollout": lambda: attention_rollout(query, passes=passes),
        "attention flow": lambda: flow(query, passes=passes),
        "norm-weighted mean": lambda: norm_weighted(query, passes=passes),
        "gradient × attention": lambda: gradient_attention(query),
    }
    if name in over_all:
        return _with_reasons(over_all[name]())
    told = _LAYER.fullmatch(name)
    if told is None:
        return None
    layer, head = int(told["layer"]), int(told["head"]) if told["head"] else None
    if told["what"] == "attention" and not (told["head"] and told["most"]):
        over = "max" if told["most"] else "mean"
        return _with_reasons(attention(query, layer=layer, head=head, over=over, passes=passes))
    if told["what"] == "norm-weighted" and not told["most"]:
        return _with_reasons(norm_weighted(query, layer=layer, head=head, passes=passes))
    if told["what"] == "gradient × attention" and not told["head"] and not told["most"]:
        return _with_reasons(gradient_attention(query, layer=layer))
    return None


def _with_reasons(one: Explainer) -> Explainer:
    """Attention that cannot be heard is a reason for N/A, and no end of a check."""

    def explain(asked: Asked) -> Floats:
        try:
            return one.explain(asked)
        except AttendingError as error:
            raise UndefinedError(str(error)) from error

    return replace(one, explain=explain)
