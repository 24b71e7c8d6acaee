"""From scores to a choice: each mechanism is a function ``logits -> Selection``."""

from hardattn_models.mechanisms.categorical import argmax, sampled, soft, uniform
from hardattn_models.mechanisms.deployed import soft_then_hard
from hardattn_models.mechanisms.gates import Gates, gates
from hardattn_models.mechanisms.location import Location, gaussian_location
from hardattn_models.mechanisms.relaxed import (
    gumbel_softmax,
    gumbel_straight_through,
    straight_through,
)
from hardattn_models.mechanisms.schedules import Adaptive, Exponential, Linear
from hardattn_models.mechanisms.selection import Selection
from hardattn_models.mechanisms.several import hybrid, top_k
from hardattn_models.mechanisms.sparse import entmax15, sparsemax

__all__ = [
    "Adaptive",
    "Exponential",
    "Gates",
    "Linear",
    "Location",
    "Selection",
    "argmax",
    "entmax15",
    "gates",
    "gaussian_location",
    "gumbel_softmax",
    "gumbel_straight_through",
    "hybrid",
    "sampled",
    "soft",
    "soft_then_hard",
    "sparsemax",
    "straight_through",
    "top_k",
    "uniform",
]
