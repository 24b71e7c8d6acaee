"""What was worked out of an array, kept while the array is there and still in use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar
from weakref import ref

import numpy as np

V = TypeVar("V")


class Kept(Generic[V]):
    """The last few values, each worked out of one array that nobody changes.

    Args:
        most: how many values are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[tuple[int, Hashable], tuple[ref[Any], V]] = OrderedDict()

    def get(self, array: np.ndarray[Any, Any], more: Hashable, make: Callable[[], V]) -> V:
        """The value of ``array`` and of ``more``, made where it is not known."""
        key = (id(array), more)
        known = self._values.get(key)
        # Another array may have got the number of one that is gone.
        if known is not None and known[0]() is array:
            self._values.move_to_end(key)
            return known[1]
        value = make()
        self._values[key] = (ref(array), value)
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)
        return value
