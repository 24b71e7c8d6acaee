"""Trains a system on a task, by a plan that fixes everything the result depends on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from hardattn_models.errors import TrainingError
from hardattn_models.evaluation import Evaluation, evaluate
from hardattn_models.model import SystemModel
from hardattn_models.registry import build_system, system
from hardattn_models.tasks import ImageTask, Task, load_task
from hardattn_models.training.learner import Learner, Progress, Standing
from hardattn_models.training.plan import TrainingPlan, default_plan

_HISTORY_POINTS = 200

__all__ = [
    "Evaluation",
    "Progress",
    "Standing",
    "TrainingPlan",
    "TrainingResult",
    "default_plan",
    "evaluate",
    "train",
]


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What came of a plan.

    Attributes:
        plan: the plan.
        model: the trained model, in evaluation mode.
        history: about 200 entries, each the mean of the updates since the one before.
        validation: on the validation split.
        test: on the test split.
        seconds: wall-clock time of training, without evaluation.
        cpu_seconds: processor time of the same.
        stopped: whether ``should_stop`` ended it before the planned number of updates.
        standing: where it stands, for a checkpoint that training can go on from.
    """

    plan: TrainingPlan
    model: Any
    history: tuple[Progress, ...]
    validation: Evaluation
    test: Evaluation
    seconds: float
    cpu_seconds: float
    stopped: bool
    standing: Standing

    @property
    def validation_error(self) -> float:
        """Share of the validation split answered wrongly."""
        return self.validation.error

    @property
    def test_error(self) -> float:
        """Share of the test split answered wrongly."""
        return self.test.error

    @property
    def gradient_variance(self) -> float | None:
        """Mean variance of the gradient over the last half of the updates; None where unknown.

        As ``Progress.gradient_variance`` has it.
        """
        late = [one.gradient_variance for one in self.history[len(self.history) // 2 :]]
        known = [one for one in late if math.isfinite(one)]
        return sum(known) / len(known) if known else None

    def facts(self) -> dict[str, Any]:
        """The plan and the figures as plain values, for a checkpoint's or a run's metadata."""
        return {
            "plan": asdict(self.plan),
            "step": self.standing.step,
            "validation": _plain(self.validation),
            "test": _plain(self.test),
            "seconds": round(self.seconds, 1),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "stopped": self.stopped,
            "gradient_variance": self.gradient_variance,
            "torch": torch.__version__,
        }


def train(
    plan: TrainingPlan,
    *,
    task: Task | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_snapshot: Callable[[int, Any], None] | None = None,
    snapshot_every: int | None = None,
    should_stop: Callable[[], bool] | None = None,
    until: int | None = None,
    model: SystemModel | None = None,
    standing: Standing | None = None,
) -> TrainingResult:
    """Train a system by a plan.

    The same plan, data, versions and number of threads give the same weights; neither the
    callbacks nor torch's global random state have a part in it. N updates, saved and gone on from
    to N + M, give the weights of N + M updates in one go, bit for bit.

    Args:
        plan: what to do.
        task: the data, if it is loaded already; otherwise loaded by the plan's name for it.
        on_progress: told after every update.
        on_snapshot: given the number of updates made and the model, in evaluation mode: before
            the first update, after every ``snapshot_every`` and after the last.
        snapshot_every: updates between snapshots; a tenth of the plan if not given.
        should_stop: asked before every update; training ends early once it says yes.
        until: stop after this update, to go on later.
        model: with ``standing``: the weights to go on from; they are changed in place.
        standing: where the training stands that is gone on with.

    Returns:
        The model and its figures.

    Raises:
        TrainingError: if the loss is no longer finite or training will come to nothing,
            ``snapshot_every`` is below 1, the data is not the plan's, or the system cannot be
            built for it.
        TaskError: if the task's data is missing.
    """
    task = task or load_task(plan.task)
    every = snapshot_every if snapshot_every is not None else max(1, plan.steps // 10)
    if every < 1:
        raise TrainingError(f"snapshot_every must be at least 1, not {every}")
    if task.name != plan.task:
        raise TrainingError(f"the plan is for {plan.task}, but the data given is {task.name}")
    begun = 0 if standing is None else standing.step
    last = plan.steps if until is None else min(until, plan.steps)
    if begun >= last:
        raise TrainingError(f"{begun} updates are made already; ask for more than that")
    model = _fresh(plan, task) if model is None else model
    learner = Learner(plan, model, task)
    if standing is not None:
        learner.restore(standing)
    began, cpu_began = time.monotonic(), time.process_time()
    history: list[Progress] = []
    recent: list[Progress] = []
    stopped, done = last < plan.steps, begun
    if on_snapshot is not None:
        on_snapshot(begun, model.eval())
    for step in range(begun + 1, last + 1):
        if should_stop is not None and should_stop():
            stopped = True
            break
        progress = replace(learner.update(step), seconds=time.monotonic() - began)
        done = step
        recent.append(progress)
        if on_progress is not None:
            on_progress(progress)
        if len(recent) >= plan.steps / _HISTORY_POINTS:
            history.append(_mean(recent))
            recent.clear()
        if on_snapshot is not None and (step % every == 0 or step == last):
            on_snapshot(step, model.eval())
    if recent:
        history.append(_mean(recent))
    seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu_began
    model.eval()
    return TrainingResult(
        plan=plan,
        model=model,
        history=tuple(history),
        validation=evaluate(model, task, "validation", seed=plan.seed),
        test=evaluate(model, task, "test", seed=plan.seed),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        stopped=stopped,
        standing=learner.standing(done),
    )


def _fresh(plan: TrainingPlan, task: Task) -> SystemModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        try:
            model: SystemModel = build_system(
                plan.system,
                **{
                    "mechanism": plan.mechanism,
                    **system(plan.system).fit(task),
                    **plan.options,
                },
            )
        except (ValueError, AttributeError) as error:
            raise TrainingError(
                f"{plan.system} cannot be built for the images of {task.name}: {error}"
                if isinstance(task, ImageTask)
                else f"{plan.system} cannot be built for {task.name}: {error}"
            ) from error
    return model


def _plain(evaluation: Evaluation) -> dict[str, Any]:
    """As JSON values; what is no number is left out."""
    return {
        name: value
        for name, value in asdict(evaluation).items()
        if not (isinstance(value, float) and math.isnan(value))
    }


def _mean(recent: list[Progress]) -> Progress:
    def mean(name: str) -> float:
        values = [getattr(one, name) for one in recent]
        known = [value for value in values if not math.isnan(value)]
        return sum(known) / len(known) if known else math.nan

    names = ("loss", "error", "entropy", "policy", "baseline", "reward", "gradient_variance")
    means: dict[str, Any] = {name: mean(name) for name in names}
    return replace(recent[-1], **means)
