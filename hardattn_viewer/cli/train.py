"""Train a system of the zoo; --record follows the training with snapshots in one run."""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.progress import progress_bar
from hardattn_viewer.cli.zoo import (
    add_task_arguments,
    models_extra,
    new_run_path,
    prepare_task,
    record_examples,
)

if TYPE_CHECKING:
    from hardattn_models.plan import TrainingPlan
    from hardattn_models.tasks import ImageTask
    from hardattn_models.training import TrainingResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("system", metavar="SYSTEM", help="see `hardattn systems`")
    parser.add_argument("--mechanism", default="sampled", metavar="M", help="default: sampled")
    parser.add_argument("--gradient", metavar="G", help="default: the mechanism's usual one")
    add_task_arguments(parser)
    parser.add_argument("--steps", type=int, metavar="N", help="parameter updates")
    parser.add_argument("--batch", type=int, metavar="N", help="images an update")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    parser.add_argument("--record", metavar="RUN", help="follow training in this run")
    parser.add_argument(
        "--record-examples", type=int, default=200, metavar="N", help="test examples (default: 200)"
    )
    parser.add_argument(
        "--snapshots", type=int, default=10, metavar="K", help="after the first (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("-o", "--output", required=True, metavar="CHECKPOINT.safetensors")


def run(arguments: argparse.Namespace) -> int:
    checkpoint = Path(arguments.output)
    if not checkpoint.parent.is_dir():
        raise CommandError(f"the folder {checkpoint.parent} does not exist; make it first")
    if arguments.snapshots < 1 or arguments.record_examples < 1:
        raise CommandError("--snapshots and --record-examples must be at least 1", WRONG_USAGE)
    with models_extra():
        from hardattn_models import save_system
        from hardattn_models.plan import default_plan

        plan = default_plan(
            arguments.system,
            arguments.mechanism,
            gradient=arguments.gradient,
            task=arguments.task,
            steps=arguments.steps,
            batch=arguments.batch,
            seed=arguments.seed,
        )
        task = prepare_task(arguments)
        result = train_and_record(plan, task, arguments)
        facts = {**result.facts(), "checkpoint": str(checkpoint), "run": arguments.record}
        save_system(result.model, checkpoint, {"training": result.facts()})
    print(json.dumps(facts, indent=2) if arguments.json else in_words(result, arguments))
    return 130 if result.stopped else 0


def train_and_record(
    plan: TrainingPlan, task: ImageTask, arguments: argparse.Namespace
) -> TrainingResult:
    """Train with a progress bar; Ctrl+C ends early and keeps what was learned and recorded."""
    import signal

    from hardattn_models.training import train

    asked_to_stop: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked_to_stop.append(number))
    with ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGINT, before)
        bar = stack.enter_context(progress_bar(plan.steps, plan.mechanism, "steps"))
        follow = None
        if arguments.record is not None:
            follow = stack.enter_context(_Follower(arguments, plan, task))

        def show(progress: Any) -> None:
            bar.set_postfix_str(f"loss {progress.loss:.3f}, error {progress.error:.1%}", False)
            bar.update()

        return train(
            plan,
            task=task,
            on_progress=show,
            on_snapshot=follow,
            snapshot_every=max(1, plan.steps // arguments.snapshots),
            should_stop=lambda: bool(asked_to_stop),
        )


class _Follower:
    """Records the same test examples at every snapshot of the training."""

    def __init__(self, arguments: argparse.Namespace, plan: TrainingPlan, task: ImageTask) -> None:
        self._path = new_run_path(arguments.record)
        self._limit = arguments.record_examples
        self._plan, self._task = plan, task
        self._stack = ExitStack()
        self._recorder: Any = None

    def __enter__(self) -> _Follower:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def __call__(self, step: int, model: Any) -> None:
        from dataclasses import asdict

        from hardattn_models.moments import moment_of
        from recorders import Recorder

        if self._recorder is None:
            # The model exists from the first snapshot on, and it is the same object throughout.
            metadata = {"plan": asdict(self._plan), "data": self._task.source}
            self._recorder = self._stack.enter_context(
                Recorder(self._path, model, metadata=metadata)
            )
        moment = moment_of(model, self._task, self._plan, step)
        self._recorder.snapshot(step=step, **asdict(moment))
        record_examples(
            self._recorder, model, self._task, split="test", limit=self._limit, seed=self._plan.seed
        )
        self._recorder.flush()


def in_words(result: TrainingResult, arguments: argparse.Namespace) -> str:
    """The result for a terminal."""
    test = result.test
    ended = "stopped early, " if result.stopped else ""
    lines = [
        f"{arguments.output}: {ended}test error {test.error:.2%} ± {test.standard_error:.2%} "
        f"on {test.images} images, validation {result.validation.error:.2%}, "
        f"{result.seconds:.0f} s"
    ]
    if arguments.record is not None:
        lines.append(f"{arguments.record}: open it with `hardattn view {arguments.record}`")
    return "\n".join(lines)
