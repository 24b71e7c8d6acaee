import os
import shutil

import h5py
import numpy as np
import pytest
from recording import write_run

from recorders import RunError, read_run
from recorders.run.validate import findings
from recorders.run.writer import SegmentWriter


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "run.h5"
    writer, _ = write_run(path, examples=3, steps=2)
    writer.close()
    return path


@pytest.fixture
def run(good, tmp_path):
    return shutil.copy(good, tmp_path / "run.h5")


def read_all(path):
    """Everything that a viewer reads."""
    with read_run(path) as run:
        run.columns()
        for example in range(len(run.examples)):
            run.examples[example], run.image(example), run.regions(example), run.tokens(example)
            run.scalars(example), run.outcome(example)
            for site in run.sites:
                run.maps(site, example)
                for step in range(run.steps(site, example)):
                    run.selection(site, example, step)
                    run.log_prob(site, example, step), run.entropy(site, example, step)


def refused(path, says=None):
    """The one sentence with which a run is refused."""
    with pytest.raises(RunError, match=says) as caught:
        read_all(path)
    sentence = str(caught.value)
    assert "\n" not in sentence and len(sentence) < 500
    return sentence


def test_a_file_that_is_no_run_is_refused_by_name(tmp_path):
    for content in (b"", b"hello", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n\x03" + bytes(100)):
        path = tmp_path / "some file.h5"
        path.write_bytes(content)
        assert "some file.h5" in refused(path)
    with h5py.File(tmp_path / "other.h5", "w", libver=("v110", "v110")) as file:
        file["x"] = 1
    refused(tmp_path / "other.h5", "not a run")
    refused(tmp_path / "nothing.h5", "does not exist")
    (tmp_path / "empty.h5.parts").mkdir()
    refused(tmp_path / "empty.h5.parts", "no finished part")


def test_a_pipe_or_a_device_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    refused(tmp_path / "pipe.h5", "not a regular file")
    (tmp_path / "link.h5").symlink_to("/dev/zero")
    refused(tmp_path / "link.h5", "not a regular file")


def test_a_newer_major_is_refused_and_a_newer_minor_read_with_a_notice(run):
    with h5py.File(run, "r+") as file:
        file.attrs["format_version"] = np.bytes_(b"1.9")
        file.create_group("something_new")
    with read_run(run) as opened:
        assert any("1.9" in notice for notice in opened.notices)
        assert opened.n_events == 6
    assert {finding.severity for finding in findings(run)} == {"notice"}
    with h5py.File(run, "r+") as file:
        file.attrs["format_version"] = np.bytes_(b"2.0")
    refused(run, "update hardattn")


def replaced(file, path, **options):
    """Put another dataset in the place of one."""
    old = file[path][:]
    attributes = dict(file[path].attrs)
    del file[path]
    options = {"data": old, "chunks": True, "maxshape": (None,), "shuffle": True} | options
    options.setdefault("compression", "gzip")
    dataset = file.create_dataset(path, **options)
    dataset.attrs.update(attributes)


HOSTILE = {
    "soft link": lambda f: f.__setitem__("more", h5py.SoftLink("/events")),
    "soft link in a table": lambda f: f["events"].__setitem__("more", h5py.SoftLink("/sites")),
    "external link": lambda f: f.__setitem__("more", h5py.ExternalLink("/etc/passwd", "/")),
    "virtual dataset": lambda f: virtual(f),
    "external storage": lambda f: external(f),
    "variable-length strings": lambda f: replaced(
        f, "sites/name", data=["look"], dtype=h5py.string_dtype()
    ),
    "variable-length attribute": lambda f: f.attrs.__setitem__("producer", "text"),
    "array attribute": lambda f: f.attrs.__setitem__("codec", np.zeros(9)),
    "unknown codec": lambda f: f.attrs.__setitem__("codec", np.bytes_(b"zip")),
    "bad metadata": lambda f: f.attrs.__setitem__("metadata", np.bytes_(b"[1]")),
    "deep metadata": lambda f: f.attrs.__setitem__("metadata", np.bytes_(b"[" * 50_000)),
    "missing attribute": lambda f: f.attrs.__delitem__("created"),
    "missing dataset": lambda f: f["events"].__delitem__("step"),
    "missing table": lambda f: f.__delitem__("sites"),
    "missing maps": lambda f: f.__delitem__("maps"),
    "dataset for a table": lambda f: (f.__delitem__("events"), f.__setitem__("events", 1)),
    "table for a dataset": lambda f: (
        f["events"].__delitem__("step"),
        f["events"].create_group("step"),
    ),
    "wrong dtype": lambda f: replaced(f, "events/step", dtype="<i8"),
    "two axes": lambda f: replaced(
        f, "events/step", data=np.zeros((6, 1), "<i4"), maxshape=(None, None)
    ),
    "not compressed": lambda f: replaced(f, "events/step", compression=None),
    "contiguous": lambda f: replaced(
        f, "events/step", chunks=None, compression=None, shuffle=None, maxshape=None
    ),
    "another filter": lambda f: replaced(f, "events/step", compression="lzf"),
    "huge and empty": lambda f: huge(f),
    "negative index": lambda f: changed(f, "events/site", -1),
    "index past the end": lambda f: changed(f, "events/example", 3),
    "offset past the end": lambda f: changed(f, "events/map_offset", 1 << 40),
    "overflowing counts": lambda f: [
        changed(f, f"events/{name}", 2**31 - 1) for name in ("heads", "queries", "keys")
    ],
    "huge step": lambda f: changed(f, "events/step", 2**31 - 1),
    "image of another size": lambda f: changed(f, "images/width", 60_000),
    "selection past the keys": lambda f: direct(f, "selections/key", 9),
    "strings that are not UTF-8": lambda f: changed(f, "examples/name", 0xFF),
    "offsets backwards": lambda f: changed(f, "examples/name_offsets", 99),
}


def virtual(file):
    layout = h5py.VirtualLayout((6,), "<i4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (6,))
    del file["events/step"]
    file.create_virtual_dataset("events/step", layout)


def external(file):
    del file["events/step"]
    file.create_dataset("events/step", (6,), "<i4", external=[("/etc/passwd", 0, 24)])


def huge(file):
    del file["events/step"]
    file.create_dataset(
        "events/step", (1 << 40,), "<i4", chunks=(65_536,), maxshape=(None,), compression="gzip",
        shuffle=True,
    )  # fmt: skip


def changed(file, path, value):
    """Change the first value of a column, and its checksum with it."""
    from recorders.run.codec import crc32

    data = file[path][:]
    data[1 if path.endswith("offsets") else 0] = value
    file[path][:] = data
    file[path].attrs["crc32"] = np.uint32(crc32(data))


def direct(file, path, value):
    """Change all of a bulk dataset, and its checksum with it."""
    from recorders.run.codec import crc32, pack

    packed = pack(np.full(file[path].shape, value, file[path].dtype))
    file[path].id.write_direct_chunk((0,), packed)
    changed(file, f"{path}_crc32", crc32(packed))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_made_to_mislead_is_refused_in_one_sentence(run, name):
    with h5py.File(run, "r+", libver=("v110", "v110")) as file:
        HOSTILE[name](file)
    assert "run.h5" in refused(run)
    assert any(finding.severity == "error" for finding in findings(run))


def test_a_chunk_that_inflates_to_gigabytes_is_refused_before_it_does(run):
    from isal import isal_zlib

    with h5py.File(run, "r+", libver=("v110", "v110")) as file:
        bomb = isal_zlib.compress(bytes(1 << 28), 1)
        file["selections/key"].id.write_direct_chunk((0,), bomb)
    refused(run, "impossible size")


def test_bytes_flipped_anywhere_are_read_rightly_or_refused_never_wrongly(good, tmp_path):
    rng = np.random.default_rng(3)
    whole = bytearray(good.read_bytes())
    with read_run(good) as run:
        expected = [run.map("look", i, s) for i in range(3) for s in range(2)]
    path = tmp_path / "flipped.h5"
    outcomes = {"read": 0, "refused": 0}
    for _ in range(150):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), rng.integers(1, 6)):
            data[place] ^= 1 << rng.integers(8)
        path.write_bytes(data)
        try:
            read_all(path)
        except RunError as problem:
            outcomes["refused"] += 1
            assert "\n" not in str(problem)
            continue
        outcomes["read"] += 1
        with read_run(path) as run:
            got = [run.map("look", i, s) for i in range(3) for s in range(2)]
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    assert outcomes["refused"] > 20


def test_a_file_cut_short_anywhere_is_refused(good, tmp_path):
    whole = good.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 40).astype(int):
        path = tmp_path / "cut.h5"
        path.write_bytes(whole[:length])
        refused(path)


def test_a_run_open_in_h5py_at_the_same_time_is_read_all_the_same(run):
    with h5py.File(run):
        read_all(run)


def test_parts_with_one_missing_or_of_two_recordings_are_refused(tmp_path):
    first, _ = write_run(tmp_path / "a.h5", parts=3)
    second = SegmentWriter(tmp_path / "b.h5", codec="float16")
    for writer in (first, second):
        writer.flush()
    names = sorted(first.parts.glob("seg-*"))
    names[1].rename(tmp_path / "kept")
    refused(first.parts, "lacks part 1")
    shutil.copy(second.parts / names[0].name, names[1])
    refused(first.parts, "two recordings")
    refused(names[0], "one part of a run")
    shutil.copy(tmp_path / "kept", names[1])
    read_all(first.parts)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_good_run_has_no_findings_but_that_it_is_not_sealed(tmp_path, parts):
    writer, _ = write_run(tmp_path / "run.h5", shape=(2, 40, 60), parts=parts)
    writer.flush()
    assert [finding.severity for finding in findings(writer.parts)] == ["notice"]
    writer.close()
    assert findings(tmp_path / "run.h5") == []


def scribbled(path, dataset):
    """Change one byte in the middle of a stored chunk."""
    with h5py.File(path) as file:
        info = file[dataset].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[info.byte_offset + info.size // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "dataset", ["maps/probabilities", "rows/entropy", "images/png", "selections/key"]
)
def test_every_damaged_chunk_is_found_and_the_rest_still_read(run, dataset):
    scribbled(run, dataset)
    errors = [finding for finding in findings(run) if finding.severity == "error"]
    assert [finding.where for finding in errors] == [f"/{dataset}"]
    assert "checksum" in errors[0].what
    with read_run(run) as opened:
        assert len(opened.examples) == 3
    refused(run, "checksum")


def test_numbers_that_make_no_sense_are_found(tmp_path):
    writer = SegmentWriter(tmp_path / "run.h5", codec="float32")
    site, snapshot = writer.add_site("look", key_axis="regions"), writer.add_snapshot(0)
    example = np.array([writer.add_example("a", regions=[[0, 0, 1, 1]])])
    rows = {"log_prob": np.zeros((1, 1, 1)), "entropy": np.zeros((1, 1, 1))}

    def add(p, **more):
        writer.add_events(
            site=site, examples=example, step=0, snapshot=snapshot,
            probabilities=np.array([[[p]]], np.float32), **(rows | more),
        )  # fmt: skip

    add([0.5, 0.5])
    add([0.5, 0.2])
    add([0.5, 0.5], selection=np.array([[[[2]]]]))
    add([0.5, 0.5], log_prob=np.ones((1, 1, 1)))
    add([0.5, 0.5], entropy=np.full((1, 1, 1), np.nan))
    writer.add_outcomes(examples=example, snapshot=snapshot, prediction=1, confidence=1.5)
    writer.add_scalars("x", examples=example, steps=0, snapshot=snapshot, values=np.nan)
    writer.close()
    found = {(finding.severity, finding.where) for finding in findings(tmp_path / "run.h5")}
    assert found == {
        ("error", "/events"),
        ("error", "/maps/probabilities"),
        ("error", "/selections/key"),
        ("error", "/rows/log_prob"),
        ("error", "/rows/entropy"),
        ("warning", "/events/keys"),
        ("warning", "/outcomes/confidence"),
        ("warning", "/scalars/value"),
    }
