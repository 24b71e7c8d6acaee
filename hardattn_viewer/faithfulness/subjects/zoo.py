"""A system of the zoo on examples of its task, with choices that can be made for it."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardattn_models.choosing import BLENDS
from hardattn_models.mechanisms import Selection
from hardattn_models.model import Outcome, SystemModel
from hardattn_models.told import Forced
from hardattn_viewer.faithfulness.engine import evaluating, quiet_run
from hardattn_viewer.faithfulness.errors import FaithfulnessError, UndefinedError
from hardattn_viewer.faithfulness.rankings import generator_of
from hardattn_viewer.faithfulness.subject import Floats, Inputs, Row
from hardattn_viewer.faithfulness.subjects.choosing import Choices
from hardattn_viewer.faithfulness.subjects.pictures import PictureSubject

LOSS = "−loss, nats"
"""Output of systems that are no classifiers: the log-likelihood of the right answer, or alike."""


class ZooSubject:
    """A system and a batch of its task; items are the candidates that it chooses among.

    Its outputs are log-probabilities of the classes, where it classifies; else one number, the loss
    with its sign turned. Nothing can be removed from an example unless it is an image with regions:
    see :class:`ZooPictures`.

    Args:
        model: the system.
        batch: the examples, as the task hands them out.
        chosen: int64 ``[examples, choices]``, what was chosen when they were recorded, -1 where
            nothing was; if not given it is drawn by what draws, and else the most probable.
        seed: of what is drawn where a choice is not forced.

    Raises:
        FaithfulnessError: what it takes is not one candidate at each choice.
    """

    def __init__(
        self,
        model: SystemModel,
        batch: Any,
        *,
        chosen: NDArray[np.int64] | None = None,
        seed: int = 0,
    ) -> None:
        self.model, self.batch = model, batch
        self.entries = model.described(batch)
        self.operators: Mapping[str, str] = {}
        self._seed, self._chosen = seed, chosen
        try:
            with quiet_run():
                first = self._pass(batch, [Row(at, b"") for at in range(len(self.entries))])
        except ValueError as error:
            raise FaithfulnessError(f"{type(model).__name__}: {error}") from error
        self._first, outcome = first
        if self._first.logits and len(self._first.logits[0]) != len(self.entries):
            raise FaithfulnessError(
                f"a {type(model).__name__} makes several choices at once in one example, which "
                "cannot be forced one by one"
            )
        classes = outcome.scores.shape[-1] if outcome.scores is not None else 1
        self.outputs = tuple(map(str, range(classes))) if outcome.scores is not None else (LOSS,)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def labels(self) -> list[int | None]:
        """The right class of each example, where there is one."""
        return [entry.get("label") for entry in self.entries]

    def items(self, example: int) -> int:
        """Candidates of its choices."""
        return int(self._first.logits[0].shape[-1])

    def digest(self, example: int) -> bytes:
        """All tensors of its row, and what it chose."""
        told = hashlib.blake2b(repr(example).encode(), digest_size=16)
        return told.digest()

    def lengths(self, example: int, kept: NDArray[np.bool_], operator: str) -> NDArray[np.int64]:
        """A position a candidate."""
        return np.full(len(kept), self.items(example))

    def run(self, rows: Sequence[Row]) -> Tensor:
        """Outputs of rows: log-probabilities of classes, or the loss with its sign turned."""
        _, outcome = self._pass(self.batch_of(rows), rows)
        if outcome.scores is None:
            return -outcome.loss.detach().unsqueeze(-1)
        return outcome.scores.clamp_min(torch.finfo(outcome.scores.dtype).tiny).log()

    def choices(self, example: int) -> Choices:
        """As they were recorded; else the first draw of what draws, or the most probable."""
        if self._chosen is not None:
            return self.remade(example, np.asarray(self._chosen[example], np.int64))
        return self.remade(example, np.full(self.count, -1), 0 if self._draws else -1)

    def remade(self, example: int, forced: NDArray[np.int64], draw: int = -1) -> Choices:
        """The choices of one pass in which some are forced."""
        rows = [Row(example, b"", forced=tuple(int(one) for one in forced), draw=draw)]
        with quiet_run():
            choose, _ = self._pass(self.batch_of(rows), rows)
        steps = selections(choose)
        p = [step.probabilities for step in steps]
        if self.model.mechanism == "gumbel-softmax":
            # Its temperature is that of the relaxed sample, and not of what is drawn from.
            p = [logits.softmax(-1) for logits in choose.logits]
        # What blends chose nothing; its most probable candidate stands for that, or the forced one.
        return Choices(
            np.concatenate([one.double().numpy() for one in p]),
            np.array([int(step.weights[0].argmax()) for step in steps], np.int64),
            choose.made()[0].numpy() > 0,
            self.blends,
        )

    @property
    def blends(self) -> bool:
        """Whether it chooses nothing, and gives weight to all candidates."""
        return any(step.index is None for step in selections(self._first))

    @property
    def _draws(self) -> bool:
        return self.model.mechanism not in ("argmax", *BLENDS)

    @property
    def count(self) -> int:
        """Choices that it makes in an example."""
        return len(self._first.steps)

    def batch_of(self, rows: Sequence[Row]) -> Any:
        """A batch of the task with one row for each of some rows."""
        return rows_of(self.batch, len(self.entries), [row.example for row in rows])

    def chooser(self, rows: Sequence[Row], *, passes: bool = False) -> Forced:
        """What makes the choices of some rows; scores keep their gradient where it ``passes``."""
        longest = max(len(row.forced) for row in rows)
        told = torch.full((len(rows), longest), -1)
        for at, row in enumerate(rows):
            told[at, : len(row.forced)] = torch.tensor(row.forced, dtype=torch.long)
        drawing = any(row.draw >= 0 for row in rows)
        return Forced(
            self.model.mechanism,
            told,
            noise=self._noise(rows) if drawing else None,
            temperature=self.model.temperature,
            passes=passes,
        )

    def _pass(self, batch: Any, rows: Sequence[Row]) -> tuple[Forced, Outcome]:
        choose = self.chooser(rows)
        with evaluating(self.model):
            return choose, self.model.outcome(batch, choose)

    def _noise(self, rows: Sequence[Row]) -> Callable[[int, torch.Size], Tensor]:
        """Gumbel noise that depends on the example, the draw and the choice alone."""

        def noise(at: int, shape: torch.Size) -> Tensor:
            found = np.zeros(tuple(shape))
            for place, row in enumerate(rows):
                if row.draw >= 0:
                    source = generator_of(self._seed, "choice", row.example, row.draw, at)
                    found[place] = source.gumbel(size=shape[-1])
            return torch.from_numpy(found).float()

        return noise


class ZooPictures(ZooSubject):
    """A system that looks at regions of images, each of which can be hidden.

    Raises:
        FaithfulnessError: as for :class:`ZooSubject`; or its examples are no images of one size
            with a region for each candidate.
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
        images, boxes = getattr(batch, "images", None), self.entries[0].get("regions")
        if images is None or boxes is None or len(boxes) != self.items(0):
            raise FaithfulnessError(
                f"a {type(model).__name__} has no image with a region for each candidate"
            )
        self._whole = images.dtype == torch.uint8
        floats = images.float() / 255 if self._whole else images
        if floats.ndim == 4:
            floats = floats.permute(0, 3, 1, 2)
        self.boxes: NDArray[np.float64] = np.asarray(boxes, np.float64)
        try:
            self.pictures = PictureSubject(lambda changed: changed, floats.contiguous(), self.boxes)
        except ValueError as error:
            raise FaithfulnessError(f"{type(model).__name__}: {error}") from error
        self.operators = self.pictures.operators

    def grid(self, example: int) -> tuple[int, ...] | None:
        """Rows and columns of the regions, where they are a grid."""
        return self.pictures.grid(example)

    def digest(self, example: int) -> bytes:
        """Its pixels, and what else there is of it."""
        return self.pictures.digest(example) + super().digest(example)

    def batch_of(self, rows: Sequence[Row]) -> Any:
        """A batch of the task with one row for each of some rows, with regions hidden."""
        return self._with_images(super().batch_of(rows), self.pictures.changed(rows))

    def seen(self, example: int, candidate: int) -> NDArray[np.bool_]:
        """Regions that own a pixel inside the box of the candidate."""
        return self.pictures.inside(self.boxes[candidate])

    def inputs(self, example: int) -> Inputs:
        """The pixels, with the choices as they were made.

        Raises:
            UndefinedError: the system's answer carries no gradient to its pixels.
        """
        if self._whole:
            raise UndefinedError("the system takes whole brightness levels, which have no gradient")
        made = tuple(self.choices(example).chosen.tolist()) if not self.blends else ()
        forward = getattr(self.model, "forward", None)
        values = self.pictures.images[example : example + 1]

        def outputs(changed: Tensor) -> Tensor:
            rows = [Row(example, b"", forced=made)] * len(changed)
            assert forward is not None
            answer = forward(changed.clamp(0, 1), choose=self.chooser(rows))
            found: Tensor = answer.logits
            return found

        if "forward" not in type(self.model).__dict__:
            raise UndefinedError("the system keeps no gradient by its pixels")
        return Inputs(
            values=values,
            baseline=torch.full_like(values, float(values.min() + values.max()) / 2),
            forward=outputs,
            pool=self.pictures.pooled,
            module=self.model,
        )

    def moved(self, example: int, change: Tensor) -> ZooPictures:
        """The same with a change ``[1, …]`` added to the pixels of one example, from 0 to 1.

        Choices that were recorded stay.
        """
        made = copy.copy(self)
        made.pictures = self.pictures.moved(example, change)
        made.pictures.images.clamp_(0, 1)
        return made

    def log_prob(self, example: int, step: int) -> tuple[Tensor, Tensor]:
        """The pixels, and log π of what was chosen at a step, the steps before as they were."""
        made = self.choices(example).chosen
        values = self.pictures.images[example : example + 1].clone().requires_grad_()
        rows = [Row(example, b"", forced=tuple(made.tolist()))]
        choose = self.chooser(rows, passes=True)
        with torch.enable_grad(), evaluating(self.model):
            batch = super().batch_of(rows)
            self.model.outcome(self._with_images(batch, values), choose)
            found = (choose.logits[step] / choose.temperature).log_softmax(-1)[0, int(made[step])]
        return values, found

    def pool(self, example: int, found: Tensor) -> Floats:
        """Attributions of pixels as one number a region."""
        return self.pictures.pooled(found)

    def _with_images(self, batch: Any, images: Tensor) -> Any:
        if images.ndim == 4:
            images = images.permute(0, 2, 3, 1)
        if self._whole:
            images = (images * 255).round().to(torch.uint8)
        return replace(batch, images=images)


def is_of_pictures(model: SystemModel, batch: Any) -> bool:
    """Whether a system's examples are images of which each region is a candidate."""
    return "regions" in model.described(batch)[0] and getattr(batch, "images", None) is not None


def selections(choose: Forced) -> list[Selection]:
    """The choices of a pass; a forced one is always one among candidates."""
    return [step for step in choose.steps if isinstance(step, Selection)]


def rows_of(batch: Any, count: int, examples: Sequence[int]) -> Any:
    """A batch of some rows of another, in that order; the same one may come twice.

    Raises:
        FaithfulnessError: a part of it is neither a tensor nor a list with one entry an example.
    """
    index = torch.tensor(list(examples), dtype=torch.long)
    taken: dict[str, Any] = {}
    for one in fields(batch):
        value = getattr(batch, one.name)
        if isinstance(value, Tensor) and len(value) == count:
            taken[one.name] = value[index]
        elif isinstance(value, list) and len(value) == count:
            taken[one.name] = [value[at] for at in examples]
        elif isinstance(value, list) and not value:
            taken[one.name] = value
        else:
            raise FaithfulnessError(
                f"{one.name} of a {type(batch).__name__} has no entry for each example, so single "
                "examples of it cannot be run"
            )
    return type(batch)(**taken)
