"""How much slower a model runs while it is recorded: ratios within one process, interleaved.

usage: python benchmarks/tap_overhead.py [--rounds 15] [--batch 100]

Prints, for the glimpse classifier, the time of one forward pass with a tap that nobody listens to,
and with a Recorder, as ratios to that of the same model without any tap: the median of the rounds
with the smallest and the largest.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from hardattn_models import build_system
from recorders import Recorder


class NoTap(torch.nn.Module):
    def forward(
        self, probabilities: Any, selection: Any = None, log_prob: Any = None, **_: Any
    ) -> Any:
        return probabilities if selection is None else selection


def seconds(action: Callable[[], object], repeats: int) -> float:
    started = time.process_time()
    for _ in range(repeats):
        action()
    return (time.process_time() - started) / repeats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images = torch.rand(arguments.batch, 28, 28)
    tapped = build_system("glimpse", mechanism="sampled").eval()
    bare = build_system("glimpse", mechanism="sampled").eval()
    bare.look = NoTap()
    entries = [{"label": 0} for _ in range(arguments.batch)]
    ratios: dict[str, list[float]] = {"tap, nobody records": [], "tap, recorded": []}
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        seconds(lambda: (bare(images), tapped(images)), arguments.repeats)
        for round_ in range(arguments.rounds):
            base = seconds(lambda: bare(images), arguments.repeats)
            ratios["tap, nobody records"].append(
                seconds(lambda: tapped(images), arguments.repeats) / base
            )
            with Recorder(Path(folder, f"{round_}.h5"), tapped) as recorder:

                def recorded(recorder: Recorder = recorder) -> None:
                    with recorder.example(batch=entries):
                        tapped(images)

                ratios["tap, recorded"].append(seconds(recorded, arguments.repeats) / base)
    for what, values in ratios.items():
        print(
            f"{what}: {statistics.median(values):.3f} times the bare model "
            f"(from {min(values):.3f} to {max(values):.3f}, {len(values)} rounds)"
        )


if __name__ == "__main__":
    main()
