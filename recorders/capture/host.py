"""Listening to a model that nobody prepared: the nets, the passes they see, and the recording."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from recorders.capture.calls import CallTracker, in_backward
from recorders.capture.captured import Call, Captured, Host, Place, Ticket
from recorders.capture.events import Block, SiteFacts
from recorders.capture.examples import OpenExamples
from recorders.capture.nets.dataflow.net import DataflowNet
from recorders.capture.nets.dot_product import DotProductNet
from recorders.capture.nets.mode import Function, Handler, Net, NetMode, together
from recorders.capture.nets.multihead import MultiheadNet
from recorders.capture.nets.transformers import TransformersNet
from recorders.capture.placement.pieces import Piece, UnplacedError
from recorders.capture.placement.place import Placement
from recorders.capture.recording import Recording
from recorders.capture.rows import entropy_of_rows, flaw_of, on_cpu

NETS: dict[str, Callable[[Host], Net]] = {
    "transformers": TransformersNet,
    "sdpa": DotProductNet,
    "multihead": MultiheadNet,
    "softmax": DataflowNet,
    "choice": DataflowNet,
}
"""Every net by the name that a site's ``capture`` gives it, the outermost first."""

_NUMBER = re.compile(r"(?:^|\.)(\d+)(?=\.|$)")
_OPENED = "examples"
# Nets that compute weights themselves, and then only those that are wanted.
_COMPUTING = frozenset({"transformers", "sdpa", "multihead"})


class NetHost:
    """What the nets ask for leave and hand over to; see ``captured.Host``.

    Args:
        model: the model.
        recording: where it goes.
        tokenizer: turns token numbers into tokens, or None.
        is_told: whether a tap or the caller tells what the module at a path attends to.
        repeats: ``sites`` makes each further attention of a module in one pass a site of its own,
            ``steps`` the next step of the same site.
        verify: ``all``, ``some`` or ``none``; see ``Recorder``.
        excused: wraps what may fail because of the disk.

    Attributes:
        missed: whether the model ran while no example was open.
        ran: whether it ran while one was.
    """

    def __init__(
        self,
        model: nn.Module,
        recording: Recording,
        *,
        tokenizer: Any,
        is_told: Callable[[str], bool],
        repeats: str,
        verify: str,
        excused: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._model = model
        self._recording = recording
        self._tokenizer = tokenizer
        self._is_told = is_told
        self._repeats = repeats
        self._verify = verify
        self._excused = excused
        self._tracker = CallTracker(model, self._began, self._ended)
        self._nets: list[Net] = []
        self._names: frozenset[str] = frozenset()
        self._handlers: dict[Function, Handler] = {}
        self._stack = ExitStack()
        self._remarked: set[str] = set()
        self.missed = False
        self.ran = False

    def open(self, nets: Collection[str]) -> None:
        """Begin to listen by the nets of these names."""
        self._names = frozenset(nets)
        self._nets = nets_named(nets, self)
        self._handlers = together(*(net.handlers() for net in self._nets))
        for net in self._nets:
            net.open()
            self._stack.callback(net.close)
        if "torch._dynamo" in sys.modules:
            # A compiled model computes its attention where no net can see it.
            self._stack.enter_context(torch.compiler.set_stance("force_eager"))
            if _compiled(self._model):
                self.changed("torch.compile was switched off: the model ran eagerly")
        self._tracker.open()
        self._stack.callback(self._tracker.close)

    def close(self) -> None:
        """Stop listening; nothing that ``open`` did is left behind."""
        self._stack.close()

    def muted(self) -> AbstractContextManager[None]:
        """While inside, other nets are silent in this thread."""
        return self._tracker.muted()

    def wants(self, net: str, suffix: str = "", *, sure: bool = True) -> Ticket | None:
        """Leave to capture what the module running now computes; see ``captured.Host``."""
        call = self._tracker.call
        if call is None or net not in self._names or self._tracker.is_muted or in_backward():
            return None
        opened: OpenExamples | None = call.notes.get(_OPENED)
        if opened is None:
            self.missed = True
            return None
        path, module = self._tracker.path, self._tracker.module
        if self._is_told(path):
            return None
        name = (path or type(module).__name__) + suffix
        count = call.counts[name] = call.counts.get(name, 0) + 1
        site = f"{name}#{count}" if count > 1 and self._repeats == "sites" else name
        recording = self._recording
        if not self._is_due(site, path, opened) if sure else not opened.kept.any():
            return None
        return Ticket(
            site,
            module,
            path,
            net,
            call,
            layer=_layer(module, path),
            heads=recording.policy.heads,
            queries=_queries_before(net, call, recording.policy.queries),
            verify=self._verify != "none",
            thorough=self._verify == "all",
            sure=sure,
        )

    def confirm(self, ticket: Ticket) -> bool:
        """Whether an attention that was not sure is to be captured; see ``captured.Host``."""
        return self._is_due(ticket.site, ticket.path, ticket.call.notes[_OPENED])

    def take(self, ticket: Ticket, captured: Captured) -> None:
        """Record what was captured; see ``captured.Host``."""
        opened: OpenExamples = ticket.call.notes[_OPENED]
        with self._excused():
            try:
                blocks, facts = self._prepared(ticket, captured, opened)
            except UnplacedError as problem:
                self._leave_out(ticket, str(problem), opened)
                return
            if not blocks:
                self.no_query(ticket)
                return
            if self._recording.add(ticket.site, facts, opened, blocks, captured.check):
                warnings.warn(
                    f"site {ticket.site!r}: what was captured is not what the model used (relative "
                    f"error {captured.check.error:.2g}); the run says so",
                    RuntimeWarning,
                    stacklevel=2,
                )

    def leave_out(self, ticket: Ticket, reason: str) -> None:
        """Say why something was not recorded; see ``captured.Host``."""
        self._leave_out(ticket, reason, ticket.call.notes[_OPENED])

    def no_query(self, ticket: Ticket) -> None:
        """Count an attention without a query to keep; see ``captured.Host``."""
        opened: OpenExamples = ticket.call.notes[_OPENED]
        opened.called(ticket.site)
        self._recording.ledger.no_query(int(opened.kept.sum()))

    def changed(self, sentence: str) -> None:
        """Say what recording changed about how the model ran; see ``captured.Host``."""
        self._recording.ledger.changed(sentence)

    def place(self, net: str) -> Place | None:
        """Where the model is now; see ``captured.Host``."""
        call, path = self._tracker.call, self._tracker.path
        if call is None or net not in self._names or in_backward() or _OPENED not in call.notes:
            return None
        place = Place(self._tracker.module, path)
        wanted = self._recording.policy.wants_site(_name(place), path)
        return place if wanted and not self._is_told(path) else None

    def remark(self, place: Place, sentence: str) -> None:
        """Say what the reader should know about a place; see ``captured.Host``."""
        name = _name(place)
        if name not in self._remarked:
            self._remarked.add(name)
            self._recording.ledger.remark(f"{name}: {sentence}")

    def _is_due(self, site: str, path: str, opened: OpenExamples) -> bool:
        """Whether the next event of a site is recorded; if not, it counts as left out."""
        if self._recording.policy.wants_site(site, path):
            return self._recording.due(site, opened)
        self._recording.ledger.site(site)
        return False

    def _leave_out(self, ticket: Ticket, reason: str, opened: OpenExamples) -> None:
        opened.called(ticket.site)
        if self._recording.ledger.unknown(ticket.site, reason, int(opened.kept.sum())):
            warnings.warn(
                f"site {ticket.site!r} is not recorded: {reason}", RuntimeWarning, stacklevel=3
            )

    def _began(self, call: Call) -> NetMode:
        opened = self._recording.current
        handlers = self._handlers
        if opened is None:
            self.missed = True
        else:
            self.ran = True
            call.notes[_OPENED] = opened
            if opened.placement is None:
                opened.placement = Placement(
                    self._model,
                    self._tracker,
                    opened.batch,
                    tokenizer=self._tokenizer,
                    token_counts=opened.token_counts,
                    input_boxes=opened.input_boxes,
                )
            opened.placement.began(call)
            handlers = together(handlers, opened.placement.handlers())
        return NetMode(handlers, lambda: self._tracker.is_muted)

    def _ended(self, call: Call) -> None:
        opened: OpenExamples | None = call.notes.get(_OPENED)
        if opened is None or opened.placement is None:
            return
        for net in self._nets:
            net.ended(call)
        with self._excused():
            self._recording.ended(opened, opened.placement.ended(call))
            for sentence in opened.placement.remarks:
                self._recording.ledger.remark(sentence)

    def _prepared(
        self, ticket: Ticket, captured: Captured, opened: OpenExamples
    ) -> tuple[list[Block], SiteFacts]:
        """What the recording takes, from what a net saw; no blocks where no query is left.

        Raises:
            UnplacedError: it cannot be told which examples it belongs to, or is nothing to record.
        """
        half = captured.probabilities.dtype not in (torch.float32, torch.float64)
        flaw = flaw_of(captured.probabilities, half=half)
        if flaw or opened.placement is None:
            raise UnplacedError(flaw)
        policy, ledger = self._recording.policy, self._recording.ledger
        captured = _of_heads(captured, policy.heads)
        if captured.n_heads > captured.probabilities.shape[1]:
            ledger.heads()
        pieces = opened.placement.pieces(
            ticket, captured, policy.queries if ticket.queries is None else None
        )
        if policy.queries is not None:
            ledger.queries()
        facts = SiteFacts(
            captured.kind,
            captured.mechanism,
            capture=ticket.net,
            verified="",
            layer=ticket.layer,
            module=type(ticket.module).__name__,
        )
        if pieces:
            first = pieces[0]
            facts = replace(
                facts,
                key_axis=first.key_axis,
                query_axis=first.query_axis,
                special_keys=first.special_keys,
            )
        return [_block(piece, captured) for piece in pieces], facts


def _name(place: Place) -> str:
    """What a site there is called."""
    return place.path or type(place.module).__name__


def nets_named(names: Collection[str], host: Host) -> list[Net]:
    """The nets of these names, ready to be opened; NETS are all there are."""
    kinds = dict.fromkeys(kind for name, kind in NETS.items() if name in names)
    return [kind(host) for kind in kinds]


def _block(piece: Piece, captured: Captured) -> Block:
    """One piece with its exact entropies, on the CPU."""
    probabilities = on_cpu(piece.probabilities)
    rows = probabilities.shape[:-1]
    log_prob = np.full(rows, np.nan)
    if piece.log_prob is not None:
        log_prob = on_cpu(piece.log_prob).double().numpy()
    return Block(
        piece.examples,
        probabilities.numpy(),
        log_prob,
        entropy_of_rows(probabilities),
        None if piece.selection is None else piece.selection.detach().cpu().numpy(),
        float("nan") if captured.temperature is None else captured.temperature,
        piece.first_query,
        piece.query_stride,
        piece.first_key,
        piece.first_region,
        piece.boxes,
        piece.windows,
        piece.sink,
        piece.beam,
    )


def _queries_before(net: str, call: Call, queries: slice | None) -> slice | None:
    """The queries that a net may leave the others out of before it computes.

    Where a mask tells of padding, which queries are an example's last differs from row to row; and
    without its last queries a causal attention does not show how many keys there are.
    """
    if queries is None or queries.stop is not None or net not in _COMPUTING:
        return None
    masks = (value for name, value in call.inputs.items() if "mask" in name)
    return None if any(isinstance(mask, torch.Tensor) for mask in masks) else queries


def _of_heads(captured: Captured, heads: tuple[int, ...] | None) -> Captured:
    """The heads to keep, where the net has not left out the others already.

    Raises:
        UnplacedError: there is no such head.
    """
    total = captured.probabilities.shape[1]
    if heads is None or captured.n_heads:
        return captured
    if max(heads) >= total:
        raise UnplacedError(f"head {max(heads)} was asked for, but it has {total}")
    kept = list(heads)
    visible = captured.visible
    if visible is not None and visible.ndim == 4 and visible.shape[1] > 1:
        visible = visible[:, kept]
    return replace(
        captured,
        probabilities=captured.probabilities[:, kept],
        selection=None if captured.selection is None else captured.selection[:, kept],
        log_prob=None if captured.log_prob is None else captured.log_prob[:, kept],
        visible=visible,
        n_heads=total,
    )


def _compiled(model: nn.Module) -> bool:
    """Whether any part of a model was compiled."""
    return any(
        getattr(part, "_compiled_call_impl", None) is not None or hasattr(part, "_orig_mod")
        for part in model.modules()
    )


def _layer(module: nn.Module | None, path: str) -> int:
    """The layer that a module belongs to: what it says itself, or the first number in its path."""
    told = getattr(module, "layer_idx", None)
    if isinstance(told, int) and told >= 0:
        return told
    found = _NUMBER.search(path)
    return int(found[1]) if found else -1
