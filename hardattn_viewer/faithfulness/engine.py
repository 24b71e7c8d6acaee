"""Runs a model on many variants of its examples: each once, in full batches of like length."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardattn_viewer.checks.measured import READINGS
from hardattn_viewer.faithfulness.errors import CancelledError, FaithfulnessError
from hardattn_viewer.faithfulness.subject import WHOLE, Floats, Kept, Row, Subject

"""What is read from a model's outputs for the class that is asked about; of a single output that is
no class, its "value"."""
Explanation = tuple[Floats, dict[str, float]] | str
"""Scores ``[items]`` of an example with the notes beside them, or why there are none."""
_Key = tuple[bytes, str, bytes, tuple[int, ...], int]
POSITIONS = 8_192
ROWS = 512
BATCH = 40
"""What a batch costs beside its rows, in positions: more padding than that is worth a batch of its
own. Measured of a text encoder of six layers of 384 (0.28 milliseconds a position, 10 a batch)."""


@dataclass(frozen=True, eq=False)
class Ask:
    """Variants of one example.

    Attributes:
        example: index of the example.
        kept: bool ``[rows, items]``.
        operator: how what is not kept is removed.
        forced: int64 ``[rows, choices]``, -1 for a choice that the model makes; None for all.
        draw: number of the draw by which it makes them; -1 for the most probable.
    """

    example: int
    kept: Kept
    operator: str = WHOLE
    forced: NDArray[np.int64] | None = None
    draw: int = -1


@dataclass
class Engine:
    """The values of a model's output for the variants that checks ask for.

    A row that was run before is not run again, whoever asks: baselines, leave-one-out and random
    controls are shared by all explanations.

    Args:
        subject: the model with its examples.
        reading: what is read from the outputs, one of ``READINGS``.
        targets: class that is read, by example; that of the highest output where it is not named.
        positions: most positions of a batch, padding included; what suits the subject if None.
        rows: most rows of a batch.
        on_rows: told of how many rows have just been run.
        should_stop: asked before every batch.

    Attributes:
        batch_positions: most positions of a batch, whoever said so.
        asked: rows that were asked for.
        evaluated: rows that the model ran on.
        batches: batches that it ran on.
        explained: scores that no operator enters, by explainer, example and seed.
    """

    subject: Subject
    reading: str = "probability"
    targets: dict[int, int] = field(default_factory=dict)
    positions: int | None = None
    rows: int = ROWS
    on_rows: Callable[[int], object] = lambda count: None
    should_stop: Callable[[], bool] = lambda: False
    asked: int = 0
    evaluated: int = 0
    batches: int = 0
    explained: dict[Hashable, Explanation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.reading not in READINGS:
            raise ValueError(f"there is no reading {self.reading!r}: choose {', '.join(READINGS)}")
        suits: int = getattr(self.subject, "batch_positions", POSITIONS)
        self.batch_positions = suits if self.positions is None else self.positions
        if self.batch_positions < 1 or self.rows < 1:
            raise ValueError("a batch has one row and one position at least")
        self._found: dict[_Key, Floats] = {}
        self._digests: dict[int, bytes] = {}

    def values(self, asks: Sequence[Ask]) -> list[Floats]:
        """What is read of each variant, ``[rows]`` for each of ``asks``, in the order asked.

        Raises:
            FaithfulnessError: an output is not finite, or has no class that is asked for.
            CancelledError: somebody asked to stop.
        """
        return [
            read(outputs, self.reading, self.target(ask.example))
            for ask, outputs in zip(asks, self.outputs(asks), strict=True)
        ]

    def outputs(self, asks: Sequence[Ask]) -> list[Floats]:
        """All outputs of each variant, ``[rows, outputs]`` for each of ``asks``."""
        wanted = [self._keys(ask) for ask in asks]
        self.asked += sum(map(len, wanted))
        self._find(asks, wanted)
        return [np.stack([self._found[key] for key in keys]) for keys in wanted]

    def prepare(self, asks: Sequence[Ask]) -> None:
        """Run what will be asked for in pieces, in full batches; it does not count as asked."""
        self._find(asks, [self._keys(ask) for ask in asks])

    def _find(self, asks: Sequence[Ask], wanted: Sequence[list[_Key]]) -> None:
        new: dict[_Key, tuple[int, Row]] = {}
        for ask, keys in zip(asks, wanted, strict=True):
            missing = [
                at for at, key in enumerate(keys) if key not in self._found and key not in new
            ]
            if not missing:
                continue
            lengths = self.subject.lengths(ask.example, ask.kept[missing], ask.operator)
            for at, length in zip(missing, lengths.tolist(), strict=True):
                _, operator, kept, forced, draw = keys[at]
                new.setdefault(keys[at], (length, Row(ask.example, kept, operator, forced, draw)))
        self._run(new)

    def whole(self, examples: Sequence[int]) -> Floats:
        """What is read of each of some examples with nothing removed, ``[examples]``."""
        found = self.values([self._nothing_removed(example) for example in examples])
        return np.concatenate(found) if found else np.zeros(0)

    def target(self, example: int) -> int:
        """The class that is asked about: the one named, or that of the highest output."""
        if example not in self.targets:
            self.targets[example] = int(self.outputs_of(example).argmax())
        return self.targets[example]

    def outputs_of(self, example: int) -> Floats:
        """All outputs of an example with nothing removed, ``[outputs]``."""
        (found,) = self.outputs([self._nothing_removed(example)])
        return np.asarray(found[0])

    def _nothing_removed(self, example: int) -> Ask:
        return Ask(example, np.ones((1, self.subject.items(example)), bool))

    def _keys(self, ask: Ask) -> list[_Key]:
        count = self.subject.items(ask.example)
        if ask.kept.ndim != 2 or ask.kept.shape[1] != count:
            raise ValueError(
                f"example {ask.example} has {count} items; what is kept must be [rows, {count}], "
                f"not {ask.kept.shape}"
            )
        if ask.operator not in (WHOLE, *self.subject.operators):
            raise FaithfulnessError(
                f"nothing can be removed by {ask.operator!r} here: choose "
                f"{', '.join(self.subject.operators)}"
            )
        if ask.example not in self._digests:
            self._digests[ask.example] = self.subject.digest(ask.example)
        digest = self._digests[ask.example]
        packed = ask.kept.astype(np.uint8)
        full = np.asarray(ask.kept.all(1))
        if ask.operator == WHOLE and not full.all():
            raise ValueError("removing an item takes an operator")
        forced = [()] * len(packed) if ask.forced is None else list(map(tuple, ask.forced.tolist()))
        return [
            (
                digest,
                WHOLE if full[at] else ask.operator,
                packed[at].tobytes(),
                forced[at],
                ask.draw,
            )
            for at in range(len(packed))
        ]

    def _run(self, new: dict[_Key, tuple[int, Row]]) -> None:
        order = sorted(new.items(), key=lambda item: (item[1][1].operator, item[1][0]))
        for batch in self._batched(order):
            if self.should_stop():
                raise CancelledError("stopped")
            with quiet_run():
                outputs = self.subject.run([row for _, (_, row) in batch])
            self.evaluated += len(batch)
            self.batches += 1
            table = np.asarray(outputs.detach().double().numpy())
            if table.ndim != 2 or len(table) != len(batch):
                raise FaithfulnessError(
                    f"the model answered {tuple(table.shape)} for a batch of {len(batch)}; a check "
                    f"needs [{len(batch)}, outputs]"
                )
            if not np.isfinite(table).all():
                at = int((~np.isfinite(table).all(1)).argmax())
                row = batch[at][1][1]
                raise FaithfulnessError(
                    f"the model's output for example {row.example} is not finite"
                    + (f" when items are removed by {row.operator}" if row.operator else "")
                    + "; choose another operator or leave the example out"
                )
            for (key, _), found in zip(batch, table, strict=True):
                self._found[key] = found
            self.on_rows(len(batch))

    def _batched(
        self, order: list[tuple[_Key, tuple[int, Row]]]
    ) -> Iterator[list[tuple[_Key, tuple[int, Row]]]]:
        batch: list[tuple[_Key, tuple[int, Row]]] = []
        longest = padding = 0
        for one in order:
            length, row = one[1]
            padding += (length - longest) * len(batch)
            full = length * (len(batch) + 1) > self.batch_positions or padding > BATCH
            other = batch and batch[0][1][1].operator != row.operator
            if batch and (full or other or len(batch) == self.rows):
                yield batch
                batch, padding = [], 0
            batch.append(one)
            longest = length
        if batch:
            yield batch


def read(outputs: Floats, reading: str, target: int) -> Floats:
    """What is read from outputs ``[rows, outputs]`` for one class, ``[rows]``.

    Raises:
        FaithfulnessError: there is no such class.
    """
    values = np.asarray(outputs, np.float64)
    if not 0 <= target < values.shape[-1]:
        raise FaithfulnessError(
            f"there is no class {target}: the model has {values.shape[-1]}, from 0"
        )
    if reading in ("logit", "value"):
        return values[:, target]
    top = values.max(-1, keepdims=True)
    log = values[:, target] - top[:, 0] - np.log(np.exp(values - top).sum(-1))
    return np.asarray(log if reading == "log-probability" else np.exp(log))


def read_tensor(outputs: Tensor, reading: str, target: int) -> Tensor:
    """As :func:`read`, with gradients: outputs ``[rows, outputs]`` to ``[rows]``."""
    if reading in ("logit", "value"):
        return outputs[:, target]
    log = outputs.log_softmax(-1)[:, target]
    return log if reading == "log-probability" else log.exp()


@contextmanager
def quiet_run() -> Iterator[None]:
    """Without gradients, and with torch's random state as it was before."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        yield


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, each module as it was afterwards."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training
