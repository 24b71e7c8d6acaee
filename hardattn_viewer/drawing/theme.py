"""The two palettes, and the sizes of type. Plain strings, so that style sheets can use them too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours by role as ``#rrggbb``, and type in logical pixels.

    ``text`` and ``muted`` are readable (contrast of at least 4.5:1, WCAG 2.2 criterion 1.4.3) on
    every surface, ``faint`` on all but ``selection``. Orange always means hard or selected, blue
    always soft; each comes as a mark (``hard``), as text on a surface (``hard_text``) and as text
    on the mark (``on_hard``).

    Attributes:
        name: ``"dark"`` or ``"light"``.
        is_dark: whether surfaces are darker than text.
        window: behind everything, and behind pictures.
        panel: side panels, bars, cards.
        raised: fields, buttons, chips.
        line: separators and outlines of surfaces.
        selection: the selected row or card.
        text: what is read first.
        muted: labels, secondary text.
        faint: hints and section headings.
        accent: the one button that matters, the playhead, focus.
        accent_text: text on ``accent``.
        hard: marks of hard attention and of whatever was selected.
        hard_text: the same as text on a surface.
        on_hard: text on ``hard``.
        soft: marks of soft attention.
        soft_text: the same as text on a surface.
        on_soft: text on ``soft``.
        good: right, better, live.
        bad: wrong, worse, failed.
        bar: marks that mean neither hard nor soft.
        family: families of type, best first.
        mono_family: families for expressions and paths.
        size_small: captions and hints, px.
        size: body, px.
        size_title: titles of panels, px.
    """

    name: str
    is_dark: bool
    window: str
    panel: str
    raised: str
    line: str
    selection: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_text: str
    hard: str
    hard_text: str
    on_hard: str
    soft: str
    soft_text: str
    on_soft: str
    good: str
    bad: str
    bar: str
    family: tuple[str, ...] = ("DejaVu Sans", "Verdana", "sans-serif")
    mono_family: tuple[str, ...] = ("DejaVu Sans Mono", "Menlo", "Consolas", "monospace")
    size_small: float = 11.0
    size: float = 12.0
    size_title: float = 13.0


DARK = Theme(
    name="dark",
    is_dark=True,
    window="#14171c",
    panel="#1b1f26",
    raised="#222730",
    line="#2d333d",
    selection="#2a3550",
    text="#e6e9ee",
    muted="#a3abb8",
    faint="#8b94a1",
    accent="#7aa2ff",
    accent_text="#14171c",
    hard="#ff9f40",
    hard_text="#ff9f40",
    on_hard="#14171c",
    soft="#56b4e9",
    soft_text="#56b4e9",
    on_soft="#14171c",
    good="#4cc38a",
    bad="#ff7b72",
    bar="#7d838f",
)

# On white the Okabe–Ito orange is too pale to read, so its neighbour vermillion stands in.
LIGHT = Theme(
    name="light",
    is_dark=False,
    window="#f4f5f7",
    panel="#ffffff",
    raised="#f0f2f5",
    line="#d9dde3",
    selection="#dfe8fb",
    text="#1b1f26",
    muted="#4d5663",
    faint="#5f6875",
    accent="#2f5fd0",
    accent_text="#ffffff",
    hard="#d55e00",
    hard_text="#a84300",
    on_hard="#0b0d10",
    soft="#0072b2",
    soft_text="#005f99",
    on_soft="#ffffff",
    good="#0a6b42",
    bad="#b81e37",
    bar="#868d99",
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}
