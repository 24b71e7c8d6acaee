"""Numbers between many rows at once, draws that are repeated, and intervals of many columns."""

from __future__ import annotations

import numpy as np
import pytest

from hardattn_viewer.measures import (
    PAIR_MEASURES,
    Interval,
    bootstrap_interval,
    bootstrap_slices,
    effective_number,
    entropy,
    expected_agreement,
    jensen_shannon,
    mass_on,
    pair_numbers,
    repeats_of,
    same_argmax,
)


def last(values: np.ndarray, **options: object) -> tuple[Interval, ...]:
    found = None
    for result in bootstrap_slices(values, **options):  # type: ignore[arg-type]
        found = result
    assert found is not None
    return found


def named(row: np.ndarray) -> dict[str, float]:
    return dict(zip(PAIR_MEASURES, row.tolist(), strict=True))


def test_closed_forms() -> None:
    a = np.array([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0]])
    b = np.array([[0.25, 0.25, 0.25, 0.25], [0, 0, 0.5, 0.5]])
    certain, disjoint = (named(row) for row in pair_numbers(a, b, [[0], [1]], "A"))
    # H(m) − H(b) / 2 with m = (5/8, 1/8, 1/8, 1/8).
    expected = -(5 / 8 * np.log2(5 / 8) + 3 / 8 * np.log2(1 / 8)) - 1
    assert certain["jensen_shannon"] == pytest.approx(expected)
    assert (certain["same_argmax"], certain["soft_mass"]) == (1, 0.25)
    assert (certain["entropy_a"], certain["entropy_b"]) == (0, 2)
    assert (certain["effective_a"], certain["effective_b"]) == (1, 4)
    assert disjoint["jensen_shannon"] == pytest.approx(1)
    assert (disjoint["same_argmax"], disjoint["soft_mass"]) == (0, 0)


def test_they_are_the_measures_taken_one_after_the_other() -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.dirichlet(np.full(700, 0.05), 120).astype(np.float32) for _ in range(2))
    a[::7] = b[::7]
    chosen = rng.integers(-1, 700, (120, 2))
    found = pair_numbers(a, b, chosen, "B")
    for column, expected in enumerate(
        (
            same_argmax(a, b),
            jensen_shannon(a, b),
            mass_on(a, chosen),
            entropy(a),
            entropy(b),
            effective_number(a),
            effective_number(b),
        )
    ):
        np.testing.assert_allclose(found[:, column], expected, atol=1e-9, rtol=1e-9)


def test_the_divergence_is_the_one_of_scipy() -> None:
    distance = pytest.importorskip("scipy.spatial.distance")
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(2)
    a, b = (rng.dirichlet(np.ones(9), 40) for _ in range(2))
    found = pair_numbers(a, b)
    for row in range(40):
        squared = distance.jensenshannon(a[row], b[row], base=2) ** 2
        assert found[row, 1] == pytest.approx(squared, abs=1e-12)
        assert found[row, 3] == pytest.approx(stats.entropy(a[row], base=2), abs=1e-12)


def test_rows_that_look_nowhere_or_hold_a_hole_are_no_numbers() -> None:
    a = np.array([[0.0, 0.0], [np.nan, 1.0], [0.5, 0.5]])
    b = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]])
    found = pair_numbers(a, b)
    assert np.isnan(found[:2]).all()
    assert np.isnan(found[2]).tolist() == [False, False, True, False, False, False, False]
    with pytest.raises(ValueError, match="must be equal"):
        pair_numbers(a, b[:, :1])


def test_draws_that_are_always_or_never_the_same() -> None:
    always, never = repeats_of([3, 3, 3, 3]), repeats_of([0, 1, 2, 3])
    assert (always.item, always.times, always.agreement) == (3, 4, 1.0)
    assert (never.times, never.agreement) == (1, 0.0)
    two = repeats_of([5, 7, 7, -1])
    assert (two.draws, two.item, two.times) == (3, 7, 2)
    assert two.agreement == pytest.approx(1 / 3)
    assert np.isnan(repeats_of([1]).agreement)
    with pytest.raises(ValueError, match="nothing was drawn"):
        repeats_of([-1])


def test_the_agreement_of_draws_estimates_the_expected_one_without_bias() -> None:
    p = np.array([0.6, 0.3, 0.1])
    rng = np.random.default_rng(3)
    found = [repeats_of(rng.choice(3, 4, p=p)).agreement for _ in range(20_000)]
    assert float(expected_agreement(p)) == pytest.approx(0.46)
    assert np.mean(found) == pytest.approx(0.46, abs=0.008)


def test_intervals_of_columns_agree_with_those_of_each_alone() -> None:
    rng = np.random.default_rng(4)
    values = np.column_stack([rng.normal(5, 2, 300), rng.integers(0, 2, 300), np.full(300, np.nan)])
    values[::5, 0] = np.nan
    first, second, none = last(values, resamples=4000)
    for column, found in ((0, first), (1, second)):
        alone = bootstrap_interval(values[:, column], resamples=4000, seed=9)
        assert (found.mean, found.count) == (pytest.approx(alone.mean), alone.count)
        assert found.low == pytest.approx(alone.low, abs=0.1 * alone.half_width + 1e-9)
        assert found.high == pytest.approx(alone.high, abs=0.1 * alone.half_width + 1e-9)
    assert none.count == 0 and np.isnan(none.mean)
    assert last(values, resamples=50)[:2] == last(values, resamples=50)[:2]


def test_the_interval_is_the_one_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(5).exponential(2, 200)
    (found,) = last(values[:, None], resamples=4000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found.low == pytest.approx(theirs.low, rel=0.02)
    assert found.high == pytest.approx(theirs.high, rel=0.02)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(6)
    # Each column is a sample of its own of 60 from a distribution whose mean is 1.
    samples = rng.exponential(1, (60, 400))
    held = [found.low <= 1 <= found.high for found in last(samples, resamples=800)]
    # The percentile interval of a skewed sample of 60 holds it a little less often than 95 %.
    assert 0.89 <= np.mean(held) <= 0.97
    normal = rng.normal(1, 3, (200, 400))
    held = [found.low <= 1 <= found.high for found in last(normal, resamples=800)]
    assert 0.92 <= np.mean(held) <= 0.975


def test_options_out_of_range_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="level is 1"):
        next(iter(bootstrap_slices(np.ones((2, 1)), level=1)))
    (nothing,) = last(np.zeros((0, 1)))
    assert nothing.count == 0
