"""Trains systems soft and runs them hard: ``python docs/measure_deploying.py`` (15 CPU minutes).

Each is trained by backpropagation through its blends, at one temperature and with one that falls,
and then counted on test examples twice: as it was trained, and taking the best at every choice.
Writes ``docs/deploying.json``, which ``make_models_page.py`` makes a table of. What is measured
already is left alone; ``--again`` measures anew. ``--only memory`` takes the system of that name.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from hardattn_models import load_task
from hardattn_models.evaluation import Evaluation, evaluate
from hardattn_models.training.loop import train
from hardattn_models.training.plan import default_plan

FIGURES = Path(__file__).with_name("deploying.json")
SEEDS = (0, 1, 2)
FALLING = {"schedule": "exponential", "temperature": 1.0, "end_temperature": 0.1}
SYSTEMS: dict[str, tuple[dict[str, object], tuple[int, ...]]] = {
    "memory": ({"task": "recall-16", "steps": 1_000}, SEEDS),
    "pointer": ({"task": "hull", "steps": 1_500}, SEEDS),
    "glimpse": ({"task": "mnist-small", "steps": 1_500}, SEEDS),
    "alignment": ({"task": "new-testament"}, SEEDS),
}
"""Settings of each system's plan, and the seeds."""
WAYS: dict[str, dict[str, object]] = {"temperature 1": {}, "falling to 0.1": FALLING}


def measure(system: str, way: str, seed: int) -> dict[str, object]:
    """Train once, soft; how often it errs soft and hard."""
    plan = default_plan(
        system, "soft", gradient="backprop", seed=seed, **SYSTEMS[system][0] | WAYS[way]
    )
    task = load_task(plan.task)
    model = train(plan, task=task).model
    return {
        "seed": seed,
        "soft": _numbers(evaluate(model, task)),
        "hard": _numbers(evaluate(model.with_mechanism("argmax"), task)),
    }


def _numbers(found: Evaluation) -> dict[str, object]:
    return {
        "error": round(found.error, 5),
        "loss": round(found.loss, 5),
        "entropy": round(found.entropy, 5),
        "examples": found.examples,
        "figures": {name: round(value, 5) for name, value in found.figures.items()},
    }


def main() -> None:
    """Measure what is not measured yet, one training after another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="beginning of the names to take")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=FIGURES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for seed in SEEDS:
        for system, (_, seeds) in SYSTEMS.items():
            if seed not in seeds or not system.startswith(arguments.only):
                continue
            for way in WAYS:
                known = (
                    json.loads(arguments.output.read_text()) if arguments.output.is_file() else {}
                )
                runs = known.setdefault(system, {}).setdefault(way, [])
                if any(run["seed"] == seed for run in runs) and not arguments.again:
                    continue
                runs[:] = [run for run in runs if run["seed"] != seed]
                runs.append(measure(system, way, seed))
                runs.sort(key=lambda run: run["seed"])
                arguments.output.write_text(json.dumps(known, indent=1) + "\n")
                print(system, way, runs[-1], flush=True)


if __name__ == "__main__":
    main()
