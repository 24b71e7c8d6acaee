"""What a check concludes: every number with its uncertainty, controls, and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_viewer.checks.audit import Audit, audit
from hardattn_viewer.checks.choice_tests import ChoiceTests
from hardattn_viewer.checks.curves import comprehensiveness, separation, sufficiency
from hardattn_viewer.checks.forced import Forced
from hardattn_viewer.checks.hardened import Hardened
from hardattn_viewer.checks.measured import Measured, shares_of
from hardattn_viewer.checks.sanity import Sanity
from hardattn_viewer.checks.scores import Score, scores_found
from hardattn_viewer.checks.statistics import (
    AgainstRandom,
    against_others,
    against_random,
    benjamini_hochberg,
)
from hardattn_viewer.checks.verdict import (
    CONTRADICTED,
    SUPPORTED,
    UNDEFINED,
    WEAK,
    Finding,
    Verdict,
    level_of,
    verdict,
)
from hardattn_viewer.measures.intervals import Interval, bootstrap_interval
from hardattn_viewer.measures.ranks import kendall_tau_b

Floats = NDArray[np.float64]

TOLERANCE = 1e-6
"""Differences of the output up to this, relative to its size, are ties."""
CHOICE = "hard choice"
"""Name of the verdict on forced choices."""


@dataclass(frozen=True, eq=False)
class Explained:
    """One explanation under one operator.

    Attributes:
        explainer: its name.
        operator: how items were removed.
        separation: area under insertion less area under deletion, beside random rankings; verdicts
            rest on it.
        comprehensiveness: beside random rankings.
        sufficiency: beside random rankings; its sign turned, so that more is better.
        comprehensive: AOPC comprehensiveness, mean over examples.
        sufficient: AOPC sufficiency, mean over examples; low is good.
        normalised: where the separation lies between the worst and the best order that a search
            found (NAOPC); no examples where there was no search.
        q: false discovery rate of the separation, over all tests of the report.
    """

    explainer: str
    operator: str
    separation: AgainstRandom
    comprehensiveness: AgainstRandom
    sufficiency: AgainstRandom
    comprehensive: Interval
    sufficient: Interval
    normalised: Interval
    q: float = float("nan")


@dataclass(frozen=True, eq=False)
class Report:
    """A check of a model's explanations.

    Attributes:
        facts: what was checked and how: run, model, reading, seed, versions, counts.
        measured: the curves and scores, by operator.
        audits: what each operator does wherever it is used.
        explained: every explanation under every operator.
        verdicts: by explanation, and of the hard choices under ``CHOICE``.
        agreement: τ-b between explanations, mean over examples, ``[explanations, explanations]``;
            NaN where there is no order to compare.
        forced: by index of an example, what forcing other choices gave; empty for soft models.
        paths: all choices as they were beside all of them made at random; the verdict on the
            choices rests on it.
        singles: what was chosen beside all that could have been, one choice at a time.
        sanity: controls that the numbers must pass.
        flags: by explanation, sentences on controls that it failed.
        warnings: sentences on what was left out.
        scores: scores that are no rankings by removal; no verdict rests on them.
        seed: of resampling.
        hardened: what the output does with heads that attend hard; None where nobody tried.
        tests: further questions to a model that chooses; None where nobody asked.
    """

    facts: Mapping[str, Any]
    measured: tuple[Measured, ...]
    audits: Mapping[str, Audit]
    explained: tuple[Explained, ...]
    verdicts: Mapping[str, Verdict]
    agreement: Floats
    forced: Mapping[int, Forced] = field(default_factory=dict)
    paths: AgainstRandom | None = None
    singles: AgainstRandom | None = None
    sanity: tuple[Sanity, ...] = ()
    flags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    seed: int = 0
    hardened: Hardened | None = None
    tests: ChoiceTests | None = None

    @property
    def explainers(self) -> tuple[str, ...]:
        """Names of the explanations."""
        return self.measured[0].explainers if self.measured else ()

    @property
    def examples(self) -> tuple[int, ...]:
        """Indices of the examples."""
        if self.measured:
            return self.measured[0].examples
        return tuple(self.forced)

    def of(self, explainer: str, operator: str) -> Explained:
        """One explanation under one operator.

        Raises:
            KeyError: there is none.
        """
        for one in self.explained:
            if (one.explainer, one.operator) == (explainer, operator):
                return one
        raise KeyError(f"{explainer} was not measured by {operator}")


def concluded(
    measured: Sequence[Measured],
    *,
    forced: Mapping[int, Forced] | None = None,
    sanity: Sequence[Sanity] = (),
    flags: Mapping[str, Sequence[str]] | None = None,
    facts: Mapping[str, Any] | None = None,
    warnings: Sequence[str] = (),
    seed: int = 0,
    on_step: Callable[[float], object] = lambda done: None,
    hardened: Hardened | None = None,
    tests: ChoiceTests | None = None,
) -> Report:
    """Conclude from what was measured.

    Args:
        measured: of each operator, all examples: see :func:`~.measured.joined`.
        forced: what forcing choices gave, by example.
        sanity: controls that were run beside.
        flags: by explanation, sentences on controls that it failed.
        facts: what was checked and how.
        warnings: sentences on what was left out.
        seed: of resampling.
        on_step: told the share that is done, after each explanation and each pair of them; what it
            raises ends it.
        hardened: what the output does with heads that attend hard.
        tests: further questions to a model that chooses.
    """
    audits = {one.operator: audit(one.alone, one.whole, one.empty) for one in measured}
    steps = _Steps(measured, bool(forced), on_step)
    explained = []
    for one in measured:
        for name in one.explainers:
            explained.append(_explained(one, name, seed))
            steps.done()
    paths = singles = None
    if forced:
        paths = _paths(forced, seed)
        steps.done()
        singles = _singles(forced, seed)
        steps.done()
    p = [one.separation.p for one in explained]
    p += [one.p for one in (paths, singles) if one is not None]
    q = benjamini_hochberg(p)
    explained = [
        Explained(**{**one.__dict__, "q": float(value)})
        for one, value in zip(explained, q, strict=False)
    ]
    verdicts = {}
    names = measured[0].explainers if measured else ()
    for name in names:
        findings = {
            one.operator: Finding(one.separation, one.q, audits[one.operator].passed)
            for one in explained
            if one.explainer == name
        }
        verdicts[name] = verdict(
            findings, flags=(flags or {}).get(name, ()), undefined=_undefined(measured, name)
        )
    if paths is not None and singles is not None:
        verdicts[CHOICE] = _of_choices(Finding(paths, float(q[-2])), singles, forced or {})
    return Report(
        facts=dict(facts or {}),
        measured=tuple(measured),
        audits=audits,
        explained=tuple(explained),
        verdicts=verdicts,
        agreement=agreement_of(measured, steps.done),
        forced=dict(forced or {}),
        paths=paths,
        singles=singles,
        sanity=tuple(sanity),
        flags=dict(flags or {}),
        warnings=tuple(warnings),
        scores=scores_found(measured, audits, seed),
        seed=seed,
        hardened=hardened,
        tests=tests,
    )


class _Steps:
    """Tells what share of a conclusion is drawn; pairs of explanations take as long as these."""

    def __init__(
        self, measured: Sequence[Measured], chooses: bool, on_step: Callable[[float], object]
    ) -> None:
        names = len(measured[0].explainers) if measured else 0
        self._all = len(measured) * names + names * (names + 1) // 2 + 2 * chooses
        self._done, self._on_step = 0, on_step

    def done(self) -> None:
        self._done += 1
        self._on_step(self._done / self._all)


def separations(measured: Measured, explainer: str) -> Floats:
    """Insertion less deletion of each example, ``[E]``; NaN where undefined."""
    return separation(
        measured.deletion[explainer], measured.insertion[explainer], shares_of(measured)
    )


def tolerance_of(measured: Measured) -> float:
    """Differences of outputs that count as none: single precision makes them."""
    size = np.nanmax(np.abs(measured.whole)) if len(measured.whole) else 1.0
    return TOLERANCE * max(1.0, float(size))


def agreement_of(
    measured: Sequence[Measured], on_pair: Callable[[], object] = lambda: None
) -> Floats:
    """τ-b between explanations, mean over operators and examples where both have an order.

    Args:
        measured: of each operator, all examples.
        on_pair: called after each pair of explanations.
    """
    if not measured:
        return np.zeros((0, 0))
    names = measured[0].explainers
    found = np.full((len(names), len(names)), np.nan)
    for a, one in enumerate(names):
        for b, other in enumerate(names):
            if b < a:
                found[a, b] = found[b, a]
                continue
            values = [
                kendall_tau_b(x, y)
                for piece in measured
                for x, y in zip(piece.scores[one], piece.scores[other], strict=True)
                if len(x) and len(y)
            ]
            known = [value for value in values if not np.isnan(value)]
            if known:
                found[a, b] = float(np.mean(known))
            on_pair()
    return found


def _explained(one: Measured, name: str, seed: int) -> Explained:
    shares, tolerance = shares_of(one), tolerance_of(one)
    deletion, insertion = one.deletion[name], one.insertion[name]

    def beside(score: Any) -> AgainstRandom:
        return against_random(
            score(deletion, insertion),
            score(one.control_deletion, one.control_insertion),
            tolerance=tolerance,
            seed=seed,
        )

    notes = one.notes.get("oracle", {})
    normalised = np.full(len(one.examples), np.nan)
    if "highest" in notes and "lowest" in notes:
        width = notes["highest"] - notes["lowest"]
        with np.errstate(invalid="ignore", divide="ignore"):
            normalised = (separations(one, name) - notes["lowest"]) / width
        normalised = np.where(width > tolerance, normalised, np.nan)
    return Explained(
        explainer=name,
        operator=one.operator,
        separation=beside(lambda d, i: separation(d, i, shares)),
        comprehensiveness=beside(lambda d, i: comprehensiveness(d)),
        sufficiency=beside(lambda d, i: -sufficiency(i)),
        comprehensive=bootstrap_interval(comprehensiveness(deletion), seed=seed),
        sufficient=bootstrap_interval(sufficiency(insertion), seed=seed),
        normalised=bootstrap_interval(normalised, seed=seed),
    )


def _undefined(measured: Sequence[Measured], name: str) -> str:
    """The commonest reason why an explanation has no value, where it has none anywhere."""
    reasons = [why for one in measured for why in one.reasons.get(name, {}).values()]
    if len(reasons) < sum(len(one.examples) for one in measured) or not reasons:
        return ""
    return max(set(reasons), key=reasons.count)


def _pool(one: Forced, step: int) -> Floats:
    others = one.others[step]
    return np.concatenate([one.of_chosen[step : step + 1], others[~np.isnan(others)]])


def _paths(forced: Mapping[int, Forced], seed: int) -> AgainstRandom:
    pools = [np.append(one.whole, one.elsewhere) for one in forced.values()]
    return against_others(pools, tolerance=TOLERANCE, seed=seed)


def _singles(forced: Mapping[int, Forced], seed: int) -> AgainstRandom:
    places = [
        (example, step)
        for example, one in forced.items()
        for step in np.flatnonzero(one.live).tolist()
    ]
    return against_others(
        [_pool(forced[example], step) for example, step in places],
        groups=[example for example, _ in places],
        tolerance=TOLERANCE,
        seed=seed,
    )


def _of_choices(paths: Finding, singles: AgainstRandom, forced: Mapping[int, Forced]) -> Verdict:
    if not paths.against.examples:
        why = "Not identifiable: whatever is chosen, the output does not change."
        return Verdict(UNDEFINED, why)
    # Forcing is exact: there is no operator that another would have to confirm.
    level = level_of(paths)
    regret = np.concatenate([one.regret[one.live] for one in forced.values()])
    effect, win, one = paths.against.effect, paths.against.win, singles.effect
    begins = {
        SUPPORTED: "Where it looks counts",
        WEAK: "Where it looks counts, by a margin that is small",
        CONTRADICTED: "Looking at random would serve better",
    }.get(level, "Looking at random serves as well")
    if any(one.blends for one in forced.values()):
        begins = f"Run hard, as it was not trained to be: {begins[0].lower()}{begins[1:]}"
    return Verdict(
        level,
        f"{begins}: its choices beat {win.mean:.0%} [{win.low:.0%}, {win.high:.0%}] of paths drawn "
        f"at random, by {effect.mean:+.3f} [{effect.low:+.3f}, {effect.high:+.3f}]. A single "
        f"choice forced elsewhere changes the output by {-one.mean:+.3f} "
        f"[{-one.high:+.3f}, {-one.low:+.3f}]; the best would have been {np.nanmean(regret):.3f} "
        f"better ({len(regret)} choices in {len(forced)} examples).",
    )
