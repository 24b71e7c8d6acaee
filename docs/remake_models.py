"""Remakes docs/models.md and docs/estimators.md: ``python docs/remake_models.py``.

Runs every measurement, each of which leaves alone what is measured already, and then what makes
pages of the figures. From nothing that takes the hours that docs/models.md names; it may be stopped
at any time and goes on where it was. ``--again`` measures everything anew, ``--list`` says what
would be run. All of MNIST is looked for as ``hardattn train`` looks for it: in the folder that
``HARDATTN_DATA`` names, or in the user's cache, into which it is downloaded.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS)]

from measured_matrix import unmeasured  # noqa: E402

from hardattn_models import load_task  # noqa: E402
from hardattn_models.errors import TaskError  # noqa: E402

MEASUREMENTS = ("measure_models.py", "measure_deploying.py", "measure_estimators.py")
PAGES = ("make_models_page.py", "make_estimators_page.py")


def commands(again: bool) -> list[list[str]]:
    """What is run, in order: measurements first, then the pages of their figures."""
    more = ["--again"] if again else []
    measuring = [[str(DOCS / name), *more] for name in MEASUREMENTS]
    return [*measuring, *([str(DOCS / name)] for name in PAGES)]


def main() -> None:
    """Measure and make everything; the first that fails ends it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--again", action="store_true", help="measure anew what is measured")
    parser.add_argument("--list", action="store_true", help="say what would be run")
    arguments = parser.parse_args()
    missing = unmeasured()
    if arguments.list:
        for words in commands(arguments.again):
            print(" ".join(["python", str(Path(words[0]).relative_to(ROOT)), *words[1:]]))
        for words in missing:
            print(f"not measured: hardattn train {words}")
        return
    if arguments.again or any("--task mnist " in f"{words} " for words in missing):
        # Better told now than after hours.
        try:
            load_task("mnist")
        except TaskError as error:
            sys.exit(f"all of MNIST is needed: {error}")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    for words in commands(arguments.again):
        print(f"{Path(words[0]).name} …", flush=True)
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=False
        )
        if done.returncode:
            sys.exit(f"{Path(words[0]).name} ended with {done.returncode}; its figures are kept")


if __name__ == "__main__":
    main()
