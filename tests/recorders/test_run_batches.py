"""Many events read at once are the same as each of them read alone."""

from pathlib import Path

import numpy as np
import pytest

from recorders import read_run
from recorders.run.writer import SegmentWriter


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sites that take turns, hard and soft; every third example has another width."""
    rng = np.random.default_rng(3)
    writer = SegmentWriter(tmp_path_factory.mktemp("batches") / "run.h5")
    writer.add_snapshot(0)
    hard = writer.add_site("hard", heads=2, hard=True)
    soft = writer.add_site("soft", heads=3)
    for number in range(9):
        example = np.array([writer.add_example(f"e{number}")])
        keys = 5 if number % 3 else 4
        for step in range(2):
            for site, heads in ((hard, 2), (soft, 3)):
                p = rng.dirichlet(np.ones(keys), (1, heads, 2))
                writer.add_events(
                    site=site,
                    examples=example,
                    step=step,
                    snapshot=0,
                    probabilities=p,
                    log_prob=np.full(p.shape[:-1], np.nan),
                    entropy=np.ones(p.shape[:-1]),
                    selection=p.argsort(axis=-1)[..., -2:] if site == hard else None,
                )
    writer.close()
    return writer.path


def test_many_maps_and_choices_are_those_of_each_event(path: Path) -> None:
    with read_run(path) as run:
        for site in run.sites:
            table = run.event_table(site)
            assert table.example.tolist() == sorted(table.example.tolist())
            assert table.step.tolist() == [0, 1] * 9
            for shape in np.unique(table.shape, axis=0):
                here = np.flatnonzero((table.shape == shape).all(axis=1))[::-1]
                maps, chosen = run.maps_at(table.event[here]), run.selections_at(table.event[here])
                assert chosen.shape == (here.size, shape[0], shape[1], shape[3])
                for place, at in enumerate(here.tolist()):
                    where = (site, int(table.example[at]), int(table.step[at]))
                    np.testing.assert_array_equal(maps[place], run.map(*where))
                    alone = run.selection(*where)
                    if alone is not None:
                        np.testing.assert_array_equal(chosen[place], alone)


def test_what_is_read_may_be_changed(path: Path) -> None:
    with read_run(path) as run:
        table = run.event_table("hard")
        maps = run.maps_at(table.event[:1])
        maps[:] = 7
        assert run.maps_at(table.event[:1]).max() <= 1


def test_a_site_or_snapshot_that_is_not_there_is_said(path: Path) -> None:
    with read_run(path) as run:
        with pytest.raises(IndexError, match="no site 'other'"):
            run.event_table("other")
        with pytest.raises(IndexError, match="no snapshot 4"):
            run.event_table("hard", 4)
