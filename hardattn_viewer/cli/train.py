"""Train a system of the zoo; --record follows the training with snapshots in one run."""

from __future__ import annotations

import argparse
import json
from collections import deque
from collections.abc import Iterable
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
    from hardattn_models.model import SystemModel
    from hardattn_models.tasks import Task
    from hardattn_models.training.loop import Progress, Standing, TrainingResult
    from hardattn_models.training.plan import TrainingPlan

_PLAN = (
    ("steps", int, "N", "parameter updates"),
    ("batch", int, "N", "examples an update"),
    ("seed", int, "S", "default: 0"),
    ("learning-rate", float, "R", "of the first update; falls linearly to zero"),
    ("baseline", str, "B", "of reinforce: learned, moving-average or none"),
    ("samples", int, "K", "draws that rloo makes of each example"),
    ("policy-weight", float, "W", "of what teaches the choices, beside the loss"),
    ("entropy-bonus", float, "W", "reward for a nat of entropy; falls linearly to zero"),
    ("temperature", float, "T", "of the choices, at first"),
    ("end-temperature", float, "T", "at last"),
    ("schedule", str, "S", "of the temperature: constant, exponential, linear or adaptive"),
)

_VARIANCES = 50
"""Updates that the gradient's variance is averaged over for the bar."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("system", metavar="SYSTEM", help="see `hardattn systems`")
    parser.add_argument("--mechanism", metavar="M", help="default: the system's usual one")
    parser.add_argument("--gradient", metavar="G", help="default: the mechanism's usual one")
    add_task_arguments(parser, task=None)
    for name, kind, word, words in _PLAN:
        parser.add_argument(f"--{name}", type=kind, metavar=word, help=words)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the system itself, for example glimpses=4; may be repeated",
    )
    parser.add_argument(
        "--until", type=int, metavar="N", help="stop after this update, to --resume later"
    )
    parser.add_argument(
        "--resume", metavar="CHECKPOINT", help="go on with the training that this was saved from"
    )
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

        plan, model, standing = _begun(arguments)
        arguments.task = plan.task
        task = prepare_task(arguments)
        result = train_and_record(plan, task, arguments, model, standing)
        facts = {**result.facts(), "checkpoint": str(checkpoint), "run": arguments.record}
        save_system(
            result.model, checkpoint, {"training": result.facts()}, standing=result.standing
        )
    print(json.dumps(facts, indent=2) if arguments.json else in_words(result, arguments))
    return 130 if result.stopped and arguments.until is None else 0


def _begun(
    arguments: argparse.Namespace,
) -> tuple[TrainingPlan, SystemModel | None, Standing | None]:
    """The plan, and what an earlier training left where one is gone on with."""
    from dataclasses import replace

    from hardattn_models import load_training
    from hardattn_models.training.plan import default_plan

    fields = [name.replace("-", "_") for name, *_ in _PLAN]
    asked: dict[str, Any] = {name: getattr(arguments, name) for name in fields}
    asked |= {"gradient": arguments.gradient, "task": arguments.task}
    mechanism = arguments.mechanism and arguments.mechanism.replace("_", "-")
    options = _options(arguments.set)
    if arguments.resume is None:
        plan = default_plan(arguments.system, mechanism, options=options or None, **asked)
        return plan, None, None
    plan, model, standing = load_training(arguments.resume)
    asked |= {"system": arguments.system, "mechanism": mechanism, "options": options or None}
    for name, value in asked.items():
        if name != "steps" and value not in (None, getattr(plan, name)):
            raise CommandError(
                f"{arguments.resume} is a training with {name} {getattr(plan, name)}, "
                f"which cannot be gone on with {name} {value}; leave it out",
                WRONG_USAGE,
            )
    steps = arguments.steps or plan.steps
    return replace(plan, steps=steps), model, standing


def _options(words: list[str]) -> dict[str, Any]:
    options = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise CommandError(f"--set takes NAME=VALUE, not {word!r}", WRONG_USAGE)
        try:
            options[name.replace("-", "_")] = json.loads(value)
        except ValueError:
            options[name.replace("-", "_")] = value
    return options


def train_and_record(
    plan: TrainingPlan,
    task: Task,
    arguments: argparse.Namespace,
    model: SystemModel | None = None,
    standing: Standing | None = None,
) -> TrainingResult:
    """Train with a progress bar; Ctrl+C ends early and keeps what was learned and recorded."""
    import signal

    from hardattn_models.training.loop import train

    asked_to_stop: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked_to_stop.append(number))
    with ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGINT, before)
        bar = stack.enter_context(progress_bar(plan.steps, plan.mechanism, "steps"))
        bar.update(0 if standing is None else standing.step)
        follow = None
        variance: deque[float] = deque(maxlen=_VARIANCES)
        if arguments.record is not None:
            follow = stack.enter_context(_Follower(arguments, plan, task))

        def show(progress: Any) -> None:
            variance.append(progress.gradient_variance)
            bar.set_postfix_str(_words_for(progress, variance), False)
            bar.update()

        return train(
            plan,
            task=task,
            on_progress=show,
            on_snapshot=follow,
            snapshot_every=max(1, plan.steps // arguments.snapshots),
            should_stop=lambda: bool(asked_to_stop),
            until=arguments.until,
            model=model,
            standing=standing,
        )


def _words_for(progress: Progress, variances: Iterable[float]) -> str:
    """The figures that matter, for the bar."""
    known = [one for one in variances if one == one]
    words = [
        f"loss {progress.loss:.3f}",
        f"error {progress.error:.1%}",
        f"reward {progress.reward:.3g}",
        f"entropy {progress.entropy:.2f}",
        f"τ {progress.temperature:.2g}",
    ]
    if known:
        words.append(f"gradient variance {sum(known) / len(known):.2g}")
    return ", ".join(words)


class _Follower:
    """Records the same test examples at every snapshot of the training."""

    def __init__(self, arguments: argparse.Namespace, plan: TrainingPlan, task: Task) -> None:
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

        from hardattn_models.training.moments import moment_of
        from recorders import Recorder

        if self._recorder is None:
            # The model exists from the first snapshot on, and it is the same object throughout.
            metadata = {"plan": asdict(self._plan), "data": self._task.source}
            self._recorder = self._stack.enter_context(
                Recorder(self._path, model, nets=(), metadata=metadata)
            )
        moment = moment_of(model, self._task, self._plan, step)
        self._recorder.snapshot(step=step, **asdict(moment))
        record_examples(
            self._recorder,
            model,
            self._task,
            split="test",
            limit=self._limit,
            seed=self._plan.seed,
            expects=self._plan.expects,
        )
        self._recorder.flush()


def in_words(result: TrainingResult, arguments: argparse.Namespace) -> str:
    """The result for a terminal."""
    test = result.test
    ended = "stopped early, " if result.stopped else ""
    lines = [
        f"{arguments.output}: {ended}test error {test.error:.2%} ± {test.standard_error:.2%} "
        f"on {test.examples} examples, validation {result.validation.error:.2%}, "
        f"{result.seconds:.0f} s"
    ]
    if test.figures:
        lines.append("  " + ", ".join(f"{name} {v:.4g}" for name, v in test.figures.items()))
    if arguments.record is not None:
        lines.append(f"{arguments.record}: open it with `hardattn view {arguments.record}`")
    return "\n".join(lines)
