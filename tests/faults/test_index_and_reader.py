"""Random tables and random runs: what is asked for comes back, whatever their shapes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import CODEC_NAMES, stored

from recorders import read_run
from recorders.run.index import RowIndex
from recorders.run.recover import recover
from recorders.run.writer import SegmentWriter, new_run

small = st.integers(0, 5)


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(small, small, small, small), max_size=60),
    wanted=st.lists(small, max_size=4),
    dtype=st.sampled_from(["<i4", "<i8", "|u1"]),
)
def test_rows_are_found_as_by_looking_at_all_of_them(rows, wanted, dtype):
    table = np.array(rows, dtype).reshape(-1, 4)
    index = RowIndex(*table.T)
    matching = [row for row, keys in enumerate(rows) if list(keys[: len(wanted)]) == wanted]
    # In the order of the keys, rows of equal keys in the order that they were recorded.
    assert index.rows(*wanted).tolist() == sorted(matching, key=lambda row: rows[row])


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 2**40), small), min_size=1, max_size=30))
def test_large_numbers_are_not_mixed_up(rows):
    index = RowIndex(*np.array(rows, np.int64).T)
    for row, keys in enumerate(rows):
        assert row in index.rows(*keys)
        assert all(rows[other] == keys for other in index.rows(*keys))


@st.composite
def recordings(draw):
    """What each rank records: places with a shape each, none of them twice in a rank."""
    ranks = draw(st.integers(1, 3))
    shapes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.integers(0, 2))
    # A rank has examples of its own, so that no event is recorded by two.
    places = st.tuples(st.sampled_from("abc"), small, st.sampled_from([0, 10, 20]), small)
    return draw(
        st.lists(
            st.dictionaries(places, shapes, min_size=1, max_size=8),
            min_size=ranks,
            max_size=ranks,
        )
    )


@settings(max_examples=15, deadline=None)
@given(
    plan=recordings(),
    codec=st.sampled_from(CODEC_NAMES),
    every=st.integers(1, 4),
    way=st.sampled_from(["sealed", "parts", "recovered"]),
)
def test_whatever_several_ranks_write_comes_back_exactly(tmp_path_factory, plan, codec, every, way):
    path = tmp_path_factory.mktemp("random") / "run.h5"
    run = new_run()
    writers = [
        SegmentWriter(path, codec=codec, rank=rank, world=len(plan), run=run)
        for rank in range(len(plan))
    ]
    written = {}
    for rank, (writer, events) in enumerate(zip(writers, plan, strict=True)):
        written |= _recorded(writer, rank, events, every)
    for writer in reversed(writers):
        writer.flush()
        if way == "sealed":
            writer.close(join=writer.rank == 0)
    place = writers[0].parts if way == "parts" else path
    if way == "recovered":
        assert recover(writers[0].parts).lost == ()
    with read_run(place) as opened:
        _check(opened, written)
    if way != "sealed":
        for writer in reversed(writers):
            writer.close(join=writer.rank == 0)
        with read_run(path) as opened:
            _check(opened, written)


def _recorded(writer, rank, events, every):
    """Write the events of one rank; returns what was written, by place."""
    sites, moments, written = {}, {}, {}
    for number, ((site, example, moment, step), shape) in enumerate(events.items()):
        heads, queries, keys, chosen = shape
        rng = np.random.default_rng((rank, number))
        if site not in sites:
            sites[site] = writer.add_site(site)
        if moment not in moments:
            moments[moment] = writer.add_snapshot(moment)
        name = f"{rank}-{example}"
        known = {
            "probabilities": rng.dirichlet(np.ones(keys), (heads, queries)).astype(np.float32),
            "log_prob": -rng.random((heads, queries)),
            "entropy": rng.random((heads, queries)) + 0.1,
            "selection": rng.integers(0, keys, (heads, queries, chosen)) if chosen else None,
        }
        writer.add_events(
            site=sites[site],
            examples=np.array([writer.add_example(name, label=rank)]),
            step=step,
            snapshot=moments[moment],
            **{key: None if value is None else value[None] for key, value in known.items()},
        )
        written[site, name, moment, step] = known
        if number % every == 0:
            writer.flush()
    return written


def _check(run, written):
    examples = {example.name: example.index for example in run.examples}
    moments = {moment.step: moment.index for moment in run.snapshots}
    assert run.n_events == len(written)
    assert {site.name for site in run.sites} == {place[0] for place in written}
    for (site, name, moment, step), known in written.items():
        at = site, examples[name], step, moments[moment]
        np.testing.assert_array_equal(run.map(*at), stored(known["probabilities"], run.codec))
        np.testing.assert_array_equal(run.log_prob(*at), known["log_prob"])
        np.testing.assert_array_equal(run.entropy(*at), known["entropy"])
        selection = run.selection(*at)
        if known["selection"] is None:
            assert selection is None
        else:
            np.testing.assert_array_equal(selection, known["selection"])
