"""A model that hears a sound, or reads anything else that goes on in time: items are moments."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardattn_viewer.faithfulness.engine import evaluating
from hardattn_viewer.faithfulness.subject import WHOLE, Floats, Inputs, Row
from hardattn_viewer.faithfulness.subjects.answers import outputs_of

OPERATORS = {
    "silence": "replaced by silence",
    "noise": "replaced by frames of the same example, shuffled",
    "mean": "replaced by the mean of the example's frames",
}


class FrameSubject:
    """A model of frames: a spectrogram ``[batch, frames, bands]``, or samples ``[batch, frames]``.

    Args:
        model: called with such floats; returns outputs.
        frames: the examples, all of one length.
        per_item: frames that are one item, in their order; the last item has what is left.
        silence: what a silent frame holds, one number or ``[bands]``; the frame of the lowest mean
            of each example if not given.
        outputs: names of the outputs.

    Raises:
        ValueError: shapes do not go together.
    """

    def __init__(
        self,
        model: Callable[[Tensor], Any],
        frames: Tensor,
        *,
        per_item: int = 1,
        silence: Tensor | float | None = None,
        outputs: Sequence[str] = (),
    ) -> None:
        if frames.ndim not in (2, 3) or not frames.is_floating_point() or not frames.numel():
            raise ValueError(
                "frames must be [examples, frames] or [examples, frames, bands] floats, not "
                f"{frames.dtype} {tuple(frames.shape)}"
            )
        if not 1 <= per_item <= frames.shape[1]:
            raise ValueError(f"an item of {per_item} frames does not go into {frames.shape[1]}")
        self.model, self.frames, self.outputs = model, frames, tuple(outputs)
        self._per, self._silence = per_item, silence
        self._count = -(-frames.shape[1] // per_item)
        self.operators: Mapping[str, str] = OPERATORS
        self._fillers: dict[tuple[int, str], Tensor] = {}

    def __len__(self) -> int:
        return len(self.frames)

    def items(self, example: int) -> int:
        """Moments."""
        return self._count

    def digest(self, example: int) -> bytes:
        """Its frames."""
        return self.frames[example].detach().numpy().tobytes()

    def lengths(self, example: int, kept: NDArray[np.bool_], operator: str) -> NDArray[np.int64]:
        """A position a moment: nothing is cut out of a sound."""
        return np.full(len(kept), self._count)

    def run(self, rows: Sequence[Row]) -> Tensor:
        """Outputs of rows."""
        changed = self.changed(rows)
        if not isinstance(self.model, nn.Module):
            return outputs_of(self.model(changed))
        with evaluating(self.model):
            return outputs_of(self.model(changed))

    def inputs(self, example: int) -> Inputs:
        """The frames, with silence for nothing."""
        values = self.frames[example : example + 1].detach()
        return Inputs(
            values=values,
            baseline=self.filler(example, "silence")[None],
            forward=lambda changed: outputs_of(self.model(changed)),
            pool=self.pooled,
            module=self.model if isinstance(self.model, nn.Module) else None,
        )

    def pooled(self, found: Tensor) -> Floats:
        """Attributions ``[1, frames, …]`` as one number a moment."""
        each = found.detach()[0].reshape(found.shape[1], -1).sum(-1).double().numpy()
        sums: Floats = np.add.reduceat(each, np.arange(0, len(each), self._per))
        return sums

    def changed(self, rows: Sequence[Row]) -> Tensor:
        """The frames of rows, ``[rows, frames, …]``."""
        made = []
        for row in rows:
            values = self.frames[row.example].detach()
            if row.operator == WHOLE:
                made.append(values)
                continue
            gone = torch.from_numpy(~row.mask).repeat_interleave(self._per)[: len(values)]
            gone = gone.reshape(-1, *[1] * (values.ndim - 1))
            made.append(torch.where(gone, self.filler(row.example, row.operator), values))
        return torch.stack(made)

    def filler(self, example: int, operator: str) -> Tensor:
        """What stands for frames that are removed, of the shape of the example."""
        key = example, operator
        if key not in self._fillers:
            self._fillers[key] = self._filled(self.frames[example].detach(), operator)
        return self._fillers[key]

    def _filled(self, values: Tensor, operator: str) -> Tensor:
        if operator == "mean":
            return values.mean(0).expand_as(values).contiguous()
        if operator == "noise":
            seed = zlib.crc32(values.numpy().tobytes())
            order = torch.randperm(len(values), generator=torch.Generator().manual_seed(seed))
            return values[order]
        if self._silence is not None:
            silence = torch.as_tensor(self._silence, dtype=values.dtype)
            return silence.expand_as(values).contiguous()
        quietest = int(values.reshape(len(values), -1).mean(-1).argmin())
        return values[quietest].expand_as(values).contiguous()
