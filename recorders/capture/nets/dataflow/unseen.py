"""Softmaxes that may be attention that nobody followed: what is remarked of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from torch import Tensor

from recorders.capture.captured import Host, Place
from recorders.capture.nets.dataflow.choices import ROUTING

NOT_MULTIPLIED = "was not seen to multiply values"
IN_PARTS = "multiplied values in several parts, which are not put together"

_ATTENTION = re.compile(r"att(entio)?n", re.IGNORECASE)


@dataclass(eq=False)
class Watched:
    """A softmax from when it is computed until something is known about it.

    Attributes:
        place: where in the model it was computed.
        keys: over how many numbers.
        sizes: sizes of its result.
        large: whether it may be attention by its axes: three or more, and one besides the rows and
            the keys that has several entries.
        before: multiplications of the pass that were seen before it.
        settled: whether it is recorded, or known to be something else.
        finding: what was seen of it.
    """

    place: Place
    keys: int
    sizes: tuple[int, ...]
    large: bool
    before: int
    settled: bool = False
    finding: str = NOT_MULTIPLIED


def watched(place: Place | None, output: Tensor, axis: int, before: int) -> Watched | None:
    """A softmax that is to be settled before its pass ends; None where it is a router's or trivial.

    Args:
        place: where in the model it was computed; None where nothing is to be said of it.
        output: its result.
        axis: its axis, from 0.
        before: multiplications of the pass so far.
    """
    keys = output.shape[axis]
    if place is None or keys < 2:
        return None
    name = f"{type(place.module).__name__} {place.path.rpartition('.')[2]}"
    if ROUTING.search(name) and not _ATTENTION.search(name):
        return None
    several = [n for n, size in enumerate(output.shape) if size > 1 and n not in (0, axis)]
    large = output.dim() > 2 and bool(several)
    return Watched(place, keys, tuple(output.shape), large, before)


def remark(host: Host, softmax: Watched, products: int) -> None:
    """Remark a softmax at the end of its pass, where it may have been attention.

    After class scores, a model multiplies nothing any more.

    Args:
        host: the recorder.
        softmax: the softmax.
        products: multiplications that were seen in the pass.
    """
    if softmax.settled or products <= softmax.before:
        return
    if softmax.large or softmax.finding != NOT_MULTIPLIED:
        host.remark(
            softmax.place,
            f"a softmax over {softmax.keys:,} of {list(softmax.sizes)} {softmax.finding}; if it is "
            "attention, name the module with recorder.watch(...)",
        )
