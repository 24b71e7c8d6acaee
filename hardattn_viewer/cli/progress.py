"""One progress bar for every command: on a terminal only, once the work is longer than a second."""

from __future__ import annotations

import sys
from typing import Any

DELAY_SECONDS = 1.0


def progress_bar(total: int, what: str, unit: str) -> Any:
    """A tqdm bar on standard error that shows nothing where that is not a terminal."""
    from tqdm import tqdm

    return tqdm(
        total=total,
        desc=what,
        unit=f" {unit}",
        delay=DELAY_SECONDS,
        disable=not sys.stderr.isatty(),
        leave=False,
        dynamic_ncols=True,
    )
