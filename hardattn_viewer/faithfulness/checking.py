"""The whole check of a model, from examples to a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import captum
import numpy as np
import torch
from numpy.typing import ArrayLike

from hardattn_viewer.checks.forced import Forced
from hardattn_viewer.checks.measured import Measured, joined
from hardattn_viewer.checks.report import Report, concluded
from hardattn_viewer.checks.sanity import Sanity
from hardattn_viewer.checks.statistics import CONTROLS
from hardattn_viewer.faithfulness.blindness import attention_controls
from hardattn_viewer.faithfulness.choice_tests import choice_tests
from hardattn_viewer.faithfulness.controlling import sanity_of
from hardattn_viewer.faithfulness.deploying import deployed_hard
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import (
    CancelledError,
    FaithfulnessError,
    UndefinedError,
)
from hardattn_viewer.faithfulness.explainers.by_name import explainers_of, is_explainer, usual_of
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.forcing import forced
from hardattn_viewer.faithfulness.measuring import measure
from hardattn_viewer.faithfulness.moving import POINTS
from hardattn_viewer.faithfulness.plan import HARDENED, Plan
from hardattn_viewer.faithfulness.subject import Floats, Subject
from hardattn_viewer.faithfulness.subjects.arrays import ArraySubject
from hardattn_viewer.faithfulness.subjects.choosing import Choosing
from recorders.version import PRODUCER

AT_ONCE = 8
"""Examples that are measured together: enough for full batches, few enough to see results come."""


def check(
    model: Any,
    inputs: Any = None,
    explanations: Mapping[str, Sequence[ArrayLike]] | None = None,
    *,
    explainers: Sequence[str] | None = None,
    operators: Sequence[str] | None = None,
    targets: Sequence[int] | None = None,
    reading: str | None = None,
    controls: int = CONTROLS,
    seed: int = 0,
    rest: str = "replayed",
    most: int | None = None,
    points: int = POINTS,
    harden: int = HARDENED,
    paths: int = 0,
    contents: bool = False,
    why: bool = False,
    facts: Mapping[str, Any] | None = None,
    sanity: Sequence[Sanity] = (),
    warnings: Sequence[str] = (),
    on_report: Callable[[Report], object] | None = None,
    on_progress: Callable[[float, str], object] = lambda done, words: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Check explanations of a model against random ones, by removing items and forcing choices.

    Args:
        model: a subject (``TokenSubject``, ``PictureSubject``, ``ZooSubject`` or one of your own),
            or a function of ``[batch, items]`` or ``[batch, items, width]`` floats that returns
            ``[batch]`` or ``[batch, outputs]``.
        inputs: the examples of such a function, ``[items]`` or ``[items, width]`` each.
        explanations: scores of your own by name, of each example one number an item, higher for
            what counts more; attention weights, say.
        explainers: names of explainers to hold beside them, see
            ``hardattn_viewer.faithfulness.EXPLAINERS`` and, of models whose attention can be heard,
            ``BY_ATTENTION`` there; the usual ones of such a subject if not given.
        operators: ways to remove items, two or more of the subject's; its first two if not given.
        targets: class that is read of each example; the predicted one if not given.
        reading: "probability", "logit", "log-probability", or "value" for an output that is no
            class; "probability" where there are several outputs, if not given.
        controls: random rankings of each example.
        seed: of everything that is drawn.
        rest: what happens after a forced choice: "pinned" or "replayed".
        most: tries only so many of the most probable candidates.
        points: random points near each input at which explanations are computed again, for their
            sensitivity; 0 for none.
        harden: examples that are run with each head attending hard; 0 for none.
        paths: whole episodes that are drawn from the policy for each example, to see how far the
            output depends on what is drawn.
        contents: whether what each choice saw is removed, with all choices as they were.
        why: whether it is asked what moves the log-probability of each choice.
        facts: what to keep beside the numbers.
        sanity: controls that were run before.
        warnings: sentences on what was left out before.
        on_report: given a report of what has been measured, each time that some examples are.
        on_progress: told the share that is done, and what is being done.
        should_stop: asked often; True ends the check.

    Returns:
        The report.

    Raises:
        ValueError: arguments that do not go together.
        FaithfulnessError: the model cannot be checked; one sentence.
        CancelledError: ``should_stop`` said so.
    """
    engine, plan, known = prepared(
        subject_of(model, inputs),
        explanations or {},
        explainers=explainers,
        operators=operators,
        targets=targets,
        reading=reading,
        controls=controls,
        seed=seed,
        rest=rest,
        most=most,
        points=points,
        harden=harden,
        paths=paths,
        contents=contents,
        why=why,
        should_stop=should_stop,
    )
    return run_plan(
        engine,
        plan,
        known,
        facts=facts,
        sanity=sanity,
        warnings=warnings,
        on_report=on_report,
        on_progress=on_progress,
    )


def prepared(
    subject: Subject,
    explanations: Mapping[str, Sequence[ArrayLike]],
    *,
    explainers: Sequence[str] | None = None,
    operators: Sequence[str] | None = None,
    targets: Sequence[int] | None = None,
    reading: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> tuple[Engine, Plan, dict[str, Explainer]]:
    """What a check runs by, the plan that it follows, and every explainer by name.

    Raises:
        ValueError: arguments that do not go together.
        FaithfulnessError: the model cannot be checked; one sentence.
    """
    count = len(subject)
    if targets is not None and len(targets) != count:
        raise ValueError(f"{len(targets)} targets do not go with {count} examples")
    wanted = list(explainers) if explainers is not None else list(usual_of(subject))
    plan = plan_of(
        subject,
        [*explanations, *wanted],
        operators,
        **options,
    )
    engine = Engine(
        subject,
        reading or ("value" if len_outputs(subject) == 1 else "probability"),
        dict(enumerate(map(int, targets))) if targets is not None else {},
        should_stop=should_stop,
    )
    return engine, plan, known_of(subject, plan.explainers, explanations)


def known_of(
    subject: Subject, names: Sequence[str], explanations: Mapping[str, Sequence[ArrayLike]]
) -> dict[str, Explainer]:
    """The explainers of a plan by name, explanations that are given among them.

    Raises:
        ValueError: there is none of a name; or one that is given has the name of an explainer, or
            not a row an example.
    """
    given = _given(subject, explanations)
    return {**explainers_of(subject, [name for name in names if name not in given]), **given}


def run_plan(
    engine: Engine,
    plan: Plan,
    explainers: Mapping[str, Explainer],
    *,
    facts: Mapping[str, Any] | None = None,
    sanity: Sequence[Sanity] = (),
    warnings: Sequence[str] = (),
    on_report: Callable[[Report], object] | None = None,
    on_progress: Callable[[float, str], object] = lambda done, words: None,
) -> Report:
    """Measure a plan on all examples of an engine's subject, and conclude."""
    began = time.process_time()
    shards = shards_of(len(engine.subject))
    chooses = isinstance(engine.subject, Choosing)
    steps = len(shards) * (len(plan.operators) + chooses) + 1
    done = 0
    pieces: list[Measured] = []
    chosen: dict[int, Forced] = {}

    def conclude(last: bool) -> Report:
        told = {**facts_of(engine, plan, began), **(facts or {})}
        return conclusion(
            engine,
            plan,
            explainers,
            pieces,
            chosen,
            told,
            sanity,
            warnings,
            last=last,
            on_step=concluding(on_progress, done / steps) if last else lambda done: None,
        )

    for shard in shards:
        where = words_of(shard)
        for operator in plan.operators:
            on_progress(done / steps, f"{where}: removing by {operator}")
            pieces.append(measure(engine, plan, operator, shard, explainers))
            done += 1
        if chooses:
            on_progress(done / steps, f"{where}: forcing choices")
            chosen |= forced_of(engine, plan, shard)
            done += 1
        if on_report is not None and shard is not shards[-1]:
            on_report(conclude(last=False))
    on_progress(done / steps, "controls")
    report = conclude(last=True)
    on_progress(1.0, "done")
    return report


def concluding(
    on_progress: Callable[[float, str], object], begin: float
) -> Callable[[float], object]:
    """Tells of a conclusion as the part of a check from ``begin`` to its end."""
    return lambda done: on_progress(begin + done * (1 - begin), "intervals and permutations")


def forced_of(engine: Engine, plan: Plan, examples: Sequence[int]) -> dict[int, Forced]:
    """Force the choices of some examples as a plan says."""
    return forced(
        engine,
        examples,
        rest=plan.rest,
        draws=plan.draws,
        most=plan.most,
        controls=plan.controls,
        seed=plan.seed,
    )


def shards_of(count: int) -> list[tuple[int, ...]]:
    """All of so many examples, those together that are measured together."""
    return [tuple(range(at, min(at + AT_ONCE, count))) for at in range(0, count, AT_ONCE)]


def words_of(shard: Sequence[int]) -> str:
    """A shard in words."""
    return f"examples {shard[0]} to {shard[-1]}"


def conclusion(
    engine: Engine,
    plan: Plan,
    explainers: Mapping[str, Explainer],
    pieces: Sequence[Measured],
    chosen: Mapping[int, Forced],
    facts: Mapping[str, Any],
    sanity: Sequence[Sanity],
    warnings: Sequence[str],
    *,
    last: bool,
    on_step: Callable[[float], object] = lambda done: None,
) -> Report:
    """The report of what has been measured so far, with controls if that is all.

    Raises:
        CancelledError: the engine was asked to stop; it asks after every explanation.
    """
    measured = joined(pieces)
    controls = sanity_of(engine, plan, measured) if last else []
    told, flags = attention_controls(engine, plan, explainers) if last else ([], {})

    def step(done: float) -> None:
        if engine.should_stop():
            raise CancelledError("stopped")
        on_step(done)

    return concluded(
        measured,
        forced=dict(chosen),
        sanity=[*controls, *told, *sanity],
        flags=flags,
        facts=facts,
        warnings=warnings,
        seed=plan.seed,
        on_step=step,
        hardened=deployed_hard(engine, plan.harden, plan.seed) if last else None,
        tests=choice_tests(engine, plan) if last else None,
    )


def subject_of(model: Any, inputs: Any) -> Subject:
    """What is checked.

    Raises:
        ValueError: a function without inputs, or a subject with some.
    """
    if isinstance(model, Subject):
        if inputs is not None:
            raise ValueError("a subject has its examples already: leave the inputs out")
        return model
    if inputs is None:
        raise ValueError("a function is checked on inputs: name some")
    return ArraySubject(model, inputs)


def plan_of(
    subject: Subject,
    explainers: Sequence[str],
    operators: Sequence[str] | None,
    **options: Any,
) -> Plan:
    """A plan for a subject.

    Raises:
        ValueError: an explainer or operator that there is not.
    """
    able = list(subject.operators)
    wanted = list(operators) if operators is not None else able[:2]
    for name in wanted:
        if name not in able:
            raise ValueError(
                f"there is no operator {name!r} here: choose {', '.join(able) or 'none'}"
            )
    return Plan(tuple(dict.fromkeys(explainers)), tuple(wanted), **options)


def len_outputs(subject: Subject) -> int:
    """How many outputs a subject has, by running its first example.

    Raises:
        FaithfulnessError: there is no example.
    """
    if not len(subject):
        raise FaithfulnessError("there is no example to check")
    if subject.outputs:
        return len(subject.outputs)
    return int(Engine(subject, "value", {0: 0}).outputs_of(0).shape[-1])


def facts_of(engine: Engine, plan: Plan, began: float) -> dict[str, Any]:
    """How a check was run."""
    return {
        "producer": PRODUCER,
        "torch": torch.__version__,
        "captum": captum.__version__,
        "reading": engine.reading,
        "seed": plan.seed,
        "controls": plan.controls,
        "rest": plan.rest,
        "draws": plan.draws,
        "points": plan.points,
        "rows asked": engine.asked,
        "rows evaluated": engine.evaluated,
        "cpu seconds": round(time.process_time() - began, 2),
    }


def _given(
    subject: Subject, explanations: Mapping[str, Sequence[ArrayLike]]
) -> dict[str, Explainer]:
    found = {}
    for name, rows in explanations.items():
        if is_explainer(name):
            raise ValueError(f"{name} is the name of an explainer: call yours otherwise")
        if len(rows) != len(subject):
            raise ValueError(f"{name} has {len(rows)} rows for {len(subject)} examples")
        found[name] = Explainer(
            name,
            "attention",
            "as it was given",
            "",
            _lookup(name, rows),
            still="it was given, and cannot be computed again at each point",
        )
    return found


def _lookup(name: str, rows: Sequence[ArrayLike]) -> Callable[[Asked], Floats]:
    def explain(asked: Asked) -> Floats:
        values = np.asarray(rows[asked.example], np.float64)
        if values.shape != (asked.items,):
            raise ValueError(
                f"{name} has {values.shape} scores for the {asked.items} items of example "
                f"{asked.example}"
            )
        if not np.isfinite(values).all():
            raise UndefinedError("some of its scores are not finite")
        return values

    return explain
