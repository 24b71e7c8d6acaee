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
from hardattn_viewer.measures.intervals import Interval, bootstrap_interval, bootstrap_slices
from hardattn_viewer.measures.pairs import PAIR_MEASURES, PairMeasure, pair_numbers
from hardattn_viewer.measures.stability import Repeats, expected_agreement, repeats_of

__all__ = [
    "PAIR_MEASURES",
    "Agreement",
    "Interval",
    "PairMeasure",
    "Repeats",
    "agreement",
    "bootstrap_interval",
    "bootstrap_slices",
    "effective_number",
    "entropy",
    "expected_agreement",
    "hardness",
    "jensen_shannon",
    "largest_probability",
    "margin",
    "mass_on",
    "pair_numbers",
    "rank",
    "repeats_of",
    "same_argmax",
]
