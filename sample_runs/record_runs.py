"""Records the sample runs from the sample checkpoints: ``python -m sample_runs.record_runs``.

Both runs hold the same first test images of MNIST, which are bundled, so this works offline.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import sample_runs
from hardattn_viewer.cli import main as hardattn

EXAMPLES = 300
SEED = 0


def record(folder: Path) -> None:
    """Record ``glimpse-hard.h5`` and ``glimpse-soft.h5`` into ``folder``, replacing older ones."""
    for path in sample_runs.paths():
        checkpoint = sample_runs.checkpoints()[path.stem]
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            fresh = Path(scratch, path.name)
            words = ["record", str(checkpoint), "--task", "mnist-small", "-n", str(EXAMPLES)]
            if hardattn([*words, "--seed", str(SEED), "-o", str(fresh)]) != 0:
                sys.exit(f"{checkpoint.name} could not be recorded")
            fresh.replace(folder / path.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path(sample_runs.__file__).parent)
    record(parser.parse_args().output)
