"""The seven stops of the tour: what each points at, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from hardattn_viewer.app.main_window import MainWindow


@dataclass(frozen=True)
class Stop:
    """One stop.

    Attributes:
        title: a few words.
        words: two sentences or three.
        target: what is pointed at, found in the window.
    """

    title: str
    words: str
    target: Callable[[MainWindow], QWidget]


def _dock(name: str) -> Callable[[MainWindow], QWidget]:
    return lambda window: window.docks[name]


STOPS = (
    Stop(
        "Runs",
        "Each recorded run is a card: HARD where one thing was chosen, SOFT where all was blended. "
        "A click puts a run into slot A or B. Open your own with Ctrl+O, or drop files here.",
        _dock("Runs"),
    ),
    Stop(
        "Examples",
        "What the model was shown, with what it said and how spread its attention was (H). "
        "Press / and type wrong(A) & entropy > 2 to keep only such; ↑ and ↓ go through them.",
        _dock("Examples"),
    ),
    Stop(
        "Where it looked",
        "Attention on the input itself. Orange and outlined is what was chosen, numbered in order. "
        "Pointing at a place previews it everywhere; a click pins it, Esc lets go.",
        lambda window: window.views,
    ),
    Stop(
        "Steps",
        "A step is one look, or one written token. Drag here, press ← and →, or Space to play. "
        "Tracks show how sure the model was, and what it got for it.",
        _dock("Timeline"),
    ),
    Stop(
        "Numbers",
        "The exact numbers of what is shown. Each says in its tool tip what it means, its formula "
        "and its source; RECORDED says whether it was verified. Ctrl+C copies all of them.",
        _dock("Inspector"),
    ),
    Stop(
        "Views",
        "The same place in other ways: queries × keys, all heads at once, two runs side by side, "
        "whether attention accounts for the output, and how it came to be in training.",
        lambda window: window.tools.segments,
    ),
    Stop(
        "Everything else",
        "Every action is found by its name with Ctrl+Shift+P, and every key with ?. "
        "To record a model of your own takes a few lines: see “Ten minutes” in the documentation.",
        lambda window: window.tools.search,
    ),
)
