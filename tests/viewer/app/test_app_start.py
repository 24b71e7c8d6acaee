"""Starting: what is imported, how much it costs, pictures without a screen, and the trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

ROOT = Path(__file__).parents[3]


def run(code: str, tmp_path: Path, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PYTHONPATH": str(ROOT),
        **more,
    }
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )


FIRST_WINDOW = """
import sys, time
from pathlib import Path
from PySide6.QtCore import QTimer
from hardattn_viewer.app import start, main_window
shown = main_window.MainWindow.showEvent
def show(self, event):
    shown(self, event)
    QTimer.singleShot(0, measure)
def measure():
    print("cpu", time.process_time())
    print("heavy", sorted({"torch", "captum", "matplotlib", "transformers"} & set(sys.modules)))
    QTimer.singleShot(1500, start.QApplication.closeAllWindows)
main_window.MainWindow.showEvent = show
sys.exit(start.main([Path(p) for p in sys.argv[1:]]))
"""


# What no window can do without.
BARE = """
import time
import h5py, numpy
from PySide6.QtWidgets import QApplication, QMainWindow
application = QApplication([])
QMainWindow().show()
print("cpu", time.process_time())
"""
# How much more processor time the first window may take than that; half of it was measured.
AT_MOST = 7.0


def test_the_first_window_comes_soon_and_without_torch(
    tmp_path: Path, hard_path: Path, soft_path: Path
) -> None:
    bare = min(float(run(BARE, tmp_path).stdout.split()[1]) for _ in range(2))
    done = run(FIRST_WINDOW, tmp_path, str(hard_path), str(soft_path), HARDATTN_TRACE="1")
    assert done.returncode == 0, done.stderr
    assert "heavy []" in done.stdout
    cpu = float(done.stdout.split()[1])
    assert cpu < AT_MOST * bare
    assert "READY" in done.stderr
    states = [line for line in done.stderr.splitlines() if line.startswith("state ")]
    assert states and "example=0 step=0" in states[-1] and "view=compare" in states[-1]
    assert "Traceback" not in done.stderr


FAULTS = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from hardattn_viewer.app import start
from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.views import heads_canvas
from hardattn_viewer.views.heads import HeadsView

def window():
    return next(w for w in start.QApplication.topLevelWidgets() if isinstance(w, MainWindow))

def fault(*_):
    eval(sys.argv[1])

def at_the_end():
    print("said", window().message.isVisible(), window().message.text.text())
    print("at", window().session.state.view, window().views.currentWidget().objectName())
    window().close()

setattr({"_show": HeadsView, "paint_marks": heads_canvas}[sys.argv[2]], sys.argv[2], fault)
start.application()
for after, view in ((1500, "heads"), (2500, "matrix")):
    QTimer.singleShot(after, lambda view=view: window().session.set_view(view))
QTimer.singleShot(3000, at_the_end)
sys.exit(start.main([Path(p) for p in sys.argv[3:]]))
"""


@pytest.mark.parametrize("where", ["_show", "paint_marks"])
def test_a_fault_of_a_widget_is_said_and_the_window_lives(
    tmp_path: Path, hard_path: Path, where: str
) -> None:
    # Raised by C code, which PySide takes worse than what Python code raises.
    done = run(FAULTS, tmp_path, "()[0]", where, str(hard_path))
    assert done.returncode == 0, done.stderr
    words = "IndexError: tuple index out of range"
    assert f"said True Something went wrong inside hardattn ({words})." in done.stdout
    assert "at matrix matrixView" in done.stdout
    assert words in done.stderr and "in fault" in done.stderr
    assert "QPainter" not in done.stderr and "QBackingStore" not in done.stderr


SCREENSHOT = """
import sys
from pathlib import Path
from hardattn_viewer.app.start import main
paths, target, theme = [Path(p) for p in sys.argv[3:]], Path(sys.argv[1]), sys.argv[2]
sys.exit(main(paths, target, theme=theme, size=(1100, 700)))
"""


NO_PICTURE = """
import sys
from pathlib import Path
from hardattn_viewer.app.start import main
from hardattn_viewer.views.panes import RunPane
RunPane.showEvent = lambda self, event: ()[0]
sys.exit(main([Path(sys.argv[1])], Path(sys.argv[2])))
"""


def test_a_fault_leaves_no_picture_that_looks_whole(tmp_path: Path, hard_path: Path) -> None:
    target = tmp_path / "window.png"
    done = run(NO_PICTURE, tmp_path, str(hard_path), str(target))
    assert done.returncode == 1 and "tuple index out of range" in done.stderr
    assert not target.exists()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_screenshot_needs_no_screen(
    tmp_path: Path, hard_path: Path, soft_path: Path, theme: str
) -> None:
    target = tmp_path / "window.png"
    done = run(SCREENSHOT, tmp_path, str(target), theme, str(hard_path), str(soft_path), DISPLAY="")
    assert done.returncode == 0, done.stderr
    image = QImage(str(target))
    assert (image.width(), image.height()) == (1100, 700)
    corner = image.pixelColor(image.width() - 4, 4).lightness()
    assert corner < 60 if theme == "dark" else corner > 200
    assert len({image.pixel(x, 300) for x in range(0, 1100, 3)}) > 20
    assert not (tmp_path / "config").exists() or not list((tmp_path / "config").rglob("*.conf"))


def test_a_screenshot_of_what_is_not_there_fails_in_words(tmp_path: Path) -> None:
    done = run(SCREENSHOT, tmp_path, str(tmp_path / "w.png"), "dark", str(tmp_path / "none.h5"))
    assert done.returncode == 1
    assert "none.h5" in done.stderr and "Traceback" not in done.stderr
