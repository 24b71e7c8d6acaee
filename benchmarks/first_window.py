"""CPU seconds until the window shows the sample runs, as a ratio to a bare Qt application.

usage: python benchmarks/first_window.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys

WINDOW = (
    "import os, sys, tempfile\n"
    "from hardattn_viewer.cli import main\n"
    "with tempfile.TemporaryDirectory() as folder:\n"
    "    words = ['view', *sys.argv[1:], '--screenshot', os.path.join(folder, 'window.png')]\n"
    "    sys.exit(main(words))\n"
)
QT = "from PySide6.QtWidgets import QApplication; QApplication([])"


def cpu_seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    window, qt = [], []
    for _ in range(arguments.rounds):
        qt.append(cpu_seconds(QT))
        window.append(cpu_seconds(WINDOW))
    ratio = statistics.median(w / q for w, q in zip(window, qt, strict=True))
    print(f"window: median {statistics.median(window):.2f} CPU s, {ratio:.1f} times bare Qt")
    print(f"bare Qt application: median {statistics.median(qt):.2f} CPU s")


if __name__ == "__main__":
    main()
