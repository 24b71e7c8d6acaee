"""Writes the tables of docs/models.md: ``python docs/make_models_page.py`` (20 CPU seconds).

The problems are those of the tests: Q is quadratic, T a tanh network; both have ten candidates.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "models")]

import gradient_problems as problems  # noqa: E402

from hardattn_models.gradients import Constant, MovingAverage, estimators  # noqa: E402

PAGE = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- estimators -->", "<!-- end of estimators -->"
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


def main() -> None:
    torch.set_num_threads(1)
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{baselines()}\n\n{END}{after}")


if __name__ == "__main__":
    main()
