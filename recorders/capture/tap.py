"""AttentionTap: what a model of one's own holds where it chooses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Listener = Callable[["AttentionTap", dict[str, Any]], None]


def _run_eagerly(listener: Listener) -> Listener:
    """Keep ``torch.compile`` from tracing into the recorder.

    The compiler takes a second to import, so it is asked only where it is loaded already, as it is
    in every process that has compiled a model.
    """
    if "torch._dynamo" not in sys.modules:
        return listener
    eager: Listener = torch.compiler.disable(listener)  # type: ignore[no-untyped-call]
    return eager


class AttentionTap(nn.Module):
    """A place in a model where attention happens, that a Recorder can listen at.

    It holds no parameters, changes nothing and costs one ``if`` while nobody records.

    Args:
        name: name of the site in a run.
        kind: ``glimpse``, ``pointer``, ``self``, ``cross``, ``memory``, ``copy`` …
        mechanism: how weights or choices are made: ``soft``, ``argmax``, ``sampled`` …
        key_axis: what a key is: ``regions``, ``tokens``, ``slots``, ``keys`` …
        query_axis: what a query is.

    Attributes:
        name: as given.
        kind: as given.
        mechanism: as given; may be changed before recording starts.
        key_axis: as given.
        query_axis: as given.

    Example:
        >>> tap = AttentionTap("glimpse", kind="glimpse", mechanism="sampled", key_axis="regions")
        >>> index = tap(probabilities=p, selection=index, log_prob=lp)  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str,
        *,
        kind: str = "",
        mechanism: str = "",
        key_axis: str = "keys",
        query_axis: str = "queries",
    ) -> None:
        super().__init__()
        self.name = name
        self.kind = kind
        self.mechanism = mechanism
        self.key_axis = key_axis
        self.query_axis = query_axis
        self._listeners: tuple[Listener, ...] = ()

    def forward(
        self,
        *,
        probabilities: Tensor,
        selection: Tensor | None = None,
        log_prob: Tensor | None = None,
        temperature: Tensor | float | None = None,
    ) -> Tensor:
        """Show what was attended to, to whoever records.

        Args:
            probabilities: [keys], [batch, keys], [batch, queries, keys] or
                [batch, heads, queries, keys]; each row sums to 1.
            selection: selected keys, integers: the same leading axes, optionally one more for
                several selected at once; None where attention blends.
            log_prob: log-probability of the selection in nats, the same leading axes; where it is
                None the recorder takes the logarithm of the selected key's probability.
            temperature: temperature of the distribution, one number or [batch].

        Returns:
            ``selection`` itself, or ``probabilities`` itself where there is none.
        """
        if self._listeners:
            values = {
                "probabilities": probabilities,
                "selection": selection,
                "log_prob": log_prob,
                "temperature": temperature,
            }
            for listener in self._listeners:
                listener(self, values)
        return probabilities if selection is None else selection

    def extra_repr(self) -> str:
        """Name, kind and mechanism, for ``print(model)``."""
        return ", ".join(part for part in (repr(self.name), self.kind, self.mechanism) if part)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(tap, values)`` at every forward pass.

        Returns:
            A function that ends it.
        """
        heard = _run_eagerly(listener)
        self._listeners = (*self._listeners, heard)

        def stop() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not heard)

        return stop

    def __getstate__(self) -> dict[str, Any]:
        # A copy or a saved model must not drag the recorder and its open file along.
        return {**self.__dict__, "_listeners": ()}
