"""Record a trained system of the zoo on a task, without writing code."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.progress import progress_bar
from hardattn_viewer.cli.runs import open_run, words_for_bytes
from hardattn_viewer.cli.zoo import (
    add_task_arguments,
    models_extra,
    new_run_path,
    prepare_task,
    record_examples,
)

if TYPE_CHECKING:
    from hardattn_models.zoo.glimpse import GlimpseClassifier


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a checkpoint of `hardattn train`, or a system's name for the one that is shipped",
    )
    add_task_arguments(parser)
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test")
    parser.add_argument("-n", type=int, default=300, metavar="N", help="examples (default: 300)")
    parser.add_argument("--mechanism", metavar="M", help="choose otherwise than trained: argmax")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the random choices")
    parser.add_argument(
        "--codec", choices=("sqrt16", "float16", "float32", "sqrt8"), default="sqrt16"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("-o", "--output", required=True, metavar="RUN")


def run(arguments: argparse.Namespace) -> int:
    path = new_run_path(arguments.output)
    if arguments.n < 1:
        raise CommandError("-n must be at least 1", WRONG_USAGE)
    with models_extra():
        from recorders import Recorder

        checkpoint = checkpoint_of(arguments.model)
        model, facts = load_model(checkpoint, arguments.mechanism)
        task = prepare_task(arguments)
        metadata: dict[str, Any] = {
            "checkpoint": checkpoint.name,
            "seed": arguments.seed,
            "split": arguments.split,
            "data": task.source,
            **facts,
        }
        total = min(arguments.n, len(task.split(arguments.split)))
        with (
            Recorder(path, model, codec=arguments.codec, metadata=metadata) as recorder,
            progress_bar(total, "recording", "examples") as bar,
        ):
            record_examples(
                recorder,
                model,
                task,
                split=arguments.split,
                limit=arguments.n,
                seed=arguments.seed,
                on_batch=bar.update,
            )
    with open_run(str(path)) as recorded:
        facts = {
            "run": str(path),
            "examples": len(recorded.examples),
            "events": recorded.n_events,
            "bytes": recorded.bytes,
        }
    if arguments.json:
        print(json.dumps(facts, indent=2))
    else:
        print(
            f"{path}: {facts['examples']} examples, {facts['events']} events, "
            f"{words_for_bytes(facts['bytes'])}"
        )
    return 0


def checkpoint_of(model: str) -> Path:
    """The checkpoint that a command line names: a file, or the shipped one of a system."""
    from hardattn_models import systems

    if Path(model).is_file():
        return Path(model)
    if model in {system.name for system in systems()}:
        from sample_runs import checkpoints

        return checkpoints()[f"{model}-hard"]
    raise CommandError(
        f"{model} is neither a checkpoint file nor a system "
        f"({', '.join(system.name for system in systems())}); train one with `hardattn train`"
    )


def load_model(path: Path, mechanism: str | None) -> tuple[GlimpseClassifier, dict[str, Any]]:
    """A trained model and the facts that its checkpoint keeps of its training."""
    from hardattn_models import load_system, read_metadata

    try:
        return load_system(path, mechanism=mechanism).eval(), read_metadata(path)
    except ValueError as error:
        raise CommandError(str(error)) from error
