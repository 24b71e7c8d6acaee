"""A hundred architectures as they come: each attention is found and verified, or is remarked."""

from __future__ import annotations

import warnings

import pytest
import torch
from sweep_models import ARCHITECTURES, BATCH, Architecture, build

from recorders import Recorder, read_run
from recorders.run.layout import LEFT_OUT, REMARKS

transformers = pytest.importorskip("transformers")
transformers.logging.set_verbosity_error()


def tensors(answer):
    """All tensors of a model's output, in order."""
    if isinstance(answer, torch.Tensor):
        return [answer]
    answer = answer.to_tuple() if hasattr(answer, "to_tuple") else answer
    if isinstance(answer, (tuple, list)):
        return [one for part in answer for one in tensors(part)]
    return []


def named(architecture):
    return f"{architecture.name}-{architecture.sites}"


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=named)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_every_attention_is_recorded_or_remarked(architecture: Architecture, tmp_path):
    model, inputs = build(architecture)
    path = tmp_path / "run.h5"
    with torch.no_grad():
        torch.manual_seed(1)
        plain = tensors(model(**inputs))
        torch.manual_seed(1)
        with warnings.catch_warnings():
            if not architecture.sites:
                warnings.filterwarnings("ignore", message=".*holds no event")
            with Recorder(path, model) as recorder, recorder.example(batch=[{}] * BATCH):
                watched = tensors(model(**inputs))
    assert len(plain) == len(watched)
    # A fully masked row of an unused tensor may hold NaN, which is not equal to itself.
    for one, other in zip(plain, watched, strict=True):
        assert torch.equal(one.nan_to_num(), other.nan_to_num())
    with read_run(path) as run:
        assert LEFT_OUT not in run.metadata
        remarks = [line for line in run.metadata.get(REMARKS, []) if "a softmax over" in line]
        assert len(remarks) == architecture.remarked, remarks
        attentions = [site for site in run.sites if site.capture != "choice"]
        assert len(attentions) == architecture.sites
        assert len(run.sites) - len(attentions) == architecture.choices
        for site in attentions:
            known = run.verification(site)
            assert known.checked and not known.failed and not known.unchecked, site.name
