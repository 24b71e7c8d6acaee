"""Controls of a check: what would make its numbers worthless."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hardattn_viewer.checks.audit import audit
from hardattn_viewer.checks.measured import Measured
from hardattn_viewer.checks.sanity import FAIL, NOT_APPLICABLE, PASS, Sanity
from hardattn_viewer.faithfulness.engine import Ask, Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.gradients import CONVERGENCE
from hardattn_viewer.faithfulness.forcing import contents
from hardattn_viewer.faithfulness.plan import Plan
from hardattn_viewer.faithfulness.rankings import generator_of
from hardattn_viewer.faithfulness.subjects.choosing import Choosing

INVARIANCE = 1e-5
CONVERGED = 0.05
SIDE_PATH = 1e-5
_TRIED = 16


def sanity_of(engine: Engine, plan: Plan, measured: Sequence[Measured]) -> list[Sanity]:
    """All controls that go with what was measured."""
    found = [_audited(one) for one in measured]
    for one in measured:
        for name in one.explainers:
            if CONVERGENCE in one.notes.get(name, {}):
                found.append(_converged(one, name))  # noqa: PERF401
        # Convergence does not depend on how items are removed.
        break
    if measured:
        found.append(_invariant(engine, plan))
    if isinstance(engine.subject, Choosing):
        found.append(_side_path(engine, plan))
    return found


def _audited(one: Measured) -> Sanity:
    seen = audit(one.alone, one.whole, one.empty)
    where = "on average" if seen.passed else "wherever it is put"
    words = (
        f"Reference audit: {one.operator} moves the output by {seen.shift:+.3f} {where}, "
        f"±{seen.between:.3f} from place to place; a fair share is {-seen.fair:+.3f}"
    )
    if not seen.examples:
        return Sanity(f"Reference audit: {one.operator}", NOT_APPLICABLE, note="no example")
    return Sanity(
        words,
        PASS if seen.passed else FAIL,
        seen.shift,
        note="" if seen.passed else f"{one.operator} is left out of every verdict",
    )


def _converged(one: Measured, name: str) -> Sanity:
    values = one.notes[name][CONVERGENCE]
    known = values[~np.isnan(values)]
    median, largest = float(np.median(known)), float(known.max())
    words = f"{name}: convergence error, median {median:.1%}, largest {largest:.1%}"
    if median <= CONVERGED:
        return Sanity(words, PASS, median, CONVERGED)
    return Sanity(words, FAIL, median, CONVERGED, f"the attributions of {name} do not sum up")


def _invariant(engine: Engine, plan: Plan) -> Sanity:
    """The same rows alone and in a full batch of rows of other lengths."""
    subject = engine.subject
    operator = plan.operators[0]
    generator = generator_of(plan.seed, "invariance")
    asks = []
    for example in generator.permutation(len(subject))[:_TRIED].tolist():
        kept = generator.random((2, subject.items(example))) < 0.7
        asks.append(Ask(example, kept, operator))
    full, single = (
        Engine(
            subject,
            engine.reading,
            dict(engine.targets),
            rows=rows,
            should_stop=engine.should_stop,
        )
        for rows in (engine.rows, 1)
    )
    together, alone = full.values(asks), single.values(asks[::-1])
    apart = max(
        float(np.abs(one - other).max()) for one, other in zip(together, alone[::-1], strict=True)
    )
    words = f"Padding, batch size and order: largest change {apart:.1e}"
    if apart <= INVARIANCE:
        return Sanity(words, PASS, apart, INVARIANCE)
    return Sanity(
        words, FAIL, apart, INVARIANCE, "the output of an example depends on what is run beside it"
    )


def _side_path(engine: Engine, plan: Plan) -> Sanity:
    if not plan.operators:
        return Sanity("Side path", NOT_APPLICABLE, note="nothing can be removed from an example")
    examples = list(range(min(len(engine.subject), _TRIED)))
    try:
        found = contents(engine, plan.operators[0], examples)
    except UndefinedError as error:
        return Sanity("Side path", NOT_APPLICABLE, note=str(error))
    moved = max(abs(one.unseen) for one in found.values())
    words = f"Side path: what no choice saw moved the output by {moved:.1e} at most"
    if moved <= SIDE_PATH:
        return Sanity(words, PASS, moved, SIDE_PATH)
    note = "the choices do not account for all that the output is made from"
    return Sanity(words, FAIL, moved, SIDE_PATH, note)
