"""One training while it goes on: what updates change, and what a checkpoint must keep of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from hardattn_models.errors import CheckpointError, TrainingError
from hardattn_models.mechanisms import Adaptive, Exponential, Linear
from hardattn_models.model import SystemModel
from hardattn_models.tasks.protocol import Task
from hardattn_models.training.aids import Aids, optimizer_tensors, part, restore_optimizer
from hardattn_models.training.objective import objective
from hardattn_models.training.plan import TrainingPlan
from hardattn_models.training.watch import Watch

# Added to a plan's seed, so that weights, order, and choices never share a stream.
_CHOICES = 2_000_003


@dataclass(frozen=True)
class Progress:
    """Where training stands, told after every update.

    Attributes:
        step: updates made, from 1.
        steps: updates planned.
        loss: of the last batch in nats.
        error: share of the last batch answered wrongly, 0 to 1.
        entropy: mean entropy of the choices in nats.
        policy: what teaches the choices, of the last batch; 0 where the loss does.
        baseline: mean squared error of the learned baseline.
        seconds: since the start.
        reward: mean reward of the last batch.
        temperature: that of the choices.
        gradient_variance: half the squared distance between this gradient and that of the update
            before, both before clipping: the trace of its covariance as long as the weights hardly
            move. NaN at the first update.
    """

    step: int
    steps: int
    loss: float
    error: float
    entropy: float
    policy: float
    baseline: float
    seconds: float
    reward: float = math.nan
    temperature: float = 1.0
    gradient_variance: float = math.nan


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a training stands, beside the model's weights: all it needs to go on bit for bit.

    Attributes:
        step: updates made.
        facts: JSON values: where the feed stands, what was watched, what schedules adapted.
        tensors: what the optimizer and the estimator remember, and the state of the choices.
    """

    step: int
    facts: dict[str, Any]
    tensors: dict[str, Tensor]


class Learner:
    """The state that updates change: weights, optimiser, order of the examples, random choices.

    Args:
        plan: what to do.
        model: with the weights to begin with; changed in place.
        task: where examples come from.
    """

    def __init__(self, plan: TrainingPlan, model: SystemModel, task: Task) -> None:
        self._plan = plan
        self._model = model
        self._optimizer = torch.optim.Adam(model.parameters(), plan.learning_rate, fused=True)
        self._feed = task.feed(plan.seed, shift=plan.shift)
        self._choices = Generator().manual_seed(plan.seed + _CHOICES)
        self._aids = Aids(plan.decay, plan.seed)
        self._watch = Watch(plan)
        self._adaptive: Adaptive | None = None
        self._first_entropy = math.nan
        self._before: Tensor | None = None
        self._selector = model.selector()
        self._set_temperature(1)

    def update(self, step: int) -> Progress:
        """Make one update, the ``step``-th from 1.

        Raises:
            TrainingError: the model refuses the batch, the loss is not finite, or this training
                will come to nothing.
        """
        plan, model = self._plan, self._model.train()
        left = 1 - (step - 1) / plan.steps
        self._optimizer.param_groups[0]["lr"] = plan.learning_rate * left
        self._set_temperature(step)
        batch = self._feed.next(plan.batch)
        self._optimizer.zero_grad()
        try:
            goal = objective(plan, model, batch, left, self._choices, self._aids)
        except ValueError as error:
            raise TrainingError(
                f"update {step} of {plan.steps} failed: {error}; "
                f"if the data is right, lower the learning rate ({plan.learning_rate:g})"
            ) from error
        goal.total.backward()  # type: ignore[no-untyped-call]
        variance = self._variance()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        if not (math.isfinite(goal.total.item()) and math.isfinite(norm.item())):
            raise TrainingError(
                f"the loss is not finite at update {step} of {plan.steps}: "
                f"lower the learning rate ({plan.learning_rate:g})"
            )
        taught = any(one.grad is not None and bool(one.grad.any()) for one in self._selector)
        self._watch.see(step, taught=taught, entropy=goal.entropy, reward=goal.reward)
        self._optimizer.step()
        self._adapt(step, goal.entropy)
        return Progress(
            step=step,
            steps=plan.steps,
            loss=goal.loss.item(),
            error=goal.error,
            entropy=goal.entropy,
            policy=goal.policy.item(),
            baseline=goal.baseline.item(),
            seconds=0.0,
            reward=goal.reward,
            temperature=goal.temperature,
            gradient_variance=variance,
        )

    def standing(self, step: int) -> Standing:
        """Where it stands after ``step`` updates."""
        aids, tensors = self._aids.state()
        facts = {
            "feed": self._feed.state(),
            "watch": self._watch.state(),
            "aids": aids,
            "first_entropy": self._first_entropy if self._adaptive else None,
            "temperature": self._adaptive.temperature if self._adaptive else None,
        }
        kept = {"choices": self._choices.get_state()}
        if self._before is not None:
            kept["gradient"] = self._before
        kept |= {f"aids.{name}": value for name, value in tensors.items()}
        kept |= optimizer_tensors(self._optimizer, "adam")
        return Standing(step, facts, {name: value.clone() for name, value in kept.items()})

    def restore(self, standing: Standing) -> None:
        """Go on from there; the model must hold the weights of that moment.

        Raises:
            CheckpointError: something that is needed is missing.
        """
        try:
            facts, tensors = standing.facts, standing.tensors
            self._feed.restore(facts["feed"])
            self._watch.restore(facts["watch"])
            self._aids.restore(facts["aids"], part(tensors, "aids."))
            self._choices.set_state(tensors["choices"])
            self._before = tensors.get("gradient")
            restore_optimizer(self._optimizer, tensors, "adam")
            if facts["temperature"] is not None:
                self._begin_adapting(float(facts["first_entropy"]))
                assert self._adaptive is not None
                self._adaptive.temperature = float(facts["temperature"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(
                f"the state of the training cannot be taken up ({type(error).__name__}: {error}); "
                "train it again from the start"
            ) from error

    def _set_temperature(self, step: int) -> None:
        plan = self._plan
        if self._adaptive is not None:
            self._model.temperature = self._adaptive.temperature
            return
        steps = max(plan.steps - 1, 1)
        if plan.schedule == "exponential":
            falls = Exponential(plan.temperature, plan.end_temperature, steps)
            self._model.temperature = falls.at(step - 1)
        elif plan.schedule == "linear":
            self._model.temperature = Linear(plan.temperature, plan.end_temperature, steps).at(
                step - 1
            )
        else:
            self._model.temperature = float(plan.temperature)

    def _adapt(self, step: int, entropy: float) -> None:
        if self._plan.schedule != "adaptive":
            return
        if self._adaptive is None:
            self._begin_adapting(entropy)
        assert self._adaptive is not None
        self._adaptive.seen(step, entropy)

    def _begin_adapting(self, entropy: float) -> None:
        plan = self._plan
        self._first_entropy = entropy
        self._adaptive = Adaptive(
            entropy,
            plan.end_entropy,
            plan.steps,
            start=plan.temperature,
            low=min(plan.end_temperature, plan.temperature),
            high=max(5.0, plan.temperature),
        )

    def _variance(self) -> float:
        now = torch.cat(
            [
                torch.zeros_like(one).reshape(-1) if one.grad is None else one.grad.reshape(-1)
                for one in self._model.parameters()
            ]
        )
        before, self._before = self._before, now
        return math.nan if before is None else (now - before).square().sum().item() / 2
