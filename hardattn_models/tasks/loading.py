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
    tooling,
)
from hardattn_models.tasks.answers import AnswerTask
from hardattn_models.tasks.books import BookTask
from hardattn_models.tasks.gaps import GapTask
from hardattn_models.tasks.mnist import load_mnist, load_mnist_small
from hardattn_models.tasks.placed import PIECES, place
from hardattn_models.tasks.protocol import Task
from hardattn_models.tasks.quotes import QuoteTask
from hardattn_models.tasks.translation import TranslationTask

_IMAGES = ("mnist-small", "mnist")
_LARGER = {"translated": 0, "cluttered": PIECES}
"""What a digit may lie in, and pieces of others that lie there."""
_GENERATED: dict[str, Callable[[], Task]] = {
    "hull": lambda: pointing.hull(5, 10),
    "hull-5": lambda: pointing.hull(5, 5),
    "hull-10": lambda: pointing.hull(10, 10),
    "sort-10": lambda: pointing.sorting(10),
    **{f"recall-{size}": partial(recall.recall, size) for size in recall.SIZES},
    "tools-16": lambda: recall.recall(16, recall.TOOLS, "tools"),
    **{f"offer-{size}": partial(tooling.tooling, size) for size in tooling.SIZES},
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


def image_task_names(*, larger: bool = False) -> tuple[str, ...]:
    """The tasks of labelled images; the first is the default.

    Args:
        larger: also those in which digits lie anywhere in a larger image.
    """
    more = [f"{name}-{how}" for name in _IMAGES for how in _LARGER] if larger else []
    return (*_IMAGES, *more)


def at_hand(name: str) -> str:
    """The task of that name, or the same of the bundled digits where it is one of all of MNIST."""
    whole = name in image_task_names(larger=True) and _is_whole(name)
    return _IMAGES[0] + name.removeprefix(_IMAGES[1]) if whole else name


def task_names(*, offline: bool = False) -> tuple[str, ...]:
    """The names that :func:`load_task` knows; the first is the default.

    Args:
        offline: only those that need neither a folder nor a network.
    """
    images = image_task_names(larger=True)
    bundled = tuple(name for name in images if not (offline and _is_whole(name)))
    return (*bundled, *_GENERATED, *_TEXTS)


def load_task(name: str = "mnist-small", folder: str | os.PathLike[str] | None = None) -> Any:
    """Load a task's data, or make it.

    Args:
        name: "mnist-small", bundled, or "mnist", the whole (see ``load_mnist`` for where it is
            looked for); either followed by "-translated" or "-cluttered"; a generated one, or one
            of the bundled texts.
        folder: where the files of "mnist" lie; what is bundled or generated takes none.

    Returns:
        The task with its three splits: an ``ImageTask`` of digits, or another ``Task``.

    Raises:
        TaskError: if the name is unknown, a folder is given to a task that needs none, or the data
            is missing or not the published one.
    """
    if name not in task_names():
        raise TaskError(f"there is no task {name!r}: choose {' or '.join(task_names())}")
    images = name in image_task_names(larger=True)
    if folder is not None and not (images and _is_whole(name)):
        have = "bundled" if images or name in _TEXTS else "generated"
        raise TaskError(f"{name} is {have} and takes no folder; use the task mnist")
    if not images:
        return (_GENERATED | _TEXTS)[name]()
    digits = load_mnist(folder) if _is_whole(name) else load_mnist_small()
    how = name.rpartition("-")[2]
    return place(digits, name, _LARGER[how]) if how in _LARGER else digits


def _is_whole(name: str) -> bool:
    return not name.startswith(_IMAGES[0])
