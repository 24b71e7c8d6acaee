"""What each picture of the docs shows: the runs, and what is done in the window before it is taken.

Everything is shown as a person would see it: the real window, everything read, nothing retouched.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtWidgets import QDialog, QWidget

import sample_runs
from hardattn_viewer.app.main_views import MAIN_VIEWS
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.session.state import View


def nothing(window: MainWindow) -> None:
    """Show the runs as they open."""


@dataclass(frozen=True)
class Scene:
    """A window to be pictured.

    Attributes:
        name: begins the picture's file name.
        title: what is seen, in a few words.
        runs: names of runs, as of :func:`write_runs`; two are A and B.
        view: the main view.
        example: row of the example table, from 0.
        step: the step, from 0.
        act: what else is done.
        sizes: which of ``SIZES`` it is made in.
    """

    name: str
    title: str
    runs: tuple[str, ...]
    view: View = "overlay"
    example: int = 0
    step: int = 0
    act: Callable[[MainWindow], None] = nothing
    sizes: tuple[str, ...] = ("1100x700",)


SIZES = {"1100x700": (1100, 700, 1), "1600x1000": (1600, 1000, 1), "200": (1100, 700, 2)}
"""Width and height of the window in logical pixels, and physical pixels of each."""

GLIMPSES, TEXT = ("glimpse-hard", "glimpse-soft"), ("minilm-text",)
TRAINING = ("training-hard", "training-soft")
# What a main view is shown with: runs, example and step; the others are shown with a text.
VIEW_RUNS: dict[str, tuple[tuple[str, ...], int, int]] = {
    "overlay": (GLIMPSES, 8, 3),
    "compare": (GLIMPSES, 8, 3),
    "faithfulness": (GLIMPSES, 8, 3),
    "training": (TRAINING, 3, 2),
}


def write_runs(folder: Path) -> None:
    """Put all runs into a folder."""
    maker = Path(__file__).with_name("screenshot_runs.py")
    # Recording takes torch into memory, which showing a run does not.
    subprocess.run([sys.executable, maker, folder], check=True)
    for sample in sample_runs.samples():
        for path in sample.paths:
            shutil.copy(path, folder)
            checks = path.with_name(f"{path.stem}.checks.npz")
            if checks.is_file():
                shutil.copy(checks, folder)


def scenes() -> list[Scene]:
    """All pictures of the window."""
    made = []
    for view in MAIN_VIEWS:
        title = f"{view.text.replace('&', '')}: {view.tooltip[0].lower()}{view.tooltip[1:]}"
        runs, example, step = VIEW_RUNS.get(view.id, (TEXT, 2, 0))
        act = look_from_a_word if runs == TEXT else nothing
        made.append(Scene(view.id, title, runs, view.id, example, step, act, tuple(SIZES)))
    tokens = Scene("tokens", "Tokens with arcs", TEXT, example=2, act=draw_arcs, sizes=tuple(SIZES))
    return [
        *made,
        tokens,
        Scene("sound", "A sound as its spectrogram", ("melody",), step=1),
        Scene("video", "A video, with its frames on the timeline", ("moving-digit",), step=8),
        Scene("points", "The tour of a pointer", ("tour",), step=11),
        Scene("memory", "Slots of a memory", ("story",), step=3),
        Scene("bookmarks", "Bookmarks and notes", GLIMPSES, example=8, step=3, act=take_notes),
        Scene(
            "find", "The search for steps", GLIMPSES, "compare", example=8, step=3, act=find_steps
        ),
        Scene(
            "palette",
            "The palette of commands",
            GLIMPSES,
            "compare",
            example=8,
            step=3,
            act=open_palette,
        ),
        Scene(
            "export",
            "The export of a figure",
            GLIMPSES,
            "compare",
            example=8,
            step=3,
            act=open_export,
        ),
        Scene(
            "check",
            "What a check shall ask",
            GLIMPSES,
            "faithfulness",
            example=8,
            step=3,
            act=ask_check,
        ),
        Scene("tour", "A stop of the tour", GLIMPSES, "compare", example=8, step=3, act=take_tour),
        Scene(
            "samples", "The sample runs", GLIMPSES, "compare", example=8, step=3, act=tell_stories
        ),
        *(
            Scene(
                f"sample-{one.name}", one.title, tuple(path.stem for path in one.paths), "compare"
            )
            for one in sample_runs.samples()
            # These stand above.
            if one.paths[0].stem not in (*GLIMPSES, *TEXT, *TRAINING)
        ),
    ]


def look_from_a_word(window: MainWindow) -> None:
    """Look from a word of the sentence with one head, one that is not the mean."""
    window.session.go_to_site("encoder.layer.3.attention.self")
    window.session.go_to_head(9)
    window.session.go_to_query(10)


def draw_arcs(window: MainWindow) -> None:
    """Look from a word, with arcs to what it looks at."""
    look_from_a_word(window)
    window.actions_["arcs"].trigger()


def take_notes(window: MainWindow) -> None:
    """Set bookmarks with notes at three places, and show their list."""
    session = window.session
    for example, step, note in (
        (8, 3, "leaves the stroke: the upper bar is never seen"),
        (8, 1, "looks at the loop first"),
        (33, 5, "settles on the corner"),
    ):
        session.go_to_row(example)
        session.go_to_step(step)
        marked = session.bookmarked()
        if marked is not None:
            session.set_note(marked.key, marked.mark.id, note)
    session.go_to_row(8)
    session.go_to_step(3)
    window.actions_["bookmarks"].trigger()


def find_steps(window: MainWindow) -> None:
    """Search for steps, and go to the first that is found."""
    window.timeline.find_bar.field.setText("entropy > 3 and p_selected < 0.3")
    window.session.set_find("entropy > 3 and p_selected < 0.3")


def open_palette(window: MainWindow) -> None:
    """Type a word into the palette."""
    window.show_palette()
    dialog_of(window).findChild(QWidget, "paletteField").setText("step")  # type: ignore[union-attr]


def open_export(window: MainWindow) -> None:
    """Export what is shown."""
    window.export_figure()


def ask_check(window: MainWindow) -> None:
    """Open the dialog of a check."""
    window.actions_["runCheck"].trigger()


def take_tour(window: MainWindow) -> None:
    """Go to the third stop of the tour."""
    window.actions_["tour"].trigger()
    assert window.tour is not None
    window.tour.go(1)
    window.tour.go(1)


def tell_stories(window: MainWindow) -> None:
    """Show the list of samples, over the story of the one that is shown."""
    first, *others = sample_runs.samples()
    runs = tuple(run.path for run in window.session.state.runs if isinstance(run.path, Path))
    window.shelf.samples = (replace(first, paths=runs), *others)
    window.session.swap()
    window.session.swap()
    window.show_samples()


def dialog_of(window: MainWindow) -> QDialog | None:
    """The dialog that is open, if any."""
    return next((one for one in window.findChildren(QDialog) if one.isVisible()), None)
