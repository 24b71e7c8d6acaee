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
    margin,
    rank,
)
from hardattn_viewer.measures.heads import (
    Axes,
    choice_weights,
    disagreement,
    known_rows,
    mass_at_offset,
    mass_on_keys,
    mean_distance,
    mean_over_queries,
    row_entropy,
    top_two,
)
from hardattn_viewer.measures.intervals import Interval, bootstrap_interval

__all__ = [
    "Agreement",
    "Axes",
    "Interval",
    "agreement",
    "bootstrap_interval",
    "choice_weights",
    "disagreement",
    "effective_number",
    "entropy",
    "hardness",
    "jensen_shannon",
    "known_rows",
    "margin",
    "mass_at_offset",
    "mass_on",
    "mass_on_keys",
    "mean_distance",
    "mean_over_queries",
    "rank",
    "row_entropy",
    "same_argmax",
    "top_two",
]
