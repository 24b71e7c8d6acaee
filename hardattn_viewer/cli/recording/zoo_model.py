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
from hardattn_viewer.cli.zoo import models_extra, prepare_task, record_examples

if TYPE_CHECKING:
    from hardattn_models.model import SystemModel

EXAMPLES = 300


def record_zoo(path: Path, arguments: argparse.Namespace, notes: Notes) -> bool:
    """Record the system or checkpoint that ``arguments.model`` names.

    Returns:
        Whether Ctrl+C ended it early.

    Raises:
        CommandError: there is no such system, or it cannot be run on the task.
    """
    arguments.threads = arguments.threads or 1
    limit, split = arguments.n or EXAMPLES, arguments.split or "test"
    with models_extra():
        from recorders import Recorder

        checkpoint = checkpoint_of(arguments.model)
        model, facts = load_model(checkpoint, arguments.mechanism)
        arguments.task = arguments.task or usual_task(checkpoint)
        task = prepare_task(arguments)
        metadata: dict[str, Any] = {
            "checkpoint": checkpoint.name,
            "seed": arguments.seed,
            "split": split,
            "data": task.source,
            **facts,
        }
        policy = policy_of(arguments)
        if "sites" not in policy:
            # A system tells of the attention that it is about; an encoder's is asked for by name.
            policy["nets"] = ()
        with (
            Interruption(notes) as interruption,
            Recorder(path, model, metadata=metadata, **policy) as recorder,
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
                    expects=_expects(facts),
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

        shipped = checkpoints().get(f"{model}-hard")
        if shipped is not None:
            return shipped
        raise CommandError(
            f"no trained {model} is shipped; train one first: "
            f"hardattn train {model} -o {model}.safetensors, and record that file"
        )
    raise CommandError(
        f"{model} is no folder with a Hugging Face model, no package.module:factory, no checkpoint "
        f"file and no system of the zoo ({', '.join(system.name for system in systems())})"
    )


def usual_task(path: Path) -> str:
    """The task that a checkpoint is recorded on: the one it was trained on if that needs no files.

    All of MNIST is not at hand everywhere, so its classifiers are recorded on the bundled part.
    """
    from hardattn_models import checkpoint_facts, task_names
    from hardattn_models.registry import system
    from hardattn_models.tasks.loading import at_hand

    facts = checkpoint_facts(path)
    training = facts.metadata.get("training", {})
    trained = training.get("plan", {}).get("task") if isinstance(training, dict) else None
    known = at_hand(str(trained))
    return known if known in task_names(offline=True) else system(facts.system).tasks[0]


def _expects(facts: dict[str, Any]) -> bool:
    """Whether a checkpoint's training taught it what to expect; yes where nothing is told."""
    from hardattn_models.pairs import expects

    training = facts.get("training")
    plan = training.get("plan") if isinstance(training, dict) else None
    if not isinstance(plan, dict):
        return True
    return expects(str(plan.get("gradient")), str(plan.get("baseline", "learned")))


def load_model(path: Path, mechanism: str | None) -> tuple[SystemModel, dict[str, Any]]:
    """A trained model and the facts that its checkpoint keeps of its training."""
    from hardattn_models import load_system, read_metadata

    try:
        return load_system(path, mechanism=mechanism).eval(), read_metadata(path)
    except ValueError as error:
        raise CommandError(str(error)) from error
