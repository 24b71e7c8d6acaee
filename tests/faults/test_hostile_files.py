"""Files made to mislead, crash or exhaust whoever opens them: one sentence each, nothing else."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace

import h5py
import hostile_files as hostile
import numpy as np
import pytest

from recorders import RunError, read_run
from recorders.run.codec import pack
from recorders.run.durable import SourceFile
from recorders.run.errors import UnsafeError
from recorders.run.judge import judged
from recorders.run.report import Node, packed, unpacked
from recorders.run.survey import survey
from recorders.run.validate import findings
from recorders.run.writer import SegmentWriter


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "run.h5"
    return path, hostile.honest_run(path)


@pytest.fixture
def run(good, tmp_path):
    return shutil.copy(good[0], tmp_path / "run.h5")


class Trap:
    """A pipe that nobody may open: whoever reads from it is noticed."""

    def __init__(self, path):
        self.path = path
        self.opened = False
        os.mkfifo(path)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self):
        while not self._ended.wait(0.002):
            try:
                # Succeeds only while somebody has it open, or waits in open().
                os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                continue
            self.opened = True

    def close(self):
        time.sleep(0.01)
        self._ended.set()
        self._thread.join()


@pytest.fixture
def trap(tmp_path):
    made = Trap(tmp_path / "trap.h5")
    yield made
    made.close()
    assert not made.opened


def read_all(path):
    with read_run(path) as run:
        run.columns()
        for example in range(len(run.examples)):
            run.examples[example], run.image(example), run.regions(example), run.tokens(example)
            run.scalars(example), run.outcome(example), run.later_tokens(example)
            for site in run.sites:
                run.maps(site, example)
                for step in range(run.steps(site, example)):
                    run.selection(site, example, step)
                    run.log_prob(site, example, step), run.entropy(site, example, step)


def refused(path, says):
    """The one sentence with which a file is not even opened."""
    started = time.monotonic()
    with pytest.raises(RunError, match=says) as caught:
        read_run(path)
    assert time.monotonic() - started < 20
    sentence = str(caught.value)
    assert "\n" not in sentence and len(sentence) < 600 and path.name in sentence
    return sentence


def changed(path, change):
    with h5py.File(path, "r+", libver=hostile.NEW) as file:
        change(file)


# --- What is no file, or no run ---------------------------------------------------------------


def test_a_pipe_is_refused_and_never_opened_for_reading(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    refused(tmp_path / "pipe.h5", "not a regular file")


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/null", "/dev/tty", "pipe"])
def test_a_link_to_a_device_or_a_pipe_is_refused(tmp_path, target):
    if target == "pipe":
        os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.h5").symlink_to(tmp_path / target)
    refused(tmp_path / "link.h5", "not a regular file|cannot be opened")


def test_a_folder_and_a_link_to_nothing_and_to_itself_are_refused(tmp_path):
    (tmp_path / "folder.h5").mkdir()
    refused(tmp_path / "folder.h5", "no finished part")
    (tmp_path / "nowhere.h5").symlink_to(tmp_path / "nothing")
    refused(tmp_path / "nowhere.h5", "does not exist")
    (tmp_path / "loop.h5").symlink_to(tmp_path / "loop.h5")
    refused(tmp_path / "loop.h5", "does not exist|cannot be opened")


def test_a_part_that_is_a_pipe_is_refused(good, tmp_path):
    (tmp_path / "run.h5.parts").mkdir()
    os.mkfifo(tmp_path / "run.h5.parts" / "seg-0000-000000.h5")
    with pytest.raises(RunError, match="not a regular file"):
        read_run(tmp_path / "run.h5.parts")


def test_a_file_without_a_head_is_refused(tmp_path):
    for content, says in (
        (b"", "is empty"),
        (b"hello", "no HDF5 file"),
        (b"\x89HDF\r\n\x1a\n", "not a run"),
        (b"\x89HDF\r\n\x1a\n\x03" + bytes(1000), "damaged or cut short"),
        (bytes(512) + b"\x89HDF\r\n\x1a\n\x03" + bytes(1000), "no HDF5 file"),
    ):
        path = tmp_path / "some.h5"
        path.write_bytes(content)
        refused(path, says)


def test_a_file_of_a_terabyte_of_nothing_is_refused_at_once(good, tmp_path):
    path = tmp_path / "sparse.h5"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    refused(path, "no HDF5 file")
    with path.open("r+b") as file:
        file.write(b"\x89HDF\r\n\x1a\n\x02\x08\x08\x00")
    refused(path, "damaged or cut short")
    # What comes behind the end that HDF5 knows of belongs to nobody.
    shutil.copy(good[0], path)
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    read_all(path)


def test_a_user_block_before_the_run_is_refused(tmp_path):
    with h5py.File(tmp_path / "block.h5", "w", userblock_size=512, libver=hostile.NEW) as file:
        file["x"] = 1
    refused(tmp_path / "block.h5", "no HDF5 file")


@pytest.mark.parametrize("version", [0, 1, 4, 255])
def test_another_superblock_is_refused_by_its_number(run, version):
    content = bytearray(run.read_bytes())
    content[8] = version
    run.write_bytes(content)
    refused(run, "version of HDF5")


def test_an_hdf5_file_of_the_earliest_kind_is_refused(tmp_path):
    with h5py.File(tmp_path / "old.h5", "w", libver="earliest") as file:
        file["x"] = 1
    refused(tmp_path / "old.h5", "version of HDF5")


def test_a_newer_minor_is_read_with_a_notice_and_a_newer_major_is_refused(run):
    changed(run, hostile.attribute("format_version", np.bytes_(b"1.9")))
    with read_run(run) as opened:
        assert any("1.9" in notice for notice in opened.notices)
    for version in (b"2.0", b"10.0", b"9" * 400 + b".0"):
        changed(run, hostile.attribute("format_version", np.bytes_(version)))
        refused(run, "newer than this program reads|is not major.minor")


# --- What leads out of the file ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "change"),
    [
        ("link", lambda to: lambda f: f.__setitem__("more", h5py.ExternalLink(to, "/"))),
        ("link", lambda to: lambda f: f.__setitem__("events/x", h5py.ExternalLink(to, "/"))),
        (
            "link",
            lambda to: (
                lambda f: (
                    f.__delitem__("maps"),
                    f.__setitem__("maps", h5py.ExternalLink(to, "/")),
                )
            ),
        ),
        ("another file", hostile.external_storage),
        ("other files", lambda to: hostile.virtual("events/step", to)),
        ("other files", lambda to: hostile.virtual("outcomes/prediction", to)),
        ("metadata|unknown", lambda to: hostile.virtual("metadata", to)),
    ],
    ids=["link", "in a table", "for a table", "storage", "virtual", "optional", "metadata"],
)
def test_nothing_outside_the_file_is_ever_opened(run, trap, says, change):
    changed(run, change(str(trap.path)))
    try:
        read_all(run)
    except RunError as problem:
        assert "\n" not in str(problem)
    else:
        # Metadata is an attribute here, so nobody asks for a dataset of that name.
        assert says.startswith("metadata")


def test_the_process_that_inspects_can_open_nothing_at_all(tmp_path):
    code = """
import os, socket
from recorders.run import inspection
inspection.rehearse()
inspection.confine()
given = os.dup(0)
for attempt in (lambda: open("/etc/passwd"), socket.socket, os.pipe, lambda: os.dup(0)):
    try:
        attempt()
    except OSError as problem:
        print(problem.errno)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(errno.EMFILE)] * 4


# --- What is refused as a whole ---------------------------------------------------------------

STRUCTURE = {
    "soft link": lambda f: f.__setitem__("more", h5py.SoftLink("/events")),
    "soft link to itself": lambda f: f.__setitem__("more", h5py.SoftLink("/more")),
    "soft link in a table": lambda f: f["events"].__setitem__("more", h5py.SoftLink("/sites")),
    "cycle of hard links": hostile.cycle,
    "two names for one thing": hostile.duplicated_link,
    "table that is another": lambda f: (f.__delitem__("sites"), f.__setitem__("sites", f["maps"])),
    "thousands of groups": hostile.many_groups("/", 1_500),
    "thousands of groups in a table": hostile.many_groups("events", 1_500),
    "table of a committed datatype": hostile.committed("events"),
    "committed datatype": hostile.committed("events/step"),
    "variable-length strings": hostile.replaced(
        "sites/name", data=["look"], dtype=h5py.string_dtype(), chunks=(1,)
    ),
    "compound": hostile.replaced("events/step", data=np.zeros(6, "i4,f8")),
    "object references": hostile.replaced(
        "events/step", data=None, shape=(6,), dtype=h5py.ref_dtype
    ),
    "region references": hostile.replaced(
        "events/step", data=None, shape=(6,), dtype=h5py.regionref_dtype
    ),
    "wrong dtype": hostile.replaced("events/step", dtype="<i8"),
    "big-endian": hostile.replaced("events/step", dtype=">i4"),
    "two axes": hostile.replaced(
        "events/step", data=np.zeros((6, 1), "<i4"), chunks=(6, 1), maxshape=(None, None)
    ),
    "unknown filter": hostile.filtered("events/step", (2, (4,)), (31_234, ())),
    "filter twice": hostile.filtered("events/step", (2, (4,)), (1, (1,)), (1, (1,))),
    "filters the other way round": hostile.filtered("events/step", (1, (1,)), (2, (4,))),
    "contiguous": hostile.replaced(
        "events/step", chunks=None, compression=None, shuffle=None, maxshape=None
    ),
    "chunk of gigabytes": hostile.empty_giant("events/step", 6, 1 << 29),
    "length of terabytes": hostile.empty_giant("events/step", 1 << 40, 65_536),
    "no checksum": lambda f: f["events/step"].attrs.__delitem__("crc32"),
    "checksum that is a text": lambda f: f["events/step"].attrs.__setitem__("crc32", "x"),
    "chunk that skips the filters": hostile.raw_chunk("events/step", bytes(24), mask=3),
    "chunk of nothing but promises": hostile.raw_chunk("events/step", bytes(2_000)),
    "missing attribute": lambda f: f.attrs.__delitem__("created"),
    "variable-length attribute": hostile.attribute("producer", "text"),
    "array attribute": hostile.attribute("codec", np.zeros(9)),
    "attribute above 64 kB": hostile.attribute("producer", np.bytes_(b"x" * 70_000)),
    "attribute that is not UTF-8": hostile.attribute("producer", np.bytes_(b"\xff\xfe")),
    "number that is a text": hostile.attribute("rank", np.bytes_(b"0")),
    "number that is NaN": hostile.attribute("segment", np.float64("nan")),
    "world without end": hostile.attribute("world", np.int64(1 << 62)),
    "unknown codec": hostile.attribute("codec", np.bytes_(b"zip")),
    "metadata that is a list": hostile.metadata("[1]"),
    "metadata that is no JSON": hostile.metadata("{"),
    "metadata that is not UTF-8": hostile.metadata(b"\xff"),
    "metadata too deep": hostile.metadata(hostile.deep_json(200)),
    "metadata far too deep": hostile.metadata("[" * 50_000),
    "metadata with a number of 5,000 digits": hostile.metadata('{"a":' + "9" * 5_000 + "}"),
    "metadata with a number of 200 digits": hostile.metadata('{"a":' + "9" * 200 + "}"),
    "metadata with infinity": hostile.metadata('{"a": 1e999}'),
    "metadata with NaN": hostile.metadata('{"a": NaN}'),
    "event of a site that is not there": hostile.changed("events/site", 7),
    "event of no site": hostile.changed("events/site", -1),
    "event of an example that is not there": hostile.changed("events/example", 1 << 40),
    "event with a negative count": hostile.changed("events/keys", -9),
    "event of no keys": hostile.changed("events/keys", 0),
    "event that overflows": hostile.together(
        *(hostile.changed(f"events/{name}", 2**31 - 1) for name in ("heads", "queries", "keys"))
    ),
    "event at the end of numbers": hostile.changed("events/map_offset", 2**63 - 1),
    "event before the beginning": hostile.changed("events/map_offset", -(2**63)),
    "event of a step without end": hostile.changed("events/step", 2**31 - 1),
    "event of a negative step": hostile.changed("events/step", -1),
    "example with an image that is not there": hostile.changed("examples/image", 99),
    "example with tokens that are not there": hostile.changed("examples/token_offset", 99),
    "example with fewer tokens than none": hostile.changed("examples/token_count", -2),
    "name that is not UTF-8": hostile.texts("examples", "name", [b"\xff", b"b", b"c"]),
    "name cut in two": hostile.changed("examples/name_offsets", 99, row=1),
    "fewer names than rows": hostile.texts("sites", "kind", ["a", "b"]),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_what_no_recorder_writes_is_refused_in_one_sentence(run, name):
    changed(run, STRUCTURE[name])
    refused(run, ".")
    (found,) = findings(run)
    assert found.severity == "error"


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("table", "overlap"),
        ("filters", "shuffled as if"),
        ("chunk", "chunks of 5 values"),
        ("crc32", "no checksum"),
        ("shape", "has chunks of"),
    ],
)
def test_what_no_tool_can_write_is_refused_where_it_is_reported(good, field, says):
    path, size = good[0], good[0].stat().st_size
    with path.open("rb") as file:
        report = survey(SourceFile(file.fileno()))
    judged(report, size)
    events = report.root.children["events"]
    step, site = events.children["step"].array, events.children["site"].array
    lie = {
        "table": site.table,
        "filters": ((2, (8,)), (1, (1,))),
        "chunk": (5,),
        "crc32": 1.5,
        "shape": (-3,),
    }[field]
    lying = Node("dataset", events.children["step"].address, array=replace(step, **{field: lie}))
    events = replace(events, children={**events.children, "step": lying})
    root = replace(report.root, children={**report.root.children, "events": events})
    told = unpacked(packed(replace(report, root=root)))
    try:
        assert says in judged(told, size).flaws["events"]
    except UnsafeError as flaw:
        assert says in str(flaw)


def test_tables_that_inflate_to_gigabytes_are_refused_before_they_do(run):
    rows = 1 << 24
    zeros = pack(np.zeros(65_536, "<i8"))

    def bomb(file):
        for name in ("map_offset", "row_offset", "selection_offset"):
            path = f"events/{name}"
            attributes = dict(file[path].attrs)
            del file[path]
            made = file.create_dataset(
                path, (rows,), "<i8", chunks=(65_536,), maxshape=(None,), shuffle=True,
                compression="gzip",
            )  # fmt: skip
            made.attrs.update(attributes)
            for start in range(0, rows, 65_536):
                made.id.write_direct_chunk((start,), zeros)

    changed(run, bomb)
    refused(run, "far more than a file of its size holds")


# --- What is read without the broken part, or is none of our business ---------------------------

IGNORED = {
    "unknown group": hostile.nested("other", 3),
    "deep groups": hostile.nested("other", 600),
    "groups without end in an unknown one": hostile.many_groups("other", 3_000),
    "committed datatype": hostile.committed("other"),
    "unknown dataset in a table": lambda f: f["events"].__setitem__("other", np.zeros(9)),
    "unknown dataset of variable length": lambda f: f.create_dataset(
        "events/other", (3,), h5py.string_dtype()
    ),
    "name that is not UTF-8": lambda f: h5py.h5g.create(f.id, b"\xff\x1b[2J"),
    "huge unknown attribute": hostile.attribute("other", np.zeros(1 << 17)),
    "hundreds of attributes": lambda f: [f.attrs.__setitem__(f"a{n}", n) for n in range(300)],
}


@pytest.mark.parametrize("name", IGNORED)
def test_what_the_format_does_not_know_is_never_opened(run, good, name):
    changed(run, IGNORED[name])
    read_all(run)
    with read_run(run) as opened:
        assert opened.notices or "attribute" in name
        assert not any("\x1b" in notice for notice in opened.notices)
        np.testing.assert_allclose(opened.map("look", 1, 1), good[1][1, 1], atol=2e-3)
    assert {finding.severity for finding in findings(run)} <= {"notice"}


PARTS = {
    "verifications": ("verifications/checked", "verified is not known"),
    "outcomes": ("outcomes/prediction", "no predictions"),
    "scalars": ("scalars/value", "rewards"),
    "scalar_names": ("scalar_names/name", "rewards"),
    "images": ("images/width", "no images"),
    "region_sets": ("region_sets/box_count", "no boxes"),
    "boxes": ("boxes/corners", "no boxes"),
    "tokens": ("tokens/text", "no tokens"),
    "later_tokens": ("later_tokens/text", "came while the model ran"),
}


@pytest.mark.parametrize("table", PARTS)
@pytest.mark.parametrize("how", ["flipped bit", "missing", "wrong dtype", "not a group"])
def test_a_broken_part_is_left_out_and_the_rest_is_read(run, good, table, how):
    path, lost = PARTS[table]
    change = {
        "flipped bit": hostile.scribbled(path),
        "missing": lambda f: f.__delitem__(path),
        "wrong dtype": hostile.replaced(path, dtype="<i2"),
        "not a group": lambda f: (f.__delitem__(table), f.__setitem__(table, 1)),
    }[how]
    changed(run, change)
    read_all(run)
    with read_run(run) as opened:
        (notice,) = opened.notices
        assert notice.startswith("damaged") and f"/{table}" in notice
        assert lost in notice and "all else can be read" in notice
        np.testing.assert_allclose(opened.map("look", 2, 0), good[1][2, 0], atol=2e-3)
        assert [example.label for example in opened.examples] == [0, 1, 2]
    errors = [one for one in findings(run) if one.severity == "error"]
    assert [one.where for one in errors] == [f"/{table}"]
    assert lost in errors[0].what


def test_a_lost_verification_is_never_taken_for_a_good_one(run):
    changed(run, hostile.scribbled("verifications/failed"))
    with read_run(run) as opened:
        assert opened.sites[0].verified.startswith("not verified: what was known is lost")


BAD_NUMBERS = {
    "boxes": hostile.changed("boxes/corners", np.nan, row=2),
    "region_sets": hostile.changed("region_sets/box_count", -1),
    "images": hostile.changed("images/width", 1 << 24),
    "scalars": hostile.changed("scalars/step", -1),
    "outcomes": hostile.changed("outcomes/example", 99),
    "later_tokens": hostile.changed("later_tokens/position", 2**31 - 1),
    "verifications": hostile.changed("verifications/site", 5),
}


@pytest.mark.parametrize("table", BAD_NUMBERS)
def test_numbers_that_point_nowhere_cost_their_table_alone(run, table):
    changed(run, BAD_NUMBERS[table])
    read_all(run)
    assert [one.where for one in findings(run) if one.severity == "error"] == [f"/{table}"]


BULKS = {
    "maps/probabilities": ("maps", lambda run: run.map("look", 0)),
    "rows/entropy": ("entropies", lambda run: run.entropy("look", 0)),
    "rows/log_prob": ("log-probabilities", lambda run: run.log_prob("look", 0)),
    "selections/key": ("selected keys", lambda run: run.selection("look", 0)),
    "images/png": ("images", lambda run: run.image(0)),
}


@pytest.mark.parametrize("path", BULKS)
@pytest.mark.parametrize("how", ["checksums", "filters", "dataset"])
def test_a_bulk_dataset_that_cannot_be_read_costs_what_it_holds(run, path, how):
    change = {
        "checksums": hostile.scribbled(f"{path}_crc32"),
        "filters": hostile.replaced(path, compression="lzf"),
        "dataset": lambda f: (f.__delitem__(path), f.create_group(path)),
    }[how]
    changed(run, change)
    words, read = BULKS[path]
    with read_run(run) as opened:
        assert any(f"its {words} cannot be read" in notice for notice in opened.notices)
        with pytest.raises(RunError, match=path):
            read(opened)
        for other, (_, read_other) in BULKS.items():
            if other != path:
                read_other(opened)
        assert opened.columns()["label"].tolist() == [0, 1, 2]
        opened.scalars(0)
    assert f"/{path}" in [one.where for one in findings(run) if one.severity == "error"]


def test_a_damaged_chunk_of_maps_costs_the_maps_in_it(tmp_path):
    writer = SegmentWriter(tmp_path / "run.h5", codec="sqrt16")
    site, snapshot = writer.add_site("look"), writer.add_snapshot(0)
    rng = np.random.default_rng(0)
    for row in range(4):
        one = np.array([writer.add_example(name=f"e{row}")])
        p = rng.dirichlet(np.ones(256), (1, 1, 512)).astype(np.float32)
        rows = {"log_prob": np.zeros((1, 1, 512)), "entropy": np.zeros((1, 1, 512))}
        writer.add_events(
            site=site, examples=one, step=0, snapshot=snapshot, probabilities=p, **rows
        )
    writer.close()
    changed(tmp_path / "run.h5", hostile.scribbled("maps/probabilities"))
    with read_run(tmp_path / "run.h5") as opened:
        with pytest.raises(RunError, match="checksum"):
            opened.map("look", 0)
        for row in range(1, 4):
            assert opened.map("look", row).shape == (1, 512, 256)


# --- Pictures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        "of other pixels",
        "that claims to be huge",
        "that says so twice",
        "that is a GIF",
        "that is cut short",
    ],
)
def test_a_picture_is_the_one_that_was_recorded_or_none(run, kind):
    changed(run, hostile.png(kind))
    with read_run(run) as opened:
        with pytest.raises(RunError) as caught:
            opened.image(0)
        assert "\n" not in str(caught.value)
        opened.map("look", 0)
    assert "error" in {finding.severity for finding in findings(run)}


# --- Words --------------------------------------------------------------------------------------

EVIL = "\u202egnp.\u2066\x1b[2J\x9b31m\x07\u200b\ufeff"
SHOWN = "⟨U+202E⟩gnp.⟨U+2066⟩⟨U+001B⟩[2J⟨U+009B⟩31m⟨U+0007⟩⟨U+200B⟩⟨U+FEFF⟩"


def test_hidden_characters_are_shown_wherever_a_run_says_something(run):
    changed(run, hostile.texts("sites", "name", [EVIL]))
    changed(run, hostile.texts("examples", "name", [EVIL, "b", "c"]))
    changed(run, hostile.texts("tokens", "text", [EVIL, "line\n", *"cdef"]))
    changed(run, hostile.attribute("producer", np.bytes_(EVIL.encode())))
    changed(run, hostile.metadata('{"k\\u202e": ["\\ud800", {"x": "a\\nb\\u009b"}]}'))
    with read_run(run) as opened:
        assert opened.sites[0].name == opened.examples[0].name == opened.producer == SHOWN
        assert opened.tokens(0) == (SHOWN, "line\n", "c")
        assert opened.metadata == {"k⟨U+202E⟩": ["⟨U+D800⟩", {"x": "a⟨U+000A⟩b⟨U+009B⟩"}]}
        # Either name finds it.
        assert opened.map(EVIL, 0).shape == opened.map(SHOWN, 0).shape
    assert not any(set(EVIL) - set("gnp.[2J31m") & set(str(finding)) for finding in findings(run))


@pytest.mark.parametrize("text", ["שלום", "می‌خواهم", "👩‍👩‍👧", "naïve Ġthe", "नमस्ते"])
def test_letters_of_every_script_stay_as_they_are(run, text):
    changed(run, hostile.texts("examples", "name", [text, "b", "c"]))
    with read_run(run) as opened:
        assert opened.examples[0].name == text


@pytest.mark.slow
def test_a_hundred_thousand_groups_are_refused_before_they_are_counted_out(run):
    changed(run, hostile.many_groups("/", 100_000))
    refused(run, "more than 1,000 objects")
