"""The one function mode that the nets share: it sees every torch function while the model runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch.overrides import TorchFunctionMode

from recorders.capture.captured import Call

Function = Callable[..., Any]
Handler = Callable[[Function, tuple[Any, ...], dict[str, Any]], Any]
"""Called as ``handler(function, args, kwargs)`` instead of a torch function; returns its result."""


def together(*parts: Mapping[Function, Handler]) -> dict[Function, Handler]:
    """All handlers; where several look at one function, each earlier one is around the later."""
    joined: dict[Function, Handler] = {}
    for part in reversed(parts):
        for function, handler in part.items():
            inner = joined.get(function)
            joined[function] = handler if inner is None else _around(handler, inner)
    return joined


def _around(outer: Handler, inner: Handler) -> Handler:
    def handler(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return outer(lambda *a, **k: inner(function, a, k), args, kwargs)

    return handler


class Net:
    """One way to find attention while a model runs; what a net does not need does nothing."""

    def open(self) -> None:
        """Begin to listen."""

    def close(self) -> None:
        """Stop listening; nothing that ``open`` did is left behind."""

    def handlers(self) -> Mapping[Function, Handler]:
        """The torch functions that this net looks at."""
        return {}

    def ended(self, call: Call) -> None:
        """A forward pass ended, perhaps by an exception: hand over what waited for its end."""


class NetMode(TorchFunctionMode):
    """Hands each torch function that a net cares for to that net, and runs all others as they are.

    Args:
        handlers: by torch function, as ``torch.nn.functional.scaled_dot_product_attention``.
        is_muted: whether the nets are silent in this thread now.
    """

    def __init__(self, handlers: Mapping[Function, Handler], is_muted: Callable[[], bool]) -> None:
        super().__init__()
        self._handlers = handlers
        self._is_muted = is_muted

    def __torch_function__(
        self,
        func: Function,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one torch function; this mode is not active inside it."""
        handler = self._handlers.get(func)
        if handler is None or self._is_muted():
            return func(*args, **(kwargs or {}))
        return handler(func, args, kwargs or {})
