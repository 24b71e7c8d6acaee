"""A recorder that only collects what the dataflow nets hand over, on real tracker and mode."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

import torch

from recorders.capture.calls import CallTracker, in_backward
from recorders.capture.captured import Captured, Place, Ticket
from recorders.capture.nets.dataflow.net import DataflowNet
from recorders.capture.nets.mode import NetMode


@dataclass
class Seen:
    """One event that was handed over, its values copied."""

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

    @property
    def selection(self):
        return self.captured.selection


class FlowHost:
    """Collects while ``listening()``; every pass and site is wanted."""

    def __init__(self, model, wanted=lambda net, site: True):
        self.seen = []
        self.left_out = {}
        self.remarks = []
        self._wanted = wanted
        self.net = DataflowNet(self)
        handlers = self.net.handlers()
        self.tracker = CallTracker(
            model,
            lambda call: NetMode(handlers, lambda: self.tracker.is_muted),
            self.net.ended,
        )

    @contextmanager
    def listening(self):
        self.tracker.open()
        try:
            yield self
        finally:
            self.tracker.close()

    def wants(self, net, suffix="", sure=True):
        call = self.tracker.call
        path = self.tracker.path + suffix
        if call is None or in_backward() or not self._wanted(net, path):
            return None
        count = call.counts[path] = call.counts.get(path, 0) + 1
        site = path if count == 1 else f"{path}#{count}"
        return Ticket(site, self.tracker.module, self.tracker.path, net, call)

    def take(self, ticket, captured):
        self.seen.append(Seen(ticket, captured, captured.probabilities.clone()))

    def confirm(self, ticket):
        return True

    def no_query(self, ticket):
        self.left_out[ticket.site] = "no query"

    def leave_out(self, ticket, reason):
        self.left_out[ticket.site] = reason

    def changed(self, sentence):
        raise AssertionError(sentence)

    def place(self, net):
        call = self.tracker.call
        if call is None or in_backward() or not self._wanted(net, self.tracker.path):
            return None
        return Place(self.tracker.module, self.tracker.path)

    def remark(self, place, sentence):
        self.remarks.append(f"{place.path}: {sentence}")

    def muted(self):
        return self.tracker.muted()


@contextmanager
def following(model, **options):
    """Run a model inside; afterwards ``seen`` has what the nets handed over."""
    with FlowHost(model, **options).listening() as host:
        yield host
