"""Recordings that go on in another process while the app shows them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STEPS = 3

WRITER = """
    import sys, time, numpy as np
    from recorders.run.writer import SegmentWriter

    path, pause, seconds, side = sys.argv[1], *map(float, sys.argv[2:5])
    side = int(side)
    writer = SegmentWriter(path, codec="float32")
    site = writer.add_site("look", mechanism="soft", heads=2, key_axis="keys")
    snapshot = writer.add_snapshot(0)
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        example = np.array([writer.add_example(f"e{number}")])
        rng = np.random.default_rng(number)
        for step in range(3):
            p = rng.dirichlet(np.ones(side), (1, 2, side)).astype(np.float32)
            writer.add_events(
                site=site, examples=example, step=step, snapshot=snapshot, probabilities=p,
                log_prob=np.zeros(p.shape[:-1]), entropy=-(p * np.log(p)).sum(-1),
            )
        number += 1
        if pause or writer.pending_bytes > 48 << 20:
            writer.flush()
        time.sleep(pause)
    writer.close()
    print(number)
    """


def start_writer(
    path: Path, *, pause: float = 0.2, seconds: float = 3.0, side: int = 6
) -> subprocess.Popen[str]:
    """Begin a recording of one example of three steps a part; it prints how many there are.

    Args:
        path: the run.
        pause: seconds between two parts; 0 for as many examples as it can, 48 MB a part.
        seconds: after which it is sealed.
        side: queries and keys of a map.
    """
    words = [sys.executable, "-c", textwrap.dedent(WRITER), str(path)]
    return subprocess.Popen(
        [*words, str(pause), str(seconds), str(side)], stdout=subprocess.PIPE, text=True
    )


def true_maps(number: int, side: int = 6) -> list[NDArray[np.float32]]:
    """What the writer recorded of one example: float32 [heads, queries, keys] of each step."""
    rng = np.random.default_rng(number)
    return [rng.dirichlet(np.ones(side), (1, 2, side)).astype(np.float32)[0] for _ in range(STEPS)]
