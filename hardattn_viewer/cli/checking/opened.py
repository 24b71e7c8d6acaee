"""What the command line names as the model of a run, as what can be checked."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from torch import nn

from hardattn_viewer.checks.sanity import Sanity
from hardattn_viewer.cli.checking.pictures_checked import pictures_checked, plain_reads
from hardattn_viewer.cli.checking.same_model import same_model
from hardattn_viewer.cli.checking.sounds_checked import sounds_checked
from hardattn_viewer.cli.checking.texts_checked import folder_checked, text_checked
from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.recording.factories import called, current_folder_first, described
from hardattn_viewer.cli.recording.notes import Notes, quiet_transformers
from hardattn_viewer.faithfulness import FaithfulnessError
from hardattn_viewer.faithfulness.from_run import Recorded, recorded
from hardattn_viewer.faithfulness.subject import Subject
from recorders import RunError, read_run
from recorders.run.reader import Run

SUBJECT = "a subject of hardattn_viewer.faithfulness, or a torch.nn.Module"


def is_factory(model: str | None) -> bool:
    """Whether a model is named as ``package.module:factory``, and not by a path."""
    return model is not None and ":" in model and not Path(model).exists()


def opened_model(
    run: Run,
    model: str | None,
    *,
    examples: int,
    seed: int,
    notes: Notes,
    task: str | None = None,
    data: str | None = None,
) -> Recorded:
    """The model of a run on its first examples.

    Args:
        run: the run.
        model: a checkpoint of the zoo, a Hugging Face folder, or ``package.module:factory``; the
            checkpoint that the run names if None. A factory that the run names is never called
            unless it is named here.
        examples: the first so many.
        seed: of what is drawn.
        notes: told what is not as the folder says.
        task: of a system of the zoo.
        data: folder of its task's files.

    Raises:
        CommandError: the model cannot be loaded.
        FaithfulnessError: it cannot be checked on this run.
    """
    count = min(examples, len(run.examples))
    if model is None or not (Path(model).is_dir() or is_factory(model)):
        path = Path(model) if model is not None else None
        return recorded(run, model=path, task=task, data=data, examples=examples, seed=seed)
    if task is not None or data is not None:
        raise CommandError("--task and --data are for systems of the zoo: leave them out")
    if not count:
        raise FaithfulnessError(f"{run.path} holds no example")
    if not is_factory(model):
        with quiet_transformers():
            return folder_checked(run, Path(model), count, seed, notes)
    # Standard output is for what was asked of the command, whatever the factory prints.
    with current_folder_first(), redirect_stdout(sys.stderr):
        return factory_checked(run, model, count)


def factory_checked(run: Run, spec: str, count: int) -> Recorded:
    """What a factory returns, on the first examples of a run.

    A factory with a parameter ``run`` is given the run, and one with ``examples`` how many of them.
    It returns a subject, an object with ``subject`` and ``explanations``, or a module: one with a
    ``tokenizer`` reads the run's tokens, any other its sounds or its pictures.

    Raises:
        CommandError: there is no such factory, or it failed.
        FaithfulnessError: what it returned cannot be checked on this run.
    """
    made, _ = called(spec, SUBJECT, run=run, examples=count)
    facts = {"model": spec}
    if isinstance(made, Recorded):
        return made
    if isinstance(made, Subject):
        return _of_subject(run, made, {}, spec)
    if isinstance(getattr(made, "subject", None), Subject):
        return _of_subject(run, made.subject, getattr(made, "explanations", {}), spec)
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], nn.Module):
        raise FaithfulnessError(
            f"{spec} returned a model and a function `prepare`, which takes what the run was "
            "recorded from and no longer holds: return a subject"
        )
    if not isinstance(made, nn.Module):
        raise CommandError(f"{spec} returned {described(made)}; return {SUBJECT}")
    model = made.eval()
    facts["class"] = type(model).__name__
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is not None and not isinstance(tokenizer, nn.Module):
        return text_checked(run, model, tokenizer, count, facts)
    if run.sound(0) is not None:
        return sounds_checked(run, model, count, facts)
    return pictures_checked(run, model, model, plain_reads(model), count, facts)


def reopened(run: str, *, model: str | None = None, **options: Any) -> Recorded:
    """As :func:`opened_model`, in a process that has nothing but names.

    Raises:
        FaithfulnessError: the run cannot be read, or as for :func:`opened_model`.
    """
    try:
        with read_run(run) as opened:
            return opened_model(opened, model, notes=Notes("hardattn check"), **options)
    except (RunError, CommandError) as error:
        raise FaithfulnessError(str(error)) from error


def _of_subject(run: Run, subject: Subject, explanations: Any, spec: str) -> Recorded:
    if len(subject) > len(run.examples):
        raise FaithfulnessError(
            f"{spec} has {len(subject)} examples and {run.path} has {len(run.examples)}: those of "
            "a subject are the first of the run, in its order"
        )
    model = getattr(subject, "model", None)
    sanity: tuple[Sanity, ...] = ()
    if isinstance(model, nn.Module):
        sanity = (same_model(run, model, subject, classes=False),)
    return Recorded(
        subject=subject,
        explanations=explanations,
        labels=[None] * len(subject),
        sanity=sanity,
        facts={"run": Path(str(run.path)).name, "recording": run.recording, "model": spec},
        targets=getattr(subject, "targets", None),
    )
