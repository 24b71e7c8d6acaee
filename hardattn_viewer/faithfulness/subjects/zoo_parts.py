"""Systems of the zoo that choose among moments, frames or words, each of which can be removed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardattn_models.model import SystemModel
from hardattn_viewer.faithfulness.engine import evaluating
from hardattn_viewer.faithfulness.errors import FaithfulnessError, UndefinedError
from hardattn_viewer.faithfulness.subject import WHOLE, Floats, Inputs, Row
from hardattn_viewer.faithfulness.subjects.frames import FrameSubject
from hardattn_viewer.faithfulness.subjects.zoo import ZooSubject


@dataclass(frozen=True)
class Part:
    """Where a batch holds its candidates.

    Attributes:
        field: of the batch; ``[batch, candidates, …]``.
        operators: what can be done to one, in words.
    """

    field: str
    operators: Mapping[str, str]


def _frames(of: str) -> Part:
    return Part(
        "frames",
        {
            "mean": f"painted in the mean of the {of}",
            "noise": "replaced by its own pixels, shuffled",
            "grey": "painted in the middle between the darkest and the brightest pixel",
        },
    )


PARTS = {
    "ClipBatch": _frames("clip"),
    "GalleryBatch": _frames("gallery"),
    "BookBatch": Part(
        "words",
        {
            "rare": "replaced by the word that stands for all rare ones",
            "another": "replaced by another word of the same text",
        },
    ),
}
"""By the name of a batch's class."""


class ZooParts(ZooSubject):
    """A system that chooses among parts that stand side by side in its batch, such as words.

    A choice is taken to see nothing but the part itself, which the control of side paths tries.

    Raises:
        FaithfulnessError: as for :class:`ZooSubject`; or its examples hold no such parts.
    """

    def __init__(
        self,
        model: SystemModel,
        batch: Any,
        *,
        chosen: NDArray[np.int64] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(model, batch, chosen=chosen, seed=seed)
        part = PARTS.get(type(batch).__name__)
        values = getattr(batch, part.field, None) if part is not None else None
        if part is None or not isinstance(values, Tensor) or values.shape[1] != self.items(0):
            raise FaithfulnessError(
                f"a {type(model).__name__} has no part of its batch for each candidate"
            )
        self._part, self._values = part, values
        self.operators = part.operators
        self._fillers: dict[tuple[int, str], Tensor] = {}

    def digest(self, example: int) -> bytes:
        """Its parts, and what else there is of it."""
        return self._values[example].numpy().tobytes() + super().digest(example)

    def seen(self, example: int, candidate: int) -> NDArray[np.bool_]:
        """The candidate itself."""
        found = np.zeros(self.items(example), bool)
        found[candidate] = True
        return found

    def batch_of(self, rows: Sequence[Row]) -> Any:
        """A batch of the task with one row for each of some rows, with parts removed."""
        made = []
        for row in rows:
            values = self._values[row.example]
            if row.operator == WHOLE:
                made.append(values)
                continue
            gone = torch.from_numpy(~row.mask).reshape(-1, *[1] * (values.ndim - 1))
            made.append(torch.where(gone, self._filler(row.example, row.operator), values))
        return replace(super().batch_of(rows), **{self._part.field: torch.stack(made)})

    def _filler(self, example: int, operator: str) -> Tensor:
        key = example, operator
        if key not in self._fillers:
            self._fillers[key] = self._filled(self._values[example], operator)
        return self._fillers[key]

    def _filled(self, values: Tensor, operator: str) -> Tensor:
        if operator == "rare":
            return torch.zeros_like(values)
        if operator == "grey":
            low, high = values.float().aminmax()
            return torch.full_like(values, int((low + high) / 2))
        if operator == "mean":
            return torch.full_like(values, int(values.float().mean().round()))
        random = torch.Generator().manual_seed(zlib.crc32(values.numpy().tobytes()))
        if operator == "another":
            # Words beyond the end are 0, as rare ones are: they would be that operator again.
            there = values[values > 0]
            pool = there if len(there) else values
            return pool[torch.randint(len(pool), (len(values),), generator=random)]
        pixels = values.reshape(len(values), -1)
        order = torch.randperm(pixels.shape[1], generator=random)
        return pixels[:, order].reshape(values.shape)


class ZooSounds(ZooSubject):
    """A system that listens: items are moments of its spectrogram.

    A choice of a moment sees the frames that the network's convolutions reach from there.

    Raises:
        FaithfulnessError: as for :class:`ZooSubject`; or its examples are no spectrograms whose
            frames make up its candidates.
    """

    def __init__(
        self,
        model: SystemModel,
        batch: Any,
        *,
        chosen: NDArray[np.int64] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(model, batch, chosen=chosen, seed=seed)
        mels, count = getattr(batch, "mels", None), self.items(0)
        if mels is None or mels.shape[1] % count:
            raise FaithfulnessError(
                f"a {type(model).__name__} has no spectrogram that its moments are made of"
            )
        self._per = mels.shape[1] // count
        self.sounds = FrameSubject(lambda changed: changed, mels, per_item=self._per)
        self.operators = self.sounds.operators
        self._reach = reach_of(model)

    def digest(self, example: int) -> bytes:
        """Its frames, and what else there is of it."""
        return self.sounds.digest(example) + super().digest(example)

    def seen(self, example: int, candidate: int) -> NDArray[np.bool_]:
        """Moments with a frame that the convolutions reach."""
        at, count = candidate * self._per, self.items(example)
        low, high = at - self._reach, at + self._reach
        return np.array(
            [low < (one + 1) * self._per and one * self._per <= high for one in range(count)]
        )

    def batch_of(self, rows: Sequence[Row]) -> Any:
        """A batch of the task with one row for each of some rows, with moments removed."""
        return replace(super().batch_of(rows), mels=self.sounds.changed(rows))

    def inputs(self, example: int) -> Inputs:
        """The spectrogram, with the choices as they were made.

        Raises:
            UndefinedError: the system classifies, and keeps no gradient by its frames.
        """
        if self._first_is_class:
            raise UndefinedError("the system keeps no gradient by its frames")
        made = tuple(self.choices(example).chosen.tolist()) if not self.blends else ()
        values = self.sounds.frames[example : example + 1]

        def outputs(changed: Tensor) -> Tensor:
            rows = [Row(example, b"", forced=made)] * len(changed)
            batch = replace(ZooSubject.batch_of(self, rows), mels=changed)
            with evaluating(self.model):
                return -self.model.outcome(batch, self.chooser(rows)).loss.unsqueeze(-1)

        return Inputs(
            values=values,
            baseline=self.sounds.filler(example, "silence")[None],
            forward=outputs,
            pool=self.sounds.pooled,
            module=self.model,
        )

    def log_prob(self, example: int, step: int) -> tuple[Tensor, Tensor]:
        """The spectrogram, and log π of a choice, with the steps before as they were."""
        made = self.choices(example).chosen
        values = self.sounds.frames[example : example + 1].clone().requires_grad_()
        rows = [Row(example, b"", forced=tuple(made.tolist()))]
        choose = self.chooser(rows, passes=True)
        with torch.enable_grad(), evaluating(self.model):
            self.model.outcome(replace(ZooSubject.batch_of(self, rows), mels=values), choose)
            found = (choose.logits[step] / choose.temperature).log_softmax(-1)[0, int(made[step])]
        return values, found

    def pool(self, example: int, found: Tensor) -> Floats:
        """Attributions of frames as one number a moment."""
        return self.sounds.pooled(found)

    @property
    def _first_is_class(self) -> bool:
        return len(self.outputs) > 1


def reach_of(model: nn.Module) -> int:
    """Frames to each side that a model's convolutions over time see together."""
    reach, stride = 0, 1
    for one in model.modules():
        if isinstance(one, nn.Conv1d):
            reach += (one.kernel_size[0] - 1) // 2 * one.dilation[0] * stride
            stride *= one.stride[0]
    return reach
