"""What is known about each site's record, added up while a model runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from recorders.capture.captured import Check
from recorders.run.writer import SegmentWriter


@dataclass
class _Tally:
    checked: int = 0
    failed: int = 0
    unchecked: int = 0
    error: float = 0.0


class Verifications:
    """Adds up checks and writes what is new into the run."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[int, float, str], _Tally] = {}
        self._warned: set[int] = set()

    def add(self, site: int, check: Check, events: int) -> bool:
        """Note one check. Returns whether it is the first of this site that failed."""
        tally = self._tallies.setdefault((site, check.tolerance, check.reason), _Tally())
        if check.error is None:
            tally.unchecked += events
            return False
        tally.checked += events
        # A NaN must not pass for a small error.
        tally.error = max(tally.error, math.inf if math.isnan(check.error) else check.error)
        if not check.failed:
            return False
        tally.failed += events
        first = site not in self._warned
        self._warned.add(site)
        return first

    def write(self, writer: SegmentWriter) -> None:
        """Add what was learned since the last time to the run."""
        for (site, tolerance, reason), tally in self._tallies.items():
            writer.add_verification(
                site,
                checked=tally.checked,
                failed=tally.failed,
                unchecked=tally.unchecked,
                error=tally.error,
                tolerance=tolerance,
                reason=reason,
            )
        self._tallies.clear()
