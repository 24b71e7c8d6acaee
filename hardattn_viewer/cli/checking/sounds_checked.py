"""A model of waveforms on the sounds of a run, whose items are the moments that it attended to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from hardattn_viewer.checks.sanity import FAIL
from hardattn_viewer.cli.checking.same_model import same_model
from hardattn_viewer.cli.checking.shown import shown_by
from hardattn_viewer.cli.recording.subject import float_dtype
from hardattn_viewer.faithfulness import FaithfulnessError
from hardattn_viewer.faithfulness.explainers.by_name import usual_of
from hardattn_viewer.faithfulness.from_run import Recorded
from hardattn_viewer.faithfulness.subjects.frames import FrameSubject
from recorders.run.reader import Run


def sounds_checked(run: Run, model: nn.Module, count: int, facts: Mapping[str, Any]) -> Recorded:
    """A model of ``[batch, samples]`` from -1 to 1 on the sounds of a run.

    Raises:
        FaithfulnessError: sounds differ in length, or nothing of the run attends to moments.
    """
    sounds = [run.sound(example) for example in range(count)]
    waves = [one.samples / 32_767.0 for one in sounds if one is not None]
    if len(waves) < count or len({len(one) for one in waves}) != 1:
        raise FaithfulnessError(
            f"the first {count} examples of {run.path} have no sounds of one length, which a check "
            "needs: name a factory that returns a subject"
        )
    sites = [site for site in run.sites if site.key_axis == "frames"]
    if not sites:
        raise FaithfulnessError(
            f"no site of {run.path} attends to moments of its sounds, so that they have no items"
        )
    moments = run.map(sites[0], 0).shape[-1]
    frames = torch.from_numpy(np.stack(waves)).to(float_dtype(model))
    subject = FrameSubject(model, frames, per_item=-(-frames.shape[1] // moments), silence=0.0)
    same = same_model(run, model, subject, classes=False)
    return Recorded(
        subject=subject,
        explanations={} if same.outcome == FAIL else shown_by(run, subject),
        labels=[run.examples[at].label for at in range(count)],
        sanity=(same,),
        facts={
            "run": Path(str(run.path)).name,
            "recording": run.recording,
            **facts,
            "items": "moments",
        },
        explainers=usual_of(subject),
    )
