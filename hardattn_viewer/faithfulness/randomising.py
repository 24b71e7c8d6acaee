"""Whether an explanation changes when what the model has learned is taken away, from the top down.

Adebayo et al. 2018, Sanity checks for saliency maps, arXiv:1810.03292: an explanation that stays
the same under random parameters does not depend on them, and explains nothing that was learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import nan

import numpy as np
import torch
from torch import Tensor, nn

from hardattn_viewer.faithfulness.engine import Engine, quiet_run
from hardattn_viewer.faithfulness.errors import FaithfulnessError, UndefinedError
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.observing import whole_row
from hardattn_viewer.faithfulness.rankings import generator_of
from hardattn_viewer.faithfulness.subject import Floats
from hardattn_viewer.measures.ranks import kendall_tau_b, spearman

THRESHOLD = 0.9
"""Rank correlation from which scores count as unchanged."""

ROOT = "(the model's own)"
"""The stage of parameters that are in no module of the model."""


@dataclass(frozen=True)
class Stage:
    """Parameters that are randomised together.

    Attributes:
        name: the module that holds them, or ``ROOT``.
        parameters: their names in the model.
    """

    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """What is left of an explanation with some stages randomised.

    Attributes:
        name: the last stage that was.
        tau: Kendall's τ-b with the scores of the trained model, mean over draws; NaN where the
            scores have no order any more.
        rho: Spearman's ρ, likewise.
        unchanged: both are at the threshold or above; None where they are not defined.
    """

    name: str
    tau: float = nan
    rho: float = nan
    unchanged: bool | None = None


@dataclass(frozen=True)
class Randomised:
    """What random parameters do to an explanation of one example.

    Attributes:
        example: its index.
        explainer: name of what explained it.
        steps: with the head random, with the next stage too, and so on to the bottom.
        reason: why there is nothing to say; empty where there is.
    """

    example: int
    explainer: str
    steps: tuple[Step, ...] = ()
    reason: str = ""

    @property
    def class_blind(self) -> bool | None:
        """It is the same with a random head, so that it cannot tell classes apart."""
        return self.steps[0].unchanged if self.steps else None

    @property
    def model_blind(self) -> bool | None:
        """It is the same with everything random, so that it depends on nothing learned."""
        return self.steps[-1].unchanged if self.steps else None


def randomised(
    explainer: Explainer,
    asked: Asked,
    model: nn.Module,
    *,
    stages: Sequence[Stage] | None = None,
    head_only: bool = False,
    draws: int = 3,
    threshold: float = THRESHOLD,
) -> Randomised:
    """Explain an example again with parameters at random, cascading from the top.

    The class that is explained stays the one of the trained model. Afterwards the model has its
    own parameters again.

    Args:
        explainer: any.
        asked: the example, and what runs the model.
        model: whose parameters are randomised: the one that ``asked`` runs.
        stages: from the top down; those of :func:`stages_of` if not given.
        head_only: whether to stop after the first.
        draws: sets of random parameters, over which correlations are averaged.
        threshold: see ``THRESHOLD``.

    Raises:
        FaithfulnessError: a stage names a parameter that the model has not.
    """
    subject, target = asked.engine.subject, asked.target
    if stages is None:
        stages = stages_of(model, lambda: subject.run([whole_row(subject, asked.example)]))
    stages = stages[:1] if head_only else stages
    try:
        usual = np.asarray(explainer.explain(asked), np.float64)
        if len(np.unique(usual)) < 2:
            raise UndefinedError("all items score alike, and there is no order to keep")
    except UndefinedError as error:
        return Randomised(asked.example, explainer.name, reason=str(error))
    taus, rhos = np.full((2, draws, len(stages)), nan)
    for draw in range(draws):
        with _restored(model, stages):
            for at, stage in enumerate(stages):
                randomise(model, stage, asked.seed + draw)
                scores = _explained(explainer, asked, target)
                if scores is not None:
                    taus[draw, at] = kendall_tau_b(usual, scores)
                    rhos[draw, at] = spearman(usual, scores)
    steps = tuple(
        _step(stage.name, taus[:, at], rhos[:, at], threshold) for at, stage in enumerate(stages)
    )
    return Randomised(asked.example, explainer.name, steps)


def stages_of(model: nn.Module, run: Callable[[], object]) -> list[Stage]:
    """The stages of a model from the top down, in the opposite order of their running.

    Members of a list of layers are one stage each, as is every other module that has parameters.

    Args:
        model: the model.
        run: runs it once.

    Raises:
        FaithfulnessError: the model has no parameters.
    """
    names = {module: name for name, module in model.named_modules()}
    order: dict[str, int] = {}

    def heard(module: nn.Module, given: object) -> None:
        order.setdefault(names[module], len(order))

    handles = [module.register_forward_pre_hook(heard) for module in names]
    try:
        with quiet_run():
            run()
    finally:
        for handle in handles:
            handle.remove()
    stages: dict[str, list[str]] = {}
    first: dict[str, int] = {}
    for name, _ in model.named_parameters():
        owner = name.rpartition(".")[0]
        while owner and owner not in order:
            owner = owner.rpartition(".")[0]
        stage = _layer_of(owner) or ROOT
        stages.setdefault(stage, []).append(name)
        first[stage] = min(first.get(stage, len(order)), order.get(owner, -1))
    if not stages:
        raise FaithfulnessError("the model has no parameters that could be randomised")
    found = sorted(stages, key=lambda stage: -first[stage])
    return [Stage(stage, tuple(stages[stage])) for stage in found]


def randomise(model: nn.Module, stage: Stage, seed: int = 0) -> None:
    """Draw the parameters of a stage anew, from normal distributions.

    Each keeps its own mean and standard deviation, so that what is lost is what was learned and
    not the scale; parameters that are all equal stay as they are.

    Raises:
        FaithfulnessError: the model has no such parameter.
    """
    known = dict(model.named_parameters())
    for name in stage.parameters:
        if name not in known:
            raise FaithfulnessError(f"the model has no parameter {name!r} to randomise")
        one = known[name]
        drawn = generator_of(seed, "randomise", name).normal(size=tuple(one.shape))
        with torch.no_grad():
            values = one.double()
            fresh = values.mean() + values.std(correction=0) * torch.from_numpy(np.asarray(drawn))
            one.copy_(fresh)


def _explained(explainer: Explainer, asked: Asked, target: int) -> Floats | None:
    """Scores by the model as it is now; what it answered before is forgotten."""
    before = asked.engine
    engine = Engine(
        before.subject,
        before.reading,
        {asked.example: target},
        before.positions,
        before.rows,
        before.on_rows,
        before.should_stop,
    )
    try:
        scores = explainer.explain(replace(asked, engine=engine, notes={}))
    except UndefinedError:
        return None
    return np.asarray(scores, np.float64)


def _step(name: str, taus: Floats, rhos: Floats, threshold: float) -> Step:
    known = np.isfinite(taus) & np.isfinite(rhos)
    if not known.any():
        return Step(name)
    tau, rho = float(taus[known].mean()), float(rhos[known].mean())
    return Step(name, tau, rho, min(tau, rho) >= threshold)


def _layer_of(owner: str) -> str:
    """The member of the outermost list of modules that a module is in, or the module itself."""
    parts = owner.split(".")
    for at, part in enumerate(parts):
        if part.isdigit():
            return ".".join(parts[: at + 1])
    return owner


@contextmanager
def _restored(model: nn.Module, stages: Sequence[Stage]) -> Iterator[None]:
    touched = {name for stage in stages for name in stage.parameters}
    before: dict[str, Tensor] = {
        name: one.detach().clone() for name, one in model.named_parameters() if name in touched
    }
    try:
        yield
    finally:
        with torch.no_grad():
            for name, one in model.named_parameters():
                if name in before:
                    one.copy_(before[name])
