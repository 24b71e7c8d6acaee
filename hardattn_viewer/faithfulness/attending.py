"""Hears what a model attends to while it runs, and lets some of its heads weigh otherwise.

One function mode for every model whose attention goes through ``scaled_dot_product_attention``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

from hardattn_viewer.faithfulness.errors import FaithfulnessError

_NAMES = (
    "query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa",
)  # fmt: skip
_MULTIHEAD = inspect.signature(functional.multi_head_attention_forward)


class AttendingError(FaithfulnessError):
    """A model's attention could not be heard or changed, in one sentence."""


@dataclass(eq=False)
class Call:
    """One call of ``scaled_dot_product_attention``.

    Attributes:
        site: its place in the forward pass, from 0 in the order in which attentions run.
        named: its arguments by name.
        output: what torch returned, ``[batch, heads, queries, width]``.
        weights: what its heads weigh by where they were changed, ``[batch, heads changed, queries,
            keys]``; None where torch's own output was kept.
        projection: the matrix that the output of all heads goes through next, ``[outputs,
            heads * width]``; None where none was seen to follow.
    """

    site: int
    named: Mapping[str, Any]
    output: Tensor
    weights: Tensor | None = None
    projection: Tensor | None = None

    @property
    def heads(self) -> int:
        """Heads of the attention, those of the queries where keys are shared."""
        return int(self.named["query"].shape[-3])

    @cached_property
    def probabilities(self) -> Tensor:
        """What it attends to, ``[batch, heads, queries, keys]``, with gradients by its inputs."""
        return probabilities(self.named)

    @cached_property
    def allowed(self) -> Tensor:
        """Which keys each query may attend to, bool, of the shape of the probabilities."""
        return _allowed(self.named).expand(self.probabilities.shape)

    @property
    def values(self) -> Tensor:
        """Values, ``[batch, heads, keys, width]``, repeated where heads share them."""
        value: Tensor = self.named["value"]
        return value.repeat_interleave(self.heads // self.named["key"].shape[-3], -3)

    @property
    def written(self) -> Tensor:
        """What each key would write at full weight, ``[batch, heads, keys, outputs]``.

        The value of each head through its part of the projection, without the projection's bias;
        the value itself where no projection follows.
        """
        if self.projection is None:
            return self.values
        parts = self.projection.reshape(len(self.projection), self.heads, -1)
        return torch.einsum("...hkw,ohw->...hko", self.values, parts.to(self.values.dtype))


Change = Callable[[Call, Tensor], Tensor | None]
"""From a call and the probabilities of its chosen heads ``[batch, heads, queries, keys]`` to what
they weigh by instead, of the same shape; None leaves them as they are."""


class Attending(TorchFunctionMode):
    """While it is entered, every ``scaled_dot_product_attention`` is heard, and may be changed.

    Heads that are not named, and sites that are not, return what they returned before, bit for
    bit: their output is torch's own. Heads that are changed return their weights times their
    values, without dropout.

    Args:
        change: what chosen heads weigh by instead; None changes nothing.
        site: which attention of one forward pass, from 0 in the order in which they run; None for
            every one of them.
        heads: heads of it, from 0; None for all.
        keep: whether each call is kept, with its tensors.

    Attributes:
        calls: how many attentions ran since it was entered.
        heads_seen: heads of each of them, in order.
        kept: the calls, where they are kept.

    Raises:
        ValueError: an argument that makes no sense.
        AttendingError: when it is left: no attention was called, or not the one that was named;
            or a head that it has not.

    Example:
        >>> with Attending(keep=True) as heard:  # doctest: +SKIP
        ...     model(**inputs)
        >>> heard.kept[3].probabilities[:, 5]  # doctest: +SKIP
    """

    error: ClassVar[type[AttendingError]] = AttendingError
    purpose: ClassVar[str] = "heard"

    def __init__(
        self,
        change: Change | None = None,
        *,
        site: int | None = None,
        heads: Sequence[int] | None = None,
        keep: bool = False,
    ) -> None:
        super().__init__()
        if site is not None and site < 0:
            raise ValueError(f"sites are counted from 0, not {site}")
        if heads is not None and (not heads or min(heads) < 0):
            raise ValueError(f"heads are counted from 0 and there is one at least, not {heads}")
        self._change, self._site, self._heads, self._keep = change, site, heads, keep
        self._projection: Tensor | None = None
        self.calls = 0
        self.heads_seen: list[int] = []
        self.kept: list[Call] = []

    def __enter__(self) -> Self:
        self.calls, self.heads_seen, self.kept = 0, [], []
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        if kind is not None:
            return
        if not self.calls:
            raise self.error(
                f"nothing was {self.purpose}: the model called no scaled_dot_product_attention; "
                'choose attn_implementation="sdpa" where it is a Hugging Face model, and '
                "need_weights=False where it is torch's own multi-head attention"
            )
        if self._site is not None and self._site >= self.calls:
            raise self.error(
                f"there is no attention {self._site}: the pass called {self.calls}, from 0"
            )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run a function of torch, and mend what heads of an attention return."""
        kwargs = kwargs or {}
        if func is scaled_dot_product_attention:
            return self._attend(*args, **kwargs)
        if func is functional.multi_head_attention_forward:
            # It calls the other by the name that the module has for it, where no mode hears it.
            functional.scaled_dot_product_attention = self._attend
            self._projection = _MULTIHEAD.bind(*args, **kwargs).arguments["out_proj_weight"]
            try:
                return func(*args, **kwargs)
            finally:
                functional.scaled_dot_product_attention = scaled_dot_product_attention
                self._projection = None
        if self.kept and func in (functional.linear, torch.addmm):
            self._followed(func, args, kwargs)
        return func(*args, **kwargs)

    def _attend(self, *args: Any, **kwargs: Any) -> Tensor:
        returned = scaled_dot_product_attention(*args, **kwargs)
        named = dict(zip(_NAMES, args, strict=False)) | kwargs
        call = Call(self.calls, named, returned, projection=self._projection)
        self.calls += 1
        self.heads_seen.append(call.heads)
        if self._change is not None and self._site in (None, call.site):
            call.output = self._mended(self._change, call)
        if self._keep:
            self.kept.append(call)
        return call.output

    def _mended(self, change: Change, call: Call) -> Tensor:
        count = call.heads
        heads = list(range(count)) if self._heads is None else list(self._heads)
        if max(heads) >= count:
            raise self.error(f"there is no head {max(heads)}: the attention has {count}")
        call.weights = change(call, call.probabilities[..., heads, :, :])
        if call.weights is None:
            return call.output
        mended = call.output.clone()
        mixed = call.weights @ call.values[..., heads, :, :]
        mended[..., heads, :, :] = mixed.to(mended.dtype)
        return mended

    def _followed(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Take the matrix of a linear map that reads just what the last attention returned."""
        call = self.kept[-1]
        places = (0, 1) if func is functional.linear else (1, 2)
        if call.projection is not None or len(args) <= places[1]:
            return
        given, matrix = args[places[0]], args[places[1]]
        joined = call.output.transpose(-3, -2).flatten(-2)
        if given.shape[-1:] != joined.shape[-1:] or given.numel() != joined.numel():
            return
        if torch.equal(given.reshape(joined.shape), joined):
            call.projection = matrix if func is functional.linear else matrix.T


def probabilities(named: Mapping[str, Any]) -> Tensor:
    """What a call of ``scaled_dot_product_attention`` attends to, ``[..., heads, queries, keys]``.

    Rows that may attend nowhere are zero.

    Args:
        named: its arguments by name.
    """
    query, key = named["query"], named["key"]
    groups = query.shape[-3] // key.shape[-3]
    key = key.repeat_interleave(groups, -3)
    scale = named.get("scale")
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    mask = named.get("attn_mask")
    if mask is None or mask.dtype == torch.bool:
        scores = scores.masked_fill(~_allowed(named), -math.inf)
    else:
        scores = scores + mask
    found: Tensor = scores.softmax(-1).nan_to_num(0.0)
    return found


def _allowed(named: Mapping[str, Any]) -> Tensor:
    """Which keys each query may attend to, bool, broadcast against the probabilities."""
    query, key, mask = named["query"], named["key"], named.get("attn_mask")
    shape = (query.shape[-2], key.shape[-2])
    if named.get("is_causal"):
        return torch.ones(shape, dtype=torch.bool, device=query.device).tril()
    if mask is None:
        return torch.ones(shape, dtype=torch.bool, device=query.device)
    if mask.dtype == torch.bool:
        return mask  # type: ignore[no-any-return]
    # Models write "hidden" as −inf or as the lowest number of the dtype.
    return mask > torch.finfo(mask.dtype).min / 2  # type: ignore[no-any-return]
