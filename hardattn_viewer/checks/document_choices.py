"""The sections of a report on choices: those of a model, and those that blends are made to take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hardattn_viewer.checks.document_cells import (
    NONE,
    interval,
    known_mean,
    percents,
    q_value,
    signed,
    unsigned,
)
from hardattn_viewer.checks.document_parts import (
    Block,
    Drawing,
    Heading,
    Paragraph,
    Points,
    Table,
)
from hardattn_viewer.checks.forced import Forced
from hardattn_viewer.checks.hardened import HOW
from hardattn_viewer.checks.report import Report

MOST_EXAMPLES = 60
"""Examples whose forced choices are listed one by one."""
MOST_HEADS = 24
"""Heads that are listed, those that move the output most first."""


def choices(report: Report) -> Iterator[Block]:
    """What other choices would have led to."""
    paths, singles = report.paths, report.singles
    if paths is None or singles is None:
        return
    yield Heading("Forced selection")
    yield Paragraph(
        "The model was run with every other candidate chosen in turn, and with whole paths of "
        "choices drawn at random. The verdict rests on the paths; a single choice says less, since "
        "later ones make up for it.",
        quiet=True,
    )
    rows = tuple(
        (
            what,
            percents(one.win) if one.examples else NONE,
            interval(one.effect) if one.examples else NONE,
            q_value(one.p),
            f"{one.examples:,}",
        )
        for what, one in (("whole paths", paths), ("single choices", singles))
    )
    columns = ("", "better than random [95 %]", "output less theirs", "p", "examples")
    yield Table("Choices as they were beside others", columns, rows)
    yield Drawing(
        "effects", "", "Output with each choice less the mean with all others, an example a dot."
    )
    shown = list(report.forced.items())[:MOST_EXAMPLES]
    yield Table(
        f"Each example: the output, and means over its choices ({len(shown):,} of "
        f"{len(report.forced):,})",
        ("example", "chosen", "output", "effect", "regret", "advantage"),
        tuple(_forced(example, one) for example, one in shown),
        left=2,
    )


def _forced(example: int, one: Forced) -> tuple[str, ...]:
    chosen = " ".join(map(str, one.chosen[one.live].tolist()))
    means = (known_mean(values[one.live]) for values in (one.effect, one.regret, one.advantage))
    return (f"{example:,}", chosen, unsigned(one.whole), *(signed(mean) for mean in means))


def further(report: Report) -> Iterator[Block]:
    """What was seen, and why it was chosen."""
    if report.tests is None:
        return
    told = report.tests.words(str(report.facts.get("reading", "output")))
    if not told:
        return
    yield Heading("What was chosen, and why")
    yield Paragraph(
        "Two questions are kept apart: whether what was chosen causes the output, and why it was "
        "chosen. Paths: whole episodes drawn from the policy. Contents: what a choice saw is "
        "removed, with all choices as they were. Why: the gradient of the log-probability of a "
        "choice.",
        quiet=True,
    )
    yield Points(tuple(line.strip() for line in told))


def hardened(report: Report) -> Iterator[Block]:
    """What the output does where attention takes one item."""
    made = report.hardened
    if made is None:
        return
    yield Heading("Trained soft, deployed hard")
    if made.reason:
        yield Paragraph(f"Not applicable: {made.reason}.")
        return
    reading = str(report.facts.get("reading", "output"))
    yield Paragraph(
        "The model was run with one head, a layer, or all of it taking a single item instead of "
        f"its blend: the most probable (argmax), or one that was drawn (sample). Change of the "
        f"{reading}, and the size of that change, are means over {len(made.examples):,} examples.",
        quiet=True,
    )
    single = [at for at, one in enumerate(made.places) if one.head >= 0]
    most = sorted(single, key=lambda at: -made.largest[0, at])[:MOST_HEADS]
    shown = [at for at, one in enumerate(made.places) if one.head < 0] + most
    rows = tuple(
        (
            made.name(at),
            how,
            signed(made.changes[way, at]),
            unsigned(made.largest[way, at]),
            _flips(made.flips[way, at]),
        )
        for at in shown
        for way, how in enumerate(HOW)
    )
    left = len(single) - len(most)
    rest = f"; the {left:,} other heads move it less by argmax" if left else ""
    columns = ("run hard", "by", "change", "size of the change", "another class")
    yield Table(f"What the output does where attention is hard{rest}", columns, rows, left=2)


def _flips(flips: np.ndarray[Any, Any]) -> str:
    return NONE if np.isnan(flips).any() else f"{int(flips.sum()):,} of {flips.size:,}"
