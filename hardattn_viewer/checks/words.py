"""A report in words: what a terminal shows, and the paragraph for a paper's methods."""

from __future__ import annotations

from collections.abc import Sequence

from hardattn_viewer.checks.hardened import HOW
from hardattn_viewer.checks.report import CHOICE, Report
from hardattn_viewer.checks.scores import Score, places_of, score_of
from hardattn_viewer.checks.scoring import BY_REMOVAL, RELATIVE, Kind
from hardattn_viewer.checks.statistics import PERMUTATIONS

_ROUNDING = 1e-12
_SENSITIVITY = "sensitivity: "
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
    lines += _scores(report)
    lines += _hardened(report)
    if report.tests is not None:
        lines += ["", *report.tests.words(str(report.facts.get("reading", "output")))]
    lines.append("")
    for control in report.sanity:
        note = f" ({control.note})" if control.note else ""
        lines.append(f"{control.outcome}: {control.name}{note}")
    lines += [f"note: {sentence}" for sentence in report.warnings]
    return "\n".join(lines)


def score_cell(score: Score | None) -> str:
    """A score in a table: its mean, and the share of random explanations that it is better than."""
    if score is None or not score.examples:
        return "N/A"
    if not score.kind.better:
        return score_number(score)
    win = f"{score.win.mean:.0%}" if score.win.count else "N/A"
    return f"{score_number(score)} ({win})"


def score_number(score: Score) -> str:
    """The mean of a score: correlations to the hundredth, others in three digits."""
    value = score.value.mean
    if score.kind.better == "high":
        return f"{value:+.2f}".replace("-0.00", "+0.00")
    # What is left of rounding is nothing.
    return "0" if abs(value) < _ROUNDING else f"{value:.3g}"


def reasons_of(scores: Sequence[Score]) -> list[str]:
    """Why scores are N/A, a sentence for each reason, with the explanations that it is true of."""
    by_why: dict[str, dict[str, None]] = {}
    for one in scores:
        why = one.reason or (one.no_win if one.kind.better else "")
        if why:
            what = "" if one.kind.better else _SENSITIVITY
            by_why.setdefault(what + why, {})[one.explainer] = None
    # An explanation without a value has no sensitivity either, for the same reason.
    for why, names in by_why.items():
        for name in by_why.get(why.removeprefix(_SENSITIVITY), {}) if _SENSITIVITY in why else ():
            names.pop(name, None)
    return [f"{why} ({', '.join(names)})" for why, names in by_why.items() if names]


def _scores(report: Report) -> list[str]:
    if not report.scores:
        return []
    kinds: tuple[Kind, ...] = (*BY_REMOVAL, RELATIVE)
    rows = [["", "", *(kind.short for kind in kinds)]]
    rows += [
        [name, operator, *(score_cell(score_of(report.scores, name, operator, k)) for k in kinds)]
        for name, operator in places_of(report.scores)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [
        "  ".join(
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    title = "Scores, and the share of random explanations that they are better than:"
    return ["", title, *table, *(f"N/A: {why}" for why in reasons_of(report.scores))]


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
    if any(one.examples for one in report.scores):
        parts.append(_scoring(report))
    if CHOICE in report.verdicts:
        parts.append(
            "Choices were forced: the model was run with every other candidate chosen in turn, "
            f"the later choices {facts.get('rest', 'replayed')}, and with all choices of an "
            f"episode drawn at random, {len(next(iter(report.forced.values())).elsewhere)} times."
        )
    if report.hardened is not None and report.hardened.places:
        what = "each choice" if report.hardened.choices else "each head, each layer"
        parts.append(
            f"On {len(report.hardened.examples)} examples {what} and all of them took a single "
            "item instead of a blend: the most probable, and one that was drawn."
        )
    failed = [one.name for one in report.sanity if one.outcome == "fail"]
    parts.append(
        f"Controls that failed: {'; '.join(failed)}." if failed else "All controls were passed."
    )
    return " ".join(parts)


def _scoring(report: Report) -> str:
    words = (
        "Infidelity (Yeh et al. 2019), as it is and with the factor of each example that makes it "
        "smallest, was taken over the first and the last items of the random rankings, of all "
        "sizes; faithfulness correlation (Bhatt et al. 2020) over those nearest to a fifth of the "
        "items; and Kendall's tau-b and Spearman's rho with the effects of single removals. Each "
        "was held against as many random explanations, the explanation's own scores dealt to the "
        "items at random."
    )
    points = report.facts.get("points")
    if points and any(one.kind is RELATIVE and one.examples for one in report.scores):
        words += (
            " Sensitivity-max (Yeh et al. 2019) is the largest change of an explanation at "
            f"{points} random points within 0.02 root mean squares of the input "
            "(largest coordinate)."
        )
    return words
