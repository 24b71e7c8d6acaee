"""Whether two open runs hold the same, asked of everything that a run can be asked."""

import dataclasses

import numpy as np


def assert_same_run(a, b):
    for name in ("sealed", "format_version", "producer", "created", "codec", "metadata", "bytes",
                 "notices", "n_events", "ranks", "left_out", "changed", "name"):  # fmt: skip
        assert getattr(a, name) == getattr(b, name), name
    assert _plain(a.sites) == _plain(b.sites)
    assert list(a.snapshots) == list(b.snapshots)
    assert list(a.examples) == list(b.examples)
    for site in a.sites:
        assert _plain([a.verification(site)]) == _plain([b.verification(site)])
        _assert_same_arrays(a.columns(site), b.columns(site))
    for example in range(len(a.examples)):
        _assert_same(a.image(example), b.image(example))
        assert a.outcome(example) == b.outcome(example)
        for snapshot in range(len(a.snapshots)):
            _assert_same_arrays(
                a.scalars(example, None, snapshot), b.scalars(example, None, snapshot)
            )
            for site in a.sites:
                place = (site, example, snapshot)
                steps = a.steps(*place)
                assert steps == b.steps(*place)
                for map_a, map_b in zip(a.maps(*place), b.maps(*place), strict=True):
                    _assert_same(map_a, map_b)
                for step in range(steps if a.maps(*place) else 0):
                    event = (site, example, step, snapshot)
                    for read in ("selection", "log_prob", "entropy"):
                        _assert_same(getattr(a, read)(*event), getattr(b, read)(*event))


def _plain(items):
    return [str(dataclasses.asdict(item)) for item in items]


def _assert_same_arrays(a, b):
    assert a.keys() == b.keys()
    for name in a:
        _assert_same(a[name], b[name])


def _assert_same(a, b):
    assert (a is None) == (b is None)
    if a is not None:
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
