"""Numbers of a report as a reader meets them in its tables; what is not known is N/A."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hardattn_viewer.measures.intervals import Interval

NONE = "N/A"


def tau(value: float) -> str:
    """A rank correlation."""
    return f"{value:.2f}".replace("-0.00", "0.00") if value == value else NONE


def fact(value: Any) -> str:
    """A value of the facts of a report."""
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def percents(one: Interval) -> str:
    """A share with its interval."""
    return f"{one.mean:.0%} [{one.low:.0%}, {one.high:.0%}]"


def interval(one: Interval, sign: str = "+.3f") -> str:
    """A number with its interval."""
    if not one.count:
        return NONE
    return f"{one.mean:{sign}} [{one.low:{sign}}, {one.high:{sign}}]"


def percent(value: float) -> str:
    """A share."""
    return f"{value:.0%}" if value == value else NONE


def unsigned(value: float) -> str:
    """A number of which the sign says nothing."""
    return f"{value:.3f}" if value == value else NONE


def signed(value: float) -> str:
    """A difference."""
    # −0.000 would claim a sign that the shown digits do not support.
    return f"{value:+.3f}".replace("-0.000", "+0.000") if value == value else NONE


def q_value(value: float) -> str:
    """A corrected probability."""
    return NONE if value != value else f"{value:.3f}" if value >= 0.001 else "< 0.001"


def known_mean(values: Sequence[float] | np.ndarray[Any, Any]) -> float:
    """The mean of what is known."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else float("nan")
