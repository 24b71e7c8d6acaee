"""The net on the attention interface of Hugging Face transformers.

It is the only place where the queries, keys, masks, soft-capping and sinks of a layer are at hand
together, before an implementation packs grouped heads or cuts a static cache.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn

from recorders.capture.captured import Captured, Check, Host, Ticket
from recorders.capture.nets import verification
from recorders.capture.nets.aside import CannotReadError, hand_over, unheard
from recorders.capture.nets.kinds import kind_of
from recorders.capture.nets.mode import Net
from recorders.capture.nets.scores import Answer, Part, Question, answer, as_given, part

NET = "transformers"

_MODULE = "transformers.modeling_utils"
_POSITIONAL = ("module", "query", "key", "value", "attention_mask")
_PACKED = frozenset({"cu_seq_lens_q", "cu_seqlens_q", "cache"})
_EAGER = "eager"
_FLASH = "flash"

Attention = Callable[..., Any]


class _Patch:
    """The one replacement of transformers' look-up of attention functions, for all open nets."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._nets: tuple[TransformersNet, ...] = ()
        self._owner: type | None = None
        self._name = ""
        self._original: Callable[..., Attention] | None = None
        self._ours: Callable[..., Attention] | None = None

    def add(self, net: TransformersNet) -> None:
        with self._lock:
            if net not in self._nets:
                self._nets = (*self._nets, net)
            if self._owner is None:
                self._apply()

    def remove(self, net: TransformersNet) -> None:
        with self._lock:
            self._nets = tuple(other for other in self._nets if other is not net)
            if not self._nets and self._owner is not None:
                self._undo()

    def _apply(self) -> None:
        # A model of transformers has loaded it; for any other model it need not be there at all.
        owner = getattr(sys.modules.get(_MODULE), "AttentionInterface", None)
        if owner is None:
            return
        # Up to transformers 4.57, models take functions from the interface as from a dict, and
        # call eager ones themselves.
        name = "get_interface" if hasattr(owner, "get_interface") else "__getitem__"
        original: Callable[..., Attention] = getattr(owner, name)

        def look_up(interface: Any, implementation: Any, *default: Any) -> Attention:
            function = original(interface, implementation, *default)
            for net in reversed(self._nets):
                function = partial(net.attend, function, implementation or _EAGER)
            return function

        inherited = name not in vars(owner)
        setattr(owner, name, look_up)
        self._owner, self._name, self._ours = owner, name, look_up
        self._original = None if inherited else original

    def _undo(self) -> None:
        # Where someone has replaced ours since, taking theirs away would be wrong; without nets,
        # ours changes nothing.
        if vars(self._owner).get(self._name) is self._ours:
            if self._original is None:
                delattr(self._owner, self._name)
            else:
                setattr(self._owner, self._name, self._original)
        self._owner = self._original = self._ours = None


_PATCH = _Patch()


class TransformersNet(Net):
    """Captures what every attention of a Hugging Face model attends to.

    Args:
        host: the recorder.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def open(self) -> None:
        """Begin to listen, where transformers is loaded; may be called again once it is."""
        _PATCH.add(self)

    def close(self) -> None:
        """Stop listening."""
        _PATCH.remove(self)

    def attend(self, function: Attention, implementation: str, *args: Any, **kwargs: Any) -> Any:
        """Run one attention function of transformers and capture what it attends to.

        Args:
            function: the attention function.
            implementation: its name in transformers, as ``eager`` or ``sdpa``.
            args: its arguments.
            kwargs: its arguments by name.
        """
        ticket = self._host.wants(NET)
        with self._host.muted():
            result = function(*args, **kwargs)
        if ticket is not None:
            named = dict(zip(_POSITIONAL, args, strict=False)) | kwargs
            layer = _Layer(implementation, named.pop("module"), named, result)
            tensors = [value for value in named.values() if isinstance(value, Tensor)]
            with unheard():
                work = partial(_captured, ticket, layer)
                hand_over(self._host, ticket, (*tensors, layer.output), work)
        return result


@dataclass(frozen=True, eq=False)
class _Layer:
    """One call of an attention function.

    Attributes:
        implementation: its name in transformers.
        module: the attention module.
        named: the other arguments by name.
        result: what it returned.
    """

    implementation: str
    module: nn.Module
    named: dict[str, Any]
    result: Any

    @property
    def query(self) -> Tensor:
        query: Tensor = self.named["query"]
        return query

    @property
    def key(self) -> Tensor:
        key: Tensor = self.named["key"]
        return key

    @property
    def value(self) -> Tensor:
        value: Tensor = self.named["value"]
        return value

    @property
    def output(self) -> Tensor:
        output: Tensor = self.result[0] if isinstance(self.result, tuple) else self.result
        return output

    @property
    def weights(self) -> Tensor | None:
        """The weights that it returned itself, [rows, heads, queries, keys]."""
        if not isinstance(self.result, tuple) or len(self.result) < 2:
            return None
        given: Tensor | None = self.result[1]
        rows = max(self.query.size(0), self.key.size(0))
        shape = (rows, *self.query.shape[1:3], self.key.size(2))
        if not isinstance(given, Tensor) or tuple(given.shape) != shape:
            return None
        return given

    @property
    def dropped(self) -> bool:
        """Whether dropout acts on the weights; implementations but eager always apply it."""
        p = self.named.get("dropout") or 0.0
        return p > 0 and (self.module.training or self.implementation != _EAGER)

    @property
    def head_mask(self) -> bool:
        """Whether the weights of whole heads are scaled, as transformers 4 can."""
        return any(self.named.get(name) is not None for name in ("head_mask", "layer_head_mask"))

    @property
    def causal(self) -> int | None:
        """Offset of the causal mask that the implementation makes by itself."""
        n_queries, n_keys = self.query.size(2), self.key.size(2)
        if self.implementation in (_EAGER, "flex_attention") or n_queries == 1:
            return None
        told = self.named.get("is_causal")
        if not (getattr(self.module, "is_causal", True) if told is None else told):
            return None
        if _FLASH in self.implementation:
            return n_keys - n_queries
        return None if self.named.get("attention_mask") is not None else 0

    def masks(self) -> tuple[Tensor, ...]:
        """All masks, as of a question."""
        masks = [self._mask(), self.named.get("position_bias"), self._window()]
        return tuple(mask for mask in masks if mask is not None)

    def _mask(self) -> Tensor | None:
        mask = self.named.get("attention_mask")
        if mask is None:
            return None
        if not isinstance(mask, Tensor):
            return _from_blocks(mask, self.query.size(2), self.key.size(2), self.query.device)
        if mask.dim() == 2 and _FLASH in self.implementation:
            return mask[:, None, None, -self.key.size(2) :].bool()
        return mask

    def _window(self) -> Tensor | None:
        window = self.named.get("sliding_window")
        if _FLASH not in self.implementation or window is None:
            return None
        n_queries, n_keys = self.query.size(2), self.key.size(2)
        keys = torch.arange(n_keys, device=self.query.device)
        queries = keys[n_keys - n_queries :, None]
        near: Tensor = keys > queries - window
        if self.causal is None:
            near &= keys < queries + window
        return near


def _captured(ticket: Ticket, layer: _Layer) -> Captured:
    if layer.query.dim() != 4:
        raise CannotReadError(
            f"its query has {layer.query.dim()} axes instead of rows, heads, queries and depth"
        )
    if any(layer.named.get(name) is not None for name in _PACKED):
        raise CannotReadError("its sequences are packed into one row, without a mask to tell them")
    kept = part(layer.query.shape, ticket.heads, ticket.queries)
    found = _answer(layer, kept)
    causal = layer.causal
    return Captured(
        found.probabilities,
        _check(ticket, layer, kept, found),
        kind=kind_of(
            layer.module,
            ticket.path,
            causal=causal is not None,
            same_length=layer.query.size(2) == layer.key.size(2),
        ),
        sink=layer.named.get("s_aux") is not None,
        visible=found.visible,
        n_heads=kept.n_heads if ticket.heads else 0,
        first_query=kept.queries.start,
        query_stride=kept.queries.step,
    )


def _answer(layer: _Layer, kept: Part) -> Answer:
    sinks = layer.named.get("s_aux")
    weights = layer.weights
    if weights is not None and not layer.dropped and not layer.head_mask:
        return _with_sink(as_given(weights, layer.masks(), kept), sinks)
    question = Question(
        layer.query,
        layer.key,
        masks=layer.masks(),
        causal=layer.causal,
        scale=layer.named.get("scaling"),
        softcap=layer.named.get("softcap"),
        sinks=sinks,
    )
    return answer(question, kept)


def _with_sink(found: Answer, sinks: Tensor | None) -> Answer:
    """The sink's mass, which the layer drops from its weights, as one more key."""
    if sinks is None:
        return found
    items = found.probabilities
    sink = (1 - items.sum(-1, keepdim=True, dtype=torch.float32)).clamp_(min=0).to(items.dtype)
    visible = found.visible
    if visible is not None:
        visible = torch.nn.functional.pad(visible, (0, 1), value=True)
    return Answer(torch.cat([items, sink], -1), visible, None)


def _check(ticket: Ticket, layer: _Layer, kept: Part, found: Answer) -> Check:
    if layer.dropped:
        return verification.DROPPED
    if layer.head_mask:
        return Check(reason="a head mask scales the weights")
    if not ticket.verify:
        return verification.OFF
    rows, heads, queries = layer.query.shape[:3]
    depth = layer.value.size(-1)
    output = layer.output
    # The interface asks for [rows, queries, heads, depth]; some implementations of models do not.
    if output.shape == (rows, queries, heads, depth):
        output = output.transpose(1, 2)
    elif output.shape == (rows, queries, heads * depth):
        output = output.view(rows, queries, heads, depth).transpose(1, 2)
    if output.shape[1:] != (heads, queries, depth):
        shown = "×".join(str(size) for size in output.shape)
        return Check(reason=f"the layer returned {shown}, not rows×queries×heads×depth")
    return verification.check(
        found.probabilities,
        kept.of(layer.value, queries=False),
        kept.of(output),
        alive=found.alive,
        tolerance=verification.tolerance_of(layer.query, layer.key, layer.value, output),
        thorough=ticket.thorough,
    )


def _from_blocks(mask: Any, n_queries: int, n_keys: int, device: torch.device) -> Tensor:
    """A mask of flex attention, which is a function, as a bool tensor."""
    rule = getattr(mask, "mask_mod", None)
    shape = getattr(mask, "shape", None)
    if rule is None or shape is None:
        raise CannotReadError(f"its mask is {type(mask).__name__}, which is no tensor")
    # Loaded already by who made the mask; too slow to load for everyone else.
    from torch.nn.attention.flex_attention import create_mask

    made: Tensor = create_mask(rule, shape[0], shape[1], n_queries, n_keys, device=str(device))
    return made
