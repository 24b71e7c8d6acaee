"""How learning gets past a choice."""

from hardattn_models.gradients.reinforce import ReinforceLoss, reinforce

__all__ = ["ReinforceLoss", "reinforce"]
