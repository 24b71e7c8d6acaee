"""How learning gets past a choice."""

from hardattn_models.gradients.baselines import Baseline, Constant, Learned, MovingAverage
from hardattn_models.gradients.estimator import Estimator, estimate, estimator, estimators
from hardattn_models.gradients.reinforce import ReinforceLoss, reinforce
from hardattn_models.gradients.scoring import fitted_control

__all__ = [
    "Baseline",
    "Constant",
    "Estimator",
    "Learned",
    "MovingAverage",
    "ReinforceLoss",
    "estimate",
    "estimator",
    "estimators",
    "fitted_control",
    "reinforce",
]
