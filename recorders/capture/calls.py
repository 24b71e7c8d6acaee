"""Which module of the model runs at the moment, in each thread, and in which forward pass."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from recorders.capture.captured import Call

# torch.compile wraps a module in another, whose name nobody gave.
_COMPILED = "_orig_mod"


@dataclass
class _Running(threading.local):
    """What one thread is doing."""

    stack: list[tuple[nn.Module, str]] = field(default_factory=list)
    call: Call | None = None
    mode: AbstractContextManager[Any] | None = None
    muted: int = 0


def in_backward() -> bool:
    """Whether autograd runs in this thread: what is computed then repeats an earlier pass."""
    return bool(torch._C._current_graph_task_id() != -1)


class CallTracker:
    """Follows the forward passes of one model, whichever thread runs them.

    While a pass runs, and only then, a function mode is active in its thread. What activation
    checkpointing computes again during the backward pass is no pass.

    Args:
        model: the model.
        began: called with each pass before the model computes anything; returns the function mode
            that is active while it runs.
        ended: called with each pass at its end, even one by an exception.
    """

    def __init__(
        self,
        model: nn.Module,
        began: Callable[[Call], AbstractContextManager[Any]],
        ended: Callable[[Call], None],
    ) -> None:
        self._model = model
        self._began = began
        self._ended = ended
        self._running = _Running()
        self._handles: list[Any] = []

    def open(self) -> None:
        """Begin to listen."""
        for name, module in self._model.named_modules():
            path = ".".join(part for part in name.split(".") if part != _COMPILED)
            self._handles += [
                module.register_forward_pre_hook(
                    _Hook(self, path, "_enter"), prepend=True, with_kwargs=True
                ),
                module.register_forward_hook(_Hook(self, path, "_leave"), always_call=True),
            ]

    def close(self) -> None:
        """Stop listening; a pass that an interrupt left open in this thread is ended."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if self._running.call is not None:
            self._end()

    @property
    def call(self) -> Call | None:
        """The pass that runs in this thread."""
        return self._running.call

    @property
    def module(self) -> nn.Module | None:
        """The innermost module of the model that runs in this thread."""
        stack = self._running.stack
        return stack[-1][0] if stack else None

    @property
    def path(self) -> str:
        """Its path in the model; empty for the model itself."""
        stack = self._running.stack
        return stack[-1][1] if stack else ""

    @property
    def is_muted(self) -> bool:
        """Whether the nets are silent in this thread."""
        return self._running.muted > 0

    @contextmanager
    def muted(self) -> Iterator[None]:
        """While inside, the nets are silent in this thread."""
        self._running.muted += 1
        try:
            yield
        finally:
            self._running.muted -= 1

    def _enter(
        self, path: str, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        running = self._running
        if running.call is None:
            if in_backward():
                return
            running.call = Call(module, path, _named(module, args, kwargs))
            running.mode = self._began(running.call)
            running.mode.__enter__()
        running.stack.append((module, path))

    def _leave(self, path: str, module: nn.Module, args: Any, output: Any) -> None:
        stack = self._running.stack
        # A module whose end an interrupt skipped leaves with the one around it.
        while stack and stack.pop()[0] is not module:
            pass
        if not stack and self._running.call is not None:
            self._end()

    def _end(self) -> None:
        running = self._running
        call, mode = running.call, running.mode
        running.call, running.mode, running.muted = None, None, 0
        running.stack.clear()
        if mode is not None:
            mode.__exit__(None, None, None)
        if call is not None:
            self._ended(call)


class _Hook:
    """One hook of one module; a copy of the model must not drag the recorder along."""

    def __init__(self, tracker: CallTracker | None, path: str, method: str) -> None:
        self._tracker = tracker
        self._path = path
        self._method = method

    def __call__(self, *event: Any) -> None:
        if self._tracker is not None:
            getattr(self._tracker, self._method)(self._path, *event)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Hook:
        return _Hook(None, self._path, self._method)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Hook, (None, self._path, self._method)


@lru_cache(maxsize=256)
def _signature(forward: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(forward)
    except (TypeError, ValueError):
        return None


def _named(
    module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The arguments of a forward pass by name; ``*args`` by their numbers, as ``"0"``."""
    signature = _signature(type(module).forward)
    if signature is None:
        return {**{str(number): value for number, value in enumerate(args)}, **kwargs}
    try:
        bound = signature.bind_partial(module, *args, **kwargs)
    except TypeError:
        # The call itself will fail with the model's own words.
        return dict(kwargs)
    named: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            named |= {str(number): item for number, item in enumerate(value)}
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named |= value
        else:
            named[name] = value
    return named
