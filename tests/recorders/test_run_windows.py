import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recording import write_run

from recorders import RunError, read_run
from recorders.run import layout, levels
from recorders.run.codec import CODECS
from recorders.run.validate import findings
from recorders.run.writer import SegmentWriter

ERROR = CODECS["sqrt16"].max_error
LARGE = (2, 2_100, 2_050)


def pooled(map_, size, how):
    """The largest or the mean of each block of cells, and how large the blocks are."""
    values, cells, blocks = map_.astype(np.float64), np.ones(map_.shape), []
    for axis, length in enumerate(map_.shape):
        block = 1
        while -(-length // block) > size:
            block *= 2
        edges = np.arange(0, length, block)
        values = (np.maximum if how == "max" else np.add).reduceat(values, edges, axis)
        cells = np.add.reduceat(cells, edges, axis)
        blocks.append(block)
    return values if how == "max" else values / cells, tuple(blocks)


def one_map(path, shape, seed=0, codec="sqrt16", **options):
    """A writer that holds one event with a map of random rows."""
    writer = SegmentWriter(path, codec=codec, **options)
    site = writer.add_site("look", heads=shape[0])
    add_map(writer, site, shape, seed)
    return writer


def add_map(writer, site, shape, seed=0):
    raw = np.random.default_rng(seed).random(shape, np.float32) ** 8
    raw /= raw.sum(-1, keepdims=True)
    writer.add_events(
        site=site,
        examples=np.array([writer.add_example(f"text {seed}")]),
        step=0,
        snapshot=0,
        probabilities=raw[None],
        log_prob=np.full((1, *shape[:2]), np.nan),
        entropy=np.ones((1, *shape[:2])),
    )


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A run with one map that is worth a level of its own, and its parts."""
    path = tmp_path_factory.mktemp("large") / "run.h5"
    writer = one_map(path, LARGE)
    writer.flush()
    parts = path.with_name("growing.h5.parts")
    parts.symlink_to(writer.parts)
    with read_run(parts) as growing:
        overviews = {
            (head, how): growing.overview("look", 0, head=head, how=how)
            for head in (None, 0, 1)
            for how in ("max", "mean")
        }
        whole = growing.map("look", 0)
    writer.close()
    return path, overviews, whole


bounds = st.one_of(st.none(), st.integers(-80, 80))
slices = st.builds(slice, bounds, bounds)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 60)),
    step=st.integers(0, 2),
    heads=slices,
    queries=slices,
    keys=slices,
)
def test_a_window_is_that_part_of_the_map(tmp_path_factory, shape, step, heads, queries, keys):
    writer, _ = write_run(tmp_path_factory.mktemp("run") / "run.h5", shape=shape, examples=2)
    writer.close()
    with read_run(writer.path) as run:
        window = run.window("look", 1, step, heads=heads, queries=queries, keys=keys)
        np.testing.assert_array_equal(window, run.map("look", 1, step)[heads, queries, keys])


@settings(max_examples=20, deadline=None)
@given(head=st.integers(0, 1), query=st.integers(0, 2_099), key=st.integers(0, 2_049))
def test_a_window_of_a_large_map_is_that_part_of_it(large, head, query, key):
    part = slice(head, head + 1), slice(query, query + 130), slice(key, key + 90)
    with read_run(large[0]) as run:
        window = run.window("look", 0, heads=part[0], queries=part[1], keys=part[2])
        np.testing.assert_array_equal(window, large[2][part])


def test_a_window_reads_nothing_but_its_rows(tmp_path):
    one_map(tmp_path / "run.h5", (2, 700, 600)).close()
    with h5py.File(tmp_path / "run.h5", "r") as file:
        stored = file["maps/probabilities"]
        last = stored.id.get_chunk_info(stored.id.get_num_chunks() - 1)
    with (tmp_path / "run.h5").open("r+b") as file:
        file.seek(last.byte_offset + last.size // 2)
        file.write(b"\0\0\0\0")
    with read_run(tmp_path / "run.h5") as run:
        assert run.window("look", 0, heads=slice(0, 1)).shape == (1, 700, 600)
        assert run.window("look", 0, queries=slice(0, 100)).shape == (2, 100, 600)
        with pytest.raises(RunError, match="checksum"):
            run.window("look", 0, queries=slice(-1, None))


def test_a_window_of_every_other_key_is_refused(large):
    with (
        read_run(large[0]) as run,
        pytest.raises(ValueError, match="keys has a step of 2; a window is made of neighbours"),
    ):
        run.window("look", 0, keys=slice(0, 10, 2))


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 70), st.integers(1, 70)),
    size=st.integers(1, 80),
    how=st.sampled_from(["max", "mean"]),
    data=st.data(),
)
def test_an_overview_has_the_largest_or_the_mean_of_every_block(
    tmp_path_factory, shape, size, how, data
):
    path = tmp_path_factory.mktemp("run") / "run.h5"
    one_map(path, shape).close()
    head = data.draw(st.one_of(st.none(), st.integers(0, shape[0] - 1)))
    with read_run(path) as run:
        maps = run.map("look", 0)
        expected, blocks = pooled(maps.mean(0) if head is None else maps[head], size, how)
        overview = run.overview("look", 0, head=head, size=size, how=how)
    assert (overview.query_block, overview.key_block, overview.how) == (*blocks, how)
    assert max(overview.values.shape) <= size
    np.testing.assert_allclose(overview.values, expected, rtol=2e-6)


@pytest.mark.parametrize("how", ["max", "mean"])
@pytest.mark.parametrize("head", [None, 0, 1])
def test_the_level_of_a_large_map_is_within_the_error_of_its_codec(large, head, how):
    path, growing, maps = large
    with read_run(path) as run:
        whole = maps.mean(0) if head is None else maps[head]
        for size, error in ((1_024, ERROR), (100, ERROR), (2_000, 1e-7)):
            expected, blocks = pooled(whole, size, how)
            overview = run.overview("look", 0, head=head, size=size, how=how)
            assert (overview.query_block, overview.key_block) == blocks
            np.testing.assert_allclose(overview.values, expected, rtol=2e-6, atol=error)
        # Parts have no levels; there the whole map is read.
        np.testing.assert_allclose(
            run.overview("look", 0, head=head, how=how).values,
            growing[head, how].values,
            atol=ERROR,
        )


def test_a_level_is_read_without_the_map(large, tmp_path):
    path = tmp_path / "run.h5"
    content = bytearray(large[0].read_bytes())
    with h5py.File(large[0], "r") as file:
        stored = file["maps/probabilities"].id
        for chunk in range(stored.get_num_chunks()):
            where = stored.get_chunk_info(chunk)
            content[where.byte_offset : where.byte_offset + where.size] = bytes(where.size)
    path.write_bytes(content)
    with read_run(path) as run, read_run(large[0]) as good:
        np.testing.assert_array_equal(
            run.overview("look", 0, head=1).values, good.overview("look", 0, head=1).values
        )
        with pytest.raises(RunError, match="checksum"):
            run.overview("look", 0, head=1, size=2_000)


def test_only_large_maps_get_a_level(large, tmp_path):
    with h5py.File(large[0], "r") as file:
        # For each head and their mean, the largest and the mean; half as many cells each way.
        heads, queries, keys = LARGE[0] + 1, 525, 513
        chunks = -(-queries * keys // layout.MAP_CHUNK)
        assert file["details/probabilities"].shape == (2 * heads * chunks * layout.MAP_CHUNK,)
        assert file["details/event"][()].tolist() == [0]
    assert findings(large[0]) == []
    one_map(tmp_path / "small.h5", (1, 2_048, 2_048)).close()
    with h5py.File(tmp_path / "small.h5", "r") as file:
        assert "details" not in file


def test_the_levels_of_several_ranks_are_those_of_their_own_maps(tmp_path):
    shape, run = (1, 2_049, 2_048), "ab" * 16
    last = one_map(tmp_path / "run.h5", shape, seed=2, rank=1, world=2, run=run)
    last.close(join=False)
    first = one_map(tmp_path / "run.h5", (1, 3, 5), seed=0, rank=0, world=2, run=run)
    add_map(first, 0, shape, seed=1)
    first.close()
    with read_run(tmp_path / "run.h5") as opened:
        assert [example.name for example in opened.examples] == ["text 0", "text 1", "text 2"]
        for example in range(3):
            map_ = opened.map("look", example)[0]
            overview = opened.overview("look", example, size=64).values
            np.testing.assert_allclose(overview, pooled(map_, 64, "max")[0], atol=ERROR, rtol=1e-6)


def test_a_run_whose_level_ends_beyond_what_is_stored_is_opened_without_it(tmp_path, monkeypatch):
    writer = one_map(tmp_path / "run.h5", (1, 2_049, 2_048))
    made = levels.with_levels

    def wrong(tables, found):
        tables = made(tables, found)
        tables.columns["details/offset"] += layout.MAP_CHUNK
        return tables

    monkeypatch.setattr("recorders.run.join.with_levels", wrong)
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        assert any("/details/offset row 0 is 131072" in notice for notice in run.notices)
        map_ = run.map("look", 0)[0]
        overview = run.overview("look", 0, size=64).values
        np.testing.assert_allclose(overview, pooled(map_, 64, "max")[0], atol=ERROR, rtol=1e-6)


def test_an_overview_of_a_head_that_is_not_there_is_refused(large):
    with read_run(large[0]) as run:
        with pytest.raises(IndexError, match="look has no head 2: it has 2, from 0"):
            run.overview("look", 0, head=2)
        with pytest.raises(ValueError, match="size=0 gives no overview"):
            run.overview("look", 0, size=0)


@pytest.mark.parametrize(
    ("gigabytes", "most"),
    [
        pytest.param(0.2, 230, marks=pytest.mark.slow),
        pytest.param(1.0, 350, marks=pytest.mark.campaign),
    ],
)
def test_a_large_run_is_read_in_a_part_of_its_size(tmp_path, gigabytes, most):
    benchmark = Path(__file__).parents[2] / "benchmarks" / "reading.py"
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import reading, pathlib; "
        "large = reading.make_large(pathlib.Path(sys.argv[2]), float(sys.argv[3])); "
        "print(reading.resident(large))"
    )
    words = [sys.executable, "-c", script, str(benchmark.parent), str(tmp_path), str(gigabytes)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=600)
    # In megabytes; a process that reads nothing has about a hundred.
    assert float(done.stdout) <= most
