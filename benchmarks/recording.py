"""What recording every map of a transformer costs: CPU time as ratios, interleaved in a process.

usage: python benchmarks/recording.py [--rounds 5] [--shapes 8x128 1x512] [--models gpt2 bert]
                                      [--json FILE]

For each model and shape (batch x tokens), each round runs in turn, on the same random weights and
tokens: the plain model (scaled dot-product attention); the eager model asked for
`output_attentions=True`; TransformerLens `run_with_cache` of the attention patterns, where that
package is installed; and the plain model under a Recorder, sealing a run on disk, with each codec.
Ratios are to the eager model of the same round: the median, with the smallest and the largest.
Bytes a value and MB/s (of probabilities as float32) are of the sealed run; beside it the speed of
writing the same bytes to the same disk with one fsync.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from recorders import Recorder, read_run
from recorders.run.codec import CODECS


@dataclass
class Sides:
    """The same model in the ways that are compared."""

    plain: torch.nn.Module
    eager: torch.nn.Module
    lens: Any
    vocabulary: int
    values: Callable[[int, int], int]


@dataclass
class Measured:
    seconds: dict[str, list[float]] = field(default_factory=dict)
    wall: dict[str, list[float]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    raw_write: list[float] = field(default_factory=list)


def gpt2(tokens: int) -> Sides:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    # Each its own configuration: a model takes its implementation from there while it runs.
    config, other = (GPT2Config(n_positions=max(1024, tokens)) for _ in range(2))
    plain = GPT2LMHeadModel._from_config(config, attn_implementation="sdpa").eval()
    eager = GPT2LMHeadModel._from_config(other, attn_implementation="eager").eval()
    eager.load_state_dict(plain.state_dict())
    return Sides(plain, eager, lens_gpt2(config), config.vocab_size, lambda b, t: 144 * b * t * t)


def bert(tokens: int) -> Sides:
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config, other = (BertConfig(max_position_embeddings=max(512, tokens)) for _ in range(2))
    plain = BertModel._from_config(config, attn_implementation="sdpa").eval()
    eager = BertModel._from_config(other, attn_implementation="eager").eval()
    eager.load_state_dict(plain.state_dict())
    return Sides(plain, eager, None, config.vocab_size, lambda b, t: 144 * b * t * t)


def lens_gpt2(config: Any) -> Any:
    """A TransformerLens model of the same size, or None where the package is not installed."""
    try:
        from transformer_lens import HookedTransformer, HookedTransformerConfig
    except ImportError as problem:
        print(f"TransformerLens is left out: {problem}", file=sys.stderr)
        return None
    return HookedTransformer(
        HookedTransformerConfig(
            n_layers=config.n_layer,
            d_model=config.n_embd,
            n_ctx=config.n_positions,
            d_head=config.n_embd // config.n_head,
            n_heads=config.n_head,
            d_vocab=config.vocab_size,
            act_fn="gelu_new",
        )
    ).eval()


ORDER = ["plain", "eager", "TransformerLens", *CODECS]
MODELS = {"gpt2": gpt2, "bert": bert}


def timed(measured: Measured, name: str, action: Callable[[], object]) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    measured.seconds.setdefault(name, []).append(time.process_time() - cpu)
    measured.wall.setdefault(name, []).append(time.perf_counter() - wall)


def record(sides: Sides, ids: torch.Tensor, path: Path, codec: str) -> None:
    batch = [{} for _ in range(len(ids))]
    with Recorder(path, sides.plain, codec=codec) as recorder, recorder.example(batch=batch):
        sides.plain(input_ids=ids)


def write_raw(data: bytes, path: Path) -> float:
    started = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        file.write(data)
        os.fsync(file.fileno())
    return time.perf_counter() - started


def measure(sides: Sides, batch: int, tokens: int, rounds: int, folder: Path) -> Measured:
    ids = torch.randint(0, sides.vocabulary, (batch, tokens))
    measured = Measured()
    for round_ in range(rounds + 1):
        if round_ == 1:
            # The first round warms caches and is not counted.
            measured = Measured()
        ways: dict[str, Callable[[], object]] = {
            "plain": lambda: sides.plain(input_ids=ids),
            "eager": lambda: sides.eager(input_ids=ids, output_attentions=True).attentions[0].sum(),
        }
        if sides.lens is not None:
            ways["TransformerLens"] = lambda: sides.lens.run_with_cache(
                ids, names_filter=lambda hook: hook.endswith("hook_pattern")
            )
        for codec in CODECS:
            path = folder / f"{codec}.h5"
            path.unlink(missing_ok=True)
            ways[codec] = lambda path=path, codec=codec: record(sides, ids, path, codec)
        # Each in turn after every other, since what ran before leaves the caches its own way.
        order = random.Random(round_).sample(list(ways), len(ways))
        for name in order:
            timed(measured, name, ways[name])
        for codec in CODECS:
            measured.sizes[codec] = (folder / f"{codec}.h5").stat().st_size
        measured.raw_write.append(
            write_raw((folder / "sqrt16.h5").read_bytes(), folder / "raw.bin")
        )
    return measured


def check(sides: Sides, batch: int, tokens: int, path: Path) -> None:
    """What was measured must be a whole record: every site, each row a distribution."""
    with read_run(path) as run:
        values = run.n_events * run.sites[0].heads * tokens * tokens
        assert values == sides.values(batch, tokens), (values, sides.values(batch, tokens))


def row(name: str, measured: Measured, values: int) -> dict[str, Any]:
    ratios = [
        mine / eager
        for mine, eager in zip(measured.seconds[name], measured.seconds["eager"], strict=True)
    ]
    facts: dict[str, Any] = {
        "name": name,
        "ratio": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
        "cpu_seconds": statistics.median(measured.seconds[name]),
    }
    if name in CODECS:
        extra = statistics.median(
            mine - plain
            for mine, plain in zip(measured.wall[name], measured.wall["plain"], strict=True)
        )
        facts |= {
            "bytes_a_value": measured.sizes[name] / values,
            "mb_per_second": values * 4 / 1e6 / max(extra, 1e-9),
        }
    return facts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shapes", nargs="+", default=["8x128", "1x512", "1x2048"])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results = []
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        for name in arguments.models:
            shapes = [tuple(map(int, shape.split("x"))) for shape in arguments.shapes]
            sides = MODELS[name](max(tokens for _, tokens in shapes))
            for batch, tokens in shapes:
                measured = measure(sides, batch, tokens, arguments.rounds, Path(folder))
                check(sides, batch, tokens, Path(folder, "sqrt16.h5"))
                values = sides.values(batch, tokens)
                raw = measured.sizes["sqrt16"] / 1e6 / statistics.median(measured.raw_write)
                rows = [
                    row(side, measured, values)
                    for side in sorted(measured.seconds, key=ORDER.index)
                ]
                results.append(
                    {
                        "model": name,
                        "batch": batch,
                        "tokens": tokens,
                        "values": values,
                        "raw_write_mb_per_second": raw,
                        "rows": rows,
                    }
                )
                print(f"\n{name} {batch} x {tokens}: {values:,} values; raw write {raw:.0f} MB/s")
                print("| | CPU / eager | spread | CPU s | bytes a value | MB/s of maps |")
                print("|---|---|---|---|---|---|")
                for facts in rows:
                    stored = (
                        f"{facts['bytes_a_value']:.2f} | {facts['mb_per_second']:.0f}"
                        if "bytes_a_value" in facts
                        else "| "
                    )
                    print(
                        f"| {facts['name']} | {facts['ratio']:.2f} | {facts['low']:.2f} to "
                        f"{facts['high']:.2f} | {facts['cpu_seconds']:.2f} | {stored} |"
                    )
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
