"""Numbers that a caller hands over, checked: of steps, of snapshots, and scores of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.capture.examples import OpenExamples
from recorders.capture.values import as_array

_RESERVED = frozenset({"entropy", "log_prob"})
_SCORE_TOLERANCE = 2e-2


def checked_name(name: str) -> str:
    """The name of a scalar.

    Raises:
        ValueError: it is one of what is recorded with each event.
    """
    if name in _RESERVED:
        raise ValueError(f"{name} is recorded with each event; choose another name for a scalar")
    return name


def step_table(name: str, value: Any, examples: OpenExamples) -> NDArray[np.float64]:
    """Numbers of all steps as float64 [batch, steps].

    Raises:
        ValueError: they are of another shape, NaN or infinite.
    """
    table = as_array(value).astype(np.float64)
    if table.ndim == 1 and not examples.batched:
        table = table[None]
    if table.ndim != 2 or table.shape[0] != examples.batch:
        wanted = f"[{examples.batch}, steps]" if examples.batched else "[steps]"
        raise ValueError(f"{name} has shape {list(table.shape)}; pass {wanted}")
    if examples.last >= 0 and table.shape[1] != examples.last + 1:
        raise ValueError(
            f"{name} is of {table.shape[1]} steps, but {examples.last + 1} were recorded; "
            "pass one number a step"
        )
    if not np.isfinite(table).all():
        raise ValueError(f"{name} is NaN or infinite; leave it out where there is none")
    return table


def score_table(scores: Any, batch: int) -> NDArray[np.float64]:
    """Class probabilities as float64 [batch, classes].

    Raises:
        ValueError: they are of another shape, or no probabilities.
    """
    table = as_array(scores).astype(np.float64)
    table = table[None] if table.ndim == 1 and batch == 1 else table
    if table.ndim != 2 or table.shape[0] != batch or not table.shape[1]:
        raise ValueError(f"scores have shape {list(table.shape)}; pass [{batch}, classes]")
    off = np.abs(table.sum(axis=1) - 1)
    if not ((off < _SCORE_TOLERANCE).all() and (table >= -_SCORE_TOLERANCE).all()):
        raise ValueError("scores are no probabilities; softmax them over the classes first")
    return table


def one_number(name: str, value: Any) -> float:
    """A number, also as a tensor or array of one.

    Raises:
        ValueError: none, several, or one that is not finite.
    """
    array = as_array(value).astype(np.float64)
    if array.size != 1:
        raise ValueError(f"{name} has shape {list(array.shape)}; pass one number of the snapshot")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is NaN or infinite; leave it out where there is none")
    return float(array.reshape(-1)[0])
