"""Runs an example with the weights of one place changed, and says how far its output went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hardattn_viewer.faithfulness.attending import Call
from hardattn_viewer.faithfulness.engine import Engine, quiet_run
from hardattn_viewer.faithfulness.errors import CancelledError, UndefinedError
from hardattn_viewer.faithfulness.observing import (
    Observed,
    length_of,
    observe,
    queries_read,
    whole_row,
)
from hardattn_viewer.faithfulness.subject import Floats, Query

STILL = 1e-6
"""Distance of outputs up to which nothing moved; single precision rounds by less."""


@dataclass(frozen=True)
class Place:
    """Whose weights a test changes.

    Attributes:
        site: which attention of a pass, from 0; None for every one of them.
        heads: heads of it, from 0; None for all.
        query: the row that is changed: the one that the answer is read from, or the "mean" for
            all rows.
    """

    site: int | None = None
    heads: tuple[int, ...] | None = None
    query: Query = 0


Weigh = Callable[[Call, Tensor, Tensor, slice], Tensor]
"""From a call, the weights ``[runs, heads, rows, keys]`` of its changed heads and rows, which keys
are allowed, and which of all runs these are, to other weights."""


def as_they_are(call: Call, weights: Tensor, allowed: Tensor, runs: slice) -> Tensor:
    """The weights themselves: the run that others are compared with."""
    return weights


def run_changed(
    engine: Engine, example: int, place: Place, weigh: Weigh = as_they_are, runs: int = 1
) -> Floats:
    """Outputs ``[runs, outputs]`` of an example with weights changed in each run.

    Also the run with weights as they are goes through this, so that rounding is the same.

    Raises:
        UndefinedError: the place is not there for this example.
        CancelledError: somebody asked to stop.
    """
    size = max(1, min(engine.rows, engine.batch_positions // length_of(engine.subject, example)))
    found = []
    for start in range(0, runs, size):
        if engine.should_stop():
            raise CancelledError("stopped")
        part = slice(start, min(start + size, runs))
        with quiet_run():
            outputs = observed_changed(engine, example, place, weigh, part).outputs
        found.append(outputs.double().numpy())
    return np.concatenate(found)


def observed_changed(
    engine: Engine, example: int, place: Place, weigh: Weigh, runs: slice
) -> Observed:
    """As :func:`run_changed`, for some runs in one batch, with gradients and what was heard."""

    def change(call: Call, p: Tensor) -> Tensor:
        rows = queries_read(place.query, p.shape[-2])
        allowed = _of_heads(call.allowed, place.heads)
        changed = p.clone()
        new = weigh(call, p[:, :, rows], allowed[:, :, rows], runs)
        changed[:, :, rows] = new.to(p.dtype)
        return changed

    rows = [whole_row(engine.subject, example)] * (runs.stop - runs.start)
    return observe(engine.subject, rows, change, site=place.site, heads=place.heads)


def weights_at(engine: Engine, example: int, place: Place) -> list[tuple[Tensor, Tensor]]:
    """Weights of each site of a place and which keys are allowed, ``[heads, rows, keys]`` each."""
    with quiet_run():
        observed = observed_changed(engine, example, place, as_they_are, slice(0, 1))
    found = []
    for call in observed.calls:
        if call.weights is not None:
            rows = queries_read(place.query, call.weights.shape[-2])
            allowed = _of_heads(call.allowed, place.heads)
            found.append((call.weights[0][:, rows], allowed[0][:, rows]))
    return found


def renormalised(weights: Tensor, gone: Tensor) -> Tensor:
    """Weights with some keys at zero, the others scaled to the same sum.

    Rows whose whole weight is gone are zero.

    Args:
        weights: ``[..., keys]``.
        gone: bool, broadcast against the weights.
    """
    left = weights.masked_fill(gone, 0.0)
    total, was = left.sum(-1, keepdim=True), weights.sum(-1, keepdim=True)
    return torch.where(total > 0, left * was / total.clamp_min(torch.finfo(left.dtype).tiny), left)


def check_asked(engine: Engine, outputs: Floats) -> None:
    """Refuse to compare distributions over a single class.

    Raises:
        UndefinedError: there is one output, and it is not read as a value.
    """
    if engine.reading != "value" and outputs.shape[-1] < 2:
        raise UndefinedError(
            "a single output is no distribution over classes; read it as a value to see how far "
            "it moves"
        )


def distances(engine: Engine, example: int, outputs: Floats, others: Floats) -> Floats:
    """How far outputs are from others, ``[runs]``.

    The total variation distance ½ Σ|p − q| of the classes' probabilities, from 0 to 1; where the
    output is read as a value, the difference in its own unit.

    Args:
        engine: says what is read.
        example: whose target is read.
        outputs: ``[runs, outputs]``.
        others: the same, or ``[1, outputs]``.
    """
    if engine.reading == "value":
        target = engine.target(example)
        return np.asarray(np.abs(outputs[:, target] - others[:, target]))
    return np.asarray(np.abs(_softmax(outputs) - _softmax(others)).sum(-1) / 2)


def distances_tensor(engine: Engine, example: int, outputs: Tensor, others: Tensor) -> Tensor:
    """As :func:`distances`, with gradients."""
    if engine.reading == "value":
        target = engine.target(example)
        return (outputs[:, target] - others[:, target]).abs()
    return (outputs.softmax(-1) - others.softmax(-1)).abs().sum(-1) / 2


def _softmax(outputs: Floats) -> Floats:
    raised = np.exp(outputs - outputs.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True))


def _of_heads(found: Tensor, heads: tuple[int, ...] | None) -> Tensor:
    return found if heads is None else found[:, list(heads)]
