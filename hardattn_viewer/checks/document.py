"""A report as a document: what stands in it and in which order, for whoever writes it as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hardattn_viewer.checks.document_cells import (
    NONE,
    fact,
    interval,
    percent,
    percents,
    q_value,
    signed,
    tau,
    unsigned,
)
from hardattn_viewer.checks.document_choices import choices, further, hardened
from hardattn_viewer.checks.document_parts import (
    Block,
    Document,
    Drawing,
    Heading,
    Judged,
    Paragraph,
    Points,
    Table,
)
from hardattn_viewer.checks.report import Report
from hardattn_viewer.checks.scores import Score, score_of
from hardattn_viewer.checks.scoring import BY_REMOVAL, RELATIVE, SENSITIVITY
from hardattn_viewer.checks.words import methods, reasons_of, score_number

LIMITS = (
    "Supported says that what ranks first counts when it is removed. It does not say that the "
    "model reasons by it, nor that an explanation is complete.",
    "Not distinguishable from random is a statement about so many examples; the interval says how "
    "much is open.",
    "An input with half of its items removed may be like none that the model has seen. The audit "
    "finds operators that the model answers to wherever they are put, and not every way in which "
    "such an input is strange.",
    "Methods that agree may all be wrong.",
    "Scores inform; no verdict rests on them. Infidelity depends on the scale of an explanation, "
    "and its scaled form cannot tell an explanation from its opposite. Leave-one-out agrees with "
    "itself by definition.",
    "The class that was read is explained, and no other; a saturated probability hides what a "
    "logit would show.",
)


def document_of(report: Report, name: str) -> Document:
    """The whole of a report.

    Args:
        report: what was found.
        name: of the run or the model that was checked.
    """
    return Document(
        f"Faithfulness of {name}",
        (
            Paragraph(_in_short(report), quiet=True),
            *_verdicts(report),
            *_provenance(report),
            *_audit(report),
            *_removal(report),
            *choices(report),
            *further(report),
            *hardened(report),
            *_scores(report),
            *_agreement(report),
            *_sanity(report),
            *_left_out(report),
            Heading("Methods"),
            Paragraph(methods(report)),
            Heading("Limits"),
            Points(LIMITS),
        ),
    )


def _in_short(report: Report) -> str:
    """Where it comes from, in a line below the title."""
    facts = report.facts
    parts = [f"Run {facts['run']}"] if facts.get("run") else []
    parts += [f"model {facts['model']}"] if facts.get("model") else []
    parts.append(f"{len(report.examples):,} examples")
    parts += [f"seed {facts['seed']}"] if "seed" in facts else []
    parts += [str(facts["producer"])] if facts.get("producer") else []
    words = ", ".join(parts)
    return f"{words[:1].upper()}{words[1:]}."


def _verdicts(report: Report) -> Iterator[Block]:
    yield Heading("Verdicts")
    if not report.verdicts:
        yield Paragraph("Nothing was measured.")
    for name, one in report.verdicts.items():
        yield Judged(name, one.level, one.sentence)


def _provenance(report: Report) -> Iterator[Block]:
    facts = report.facts
    told = [
        (what, fact(facts[key]))
        for what, key in (
            ("run", "run"),
            ("recording", "recording"),
            ("model", "model"),
            ("system", "system"),
            ("mechanism", "mechanism"),
            ("task", "task"),
            ("split", "split"),
            ("read of the output", "reading"),
        )
        if facts.get(key) not in (None, "")
    ]
    told.append(("examples", f"{len(report.examples):,}"))
    if report.measured:
        told += [
            ("explanations", ", ".join(report.explainers)),
            ("operators", "; ".join(f"{one.operator}: {one.words}" for one in report.measured)),
            ("random rankings of each example", str(len(report.measured[0].control_deletion))),
        ]
    told += [
        (what, fact(facts[key]))
        for what, key in (
            ("points near each input", "points"),
            ("seed", "seed"),
            ("variants asked for", "rows asked"),
            ("variants that the model ran on", "rows evaluated"),
            ("processor seconds", "cpu seconds"),
        )
        if facts.get(key) not in (None, "")
    ]
    programs = [
        f"{program}{facts[key]}"
        for program, key in (("", "producer"), ("torch ", "torch"), ("Captum ", "captum"))
        if facts.get(key)
    ]
    told += [("versions", ", ".join(programs))] if programs else []
    yield Heading("What was checked")
    yield Table("Run, model, settings and versions", ("", ""), tuple(told), left=2)


def _audit(report: Report) -> Iterator[Block]:
    if not report.audits:
        return
    yield Heading("Audit of the operators")
    yield Paragraph(
        "An operator that moves the output wherever it is put says nothing about where it was put, "
        "and is left out of every verdict. Shift: mean change of the output when one item is "
        "removed. Between: how much that differs from item to item. Fair share: the whole effect "
        "divided by the number of items.",
        quiet=True,
    )
    rows = tuple(
        (
            name,
            signed(one.shift),
            unsigned(one.between),
            percent(one.same_sign),
            signed(-one.fair),
            "passed" if one.passed else "failed, left out",
        )
        for name, one in report.audits.items()
    )
    columns = ("operator", "shift", "between", "to one side", "fair share", "outcome")
    yield Table("Removing one item, whichever it is", columns, rows)


def _removal(report: Report) -> Iterator[Block]:
    if not report.measured:
        return
    yield Heading("Deletion and insertion")
    oracle = "oracle" in report.explainers
    best = " Oracle is the best order that a search found." if oracle else ""
    reading = report.facts.get("reading", "output")
    for one in report.measured:
        yield Drawing(
            "curves",
            one.operator,
            f"Items removed by {one.operator}: the {reading} while items are removed, highest "
            "ranked first (deletion), and while they are put back in that order (insertion), means "
            "over examples. Grey band: 95 % of random rankings. Dotted: the explanation that beats "
            f"most of them, turned round.{best}",
        )
    yield Heading("Win rates against random")
    for one in report.measured:
        yield Drawing(
            "wins",
            one.operator,
            f"Items removed by {one.operator}: share of random rankings of the same items that "
            "each explanation beats by its separation, mean and 95 % interval over examples.",
        )
    rows = tuple(
        (
            one.explainer,
            one.operator,
            percents(one.separation.win) if one.separation.examples else NONE,
            q_value(one.q),
            interval(one.comprehensive),
            interval(one.sufficient),
            interval(one.normalised) if one.normalised.count else NONE,
        )
        for one in report.explained
    )
    columns = (
        "explanation",
        "operator",
        "win rate [95 %]",
        "q",
        "comprehensiveness",
        "sufficiency",
        "normalised",
    )
    caption = (
        "Win rates by separation, with q corrected over all tests; comprehensiveness (high is "
        "good) and sufficiency (low is good); separation between the worst and the best order, "
        "where a search was made"
    )
    yield Table(caption, columns, rows, left=2)


def _scores(report: Report) -> Iterator[Block]:
    if not report.scores:
        return
    yield Heading("Scores")
    yield Paragraph("They inform; no verdict rests on them.")
    yield Points(
        tuple(
            f"{one.name}{_BETTER[one.better]}: {one.words} ({one.source})"
            for one in (*BY_REMOVAL, SENSITIVITY, RELATIVE)
        )
    )
    for measured in report.measured:
        rows = tuple(
            (
                name,
                *(
                    _score(score_of(report.scores, name, measured.operator, one))
                    for one in BY_REMOVAL
                ),
            )
            for name in report.explainers
        )
        yield Table(
            f"Items removed by {measured.operator}: each score with its 95 % interval, and below "
            "it the share of random explanations that it is better than",
            ("explanation", *(one.short for one in BY_REMOVAL)),
            rows,
        )
    yield Table(
        "Sensitivity-max, relative to the norm of the scores and in their own unit, with 95 % "
        "intervals; low is steady, and no random explanation could be held against it",
        ("explanation", "relative", "in its own unit", "examples"),
        tuple(_moved(report, name) for name in report.explainers),
    )
    reasons = reasons_of(report.scores)
    if reasons:
        yield Points(tuple(f"N/A: {why}" for why in reasons))


def _agreement(report: Report) -> Iterator[Block]:
    if not report.explainers:
        return
    yield Heading("Agreement between methods")
    yield Paragraph("Kendall's τ-b between explanations: agreement, not correctness.", quiet=True)
    operator = report.measured[0].operator
    yield Drawing("agreement", operator, "Agreement, τ-b, mean over examples and operators.")
    rows = tuple(
        (f"{at + 1} {name}", *(tau(value) for value in row))
        for at, (name, row) in enumerate(zip(report.explainers, report.agreement, strict=True))
    )
    numbers = tuple(str(at + 1) for at in range(len(rows)))
    yield Table("Agreement, τ-b", ("explanation", *numbers), rows)


def _sanity(report: Report) -> Iterator[Block]:
    if not report.sanity:
        return
    yield Heading("Controls")
    yield Paragraph("What would make the numbers worthless.", quiet=True)
    rows = tuple(
        (one.name, one.outcome, one.note or "")
        for one in sorted(report.sanity, key=lambda one: one.outcome != "fail")
    )
    yield Table("Controls, failures first", ("control", "outcome", ""), rows, left=3)


def _left_out(report: Report) -> Iterator[Block]:
    lines = list(report.warnings)
    for name in report.explainers:
        whys: dict[str, set[int]] = {}
        for one in report.measured:
            for example, why in one.reasons.get(name, {}).items():
                whys.setdefault(why, set()).add(example)
        lines += [f"{name}: {why} ({len(where):,} examples)" for why, where in whys.items()]
    if lines:
        yield Heading("Left out")
        yield Points(tuple(lines))


_BETTER: Mapping[str, str] = {"low": " (low is good)", "high": " (high is good)", "": ""}


def _score(one: Score | None) -> str:
    if one is None or not one.examples:
        return NONE
    sign = "+.2f" if one.kind.better == "high" else ".3g"
    lines = [f"{score_number(one)}\n[{one.value.low:{sign}}, {one.value.high:{sign}}]"]
    if one.kind.better:
        lines.append(percents(one.win) if one.win.count else NONE)
    return "\n".join(lines)


def _moved(report: Report, name: str) -> tuple[str, ...]:
    found = [score_of(report.scores, name, "", one) for one in (RELATIVE, SENSITIVITY)]
    cells = [NONE if one is None else interval(one.value, ".3g") for one in found]
    return (name, *cells, *(f"{one.examples:,}" for one in found[:1] if one is not None))
