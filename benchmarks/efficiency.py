"""What hard attention saves as the input grows: operations, bytes and processor time.

usage: python benchmarks/efficiency.py [--write]

Classifies images of 64 to 1,024 pixels a side one at a time, with the glimpse classifier and the
localiser, each hard (argmax) and soft, with one thread. Their weights are those of the samples for
the localiser (which runs on any size) and fresh ones for the glimpse classifier (which is built for
one size); neither operations nor bytes depend on the weights. ``--write`` makes the tables of
docs/efficiency.md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import sample_runs
from hardattn_models import build_system, load_system, load_task
from hardattn_models.cost import Cost, cost
from hardattn_models.evaluation import evaluate
from hardattn_models.tasks.clutter import SIZES, ClutterBatch
from hardattn_models.tasks.images import Batch

PAGE = Path(__file__).parents[1] / "docs" / "efficiency.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
REPEATS = 9
MECHANISMS = ("argmax", "soft")


@dataclass(frozen=True)
class Row:
    system: str
    size: int
    candidates: int
    cost: dict[str, Cost]
    milliseconds: dict[str, float]

    def cells(self) -> list[str]:
        hard, soft = (self.cost[name] for name in MECHANISMS)
        fast, slow = (self.milliseconds[name] for name in MECHANISMS)
        return [
            f"{self.size}²",
            f"{self.candidates:,}",
            *(f"{one.flops / 1e6:,.4g}" for one in (hard, soft)),
            f"{soft.flops / hard.flops:.3g}",
            *(f"{one.moved / 2**20:,.3g}" for one in (hard, soft)),
            f"{soft.moved / hard.moved:.3g}",
            *(f"{one:,.3g}" for one in (fast, slow)),
            f"{slow / fast:.3g}",
        ]


def milliseconds(code: Callable[[], Any]) -> float:
    """Median processor time of several runs, after one that does not count."""
    code()
    taken = []
    for _ in range(REPEATS):
        began = time.process_time()
        code()
        taken.append(time.process_time() - began)
    return 1000 * statistics.median(taken)


def row(system: str, size: int) -> Row:
    codes, candidates = {}, 0
    for mechanism in MECHANISMS:
        model, batch, candidates = (_glimpse if system == "glimpse" else _localiser)(
            size, mechanism
        )
        # The counter asks weights for a graph that there is none of.
        model.requires_grad_(False)

        def code(model: Any = model, batch: Any = batch) -> Tensor:
            with torch.no_grad():
                loss: Tensor = model.outcome(batch, model.chooser()).loss
            return loss

        codes[mechanism] = code
    return Row(
        system,
        size,
        candidates,
        {name: cost(code) for name, code in codes.items()},
        {name: milliseconds(code) for name, code in codes.items()},
    )


def _glimpse(size: int, mechanism: str) -> tuple[Any, Any, int]:
    torch.manual_seed(0)
    model = build_system("glimpse", mechanism=mechanism, size=size).eval()
    image = torch.rand(1, size, size)
    return model, Batch(image, torch.zeros(1, dtype=torch.int64), []), len(model.regions)


def _localiser(size: int, mechanism: str) -> tuple[Any, Any, int]:
    model = load_system(sample_runs.checkpoints()["localiser-hard"], mechanism=mechanism)
    batch: ClutterBatch = next(load_task(f"clutter-{size}").batches("test", 1, 1))
    return model, batch, (size // 32) ** 2


def costs() -> str:
    heads = ["image", "candidates"]
    for what in ("MFLOP", "MiB moved", "CPU ms"):
        heads += [f"hard, {what}", "soft", "soft / hard"]
    parts = []
    for system in ("localiser", "glimpse"):
        table = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
        table += [f"| {' | '.join(row(system, size).cells())} |" for size in SIZES]
        parts.append(f"### `{system}`\n\n" + "\n".join(table))
    return "\n\n".join(parts)


def accuracy() -> str:
    """How often the localisers of the samples are right, by the size of the image."""
    sizes = SIZES[:-1]
    table = [
        f"| localiser | {' | '.join(f'{size}²' for size in sizes)} |",
        f"|---|{'---|' * len(sizes)}",
    ]
    for name, mechanism in (
        ("localiser-hard", "argmax"),
        ("localiser-hard", "sampled"),
        ("localiser-hard", "uniform"),
        ("localiser-soft", "soft"),
        ("localiser-soft", "argmax"),
    ):
        model = load_system(sample_runs.checkpoints()[name], mechanism=mechanism)
        found = []
        for size in sizes:
            told = evaluate(model, load_task(f"clutter-{size}"), "validation", batch=20)
            on = told.figures["weight of crops with the digit"]
            found.append(f"{100 * (1 - told.error):.1f} % ({100 * on:.0f} %)")
        table.append(f"| `{name}`, {mechanism} | {' | '.join(found)} |")
    return "\n".join(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="into docs/efficiency.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    told = f"{costs()}\n\n{accuracy()}"
    print(told)
    if arguments.write:
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{told}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
