"""Measures explanations of some examples under one operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hardattn_viewer.checks.measured import Measured
from hardattn_viewer.faithfulness.engine import Engine, Explanation
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.plan import Plan
from hardattn_viewer.faithfulness.removal import (
    control_orders,
    curves_of,
    leave_one_out,
    scored_curves,
)
from hardattn_viewer.faithfulness.scoring import removed_by, scored_by_moving, scored_by_removal
from hardattn_viewer.faithfulness.subject import Floats

_ONE = "there is one item alone, so there is no ranking"


def measure(
    engine: Engine,
    plan: Plan,
    operator: str,
    examples: Sequence[int],
    explainers: Mapping[str, Explainer],
) -> Measured:
    """Measure all that a plan asks for of some examples under one operator.

    What is drawn depends on the plan's seed, the example and the explanation alone, so examples may
    be measured apart and joined.

    Raises:
        CancelledError: somebody asked to stop.
        FaithfulnessError: the model cannot be run on them.
    """
    asked, evaluated = engine.asked, engine.evaluated
    whole = engine.whole(examples)
    targets = tuple(engine.target(example) for example in examples)
    alone = leave_one_out(engine, operator, examples)
    orders = control_orders(engine, examples, plan.controls, seed=plan.seed)
    controls = curves_of(engine, operator, orders, plan.shares)
    scores: dict[int, dict[str, Floats]] = {example: {} for example in examples}
    reasons: dict[str, dict[int, str]] = {name: {} for name in plan.explainers}
    notes: dict[str, dict[int, dict[str, float]]] = {name: {} for name in plan.explainers}
    for example in examples:
        for name in plan.explainers:
            told = _explained(explainers[name], Asked(engine, operator, example, plan.seed))
            if isinstance(told, str):
                reasons[name][example] = told
                continue
            scores[example][name], notes[name][example] = told
    curves = scored_curves(engine, operator, scores, seed=plan.seed, shares=plan.shares)
    seen = {
        example: removed_by(
            orders[example], controls[example], float(output), alone[example], plan.shares
        )
        for example, output in zip(examples, whole, strict=True)
    }
    scored = scored_by_removal(plan, examples, scores, seen)
    # No operator enters, so that one of them is enough.
    if operator == plan.operators[0]:
        moved = scored_by_moving(engine, plan, operator, examples, scores, explainers)
        scored = {name: many | moved[name] for name, many in scored.items()}
    unknown = np.full(len(plan.shares), np.nan)

    def curve(name: str, kind: str) -> Floats:
        return np.stack(
            [
                getattr(curves[example][name], kind)[0] if name in curves[example] else unknown
                for example in examples
            ]
        )

    return Measured(
        operator=operator,
        words=engine.subject.operators[operator],
        examples=tuple(examples),
        targets=targets,
        whole=whole,
        alone=[alone[example] for example in examples],
        control_deletion=np.stack([controls[example].deletion for example in examples], 1),
        control_insertion=np.stack([controls[example].insertion for example in examples], 1),
        deletion={name: curve(name, "deletion") for name in plan.explainers},
        insertion={name: curve(name, "insertion") for name in plan.explainers},
        scores={
            name: [scores[example].get(name, np.zeros(0)) for example in examples]
            for name in plan.explainers
        },
        reasons=reasons,
        notes={name: _columns(notes[name], examples) for name in plan.explainers},
        scored=scored,
        asked=engine.asked - asked,
        evaluated=engine.evaluated - evaluated,
    )


def _explained(explainer: Explainer, asked: Asked) -> Explanation:
    """Scores and notes, or why there are none; found once where no operator enters."""
    if explainer.removes:
        return _anew(explainer, asked)
    key = (explainer, asked.example, asked.seed)
    if key not in asked.engine.explained:
        asked.engine.explained[key] = _anew(explainer, asked)
    return asked.engine.explained[key]


def _anew(explainer: Explainer, asked: Asked) -> Explanation:
    try:
        return _scored(explainer, asked), asked.notes
    except UndefinedError as error:
        return str(error)


def _scored(explainer: Explainer, asked: Asked) -> Floats:
    if asked.items < 2:
        raise UndefinedError(_ONE)
    found = np.asarray(explainer.explain(asked), np.float64)
    if found.shape != (asked.items,):
        raise ValueError(
            f"{explainer.name} gave {found.shape} scores for {asked.items} items of example "
            f"{asked.example}"
        )
    if not np.isfinite(found).all():
        raise UndefinedError("some of its scores are not finite")
    return found


def _columns(
    notes: Mapping[int, Mapping[str, float]], examples: Sequence[int]
) -> dict[str, Floats]:
    names = dict.fromkeys(name for one in notes.values() for name in one)
    return {
        name: np.array([notes.get(example, {}).get(name, np.nan) for example in examples])
        for name in names
    }
