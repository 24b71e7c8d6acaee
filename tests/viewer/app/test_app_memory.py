"""Memory that the app gives back to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from small_runs import wait_until_shown

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.views.matrix import MatrixView

ROOT = Path(__file__).parents[3]
# Freed arrays raise the allocator's threshold, then many live between others that are freed.
KEPT = """
import sys
import numpy as np
from hardattn_viewer.app.memory import return_freed_memory
from hardattn_viewer.views.status_line import resident_bytes

if sys.argv[1] == "told":
    assert return_freed_memory()
for megabytes in (8, 16, 30):
    del_me = np.ones(megabytes << 17)
    del del_me
before = resident_bytes()
pairs = [(np.ones(8 << 17), np.ones(1 << 12)) for _ in range(12)]
small = [one for _, one in pairs]
del pairs
print((resident_bytes() - before) / 2**20)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone is told")
def test_what_large_arrays_took_goes_back_to_the_system() -> None:
    def left(word: str) -> float:
        words = [sys.executable, "-c", KEPT, word]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        return float(done.stdout)

    assert left("told") < 5
    # How much of the 96 MB stays depends on what the allocator did before.
    assert left("untold") > 20


def test_what_nobody_sees_keeps_no_map(window: MainWindow, qtbot: QtBot) -> None:
    """A picture keeps the map that it is of: five views would keep five."""
    session = window.session
    for view in ("matrix", "compare", "overlay"):
        session.set_view(view)
        wait_until_shown(qtbot, window)
    session.set_view("training")
    wait_until_shown(qtbot, window)
    matrix = window.view["matrix"]
    assert isinstance(matrix, MatrixView)
    held = [*matrix.panes, window.compare.a, window.compare.b, window.overlay.pane]
    session.next_example(1)
    wait_until_shown(qtbot, window)
    assert [part.canvas.picture for part in held] == [None] * len(held)
    assert window.compare.difference.canvas.picture is None
    session.set_view("compare")
    wait_until_shown(qtbot, window)
    assert window.compare.a.canvas.picture is not None
    assert window.compare.difference.canvas.picture is not None
