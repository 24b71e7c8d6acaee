"""Two reports of the same numbers."""

from __future__ import annotations

import numpy as np

from hardattn_viewer.checks.report import Report

CLOSE = 1e-6


def assert_alike(one: Report, other: Report, within: float = CLOSE) -> None:
    """Every number of two reports agrees, whatever process it was measured in."""
    assert one.examples == other.examples and one.explainers == other.explainers
    assert [piece.operator for piece in one.measured] == [
        piece.operator for piece in other.measured
    ]
    for a, b in zip(one.measured, other.measured, strict=True):
        assert a.targets == b.targets and a.reasons == b.reasons
        for name in ("whole", "control_deletion", "control_insertion"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=0, atol=within)
        for x, y in zip(a.alone, b.alone, strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=within)
        for name in a.explainers:
            np.testing.assert_allclose(a.deletion[name], b.deletion[name], rtol=0, atol=within)
            np.testing.assert_allclose(a.insertion[name], b.insertion[name], rtol=0, atol=within)
            for x, y in zip(a.scores[name], b.scores[name], strict=True):
                np.testing.assert_allclose(x, y, rtol=0, atol=within)
            assert list(a.scored[name]) == list(b.scored[name])
            for score, found in a.scored[name].items():
                same = b.scored[name][score]
                assert found.reasons == same.reasons
                # A share of random explanations jumps where two of them all but tie.
                for part, off in (("values", within), ("random", within), ("won", 0.03)):
                    x, y = getattr(found, part), getattr(same, part)
                    np.testing.assert_allclose(x, y, rtol=1e-5, atol=off)
    assert list(one.forced) == list(other.forced)
    for example, made in one.forced.items():
        same = other.forced[example]
        np.testing.assert_array_equal(made.chosen, same.chosen)
        np.testing.assert_allclose(made.values, same.values, rtol=0, atol=within)
        np.testing.assert_allclose(made.elsewhere, same.elsewhere, rtol=0, atol=within)
        np.testing.assert_allclose(made.spread, same.spread, rtol=0, atol=within)
    assert one.verdicts == other.verdicts
    np.testing.assert_allclose(one.agreement, other.agreement, rtol=0, atol=within)
    assert [(x.name[:12], x.outcome) for x in one.sanity] == [
        (x.name[:12], x.outcome) for x in other.sanity
    ]
