"""From scores to a choice: each mechanism is a function ``logits -> Selection``."""

from hardattn_models.mechanisms.categorical import argmax, sampled, soft, uniform
from hardattn_models.mechanisms.selection import Selection

__all__ = ["Selection", "argmax", "sampled", "soft", "uniform"]
