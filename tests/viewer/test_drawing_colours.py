"""Palettes, colour tables and the marks of values that are no amounts."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import numpy as np
import pyqtgraph.colormap
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardattn_viewer.drawing.colours import (
    Mark,
    amount_rgba,
    amount_table,
    entries,
    marks,
    rgb,
    signed_rgba,
)
from hardattn_viewer.drawing.theme import DARK, LIGHT, Theme
from hardattn_viewer.session.display import AmountTable, Display


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [value / 255 for value in rgb(colour)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_text_is_readable_on_every_surface(theme: Theme) -> None:
    surfaces = (theme.window, theme.panel, theme.raised)
    for role in ("text", "muted", "hard_text", "soft_text", "good", "bad"):
        for surface in (*surfaces, theme.selection):
            assert contrast(getattr(theme, role), surface) >= 4.5, (role, surface)
    for surface in surfaces:
        assert contrast(theme.faint, surface) >= 4.5, surface
    for text, mark in (
        (theme.on_hard, theme.hard),
        (theme.on_soft, theme.soft),
        (theme.accent_text, theme.accent),
    ):
        assert contrast(text, mark) >= 4.5, (text, mark)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_marks_stand_out_from_the_surfaces_they_lie_on(theme: Theme) -> None:
    for role in ("hard", "soft", "accent", "bar"):
        for surface in (theme.window, theme.panel):
            assert contrast(getattr(theme, role), surface) >= 3.0, (role, surface)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_every_colour_of_a_theme_is_red_green_blue(theme: Theme) -> None:
    for field in fields(theme):
        value = getattr(theme, field.name)
        if isinstance(value, str) and value.startswith("#"):
            assert len(rgb(value)) == 3
    assert theme.is_dark == (luminance(theme.window) < 0.5)


@pytest.mark.parametrize("name", ["viridis", "cividis"])
def test_tables_are_those_of_pyqtgraph(name: AmountTable) -> None:
    theirs = pyqtgraph.colormap.get(name).getLookupTable(nPts=256, alpha=False)
    assert np.array_equal(amount_table(name), theirs)


@given(st.floats(1e-6, 1.0), st.floats(0, 1))
def test_an_amount_gets_the_entry_of_its_share_of_the_scale(scale: float, share: float) -> None:
    index = int(entries(np.array([share * scale]), scale)[0])
    assert index == pytest.approx(255 * share, abs=0.5 + 1e-6)
    colour = amount_rgba(np.array([share * scale]), scale, 1.0, "viridis")[0]
    assert colour[:3].tolist() == amount_table("viridis")[index].tolist()


def test_more_is_never_laid_on_more_thinly() -> None:
    alpha = amount_rgba(np.linspace(0, 2, 999), 1.0, 0.65, "viridis")[:, 3].astype(int)
    assert (np.diff(alpha) >= 0).all()
    assert (alpha[0], alpha[-1]) == (0, round(0.65 * 255))
    assert alpha[1] > 0.2 * 255 * 0.65


def test_zero_tiny_clipped_masked_and_nan_are_told_apart() -> None:
    values = np.array([0.0, 1e-9, 0.3, 0.4, 0.5, np.nan, 0.2], dtype=np.float32)
    masked = np.array([False] * 6 + [True])
    assert marks(values, 0.4, masked).tolist() == [
        Mark.ZERO,
        Mark.TINY,
        Mark.VALUE,
        Mark.VALUE,
        Mark.CLIPPED,
        Mark.NAN,
        Mark.MASKED,
    ]


def test_the_largest_value_of_a_shared_scale_is_not_clipped() -> None:
    values = np.float32([0.1, 0.7])
    assert marks(values, float(values.max())).tolist() == [Mark.VALUE, Mark.VALUE]


def test_differences_are_orange_below_zero_blue_above_and_clear_between() -> None:
    colours = signed_rgba(
        np.array([-0.2, 0.0, 0.2, np.nan, 9.0]), 0.2, DARK.hard, DARK.soft, opacity=1.0
    )
    assert colours[0].tolist() == [*rgb(DARK.hard), 255]
    assert colours[2].tolist() == [*rgb(DARK.soft), 255]
    assert colours[1, 3] == 0 and colours[3, 3] == 0
    assert colours[4].tolist() == [*rgb(DARK.soft), 255]


def test_display_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(ValueError, match=r"opacity is 1\.2"):
        Display(opacity=1.2)
    with pytest.raises(ValueError, match="nearest, smooth"):
        Display(interpolation="cubic")  # type: ignore[arg-type]


def test_painters_load_no_toolkit_that_the_first_picture_can_do_without() -> None:
    code = (
        "import sys, hardattn_viewer.figures.figure;"
        "print([m for m in ('torch', 'scipy', 'matplotlib', 'pyqtgraph', 'PySide6.QtWidgets')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
