"""A report in words: what a terminal shows, and the paragraph for a paper's methods."""

from __future__ import annotations

from hardattn_viewer.checks.hardened import HOW
from hardattn_viewer.checks.report import CHOICE, Report
from hardattn_viewer.checks.statistics import PERMUTATIONS

_HEADS = 5
"""Heads that are named where there are many."""


def in_words(report: Report) -> str:
    """Verdicts, win rates and controls, as lines of text."""
    lines = []
    for name, one in report.verdicts.items():
        lines += [f"{name}: {one.level}", f"  {one.sentence}"]
    if report.explained:
        lines.append("")
        width = max(len(one.explainer) for one in report.explained)
        side = max(len(one.operator) for one in report.explained)
        lines.append(f"{'':{width}}  {'':{side}}  win rate [95 %]       comp.   suff.")
        for found in report.explained:
            win = found.separation.win
            beside = (
                f"{win.mean:5.1%} [{win.low:5.1%}, {win.high:5.1%}]"
                if found.separation.examples
                else "N/A".ljust(23)
            )
            lines.append(
                f"{found.explainer:{width}}  {found.operator:{side}}  {beside}  "
                f"{found.comprehensive.mean:+.3f}  {found.sufficient.mean:+.3f}"
            )
    lines += _hardened(report)
    if report.tests is not None:
        lines += ["", *report.tests.words(str(report.facts.get("reading", "output")))]
    lines.append("")
    for control in report.sanity:
        note = f" ({control.note})" if control.note else ""
        lines.append(f"{control.outcome}: {control.name}{note}")
    lines += [f"note: {sentence}" for sentence in report.warnings]
    return "\n".join(lines)


def _hardened(report: Report) -> list[str]:
    """What hard heads do: all, each layer, and the heads that move the output most."""
    made = report.hardened
    if made is None:
        return []
    if made.reason:
        return ["", f"run hard: not applicable ({made.reason})"]
    reading = str(report.facts.get("reading", "output"))
    heads = [at for at, one in enumerate(made.places) if one.head >= 0]
    most = sorted(heads, key=lambda at: -made.largest[0, at])[:_HEADS]
    shown = [at for at, one in enumerate(made.places) if one.head < 0] + most
    lines = ["", "run hard, trained soft:"]
    lines += [f"  {made.words(at, how, reading)}" for at in shown for how in range(len(HOW))]
    if len(heads) > len(most):
        lines.append(f"  … the {len(heads) - len(most)} other heads move it less by argmax")
    return lines


def methods(report: Report) -> str:
    """What was done, as a paragraph for a paper."""
    facts = report.facts
    count = len(report.examples)
    parts = [
        f"Explanations were checked on {count} examples with {facts.get('producer', 'hardattn')} "
        f"(torch {facts.get('torch', '?')}, Captum {facts.get('captum', '?')}, seed "
        f"{facts.get('seed', '?')})."
    ]
    if report.measured:
        ways = "; ".join(f"{one.operator} ({one.words})" for one in report.measured)
        controls = len(report.measured[0].control_deletion)
        parts.append(
            f"The {facts.get('reading', 'output')} of {facts.get('reads', 'the predicted class')} "
            "was read while items were removed in the order of each explanation and put back in "
            f"it, at shares from 0 to 1 in steps of a tenth, by: {ways}. An explanation's "
            "separation is the area under its insertion curve less that under its deletion curve; "
            "comprehensiveness and "
            f"sufficiency (DeYoung et al. 2020) are means over shares. Each was held against "
            f"{controls} random rankings of the same items: the win rate is the share of these "
            f"that it beats, ties counting half, averaged over examples, with a 95 % bootstrap "
            f"interval over examples. P-values are from {PERMUTATIONS} permutations that exchange "
            "an explanation with its controls within examples, corrected over all tests by "
            "Benjamini and Hochberg (1995)."
        )
    if CHOICE in report.verdicts:
        parts.append(
            "Choices were forced: the model was run with every other candidate chosen in turn, "
            f"the later choices {facts.get('rest', 'replayed')}, and with all choices of an "
            f"episode drawn at random, {len(next(iter(report.forced.values())).elsewhere)} times."
        )
    failed = [one.name for one in report.sanity if one.outcome == "fail"]
    parts.append(
        f"Controls that failed: {'; '.join(failed)}." if failed else "All controls were passed."
    )
    return " ".join(parts)
