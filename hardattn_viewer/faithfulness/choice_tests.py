"""Runs the further questions to models that choose: see ``hardattn_viewer.checks.choice_tests``."""

from __future__ import annotations

from typing import Any

import numpy as np

from hardattn_viewer.checks.choice_tests import ChoiceTests
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import CancelledError, UndefinedError
from hardattn_viewer.faithfulness.forcing import choosing, contents, paths, why_chosen
from hardattn_viewer.faithfulness.plan import Plan
from hardattn_viewer.faithfulness.subject import Floats
from hardattn_viewer.faithfulness.subjects.choosing import Choosing, Seeing


def choice_tests(engine: Engine, plan: Plan) -> ChoiceTests | None:
    """What a plan asks for; None where it asks for nothing.

    Raises:
        CancelledError: somebody asked to stop.
    """
    if not (plan.paths or plan.contents or plan.why):
        return None
    examples = range(len(engine.subject))
    reasons: dict[str, str] = {}
    found: dict[str, Any] = {}
    if plan.paths:
        try:
            drawn = paths(engine, examples, plan.paths)
            found["paths"] = np.stack([drawn[example].values for example in examples])
        except UndefinedError as error:
            reasons["paths"] = str(error)
    if plan.contents:
        try:
            found |= _contents(engine, plan)
        except UndefinedError as error:
            reasons["contents"] = str(error)
    if plan.why:
        try:
            why, before, reason = _why(engine, choosing(engine))
            found |= {"why": why, "before": before}
            if reason:
                reasons["why"] = reason
        except UndefinedError as error:
            reasons["why"] = str(error)
    return ChoiceTests(**found, reasons=reasons)


def _contents(engine: Engine, plan: Plan) -> dict[str, Any]:
    subject, examples = choosing(engine), range(len(engine.subject))
    if not plan.operators:
        raise UndefinedError("nothing can be removed from an example")
    made = contents(engine, plan.operators[0], examples)
    seen = np.stack(
        [
            np.where(subject.choices(example).live, made[example].chosen, np.nan)
            for example in examples
        ]
    )
    unseen = np.array([made[example].unseen for example in examples])
    return {"operator": plan.operators[0], "seen": seen, "unseen": unseen}


def _why(engine: Engine, subject: Choosing) -> tuple[dict[int, Floats], Floats, str]:
    """Input × gradient and the share on what was seen before, and why some choices have none."""
    why, shares, reason = {}, [], ""
    for example in range(len(subject)):
        choices, items = subject.choices(example), subject.items(example)
        table = np.full((len(choices.chosen), items), np.nan)
        share = np.full(len(choices.chosen), np.nan)
        seen = np.zeros(items, bool)
        for step, item in enumerate(choices.chosen.tolist()):
            if engine.should_stop():
                raise CancelledError("stopped")
            if choices.live[step]:
                try:
                    size, table[step] = why_chosen(engine, example, step)
                    if isinstance(subject, Seeing) and size.sum() > 0:
                        share[step] = size[seen].sum() / size.sum()
                except UndefinedError as error:
                    reason = str(error)
            if isinstance(subject, Seeing):
                seen |= subject.seen(example, int(item))
        if np.isfinite(table).any():
            why[example] = table
        shares.append(share)
    if not why:
        raise UndefinedError(reason or "nothing is chosen")
    return why, np.stack(shares), reason
