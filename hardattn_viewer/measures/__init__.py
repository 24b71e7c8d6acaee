"""Numbers about attention maps: numpy in, numpy out; the last axis is always the keys."""

from hardattn_viewer.measures.comparing import (
    Agreement,
    agreement,
    jensen_shannon,
    mass_on,
    same_argmax,
)
from hardattn_viewer.measures.distributions import (
    effective_number,
    entropy,
    hardness,
    largest_probability,
    margin,
    rank,
)
from hardattn_viewer.measures.intervals import Interval, bootstrap_interval

__all__ = [
    "Agreement",
    "Interval",
    "agreement",
    "bootstrap_interval",
    "effective_number",
    "entropy",
    "hardness",
    "jensen_shannon",
    "largest_probability",
    "margin",
    "mass_on",
    "rank",
    "same_argmax",
]
