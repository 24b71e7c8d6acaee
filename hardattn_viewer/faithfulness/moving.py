"""Whether an explanation stays while its input is moved a little."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.rankings import generator_of
from hardattn_viewer.faithfulness.subject import Differentiable, Floats, Subject

POINTS = 5
"""Random points near each input; each has the explanation computed once more."""
RADIUS = 0.02
"""How far each coordinate goes at most, in root mean squares of the input's coordinates."""


@runtime_checkable
class Movable(Protocol):
    """A subject whose examples can be moved in the space that gradients are taken in."""

    def moved(self, example: int, change: Tensor) -> Subject:
        """The same with a change added to one example, shaped as ``inputs(example).values``."""
        ...


def sensitivity(
    explainer: Explainer, asked: Asked, scores: Floats, points: int, radius: float = RADIUS
) -> float:
    """The largest ‖φ(y) − φ(x)‖₂ at random points y of a ball around x (Yeh et al. 2019).

    The ball is one of the largest coordinate, ‖y − x‖∞ ≤ r; of tokens it lies in the space of
    embeddings. It is a maximum over so many points, and the ball may hold a larger one.

    Args:
        explainer: is asked again at each point, for the class of x, with the same random numbers.
        asked: what it was asked of x.
        scores: ``[items]``, φ(x).
        points: how many.
        radius: r in root mean squares of the coordinates of x.

    Raises:
        UndefinedError: it has no input that could be moved, or no value at a point.
    """
    if explainer.still:
        raise UndefinedError(explainer.still)
    if not points:
        raise UndefinedError("it was not asked for")
    engine, subject = asked.engine, asked.engine.subject
    if not isinstance(subject, Movable) or not isinstance(subject, Differentiable):
        raise UndefinedError("the inputs of this model are not known as numbers that can be moved")
    try:
        values = subject.inputs(asked.example).values
    except ValueError as error:
        raise UndefinedError(str(error)) from error
    reach = radius * float(values.detach().double().square().mean().sqrt())
    if not reach > 0:
        raise UndefinedError("its input is zero everywhere, so that nothing is near it")
    generator = generator_of(asked.seed, "moved", asked.example)
    largest = 0.0
    for _ in range(points):
        change = torch.from_numpy(generator.uniform(-reach, reach, tuple(values.shape)))
        near = Engine(
            subject.moved(asked.example, change.to(values.dtype)),
            engine.reading,
            {asked.example: asked.target},
            should_stop=engine.should_stop,
        )
        found = explainer.explain(Asked(near, asked.operator, asked.example, asked.seed))
        largest = max(largest, float(np.linalg.norm(np.asarray(found, np.float64) - scores)))
    if not np.isfinite(largest):
        raise UndefinedError("some of its scores near the input are not finite")
    return largest
