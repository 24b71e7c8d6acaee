"""Every explainer by name."""

from __future__ import annotations

from collections.abc import Mapping

from hardattn_viewer.faithfulness.explainers.choices import CHOICES
from hardattn_viewer.faithfulness.explainers.controls import ORACLE, RANDOM
from hardattn_viewer.faithfulness.explainers.explainer import Explainer
from hardattn_viewer.faithfulness.explainers.gradients import GRADIENTS
from hardattn_viewer.faithfulness.explainers.perturbing import PERTURBING

EXPLAINERS: Mapping[str, Explainer] = {
    one.name: one for one in (*CHOICES, *GRADIENTS, *PERTURBING, ORACLE, RANDOM)
}
USUAL = (
    "selection",
    "expected attention",
    "shapley",
    "leave-one-out",
    "integrated-gradients",
    "input-x-gradient",
    "random",
)
"""Those that are run where none are named."""
