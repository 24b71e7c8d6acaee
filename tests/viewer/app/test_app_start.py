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


SCREENSHOT = """
import sys
from pathlib import Path
from hardattn_viewer.app.start import main
paths, target, theme = [Path(p) for p in sys.argv[3:]], Path(sys.argv[1]), sys.argv[2]
sys.exit(main(paths, target, theme=theme, size=(1100, 700)))
"""


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
