"""Whether what was recorded is what the model used, summed up for each site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recorders.run import layout
from recorders.run.tables import Tables


@dataclass(frozen=True)
class Verification:
    """What is known about whether a site's record is what the model used.

    An event is checked by comparing its probabilities times the values with what the layer
    returned.

    Attributes:
        checked: events compared.
        failed: of these, events that did not agree.
        unchecked: events that could not be compared.
        error: largest difference met, relative to the largest output; None where nothing was
            compared, NaN where a difference was.
        tolerance: difference above which an event failed, the largest where there are several;
            None where nothing was compared.
        reasons: why events could not be compared or did not agree, in sentences.
    """

    checked: int = 0
    failed: int = 0
    unchecked: int = 0
    error: float | None = None
    tolerance: float | None = None
    reasons: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """One sentence for people; empty where nothing is known."""
        why = "; ".join(self.reasons)
        if self.failed:
            sentence = (
                f"MISMATCH: {self.failed:,} of {self.checked:,} events "
                f"{'differs' if self.failed == 1 else 'differ'}, largest error "
                f"{_short(self.error)} (tolerance {_short(self.tolerance)})"
            )
            return f"{sentence}: {why}" if why else sentence
        if self.checked:
            sentence = (
                f"verified: {self.checked:,} of {self.checked + self.unchecked:,} events, "
                f"largest error {_short(self.error)}"
            )
            return f"{sentence}; the others not: {why}" if self.unchecked and why else sentence
        if self.unchecked:
            return f"not verified: {why or 'there was nothing to compare with'}"
        return ""


def verifications(tables: Tables) -> tuple[Verification, ...]:
    """What is known about each site of a run, in the order of the sites."""
    columns = {
        column.name: tables.columns[f"verifications/{column.name}"]
        for column in layout.VERIFICATIONS.columns
        if column.name != "reason"
    }
    reasons = np.array(list(tables.texts["verifications/reason"]), object)
    known = []
    for site in range(tables.rows(layout.SITES)):
        here = columns["site"] == site
        compared = here & (columns["checked"] > 0)
        # Of several numbers with a NaN the largest is NaN: it agrees with nothing.
        error, tolerance = (
            float(columns[name][compared].max()) if compared.any() else None
            for name in ("error", "tolerance")
        )
        known.append(
            Verification(
                int(columns["checked"][here].sum()),
                int(columns["failed"][here].sum()),
                int(columns["unchecked"][here].sum()),
                error,
                tolerance,
                tuple(dict.fromkeys(reason for reason in reasons[here] if reason)),
            )
        )
    return tuple(known)


def together(known: Sequence[Verification]) -> Verification:
    """What is known about several sites, as if they were one."""
    return Verification(
        sum(one.checked for one in known),
        sum(one.failed for one in known),
        sum(one.unchecked for one in known),
        max((one.error for one in known if one.error is not None), default=None),
        max((one.tolerance for one in known if one.tolerance is not None), default=None),
        tuple(dict.fromkeys(reason for one in known for reason in one.reasons)),
    )


def _short(number: float | None) -> str:
    """Two digits, as ``3.1e-7``."""
    text = f"{number:.2g}" if number is not None else "unknown"
    mantissa, separator, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if separator else text
