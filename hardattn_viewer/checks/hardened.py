"""Trained soft, deployed hard: what the output does where a blend becomes a choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.checks.packing import Arrays, expect

HOW = ("argmax", "sample")
"""The most probable item, or one that is drawn."""
EVERYTHING = -1


@dataclass(frozen=True)
class Place:
    """What runs hard: a head, a layer, or all of a model.

    Attributes:
        layer: number of the attention in the order in which they run, or of a choice; -1 for all.
        head: of it; -1 for all.
    """

    layer: int = EVERYTHING
    head: int = EVERYTHING

    @property
    def name(self) -> str:
        """``L2H5``, ``L2`` or ``all``."""
        if self.layer == EVERYTHING:
            return "all"
        return f"L{self.layer}" + ("" if self.head == EVERYTHING else f"H{self.head}")


@dataclass(frozen=True, eq=False)
class Hardened:
    """What each place does to the output where it runs hard.

    Attributes:
        places: what was run hard.
        examples: on which examples, ``E`` of them.
        whole: ``[E]``, what is read of the output as the model is.
        values: ``[ways, places, E]``, the same with a place run hard, by the ways of ``HOW``.
        flips: ``[ways, places, E]``, 1 where another class is predicted; NaN without classes.
        reason: why there is nothing to run hard; empty where there is.
        choices: whether layers are the choices of a system that blends, and not attentions.
    """

    places: tuple[Place, ...] = ()
    examples: tuple[int, ...] = ()
    whole: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros((len(HOW), 0, 0)))
    flips: NDArray[np.float64] = field(default_factory=lambda: np.zeros((len(HOW), 0, 0)))
    reason: str = ""
    choices: bool = False

    @property
    def changes(self) -> NDArray[np.float64]:
        """Mean over examples of what the output changes by, ``[ways, places]``."""
        found: NDArray[np.float64] = (self.values - self.whole).mean(-1)
        return found

    @property
    def largest(self) -> NDArray[np.float64]:
        """Mean over examples of the size of the change, ``[ways, places]``."""
        found: NDArray[np.float64] = np.abs(self.values - self.whole).mean(-1)
        return found

    def name(self, at: int) -> str:
        """What a place is called."""
        place = self.places[at]
        if not self.choices:
            return place.name
        return "all choices" if place.layer == EVERYTHING else f"choice {place.layer + 1}"

    def words(self, at: int, how: int, reading: str = "output") -> str:
        """What a place does, in a sentence."""
        flips = self.flips[how, at]
        count = len(self.examples)
        flipped = "" if np.isnan(flips).any() else f"; another class in {int(flips.sum())}"
        return (
            f"{self.name(at)} by {HOW[how]}: {reading} {self.changes[how, at]:+.3f}, "
            f"size {self.largest[how, at]:.3f}, in {count} examples{flipped}"
        )


def packed_hardened(made: Hardened) -> tuple[dict[str, Any], Arrays]:
    """As what JSON can say of it, and arrays whose names begin with ``hardened``."""
    text = {
        "places": [[one.layer, one.head] for one in made.places],
        "examples": list(made.examples),
        "reason": made.reason,
        "choices": made.choices,
    }
    return text, {f"hardened/{name}": getattr(made, name) for name in ("whole", "values", "flips")}


def unpacked_hardened(text: Mapping[str, Any], arrays: Arrays) -> Hardened:
    """From what :func:`packed_hardened` made of it.

    Raises:
        ValueError: parts of it do not go together.
        KeyError: a part is missing.
    """
    places = tuple(Place(int(layer), int(head)) for layer, head in text["places"])
    examples = tuple(map(int, text["examples"]))
    whole, values, flips = (
        np.asarray(arrays[f"hardened/{name}"], np.float64) for name in ("whole", "values", "flips")
    )
    shape = (len(HOW), len(places), len(examples))
    expect(whole.shape == shape[2:] and values.shape == shape == flips.shape, "hardened heads")
    return Hardened(
        places, examples, whole, values, flips, str(text["reason"]), bool(text["choices"])
    )
