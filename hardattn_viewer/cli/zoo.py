"""What `train` and `record` share: running a system of the zoo on a task under a Recorder."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardattn_viewer.cli.errors import CommandError, missing_extra
from hardattn_viewer.cli.recording.options import positive

if TYPE_CHECKING:
    from hardattn_models.tasks import ImageTask
    from hardattn_models.zoo.glimpse import GlimpseClassifier
    from recorders import Recorder

# Added to the seed, so that what is recorded never shares its random choices with training.
_RECORDING = 4_000_037
BATCH = 100


TASK = "mnist-small"


def add_task_arguments(
    parser: argparse.ArgumentParser, task: str | None = TASK, threads: int | None = 1
) -> None:
    """The arguments about data, with these defaults."""
    parser.add_argument("--task", default=task, metavar="T", help=f"default: {TASK}")
    parser.add_argument(
        "--data", metavar="FOLDER", help="where the four files of the whole of mnist lie"
    )
    parser.add_argument(
        "--threads",
        type=positive,
        default=threads,
        metavar="N",
        help="of torch; with 1, the zoo's default, results do not depend on the machine's cores",
    )


@contextmanager
def models_extra() -> Iterator[None]:
    """Turn a missing package and the models' own errors into one sentence.

    Raises:
        CommandError: names the extra to install, or what the models found wrong.
    """
    try:
        from hardattn_models.errors import ModelError
    except ModuleNotFoundError as error:
        raise missing_extra("models", error) from error
    try:
        yield
    except ModuleNotFoundError as error:
        raise missing_extra("models", error) from error
    except (ModelError, OSError) as error:
        raise CommandError(str(error)) from error


def prepare_task(arguments: argparse.Namespace) -> ImageTask:
    """The task that the arguments name; torch gets the threads that they allow."""
    import torch

    from hardattn_models.tasks import load_task

    torch.set_num_threads(arguments.threads)

    return load_task(arguments.task, folder=arguments.data)


def new_run_path(text: str) -> Path:
    """A path for a run that does not exist yet.

    Raises:
        CommandError: there is something there already, or no folder to write in.
    """
    path = Path(text)
    for taken in (path, path.with_name(path.name + ".parts")):
        if taken.exists():
            raise CommandError(f"{taken} exists already; name another file or remove it")
    if not path.parent.is_dir():
        raise CommandError(f"the folder {path.parent} does not exist; make it first")
    return path


def record_examples(
    recorder: Recorder,
    model: GlimpseClassifier,
    task: ImageTask,
    *,
    split: str,
    limit: int,
    seed: int,
    on_batch: Callable[[int], Any] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Run ``model`` over the first ``limit`` examples of a split and record every glimpse.

    The same seed gives the same choices, whatever was drawn before.
    """
    import torch

    from hardattn_models.zoo.glimpse import credit

    generator = torch.Generator().manual_seed(seed + _RECORDING)
    regions = model.regions.numpy()
    with torch.no_grad():
        for batch in task.batches(split, BATCH, limit):
            if should_stop():
                return
            entries = [{**entry, "regions": regions} for entry in batch.entries]
            with recorder.example(batch=entries):
                worth = credit(model(batch.images, generator), batch.labels)
                recorder.outcome(scores=worth.scores)
                recorder.steps(
                    reward=worth.reward, baseline=worth.baseline, advantage=worth.advantage
                )
            if on_batch is not None:
                on_batch(len(entries))
