"""Captum's explainers by perturbation, on which items are there instead of on what they hold.

An example is then a row of ones, and zero stands for an item that is removed. So each of them works
for tokens, regions and slots alike, by every operator, and shares its runs with all others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from captum.attr import FeatureAblation, KernelShap, Occlusion, ShapleyValueSampling
from torch import Tensor

from hardattn_viewer.faithfulness.engine import Ask
from hardattn_viewer.faithfulness.explainers.captum_calls import drawing
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.subject import Floats

SHAPLEY_SAMPLES = 25
"""Permutations that Shapley values are sampled by; each takes as many runs as there are items."""
_STILL = "it would run the model on as many variants again at each point"
WINDOW = 2
"""Items along each side of the window of occlusion."""
_TOGETHER = 256


def kernel_samples(items: int) -> int:
    """Coalitions that KernelSHAP is fitted to.

    Captum's 25 leave a linear model of eight items wrong in the first digit. There are 2ⁿ of them,
    and Lundberg and Lee's own program draws 2n + 2048.
    """
    return int(min(2 * items + 2048, 64 * 2 ** min(items, 20)))


def _there(asked: Asked) -> tuple[Callable[[Tensor], Tensor], Tensor, Tensor]:
    """The output as a function of which items are there; all of them, and none."""
    shape = getattr(asked.engine.subject, "grid", lambda example: None)(asked.example)
    shape = shape or (asked.items,)

    def values(masks: Tensor) -> Tensor:
        kept = (masks.reshape(len(masks), -1) > 0.5).numpy()
        (found,) = asked.engine.values([Ask(asked.example, kept, asked.operator)])
        return torch.from_numpy(found)

    ones = torch.ones(1, *shape, dtype=torch.double)
    return values, ones, torch.zeros_like(ones)


def _by(explain: Callable[[Asked, Callable[[Tensor], Tensor], Tensor, Tensor], Tensor]) -> Any:
    def explained(asked: Asked) -> Floats:
        values, ones, zeros = _there(asked)
        noted: list[Tensor] = []

        def note(masks: Tensor) -> Tensor:
            noted.append(masks.reshape(len(masks), -1) > 0.5)
            return torch.zeros(len(masks), dtype=torch.double)

        # What Captum tries is drawn, and depends on no answer: a first call says what it will be,
        # so that it is run in full batches instead of one permutation after another.
        with drawing(asked, explain.__name__):
            explain(asked, note, ones, zeros)
        if noted:
            kept = torch.cat(noted).numpy()
            asked.engine.prepare([Ask(asked.example, kept, asked.operator)])
        with drawing(asked, explain.__name__):
            found = explain(asked, values, ones, zeros)
        return np.asarray(found.detach().reshape(-1).numpy(), np.float64)

    return explained


def _ablated(asked: Asked, values: Any, ones: Tensor, zeros: Tensor) -> Tensor:
    found: Tensor = FeatureAblation(values).attribute(
        ones, baselines=zeros, perturbations_per_eval=_TOGETHER
    )
    return found


def _occluded(asked: Asked, values: Any, ones: Tensor, zeros: Tensor) -> Tensor:
    window = tuple(min(WINDOW, side) for side in ones.shape[1:])
    found: Tensor = Occlusion(values).attribute(
        ones,
        sliding_window_shapes=window,
        strides=1,
        baselines=zeros,
        perturbations_per_eval=_TOGETHER,
    )
    return found


def _shapley(asked: Asked, values: Any, ones: Tensor, zeros: Tensor) -> Tensor:
    found: Tensor = ShapleyValueSampling(values).attribute(
        ones, baselines=zeros, n_samples=SHAPLEY_SAMPLES, perturbations_per_eval=_TOGETHER
    )
    return found


def _kernel(asked: Asked, values: Any, ones: Tensor, zeros: Tensor) -> Tensor:
    if asked.items == 1:
        alone: Tensor = values(ones) - values(zeros)
        return alone
    method = KernelShap(values)
    method.interpretable_model = _Regression()
    found: Tensor = method.attribute(
        ones,
        baselines=zeros,
        n_samples=kernel_samples(asked.items),
        perturbations_per_eval=_TOGETHER,
    )
    return found


class _Regression:
    """Weighted least squares; Captum's own asks for scikit-learn, for this alone."""

    def __init__(self) -> None:
        self._slope = torch.zeros(0)

    def fit(self, train_data: Iterable[tuple[Tensor, Tensor, Tensor]], **options: Any) -> None:
        """Fit to batches of coalitions ``[rows, items]``, values and weights ``[rows]``."""
        x, y, weight = (torch.cat(parts).double() for parts in zip(*train_data, strict=True))
        root = weight.reshape(-1, 1).sqrt()
        design = torch.cat([x, torch.ones_like(root)], 1)
        solved = torch.linalg.lstsq(design * root, y.reshape(-1, 1) * root, driver="gelsd")
        self._slope = solved.solution[:-1, 0]

    def representation(self) -> Tensor:
        """What each item adds, ``[items]``."""
        return self._slope


PERTURBING = (
    Explainer(
        "leave-one-out",
        "perturbation",
        "how far the output falls without the item (Captum's FeatureAblation)",
        "Zeiler & Fergus 2014, arXiv:1311.2901",
        _by(_ablated),
        removes=True,
        still=_STILL,
    ),
    Explainer(
        "occlusion",
        "perturbation",
        f"how far it falls without windows of {WINDOW} neighbours (Captum's Occlusion)",
        "Zeiler & Fergus 2014, arXiv:1311.2901",
        _by(_occluded),
        removes=True,
        still=_STILL,
    ),
    Explainer(
        "shapley",
        "perturbation",
        f"Shapley values by {SHAPLEY_SAMPLES} permutations (Captum's ShapleyValueSampling)",
        "Castro et al. 2009, Computers & Operations Research 36",
        _by(_shapley),
        removes=True,
        still=_STILL,
    ),
    Explainer(
        "kernel-shap",
        "perturbation",
        "Shapley values by a weighted regression (Captum's KernelShap)",
        "Lundberg & Lee 2017, arXiv:1705.07874",
        _by(_kernel),
        removes=True,
        still=_STILL,
    ),
)


def shapley_values(asked: Asked) -> Floats:
    """Shapley values by all coalitions, ``[items]``, for a dozen items at most.

    Raises:
        ValueError: there are too many items.
    """
    count = asked.items
    if count > 12:
        raise ValueError(f"{count} items have {2**count} coalitions: 12 items are the most")
    kept = (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(bool)
    (worth,) = asked.engine.values([Ask(asked.example, kept, asked.operator)])
    sizes = kept.sum(1)
    share = np.array(
        [
            math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            if size < count
            else 0.0
            for size in range(count + 1)
        ]
    )
    found = np.zeros(count)
    for item in range(count):
        without = np.flatnonzero(~kept[:, item])
        found[item] = (share[sizes[without]] * (worth[without | 1 << item] - worth[without])).sum()
    return found
