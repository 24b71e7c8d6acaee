import time
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recording import write_run

from recorders import RunError, read_run
from recorders.run.codec import CODECS, pack, unpack
from recorders.run.writer import SegmentWriter, join


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 60)),
    codec=st.sampled_from(sorted(CODECS)),
    chosen=st.integers(0, 3),
    parts=st.integers(1, 4),
    cache=st.sampled_from([0, 1 << 26]),
)
def test_what_is_written_is_read_back(tmp_path_factory, shape, codec, chosen, parts, cache):
    path = tmp_path_factory.mktemp("run") / "run.h5"
    writer, exact = write_run(path, shape=shape, codec=codec, chosen=chosen, parts=parts)
    writer.close()
    with read_run(path, cache_bytes=cache) as run:
        bound = run.codec_max_error + CODECS[codec].row_error(shape[-1])
        for (example, step), values in exact.items():
            got = run.map("look", example, step)
            np.testing.assert_allclose(got.sum(-1), 1, atol=1e-5)
            np.testing.assert_allclose(got, values["probabilities"], rtol=0, atol=bound * 1.1)
            np.testing.assert_array_equal(run.log_prob("look", example, step), values["log_prob"])
            np.testing.assert_array_equal(run.entropy("look", example, step), values["entropy"])
            selection = run.selection("look", example, step)
            if chosen:
                np.testing.assert_array_equal(selection, values["selection"])
            else:
                assert selection is None


@pytest.mark.parametrize("codec", sorted(CODECS))
def test_a_stored_probability_is_within_the_stated_error_of_the_codec(codec):
    codec = CODECS[codec]
    p = np.concatenate([np.linspace(0, 1, 200_001), np.geomspace(1e-30, 1, 100_001)])
    stored = codec.encode(p)
    assert np.abs(codec.decode(stored) - p).max() <= codec.max_error
    assert codec.decode(codec.encode(np.array([0.0, 1.0, 1.0005, -1e-7]))).tolist()[:2] == [0, 1]


@given(
    dtype=st.sampled_from(["|u1", "<u2", "<f2", "<f4", "<i8", "<f8"]),
    data=st.binary(min_size=8, max_size=400),
)
def test_a_packed_chunk_unpacks_to_the_same_bytes(dtype, data):
    values = np.frombuffer(data[: len(data) // 8 * 8], dtype)
    assert unpack(pack(values), dtype, values.size).tobytes() == values.tobytes()


def same(a, b):
    """Two runs hold the same."""
    assert [e.name for e in a.examples] == [e.name for e in b.examples]
    assert (a.n_events, a.sites, a.snapshots) == (b.n_events, b.sites, b.snapshots)
    for name, column in a.columns().items():
        np.testing.assert_array_equal(column, b.columns()[name])
    for example in range(len(a.examples)):
        for step in range(a.steps("look", example)):
            for read in ("map", "selection", "log_prob", "entropy"):
                np.testing.assert_array_equal(
                    getattr(a, read)("look", example, step), getattr(b, read)("look", example, step)
                )
        for name, values in a.scalars(example).items():
            np.testing.assert_array_equal(values, b.scalars(example)[name])
        np.testing.assert_array_equal(a.image(example), b.image(example))
        np.testing.assert_array_equal(a.regions(example), b.regions(example))


@pytest.mark.parametrize("shape", [(1, 1, 9), (2, 300, 300)], ids=["small", "many chunks"])
def test_a_folder_of_parts_reads_as_the_run_that_it_is_sealed_into(tmp_path, shape):
    writer, _ = write_run(tmp_path / "run.h5", shape=shape, parts=3)
    writer.flush()
    with read_run(writer.parts) as growing:
        assert not growing.sealed and growing.name == "run"
        join(writer.parts, tmp_path / "joined.h5")
        with read_run(tmp_path / "joined.h5") as joined:
            assert joined.sealed
            same(growing, joined)
            writer.close()
            with read_run(tmp_path / "run.h5") as sealed:
                same(sealed, joined)
    assert not writer.parts.exists()


def test_a_run_that_is_not_sealed_yet_opens_by_the_name_it_will_have(tmp_path):
    writer, _ = write_run(tmp_path / "run.h5")
    writer.flush()
    with read_run(tmp_path / "run.h5") as run:
        assert run.path == writer.parts and run.n_events == 12


def test_plain_h5py_reads_the_same_values(tmp_path):
    writer, exact = write_run(tmp_path / "run.h5", shape=(2, 3, 40_000), examples=2)
    writer.close()
    with h5py.File(tmp_path / "run.h5") as file:
        for event, values in enumerate(exact.values()):
            start = file["events/map_offset"][event]
            stored = file["maps/probabilities"][start : start + 240_000]
            p = (stored / 65535.0) ** 2
            np.testing.assert_allclose(p, values["probabilities"].ravel(), rtol=0, atol=1.6e-5)
        assert file["sites/name"][:].tobytes() == b"look"
        assert file["rows/entropy"].attrs["unit"] == b"nat"


def test_metadata_too_large_for_an_attribute_is_kept(tmp_path):
    metadata = {"notes": "ü" * 100_000}
    writer = SegmentWriter(tmp_path / "run.h5", metadata=metadata)
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        assert run.metadata == metadata


def test_many_threads_read_what_one_reads(tmp_path):
    writer, exact = write_run(tmp_path / "run.h5", examples=8, shape=(2, 100, 100))
    writer.close()
    with read_run(tmp_path / "run.h5", cache_bytes=1 << 20) as run:

        def read(place):
            return place, run.map("look", *place), run.selection("look", *place)

        with ThreadPoolExecutor(8) as pool:
            for place, p, selection in pool.map(read, list(exact) * 5):
                np.testing.assert_allclose(p, exact[place]["probabilities"], atol=3e-4)
                np.testing.assert_array_equal(selection, exact[place]["selection"])


def test_reading_what_is_not_there_says_what_there_is(tmp_path):
    writer, _ = write_run(tmp_path / "run.h5")
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        for call, says in (
            (lambda: run.map("look", 0, 3), "no step 3 of example 0 at site 'look'"),
            (lambda: run.map("nowhere", 0), "no site 'nowhere'; it has look"),
            (lambda: run.image(4), "no example 4; it has 4"),
            (lambda: run.map("look", 0, 0, 1), "no snapshot 1"),
        ):
            with pytest.raises(IndexError, match=says):
                call()
        assert run.steps("look", 0) == 3
        assert run.scalars(0, site=run.sites[0]).keys() >= {"entropy", "log_prob", "reward"}
        assert run.tokens(0) is None
        assert run.examples[-1].name == "test-3" and len(run.examples[1:]) == 3


def test_arrays_that_a_run_hands_out_may_be_changed(tmp_path):
    writer, _ = write_run(tmp_path / "run.h5")
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        for read in (run.map, run.selection, run.log_prob, run.entropy):
            read("look", 0)[...] = 0
            assert read("look", 0).any()
        run.regions(0)[...] = 0
        assert run.regions(0).any()


def test_a_run_replaced_on_disk_stays_readable_where_it_was_open(tmp_path):
    writer, exact = write_run(tmp_path / "run.h5")
    writer.close()
    with read_run(tmp_path / "run.h5", cache_bytes=0) as run:
        write_run(tmp_path / "run.h5", shape=(1, 1, 50))[0].close()
        np.testing.assert_allclose(run.map("look", 0), exact[0, 0]["probabilities"], atol=1e-4)


def test_a_folder_of_parts_that_was_sealed_meanwhile_says_so(tmp_path):
    writer, _ = write_run(tmp_path / "run.h5")
    writer.flush()
    with read_run(writer.parts) as run:
        writer.close()
        with pytest.raises(RunError, match="sealed meanwhile"):
            run.map("look", 0)
        run.close()
        with pytest.raises(RunError, match="closed"):
            run.map("look", 0)


def test_a_run_of_300_examples_opens_in_50_ms_and_reads_a_map_in_1_ms(tmp_path):
    writer, _ = write_run(tmp_path / "run.h5", examples=300, steps=6, shape=(1, 1, 49))
    writer.close()

    def cpu(action):
        start = time.thread_time()
        action()
        return time.thread_time() - start

    assert min(cpu(lambda: read_run(tmp_path / "run.h5").close()) for _ in range(5)) < 0.05
    with read_run(tmp_path / "run.h5") as run:
        run.map("look", 0)
        assert min(cpu(lambda: run.map("look", 5, 2)) for _ in range(5)) < 0.001
        assert min(cpu(run.columns) for _ in range(5)) < 0.05
    assert (tmp_path / "run.h5").stat().st_size < 400_000
