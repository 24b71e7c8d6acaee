"""Widths of the columns of papers in millimetres; docs/figures.md has the source of each."""

from __future__ import annotations

INCH = 25.4
WIDTHS: dict[str, float] = {
    "neurips": 5.5 * INCH,
    "iclr": 5.5 * INCH,
    "icml-column": 3.25 * INCH,
    "icml-page": 6.75 * INCH,
    "cvpr-column": 3.25 * INCH,
    "cvpr-page": 6.875 * INCH,
    "acl-column": 77.0,
    "acl-page": 160.0,
    "ieee-column": 3.5 * INCH,
    "ieee-page": 7.16 * INCH,
    "nature-column": 89.0,
    "nature-page": 183.0,
}
"""A column of a layout of two, or a page: all of the width of the text."""


def width_of(preset: str) -> float:
    """The width of a preset in millimetres, to the hundredth."""
    return round(WIDTHS[preset], 2)
