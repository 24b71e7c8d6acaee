"""Any function of items that are numbers or vectors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardattn_viewer.faithfulness.engine import evaluating
from hardattn_viewer.faithfulness.subject import WHOLE, Floats, Inputs, Row
from hardattn_viewer.faithfulness.subjects.answers import outputs_of


class ArraySubject:
    """A model of ``[batch, items]`` or ``[batch, items, width]`` floats.

    Args:
        model: called with such a tensor, returns ``[batch]`` or ``[batch, outputs]``.
        inputs: the examples, ``[items]`` or ``[items, width]`` floats each.

    Raises:
        ValueError: there is no example, or one is not of that kind.
    """

    def __init__(self, model: Callable[[Tensor], Any], inputs: Sequence[Any] | Tensor) -> None:
        self._model = model
        self._inputs = [torch.as_tensor(one) for one in inputs]
        self.outputs: tuple[str, ...] = ()
        if not self._inputs:
            raise ValueError("there is no example to check")
        for at, one in enumerate(self._inputs):
            if not one.is_floating_point() or one.ndim not in (1, 2) or not len(one):
                raise ValueError(
                    f"example {at} must be [items] or [items, width] floats, not {one.dtype} "
                    f"{tuple(one.shape)}"
                )
        self._mean = torch.cat([one.reshape(len(one), -1) for one in self._inputs]).mean(0)
        self.operators = {
            "zero": "set to zero",
            "mean": "set to the mean of all items of all examples",
        }

    def __len__(self) -> int:
        return len(self._inputs)

    def items(self, example: int) -> int:
        """Rows of the example."""
        return len(self._inputs[example])

    def digest(self, example: int) -> bytes:
        """The values themselves, with their shape."""
        one = self._inputs[example]
        return repr(tuple(one.shape)).encode() + one.detach().numpy().tobytes()

    def lengths(self, example: int, kept: NDArray[np.bool_], operator: str) -> NDArray[np.int64]:
        """Its number of items, which are set to something and never taken out."""
        return np.full(len(kept), self.items(example))

    def run(self, rows: Sequence[Row]) -> Tensor:
        """Outputs of rows, those of one length together."""
        by_length: dict[int, list[int]] = {}
        for at, row in enumerate(rows):
            by_length.setdefault(self.items(row.example), []).append(at)
        found: dict[int, Tensor] = {}
        for places in by_length.values():
            batch = torch.stack([self._changed(rows[at]) for at in places])
            answers = outputs_of(self._call(batch))
            found |= dict(zip(places, answers, strict=True))
        return torch.stack([found[at] for at in range(len(rows))])

    def inputs(self, example: int) -> Inputs:
        """The values, with zeros for nothing."""
        values = self._inputs[example].detach().unsqueeze(0)
        return Inputs(
            values=values,
            baseline=torch.zeros_like(values),
            forward=lambda changed: outputs_of(self._model(changed)),
            pool=_summed,
            module=self._model if isinstance(self._model, nn.Module) else None,
        )

    def moved(self, example: int, change: Tensor) -> ArraySubject:
        """The same with a change ``[1, items, …]`` added to the values of one example."""
        made = copy.copy(self)
        made._inputs = list(self._inputs)
        made._inputs[example] = self._inputs[example].detach() + change[0]
        return made

    def _call(self, batch: Tensor) -> Any:
        if not isinstance(self._model, nn.Module):
            return self._model(batch)
        with evaluating(self._model):
            return self._model(batch)

    def _changed(self, row: Row) -> Tensor:
        values = self._inputs[row.example].detach()
        if row.operator == WHOLE:
            return values
        gone = torch.from_numpy(~row.mask)
        filler = self._mean if row.operator == "mean" else torch.zeros_like(self._mean)
        filler = filler[0] if values.ndim == 1 else filler
        shape = (-1,) + (1,) * (values.ndim - 1)
        return torch.where(gone.reshape(shape), filler.to(values.dtype), values)


def _summed(attributions: Tensor) -> Floats:
    found: Floats = (
        attributions.detach()[0].reshape(attributions.shape[1], -1).sum(-1).double().numpy()
    )
    return found
