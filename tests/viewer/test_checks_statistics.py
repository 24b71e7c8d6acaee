"""Statistics of checks against simulation and independent computations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hardattn_viewer.checks.audit import audit
from hardattn_viewer.checks.statistics import (
    against_others,
    against_random,
    benjamini_hochberg,
)
from hardattn_viewer.checks.verdict import (
    CONTRADICTED,
    DEPENDS,
    RANDOM,
    SUPPORTED,
    UNDEFINED,
    WEAK,
    Finding,
    verdict,
)
from hardattn_viewer.measures.ranks import kendall_tau_b


def test_random_explanations_win_half_and_their_p_values_are_uniform() -> None:
    generator = np.random.default_rng(0)
    p, won = [], []
    for _ in range(400):
        pool = generator.normal(size=(21, 12)) * generator.uniform(0.1, 5, 12)
        found = against_random(pool[0], pool[1:], seed=1)
        p.append(found.p_better)
        won.append(found.win.mean)
    assert np.mean(won) == pytest.approx(0.5, abs=5 * np.std(won) / 20)
    # Kolmogorov and Smirnov: 1.63 / √n is passed by 99 % of uniform samples.
    grid = np.sort(p)
    distance = np.abs(grid - (np.arange(400) + 0.5) / 400).max()
    assert distance < 1.63 / 20
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.04)


def test_what_beats_every_control_wins_all_and_its_p_is_that_of_the_exact_test() -> None:
    controls = np.arange(4.0)[:, None] * np.ones(2)
    found = against_random(np.full(2, 9.0), controls)
    assert found.win.mean == 1 and found.effect.mean == 7.5
    # Of 5 × 5 ways to exchange, one is as good.
    assert found.p_better == pytest.approx(1 / 25, abs=0.01) and found.p_worse == 1
    worst = against_random(np.full(2, -1.0), controls)
    assert worst.win.mean == 0 and worst.p_worse == pytest.approx(1 / 25, abs=0.01)


def test_ties_count_half_and_examples_where_all_are_alike_are_no_evidence() -> None:
    scores, controls = np.array([1.0, 1.0, np.nan]), np.array([[1.0, 1, 0], [0.0, 1, 1]])
    found = against_random(scores, controls)
    assert found.examples == 1 and found.undefined == 2 and found.win.mean == 0.75
    near = against_random(np.array([1.0]), np.array([[1 + 1e-9], [0.0]]), tolerance=1e-6)
    assert near.win.mean == 0.75
    nothing = against_random(np.array([1.0]), np.array([[1.0]]))
    assert nothing.examples == 0 and np.isnan(nothing.p) and np.isnan(nothing.win.mean)


def test_pools_of_their_own_size_are_compared_and_grouped_by_example() -> None:
    pools = [[3.0, 1.0, 2.0], [0.0, 1.0, np.nan], [5.0, 1.0, 2.0, 3.0], [np.nan, 1.0]]
    apart = against_others(pools)
    assert apart.examples == 3 and apart.undefined == 1
    assert apart.win.mean == pytest.approx(2 / 3)
    together = against_others(pools, groups=[0, 0, 1, 2])
    assert together.examples == 2 and together.undefined == 1
    assert together.win.mean == pytest.approx((0.5 + 1) / 2)
    assert together.effect.mean == pytest.approx(((1.5 - 1) / 2 + 3) / 2)


def test_false_discovery_rates_are_those_of_benjamini_and_hochberg() -> None:
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.2])
    q = benjamini_hochberg(p)
    np.testing.assert_allclose(q, [0.04, 0.04 * 4 / 3, np.nan, 0.04 * 4 / 3, 0.2])
    generator = np.random.default_rng(0)
    values = generator.random(30) ** 2
    for level in (0.05, 0.2):
        ranked = np.sort(values)
        passing = np.flatnonzero(ranked <= level * np.arange(1, 31) / 30)
        rejected = values <= (ranked[passing[-1]] if len(passing) else -1)
        np.testing.assert_array_equal(benjamini_hochberg(values) <= level, rejected)
    with pytest.raises(ValueError, match="between 0 and 1"):
        benjamini_hochberg([1.2])


def test_tau_b_counts_pairs_and_knows_ties() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        a, b = generator.integers(0, 4, 9), generator.integers(0, 4, 9)
        concordant = discordant = only_a = only_b = 0
        for i, j in itertools.combinations(range(9), 2):
            x, y = np.sign(a[i] - a[j]), np.sign(b[i] - b[j])
            concordant += x * y > 0
            discordant += x * y < 0
            only_a += x != 0 and y == 0
            only_b += x == 0 and y != 0
        untied = concordant + discordant
        expected = (concordant - discordant) / np.sqrt((untied + only_a) * (untied + only_b))
        assert kendall_tau_b(a, b) == pytest.approx(expected)
    assert np.isnan(kendall_tau_b([1, 1], [1, 2]))
    with pytest.raises(ValueError, match="finite"):
        kendall_tau_b([np.nan, 1], [1, 2])
    with pytest.raises(ValueError, match="equal length"):
        kendall_tau_b([1], [1, 2])


def found(win: float, seed: int = 0) -> Finding:
    generator = np.random.default_rng(seed)
    controls = generator.random((50, 40))
    return Finding(against_random(np.full(40, win), controls), 0.001 if win != 0.5 else 0.7)


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        (0.9, 0.9, SUPPORTED),
        (0.55, 0.55, WEAK),
        (0.5, 0.5, RANDOM),
        (0.1, 0.2, CONTRADICTED),
        (0.9, 0.5, DEPENDS),
        (0.9, 0.1, DEPENDS),
        (0.5, 0.1, DEPENDS),
    ],
)
def test_a_verdict_is_what_the_operators_say_together(a: float, b: float, level: str) -> None:
    said = verdict({"grey": found(a), "blur": found(b)})
    assert said.level == level and "40 examples" in said.sentence
    assert said.sentence[0].isupper() and said.sentence.rstrip().endswith(".")


def test_nothing_is_supported_by_one_operator_or_against_a_control() -> None:
    assert verdict({"grey": found(0.9)}).level == WEAK
    audited = {"grey": found(0.9), "noise": Finding(found(0.9).against, 0.001, audited=False)}
    said = verdict(audited)
    assert said.level == WEAK and "noise moved the output wherever it was put" in said.sentence
    flagged = verdict({"a": found(0.9), "b": found(0.9)}, flags=["it is class-blind"])
    assert flagged.level == WEAK and "It is class-blind." in flagged.sentence
    neither = verdict({"noise": Finding(found(0.9).against, 0.001, audited=False)})
    assert neither.level == UNDEFINED


def test_an_operator_is_audited_by_what_it_does_to_single_items() -> None:
    generator = np.random.default_rng(0)
    fair = [generator.normal(size=8) for _ in range(20)]
    whole = np.zeros(20)
    passed = audit(fair, whole, whole - np.array([one.sum() for one in fair]))
    assert passed.passed and passed.fair == pytest.approx(-passed.shift)
    everywhere = audit([one * 0.1 - 3.5 for one in fair], whole, whole + 3.5)
    assert not everywhere.passed and everywhere.shift == pytest.approx(3.5, abs=0.02)
    assert everywhere.same_sign == 1
    assert audit([], whole[:0], whole[:0]).examples == 0


def test_an_operator_that_moves_each_class_its_own_way_moves_the_output_everywhere() -> None:
    generator = np.random.default_rng(0)
    noise = [generator.normal(0, 0.05, 10) for _ in range(6)]
    # Three examples fall by 0.4 whichever item is gone, three rise: on average nothing happens.
    alone = [one + (0.4 if at < 3 else -0.4) for at, one in enumerate(noise)]
    whole = np.full(6, 0.9)
    found = audit(alone, whole, whole - 0.3)
    assert not found.passed and found.same_sign > 0.99
    assert abs(found.shift) < 0.05 and found.between == pytest.approx(0.05, rel=0.3)
    assert audit(noise, whole, whole - 0.3).passed
