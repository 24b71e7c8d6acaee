"""A report as plain values: every number, for programs and for tables."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

from hardattn_viewer.checks.hardened import HOW
from hardattn_viewer.checks.report import Report
from hardattn_viewer.checks.scores import Score
from hardattn_viewer.checks.statistics import AgainstRandom
from hardattn_viewer.measures.intervals import Interval

_TIED = "in no example do rankings differ"
COLUMNS = (
    "explainer",
    "operator",
    "measure",
    "mean",
    "low",
    "high",
    "win rate",
    "win low",
    "win high",
    "p",
    "q",
    "examples",
    "undefined",
    "reason",
)


def as_json(report: Report) -> dict[str, Any]:
    """Everything that a report says, as JSON values; what is undefined is null."""
    return {
        "facts": dict(report.facts),
        "verdicts": {
            name: {"level": one.level, "sentence": one.sentence}
            for name, one in report.verdicts.items()
        },
        "explained": [
            {
                "explainer": one.explainer,
                "operator": one.operator,
                "separation": _against(one.separation),
                "q": _number(one.q),
                "comprehensiveness": _against(one.comprehensiveness)
                | {"mean": _interval(one.comprehensive)},
                "sufficiency": _against(one.sufficiency) | {"mean": _interval(one.sufficient)},
                "normalised": _interval(one.normalised),
            }
            for one in report.explained
        ],
        "scores": [_score(one) for one in report.scores],
        "audits": {
            name: {
                "shift": _number(one.shift),
                "between places": _number(one.between),
                "same sign": _number(one.same_sign),
                "fair share": _number(one.fair),
                "passed": one.passed,
                "examples": one.examples,
            }
            for name, one in report.audits.items()
        },
        "agreement": {
            "what": "Kendall's tau-b between explanations; agreement, not correctness",
            "explainers": list(report.explainers),
            "values": [[_number(value) for value in row] for row in report.agreement],
        },
        "choices": None
        if report.paths is None or report.singles is None
        else {
            "paths": _against(report.paths),
            "single choices": _against(report.singles),
            "examples": {
                str(example): {
                    "chosen": one.chosen.tolist(),
                    "output": _number(one.whole),
                    "effect": [_number(value) for value in one.effect],
                    "regret": [_number(value) for value in one.regret],
                    "advantage": [_number(value) for value in one.advantage],
                }
                for example, one in report.forced.items()
            },
        },
        "sanity": [
            {
                "control": one.name,
                "outcome": one.outcome,
                "value": _number(one.value),
                "limit": _number(one.limit),
                "note": one.note,
            }
            for one in report.sanity
        ],
        "hardened": _hardened(report),
        "further": _further(report),
        "undefined": {
            one.operator: {
                name: {str(example): why for example, why in reasons.items()}
                for name, reasons in one.reasons.items()
                if reasons
            }
            for one in report.measured
        },
        "warnings": list(report.warnings),
    }


def _hardened(report: Report) -> dict[str, Any] | None:
    made = report.hardened
    if made is None:
        return None
    return {
        "reason": made.reason,
        "examples": list(made.examples),
        "output": [_number(value) for value in made.whole],
        "places": [
            {
                "place": made.name(at),
                **{
                    way: {
                        "change": _number(float(made.changes[how, at])),
                        "size": _number(float(made.largest[how, at])),
                        "another class": _number(float(made.flips[how, at].sum())),
                    }
                    for how, way in enumerate(HOW)
                },
            }
            for at in range(len(made.places))
        ],
    }


def _further(report: Report) -> dict[str, Any] | None:
    asked = report.tests
    if asked is None:
        return None

    def table(values: Any) -> list[list[float | None]]:
        return [[_number(float(value)) for value in row] for row in values]

    return {
        "paths": table(asked.paths),
        "contents": {
            "operator": asked.operator,
            "falls without what a choice saw": table(asked.seen),
            "moves without what none saw": [_number(float(value)) for value in asked.unseen],
        },
        "why": {
            "input x gradient of log pi": {
                str(example): table(values) for example, values in asked.why.items()
            },
            "share on items seen before": table(asked.before),
        },
        "reasons": dict(asked.reasons),
    }


def as_csv(report: Report) -> str:
    """One line for each explanation, operator and measure."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for one in report.explained:
        for measure, against, mean in (
            ("separation", one.separation, one.separation.effect),
            ("comprehensiveness", one.comprehensiveness, one.comprehensive),
            ("sufficiency", one.sufficiency, one.sufficient),
        ):
            q = one.q if measure == "separation" else math.nan
            table.writerow(
                [
                    one.explainer,
                    one.operator,
                    measure,
                    *map(_cell, (mean.mean, mean.low, mean.high)),
                    *map(_cell, (against.win.mean, against.win.low, against.win.high)),
                    _cell(against.p),
                    _cell(q),
                    against.examples,
                    against.undefined,
                    "" if against.examples else _TIED,
                ]
            )
    for score in report.scores:
        table.writerow(
            [
                score.explainer,
                score.operator,
                score.kind.name,
                *map(_cell, (score.value.mean, score.value.low, score.value.high)),
                *map(_cell, (score.win.mean, score.win.low, score.win.high)),
                "",
                "",
                score.examples,
                score.undefined,
                score.reason or score.no_win,
            ]
        )
    return text.getvalue()


def _score(one: Score) -> dict[str, Any]:
    return {
        "explainer": one.explainer,
        "operator": one.operator or None,
        "score": one.kind.name,
        "source": one.kind.source,
        "better": one.kind.better or None,
        "mean": _interval(one.value),
        "random": _interval(one.random),
        "win rate": _interval(one.win),
        "examples": one.examples,
        "undefined": one.undefined,
        "reason": one.reason or None,
        "no win rate": one.no_win or None,
    }


def _against(one: AgainstRandom) -> dict[str, Any]:
    return {
        "win rate": _interval(one.win),
        "effect": _interval(one.effect),
        "p better": _number(one.p_better),
        "p worse": _number(one.p_worse),
        "p": _number(one.p),
        "examples": one.examples,
        "undefined": one.undefined,
    }


def _interval(one: Interval) -> dict[str, Any]:
    return {
        "mean": _number(one.mean),
        "low": _number(one.low),
        "high": _number(one.high),
        "level": one.level,
        "count": one.count,
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _cell(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
