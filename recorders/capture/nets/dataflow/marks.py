"""What is known about tensors of a pass: marks by identity, which die with their tensors."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor

_PLAIN_DISPATCH = Tensor.__torch_dispatch__

IN_PLACE = "an operation in place"


class Source:
    """Where weights come from: a softmax, or a choice."""


@dataclass(frozen=True, eq=False)
class Term:
    """One part of a sum of weights.

    Attributes:
        source: where it comes from.
        coefficient: how often it is in the sum; 0 for what only carries a gradient.
        clean: its weights as they left the source, laid out as the marked tensor; None where the
            marked tensor itself still is that.
    """

    source: Source
    coefficient: float = 1.0
    clean: Tensor | None = None

    def own(self, tensor: Tensor) -> Tensor:
        """Its weights as they left the source, laid out as the marked tensor."""
        return tensor.detach() if self.clean is None else self.clean


@dataclass(frozen=True, eq=False)
class Factors:
    """Weights and values whose elementwise product a tensor is."""

    weights: Tensor
    mark: Weights
    values: Tensor


@dataclass(frozen=True, eq=False)
class Weights:
    """A tensor that holds weights over keys.

    Attributes:
        terms: what it is the sum of.
        axis: the key axis, from 0; -1 for a single key, whose axis cannot be followed.
        keys: keys that the source weighed.
        log: whether it holds logarithms.
        dropped: whether dropout changed it.
        cut: whether keys were sliced off.
        changes: names of the functions that changed its values otherwise.
        lost: whether they were changed where nobody saw it, so that nothing clean is left.
        lead: sizes of all axes before the keys as they were before some were merged.
        factors: what it is the product of, where that is what it last became.
    """

    terms: tuple[Term, ...]
    axis: int
    keys: int
    log: bool = False
    dropped: bool = False
    cut: bool = False
    changes: tuple[str, ...] = ()
    lost: bool = False
    lead: tuple[int, ...] | None = None
    factors: Factors | None = None

    def is_key_axis(self, tensor: Tensor, axis: int) -> bool:
        """Whether an axis, from 0, of the marked tensor is the keys'."""
        return axis == self.axis or (self.axis < 0 and tensor.shape[axis] == 1)

    def cleaned(self, tensor: Tensor) -> Weights:
        """The same with a copy or reference of its own to what is clean, before values change."""
        return replace(
            self,
            terms=tuple(replace(term, clean=term.own(tensor)) for term in self.terms),
        )

    @property
    def present(self) -> tuple[Term, ...]:
        """The terms that are in the values and not only in the gradient."""
        return tuple(term for term in self.terms if term.coefficient)


@dataclass(frozen=True, eq=False)
class Index:
    """A tensor that holds indices of selected keys.

    Attributes:
        choice: the choice that selected them, or the sorting that ranked them.
        clean: the indices as they left the choice, laid out as the marked tensor.
        axis: the axis of the ranks where all keys were only sorted; -1 otherwise.
    """

    choice: Source
    clean: Tensor
    axis: int = -1


@dataclass(frozen=True)
class Noise:
    """A tensor of random numbers: ``uniform``, ``exponential`` or ``gumbel``, or minus that."""

    law: str
    negative: bool = False


@dataclass(frozen=True, eq=False)
class Perturbed:
    """A tensor of scores plus Gumbel noise, divided by a temperature."""

    scores: Tensor
    temperature: float = 1.0


@dataclass(frozen=True, eq=False)
class Exponentials:
    """A tensor of exponentials of scores, some perhaps masked: weights before they are divided.

    Attributes:
        scores: what they are the exponentials of, while the model holds that.
    """

    scores: weakref.ref[Tensor]


@dataclass(frozen=True, eq=False)
class Total:
    """A tensor of sums of exponentials, or of the logarithms of such sums.

    Attributes:
        axis: the axis that was summed over, from 0.
        scores: of logarithms, what the exponentials are of; None for plain sums.
    """

    axis: int
    scores: weakref.ref[Tensor] | None = None


@dataclass(frozen=True, eq=False)
class Peak:
    """A tensor of the largest scores along an axis.

    Attributes:
        scores: the scores, while the model holds them.
        axis: the axis, from 0.
        choice: the choice that it is, where that is known already.
    """

    scores: weakref.ref[Tensor]
    axis: int
    choice: Source | None = None


Mark: TypeAlias = Weights | Index | Noise | Perturbed | Exponentials | Total | Peak


def version_of(tensor: Tensor) -> int:
    """Counts the operations in place on a tensor's memory; always 0 in inference mode."""
    return 0 if tensor.is_inference() else tensor._version


def is_plain(tensor: Tensor) -> bool:
    """Whether what is done beside a tensor leaves no trace: none is traced, faked or nested."""
    return (
        type(tensor).__torch_dispatch__ is _PLAIN_DISPATCH
        and not tensor.is_nested
        and not torch._C._is_tracing()
    )


def has_values(tensor: Tensor) -> bool:
    """Whether decisions may be made by the values of a tensor."""
    hidden = torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    return is_plain(tensor) and not tensor.is_meta and not hidden


class Marks:
    """The marks of one thread's pass. Holds no marked tensor alive."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Tensor], Mark, int]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, tensor: Any, mark: Mark) -> None:
        """Mark a tensor, in the place of an older mark."""
        if not isinstance(tensor, Tensor) or not is_plain(tensor):
            return
        key, entries = id(tensor), self._entries

        def forget(gone: weakref.ref[Tensor]) -> None:
            entry = entries.get(key)
            if entry is not None and entry[0] is gone:
                del entries[key]

        entries[key] = (weakref.ref(tensor, forget), mark, version_of(tensor))

    def get(self, tensor: Any) -> Mark | None:
        """The mark of a tensor, or None."""
        entry = self._entries.get(id(tensor))
        if entry is None:
            return None
        known, mark = entry[0](), entry[1]
        if known is None or known is not tensor:
            return None
        if entry[2] != version_of(known) and not isinstance(mark, Index):
            # Noise and scores that someone wrote over are no longer known.
            return _overwritten(mark) if isinstance(mark, Weights) else None
        return mark

    def weights(self, tensor: Any) -> Weights | None:
        """The mark of a tensor of weights that are no logarithms, or None."""
        mark = self.get(tensor)
        return mark if isinstance(mark, Weights) and not mark.log else None

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()


def _overwritten(mark: Weights) -> Weights:
    # What was clean is lost where the tensor itself was that.
    lost = any(term.clean is None for term in mark.terms)
    return replace(mark, changes=(*mark.changes, IN_PLACE), lost=lost, factors=None)
