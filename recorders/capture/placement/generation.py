"""What ``generate()`` of transformers does around the passes: its settings, and its beams."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import torch

_FRAMES = 60


@dataclass(frozen=True)
class Generation:
    """The settings of a ``generate()`` that runs.

    Attributes:
        ends: token numbers that end a sequence.
        pad: token number that a sequence is fed after its end; -1 for none.
    """

    ends: frozenset[int]
    pad: int


def running_generation() -> Generation | None:
    """The ``generate()`` of transformers that called what runs now in this thread, if one did.

    It is found on the stack, since the passes themselves are not told that they are steps of it,
    and nothing of the model needs to be changed for that.
    """
    frame = sys._getframe(1)
    for _ in range(_FRAMES):
        if frame.f_code.co_name == "generate":
            config = frame.f_locals.get("generation_config")
            if config is not None and hasattr(config, "eos_token_id"):
                ends, pads = _numbers(config.eos_token_id), _numbers(config.pad_token_id)
                return Generation(frozenset(ends), pads[0] if pads else -1)
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return None


def _numbers(value: Any) -> list[int]:
    if value is None:
        return []
    found = value.tolist() if isinstance(value, torch.Tensor) else value
    return [int(number) for number in found] if isinstance(found, list | tuple) else [int(found)]


Reordered = Callable[[list[int]], None]


class BeamWatch:
    """Hears when beam search reorders a cache, which it does between two passes.

    The method of the cache's class is wrapped while anybody listens, and is itself again after.
    """

    def __init__(self, heard: Reordered) -> None:
        self._heard = heard
        self._cache: weakref.ref[Any] | None = None
        self._stop: Callable[[], None] | None = None

    def follow(self, cache: Any) -> None:
        """Listen to this cache from now on, and to no other."""
        if cache is None or (self._cache is not None and self._cache() is cache):
            return
        self.close()
        if not callable(getattr(type(cache), "reorder_cache", None)):
            return
        self._cache = weakref.ref(cache)
        self._stop = _listen(type(cache), self._called)

    def close(self) -> None:
        """Stop listening."""
        if self._stop is not None:
            self._stop()
        self._cache = self._stop = None

    def _called(self, cache: Any, order: Any) -> None:
        if self._cache is not None and self._cache() is cache:
            self._heard(_numbers(order))


_Listener = Callable[[Any, Any], None]
_lock = threading.Lock()
_listeners: dict[type, list[_Listener]] = {}
# By class: the wrapper that stands in it, and what stood in the class itself before, if anything.
_wrapped: dict[type, tuple[Any, Any]] = {}


def _listen(kind: type, listener: _Listener) -> Callable[[], None]:
    """Call ``listener(cache, order)`` before each reordering; returns what ends that."""
    with _lock:
        _listeners.setdefault(kind, []).append(listener)
        if kind not in _wrapped:
            _wrap(kind)

    def stop() -> None:
        with _lock:
            _listeners[kind].remove(listener)
            if not _listeners[kind]:
                _unwrap(kind)

    return stop


def _wrap(kind: Any) -> None:
    original = kind.reorder_cache

    @wraps(original)
    def reorder_cache(self: Any, *args: Any, **kwargs: Any) -> Any:
        order = args[0] if args else kwargs.get("beam_idx")
        for listener in list(_listeners.get(kind, ())):
            listener(self, order)
        return original(self, *args, **kwargs)

    _wrapped[kind] = reorder_cache, vars(kind).get("reorder_cache")
    kind.reorder_cache = reorder_cache


def _unwrap(kind: Any) -> None:
    wrapper, before = _wrapped[kind]
    if vars(kind).get("reorder_cache") is not wrapper:
        # Somebody wrapped it once more; inside of that ours stays, and has nobody to tell.
        return
    del _wrapped[kind], _listeners[kind]
    if before is None:
        del kind.reorder_cache
    else:
        kind.reorder_cache = before
