"""Finds a task by its name."""

from __future__ import annotations

import os

from hardattn_models.errors import TaskError
from hardattn_models.tasks.images import ImageTask
from hardattn_models.tasks.mnist import load_mnist, load_mnist_small


def task_names() -> tuple[str, ...]:
    """The names that :func:`load_task` knows; the first is the default."""
    return ("mnist-small", "mnist")


def load_task(name: str = "mnist-small", folder: str | os.PathLike[str] | None = None) -> ImageTask:
    """Load a task's data.

    Args:
        name: "mnist-small", bundled, or "mnist", the whole (see ``load_mnist`` for where it is
            looked for).
        folder: where the files of "mnist" lie; "mnist-small" takes none.

    Returns:
        The task with its three splits.

    Raises:
        TaskError: if the name is unknown, a folder is given to a bundled task, or the data is
            missing or not the published one.
    """
    if name == "mnist":
        return load_mnist(folder)
    if name == "mnist-small":
        if folder is not None:
            raise TaskError("mnist-small is bundled and takes no folder; use the task mnist")
        return load_mnist_small()
    raise TaskError(f"there is no task {name!r}: choose {' or '.join(task_names())}")
