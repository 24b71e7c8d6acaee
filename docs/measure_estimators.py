"""Follows the glimpse classifier while each estimator teaches it.

``python docs/measure_estimators.py``: each trains the same classifier on the same digits for the
same number of updates. After every tenth of them its error on the validation split, the variance
of its gradient, and the processor time that training took by then are kept, in
``docs/estimators.json``, of which ``make_estimators_page.py`` makes a page (an hour and a half of
one processor). What is measured already is left alone; ``--again`` measures anew. ``--only
gaussian`` takes those whose words begin so.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

from hardattn_models.evaluation import Evaluation, evaluate
from hardattn_models.tasks import Task, load_task
from hardattn_models.training.loop import train
from hardattn_models.training.moments import moment_of
from hardattn_models.training.plan import TrainingPlan, default_plan

FIGURES = Path(__file__).with_name("estimators.json")
SEEDS = (0, 1, 2)
STEPS, MOMENTS = 1_500, 10
TASK = "mnist-small"
FAMILIES: dict[str, tuple[str, ...]] = {
    "scores of what was drawn": (
        "sampled --gradient reinforce --baseline none",
        "sampled --gradient reinforce --baseline moving-average",
        "sampled --gradient reinforce --baseline learned",
        "sampled --gradient self-critical",
        "sampled --gradient rloo",
        "top-k --gradient reinforce",
    ),
    "compared with the blend": (
        "sampled --gradient soft-baseline",
        "sampled --gradient muprop",
    ),
    "places on a plane": (
        "gaussian --gradient reinforce",
        "gaussian --gradient rloo",
    ),
    "straight through the choice": (
        "straight-through --gradient straight-through",
        "straight-through --gradient argmax-straight-through",
        "straight-through --gradient reinmax",
        "gumbel-straight-through --gradient gumbel-straight-through",
        "gumbel-straight-through --gradient gumbel-rao",
    ),
    "blends, and a control": (
        "soft --gradient backprop",
        "gumbel-softmax --gradient gumbel-softmax",
        "sparsemax --gradient backprop",
        "hybrid --gradient backprop",
        "uniform --gradient backprop",
    ),
}
"""Words of ``hardattn train glimpse --mechanism``, by how the gradient gets past the choice."""


def plan_of(words: str, seed: int) -> TrainingPlan:
    """The plan that ``hardattn train`` makes of these words."""
    mechanism, *rest = words.split()
    asked: dict[str, Any] = {
        name.removeprefix("--"): value for name, value in zip(rest[::2], rest[1::2], strict=True)
    }
    return default_plan("glimpse", mechanism, task=TASK, steps=STEPS, seed=seed, **asked)


def follow(words: str, seed: int, task: Task) -> dict[str, object]:
    """Train once; where it stood at each moment, and what came of it."""
    plan = plan_of(words, seed)
    curve: list[dict[str, float]] = []
    spent, begun = 0.0, time.process_time()

    def look(step: int, model: Any) -> None:
        nonlocal spent, begun
        spent += time.process_time() - begun
        found = evaluate(model, task, "validation", seed=seed)
        moment = moment_of(model, task, plan, min(step, plan.steps - 1))
        curve.append(
            {
                "updates": step,
                "cpu_minutes": round(spent / 60, 4),
                "error": round(found.error, 5),
                "entropy": round(found.entropy, 5),
                "gradient_variance": float(f"{moment.gradient_variance:.4g}"),
            }
        )
        begun = time.process_time()

    result = train(plan, task=task, on_snapshot=look, snapshot_every=STEPS // MOMENTS)
    return {"seed": seed, "curve": curve, "test": _numbers(result.test)}


def _numbers(found: Evaluation) -> dict[str, object]:
    return {
        "error": round(found.error, 5),
        "standard_error": round(found.standard_error, 5),
        "entropy": round(found.entropy, 5),
        "examples": found.examples,
    }


def main() -> None:
    """Measure what is not measured yet, one training after another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="beginning of the words to take")
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    task = load_task(TASK)
    wanted = [words for family in FAMILIES.values() for words in family]
    # The first seed of everything comes before the second of anything.
    for seed in SEEDS:
        for words in (words for words in wanted if words.startswith(arguments.only)):
            known = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
            runs = known.setdefault(words, [])
            if any(run["seed"] == seed for run in runs) and not arguments.again:
                continue
            runs[:] = [run for run in runs if run["seed"] != seed]
            runs.append(follow(words, seed, task))
            runs.sort(key=lambda run: run["seed"])
            FIGURES.write_text(json.dumps(known, indent=1) + "\n")
            print(words, seed, runs[-1]["curve"][-1], runs[-1]["test"], flush=True)


if __name__ == "__main__":
    main()
