"""Trains the systems of the zoo and keeps what they reached: ``python docs/measure_models.py``.

Writes ``docs/models.json``, which ``make_models_page.py`` makes tables of. What is measured already
is left alone; ``--again`` measures anew. ``--only pointer`` takes the systems of that name. What a
sample run was trained by is not trained again: its checkpoint holds the figures.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from reference_figures import REFERENCES

from hardattn_models import load_system, load_task, read_metadata
from hardattn_models.evaluation import evaluate
from hardattn_models.pairs import GATED
from hardattn_models.training.plan import default_plan
from hardattn_viewer.cli import main as hardattn
from sample_runs import checkpoints
from sample_runs.record_runs import SEED, SYSTEMS

FIGURES = Path(__file__).with_name("models.json")
SEEDS = (0, 1, 2)
SIZES = {"memory": ("recall", (8, 16, 64, 256)), "tools": ("offer", (4, 8, 16, 32))}
"""Systems that are measured among more candidates or fewer too, with their tasks."""
_MEMORY = (
    "sampled --gradient exact",
    "sampled --gradient reinforce --baseline none",
    "sampled --gradient reinforce --baseline moving-average",
    "sampled --gradient reinforce --baseline learned",
    "sampled --gradient self-critical",
    "sampled --gradient soft-baseline",
    "sampled --gradient rloo",
    "sampled --gradient sum-and-sample",
    "sampled --gradient muprop",
    "sampled --gradient rebar",
    "sampled --gradient relax",
    "straight-through --gradient straight-through",
    "straight-through --gradient argmax-straight-through",
    "straight-through --gradient reinmax",
    "gumbel-straight-through --gradient gumbel-straight-through",
    "gumbel-straight-through --gradient gumbel-rao",
    "gumbel-softmax --gradient gumbel-softmax",
    "soft --gradient backprop",
    "sparsemax --gradient backprop",
    "entmax15 --gradient backprop",
    "hybrid --gradient backprop",
    "top-k --gradient reinforce",
    "uniform --gradient backprop",
)
_TOOLS = (
    "sampled --gradient reinforce",
    "sampled --gradient rloo --steps 1500",
    "sampled --gradient exact --steps 1500",
    "straight-through --gradient straight-through",
    "soft --gradient backprop",
    "sparsemax --gradient backprop",
    "uniform --gradient backprop --steps 10",
)
_ALIGNMENT = (
    "sampled --gradient marginal",
    "soft --gradient backprop",
    "sampled --gradient rloo",
    "sampled --gradient reinforce",
    "straight-through --gradient straight-through",
    "gumbel-straight-through --gradient gumbel-straight-through",
    "uniform --gradient backprop",
)
_BLIND = "--temperature 1000000"
_RATIONALE = (
    *(f"top-k --gradient rloo --set k={k}" for k in (1, 2, 4, 8)),
    *(f"top-k --gradient rloo --set k={k} {_BLIND}" for k in (1, 2, 4, 8)),
    f"soft --gradient backprop {_BLIND}",
    "soft --gradient backprop",
    "sparsemax --gradient backprop",
    "hybrid --gradient backprop --set k=4",
    "top-k --gradient reinforce --set k=4",
    "sampled --gradient exact --steps 500",
    "sampled --gradient sum-and-sample",
    "gumbel-straight-through --gradient gumbel-straight-through",
)
_COPIER = (
    "argmax --gradient marginal",
    "soft --gradient backprop",
    "sampled --gradient rloo",
    "sampled --gradient reinforce",
    "straight-through --gradient straight-through",
)
_ANSWERS = (
    "argmax --gradient marginal",
    "soft --gradient backprop",
    "sampled --gradient rloo",
    "sampled --gradient reinforce",
    "straight-through --gradient straight-through",
    "gumbel-softmax --gradient gumbel-softmax",
)
_SUMMARY = (
    "sampled --gradient reinforce",
    "soft --gradient backprop",
    "sampled --gradient rloo",
    "straight-through --gradient straight-through",
    "gumbel-straight-through --gradient gumbel-straight-through",
)
_SIGHT = (
    "captioner --mechanism sampled --gradient reinforce",
    "captioner --mechanism soft --gradient backprop",
    "localiser --mechanism sampled --gradient reinforce",
    "localiser --mechanism soft --gradient backprop",
    "video --mechanism sampled --gradient reinforce",
    "video --mechanism soft --gradient backprop",
    "speech --mechanism sampled --gradient reinforce",
    "speech --mechanism soft --gradient backprop",
)
_RETRIEVAL = (
    "sampled --gradient reinforce",
    "soft --gradient backprop",
    "sampled --gradient rloo",
    "straight-through --gradient straight-through",
    "uniform --gradient backprop",
    f"soft --gradient backprop {_BLIND}",
)
_VQA = (
    "sampled --gradient reinforce",
    "soft --gradient backprop",
    "uniform --gradient backprop",
    "straight-through --gradient straight-through",
    "sampled --gradient muprop",
)
_LATENT = (
    "sampled --gradient relax --learning-rate 0.01",
    "sampled --gradient rebar --learning-rate 0.01",
    "sampled --gradient muprop --learning-rate 0.01",
    "sampled --gradient rloo --learning-rate 0.01",
    "gates --gradient disarm --learning-rate 0.02",
    "sampled --gradient reinforce --baseline moving-average --learning-rate 0.005",
    "gumbel-softmax --gradient gumbel-softmax --learning-rate 0.02 --temperature 0.5 "
    "--end-temperature 0.2",
    "gumbel-straight-through --gradient gumbel-straight-through --learning-rate 0.02",
)
"""The best on the validation split with the first seed: learning rates of 0.005, 0.01 and 0.02, and
three schedules of the relaxed sample's temperature."""
_NONLINEAR = (
    "sampled --gradient relax --learning-rate 0.003",
    "sampled --gradient rebar --learning-rate 0.003",
    "sampled --gradient muprop --learning-rate 0.003",
    "gumbel-softmax --gradient gumbel-softmax --learning-rate 0.002 --temperature 0.5 "
    "--end-temperature 0.5",
    "sampled --gradient reinforce --baseline moving-average --learning-rate 0.002",
)
"""Likewise, with two layers on all of MNIST."""
_DEEPER = "--task mnist --set variables=50 --set codes=2 --set layers=2 --steps 8000"
_VARIABLES = "--set variables=50 --set codes=2 --set layers=1 --steps 3000"
_GATES = (
    *(f"rationale --mechanism gates --gradient {name}" for name in GATED[:3]),
    *(f"memory --mechanism gates --gradient {name}" for name in GATED[:3]),
    # All settings of so few gates can be enumerated.
    "memory --mechanism gates --gradient gate-exact --task recall-8 --steps 100 --batch 64",
    "latent --mechanism gates --gradient gate-exact --set variables=4 --set codes=2 --steps 300",
)
_GLIMPSE = (
    "gaussian --gradient reinforce --task mnist --steps 20000",
    "sampled --gradient reinforce --task mnist --steps 18000",
    "uniform --gradient backprop --task mnist --steps 18000",
    "soft --gradient backprop --task mnist --steps 18000",
)
_RETINA = "--set scales=3 --set window=12 --steps 4000"
_CLUTTERED = tuple(
    f"glimpse --mechanism {words} --task mnist-cluttered {_RETINA}"
    for words in ("sampled --gradient reinforce", "uniform --gradient backprop")
)
EXPERIMENTS = (
    "pointer --mechanism argmax --gradient likelihood --task hull",
    "pointer --mechanism argmax --gradient likelihood --task sort-10 --steps 1000",
    "pointer --mechanism soft --gradient backprop --task hull --steps 1500",
    "pointer --mechanism gumbel-straight-through --task hull --steps 1000",
    "pointer --mechanism sampled --gradient rloo --task hull-5 --steps 1500 --batch 64",
    # Too few to be done with it, so that it is seen who learns faster.
    *(f"memory --mechanism {words} --steps 400 --batch 64" for words in _MEMORY),
    "memory --mechanism sampled --gradient reinforce",
    "memory --mechanism soft --gradient backprop --steps 1000",
    *(f"tools --mechanism {words}" for words in _TOOLS),
    *(f"alignment --mechanism {words}" for words in _ALIGNMENT),
    *(f"copier --mechanism {words}" for words in _COPIER),
    *(f"rationale --mechanism {words}" for words in _RATIONALE),
    *(f"answers --mechanism {words}" for words in _ANSWERS),
    *(f"summary --mechanism {words}" for words in _SUMMARY),
    *_GATES,
    *_SIGHT,
    *(f"retrieval --mechanism {words}" for words in _RETRIEVAL),
    *(f"vqa --mechanism {words}" for words in _VQA),
    "latent --mechanism sampled --gradient rebar",
    "latent --mechanism gumbel-softmax --gradient gumbel-softmax",
    *(f"latent --mechanism {words} {_VARIABLES}" for words in _LATENT),
    *(f"latent --mechanism {words} {_DEEPER}" for words in _NONLINEAR),
    *(f"glimpse --mechanism {words}" for words in _GLIMPSE),
    *_CLUTTERED,
)
"""Words of ``hardattn train``; each is trained with every seed."""


def measure(words: str, seed: int) -> dict[str, object]:
    """Train once; what came of it, as plain values."""
    shipped = _shipped(words, seed)
    if shipped is not None:
        more = _more(words.split()[0], str(shipped), seed)
        return _figures(seed, read_metadata(shipped)["training"], more)
    with tempfile.TemporaryDirectory() as scratch:
        target = str(Path(scratch, "model.safetensors"))
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            code = hardattn(["train", *words.split(), "--seed", str(seed), "--json", "-o", target])
        if code != 0:
            raise SystemExit(f"hardattn train {words} ended with {code}")
        facts = json.loads(told.getvalue())
        more = _more(words.split()[0], target, seed)
    return _figures(seed, facts, more)


def _shipped(words: str, seed: int) -> Path | None:
    """The sample's checkpoint that was trained by these words, other than one with sizes."""
    names = [name for name, train, _, _ in SYSTEMS if train == words]
    if not names or seed != SEED or words.startswith("memory"):
        return None
    return checkpoints().get(names[0])


def _figures(seed: int, facts: dict[str, Any], more: dict[str, object]) -> dict[str, object]:
    test = facts["test"]
    return {
        "seed": seed,
        "error": round(test["error"], 5),
        "standard_error": round(test["standard_error"], 5),
        "figures": {name: round(value, 5) for name, value in test["figures"].items()},
        "loss": round(test["loss"], 5),
        "examples": test["examples"],
        "entropy": round(test["entropy"], 5),
        "updates": facts["plan"]["steps"],
        "cpu_minutes": round(facts["cpu_seconds"] / 60, 2),
        "gradient_variance": facts["gradient_variance"],
        "torch": facts["torch"],
        **more,
    }


def _more(system: str, checkpoint: str, seed: int) -> dict[str, object]:
    """What is measured of a system beside its test examples."""
    if system in SIZES:
        return _by_size(checkpoint, *SIZES[system])
    if system == "retrieval":
        large = evaluate(load_system(checkpoint), load_task("gallery-32"), seed=seed)
        return {"of_32": {"right": round(1 - large.error, 5)}}
    if system == "latent":
        # Published bounds are of the images that were trained on.
        plan = read_metadata(checkpoint)["training"]["plan"]
        seen = evaluate(load_system(checkpoint), load_task(plan["task"]), "train", seed=seed)
        return {"training": {name: round(value, 5) for name, value in seen.figures.items()}}
    return {}


def _by_size(checkpoint: str, task: str, sizes: tuple[int, ...]) -> dict[str, object]:
    """How often a model is right, by the number of candidates, as trained and as argmax.

    And how many of them it calls, where it counts calls.
    """
    found: dict[str, object] = {}
    model = load_system(checkpoint)
    for name, one in (("by_size", model), ("by_size_argmax", model.with_mechanism("argmax"))):
        by = {size: evaluate(one, load_task(f"{task}-{size}"), "validation") for size in sizes}
        found[name] = {str(size): round(1 - seen.error, 5) for size, seen in by.items()}
        calls = {str(size): seen.figures.get("calls") for size, seen in by.items()}
        if None not in calls.values():
            found[name.replace("by_size", "calls")] = calls
    return found


def main() -> None:
    """Measure what is not measured yet, one training after another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="beginning of the words to take")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=FIGURES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    wanted = [words for words in EXPERIMENTS if words.startswith(arguments.only)]
    known = json.loads(arguments.output.read_text()) if arguments.output.is_file() else {}
    kept = known.setdefault("references", {})
    for name, others in REFERENCES.items():
        for what, of in others.items():
            if name.startswith(arguments.only) and (
                arguments.again or what not in kept.get(name, {})
            ):
                kept.setdefault(name, {})[what] = of()
                arguments.output.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
                print(what, kept[name][what], flush=True)
    # The first seed of everything comes before the second of anything.
    for seed in SEEDS:
        for words in wanted:
            known = json.loads(arguments.output.read_text()) if arguments.output.is_file() else {}
            runs = known.setdefault(words, {"plan": _plan(words), "runs": []})["runs"]
            if any(run["seed"] == seed for run in runs) and not arguments.again:
                continue
            runs[:] = [run for run in runs if run["seed"] != seed]
            found = measure(words, seed)
            runs.append(found)
            runs.sort(key=lambda run: run["seed"])
            arguments.output.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
            print(words, found, flush=True)


def _plan(words: str) -> dict[str, str]:
    system, *rest = words.split()
    asked = dict(zip(rest[::2], rest[1::2], strict=True))
    plan = default_plan(
        system, asked.get("--mechanism"), gradient=asked.get("--gradient"), task=asked.get("--task")
    )
    names = ("system", "mechanism", "gradient", "task")
    return {name: getattr(plan, name) for name in names}


if __name__ == "__main__":
    main()
