"""Trains a system on a task, by a plan that fixes everything the result depends on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from hardattn_models.errors import TrainingError
from hardattn_models.evaluation import Evaluation, evaluate
from hardattn_models.objective import moved, objective
from hardattn_models.plan import TrainingPlan, default_plan
from hardattn_models.registry import build_system
from hardattn_models.tasks import ImageTask, load_task
from hardattn_models.tasks.images import Split, as_floats
from hardattn_models.zoo.glimpse import GlimpseClassifier

# Added to a plan's seed, so that weights, order, and choices never share a stream.
_ORDER, _CHOICES, _SHIFTS = 1_000_003, 2_000_003, 5_000_011
_HISTORY_POINTS = 200

__all__ = [
    "Evaluation",
    "Progress",
    "TrainingPlan",
    "TrainingResult",
    "default_plan",
    "evaluate",
    "train",
]


@dataclass(frozen=True)
class Progress:
    """Where training stands, told after every update.

    Attributes:
        step: updates made, from 1.
        steps: updates planned.
        loss: cross-entropy of the last batch in nats.
        error: share of the last batch classified wrongly, 0 to 1.
        entropy: mean entropy of the choices in nats.
        policy: REINFORCE loss of the last batch; 0 where it is not used.
        baseline: mean squared error of the baseline.
        seconds: since the start.
    """

    step: int
    steps: int
    loss: float
    error: float
    entropy: float
    policy: float
    baseline: float
    seconds: float


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
    """

    plan: TrainingPlan
    model: GlimpseClassifier
    history: tuple[Progress, ...]
    validation: Evaluation
    test: Evaluation
    seconds: float
    cpu_seconds: float
    stopped: bool

    @property
    def validation_error(self) -> float:
        """Share of the validation images classified wrongly."""
        return self.validation.error

    @property
    def test_error(self) -> float:
        """Share of the test images classified wrongly."""
        return self.test.error

    def facts(self) -> dict[str, Any]:
        """The plan and the figures as plain values, for a checkpoint's or a run's metadata."""
        return {
            "plan": asdict(self.plan),
            "validation": asdict(self.validation),
            "test": asdict(self.test),
            "seconds": round(self.seconds, 1),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "stopped": self.stopped,
            "torch": torch.__version__,
        }


def train(
    plan: TrainingPlan,
    *,
    task: ImageTask | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_snapshot: Callable[[int, GlimpseClassifier], None] | None = None,
    snapshot_every: int | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> TrainingResult:
    """Train a system by a plan.

    The same plan, data, versions and number of threads give the same weights; neither the
    callbacks nor torch's global random state have a part in it.

    Args:
        plan: what to do.
        task: the data, if it is loaded already; otherwise loaded by the plan's name for it.
        on_progress: told after every update.
        on_snapshot: given the number of updates made and the model, in evaluation mode: before
            the first update, after every ``snapshot_every`` and after the last.
        snapshot_every: updates between snapshots; a tenth of the plan if not given.
        should_stop: asked before every update; training ends early once it says yes.

    Returns:
        The model and its figures.

    Raises:
        TrainingError: if the loss is no longer finite, ``snapshot_every`` is below 1, the data is
            not the plan's, or the system cannot be built for it.
        TaskError: if the task's data is missing.
    """
    task = task or load_task(plan.task)
    every = snapshot_every if snapshot_every is not None else max(1, plan.steps // 10)
    if every < 1:
        raise TrainingError(f"snapshot_every must be at least 1, not {every}")
    if task.name != plan.task:
        raise TrainingError(f"the plan is for {plan.task}, but the data given is {task.name}")
    model = _fresh(plan, task)
    learner = _Learner(plan, model, task.train)
    began, cpu_began = time.monotonic(), time.process_time()
    history: list[Progress] = []
    recent: list[Progress] = []
    stopped = False
    if on_snapshot is not None:
        on_snapshot(0, model.eval())
    for step in range(1, plan.steps + 1):
        if should_stop is not None and should_stop():
            stopped = True
            break
        progress = replace(learner.update(step), seconds=time.monotonic() - began)
        recent.append(progress)
        if on_progress is not None:
            on_progress(progress)
        if len(recent) >= plan.steps / _HISTORY_POINTS:
            history.append(_mean(recent))
            recent.clear()
        if on_snapshot is not None and (step % every == 0 or step == plan.steps):
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
    )


def _fresh(plan: TrainingPlan, task: ImageTask) -> GlimpseClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        try:
            return build_system(
                plan.system,
                mechanism=plan.mechanism,
                classes=task.classes,
                size=task.train.images.shape[-1],
            )
        except ValueError as error:
            raise TrainingError(
                f"{plan.system} cannot be built for the images of {task.name}: {error}"
            ) from error


class _Learner:
    """The state that updates change: weights, optimiser, order of the images, random choices."""

    def __init__(self, plan: TrainingPlan, model: GlimpseClassifier, data: Split) -> None:
        self._plan = plan
        self._model = model
        self._data = data
        self._optimizer = torch.optim.Adam(model.parameters(), plan.learning_rate, fused=True)
        self._order = np.random.default_rng(plan.seed + _ORDER)
        self._choices = Generator().manual_seed(plan.seed + _CHOICES)
        self._shifts = np.random.default_rng(plan.seed + _SHIFTS)
        self._waiting = np.empty(0, np.int64)

    def update(self, step: int) -> Progress:
        """Make one update, the ``step``-th from 1."""
        plan, model = self._plan, self._model.train()
        left = 1 - (step - 1) / plan.steps
        self._optimizer.param_groups[0]["lr"] = plan.learning_rate * left
        images, labels = self._next_batch()
        try:
            episode = model(images, self._choices)
        except ValueError as error:
            raise TrainingError(
                f"update {step} of {plan.steps} failed: {error}; "
                f"if the data is right, lower the learning rate ({plan.learning_rate:g})"
            ) from error
        goal = objective(plan, episode, labels, left)
        self._optimizer.zero_grad()
        goal.total.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        if not (math.isfinite(goal.total.item()) and math.isfinite(norm.item())):
            raise TrainingError(
                f"the loss is not finite at update {step} of {plan.steps}: "
                f"lower the learning rate ({plan.learning_rate:g})"
            )
        self._optimizer.step()
        return Progress(
            step=step,
            steps=plan.steps,
            loss=goal.loss.item(),
            error=1 - goal.reward,
            entropy=episode.entropy.mean().item(),
            policy=goal.learned.policy.item() if plan.gradient == "reinforce" else 0.0,
            baseline=goal.learned.baseline.item(),
            seconds=0.0,
        )

    def _next_batch(self) -> tuple[Tensor, Tensor]:
        while len(self._waiting) < self._plan.batch:
            again = self._order.permutation(len(self._data))
            self._waiting = np.concatenate([self._waiting, again])
        taken, self._waiting = np.split(self._waiting, [self._plan.batch])
        images = moved(self._data.images[taken], self._plan.shift, self._shifts)
        return as_floats(images), torch.from_numpy(self._data.labels[taken])


def _mean(recent: list[Progress]) -> Progress:
    count = len(recent)
    return replace(
        recent[-1],
        loss=sum(progress.loss for progress in recent) / count,
        error=sum(progress.error for progress in recent) / count,
        entropy=sum(progress.entropy for progress in recent) / count,
        policy=sum(progress.policy for progress in recent) / count,
        baseline=sum(progress.baseline for progress in recent) / count,
    )
