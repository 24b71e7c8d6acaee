"""Controls: what would make the numbers of a report worthless."""

from __future__ import annotations

from dataclasses import dataclass

PASS, FAIL, NOT_APPLICABLE = "pass", "fail", "not applicable"
OUTCOMES = (PASS, FAIL, NOT_APPLICABLE)


@dataclass(frozen=True)
class Sanity:
    """One control.

    Attributes:
        name: what was tried, with its figure, in one sentence.
        outcome: one of ``OUTCOMES``.
        value: the figure; NaN where there is none.
        limit: what it must not exceed; NaN where there is none.
        note: what it means if it failed, or why it does not apply.
    """

    name: str
    outcome: str
    value: float = float("nan")
    limit: float = float("nan")
    note: str = ""
