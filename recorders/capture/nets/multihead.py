"""The net on torch's multi_head_attention_forward: nn.MultiheadAttention, nn.Transformer layers."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from recorders.capture.captured import Captured, Check, Host, Ticket
from recorders.capture.nets import verification
from recorders.capture.nets.aside import hand_over, unheard
from recorders.capture.nets.kinds import CROSS, SELF, kind_of
from recorders.capture.nets.mode import Function, Handler, Net
from recorders.capture.nets.scores import Answer, Part, Question, answer, part

NET = "multihead"

_SIGNATURE = inspect.signature(functional.multi_head_attention_forward)
_FUSED = (
    "nn.MultiheadAttention and nn.TransformerEncoderLayer ran without their fused fast path, "
    "which shows no weights; their outputs differ from it by rounding, and rows of padding hold "
    "numbers where it may give zeros"
)


@dataclass(frozen=True, eq=False)
class _Heads:
    """Queries, keys and values of the heads, [rows, heads, items, depth].

    Attributes:
        query: of the layer.
        key: of the layer; those that are no item come last.
        value: as the keys.
        masks: as of a question.
        causal: as of a question.
        more: keys that are no item: a learned one, one of zeros.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    masks: tuple[Tensor, ...]
    causal: int | None
    more: int


class MultiheadNet(Net):
    """Captures what ``torch.nn.functional.multi_head_attention_forward`` attends to.

    It averages its weights over the heads or returns none, so they are computed from its inputs.

    Args:
        host: the recorder.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def handlers(self) -> dict[Function, Handler]:
        """What the function mode hands over."""
        return {functional.multi_head_attention_forward: self._attend}

    def _attend(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        ticket = self._host.wants(NET)
        with self._host.muted():
            result = function(*args, **kwargs)
        if ticket is None:
            return result
        bound = _SIGNATURE.bind(*args, **kwargs)
        bound.apply_defaults()
        given = SimpleNamespace(**bound.arguments)
        output = result[0]
        tensors = [value for value in bound.arguments.values() if isinstance(value, Tensor)]
        with unheard():
            if _would_be_fused(ticket.module, given):
                self._host.changed(_FUSED)
            work = partial(_captured, ticket, given, output)
            hand_over(self._host, ticket, (*tensors, output), work)
        return result


def _captured(ticket: Ticket, given: SimpleNamespace, output: Tensor) -> Captured:
    heads = _projected(given, output.dtype)
    wanted = part(heads.query.shape, ticket.heads, ticket.queries)
    dropped = given.training and given.dropout_p > 0
    verify = ticket.verify and not dropped
    # The output mixes all heads, so that comparing with it takes them all.
    kept = Part(wanted.n_heads, None, wanted.queries) if verify else wanted
    found = answer(Question(heads.query, heads.key, heads.masks, heads.causal), kept)
    if dropped:
        check = verification.DROPPED
    elif not ticket.verify:
        check = verification.OFF
    else:
        check = _check(given, heads, found, kept, output)
    probabilities, visible = found.probabilities, found.visible
    if verify and wanted.heads is not None:
        shown = Part(wanted.n_heads, wanted.heads, range(len(wanted.queries)))
        probabilities = shown.of(probabilities)
        visible = None if visible is None else shown.of(visible)
    if heads.more > 1:
        probabilities, visible = _as_one_sink(probabilities, visible, heads.more)
    return Captured(
        probabilities,
        check,
        kind=_kind(ticket, given, heads),
        sink=heads.more > 0,
        visible=visible,
        n_heads=wanted.n_heads if ticket.heads else 0,
        first_query=wanted.queries.start,
        query_stride=wanted.queries.step,
    )


def _projected(given: SimpleNamespace, worked: torch.dtype) -> _Heads:
    """Project as the layer did, in the type that it worked in, be it autocast's."""
    inputs = [given.query, given.key, given.value]
    # Without a batch, they are [items, depth].
    query, key, value = (t if t.dim() == 3 else t[:, None] for t in inputs)
    n_rows, n_heads = query.size(1), given.num_heads
    weights, biases = _projections(given)
    queries, keys, values = (
        functional.linear(
            source.to(worked), weight.to(worked), None if bias is None else bias.to(worked)
        )
        for source, weight, bias in zip((query, key, value), weights, biases, strict=True)
    )
    more = 0
    if given.bias_k is not None:
        keys = torch.cat([keys, given.bias_k.to(worked).expand(1, n_rows, -1)])
        values = torch.cat([values, given.bias_v.to(worked).expand(1, n_rows, -1)])
        more += 1
    keys = _per_head(keys, n_heads, given.static_k)
    values = _per_head(values, n_heads, given.static_v)
    if given.add_zero_attn:
        keys, values = (functional.pad(t, (0, 0, 0, 1)) for t in (keys, values))
        more += 1
    masks, causal = _masks(given, n_rows, more)
    return _Heads(_per_head(queries, n_heads, None), keys, values, masks, causal, more)


def _projections(given: SimpleNamespace) -> tuple[list[Tensor], list[Tensor | None]]:
    if given.use_separate_proj_weight:
        weights = [given.q_proj_weight, given.k_proj_weight, given.v_proj_weight]
    else:
        weights = list(given.in_proj_weight.chunk(3))
    bias = given.in_proj_bias
    return weights, [None, None, None] if bias is None else list(bias.chunk(3))


def _per_head(tensor: Tensor, n_heads: int, static: Tensor | None) -> Tensor:
    """[items, rows, heads x depth], or a static [rows x heads, items, depth], by heads."""
    n_rows = tensor.size(1)
    if static is not None:
        return static.view(n_rows, n_heads, *static.shape[1:])
    return tensor.view(tensor.size(0), n_rows, n_heads, -1).permute(1, 2, 0, 3)


def _masks(given: SimpleNamespace, n_rows: int, more: int) -> tuple[tuple[Tensor, ...], int | None]:
    padding, mask = given.key_padding_mask, given.attn_mask
    causal = None
    if given.is_causal and padding is None and not given.need_weights:
        # The mask is then only a hint, and the kernel's own causal mask is used.
        mask, causal = None, 0
    masks = []
    if mask is not None:
        mask = mask[None, None] if mask.dim() == 2 else mask.view(n_rows, -1, *mask.shape[1:])
        masks.append(_visible(mask, more))
    if padding is not None:
        padding = padding if padding.dim() == 2 else padding[None]
        masks.append(_visible(padding[:, None, None], more))
    return tuple(masks), causal


def _visible(mask: Tensor, more: int) -> Tensor:
    """A mask of items to ignore as one of items to see; keys that are no item are seen by all."""
    if mask.dtype == torch.bool:
        return functional.pad(mask.logical_not(), (0, more), value=True)
    return functional.pad(mask, (0, more))


def _check(
    given: SimpleNamespace, heads: _Heads, found: Answer, kept: Part, output: Tensor
) -> Check:
    """Compare weights times values, projected, with what the layer returned."""
    exact = found.probabilities.dtype
    returned = output if output.dim() == 3 else output[:, None]
    returned = returned[kept.queries.start : kept.queries.stop : kept.queries.step].transpose(0, 1)
    mixed = (found.probabilities @ heads.value.to(exact)).transpose(1, 2).flatten(2)
    bias = given.out_proj_bias
    expected = functional.linear(
        mixed, given.out_proj_weight.to(exact), None if bias is None else bias.to(exact)
    )
    difference = expected.sub_(returned)
    if found.alive is not None:
        # One head that sees nothing is enough to make the whole row NaN.
        dead = ~found.alive.all(1)
        difference = difference.masked_fill(dead, 0)
        returned = returned.masked_fill(dead, 0)
    error = verification.relative_error(
        float(difference.abs().amax()), float(returned.abs().amax())
    )
    return Check(error, verification.tolerance_of(given.query, given.key, given.value, output))


def _as_one_sink(
    probabilities: Tensor, visible: Tensor | None, more: int
) -> tuple[Tensor, Tensor | None]:
    """The mass on all keys that are no item as one last key."""
    items = probabilities.size(-1) - more
    sink = probabilities[..., items:].sum(-1, keepdim=True)
    probabilities = torch.cat([probabilities[..., :items], sink], -1)
    return probabilities, None if visible is None else visible[..., : items + 1]


def _kind(ticket: Ticket, given: SimpleNamespace, heads: _Heads) -> str:
    if given.query is given.key:
        return SELF
    told = kind_of(ticket.module, ticket.path, causal=heads.causal is not None)
    if told:
        return told
    if _is_of_decoder_layer(ticket):
        return CROSS
    # No cache lengthens the keys here, so that another length is another sequence.
    return CROSS if given.query.size(0) != given.key.size(0) else ""


def _is_of_decoder_layer(ticket: Ticket) -> bool:
    """Whether this is torch's own decoder layer attending to what the encoder gave."""
    path = ticket.path.removeprefix(ticket.call.path).removeprefix(".")
    parent, _, name = path.rpartition(".")
    try:
        owner = ticket.call.module.get_submodule(parent)
    except AttributeError:
        # torch.compile and wrappers of its kind have a module in between that paths leave out.
        return False
    return isinstance(owner, nn.TransformerDecoderLayer) and name == "multihead_attn"


def _would_be_fused(module: nn.Module | None, given: SimpleNamespace) -> bool:
    """Whether torch computes this layer in one native call while no function mode is active."""
    if not isinstance(module, nn.MultiheadAttention) or module.training or not module.batch_first:
        return False
    parameters = (given.in_proj_weight, given.in_proj_bias, given.out_proj_weight)
    trained = torch.is_grad_enabled() and any(
        t is not None and t.requires_grad for t in (given.query, *parameters)
    )
    return (
        not trained
        and torch.backends.mha.get_fastpath_enabled()
        and not torch.is_autocast_enabled()
        and not given.use_separate_proj_weight
        and given.bias_k is None
        and not given.add_zero_attn
        and given.query.dim() == 3
        and given.query is given.key
        and given.key is given.value
        and given.num_heads % 2 == 0
    )
