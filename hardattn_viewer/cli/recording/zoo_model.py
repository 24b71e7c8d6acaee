"""A trained system of the zoo, recorded on a task."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.progress import progress_bar
from hardattn_viewer.cli.recording.interruption import Interruption
from hardattn_viewer.cli.recording.notes import Notes
from hardattn_viewer.cli.recording.options import policy_of
from hardattn_viewer.cli.zoo import TASK, models_extra, prepare_task, record_examples

if TYPE_CHECKING:
    from hardattn_models.zoo.glimpse import GlimpseClassifier

EXAMPLES = 300


def record_zoo(path: Path, arguments: argparse.Namespace, notes: Notes) -> bool:
    """Record the system or checkpoint that ``arguments.model`` names.

    Returns:
        Whether Ctrl+C ended it early.

    Raises:
        CommandError: there is no such system, or it cannot be run on the task.
    """
    arguments.task = arguments.task or TASK
    arguments.threads = arguments.threads or 1
    limit, split = arguments.n or EXAMPLES, arguments.split or "test"
    with models_extra():
        from recorders import Recorder

        checkpoint = checkpoint_of(arguments.model)
        model, facts = load_model(checkpoint, arguments.mechanism)
        task = prepare_task(arguments)
        metadata: dict[str, Any] = {
            "checkpoint": checkpoint.name,
            "seed": arguments.seed,
            "split": split,
            "data": task.source,
            **facts,
        }
        with (
            Interruption(notes) as interruption,
            Recorder(path, model, metadata=metadata, **policy_of(arguments)) as recorder,
            progress_bar(min(limit, len(task.split(split))), "recording", "examples") as bar,
        ):
            try:
                record_examples(
                    recorder,
                    model,
                    task,
                    split=split,
                    limit=limit,
                    seed=arguments.seed,
                    on_batch=bar.update,
                    should_stop=lambda: interruption.asked,
                )
            except ValueError as error:
                raise CommandError(f"{path} cannot be recorded: {error}") from error
            finally:
                interruption.sealing = True
    return interruption.asked


def checkpoint_of(model: str) -> Path:
    """The checkpoint that a command line names: a file, or the shipped one of a system."""
    from hardattn_models import systems

    if Path(model).is_file():
        return Path(model)
    if model in {system.name for system in systems()}:
        from sample_runs import checkpoints

        return checkpoints()[f"{model}-hard"]
    raise CommandError(
        f"{model} is no folder with a Hugging Face model, no package.module:factory, no checkpoint "
        f"file and no system of the zoo ({', '.join(system.name for system in systems())})"
    )


def load_model(path: Path, mechanism: str | None) -> tuple[GlimpseClassifier, dict[str, Any]]:
    """A trained model and the facts that its checkpoint keeps of its training."""
    from hardattn_models import load_system, read_metadata

    try:
        return load_system(path, mechanism=mechanism).eval(), read_metadata(path)
    except ValueError as error:
        raise CommandError(str(error)) from error
