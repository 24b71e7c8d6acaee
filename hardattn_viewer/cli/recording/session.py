"""Run a model over its inputs under a Recorder. All that the Recorder is told is told here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.progress import progress_bar
from hardattn_viewer.cli.recording.interruption import Interruption
from hardattn_viewer.cli.recording.items import Inputs, Item
from hardattn_viewer.cli.recording.notes import Notes
from hardattn_viewer.cli.recording.subject import Subject
from hardattn_viewer.cli.recording.user_code import failure


def record_subject(
    path: Path,
    subject: Subject,
    inputs: Inputs,
    *,
    batch: int | None,
    seed: int,
    policy: dict[str, Any],
    notes: Notes,
) -> bool:
    """Record a model on all inputs; what was recorded is sealed whatever happens.

    Args:
        path: the run to make.
        subject: the model and how it reads and runs.
        inputs: what it runs on.
        batch: items at a time; None for what is usual for the subject.
        seed: of random choices that the model makes.
        policy: what to keep and how, as arguments of the Recorder.
        notes: told of Ctrl+C.

    Returns:
        Whether Ctrl+C ended it early.

    Raises:
        CommandError: the model failed, or the Recorder did; names the example and the line.
        KeyboardInterrupt: Ctrl+C came twice.
    """
    from recorders import Recorder

    told = {} if subject.tokenizer is None else {"tokenizer": subject.tokenizer}
    metadata = {
        "model": subject.facts,
        "inputs": inputs.facts,
        "seed": seed,
        "torch": str(torch.__version__),
    }
    torch.manual_seed(seed)
    with Interruption(notes) as interruption:
        try:
            recorder = Recorder(path, subject.model, metadata=metadata, **policy, **told)
            with recorder, progress_bar(inputs.count, "recording", "examples") as bar:
                try:
                    for items in _batches(inputs, batch or subject.batch):
                        if interruption.asked:
                            break
                        _record(recorder, subject, items)
                        bar.update(len(items))
                finally:
                    interruption.sealing = True
        except (ValueError, OSError) as error:
            raise CommandError(f"{path} cannot be recorded: {failure(error)}") from error
    return interruption.asked


def _record(recorder: Any, subject: Subject, items: Sequence[Item]) -> None:
    try:
        for one in subject.prepare(items):
            with torch.no_grad(), recorder.example(batch=one.fields):
                scores = subject.scores(subject.run(one))
                if scores is not None:
                    recorder.outcome(scores=scores)
    except CommandError:
        raise
    except Exception as error:
        raise CommandError(
            f"recording {type(subject.model).__name__} failed at {_named(items)}: "
            f"{failure(error, subject.user_file)}" + (f" ({subject.hint})" if subject.hint else "")
        ) from error


def _batches(inputs: Inputs, size: int) -> Iterator[list[Item]]:
    items = iter(inputs.items)
    while batch := list(islice(items, size)):
        yield batch


def _named(items: Sequence[Item]) -> str:
    return items[0].name + (f" to {items[-1].name}" if len(items) > 1 else "")
