"""One choice made otherwise, and the rest of the episode played anew by the policy."""

from __future__ import annotations

import numpy as np

from hardattn_viewer.checks.replay import Replay
from hardattn_viewer.faithfulness.engine import Ask, Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.forcing import choosing


def replay(engine: Engine, example: int, step: int, item: int) -> Replay:
    """The episode with an item chosen at one step, and the most probable ones at all later ones.

    Args:
        engine: runs the model; its subject makes choices.
        example: which.
        step: the choice, from 0.
        item: what is chosen there.

    Raises:
        UndefinedError: the model makes no choices that can be forced, none at that step, or the
            item could not be chosen there.
    """
    subject = choosing(engine)
    if not 0 <= example < len(subject):
        raise UndefinedError(f"there is no example {example}: {len(subject)} are checked, from 0")
    made = subject.choices(example)
    steps, candidates = made.probabilities.shape
    if not 0 <= step < steps or not made.live[step]:
        raise UndefinedError(f"nothing is chosen at step {step + 1}: there are {steps} choices")
    if not 0 <= item < candidates or not made.probabilities[step, item] > 0:
        raise UndefinedError(f"item {item} cannot be chosen at step {step + 1} of that example")
    # What blends is left to blend at every other step.
    told = np.full(steps, -1) if made.blends else made.chosen.copy()
    told[step], told[step + 1 :] = item, -1
    again = subject.remade(example, told)
    whole = np.ones((1, subject.items(example)), bool)
    usual = None if made.blends else made.chosen[None]
    asks = [Ask(example, whole, forced=usual), Ask(example, whole, forced=told[None])]
    before, after = (float(values[0]) for values in engine.values(asks))
    outputs = engine.outputs(asks)
    classes = outputs[0].shape[-1] > 1
    was, then = (int(one[0].argmax()) if classes else -1 for one in outputs)
    return Replay(
        example,
        step,
        item,
        made.chosen,
        again.chosen,
        again.live,
        again.probabilities,
        before,
        after,
        engine.reading,
        was,
        then,
        blends=made.blends,
    )
