"""Which inputs the command line names."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.recording.image_inputs import (
    PictureError,
    picture_files,
    read_picture,
)
from hardattn_viewer.cli.recording.items import Inputs, Item
from hardattn_viewer.cli.recording.notes import Notes
from hardattn_viewer.cli.recording.text_inputs import read_lines, text_name


def inputs_of(arguments: argparse.Namespace, notes: Notes) -> Inputs:
    """The inputs that ``--text``, ``--images``, both of them or ``--task`` name.

    Args:
        arguments: of `hardattn record`.
        notes: told what is skipped.

    Raises:
        CommandError: none are named, or they cannot be read.
    """
    if arguments.task is not None:
        if arguments.text is not None or arguments.images is not None:
            raise CommandError(
                "--task brings its own inputs; leave --text and --images out", WRONG_USAGE
            )
        return _task(arguments)
    if arguments.text is None and arguments.images is None:
        raise CommandError(
            "say what the model shall run on: --text FILE, --images FOLDER or --task NAME",
            WRONG_USAGE,
        )
    if arguments.images is None:
        lines = read_lines(arguments.text, arguments.n, notes)
        facts = {"text": text_name(arguments.text)}
        return Inputs(lines, len(lines), has_text=True, facts=facts)
    files = picture_files(arguments.images)
    facts = {"images": Path(arguments.images).resolve().name}
    texts = None
    if arguments.text is not None:
        facts["text"] = text_name(arguments.text)
        texts = [str(line.text) for line in read_lines(arguments.text, None, notes)]
        if len(texts) == 1:
            texts *= len(files)
        if len(texts) != len(files):
            raise CommandError(
                f"{len(texts)} lines of text do not go with {len(files)} pictures; "
                "write one line for each picture, or one for all"
            )
    count = min(len(files), arguments.n or len(files))
    items: Iterator[Item] = islice(_pictures(files, texts, notes), count)
    # Where no picture can be read, that is said before a run is begun.
    items = chain([next(items)], items)
    return Inputs(items, count, has_text=texts is not None, has_pictures=True, facts=facts)


def _pictures(files: list[Path], texts: list[str] | None, notes: Notes) -> Iterator[Item]:
    found = False
    for number, file in enumerate(files):
        try:
            picture = read_picture(file)
        except PictureError as error:
            notes.say(f"{file.name} skipped: {error}")
            continue
        found = True
        yield Item(file.name, picture=picture, text=texts[number] if texts else None)
    if not found:
        raise CommandError(f"none of the {len(files)} pictures could be read")


def _task(arguments: argparse.Namespace) -> Inputs:
    from PIL import Image

    from hardattn_models.tasks import ImageTask, load_task
    from hardattn_models.tasks.loading import image_task_names
    from hardattn_viewer.cli.zoo import models_extra

    with models_extra():
        task = load_task(arguments.task, folder=arguments.data)
        if not isinstance(task, ImageTask):
            raise CommandError(
                f"{arguments.task} has no pictures and is for the systems of the zoo alone; "
                f"choose {' or '.join(image_task_names(larger=True))}"
            )
        split = task.split(arguments.split or "test")
        count = min(len(split), arguments.n or len(split))
    items = (
        Item(
            entry["name"],
            picture=Image.fromarray(entry["image"]).convert("RGB"),
            label=entry["label"],
        )
        for start in range(count)
        for entry in split.entries([start])
    )
    facts = {"task": arguments.task, "split": split.name, "data": task.source}
    return Inputs(items, count, has_pictures=True, facts=facts)
