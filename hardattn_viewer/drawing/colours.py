"""Numbers into colours: amounts, signed differences, and the values that are neither."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.drawing.tables import CIVIDIS, VIRIDIS
from hardattn_viewer.session.display import AmountTable

ENTRIES = 256
# Heat of almost nothing keeps this share of the opacity, so that tiny differs from zero.
_FLOOR = 0.35
# Pictures with more values than this take their colours from a table of so many entries and one.
_MANY = 1 << 14
_FINE = (1 << 16) - 1


class Mark(IntEnum):
    """How a value is drawn.

    Zero is left bare; tiny gets the lowest colour; clipped the highest and a notch; masked a
    diagonal; NaN a hatching. None of them depends on hue alone.
    """

    VALUE = 0
    ZERO = 1
    TINY = 2
    CLIPPED = 3
    MASKED = 4
    NAN = 5


@lru_cache(maxsize=2)
def amount_table(name: AmountTable) -> NDArray[np.uint8]:
    """The table of amounts ``name``.

    Returns:
        uint8 [256, 3], read-only, from nothing to the most.
    """
    data = {"viridis": VIRIDIS, "cividis": CIVIDIS}[name]
    return np.frombuffer(bytes.fromhex(data), dtype=np.uint8).reshape(ENTRIES, 3)


def entries(values: NDArray[np.floating], scale_max: float) -> NDArray[np.uint8]:
    """Table entry of each value: round(255 · value / scale_max), clipped; 0 for NaN.

    Args:
        values: any shape.
        scale_max: value of the last entry, positive.
    """
    scaled = np.asarray(values, dtype=np.float64) * ((ENTRIES - 1) / scale_max)
    return np.rint(np.clip(np.nan_to_num(scaled, nan=0.0), 0, ENTRIES - 1)).astype(np.uint8)


def marks(
    values: NDArray[np.floating], scale_max: float, masked: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """How each amount is drawn, as ``Mark`` values of the same shape.

    Args:
        values: amounts of any shape; for signed differences pass magnitudes.
        scale_max: value of the strongest colour. Anything above it by more than rounding of
            float32 is clipped; anything that rounds to the table's first entry is tiny.
        masked: keys that the model was not allowed to look at.
    """
    amounts = np.asarray(values, dtype=np.float64)
    found = np.full(amounts.shape, Mark.VALUE, dtype=np.uint8)
    found[(amounts > 0) & (amounts * (ENTRIES - 1) < 0.5 * scale_max)] = Mark.TINY
    found[amounts == 0] = Mark.ZERO
    found[amounts > scale_max * (1 + 1e-6)] = Mark.CLIPPED
    found[np.isnan(amounts)] = Mark.NAN
    if masked is not None:
        found[masked] = Mark.MASKED
    return found


def amount_alpha(values: NDArray[np.floating], scale_max: float) -> NDArray[np.float64]:
    """Share of the opacity with which each amount is laid over the image.

    It rises from a third to all, steeply at first (power 0.4), so that low heat leaves the image
    readable and still differs from none; zero, NaN and anything not positive gets none.
    """
    amounts = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0)
    share = np.clip(amounts / scale_max, 0.0, 1.0) ** 0.4
    return np.where(amounts > 0, _FLOOR + (1 - _FLOOR) * share, 0.0)


def amount_rgba(
    values: NDArray[np.floating], scale_max: float, opacity: float, name: AmountTable
) -> NDArray[np.uint8]:
    """Amounts as colours to lay over an image.

    Returns:
        uint8 [..., 4], red, green, blue, alpha (not premultiplied): the table's entry of
        value / scale_max, with alpha from ``amount_alpha``.
    """
    if np.size(values) > _MANY:
        share = np.clip(np.nan_to_num(np.asarray(values, np.float32)) / np.float32(scale_max), 0, 1)
        at = np.rint(share * np.float32(_FINE)).astype(np.uint16)
        return _looked_up(_amounts(opacity, name), at)
    rgba = np.empty((*np.shape(values), 4), dtype=np.uint8)
    rgba[..., :3] = amount_table(name)[entries(values, scale_max)]
    rgba[..., 3] = np.rint(255 * opacity * amount_alpha(values, scale_max))
    return rgba


@lru_cache(maxsize=4)
def _amounts(opacity: float, name: AmountTable) -> NDArray[np.uint8]:
    """``amount_rgba`` of 0 … ``_FINE`` as shares of the scale, uint8 [65,536, 4]."""
    steps = np.arange(_FINE + 1).reshape(16, -1) / _FINE
    return np.concatenate([amount_rgba(part, 1.0, opacity, name) for part in steps])


def _looked_up(table: NDArray[np.uint8], at: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Colours [..., 4] of a table [65,536, 4], four bytes at a time."""
    return table.view(np.uint32)[:, 0][at].view(np.uint8).reshape(*at.shape, 4)


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green, blue of ``#rrggbb``."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def signed_rgba(
    values: NDArray[np.floating],
    scale_max: float,
    negative: str,
    positive: str,
    opacity: float = 0.9,
) -> NDArray[np.uint8]:
    """Signed differences as colours to lay over an image.

    Args:
        values: B − A, any shape.
        scale_max: magnitude of the strongest colour.
        negative: ``#rrggbb`` of more in A.
        positive: ``#rrggbb`` of more in B.
        opacity: of the strongest colour.

    Returns:
        uint8 [..., 4]: hue by sign, alpha by magnitude (power 0.7, which lifts small differences
        out of the dark; the scale bar does the same); no difference and NaN are clear.
    """
    if np.size(values) > _MANY:
        share = np.nan_to_num(np.asarray(values, np.float32)) / np.float32(scale_max)
        half = (_FINE - 1) // 2
        at = np.rint(np.clip(share, -1, 1) * np.float32(half) + half).astype(np.uint16)
        return _looked_up(_differences(negative, positive, opacity), at)
    signed = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0)
    rgba = np.empty((*signed.shape, 4), dtype=np.uint8)
    rgba[..., :3] = np.where((signed < 0)[..., None], rgb(negative), rgb(positive))
    share = np.clip(np.abs(signed) / scale_max, 0.0, 1.0) ** 0.7
    rgba[..., 3] = np.rint(255 * opacity * share)
    return rgba


@lru_cache(maxsize=4)
def _differences(negative: str, positive: str, opacity: float) -> NDArray[np.uint8]:
    """``signed_rgba`` of −1 … 1, uint8 [65,536, 4]; the last entry is not used."""
    half = (_FINE - 1) // 2
    steps = ((np.arange(_FINE + 1) - half) / half).reshape(16, -1)
    return np.concatenate([signed_rgba(part, 1.0, negative, positive, opacity) for part in steps])
