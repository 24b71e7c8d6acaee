"""A recorder that only collects what the nets hand over, on the real tracker and function mode."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from recorders.capture.calls import CallTracker, in_backward
from recorders.capture.captured import Captured, Ticket
from recorders.capture.nets.dot_product import DotProductNet
from recorders.capture.nets.mode import NetMode, together
from recorders.capture.nets.multihead import MultiheadNet
from recorders.capture.nets.transformers import TransformersNet

NETS = (TransformersNet, MultiheadNet, DotProductNet)


@dataclass
class Seen:
    """One attention that was handed over, copied."""

    ticket: Ticket
    captured: Captured
    probabilities: torch.Tensor

    @property
    def site(self):
        return self.ticket.site

    @property
    def net(self):
        return self.ticket.net

    @property
    def check(self):
        return self.captured.check


@dataclass
class CollectingHost:
    """Collects while ``listening()``; policies as the recorder's.

    Args:
        model: the model.
        heads: heads to ask for.
        queries: queries to ask for.
        verify: whether to ask for verification.
        keep: whether to copy what is handed over; without it only its error is kept.
    """

    model: torch.nn.Module
    heads: tuple[int, ...] | None = None
    queries: slice | None = None
    verify: bool = True
    keep: bool = True
    seen: list[Seen] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    calls: int = 0

    def __post_init__(self):
        self.nets = [kind(self) for kind in NETS]
        self.handlers = together(*(net.handlers() for net in self.nets))
        self.tracker = CallTracker(self.model, self._began, lambda call: None)

    @contextmanager
    def listening(self):
        for net in self.nets:
            net.open()
        self.tracker.open()
        try:
            yield self
        finally:
            self.tracker.close()
            for net in self.nets:
                net.close()

    def wants(self, net, suffix="", sure=True):
        call = self.tracker.call
        if call is None or self.tracker.is_muted or in_backward():
            return None
        path = self.tracker.path + suffix
        count = call.counts[path] = call.counts.get(path, 0) + 1
        site = path if count == 1 else f"{path}#{count}"
        return Ticket(
            site,
            self.tracker.module,
            self.tracker.path,
            net,
            call,
            heads=self.heads,
            queries=self.queries,
            verify=self.verify,
        )

    def take(self, ticket, captured):
        copy = captured.probabilities.clone() if self.keep else captured.probabilities.new_empty(0)
        self.seen.append(Seen(ticket, captured, copy))

    def confirm(self, ticket):
        return True

    def no_query(self, ticket):
        self.left_out[ticket.site] = "no query"

    def leave_out(self, ticket, reason):
        self.left_out.setdefault(ticket.site, reason)

    def changed(self, sentence):
        if sentence not in self.changes:
            self.changes.append(sentence)

    def muted(self):
        return self.tracker.muted()

    def _began(self, call):
        self.calls += 1
        return NetMode(self.handlers, lambda: self.tracker.is_muted)


@contextmanager
def recorded(model, **policies):
    """Run a model inside; afterwards ``seen`` has what the nets handed over."""
    with CollectingHost(model, **policies).listening() as host:
        yield host
