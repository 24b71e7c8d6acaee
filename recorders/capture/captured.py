"""What a net hands over about one attention, and what it asks of the recorder that it works for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn


@dataclass(frozen=True)
class Check:
    """Whether what was captured is what the layer used.

    Attributes:
        error: largest absolute difference between captured probabilities times values and what the
            layer returned, divided by the largest absolute value that it returned; None where the
            two could not be compared.
        tolerance: error above which the two do not agree.
        reason: why they could not be compared, or empty.
    """

    error: float | None = None
    tolerance: float = 0.0
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether the two were compared and do not agree; a NaN does not."""
        return self.error is not None and not self.error <= self.tolerance


@dataclass(frozen=True, eq=False)
class Captured:
    """What one attention did, for every row of the model's batch.

    Attributes:
        probabilities: float [rows, heads, queries, keys], outside the graph; each row sums to 1,
            or to 0 where the mask leaves nothing to attend to. May be the model's own memory: it is
            used up before the model goes on.
        check: whether it is what the layer used.
        kind: ``self``, ``cross`` … or empty where unknown.
        mechanism: ``soft``, ``argmax``, ``sampled`` … as a site's.
        selection: int64 [rows, heads, queries, n_selected], or None where attention blends.
        log_prob: float [rows, heads, queries], nat, or None.
        temperature: of the distribution, or None.
        sink: whether the last key is a learned sink, which no item is.
        visible: bool, broadcastable to ``probabilities``: what the mask lets each query attend
            to; None where everything is visible or the mask is unknown.
        n_heads: heads of the layer, where ``Ticket.heads`` was applied; 0 where all are here.
        first_query: position of the first query among the layer's queries, where ``Ticket.queries``
            was applied.
        query_stride: positions from one query to the next.
    """

    probabilities: Tensor
    check: Check
    kind: str = ""
    mechanism: str = "soft"
    selection: Tensor | None = None
    log_prob: Tensor | None = None
    temperature: float | None = None
    sink: bool = False
    visible: Tensor | None = None
    n_heads: int = 0
    first_query: int = 0
    query_stride: int = 1


@dataclass(eq=False)
class Call:
    """One outermost forward pass of the model, or of a part of it that was called by itself.

    Attributes:
        module: the module that was called.
        path: its path in the model; empty for the model itself.
        inputs: its arguments by their names in the signature of ``forward``.
        counts: attentions of each site seen in this pass, by site name without call number.
        notes: where a net keeps what it must remember until the pass ends, by the net's name.
    """

    module: nn.Module
    path: str
    inputs: Mapping[str, Any]
    counts: dict[str, int] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Ticket:
    """The recorder's leave to capture one attention, asked for before anything is computed.

    Attributes:
        site: name of the site: module path, and ``#2`` from the second call in a pass on.
        module: the innermost module that runs, None outside of all.
        path: the path of the innermost module that is part of the model.
        net: the net that asked.
        call: the pass it happens in.
        layer: layer of the model, from 0; -1 for unknown.
        heads: heads to keep, which a net may apply before it computes (and then sets
            ``Captured.n_heads``); None for all.
        queries: queries to keep, which a net may apply before it computes (and then sets
            ``Captured.first_query`` and ``query_stride``); None where it must not.
        verify: whether to compare with the layer's output.
        thorough: whether to compare every query of a long map, or every few.
        sure: whether it is an attention for certain. Of what is not, ``Host.confirm`` must be asked
            once it is.
    """

    site: str
    module: nn.Module | None
    path: str
    net: str
    call: Call
    layer: int = -1
    heads: tuple[int, ...] | None = None
    queries: slice | None = None
    verify: bool = True
    thorough: bool = True
    sure: bool = True


@dataclass(frozen=True, eq=False)
class Place:
    """Where in the model something was computed.

    Attributes:
        module: the innermost module that runs, None outside of all.
        path: the path of the innermost module that is part of the model.
    """

    module: nn.Module | None
    path: str


class Host(Protocol):
    """What a net asks of the recorder."""

    def wants(self, net: str, suffix: str = "", *, sure: bool = True) -> Ticket | None:
        """Leave to capture the attention that the module running now computes.

        Args:
            net: name of the net, as a site's ``capture``.
            suffix: added to the module path in the site's name, for example ``:argmax``.
            sure: whether it is an attention for certain. Of what may turn out to be none, nothing
                is counted as left out before ``confirm``.

        Returns:
            None where it is not to be captured: no example is open, a policy leaves it out, or it
            is a recomputation of what was captured already.
        """

    def confirm(self, ticket: Ticket) -> bool:
        """Say that what was not sure is an attention. Returns whether it is to be captured."""

    def take(self, ticket: Ticket, captured: Captured) -> None:
        """Record what was captured, before the model goes on.

        Raises:
            OSError: the disk refused.
            ValueError: the values are no probabilities.
        """

    def leave_out(self, ticket: Ticket, reason: str) -> None:
        """Say, once a site, in the run and as a warning, why something was not recorded."""

    def no_query(self, ticket: Ticket) -> None:
        """Count an attention that has none of the queries that are asked for."""

    def changed(self, sentence: str) -> None:
        """Say, once, in the run, what recording changed about how the model ran."""

    def place(self, net: str) -> Place | None:
        """Where the model is now, for a later ``remark``; None where it is not to be captured."""

    def remark(self, place: Place, sentence: str) -> None:
        """Say, once a place, in the run, what the reader of the run should know about it."""

    def muted(self) -> AbstractContextManager[None]:
        """While inside, other nets are silent in this thread: the outermost wins."""
