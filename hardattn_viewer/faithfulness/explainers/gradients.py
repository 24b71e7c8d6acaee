"""Captum's explainers by gradients, of embeddings, pixels or features, pooled to items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from captum.attr import (
    DeepLift,
    GradientShap,
    GuidedBackprop,
    InputXGradient,
    IntegratedGradients,
    LayerAttribution,
    LayerGradCam,
    LayerIntegratedGradients,
    Saliency,
)
from torch import Tensor, nn

from hardattn_viewer.faithfulness.engine import evaluating, read_tensor
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.captum_calls import drawing
from hardattn_viewer.faithfulness.explainers.explainer import Asked, Explainer
from hardattn_viewer.faithfulness.subject import Differentiable, Floats, Inputs

STEPS = 64
"""Steps of integrated gradients."""
SHAP_SAMPLES = 32
SHAP_NOISE = 0.1
"""Standard deviation of the noise of GradientSHAP, in standard deviations of the input."""
_TOGETHER = 32
CONVERGENCE = "convergence"
"""Name of the note |Σ attributions − (f(x) − f(baseline))| / |f(x) − f(baseline)|."""


class _Read(nn.Module):
    """What is read of the output, ``[rows]``, as a module around the model's own."""

    def __init__(self, asked: Asked, inputs: Inputs) -> None:
        super().__init__()
        self.inner = inputs.module
        self._forward, self._asked, self._target = inputs.forward, asked, asked.target

    def forward(self, values: Tensor) -> Tensor:
        outputs = self._forward(values)
        return read_tensor(outputs, self._asked.engine.reading, self._target)


def _inputs(asked: Asked) -> Inputs:
    subject = asked.engine.subject
    if not isinstance(subject, Differentiable):
        raise UndefinedError("the model has no gradient by its inputs")
    try:
        return subject.inputs(asked.example)
    except ValueError as error:
        raise UndefinedError(str(error)) from error


def _by(explain: Callable[[Asked, Inputs, _Read, Tensor], Tensor]) -> Callable[[Asked], Floats]:
    def explained(asked: Asked) -> Floats:
        inputs = _inputs(asked)
        read = _Read(asked, inputs)
        with drawing(asked, explain.__name__), _frozen(read):
            found = explain(asked, inputs, read, inputs.values.detach().requires_grad_())
        return inputs.pool(found)

    return explained


@contextmanager
def _frozen(read: _Read) -> Iterator[None]:
    """In evaluation mode, and with nothing left in the gradients of its parameters."""
    parameters = list(read.parameters())
    before = [one.requires_grad for one in parameters]
    for one in parameters:
        one.requires_grad_(False)
    try:
        with evaluating(read), torch.enable_grad():
            yield
    except RuntimeError as error:
        if "does not require grad" in str(error) or "not have been used" in str(error):
            raise UndefinedError("no gradient of the output reaches the input") from error
        if "cannot register a hook" in str(error):
            why = "a part of the model runs without gradients, where its hooks cannot go"
            raise UndefinedError(why) from error
        raise
    finally:
        for one, needed in zip(parameters, before, strict=True):
            one.requires_grad_(needed)


def _saliency(asked: Asked, inputs: Inputs, read: _Read, values: Tensor) -> Tensor:
    found: Tensor = Saliency(read).attribute(values)
    return found


def _times_gradient(asked: Asked, inputs: Inputs, read: _Read, values: Tensor) -> Tensor:
    found: Tensor = InputXGradient(read).attribute(values)
    return found


def _integrated(asked: Asked, inputs: Inputs, read: _Read, values: Tensor) -> Tensor:
    found: Tensor
    found, delta = IntegratedGradients(read).attribute(
        values,
        baselines=inputs.baseline,
        n_steps=STEPS,
        internal_batch_size=_TOGETHER,
        return_convergence_delta=True,
    )
    _note(asked, read, inputs, delta)
    return found


def _deep_lift(asked: Asked, inputs: Inputs, read: _Read, values: Tensor) -> Tensor:
    if inputs.module is None:
        raise UndefinedError("DeepLIFT needs a model made of modules")
    found: Tensor
    found, delta = DeepLift(read).attribute(
        values, baselines=inputs.baseline, return_convergence_delta=True
    )
    _note(asked, read, inputs, delta)
    return found


def _gradient_shap(asked: Asked, inputs: Inputs, read: _Read, values: Tensor) -> Tensor:
    found: Tensor = GradientShap(read).attribute(
        values,
        baselines=inputs.baseline,
        n_samples=SHAP_SAMPLES,
        stdevs=SHAP_NOISE * float(inputs.values.std(unbiased=False)),
    )
    return found


def _guided(asked: Asked, inputs: Inputs, read: _Read, values: Tensor) -> Tensor:
    fired: list[int] = []
    handles = [
        module.register_full_backward_hook(lambda *given: fired.append(1))
        for module in read.modules()
        if isinstance(module, nn.ReLU) and not module.inplace
    ]
    try:
        found: Tensor = GuidedBackprop(read).attribute(values)
    finally:
        for handle in handles:
            handle.remove()
    if not fired:
        raise UndefinedError("no gradient goes through a ReLU module, so it would be the saliency")
    return found


def _grad_cam(asked: Asked, inputs: Inputs, read: _Read, values: Tensor) -> Tensor:
    layers = [module for module in read.modules() if isinstance(module, nn.Conv2d)]
    if not layers or values.ndim != 4:
        raise UndefinedError("the model has no convolution")
    found = LayerGradCam(read, layers[-1]).attribute(values, relu_attributions=True)
    assert isinstance(found, Tensor)
    grown: Tensor = LayerAttribution.interpolate(found, tuple(values.shape[-2:]))
    return grown


def _layer_integrated(asked: Asked) -> Floats:
    from hardattn_viewer.faithfulness.subjects.tokens import TokenSubject

    subject = asked.engine.subject
    if not isinstance(subject, TokenSubject) or subject.embedding is None:
        raise UndefinedError("there is no embedding layer: integrated-gradients is the same here")
    ids, blank, forward = subject.by_ids(asked.example)

    def read(changed: Tensor) -> Tensor:
        return read_tensor(forward(changed), asked.engine.reading, asked.target)

    with drawing(asked, "layer"), evaluating(subject.model):
        found: Any
        found, delta = LayerIntegratedGradients(read, subject.embedding).attribute(
            ids,
            baselines=blank,
            n_steps=STEPS,
            internal_batch_size=_TOGETHER,
            return_convergence_delta=True,
        )
        with torch.no_grad():
            whole = float(read(ids) - read(blank))
    asked.notes[CONVERGENCE] = _relative(delta, whole)
    return subject.pooled(asked.example, found)


def _note(asked: Asked, read: _Read, inputs: Inputs, delta: Tensor) -> None:
    with torch.no_grad():
        whole = float(read(inputs.values) - read(inputs.baseline))
    asked.notes[CONVERGENCE] = _relative(delta, whole)


def _relative(delta: Tensor, whole: float) -> float:
    return abs(float(delta.detach().sum())) / max(abs(whole), 1e-12)


GRADIENTS = (
    Explainer(
        "saliency",
        "gradient",
        "size of the gradient (Captum's Saliency)",
        "Simonyan et al. 2013, arXiv:1312.6034",
        _by(_saliency),
    ),
    Explainer(
        "input-x-gradient",
        "gradient",
        "input times gradient (Captum's InputXGradient)",
        "Shrikumar et al. 2016, arXiv:1605.01713",
        _by(_times_gradient),
    ),
    Explainer(
        "integrated-gradients",
        "gradient",
        f"gradients along the way from the baseline, {STEPS} steps (Captum's IntegratedGradients)",
        "Sundararajan et al. 2017, arXiv:1703.01365",
        _by(_integrated),
    ),
    Explainer(
        "layer-integrated-gradients",
        "gradient",
        "the same at the embedding, from ids (Captum's LayerIntegratedGradients)",
        "Sundararajan et al. 2017, arXiv:1703.01365",
        _layer_integrated,
        still="it goes from token ids, which cannot be moved a little",
    ),
    Explainer(
        "deep-lift",
        "gradient",
        "differences from the baseline, layer by layer (Captum's DeepLift)",
        "Shrikumar et al. 2017, arXiv:1704.02685",
        _by(_deep_lift),
    ),
    Explainer(
        "gradient-shap",
        "gradient",
        f"expected gradients, {SHAP_SAMPLES} samples (Captum's GradientShap)",
        "Lundberg & Lee 2017, arXiv:1705.07874",
        _by(_gradient_shap),
    ),
    Explainer(
        "guided-backprop",
        "gradient",
        "gradients that are positive at every ReLU (Captum's GuidedBackprop)",
        "Springenberg et al. 2014, arXiv:1412.6806",
        _by(_guided),
    ),
    Explainer(
        "grad-cam",
        "gradient",
        "maps of the last convolution, by their gradients (Captum's LayerGradCam)",
        "Selvaraju et al. 2017, arXiv:1610.02391",
        _by(_grad_cam),
    ),
)
