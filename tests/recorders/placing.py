"""Runs real models under a CallTracker and places every softmax of them; shared by tests."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812

from recorders.capture.calls import CallTracker
from recorders.capture.captured import Captured, Check, Ticket
from recorders.capture.nets.mode import NetMode
from recorders.capture.placement.pieces import UnplacedError
from recorders.capture.placement.place import Placement


@dataclass
class Seen:
    """What was placed: by site the pieces of each of its events, and what each pass brought."""

    placement: Placement
    events: dict = field(default_factory=dict)
    ended: list = field(default_factory=list)
    unplaced: dict = field(default_factory=dict)
    result: object = None

    def sites(self, part=""):
        return [site for site in self.events if part in site]

    def piece(self, site, step=0, example=0, beam=0):
        """The piece that one example is in; None where there is none."""
        for piece in self.events[site][step]:
            if piece.beam == beam and example in piece.examples:
                return piece
        return None

    def map(self, site, step=0, example=0, beam=0):
        piece = self.piece(site, step, example, beam)
        return piece.probabilities[list(piece.examples).index(example)].numpy()

    def tokens(self, axis=0, example=0, beam=0):
        """All tokens that came to an example: (step, position, id)."""
        found = []
        for ended in self.ended:
            for new in ended.tokens:
                if new.axis == axis:
                    mine = (new.examples == example) & (new.beams == beam)
                    ids, at = new.ids[mine].tolist(), new.positions[mine].tolist()
                    found += [
                        (new.step, position, id_) for position, id_ in zip(at, ids, strict=True)
                    ]
        return found


def place(
    model, run, batch=1, *, queries=None, seen_masks=False, sink=False, select=None, **options
):
    """Run ``run(model)`` and place what every softmax of it computes.

    ``seen_masks`` hands over as visible what has any mass, as a net does that knows the mask.
    """
    seen = Seen(None)

    def began(call):
        seen.placement.began(call)
        return NetMode(handlers, lambda: False)

    def ended(call):
        seen.ended.append(seen.placement.ended(call))

    handlers = {}
    tracker = CallTracker(model, began, ended)
    seen.placement = Placement(model, tracker, batch, **options)

    def take(p):
        p = p if p.ndim == 4 else p[:, None]
        site = tracker.path
        count = tracker.call.counts.get(site, 0)
        tracker.call.counts[site] = count + 1
        name = site if not count else f"{site}#{count + 1}"
        captured = Captured(
            p,
            Check(),
            visible=(p > 0) if seen_masks else None,
            sink=sink,
            selection=None if select is None else select(p),
        )
        ticket = Ticket(name, tracker.module, site, "test", tracker.call)
        try:
            pieces = seen.placement.pieces(ticket, captured, queries)
        except UnplacedError as problem:
            seen.unplaced[name] = str(problem)
        else:
            # Later layers may reuse the memory.
            seen.events.setdefault(name, []).append([_kept(piece) for piece in pieces])

    def softmax(function, args, kwargs):
        output = function(*args, **kwargs)
        if output.ndim >= 3:
            take(output.detach())
        return output

    def multihead(function, args, kwargs):
        more = {**kwargs, "need_weights": True, "average_attn_weights": False}
        take(function(*args, **more)[1])
        return function(*args, **kwargs)

    handlers[F.multi_head_attention_forward] = multihead
    handlers |= {F.softmax: softmax, torch.softmax: softmax, torch.Tensor.softmax: softmax}
    handlers |= seen.placement.handlers()
    tracker.open()
    try:
        with torch.no_grad():
            seen.result = run(model)
    finally:
        tracker.close()
        seen.placement.close()
    return seen


def _kept(piece):
    values = {**piece.__dict__, "probabilities": piece.probabilities.clone()}
    return type(piece)(**values)
