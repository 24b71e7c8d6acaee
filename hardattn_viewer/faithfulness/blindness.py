"""Controls of explanations by attention: do they tell classes apart, is attention identified."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import nan

import numpy as np

from hardattn_viewer.checks.sanity import FAIL, NOT_APPLICABLE, PASS, Sanity
from hardattn_viewer.faithfulness.attending import AttendingError
from hardattn_viewer.faithfulness.attention_tests import Permuted, Place, Uniform, permuted, uniform
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import FaithfulnessError
from hardattn_viewer.faithfulness.explainers.by_name import is_by_attention
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.observing import whole_row
from hardattn_viewer.faithfulness.plan import Plan
from hardattn_viewer.faithfulness.randomising import THRESHOLD, Randomised, randomised, stages_of
from hardattn_viewer.faithfulness.subjects.tokens import TokenSubject

TRIED = 8
"""Examples that are tried; each takes some tens of runs of the model."""
PERMUTATIONS = 20


def attention_controls(
    engine: Engine, plan: Plan, explainers: Mapping[str, Explainer]
) -> tuple[list[Sanity], dict[str, list[str]]]:
    """Run the controls that go with a plan's explanations by attention.

    Returns:
        The controls, and by explanation what speaks against it whatever its numbers are.
    """
    names = [name for name in plan.explainers if is_by_attention(name)]
    if not names or not isinstance(engine.subject, TokenSubject):
        return [], {}
    examples = [at for at in range(len(engine.subject)) if engine.subject.items(at) > 1][:TRIED]
    found, flags = [], {}
    for name in names:
        told = _with_random_head(engine, plan, explainers[name], examples)
        control = _blindness(name, told)
        found.append(control)
        if control.outcome == FAIL:
            flags[name] = [f"class-blind: {control.note}"]
    query = engine.subject.query
    if query == "last":
        # Its number differs from example to example, and a place has one.
        return found, flags
    place = Place(None, None, query)
    found.append(
        _identified(
            f"{PERMUTATIONS} permutations of its attention",
            lambda at: permuted(engine, at, place, draws=PERMUTATIONS, seed=plan.seed),
            examples,
        )
    )
    found.append(_identified("uniform attention", lambda at: uniform(engine, at, place), examples))
    return found, flags


def _with_random_head(
    engine: Engine, plan: Plan, explainer: Explainer, examples: Sequence[int]
) -> list[Randomised]:
    subject = engine.subject
    assert isinstance(subject, TokenSubject)
    if engine.outputs_of(0).shape[-1] == 1:
        single = "the model has one output, and no classes that could be told apart"
        return [Randomised(0, explainer.name, reason=single)]
    try:
        stages = stages_of(subject.model, lambda: subject.run([whole_row(subject, 0)]))
    except FaithfulnessError as error:
        return [Randomised(at, explainer.name, reason=str(error)) for at in examples[:1]]
    return [
        randomised(
            explainer,
            Asked(engine, plan.operators[0] if plan.operators else "", at, plan.seed),
            subject.model,
            stages=stages,
            head_only=True,
        )
        for at in examples
    ]


def _blindness(name: str, told: Sequence[Randomised]) -> Sanity:
    known = [one for one in told if one.class_blind is not None]
    if not known:
        reason = next((one.reason for one in told if one.reason), "its scores have no order")
        return Sanity(f"Random head: {name}", NOT_APPLICABLE, note=reason)
    blind = sum(bool(one.class_blind) for one in known)
    tau = float(np.mean([one.steps[0].tau for one in known]))
    words = (
        f"Random head ({known[0].steps[0].name}): {name} keeps its order in {blind} of "
        f"{len(known)} examples, τ-b {tau:+.2f} on average"
    )
    if 2 * blind <= len(known):
        return Sanity(words, PASS, tau, THRESHOLD)
    note = "it is the same with a random head, so that it cannot say why this class"
    return Sanity(words, FAIL, tau, THRESHOLD, note)


def _identified(
    what: str, test: Callable[[int], Permuted | Uniform], examples: Sequence[int]
) -> Sanity:
    try:
        told = [test(at) for at in examples]
    except AttendingError as error:
        return Sanity(f"By {what}", NOT_APPLICABLE, note=str(error))
    known = [one for one in told if not one.reason]
    if not known:
        reason = told[0].reason if told else "no example has two items"
        return Sanity(f"By {what}", NOT_APPLICABLE, note=reason)
    far = [one.median if isinstance(one, Permuted) else one.distance for one in known]
    still = sum(one.not_identifiable for one in known)
    median = float(np.median(far))
    words = f"By {what} the output moves by {median:.3f}, median of {len(known)} examples"
    if still:
        words += f", and not at all in {still}"
    if 2 * still <= len(known):
        return Sanity(words, PASS, median, nan)
    return Sanity(words, FAIL, median, nan, "attention cannot be told from other weights")
