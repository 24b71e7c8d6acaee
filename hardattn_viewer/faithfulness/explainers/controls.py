"""Explainers that know too little or everything: what the others are held against."""

from __future__ import annotations

import numpy as np

from hardattn_viewer.checks.curves import SHARES, separation
from hardattn_viewer.faithfulness.bounds import bounds
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.rankings import generator_of, ranks_of
from hardattn_viewer.faithfulness.subject import Floats

ORACLE_ITEMS = 16
"""Items up to which the best order is searched for."""


def _random(asked: Asked) -> Floats:
    drawn: Floats = generator_of(asked.seed, "random", asked.example).random(asked.items)
    return drawn


def _oracle(asked: Asked) -> Floats:
    if asked.items > ORACLE_ITEMS:
        raise UndefinedError(
            f"the best order of {asked.items} items is not searched for: {ORACLE_ITEMS} at most"
        )
    found = bounds(asked.engine, asked.operator, asked.example, separation, SHARES)
    asked.notes["highest"], asked.notes["lowest"] = found.highest, found.lowest
    scores: Floats = -ranks_of(found.best[None])[0].astype(np.float64)
    return scores


RANDOM = Explainer(
    "random",
    "control",
    "scores drawn at random",
    "",
    _random,
    still="it does not look at the input",
)
ORACLE = Explainer(
    "oracle",
    "search",
    "the order that separates best, by search",
    "Edin et al. 2024, arXiv:2408.08137",
    _oracle,
    removes=True,
    still="its search would run the model on as many variants again at each point",
)
