"""What the scores of a check come to: means over examples with intervals, beside random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.checks.audit import Audit
from hardattn_viewer.checks.measured import Measured
from hardattn_viewer.checks.scoring import KINDS, Kind, Scored
from hardattn_viewer.measures.intervals import Interval, bootstrap_slices

Floats = NDArray[np.float64]

RESAMPLES = 2_000
_BEFORE = "measured before there were such scores: run `hardattn check` again"
_LEFT_OUT = "it moves the output wherever it is put"
_NO_RANDOM = "a random explanation looks at no input, so that there is none to beat"
_TIED = "random explanations score alike"


@dataclass(frozen=True)
class Score:
    """One score of one explanation under one operator.

    Attributes:
        explainer: its name.
        operator: how items were removed; empty where none were.
        kind: which score.
        value: mean over examples.
        random: mean over examples of the means of random explanations.
        win: share of random explanations that it is better than, mean over examples; 0.5 is what
            chance gives.
        examples: examples that have a value.
        undefined: examples that have none.
        reason: why none has a value; empty where some have.
        no_win: why there is no win rate; empty where there is one.
    """

    explainer: str
    operator: str
    kind: Kind
    value: Interval
    random: Interval
    win: Interval
    examples: int
    undefined: int
    reason: str = ""
    no_win: str = ""


def scores_found(
    measured: Sequence[Measured], audits: Mapping[str, Audit], seed: int = 0
) -> tuple[Score, ...]:
    """The scores of every explanation: those by removal under each operator, then the others.

    Args:
        measured: of each operator, all examples.
        audits: by operator; by one that failed there are no scores.
        seed: of resampling.
    """
    found: list[Score] = []
    for one in measured:
        columns = [
            column
            for name in one.explainers
            for score in one.scored.get(name, {}).values()
            for column in (score.values, score.random, score.won)
        ]
        intervals = iter(_intervals(columns, seed))
        for name in one.explainers:
            for score, scored in one.scored.get(name, {}).items():
                three = (next(intervals), next(intervals), next(intervals))
                sound = audits[one.operator].passed or not KINDS[score].better
                found.append(_score(one, name, KINDS[score], scored, three, sound))
    return tuple(found)


def score_of(scores: Sequence[Score], explainer: str, operator: str, kind: Kind) -> Score | None:
    """One of many scores; None where it was not measured."""
    operator = operator if kind.better else ""
    for one in scores:
        if (one.explainer, one.operator, one.kind.name) == (explainer, operator, kind.name):
            return one
    return None


def places_of(scores: Sequence[Score]) -> list[tuple[str, str]]:
    """Explanations and operators of scores by removal, those of one explanation together."""
    pairs = [(one.explainer, one.operator) for one in scores if one.kind.better]
    names = [name for name, _ in pairs]
    return sorted(dict.fromkeys(pairs), key=lambda pair: names.index(pair[0]))


def why_none(score: Score | None) -> str:
    """Why a score has no value, in words; empty where it has one."""
    return _BEFORE if score is None else score.reason


def _intervals(columns: Sequence[Floats], seed: int) -> tuple[Interval, ...]:
    if not columns:
        return ()
    for found in bootstrap_slices(np.stack(columns, 1), resamples=RESAMPLES, seed=seed):
        if found is not None:
            return found
    raise AssertionError("the last slice has the intervals")


def _score(
    one: Measured,
    name: str,
    kind: Kind,
    scored: Scored,
    three: tuple[Interval, Interval, Interval],
    sound: bool,
) -> Score:
    value, random, win = three
    reason = no_win = ""
    if not sound:
        value = random = win = Interval(np.nan, np.nan, np.nan, value.level, 0)
        reason = no_win = f"{one.operator}: {_LEFT_OUT}"
    elif not value.count:
        reason = no_win = _commonest(one, name, scored)
    elif not kind.better:
        no_win = _NO_RANDOM
    elif not win.count:
        no_win = _TIED
    return Score(
        explainer=name,
        operator=one.operator if kind.better else "",
        kind=kind,
        value=value,
        random=random,
        win=win,
        examples=value.count,
        undefined=len(one.examples) - value.count,
        reason=reason,
        no_win=no_win,
    )


def _commonest(one: Measured, name: str, scored: Scored) -> str:
    """Why most examples have no value: that of the score, or of the explanation itself."""
    reasons = [*scored.reasons.values(), *one.reasons.get(name, {}).values()]
    return max(sorted(set(reasons)), key=reasons.count) if reasons else "there is no example"
