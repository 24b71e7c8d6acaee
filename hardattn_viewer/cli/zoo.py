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
    from torch import Tensor

    from hardattn_models.choosing import Chooser
    from hardattn_models.model import Outcome, SystemModel
    from hardattn_models.tasks import Task
    from recorders import Recorder

# Added to the seed, so that what is recorded never shares its random choices with training.
_RECORDING = 4_000_037


TASK = "mnist-small"


def add_task_arguments(
    parser: argparse.ArgumentParser, task: str | None = TASK, threads: int | None = 1
) -> None:
    """The arguments about data, with these defaults."""
    parser.add_argument(
        "--task", default=task, metavar="T", help=f"default: the system's usual one, or {TASK}"
    )
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


def prepare_task(arguments: argparse.Namespace) -> Task:
    """The task that the arguments name; torch gets the threads that they allow."""
    import torch

    from hardattn_models.tasks import load_task

    torch.set_num_threads(arguments.threads)

    task: Task = load_task(arguments.task, folder=arguments.data)
    return task


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
    model: SystemModel,
    task: Task,
    *,
    split: str,
    limit: int,
    seed: int,
    expects: bool = True,
    on_batch: Callable[[int], Any] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Run ``model`` over the first ``limit`` examples of a split and record every choice.

    The same seed gives the same choices, whatever was drawn before. What rewards the model
    ``expects`` is recorded where it learnt to.
    """
    import torch

    generator = torch.Generator().manual_seed(seed + _RECORDING)
    with torch.no_grad():
        for batch in task.batches(split, model.RECORDED_AT_ONCE, limit):
            if should_stop():
                return
            entries = model.described(batch)
            with recorder.example(batch=entries):
                choose = model.chooser(generator)
                outcome = model.outcome(batch, choose)
                if outcome.scores is not None:
                    recorder.outcome(scores=outcome.scores)
                if outcome.words is not None:
                    recorder.written(outcome.words)
                numbers = _numbers(outcome, choose, expects)
                recorder.steps(**{k: model.per_example(batch, v) for k, v in numbers.items()})
            if on_batch is not None:
                on_batch(len(entries))


def _numbers(outcome: Outcome, choose: Chooser, expects: bool) -> dict[str, Tensor]:
    """Numbers of every step, ``[batch, steps]`` each: the reward of the episode, and what else.

    Where a model counts what followed each choice, what came before it is added to the baseline:
    it is then what the whole episode was expected to earn by that choice.
    """
    made = choose.made()
    reward = outcome.total_reward.unsqueeze(1).expand_as(made)
    numbers = {"reward": reward, **outcome.tracks}
    if outcome.baseline is not None and expects:
        expected = outcome.baseline
        if outcome.reward.shape == made.shape:
            expected = expected + reward - outcome.reward
        numbers |= {"baseline": expected, "advantage": reward - expected}
    return {name: values.detach().contiguous() for name, values in numbers.items()}
