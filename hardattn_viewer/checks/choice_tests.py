"""Further questions to models that choose: what their draws, what they saw, and why they chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.checks.packing import Arrays, expect
from hardattn_viewer.measures.intervals import bootstrap_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChoiceTests:
    """What was asked for of these, for the examples of a check, ``E`` of them in their order.

    Attributes:
        paths: ``[E, draws]``, the output of whole episodes drawn from the policy; no draws if that
            was not asked.
        operator: how what was seen is removed; empty if that was not asked, or has no answer.
        seen: ``[E, choices]``, how far the output falls when what a choice saw is removed, all
            choices as they were; NaN where there was no choice.
        unseen: ``[E]``, how far it moves when all that no choice saw is removed.
        why: by example, ``[choices, items]``, input × gradient of the log-probability of each
            choice, in nats; NaN where it has none.
        before: ``[E, choices]``, share of the gradient's size that lies on items which choices
            before had seen; NaN where it has none.
        reasons: why something that was asked for has no answer, by ``"paths"``, ``"contents"`` or
            ``"why"``; of the last, of the choices that have none.
    """

    paths: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    operator: str = ""
    seen: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    unseen: Floats = field(default_factory=lambda: np.zeros(0))
    why: Mapping[int, Floats] = field(default_factory=dict)
    before: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    reasons: Mapping[str, str] = field(default_factory=dict)

    def words(self, reading: str = "output") -> list[str]:
        """What came of each question, a line or some."""
        return [*self._of_paths(reading), *self._of_contents(reading), *self._of_why()]

    def _of_paths(self, reading: str) -> list[str]:
        if "paths" in self.reasons:
            return [f"paths: not applicable ({self.reasons['paths']})"]
        if not self.paths.size:
            return []
        draws = self.paths.shape[1]
        within = float(self.paths.std(1, ddof=1).mean()) if draws > 1 else float("nan")
        mean = bootstrap_interval(self.paths.mean(1))
        return [
            f"paths: {reading} over {draws} episodes drawn from the policy {mean.mean:.3f} "
            f"[{mean.low:.3f}, {mean.high:.3f}], standard deviation within an example {within:.3f}"
        ]

    def _of_contents(self, reading: str) -> list[str]:
        if "contents" in self.reasons:
            return [f"contents: not applicable ({self.reasons['contents']})"]
        if not self.operator:
            return []
        falls = _by_choice(self.seen)
        return [
            f"contents: with all choices as they were, {reading} falls by {falls} when what a "
            f"choice saw is removed by {self.operator}, and moves by "
            f"{np.abs(self.unseen).max():.1e} at most when all that none saw is"
        ]

    def _of_why(self) -> list[str]:
        if not self.why and "why" in self.reasons:
            return [f"why chosen: not applicable ({self.reasons['why']})"]
        if not self.why:
            return []
        lines = [
            "why chosen: of what moves log π, the share that lies on items seen before: "
            f"{_by_choice(self.before)}"
        ]
        if "why" in self.reasons:
            lines.append(f"  the others: {self.reasons['why']}")
        return lines


def _by_choice(values: Floats) -> str:
    """Means over examples, choice by choice."""
    known = np.isfinite(values)
    return ", ".join(
        f"{values[known[:, at], at].mean():.3f} (choice {at + 1})"
        for at in range(values.shape[1])
        if known[:, at].any()
    )


def packed_tests(made: ChoiceTests) -> tuple[dict[str, Any], Arrays]:
    """As what JSON can say of it, and arrays whose names begin with ``tests``."""
    arrays: Arrays = {f"tests/why/{example}": values for example, values in made.why.items()}
    for name in ("paths", "seen", "unseen", "before"):
        arrays[f"tests/{name}"] = getattr(made, name)
    why = [int(example) for example in made.why]
    return {"operator": made.operator, "reasons": dict(made.reasons), "why": why}, arrays


def unpacked_tests(text: Mapping[str, Any], arrays: Arrays) -> ChoiceTests:
    """From what :func:`packed_tests` made of it.

    Raises:
        ValueError: parts of it do not go together.
        KeyError: a part is missing.
    """
    parts = {
        name: np.asarray(arrays[f"tests/{name}"], np.float64)
        for name in ("paths", "seen", "unseen", "before")
    }
    expect(parts["paths"].ndim == 2 == parts["seen"].ndim == parts["before"].ndim, "choices")
    why = {int(one): np.asarray(arrays[f"tests/why/{int(one)}"], np.float64) for one in text["why"]}
    expect(all(one.ndim == 2 for one in why.values()), "choices")
    reasons = {str(name): str(reason) for name, reason in text["reasons"].items()}
    return ChoiceTests(operator=str(text["operator"]), why=why, reasons=reasons, **parts)
