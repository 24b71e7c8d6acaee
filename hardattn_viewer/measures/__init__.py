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
    most_probable,
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
from hardattn_viewer.measures.intervals import Interval, bootstrap_interval, bootstrap_slices
from hardattn_viewer.measures.pairs import PAIR_MEASURES, PairMeasure, pair_numbers
from hardattn_viewer.measures.rollout import attention_flow, max_flow, rollout, with_residual
from hardattn_viewer.measures.stability import Repeats, expected_agreement, repeats_of

__all__ = [
    "PAIR_MEASURES",
    "Agreement",
    "Axes",
    "Interval",
    "PairMeasure",
    "Repeats",
    "agreement",
    "attention_flow",
    "bootstrap_interval",
    "bootstrap_slices",
    "choice_weights",
    "disagreement",
    "effective_number",
    "entropy",
    "expected_agreement",
    "hardness",
    "jensen_shannon",
    "known_rows",
    "largest_probability",
    "margin",
    "mass_at_offset",
    "mass_on",
    "mass_on_keys",
    "max_flow",
    "mean_distance",
    "mean_over_queries",
    "most_probable",
    "pair_numbers",
    "rank",
    "repeats_of",
    "rollout",
    "row_entropy",
    "same_argmax",
    "top_two",
    "with_residual",
]
