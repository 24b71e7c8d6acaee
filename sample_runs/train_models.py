"""Trains the sample checkpoints on the whole of MNIST: ``python -m sample_runs.train_models``.

Writes ``glimpse-hard``, ``glimpse-soft`` and ``glimpse-random`` as safetensors and adds their
figures to ``training.json``. With ``--task mnist-small`` only figures are added.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import platform
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from hardattn_models import load_system, load_task, save_system
from hardattn_models.tasks import ImageTask
from hardattn_models.training.loop import Progress, TrainingPlan, default_plan, evaluate, train
from hardattn_models.zoo.glimpse import GlimpseClassifier

FOLDER = Path(__file__).parent
MECHANISMS = {"hard": "sampled", "soft": "soft", "random": "uniform"}
CHOICE_SEEDS = range(5)
PUBLISHED = {
    "paper": "Mnih, Heess, Graves and Kavukcuoglu 2014, Recurrent Models of Visual Attention, "
    "arXiv:1406.6247, table 1 (MNIST 28 × 28, glimpses of 8 × 8 pixels at one scale)",
    "note": "Two versions of the table circulate; both are given as others quote them: error in "
    "per cent by number of glimpses. Ours has 6 glimpses, places on a 7 × 7 grid instead of the "
    "plane, another recurrent core and other training, so only the order of magnitude compares.",
    "tables": [
        {"2": 6.27, "4": 1.73, "6": 1.29},
        {"2": 3.79, "3": 1.51, "4": 1.54, "5": 1.34, "6": 1.12, "7": 1.07},
    ],
}


def plan_of(name: str, task: str, seed: int, steps: int | None) -> TrainingPlan:
    """The plan of one sample model."""
    if steps is None and task == "mnist":
        steps = 18_000
    return default_plan("glimpse", MECHANISMS[name], task=task, seed=seed, steps=steps)


def policy_facts(model: GlimpseClassifier, task: ImageTask) -> dict[str, Any]:
    """What the model does with its glimpses on the test images, beside what chance would do.

    Returns:
        ``ink_seen``: mean brightness, 0 to 1, of what is looked at (weighted by probability for
        soft attention), and ``ink_of_all_windows`` for comparison; ``ink_covered``: share of an
        image's brightness inside the windows of one episode; ``entropy``: nats, by step;
        ``information``: nats that the image says about the place, by step (entropy of the mean
        distribution less the mean entropy: 0 where every image is looked at alike);
        ``distinct_places``: of an episode's glimpses.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        batches = [
            (model.windows(batch.images), batch.images, model(batch.images, generator))
            for batch in task.batches("test", 250)
        ]
    brightness = torch.cat([windows.mean(-1) for windows, _, _ in batches])
    probabilities = torch.cat([episode.probabilities for _, _, episode in batches])
    entropy = torch.cat([episode.entropy for _, _, episode in batches]).mean(0)
    mean = probabilities.mean(0)
    information = -(mean * mean.clamp_min(1e-30).log()).sum(-1) - entropy
    facts: dict[str, Any] = {
        "ink_of_all_windows": brightness.mean().item(),
        "entropy": entropy.tolist(),
        "largest_entropy": math.log(len(model.regions)),
        "information": information.tolist(),
    }
    index = [episode.index for _, _, episode in batches if episode.index is not None]
    if not index:
        seen = (probabilities * brightness.unsqueeze(1)).sum(-1)
        return facts | {"ink_seen": seen.mean(0).tolist()}
    places = torch.cat(index)
    images = torch.cat([images for _, images, _ in batches])
    rows, columns = torch.meshgrid(torch.arange(28) + 0.5, torch.arange(28) + 0.5, indexing="ij")
    x0, y0, x1, y1 = model.regions.T[..., None, None]
    inside = (columns > x0) & (columns < x1) & (rows > y0) & (rows < y1)
    covered = inside[places].any(1)
    return facts | {
        "ink_seen": brightness.gather(1, places).mean(0).tolist(),
        "ink_covered": ((images * covered).sum((1, 2)) / images.sum((1, 2))).mean().item(),
        "distinct_places": sum(len(set(row)) for row in places.tolist()) / len(places),
    }


def make(name: str, task: ImageTask, seed: int, steps: int | None, folder: Path) -> dict[str, Any]:
    """Train one model; keep it if the task is the whole of MNIST."""
    plan = plan_of(name, task.name, seed, steps)

    def show(progress: Progress) -> None:
        if progress.step % 500 == 0:
            print(
                f"{name} {progress.step}/{plan.steps} loss {progress.loss:.3f} "
                f"error {progress.error:.3f} entropy {progress.entropy:.2f} "
                f"{progress.seconds:.0f} s",
                flush=True,
            )

    result = train(plan, task=task, on_progress=show)
    facts = result.facts()
    if task.name == "mnist":
        path = folder / f"glimpse-{name}.safetensors"
        save_system(result.model, path, {"training": facts, "data": task.source})
        facts["checkpoint"] = path.name
        facts["bytes"] = path.stat().st_size
        facts["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        result_model = load_system(path)
    else:
        result_model = result.model
    if name != "soft":
        errors = [evaluate(result_model, task, seed=choice).error for choice in CHOICE_SEEDS]
        facts["test_errors_by_choice_seed"] = errors
    if name == "hard":
        facts["test_argmax"] = asdict(evaluate(result_model.with_mechanism("argmax"), task))
    facts["policy"] = policy_facts(result_model, task)
    facts["history"] = [
        {"step": p.step, "loss": p.loss, "error": p.error, "entropy": p.entropy}
        for p in result.history[:: max(1, len(result.history) // 25)]
    ]
    return _rounded(facts)  # type: ignore[no-any-return]


def keep(figures: dict[str, Any], task: ImageTask, key: str, path: Path) -> None:
    """Put one model's figures among the others."""
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    known["published"] = PUBLISHED
    known["made_by"] = "python -m sample_runs.train_models"
    part = known.setdefault(task.name, {"data": task.source, "models": {}})
    part["models"][key] = figures
    models = part["models"]
    if "hard" in models and "random" in models:
        ratio = models["random"]["test"]["error"] / models["hard"]["test"]["error"]
        part["random_error_over_hard_error"] = round(ratio, 2)
    path.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def main() -> None:
    """Train the models that are named, one after another, on one thread each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", default=[], help="hard, soft, random; all if none")
    parser.add_argument("--task", default="mnist", help="mnist or mnist-small")
    parser.add_argument("--data", help="folder with the four files of MNIST")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("-o", "--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    task = load_task(arguments.task, arguments.data)
    for name in arguments.names or MECHANISMS:
        began = time.monotonic()
        figures = make(name, task, arguments.seed, arguments.steps, arguments.output)
        figures["minutes_in_all"] = round((time.monotonic() - began) / 60, 2)
        figures["when"] = datetime.now(UTC).isoformat(timespec="seconds")
        figures["python"] = platform.python_version()
        figures["threads"] = torch.get_num_threads()
        key = name if arguments.seed == 0 else f"{name}, seed {arguments.seed}"
        keep(figures, task, key, arguments.output / "training.json")
        print(f"{key} on {task.name}: test error {figures['test']['error']:.2%}", flush=True)


if __name__ == "__main__":
    main()
