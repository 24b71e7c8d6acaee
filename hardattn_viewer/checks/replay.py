"""An episode with one choice made otherwise, and the rest of it played anew: a counterfactual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.checks.packing import expect

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Replay:
    """What would have come of one other choice.

    Attributes:
        example: index of the example.
        step: the choice that was forced, from 0; those before it are as they were.
        item: what was chosen there instead.
        chosen: int64 ``[choices]``, as it was.
        replayed: int64 ``[choices]``, with the item forced and the most probable ones after it.
        live: bool ``[choices]``, whether there was a choice to make in the replay.
        probabilities: ``[choices, candidates]``, of the policy in the replay.
        output: what is read of the output, as it was.
        replayed_output: the same in the replay.
        reading: what that is.
        predicted: class that is predicted, as it was; -1 where there are none.
        replayed_predicted: the same in the replay.
        blends: whether the model weighs all items at every step that is not forced; what it chose
            is then its most probable item.
    """

    example: int
    step: int
    item: int
    chosen: NDArray[np.int64]
    replayed: NDArray[np.int64]
    live: NDArray[np.bool_]
    probabilities: Floats
    output: float
    replayed_output: float
    reading: str = "output"
    predicted: int = -1
    replayed_predicted: int = -1
    blends: bool = False

    @property
    def changed(self) -> tuple[int, ...]:
        """Steps after the forced one at which something else was chosen."""
        other = np.flatnonzero((self.chosen != self.replayed) & self.live)
        return tuple(int(step) for step in other if step > self.step)

    def words(self) -> str:
        """What came of it, in sentences."""
        after = int(self.live[self.step + 1 :].sum())
        rest = (
            f"{len(self.changed)} of the {after} choices after it are others"
            if after
            else "nothing is chosen after it"
        )
        classes = ""
        if self.predicted >= 0:
            same = self.predicted == self.replayed_predicted
            classes = (
                f", and class {self.predicted} is still predicted"
                if same
                else f", and class {self.replayed_predicted} is predicted instead of "
                f"{self.predicted}"
            )
        if self.blends:
            rest = "it blends at all other steps"
        return (
            f"Had item {self.item} been chosen at step {self.step + 1} of example {self.example}: "
            f"{rest}; {self.reading} {self.replayed_output:.3f} instead of {self.output:.3f}"
            f"{classes}."
        )


def as_plain(made: Replay) -> dict[str, Any]:
    """As JSON values."""
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in made.__dict__.items()
    }


def from_plain(told: Mapping[str, Any]) -> Replay:
    """From what :func:`as_plain` made of it.

    Raises:
        ValueError: parts of it do not go together.
        KeyError: a part is missing.
    """
    probabilities = np.asarray(told["probabilities"], np.float64)
    chosen, replayed = (np.asarray(told[name], np.int64) for name in ("chosen", "replayed"))
    live = np.asarray(told["live"], bool)
    expect(probabilities.ndim == 2 and len(probabilities) == len(chosen), "choices")
    expect(chosen.shape == replayed.shape == live.shape, "choices")
    return Replay(
        int(told["example"]),
        int(told["step"]),
        int(told["item"]),
        chosen,
        replayed,
        live,
        probabilities,
        float(told["output"]),
        float(told["replayed_output"]),
        str(told["reading"]),
        int(told["predicted"]),
        int(told["replayed_predicted"]),
        bool(told["blends"]),
    )
