"""What a site hands over, checked and brought to one shape; nothing of the model is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recorders.run.layout import ROW_TOLERANCE

_SHAPES = "[batch, keys], [batch, queries, keys] or [batch, heads, queries, keys]"
_NAMES = frozenset({"probabilities", "selection", "log_prob", "temperature"})
_NEGATIVE = -1e-6
_TOLERANCE = 1e-3
_LOG_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Attended:
    """What one site did for a batch of examples.

    Attributes:
        probabilities: float [batch, heads, queries, keys].
        selection: int64 [batch, heads, queries, n_selected], or None where attention blends.
        log_prob: float64 [batch, heads, queries], nat; NaN where unknown.
        entropy: float64 [batch, heads, queries], nat.
        temperature: float64 [batch]; NaN where not told.
    """

    probabilities: NDArray[np.floating[Any]]
    selection: NDArray[np.int64] | None
    log_prob: NDArray[np.float64]
    entropy: NDArray[np.float64]
    temperature: NDArray[np.float64]


def as_array(value: Any) -> NDArray[Any]:
    """A tensor or array as numpy on the CPU, outside the graph; may share the model's memory."""
    if isinstance(value, list | tuple) and any(isinstance(item, Tensor) for item in value):
        return np.stack([as_array(item) for item in value])
    if not isinstance(value, Tensor):
        return np.asarray(value)
    tensor = value.detach().to("cpu")
    # numpy has no bfloat16, and half precision is too coarse to take logarithms of.
    return (tensor.float() if tensor.dtype in (torch.bfloat16, torch.half) else tensor).numpy()


def attended(
    site: str, values: Mapping[str, Any], batch: int, heads: Sequence[int] | None
) -> Attended:
    """Check what a site handed over and bring it to one shape.

    Args:
        site: the site's name, for the sentence where something is wrong.
        values: probabilities, and selection, log_prob and temperature where there are any.
        batch: examples being recorded.
        heads: heads to keep; None for all.

    Raises:
        ValueError: something is wrong; the sentence names the site, the trouble and the remedy.
    """
    try:
        return _attended(values, batch, heads)
    except ValueError as problem:
        raise ValueError(f"site {site!r}: {problem}") from problem


def _attended(values: Mapping[str, Any], batch: int, heads: Sequence[int] | None) -> Attended:
    unknown = sorted(set(values) - _NAMES)
    if unknown or values.get("probabilities") is None:
        raise ValueError(
            f"it gave {unknown[0] if unknown else 'no probabilities'!r}; "
            f"give probabilities, and of {', '.join(sorted(_NAMES))} what there is"
        )
    given = values["probabilities"]
    raw = as_array(given)
    if raw.dtype.kind != "f":
        raise ValueError(f"probabilities are {raw.dtype}; pass floating-point ones")
    leading = raw.shape[:-1]
    probabilities = _four_axes(raw, batch)
    half = isinstance(given, Tensor) and given.dtype in (torch.bfloat16, torch.half)
    _check_rows(probabilities, ROW_TOLERANCE if half or raw.itemsize < 4 else _TOLERANCE)
    rows = probabilities.shape[:-1]
    selection = _selection(values.get("selection"), leading, probabilities.shape)
    log_prob = _log_prob(values.get("log_prob"), leading, rows, probabilities, selection)
    if heads is not None:
        if max(heads) >= rows[1]:
            raise ValueError(
                f"heads={list(heads)} asks for head {max(heads)}, but there are {rows[1]}; "
                "choose among those or leave this site out with sites="
            )
        kept = list(heads)
        probabilities, log_prob = probabilities[:, kept], log_prob[:, kept]
        selection = None if selection is None else selection[:, kept]
    return Attended(
        probabilities,
        selection,
        log_prob,
        entropy_of(probabilities),
        per_example("temperature", values.get("temperature"), batch, missing=np.nan),
    )


def entropy_of(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Entropy in nats over the last axis, -sum p ln p with 0 ln 0 = 0, in float64."""
    exact = probabilities.astype(np.float64)
    logs = np.zeros_like(exact)
    np.log(exact, out=logs, where=exact > 0)
    entropy: NDArray[np.float64] = -(exact * logs).sum(axis=-1)
    # A one-hot row gives -0.0.
    return entropy + 0.0


def per_example(name: str, value: Any, batch: int, *, missing: float) -> NDArray[np.float64]:
    """A number, or one an example, as float64 [batch].

    Raises:
        ValueError: another shape, or a number that is not finite.
    """
    if value is None:
        return np.full(batch, missing)
    array = as_array(value).astype(np.float64)
    if array.size != 1 and array.shape not in ((batch,), (batch, 1)):
        raise ValueError(
            f"{name} has shape {list(array.shape)} where {batch} examples are being recorded; "
            f"pass one number, or [{batch}]"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is NaN or infinite; leave it out where there is none")
    return np.array(np.broadcast_to(array.reshape(-1), batch))


def _four_axes(raw: NDArray[Any], batch: int) -> NDArray[np.floating[Any]]:
    if raw.ndim == 1 and batch == 1:
        return raw[None, None, None, :]
    if not 2 <= raw.ndim <= 4:
        raise ValueError(f"probabilities have shape {list(raw.shape)}; pass {_SHAPES}")
    if raw.shape[0] != batch:
        raise ValueError(
            f"probabilities are of a batch of {raw.shape[0]}, but {batch} "
            f"{'example is' if batch == 1 else 'examples are'} being recorded; "
            "describe one example a row with recorder.example(batch=[...])"
        )
    if not raw.size:
        raise ValueError(f"probabilities have shape {list(raw.shape)}, with nothing in them")
    if raw.ndim == 2:
        return raw[:, None, None, :]
    return raw[:, None] if raw.ndim == 3 else raw


def _check_rows(probabilities: NDArray[np.floating[Any]], tolerance: float) -> None:
    sums = probabilities.sum(axis=-1, dtype=np.float64)
    if not np.isfinite(sums).all():
        row = tuple(int(i) for i in np.argwhere(~np.isfinite(sums))[0])
        raise ValueError(
            f"probabilities hold NaN or infinity at example, head, query {row}; "
            "look for a row that is masked everywhere, or for a diverged model"
        )
    if probabilities.min() < _NEGATIVE:
        raise ValueError(
            f"a probability is {probabilities.min():.4g}; pass probabilities, "
            "not scores (softmax them first)"
        )
    worst = np.unravel_index(np.argmax(np.abs(sums - 1)), sums.shape)
    if abs(sums[worst] - 1) > tolerance:
        place = tuple(int(i) for i in worst)
        raise ValueError(
            f"probabilities sum to {sums[worst]:.6g} and not to 1 at example, head, query {place}; "
            "pass those over all keys, the last axis, before any mask or dropout on top"
        )


def _selection(
    value: Any, leading: tuple[int, ...], shape: tuple[int, ...]
) -> NDArray[np.int64] | None:
    if value is None:
        return None
    array = as_array(value)
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"selection is {array.dtype}; pass the indices of the selected keys as integers"
        )
    if array.shape != leading and array.shape[:-1] != leading:
        raise ValueError(
            f"selection has shape {list(array.shape)} for probabilities of "
            f"{[*leading, shape[-1]]}; pass {list(leading)}, or one axis more for several keys"
        )
    keys = array.astype(np.int64).reshape(*shape[:-1], -1)
    if not keys.shape[-1]:
        raise ValueError("selection has no keys in it; pass selection=None where none is selected")
    if (keys < 0).any() or (keys >= shape[-1]).any():
        wrong = int(keys[(keys < 0) | (keys >= shape[-1])][0])
        raise ValueError(
            f"selection holds key {wrong}, outside 0 to {shape[-1] - 1}; "
            "count keys along the last axis of probabilities"
        )
    return keys


def _log_prob(
    value: Any,
    leading: tuple[int, ...],
    rows: tuple[int, ...],
    probabilities: NDArray[np.floating[Any]],
    selection: NDArray[np.int64] | None,
) -> NDArray[np.float64]:
    if value is None:
        if selection is None or selection.shape[-1] != 1:
            return np.full(rows, np.nan)
        chosen = np.take_along_axis(probabilities, selection, axis=-1)[..., 0].astype(np.float64)
        logs = np.full(rows, -np.inf)
        np.log(chosen, out=logs, where=chosen > 0)
        return logs
    array = as_array(value).astype(np.float64)
    if array.shape != leading:
        raise ValueError(
            f"log_prob has shape {list(array.shape)}; pass {list(leading)}, one for each row of "
            "probabilities"
        )
    if np.isnan(array).any():
        raise ValueError("log_prob holds NaN; leave it out where there is none")
    if (array > _LOG_TOLERANCE).any():
        raise ValueError(
            f"log_prob is {array.max():.4g}, above 0; pass the logarithm of the selection's "
            "probability, in nats"
        )
    return array.reshape(rows)
