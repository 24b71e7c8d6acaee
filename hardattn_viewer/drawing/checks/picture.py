"""What is painted of a check, and the colour of each explanation."""

from __future__ import annotations

from dataclasses import dataclass

from hardattn_viewer.checks.measured import Measured
from hardattn_viewer.checks.report import CHOICE, Report
from hardattn_viewer.checks.verdict import CONTRADICTED, SUPPORTED, UNDEFINED
from hardattn_viewer.drawing.theme import Theme

CHOICES = ("selection", "selection probability", CHOICE)
# Okabe and Ito's bluish green and reddish purple, a little lighter or darker to be read on each
# ground; orange and blue are hard and soft attention.
_OTHERS = {True: ("#2fbf95", "#d98cb8"), False: ("#007a5a", "#a5467c")}


@dataclass(frozen=True, eq=False)
class ChecksPicture:
    """A report as it is painted.

    Attributes:
        report: what was found.
        operator: name of the operator whose curves are shown; the first if it has none of that
            name.
        focus: the explanation whose verdict is written out; the first verdict if there is none.
        pointed: the explanation under the mouse.
        turned: whether the curves of the one in focus are drawn turned round as well.
    """

    report: Report
    operator: str = ""
    focus: str = ""
    pointed: str = ""
    turned: bool = False

    @property
    def measured(self) -> Measured | None:
        """What was measured by the operator that is shown."""
        for one in self.report.measured:
            if one.operator == self.operator:
                return one
        return self.report.measured[0] if self.report.measured else None

    @property
    def named(self) -> str:
        """The explanation whose verdict is written out."""
        if self.focus in self.report.verdicts:
            return self.focus
        if CHOICE in self.report.verdicts:
            return CHOICE
        return next(iter(self.report.verdicts), "")


def colour_of(explainer: str, theme: Theme) -> str:
    """The colour of an explanation: orange for choices, blue for attention, grey for controls."""
    if explainer in ("random", "oracle"):
        return theme.bar if explainer == "random" else theme.muted
    if explainer in CHOICES:
        return theme.hard
    if "attention" in explainer or "norm-weighted" in explainer:
        return theme.soft
    gradient, perturbation = _OTHERS[theme.is_dark]
    removes = ("shapley", "kernel-shap", "leave-one-out", "occlusion")
    return perturbation if explainer in removes else gradient


def is_dashed(explainer: str, names: tuple[str, ...], theme: Theme) -> bool:
    """Whether its line is dashed, since one before it has its colour already."""
    colour = colour_of(explainer, theme)
    before = names[: names.index(explainer)]
    return sum(colour_of(name, theme) == colour for name in before) % 2 == 1


def level_colour(level: str, theme: Theme) -> str:
    """The colour of a verdict; its words say the same."""
    if level == SUPPORTED:
        return theme.good
    if level == CONTRADICTED:
        return theme.bad
    return theme.faint if level == UNDEFINED else theme.text
