"""What the arguments of a forward pass say about rows, tokens, padding and what came before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# The first of these that a pass was given says how many rows the model runs on.
_MAIN = (
    "decoder_input_ids",
    "decoder_inputs_embeds",
    "input_ids",
    "inputs_embeds",
    "pixel_values",
    "input_features",
    "input_values",
)
_CACHES = ("past_key_values", "past_key_value", "cache_params", "layer_past", "past", "kv_cache")

SOURCE_IDS = ("input_ids", "src")
TARGET_IDS = ("decoder_input_ids", "tgt")
SOURCE_EMBEDS = ("inputs_embeds",)
TARGET_EMBEDS = ("decoder_inputs_embeds",)
AUDIO = ("input_features", "input_values")
# True, or 1, where an item is real; and the other way round in torch.nn.
_REAL = {
    "source": ("attention_mask",),
    "target": ("decoder_attention_mask",),
    "memory": ("encoder_attention_mask",),
}
_PADDED = {
    "source": ("src_key_padding_mask", "key_padding_mask"),
    "target": ("tgt_key_padding_mask",),
    "memory": ("memory_key_padding_mask",),
}


class Inputs:
    """The arguments of one forward pass.

    Args:
        named: arguments by name; those inside a mapping, as of a tokenizer's answer, count as well.
    """

    def __init__(self, named: Mapping[str, Any]) -> None:
        flat: dict[str, Any] = {}
        for name, value in named.items():
            if isinstance(value, Mapping):
                flat |= {str(key): item for key, item in value.items() if key not in flat}
            flat[name] = value
        self._named = flat

    def __contains__(self, name: str) -> bool:
        return self._named.get(name) is not None

    def get(self, name: str) -> Any:
        """An argument, None where it was not given."""
        return self._named.get(name)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The arguments that are tensors."""
        return {name: value for name, value in self._named.items() if isinstance(value, Tensor)}

    @property
    def main(self) -> Tensor | None:
        """The argument that says how many rows the model runs on."""
        tensors = self.tensors
        for name in _MAIN:
            if name in tensors:
                return tensors[name]
        return next((value for value in tensors.values() if value.ndim), None)

    @property
    def images(self) -> set[Any]:
        """Heights and widths of what may be images."""
        return {tuple(value.shape[-2:]) for value in self.tensors.values() if value.ndim >= 4}

    @property
    def cache(self) -> Any:
        """The keys and values of earlier passes, or None."""
        return next((self.get(name) for name in _CACHES if name in self), None)

    def ids(self, names: Sequence[str]) -> Tensor | None:
        """Token numbers, integer [rows, length], from the first of these arguments that has any."""
        given = (self.get(name) for name in names)
        return next((ids for ids in given if isinstance(ids, Tensor) and is_ids(ids)), None)

    def embedded_length(self, names: Sequence[str]) -> int | None:
        """Length of the first of these arguments that holds embeddings [rows, length, size]."""
        for name in names:
            value = self.get(name)
            if isinstance(value, Tensor) and value.ndim == 3:
                return int(value.shape[1])
        return None

    def memory_length(self) -> int | None:
        """Length of what an encoder gave a decoder, where it was handed over."""
        given = self.get("encoder_outputs")
        if given is None:
            given = self.get("encoder_hidden_states")
        if given is not None and not isinstance(given, Tensor):
            first = getattr(given, "last_hidden_state", None)
            given = first if first is not None else given[0]
        return int(given.shape[1]) if isinstance(given, Tensor) and given.ndim == 3 else None

    def real(
        self, part: str, rows: int, length: int, *, longer: bool = False
    ) -> NDArray[np.bool_] | None:
        """Which items are no padding, as the arguments tell.

        Args:
            part: ``source``, ``target`` or ``memory``.
            rows: rows of the model.
            length: items of a row, those of earlier passes included.
            longer: whether a mask may be of more items, as of a cache of fixed length.

        Returns:
            bool [rows or 1, length], or None where nothing is told.
        """
        told = (_REAL.get(part, ()), _told_real), (_PADDED.get(part, ()), _told_padded)
        for names, read in told:
            found = self._mask(names, read, (rows, length), longer)
            if found is not None:
                return found
        return None

    def visible(self, part: str) -> Tensor | None:
        """A mask [rows, heads, queries, keys] of what may be attended to, where one was given."""
        given = next((self.get(name) for name in _REAL.get(part, ())), None)
        if isinstance(given, Mapping):
            given = given.get("full_attention", next(iter(given.values()), None))
        if not isinstance(given, Tensor) or given.ndim != 4:
            return None
        return given if given.dtype == torch.bool else given >= 0

    def _mask(
        self,
        names: Sequence[str],
        read: Callable[[NDArray[Any]], Any],
        shape: tuple[int, int],
        longer: bool,
    ) -> NDArray[np.bool_] | None:
        for name in names:
            given = self.get(name)
            if not isinstance(given, Tensor) or given.ndim != 2:
                continue
            if given.shape[0] not in (shape[0], 1) or given.shape[1] < shape[1]:
                continue
            if given.shape[1] > shape[1] and not longer:
                continue
            tensor = given.detach().to("cpu")
            array = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
            mask: NDArray[np.bool_] = read(array)[:, : shape[1]]
            return mask
        return None


def past_length(cache: Any) -> int:
    """Items of earlier passes that a cache of keys and values holds; 0 for no cache."""
    if cache is None:
        return 0
    if callable(getattr(cache, "get_seq_length", None)):
        try:
            return int(cache.get_seq_length())
        except ValueError:
            # A cache without any layer of attention has no length.
            return 0
    try:
        return int(cache[0][0].shape[-2])
    except (TypeError, IndexError, KeyError, AttributeError):
        return 0


def numbers(values: Tensor) -> NDArray[np.int64]:
    """An integer tensor as int64 on the CPU."""
    return values.detach().to("cpu", torch.int64).numpy()


def is_ids(value: Tensor) -> bool:
    """Whether these may be token numbers [rows, length]."""
    whole = not (value.is_floating_point() or value.is_complex() or value.dtype == torch.bool)
    return whole and value.ndim == 2


def _told_real(mask: NDArray[Any]) -> NDArray[np.bool_]:
    # A mask to be added to scores is 0 where an item is real.
    additive = mask.dtype.kind == "f" and bool((mask < 0).any())
    real: NDArray[np.bool_] = mask == 0 if additive else mask != 0
    return real


def _told_padded(mask: NDArray[Any]) -> NDArray[np.bool_]:
    real: NDArray[np.bool_] = mask >= 0 if mask.dtype.kind == "f" else mask == 0
    return real
