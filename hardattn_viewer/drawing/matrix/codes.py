"""Values of a map into numbers of colours: amounts, differences, and what is neither."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.drawing.colours import ENTRIES, amount_table, rgb
from hardattn_viewer.drawing.theme import Theme
from hardattn_viewer.session.display import AmountTable
from hardattn_viewer.session.masking import MASKED as MASKED_VALUE
from hardattn_viewer.session.matrix import Transform

# After the entries of the table come what is not an amount, and the signs upon it.
ZERO, MASKED, NAN, TINY, CLIPPED = range(ENTRIES, ENTRIES + 5)
STRIPE, NAN_STRIPE, DOT, NOTCH, EDGE = range(ENTRIES + 5, ENTRIES + 10)
# What is still being read.
UNREAD = ENTRIES + 10
_LAST = ENTRIES + 11
# How many powers of ten the logarithmic colours reach down from the strongest.
DECADES = 4
# More than the strongest by rounding of float32 is not more.
_ROUNDING = 1 + 1e-6

Floats = NDArray[np.float32]
Codes = NDArray[np.uint16]


def shares(values: NDArray[np.floating], top: float, transform: Transform) -> Floats:
    """How far up the colours each amount is: 0 at nothing, 1 at ``top`` and above.

    ``linear`` is v / top, ``sqrt`` its square root, ``log`` is 1 + log₁₀(v / top) / 4, and 0 for
    what is more than four powers of ten below the top.
    """
    found: Floats = np.clip(np.asarray(values, np.float32) * np.float32(1 / top), 0, 1)
    if transform == "sqrt":
        np.sqrt(found, out=found)
    elif transform == "log":
        np.maximum(found, np.float32(10.0**-DECADES), out=found)
        np.log10(found, out=found)
        found *= np.float32(1 / DECADES)
        found += 1
    return found


def amount_codes(values: Floats, top: float, transform: Transform, tiny: float) -> Codes:
    """The colour of each coded amount.

    Args:
        values: float32, coded as ``session.masking`` says.
        top: value of the strongest colour.
        transform: of values before they are coloured.
        tiny: largest amount that storing cannot tell from nothing.

    Returns:
        uint16 of the same shape.
    """
    scaled = shares(values, top, transform)
    scaled *= ENTRIES - 1
    scaled += 0.5
    codes = scaled.astype(np.uint16)
    codes[values == 0] = ZERO
    if tiny > 0:
        codes[(values > 0) & (values <= tiny)] = TINY
    codes[values > top * _ROUNDING] = CLIPPED
    return _with_codes(codes, values)


def signed_codes(values: Floats, top: float, transform: Transform) -> Codes:
    """The colour of each coded difference: 0 for −top, 254 for top, ``ZERO`` for none."""
    scaled = np.copysign(shares(np.abs(values), top, transform), values)
    codes = ((scaled + 1) * ((ENTRIES - 2) / 2) + 0.5).astype(np.uint16)
    codes[values == 0] = ZERO
    codes[np.abs(values) > top * _ROUNDING] = CLIPPED
    return _with_codes(codes, values)


def _with_codes(codes: Codes, values: Floats) -> Codes:
    missing = values < -1.5
    if missing.any():
        codes[missing] = np.where(values[missing] == MASKED_VALUE, MASKED, NAN)
    return codes


@lru_cache(maxsize=16)
def colour_table(theme: Theme, colours: AmountTable, signed: bool) -> NDArray[np.uint32]:
    """The colour of each code as 0xAARRGGBB, opaque; uint32, read-only."""
    ground = rgb(theme.raised)
    table = np.zeros((_LAST, 3), np.uint8)
    table[:ENTRIES] = signed_table(theme) if signed else amount_table(colours)
    dark = theme.is_dark
    table[ZERO] = ground
    table[MASKED] = rgb(theme.window if dark else theme.line)
    table[STRIPE] = (0x3D, 0x44, 0x50) if dark else (0xB2, 0xBA, 0xC6)
    table[NAN] = rgb(theme.bar)
    table[NAN_STRIPE] = (0x20, 0x24, 0x2B) if dark else (0xFF, 0xFF, 0xFF)
    table[TINY] = table[(ENTRIES - 2) // 2 if signed else 0]
    table[DOT] = (0xFF, 0xFF, 0xFF)
    table[CLIPPED] = rgb(theme.bad)
    table[UNREAD] = rgb(theme.panel)
    table[NOTCH] = (0xFF, 0xFF, 0xFF)
    table[EDGE] = (0, 0, 0)
    wide = table.astype(np.uint32)
    mixed = np.uint32(0xFF000000) | (wide[:, 0] << 16) | (wide[:, 1] << 8) | wide[:, 2]
    found = mixed.astype(np.uint32)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=4)
def signed_table(theme: Theme) -> NDArray[np.uint8]:
    """Colours of differences from −1 (more in A) to 1 (more in B) on the theme's ground.

    Returns:
        uint8 [256, 3]; entry 127 is no difference, the last repeats the one before.
    """
    steps = np.linspace(-1, 1, ENTRIES - 1)
    strength = (np.abs(steps) ** 0.7)[:, None]
    ends = np.where((steps < 0)[:, None], rgb(theme.hard), rgb(theme.soft))
    mixed = np.rint(strength * ends + (1 - strength) * np.array(rgb(theme.window)))
    return np.concatenate([mixed, mixed[-1:]]).astype(np.uint8)
