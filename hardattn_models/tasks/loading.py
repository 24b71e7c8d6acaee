"""Finds a task by its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from hardattn_models.errors import TaskError
from hardattn_models.tasks import (
    clips,
    clutter,
    pointing,
    recall,
    retrieving,
    scenes,
    shapes,
    spoken,
)
from hardattn_models.tasks.answers import AnswerTask
from hardattn_models.tasks.books import BookTask
from hardattn_models.tasks.gaps import GapTask
from hardattn_models.tasks.mnist import load_mnist, load_mnist_small
from hardattn_models.tasks.protocol import Task
from hardattn_models.tasks.quotes import QuoteTask
from hardattn_models.tasks.translation import TranslationTask

_IMAGES = ("mnist-small", "mnist")
_GENERATED: dict[str, Callable[[], Task]] = {
    "hull": lambda: pointing.hull(5, 10),
    "hull-5": lambda: pointing.hull(5, 5),
    "hull-10": lambda: pointing.hull(10, 10),
    "sort-10": lambda: pointing.sorting(10),
    **{f"recall-{size}": partial(recall.recall, size) for size in recall.SIZES},
    "tools-16": lambda: recall.recall(16, recall.TOOLS, "tools"),
    "scenes": scenes.scenes,
    "easy-vqa": shapes.shapes,
    **{f"spoken-{size}": partial(spoken.spoken, size) for size in (4, 2, 8)},
    "clip-find": partial(clips.clips, 3, "clip-find"),
    "clip-name": partial(clips.clips, 1, "clip-name"),
    **{
        f"gallery-{size}": partial(retrieving.gallery, size, f"gallery-{size}")
        for size in retrieving.SIZES
    },
    "clutter": partial(clutter.clutter, 64, 128, 256, name="clutter"),
    **{
        f"clutter-{size}": partial(clutter.clutter, size, name=f"clutter-{size}")
        for size in clutter.SIZES
    },
}
_TEXTS: dict[str, Callable[[], Task]] = {
    "new-testament": TranslationTask,
    "books": BookTask,
    "names": GapTask,
    "answers": AnswerTask,
    "quotes": QuoteTask,
}


def image_task_names() -> tuple[str, ...]:
    """The tasks of labelled images; the first is the default."""
    return _IMAGES


def task_names(*, offline: bool = False) -> tuple[str, ...]:
    """The names that :func:`load_task` knows; the first is the default.

    Args:
        offline: only those that need neither a folder nor a network.
    """
    return (*(_IMAGES[:1] if offline else _IMAGES), *_GENERATED, *_TEXTS)


def load_task(name: str = "mnist-small", folder: str | os.PathLike[str] | None = None) -> Any:
    """Load a task's data, or make it.

    Args:
        name: "mnist-small", bundled, or "mnist", the whole (see ``load_mnist`` for where it is
            looked for), a generated one, or one of the bundled texts.
        folder: where the files of "mnist" lie; the others take none.

    Returns:
        The task with its three splits: an ``ImageTask`` of digits, or another ``Task``.

    Raises:
        TaskError: if the name is unknown, a folder is given to a task that needs none, or the data
            is missing or not the published one.
    """
    if name == "mnist":
        return load_mnist(folder)
    if name not in task_names():
        raise TaskError(f"there is no task {name!r}: choose {' or '.join(task_names())}")
    if folder is not None:
        have = "bundled" if name in _IMAGES or name in _TEXTS else "generated"
        raise TaskError(f"{name} is {have} and takes no folder; use the task mnist")
    if name in _IMAGES:
        return load_mnist_small()
    return (_GENERATED | _TEXTS)[name]()
