"""A replayed episode as a frame, so that it is drawn as what was recorded is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hardattn_viewer.checks.replay import Replay
from hardattn_viewer.session.frames import Frame


def counterfactual_frame(frame: Frame, made: Replay, step: int) -> Frame | None:
    """The frame as it would have been at a step of a replay.

    Args:
        frame: of the same example, as it was recorded.
        made: the replay.
        step: which step is shown.

    Returns:
        The frame; None where the run shows other items than the model chooses among, or holds a
        part of the steps only.
    """
    steps, candidates = made.probabilities.shape
    if frame.first_region or frame.first_step or frame.groups is not None:
        return None
    if frame.steps != steps or frame.distributions.shape != (steps, candidates):
        return None
    p = made.probabilities.astype(np.float32)
    chosen = tuple(
        (int(item),) if there or at == made.step else ()
        for at, (item, there) in enumerate(zip(made.replayed, made.live, strict=True))
    )
    return replace(
        frame,
        place=replace(frame.place, step=step),
        probabilities=p[step],
        distributions=p,
        selections=chosen if frame.hard else (),
        scalars={},
        maps=(),
        prediction=None if made.replayed_predicted < 0 else made.replayed_predicted,
        confidence=None,
        label_probability=None,
    )
