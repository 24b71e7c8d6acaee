"""A soft model run hard: some of its heads look at one item where they used to blend.

What that changes in the output is what a head's blending is worth to the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import torch
from torch import Generator, Tensor
from torch.nn import functional
from torch.nn.functional import one_hot, scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

HOW = ("argmax", "sample", "temperature")
_NAMES = (
    "query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa",
)  # fmt: skip


class HardeningError(RuntimeError):
    """A model could not be run hard, in one sentence."""


class Hardened(TorchFunctionMode):
    """While it is entered, heads of ``scaled_dot_product_attention`` attend hard.

    Heads that are not named, and sites that are not, return what they returned before, bit for
    bit: their output is torch's own.

    Args:
        site: which attention of one forward pass, from 0 in the order in which they run; None for
            every one of them.
        heads: heads of it, from 0; None for all.
        how: "argmax" takes the most probable key, "sample" draws one by its probability,
            "temperature" sharpens without choosing: ``softmax(log p / temperature)``.
        temperature: for "temperature", above zero; 1 changes nothing.
        generator: source of the draws; torch's global one if not given.

    Attributes:
        calls: how many attentions ran since it was entered.
        heads_seen: heads of each of them, in order.

    Raises:
        ValueError: an argument that makes no sense.
        HardeningError: when it is left: no attention was called, or not the one that was named;
            or a head that it has not.

    Example:
        >>> with Hardened(site=3, heads=[5]):  # doctest: +SKIP
        ...     changed = model(**inputs)
    """

    def __init__(
        self,
        site: int | None = None,
        heads: Sequence[int] | None = None,
        *,
        how: str = "argmax",
        temperature: float = 1.0,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if how not in HOW:
            raise ValueError(f"attention is not hardened by {how!r}: choose {', '.join(HOW)}")
        if site is not None and site < 0:
            raise ValueError(f"sites are counted from 0, not {site}")
        if heads is not None and (not heads or min(heads) < 0):
            raise ValueError(f"heads are counted from 0 and there is one at least, not {heads}")
        if not (math.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature must be a finite number above zero, not {temperature}")
        self._site, self._heads, self._how = site, heads, how
        self._temperature, self._generator = temperature, generator
        self.calls = 0
        self.heads_seen: list[int] = []

    def __enter__(self) -> Self:
        self.calls, self.heads_seen = 0, []
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
            raise HardeningError(
                "nothing was hardened: the model called no scaled_dot_product_attention; choose "
                'attn_implementation="sdpa" where it is a Hugging Face model, and '
                "need_weights=False where it is torch's own multi-head attention"
            )
        if self._site is not None and self._site >= self.calls:
            raise HardeningError(
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
            try:
                return func(*args, **kwargs)
            finally:
                functional.scaled_dot_product_attention = scaled_dot_product_attention
        return func(*args, **kwargs)

    def _attend(self, *args: Any, **kwargs: Any) -> Tensor:
        returned = scaled_dot_product_attention(*args, **kwargs)
        named = dict(zip(_NAMES, args, strict=False)) | kwargs
        site, self.calls = self.calls, self.calls + 1
        self.heads_seen.append(named["query"].shape[-3])
        return returned if self._site not in (None, site) else self._mended(named, returned)

    def _mended(self, named: dict[str, Any], returned: Tensor) -> Tensor:
        count = returned.shape[-3]
        heads = list(range(count)) if self._heads is None else list(self._heads)
        if max(heads) >= count:
            raise HardeningError(f"there is no head {max(heads)}: the attention has {count}")
        groups = count // named["key"].shape[-3]
        value = named["value"].repeat_interleave(groups, -3)[..., heads, :, :]
        weights = self._weights(probabilities(named)[..., heads, :, :])
        mended = returned.clone()
        mended[..., heads, :, :] = (weights @ value).to(returned.dtype)
        return mended

    def _weights(self, p: Tensor) -> Tensor:
        """What the items of each row weigh from now on; rows that attend nowhere stay zero."""
        if self._how == "temperature":
            sharp = (p.clamp_min(torch.finfo(p.dtype).tiny).log() / self._temperature).softmax(-1)
            return torch.where(p.sum(-1, keepdim=True) > 0, sharp, p)
        if self._how == "argmax":
            chosen = p.argmax(-1)
        else:
            rows = p.reshape(-1, p.shape[-1])
            # Padding may attend nowhere; what it draws is thrown away below.
            rows = torch.where(rows.sum(-1, keepdim=True) > 0, rows, torch.ones_like(rows))
            drawn = torch.multinomial(rows, 1, generator=self._generator)
            chosen = drawn.reshape(p.shape[:-1])
        return one_hot(chosen, p.shape[-1]).to(p.dtype) * (p.sum(-1, keepdim=True) > 0)


def probabilities(named: dict[str, Any]) -> Tensor:
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
    if named.get("is_causal"):
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is not None and mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, -math.inf)
    elif mask is not None:
        scores = scores + mask
    found: Tensor = scores.softmax(-1).nan_to_num(0.0)
    return found
