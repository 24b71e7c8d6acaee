import threading
import time
import traceback
import tracemalloc
from pathlib import Path

import fsspec
import numpy as np
import pytest
from range_server import RangeServer
from same_run import assert_same_run

import sample_runs
from recorders import read_run
from recorders.run.join import join
from recorders.run.reader import Remote, RunError
from recorders.run.validate import findings
from recorders.run.writer import SegmentWriter

GOLDEN = sorted((Path(__file__).parent / "golden").glob("run-*.h5"))
SAMPLES = sorted(map(Path, sample_runs.paths()))
IMPATIENT = Remote(quiet_seconds=0.5, cache_folder=None)


@pytest.fixture(scope="module")
def many_chunks(tmp_path_factory):
    """A run of 40 MB in several hundred chunks, of several parts, whose maps hardly compress."""
    rng = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("runs") / "many.h5"
    raw = rng.random((8, 4, 128, 128))
    maps = raw / raw.sum(-1, keepdims=True)
    writer = SegmentWriter(path, metadata={"long": "é" * 70_000})
    writer.add_snapshot(0)
    site = writer.add_site("layers.0", kind="self", heads=4, key_axis="tokens")
    for start in range(0, 320, 8):
        names = [writer.add_example(f"text-{start + k}", tokens=["a", "b"]) for k in range(8)]
        writer.add_events(
            site=site,
            examples=np.array(names),
            step=0,
            snapshot=0,
            probabilities=np.roll(maps, start, -1),
            log_prob=rng.random((8, 4, 128)),
            entropy=rng.random((8, 4, 128)),
        )
        if start % 64 == 0:
            writer.flush()
    writer.close()
    return path


@pytest.fixture
def served(many_chunks):
    with RangeServer(**{"run.h5": many_chunks.read_bytes()}) as server:
        yield server


def sentence_of(url, **options):
    with pytest.raises(RunError) as caught:
        read_run(url, remote=Remote(quiet_seconds=0.5, cache_folder=None, **options))
    words = str(caught.value)
    assert "\n" not in words and ";" in words
    return words


@pytest.mark.parametrize("path", [*GOLDEN, *SAMPLES], ids=lambda path: path.name)
def test_a_run_over_http_holds_what_the_file_holds_and_opens_in_at_most_eight_requests(path):
    with (
        RangeServer(**{path.name: path.read_bytes()}) as server,
        read_run(path) as local,
        read_run(server.url(path.name)) as run,
    ):
        run.map(run.sites[0], 0)
        assert len(server.asked) <= 8
        assert_same_run(run, local)


@pytest.mark.parametrize("path", [*GOLDEN, *SAMPLES], ids=lambda path: path.name)
def test_a_run_in_another_file_system_of_fsspec_holds_what_the_file_holds(path):
    memory = fsspec.filesystem("memory")
    memory.pipe_file(f"/bucket/{path.name}", path.read_bytes())
    try:
        with read_run(path) as local, read_run(f"memory://bucket/{path.name}") as run:
            assert_same_run(run, local)
    finally:
        memory.rm_file(f"/bucket/{path.name}")


def test_opening_takes_two_requests_and_a_map_one_more(served, many_chunks):
    with read_run(served.url("run.h5")) as run, read_run(many_chunks) as local:
        assert len(served.asked) <= 2
        np.testing.assert_array_equal(run.map("layers.0", 319), local.map("layers.0", 319))
        assert len(served.asked) <= 3
        opened = len(served.asked)
        np.testing.assert_array_equal(run.map("layers.0", 100), local.map("layers.0", 100))
        assert len(served.asked) == opened + 1


def test_values_of_all_events_come_in_a_few_requests(served):
    with read_run(served.url("run.h5")) as run:
        opened = len(served.asked)
        run.columns()
        assert len(served.asked) - opened <= 6


def test_what_was_read_is_not_asked_for_again(served):
    with read_run(served.url("run.h5"), cache_bytes=1) as run:
        first = run.map("layers.0", 7)
        asked = len(served.asked)
        np.testing.assert_array_equal(run.map("layers.0", 7), first)
        assert len(served.asked) == asked


def test_memory_is_bounded_whatever_is_read(served, many_chunks):
    tiny = Remote(cache_bytes=1 << 20, cache_folder=None)
    with read_run(served.url("run.h5"), cache_bytes=1 << 20, remote=tiny) as run:
        tracemalloc.start()
        try:
            for example in range(0, 320, 3):
                run.map("layers.0", example)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert sum(last - first for _, first, last in served.asked) > 16 << 20
        assert kept < 8 << 20
        with read_run(many_chunks) as local:
            np.testing.assert_array_equal(run.map("layers.0", 1), local.map("layers.0", 1))


def test_a_sealed_file_tells_at_its_front_where_everything_lies(many_chunks):
    front = many_chunks.read_bytes()[: 2 << 20]
    with RangeServer(**{"run.h5": many_chunks.read_bytes()}) as server:
        read_run(server.url("run.h5")).close()
        assert max(last for _, _, last in server.asked) < len(front)


def test_findings_are_the_same_from_far(served, many_chunks):
    def words(where):
        return [(found.severity, found.what) for found in findings(where)]

    assert words(served.url("run.h5")) == words(many_chunks)
    damaged = bytearray(many_chunks.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    served.files["run.h5"] = bytes(damaged)
    (found,) = [f for f in findings(served.url("run.h5")) if "checksum" in f.what]
    assert "does not match its checksum" in found.what and "http://127.0.0.1" in found.what


# --- on disk ------------------------------------------------------------------------------


def test_a_second_start_reads_from_the_folder_of_the_cache(served, tmp_path, many_chunks):
    remote = Remote(cache_folder=tmp_path / "cache")
    with read_run(served.url("run.h5"), remote=remote) as run:
        first = run.map("layers.0", 9)
    served.asked.clear()
    with read_run(served.url("run.h5"), remote=remote) as run:
        np.testing.assert_array_equal(run.map("layers.0", 9), first)
    assert len(served.asked) == 1
    assert served.asked[0][2] < 1 << 16


def test_the_environment_names_the_folder_of_the_cache(served, tmp_path, monkeypatch):
    monkeypatch.setenv("HARDATTN_REMOTE_CACHE", str(tmp_path / "cache"))
    read_run(served.url("run.h5")).close()
    served.asked.clear()
    read_run(served.url("run.h5")).close()
    assert len(served.asked) == 1


def test_a_changed_file_is_not_read_from_the_cache(served, tmp_path):
    remote = Remote(cache_folder=tmp_path)
    read_run(served.url("run.h5"), remote=remote).close()
    served.files["run.h5"] = GOLDEN[-1].read_bytes()
    with read_run(served.url("run.h5"), remote=remote) as run, read_run(GOLDEN[-1]) as local:
        assert [site.name for site in run.sites] == [site.name for site in local.sites]
        np.testing.assert_array_equal(run.map(run.sites[0], 0), local.map(local.sites[0], 0))
    assert len(list(tmp_path.glob("*.data"))) == 1


def test_a_damaged_cache_is_noticed_and_read_anew(served, tmp_path):
    remote = Remote(cache_folder=tmp_path)
    with read_run(served.url("run.h5"), remote=remote) as run:
        first = run.map("layers.0", 9)
    (kept,) = tmp_path.glob("*.data")
    noise = np.random.default_rng(0).integers(0, 256, kept.stat().st_size, np.uint8)
    kept.write_bytes(noise.tobytes())
    with read_run(served.url("run.h5"), remote=remote) as run:
        np.testing.assert_array_equal(run.map("layers.0", 9), first)


def test_nothing_is_kept_on_disk_of_a_file_without_a_mark(served, tmp_path):
    served.etag = False
    read_run(served.url("run.h5"), remote=Remote(cache_folder=tmp_path)).close()
    assert not list(tmp_path.iterdir())


def test_the_folder_of_the_cache_is_bounded(served, tmp_path):
    small = Remote(cache_folder=tmp_path, cache_folder_bytes=1 << 16)
    for name in ("a.h5", "b.h5", "c.h5"):
        served.files[name] = served.files["run.h5"]
        read_run(served.url(name), remote=small).close()
    assert len(list(tmp_path.glob("*.data"))) <= 2


def test_a_cache_folder_that_cannot_be_used_is_named(served, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    remote = Remote(cache_folder=tmp_path / "file")
    with pytest.raises(RunError, match=r"file cannot keep what is read of http.*; name another"):
        read_run(served.url("run.h5"), remote=remote)


# --- what goes wrong ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("404", "is not there (HTTP 404); check the address"),
        ("403", "may not be read (HTTP 403); give the URL with its token"),
        ("401", "may not be read (HTTP 401)"),
        ("418", "is not answered with the file (HTTP 418)"),
        ("500", "tried 3 times: the server has trouble (HTTP 500)"),
        ("no ranges", "can only be sent whole, since its server knows no ranges; download"),
        ("compressed", "comes compressed (gzip)"),
        ("elsewhere", "comes in other parts than were asked for"),
        ("too much", "comes in other parts than were asked for"),
        ("hangs up", "tried 3 times: the connection was dropped"),
        ("silent", "tried 3 times: the server said nothing for 0.5 s"),
    ],
)
def test_a_server_that_misbehaves_is_named_in_one_sentence(served, mood, words):
    served.moods = [mood]
    started = time.monotonic()
    sentence = sentence_of(served.url("run.h5"))
    assert sentence.startswith(served.url("run.h5")) and words in sentence
    assert time.monotonic() - started < 6


@pytest.mark.parametrize("mood", ["hangs up", "breaks off", "503", "429", "silent"])
def test_trouble_that_passes_goes_unnoticed(served, many_chunks, mood):
    served.moods = [mood, "", mood, "breaks off", ""]
    with read_run(served.url("run.h5"), remote=IMPATIENT) as run, read_run(many_chunks) as local:
        np.testing.assert_array_equal(run.map("layers.0", 60), local.map("layers.0", 60))


def test_a_server_that_falls_silent_while_hdf5_reads_is_named(served, monkeypatch):
    monkeypatch.setattr("recorders.run.remote.source._HEAD", 1 << 16)
    served.moods = ["", "silent"]
    started = time.monotonic()
    words = sentence_of(served.url("run.h5"))
    assert "tried 3 times: the server said nothing for 0.5 s" in words
    assert time.monotonic() - started < 6
    served.moods = ["", "breaks off", "503", ""]
    read_run(served.url("run.h5")).close()


def test_what_came_before_a_connection_broke_is_not_asked_for_again(served):
    served.moods = ["", "breaks off", ""]
    with read_run(served.url("run.h5")) as run:
        run.map("layers.0", 200)
    (_, first, last), (_, again, end) = served.asked[1:3]
    assert first < again <= last and end == last


def test_a_host_that_is_not_there_is_named():
    assert "cannot be reached" in sentence_of("http://127.0.0.1:9/run.h5")
    assert "there is no such host" in sentence_of("http://no-such-host.invalid/run.h5")


def test_an_answer_that_only_drips_ends_in_a_sentence(served, monkeypatch):
    monkeypatch.setattr("recorders.run.remote.fetching._SLOWEST_BYTES_PER_SECOND", 1 << 21)
    served.moods = ["drips"]
    assert "it took more than 1 s" in sentence_of(served.url("run.h5"))


def test_a_file_that_changes_under_an_open_run_is_noticed(served):
    with read_run(served.url("run.h5")) as run:
        served.files["run.h5"] = served.files["run.h5"][:-1] + b"x"
        with pytest.raises(RunError, match=r"run\.h5 was changed meanwhile; open it again"):
            run.map("layers.0", 200)


def test_a_file_that_is_cut_under_an_open_run_is_noticed(served):
    served.etag = False
    with read_run(served.url("run.h5")) as run:
        served.files["run.h5"] = served.files["run.h5"][: 3 << 20]
        with pytest.raises(RunError, match=r"run\.h5 was changed meanwhile"):
            run.map("layers.0", 300)


def test_a_page_is_no_run_and_an_empty_file_neither(served):
    served.files |= {"page.h5": b"<html>log in</html>", "empty.h5": b""}
    assert "is no HDF5 file and so not a run" in sentence_of(served.url("page.h5"))
    assert "is empty and so not a run" in sentence_of(served.url("empty.h5"))


def test_a_cut_file_is_damaged_from_far_too(served):
    served.files["cut.h5"] = served.files["run.h5"][:300_000]
    assert "cut.h5 is damaged or cut short" in sentence_of(served.url("cut.h5"))


def test_giving_up_ends_the_wait_at_once(served):
    served.moods = ["silent"]
    given_up = threading.Event()
    threading.Timer(0.3, given_up.set).start()
    started = time.monotonic()
    with pytest.raises(RunError, match="was given up; open it again to go on"):
        read_run(served.url("run.h5"), remote=Remote(cancelled=given_up.is_set))
    assert time.monotonic() - started < 2


def test_closing_a_run_ends_a_read_that_waits(served):
    run = read_run(served.url("run.h5"))
    served.moods = ["silent"]
    threading.Timer(0.3, run.close).start()
    started = time.monotonic()
    with pytest.raises(RunError, match="is closed; open it again"):
        run.map("layers.0", 200)
    assert time.monotonic() - started < 2


def test_a_redirect_is_followed_once(served, many_chunks):
    with read_run(served.url("moved-run.h5")) as run, read_run(many_chunks) as local:
        np.testing.assert_array_equal(run.map("layers.0", 200), local.map("layers.0", 200))
        assert str(run.path) == served.url("moved-run.h5")
    assert [name for name, _, _ in served.asked].count("moved-run.h5") == 1


def test_a_redirect_that_expires_is_asked_for_again(served):
    with read_run(served.url("moved-run.h5")) as run:
        served.moods = ["403", ""]
        run.map("layers.0", 200)
    assert [name for name, _, _ in served.asked].count("moved-run.h5") == 2


def test_redirects_without_end_are_refused(served):
    assert "is redirected without end; ask for the file itself" in sentence_of(served.url("round"))


# --- secrets ------------------------------------------------------------------------------


def test_user_and_password_reach_the_server_and_nobody_else(served):
    served.password = "anna:pass-word"
    url = served.url("run.h5?token=tell-nobody#part", "anna:pass-word@")
    with read_run(url) as run:
        shown = [str(run.path), repr(run.path), run.name, *run.notices, repr(run.metadata)]
        assert str(run.path) == served.url("run.h5")
    served.password = "other"
    with pytest.raises(RunError) as caught:
        read_run(url)
    shown += traceback.format_exception(caught.value)
    served.moods = ["hangs up"]
    with pytest.raises(RunError) as caught:
        read_run(url, remote=IMPATIENT)
    shown += traceback.format_exception(caught.value)
    shown += [found.where + found.what for found in findings(url, IMPATIENT)]
    assert not [words for words in shown if "pass-word" in words or "tell-nobody" in words]


def test_the_server_is_asked_for_plain_bytes(served):
    read_run(served.url("run.h5")).close()
    assert {headers["Accept-Encoding"] for headers in served.headers} == {"identity"}


# --- addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://host/run.h5.parts", "is a folder, and parts cannot be read from another machine"),
        ("https://host/runs/", "is a folder"),
        ("https://host", "https://host names no file; give the whole URL of a run"),
        ("https:///run.h5", "names no file"),
        ("ftp://host/run.h5", "ftp:// URLs cannot be read; use one of https, http, s3, ssh, sftp"),
        ("https://host:port/run.h5", "is no URL that can be read; check it"),
        ("s3://bucket/run.h5::zip://x", "package is missing"),
    ],
)
def test_an_address_that_cannot_be_read_is_named(url, words):
    with pytest.raises(RunError) as caught:
        read_run(url)
    assert words in str(caught.value)


def test_a_file_url_is_a_path(many_chunks):
    with read_run(many_chunks.as_uri()) as run:
        assert run.path == many_chunks


@pytest.mark.parametrize(
    ("scheme", "missing", "install"),
    [
        ("https", "aiohttp", 'pip install "hardattn[remote]"'),
        ("https", "fsspec", 'pip install "hardattn[remote]"'),
        ("s3", "s3fs", 'pip install "hardattn[remote]" s3fs'),
        ("ssh", "sshfs", 'pip install "hardattn[remote]" sshfs'),
        ("sftp", "sshfs", 'pip install "hardattn[remote]" sshfs'),
    ],
)
def test_a_missing_package_is_named_with_its_remedy(monkeypatch, scheme, missing, install):
    import sys

    for name in list(sys.modules):
        if name.startswith(("recorders.run.remote.http", "recorders.run.remote.files")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(RunError) as caught:
        read_run(f"{scheme}://host/run.h5")
    assert f"since a package is missing ({missing}); {install}" in str(caught.value)


def test_what_is_not_there_in_another_file_system_is_named():
    with pytest.raises(RunError, match=r"memory://bucket/none\.h5 is not there; check"):
        read_run("memory://bucket/none.h5")


def test_a_run_with_levels_of_large_maps_opens_in_two_requests_too(tmp_path):
    rng = np.random.default_rng(5)
    writer = SegmentWriter(tmp_path / "large.h5")
    writer.add_snapshot(0)
    site = writer.add_site("long", kind="self", heads=1, key_axis="tokens")
    examples = np.array([writer.add_example(f"text-{number}") for number in range(3)])
    raw = rng.random((3, 1, 1_200, 1_200))
    nothing = np.zeros((3, 1, 1_200))
    writer.add_events(
        site=site, examples=examples, step=0, snapshot=0,
        probabilities=raw / raw.sum(-1, keepdims=True), log_prob=nothing, entropy=nothing,
    )  # fmt: skip
    writer.close()
    with (
        RangeServer(**{"large.h5": (tmp_path / "large.h5").read_bytes()}) as server,
        read_run(server.url("large.h5")) as run,
    ):
        assert len(server.asked) <= 2
        run.map("long", 2)
        assert len(server.asked) <= 3


def test_joining_again_gives_the_same_run(many_chunks, tmp_path):
    writer = SegmentWriter(tmp_path / "one.h5")
    writer.add_site("s", kind="self", heads=1)
    writer.close(join=False)
    join(tmp_path / "one.h5.parts", tmp_path / "two.h5")
    with read_run(tmp_path / "two.h5") as run:
        assert [site.name for site in run.sites] == ["s"]
