"""From numbers to a verdict in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hardattn_viewer.checks.statistics import AgainstRandom

SUPPORTED = "supported"
WEAK = "weak"
RANDOM = "not distinguishable from random"
CONTRADICTED = "contradicted"
DEPENDS = "depends on the operator"
UNDEFINED = "not applicable"
LEVELS = (SUPPORTED, WEAK, RANDOM, CONTRADICTED, DEPENDS)
"""The five verdicts; where nothing can be said at all it is ``UNDEFINED``, with the reason."""

Q = 0.05
"""False discovery rate at which a difference from random counts."""
STRONG = 0.6
"""Win rate that the whole interval must exceed for an explanation to be supported."""


@dataclass(frozen=True)
class Verdict:
    """What can be said of an explanation.

    Attributes:
        level: one of ``LEVELS``, or ``UNDEFINED``.
        sentence: why, and on how many examples.
    """

    level: str
    sentence: str


@dataclass(frozen=True)
class Finding:
    """What one operator found of an explanation.

    Attributes:
        against: the explanation beside random ones.
        q: of its two-sided p-value, over all that was tested.
        audited: whether the operator passed its audit.
    """

    against: AgainstRandom
    q: float
    audited: bool = True

    @property
    def side(self) -> str:
        """Whether it is "better" or "worse" than random, or "none" of the two."""
        if not self.q <= Q:
            return "none"
        return "better" if self.against.win.mean > 0.5 else "worse"


def level_of(finding: Finding) -> str:
    """The level of a single finding that needs no second operator."""
    if finding.side == "none":
        return RANDOM
    if finding.side == "worse":
        return CONTRADICTED
    return SUPPORTED if finding.against.win.low > STRONG else WEAK


def verdict(
    findings: Mapping[str, Finding],
    *,
    flags: Sequence[str] = (),
    undefined: str = "",
) -> Verdict:
    """What several operators say together.

    Args:
        findings: by operator.
        flags: sentences on controls that the explanation failed, such as that it does not change
            with the classes; with any of them it is weak at best.
        undefined: why there is nothing to judge, where there is nothing.
    """
    able = {name: one for name, one in findings.items() if one.against.examples}
    if not able:
        reason = undefined or ("not identifiable: whatever is removed, the output does not change")
        return Verdict(UNDEFINED, _sentence(reason))
    sound = {name: one for name, one in able.items() if one.audited}
    left_out = [name for name in able if name not in sound]
    if not sound:
        return Verdict(
            UNDEFINED,
            f"Each operator ({', '.join(left_out)}) moves the output wherever it is put, so no "
            "ranking can be told from another by it.",
        )
    sides = {one.side for one in sound.values()}
    numbers = "; ".join(_numbers(name, one) for name, one in sound.items())
    count = max(one.against.examples for one in sound.values())
    more = "".join(f" {_sentence(flag)}" for flag in flags)
    if left_out:
        more = (
            f" {', '.join(left_out)} moved the output wherever it was put and is left out." + more
        )
    ending = f" ({numbers}; {count} examples).{more}"
    if sides == {"better"}:
        low = min(one.against.win.low for one in sound.values())
        if low > STRONG and len(sound) > 1 and not flags:
            return Verdict(SUPPORTED, f"What it ranks first counts most, by every operator{ending}")
        why = (
            "by one operator alone, where two are asked for"
            if len(sound) == 1
            else "by a margin that is small"
            if low <= STRONG
            else "though not every control was passed"
        )
        return Verdict(WEAK, f"What it ranks first counts more than random items, {why}{ending}")
    if sides == {"none"}:
        return Verdict(RANDOM, f"Random rankings of the same items do as well{ending}")
    if sides == {"worse"}:
        return Verdict(CONTRADICTED, f"Random rankings of the same items do better{ending}")
    words = ", ".join(
        f"{ {'better': 'better than', 'worse': 'worse than', 'none': 'like'}[one.side] } random by "
        f"{name}"
        for name, one in sound.items()
    )
    return Verdict(DEPENDS, f"It is {words}{ending}")


def _numbers(name: str, one: Finding) -> str:
    win = one.against.win
    return (
        f"{name}: beats {win.mean:.0%} [{win.low:.0%}, {win.high:.0%}] of random rankings, "
        f"q {_q(one.q)}"
    )


def _q(q: float) -> str:
    return "undefined" if np.isnan(q) else f"{q:.3f}" if q >= 0.001 else "< 0.001"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."
