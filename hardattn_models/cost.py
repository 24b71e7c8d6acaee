"""What a piece of PyTorch code costs, counted and not timed: operations and bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

_PICKS = ("index", "gather", "embedding", "index_select")
"""Operations that read no more of their first operand than they return."""


@dataclass(frozen=True)
class Cost:
    """What some code did.

    Attributes:
        flops: floating-point operations of its matrix products and convolutions, a multiplication
            and an addition counting as two, as ``torch.utils.flop_counter`` counts.
        read: bytes that its operations read, each operand of each counted anew.
        written: bytes that they wrote.
    """

    flops: int
    read: int
    written: int

    @property
    def moved(self) -> int:
        """Bytes read and written."""
        return self.read + self.written


def cost(code: Callable[[], Any]) -> Cost:
    """Run ``code`` once and count what it does.

    Views cost nothing, and what picks rows reads those that it returns; beyond that every operation
    is taken to read all of its operands and to write all of its results, as if nothing stayed in a
    cache. Backward passes inside ``code`` count too.
    """
    bytes_moved = _Bytes()
    with FlopCounterMode(display=False) as flops, bytes_moved:
        code()
    return Cost(int(flops.get_total_flops()), bytes_moved.read, bytes_moved.written)


class _Bytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.read = self.written = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        operands = list(_tensors((args, kwargs or {})))
        results = list(_tensors(found))
        homes = {one.untyped_storage().data_ptr() for one in operands}
        name = func.overloadpacket.__name__
        if name.startswith("empty"):
            return found
        if results and all(
            one.untyped_storage().data_ptr() in homes and not name.endswith("_") for one in results
        ):
            return found
        written = sum(map(_size, results))
        self.written += written
        if name in _PICKS:
            self.read += written + sum(map(_size, operands[1:]))
        else:
            self.read += sum(map(_size, operands))
        return found


def _tensors(value: Any) -> Iterable[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
