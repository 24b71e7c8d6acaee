"""Measures of two distributions, against closed forms and independent ways to compute them."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardattn_viewer.measures import agreement, entropy, jensen_shannon, mass_on, same_argmax

PAIRS = st.integers(1, 10).flatmap(
    lambda n: st.tuples(
        *(
            st.lists(st.integers(0, 500), min_size=n, max_size=n)
            .filter(any)
            .map(lambda w: np.array(w, dtype=float) / sum(w))
            for _ in range(2)
        )
    )
)


def test_disjoint_rows_differ_by_one_bit_and_equal_rows_by_none() -> None:
    assert jensen_shannon([1, 0, 0], [0, 0.5, 0.5]) == 1.0
    assert jensen_shannon([0.2, 0.3, 0.5], [0.2, 0.3, 0.5]) == 0.0


def test_a_certain_row_against_a_fair_coin_has_the_closed_form() -> None:
    expected = 1.5 - 0.75 * math.log2(3)
    assert jensen_shannon([1, 0], [0.5, 0.5]) == pytest.approx(expected)


@given(PAIRS)
def test_jensen_shannon_is_the_entropy_gap_of_the_mixture(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    a, b = pair
    gap = entropy((a + b) / 2) - (entropy(a) + entropy(b)) / 2
    found = float(jensen_shannon(a, b))
    assert found == pytest.approx(float(gap), abs=1e-9)
    assert 0 <= found <= 1
    assert found == pytest.approx(float(jensen_shannon(b, a)), abs=1e-12)


@given(PAIRS)
def test_its_square_root_is_a_distance(pair: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = pair
    c = np.full(len(a), 1 / len(a))
    ab, ac, cb = (math.sqrt(jensen_shannon(*two)) for two in ((a, b), (a, c), (c, b)))
    assert ab <= ac + cb + 1e-9


def test_mass_on_sums_the_chosen_keys_once() -> None:
    row = np.array([0.1, 0.2, 0.3, 0.4])
    assert mass_on(row, [3]) == pytest.approx(0.4)
    assert mass_on(row, [0, 3, 3]) == pytest.approx(0.5)
    assert mass_on(row, [1, -1]) == pytest.approx(0.2)
    assert np.isnan(mass_on(row, [-1]))
    assert np.isnan(mass_on([np.nan, 1.0], [1]))
    with pytest.raises(IndexError, match=r"0 … 3"):
        mass_on(row, [4])


def test_mass_on_broadcasts_over_steps() -> None:
    maps = np.random.default_rng(0).dirichlet(np.ones(5), (6, 2))
    chosen = np.random.default_rng(1).integers(0, 5, (6, 2, 1))
    found = mass_on(maps, chosen)
    for i in range(6):
        for j in range(2):
            assert found[i, j] == maps[i, j, chosen[i, j, 0]]


def test_same_argmax_counts_ties_as_every_tied_key() -> None:
    assert same_argmax([0.4, 0.4, 0.2], [0.1, 0.8, 0.1]) == 1.0
    assert same_argmax([0.4, 0.4, 0.2], [0.1, 0.1, 0.8]) == 0.0
    assert np.isnan(same_argmax([np.nan, 1.0], [0.5, 0.5]))


def test_nan_rows_stay_nan_beside_good_ones() -> None:
    a = np.array([[0.5, 0.5], [np.nan, 0.5]])
    assert np.isnan(jensen_shannon(a, [0.5, 0.5])).tolist() == [False, True]


def test_different_keys_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="A has 2 keys and B has 3"):
        jensen_shannon([0.5, 0.5], [0.2, 0.3, 0.5])


def test_agreement_averages_examples_before_it_resamples_them() -> None:
    one = np.eye(3)
    a = [one, one[:2]]
    b = [one[[0, 1, 0]], one[[2, 2]]]
    found = agreement(a, b, resamples=200)
    assert found.per_example["same_argmax"].tolist() == pytest.approx([2 / 3, 0.0])
    assert found.same_argmax.mean == pytest.approx(1 / 3)
    assert found.jensen_shannon.mean == pytest.approx((1 / 3 + 1) / 2)
    assert found.mass_on_choice.mean == pytest.approx(1 / 3)
    assert found.same_argmax.count == 2


def test_agreement_takes_the_choices_where_there_are_any() -> None:
    a, b = [np.array([[0.6, 0.4]])], [np.array([[0.3, 0.7]])]
    assert agreement(a, b, [np.array([[1]])]).mass_on_choice.mean == pytest.approx(0.7)
    assert agreement(a, b, [None]).mass_on_choice.mean == pytest.approx(0.3)


def test_agreement_needs_the_same_examples() -> None:
    with pytest.raises(ValueError, match="A has 1 examples, B has 2"):
        agreement([[1.0]], [[1.0], [1.0]])


def test_measures_load_neither_qt_nor_torch() -> None:
    code = (
        "import sys, hardattn_viewer.measures;"
        "print([m for m in ('PySide6', 'torch', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
