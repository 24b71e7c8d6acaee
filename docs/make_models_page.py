"""Writes the tables of docs/models.md: ``python docs/make_models_page.py`` (20 CPU seconds).

The problems are those of the tests: Q is quadratic, T a tanh network; both have ten candidates.
What the systems reached stands in ``models.json``, which ``measure_models.py`` writes, what is
lost where soft ones are run hard in ``deploying.json``, of ``measure_deploying.py``; ``--systems``
writes their tables alone, in no time. ``remake_models.py`` measures and makes everything.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "models"), str(ROOT / "docs")]

import gradient_problems as problems  # noqa: E402
import measure_models  # noqa: E402
import measured_matrix  # noqa: E402

from hardattn_models import systems  # noqa: E402
from hardattn_models.gradients import Constant, MovingAverage, estimators  # noqa: E402

PAGE = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- estimators -->", "<!-- end of estimators -->"
BEGIN_SYSTEMS, END_SYSTEMS = "<!-- systems -->", "<!-- end of systems -->"
BEGIN_MATRIX, END_MATRIX = "<!-- matrix -->", "<!-- end of matrix -->"
BEGIN_MINUTES, END_MINUTES = "<!-- minutes -->", "<!-- end of minutes -->"
BEGIN_DEPLOYING, END_DEPLOYING = "<!-- deploying -->", "<!-- end of deploying -->"
FIGURES = ROOT / "docs" / "models.json"
DEPLOYED = ROOT / "docs" / "deploying.json"
DRAWS = 200_000


def table() -> str:
    """One row for each estimator of a category, with what was measured on Q and T."""
    asked = {"Q": problems.quadratic(), "T": problems.network()}
    truth = {name: problems.true_gradient(problem) for name, problem in asked.items()}
    plain = {
        name: problems.moments("reinforce", problem, DRAWS)[1] for name, problem in asked.items()
    }
    rows = [
        "| name | estimate | loss evaluations | unbiased | bias Q / T | variance Q / T | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for known in estimators():
        cells = {}
        for name, problem in asked.items():
            if known.choice == "gates" or known.name == "relax":
                cells[name] = ("–", "–")
                continue
            mean, spread, error = problems.moments(known.name, problem, DRAWS)
            off = (mean - truth[name]).norm() / truth[name].norm()
            seen = bool(((mean - truth[name]).abs() > 5 * error + 1e-9).any())
            cells[name] = (
                f"{float(off):.2f}" if seen else "0",
                f"{spread / plain[name]:.3g}" if spread > 1e-9 else "0",
            )
        costs = str(known.evaluations) if known.evaluations else "all"
        bias, variance = (f"{cells['Q'][i]} / {cells['T'][i]}" for i in (0, 1))
        if bias == "– / –":
            bias = variance = "–"
        rows.append(
            f"| `{known.name}` | {known.formula.replace('|', chr(92) + '|')} | {costs} | "
            f"{'yes' if known.unbiased else '**no**'} | {bias} | {variance} | {known.reference} |"
        )
    return "\n".join(rows)


def baselines() -> str:
    """What each baseline does to the variance of REINFORCE on Q and T."""
    rows = ["| baseline | variance Q / T |", "|---|---|"]
    asked = [problems.quadratic(), problems.network()]
    plain = [problems.moments("reinforce", problem, DRAWS)[1] for problem in asked]
    expected = []
    for logits, loss in asked:
        losses = torch.stack([loss(one) for one in torch.eye(problems.K, dtype=logits.dtype)])
        expected.append(float((logits.softmax(-1) * losses).sum()))
    for words, make in (
        ("none", lambda _: {}),
        ("`Constant`, the expected loss", lambda at: {"baseline": Constant(expected[at])}),
        (
            "`MovingAverage(0.9)`",
            lambda _: {"make_baseline": lambda: MovingAverage(0.9, rows=True), "skip": 100},
        ),
    ):
        found = [
            problems.moments("reinforce", problem, DRAWS, batch=2_000, **make(at))[1] / plain[at]
            for at, problem in enumerate(asked)
        ]
        rows.append(f"| {words} | {found[0]:.3g} / {found[1]:.3g} |")
    return "\n".join(rows)


def systems_tables() -> str:
    """What each system reached, one row for each way to train it, and what it can be trained by."""
    known = json.loads(FIGURES.read_text())
    measured = {words: known[words] for words in measure_models.EXPERIMENTS if words in known}
    parts = []
    for system in systems():
        rows = {
            words: facts
            for words, facts in measured.items()
            if facts["plan"]["system"] == system.name
        }
        if not rows:
            continue
        extra = _COLUMNS[system.name]
        heads = ["`hardattn train` …", *extra, "gradient variance", "updates"]
        heads += ["CPU minutes", "seeds"]
        table = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
        table += [_row(words, facts, extra) for words, facts in rows.items()]
        table += _references(known.get("references", {}).get(system.name, {}), extra, len(heads))
        parts.append(
            f"### `{system.name}`: {system.summary}\n\nAfter {system.reference}.\n\n"
            + "\n".join(table)
        )
    return "\n\n".join(parts)


def deploying_table() -> str:
    """What systems trained soft lose where the best is taken at every choice."""
    rows = [
        "| system | while trained | error, soft | error, hard | loss, soft | loss, hard | "
        "entropy, nats | seeds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for system, ways in json.loads(DEPLOYED.read_text()).items():
        for way, runs in ways.items():
            errors = [
                _spread([100 * run[kind]["error"] for run in runs]) for kind in ("soft", "hard")
            ]
            numbers = [
                _spread([run[kind][name] for run in runs], "nats")
                for kind, name in (("soft", "loss"), ("hard", "loss"), ("soft", "entropy"))
            ]
            seeds = ", ".join(str(run["seed"]) for run in runs)
            rows.append(f"| `{system}` | {way} | {' | '.join([*errors, *numbers])} | {seeds} |")
    return "\n".join(rows)


_COLUMNS: dict[str, dict[str, Any]] = {
    "glimpse": {"error": lambda run: 100 * run["error"]},
    "pointer": {
        "exact": lambda run: 100 * (1 - run["error"]),
        "n = 5": lambda run: _percent(run["figures"].get("exact, n = 5")),
        "n = 10": lambda run: _percent(run["figures"].get("exact, n = 10")),
    },
    "memory": {
        "right": lambda run: 100 * (1 - run["error"]),
        **{
            f"argmax, m = {size}": lambda run, size=size: 100 * run["by_size_argmax"][str(size)]
            for size in (16, 256)
        },
        "as trained, m = 256": lambda run: 100 * run["by_size"]["256"],
    },
    "tools": {
        "right": lambda run: (
            100 * (1 - run["error"]) if "error" in run else _percent(run["figures"]["right"])
        ),
        "new wording": lambda run: _percent(run["figures"]["right, new wording"]),
        "on the tool meant": lambda run: _percent(
            run["figures"]["weight of the tool that is meant"]
        ),
        **{
            f"n = {size}": lambda run, size=size: 100 * run["by_size"][str(size)]
            for size in (4, 8, 32)
        },
        "argmax, n = 32": lambda run: 100 * run["by_size_argmax"]["32"],
        "calls, number": lambda run: run["figures"]["calls"],
        "calls, n = 32, number": lambda run: run["calls"]["32"],
    },
    "copier": {
        "right": lambda run: 100 * (1 - run["error"]),
        **{
            f"in the text, {seen}": lambda run, seen=seen: _percent(
                run["figures"].get(f"right, {seen}")
            )
            for seen in ("never seen", "seen 1–49 times", "seen 50 times or more")
        },
    },
    "rationale": {
        "right": lambda run: 100 * (1 - run["error"]),
        "share of words read": lambda run: 100 * run["figures"]["share of words read"],
        "words read, number": lambda run: run["figures"]["words read"],
    },
    "answers": {
        "exact": lambda run: _percent(run["figures"]["exact"]),
        "F1": lambda run: _percent(run["figures"]["F1"]),
        **{
            f"exact, {kind}": lambda run, kind=kind: _percent(run["figures"][f"exact, {kind}"])
            for kind in ("who", "where", "how many", "what")
        },
        "no span": lambda run: _percent(run["figures"]["ends before it begins, or too far"]),
    },
    "summary": {
        "said of the rest": lambda run: _percent(run["figures"]["said of the rest"]),
        "of the best": lambda run: _percent(run["figures"]["of the best"]),
        "best set": lambda run: _percent(run["figures"]["best set"]),
    },
    "alignment": {
        "alignment error": lambda run: 100 * run["figures"]["alignment error"],
        "word unknown": lambda run: 100 * run["figures"]["alignment error, word unknown"],
        "log-likelihood of a word, nats": lambda run: run["figures"]["log-likelihood of a word"],
    },
    "captioner": {
        "exact": lambda run: 100 * (1 - run["error"]),
        "words": lambda run: _percent(run["figures"]["words"]),
        "on the digit named": lambda run: _percent(run["figures"]["looks on the digit named"]),
    },
    "localiser": {
        "right": lambda run: 100 * (1 - run["error"]),
        "on the digit": lambda run: _percent(run["figures"]["weight of crops with the digit"]),
    },
    "video": {
        "right": lambda run: 100 * (1 - run["error"]),
        "on its frames": lambda run: _percent(run["figures"]["weight of frames that answer"]),
    },
    "retrieval": {
        "recall at 1": lambda run: 100 * (1 - run["error"]),
        "recall at 5": lambda run: _percent(run["figures"]["recall at 5"]),
        "reciprocal rank, number": lambda run: run["figures"]["reciprocal rank"],
        "recall at 1, of 32": lambda run: _percent(run.get("of_32", {}).get("right")),
        "on its frames": lambda run: _percent(run["figures"]["weight of frames that show it"]),
        "frames read of a clip, number": lambda run: run["figures"]["frames read of a clip"],
    },
    "speech": {
        "exact": lambda run: 100 * (1 - run["error"]),
        "digits": lambda run: _percent(run["figures"]["digits"]),
        "while it is said": lambda run: _percent(run["figures"]["looks while the digit is said"]),
    },
    "latent": {
        "−ELBO, nats": lambda run: run["figures"]["negative ELBO"],
        "−ELBO of training images, nats": lambda run: run.get("training", {}).get("negative ELBO"),
        "−log p(x), nats": lambda run: (
            run["figures"].get("negative log-likelihood")
            or run["figures"]["negative log-likelihood, by 20 draws"]
        ),
        "KL, nats": lambda run: run["figures"]["KL"],
        "digit told by the code": lambda run: 100 * (1 - run["error"]),
    },
    "vqa": {
        "right": lambda run: 100 * (1 - run["error"]),
        "colours": lambda run: _percent(run["figures"]["right, colour"]),
        "forms": lambda run: _percent(run["figures"]["right, form"]),
        "yes or no": lambda run: _percent(run["figures"]["right, yes or no"]),
        "on the shape": lambda run: _percent(run["figures"]["weight on the shape"]),
    },
}


def _references(found: dict[str, Any], columns: dict[str, Any], width: int) -> list[str]:
    """Rows of what a system is compared with, in the columns that it has figures for."""
    rows = []
    for name, variants in found.items():
        for variant, figures in variants.items():
            cells = [f"{name}, {variant}"]
            for head, column in columns.items():
                try:
                    value = column({"figures": figures})
                except KeyError:
                    value = None
                cells.append(_spread([value], head))
            rows.append(f"| {' | '.join([*cells, *['–'] * (width - len(cells))])} |")
    return rows


def _row(words: str, facts: dict[str, Any], columns: dict[str, Any]) -> str:
    runs = facts["runs"]
    cells = [f"`{words}`"] + [
        _spread([column(run) for run in runs], head) for head, column in columns.items()
    ]
    variances = [run["gradient_variance"] for run in runs if run.get("gradient_variance")]
    cells.append(f"{sum(variances) / len(variances):.2g}" if variances else "–")
    minutes = sum(run["cpu_minutes"] for run in runs) / len(runs)
    seeds = ", ".join(str(run["seed"]) for run in runs)
    updates = f"{runs[0]['updates']:,}"
    return f"| {' | '.join([*cells, updates, f'{minutes:.2g}', seeds])} |"


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _spread(values: list[float | None], head: str = "") -> str:
    """Mean, and least to largest where there are several; per cent but for nats."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    # A last digit that a thousand test examples can tell; where most are wrong it tells nothing.
    digits = 2 if max(known) < 10 else 1
    unit = "" if head.endswith(("nats", "number")) else " %"
    mean = f"{sum(known) / len(known):.{digits}f}{unit}"
    if len(known) == 1:
        return mean
    # A dash between figures below zero would read as a sign.
    to = " to " if min(known) < 0 else "–"
    return f"{mean} ({min(known):.{digits}f}{to}{max(known):.{digits}f})"


def _between(page: str, begin: str, end: str, text: str) -> str:
    before, rest = page.split(begin)
    return f"{before}{begin}\n\n{text}\n\n{end}{rest.split(end)[1]}"


def main() -> None:
    torch.set_num_threads(1)
    page = _between(PAGE.read_text(), BEGIN_SYSTEMS, END_SYSTEMS, systems_tables())
    page = _between(page, BEGIN_MATRIX, END_MATRIX, measured_matrix.matrix())
    page = _between(page, BEGIN_MINUTES, END_MINUTES, measured_matrix.minutes())
    page = _between(page, BEGIN_DEPLOYING, END_DEPLOYING, deploying_table())
    if "--systems" not in sys.argv[1:]:
        page = _between(page, BEGIN, END, f"{table()}\n\n{baselines()}")
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
