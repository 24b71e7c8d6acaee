"""What kind of attention a module computes, where its name or its own words tell."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from torch import nn

SELF = "self"
CROSS = "cross"

_CROSS_NAME = re.compile(r"cross|enc_?dec|encoder_?(decoder_?)?att", re.IGNORECASE)
_SELF_NAME = re.compile(r"self_?att", re.IGNORECASE)
# One projection that gives queries, keys and values has one source for all three.
_PACKED = re.compile(r"(to_|in_)?qkv(_proj|_linear)?|w_?qkv|query_key_value|c_attn|in_proj", re.I)
_SECOND_SOURCE = re.compile(
    r"key|value|kv|k|v|context|memory|latents?|encoder_.*|cross_.*|.*_states_2|cond.*|other|y",
    re.IGNORECASE,
)
_FIRST_SOURCE = re.compile(r"hidden_states?|x|inputs?|src|features|embeddings", re.IGNORECASE)


def kind_of(
    module: nn.Module | None, path: str, *, causal: bool = False, same_length: bool = False
) -> str:
    """``self``, ``cross``, or empty where it cannot be known.

    Args:
        module: the module that computes the attention.
        path: its path in the model.
        causal: whether a causal mask is applied, which between two sequences has no meaning.
        same_length: whether there are as many keys as queries.
    """
    told = getattr(module, "is_cross_attention", None)
    if isinstance(told, bool):
        return CROSS if told else SELF
    name = type(module).__name__ if module is not None else ""
    for word in [*_own_part(path), name]:
        if _CROSS_NAME.search(word):
            return CROSS
        if _SELF_NAME.search(word):
            return SELF
    if causal:
        return SELF
    if module is not None:
        if any(_PACKED.fullmatch(child) for child, _ in module.named_children()):
            return SELF
        if same_length and _has_one_source(type(module).forward):
            return SELF
    return ""


def _own_part(path: str) -> list[str]:
    """The last names of a path, from the innermost to the number of the layer."""
    names: list[str] = []
    for name in reversed(path.split(".")):
        if name.isdecimal() or len(names) == 3:
            break
        names.append(name)
    return names


@lru_cache(maxsize=256)
def _has_one_source(forward: Callable[..., Any]) -> bool:
    """Whether the arguments of a ``forward`` name one sequence to attend from and no other."""
    try:
        names = list(inspect.signature(forward).parameters)[1:]
    except (TypeError, ValueError):
        return False
    if not names or not _FIRST_SOURCE.fullmatch(names[0]):
        return False
    return not any(_SECOND_SOURCE.fullmatch(other) for other in names[1:])
