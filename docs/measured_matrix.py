"""Which estimator was measured in which system, of the figures that the measurements left.

``models.json`` holds trainings of every system, ``estimators.json`` those of the glimpse classifier
alone.
"""

from __future__ import annotations

import json
import textwrap
from collections import defaultdict
from functools import cache

import measure_deploying
import measure_estimators
import measure_models

from hardattn_models import systems
from hardattn_models.gradients import estimators

WIDTH = 120
OTHERS = ("backprop", "likelihood", "marginal")
"""What teaches without an estimate: through a blend, by right choices, by summing over choices."""


@cache
def trainings() -> dict[str, dict[str, int]]:
    """How often each system was trained by each gradient: ``[gradient][system]``.

    The estimator ``soft`` is the slope of the loss at the blend, by which the mechanism of that
    name is trained.
    """
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def count(mechanism: str, gradient: str, system: str, runs: int) -> None:
        for name in (gradient, *(("soft",) if mechanism == "soft" else ())):
            found[name][system] += runs

    for words, facts in _systems().items():
        plan = facts["plan"]
        assert words.startswith(plan["system"])
        count(plan["mechanism"], plan["gradient"], plan["system"], len(facts["runs"]))
    for words, runs in json.loads(measure_estimators.FIGURES.read_text()).items():
        plan = measure_estimators.plan_of(words, 0)
        count(plan.mechanism, plan.gradient, plan.system, len(runs))
    return {name: dict(row) for name, row in found.items()}


def matrix() -> str:
    """One row for each gradient, one column for each system."""
    known = systems()
    found = trainings()
    heads = ["`--gradient`", *(f"`{system.name}`" for system in known), "systems"]
    rows = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name in (*(one.name for one in estimators()), *OTHERS):
        cells = []
        for system in known:
            can = any(_asked(name) in gradients for gradients in system.trainable.values())
            times = found.get(name, {}).get(system.name, 0)
            cells.append(str(times) if times else "·" if can else "")
        rows.append(f"| {' | '.join([f'`{name}`', *cells, str(len(found.get(name, {})))])} |")
    return "\n".join(rows)


def unmeasured() -> list[str]:
    """Trainings of ``measure_models.py`` that are missing, as words and a seed."""
    figures = measure_models.FIGURES
    known = json.loads(figures.read_text()) if figures.is_file() else {}
    return [
        f"{words} --seed {seed}"
        for words in measure_models.EXPERIMENTS
        for seed in measure_models.SEEDS
        if all(run["seed"] != seed for run in known.get(words, {}).get("runs", ()))
    ]


def minutes() -> str:
    """What the trainings took, as a sentence."""
    models = sum(run["cpu_minutes"] for facts in _systems().values() for run in facts["runs"])
    ways = json.loads(measure_estimators.FIGURES.read_text()).values()
    ways_took = sum(run["curve"][-1]["cpu_minutes"] for runs in ways for run in runs)
    deployed = json.loads(measure_deploying.FIGURES.read_text()).values()
    times = sum(len(runs) for system in deployed for runs in system.values())
    left = len(unmeasured())
    several = f"{left} trainings are" if left > 1 else "one training is"
    missing = f"; {several} not measured yet" if left else ""
    text = (
        f"From nothing the trainings take {models + ways_took:.0f} CPU minutes: {models:.0f} those "
        f"of the systems, {ways_took:.0f} those of [one classifier](estimators.md); the {times} "
        f"of what is deployed hard, and testing, come on top{missing}."
    )
    return textwrap.fill(text, WIDTH)


def _asked(name: str) -> str:
    return "backprop" if name == "soft" else name


def _systems() -> dict[str, dict[str, object]]:
    known = json.loads(measure_models.FIGURES.read_text())
    return {words: known[words] for words in measure_models.EXPERIMENTS if words in known}
