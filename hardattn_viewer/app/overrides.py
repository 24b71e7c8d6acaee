"""Faults inside methods that Qt calls: they are told, and go no further."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import wraps
from types import FunctionType
from typing import Any

from PySide6.QtCore import QObject

# Of these Qt wants to know whether they took the event; None is no answer to that.
_FILTERS = ("event", "eventFilter")


def guard_overrides(package: str = "hardattn_viewer") -> None:
    """Give every fault in a method that Qt calls to ``sys.excepthook``, and let Qt go on.

    PySide keeps such a fault until Python calls Qt the next time, and raises it there, so that
    handlers fail which have nothing to do with it. Before Python 3.12 it crashes as well: what C
    code raises (an index out of range, a division by zero) is a class and its words until it is
    caught, and PySide takes the words for an exception.

    Methods are what they were otherwise. One that failed answers False where it was asked whether
    it took an event, else nothing, for which Qt takes its own default.

    Args:
        package: whose widgets and models, of those that were imported by now.
    """
    for kind in set(_kinds_below(QObject)):
        if kind.__module__.split(".")[0] != package:
            continue
        of_qt = [base for base in kind.__mro__ if base.__module__.startswith("PySide6.")]
        for name, method in list(vars(kind).items()):
            is_override = not name.startswith("_") and any(hasattr(base, name) for base in of_qt)
            if is_override and isinstance(method, FunctionType) and not _is_guarded(method):
                setattr(kind, name, _guarded(method, False if name in _FILTERS else None))


def _kinds_below(kind: type[QObject]) -> Iterator[type[QObject]]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds_below(one)


def _guarded(method: Callable[..., Any], otherwise: bool | None) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
            return otherwise

    return call


def _is_guarded(method: FunctionType) -> bool:
    return method.__code__ is _GUARD


_GUARD = _guarded(print, None).__code__
