"""Animations and contact sheets that say what they were made of, and are made again."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import output_of, sentence_of
from PIL import Image
from pypdf import PdfReader

from hardattn_viewer.cli import main
from hardattn_viewer.figures.embedding import in_mp4, recipe_in
from recorders import read_run
from recorders.run.writer import SegmentWriter

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_runs"
SMALL = ["--width-mm", "85", "--pixels", "200"]
SERIES: dict[str, list[str]] = {
    "steps": ["glimpse-hard.h5", "--example", "8", *SMALL, "--fps", "4", "--hold", "0.5"],
    "seconds": ["glimpse-hard.h5", *SMALL, "--steps", "1:4", "--seconds", "1"],
    "pair": [
        *("glimpse-hard.h5", "--view", "compare", "--with", "glimpse-soft.h5", *SMALL),
        *("--examples", "8,3,5", "--columns", "2", "--map", "cividis"),
    ],
    "snapshots": ["training-hard.h5", "--snapshots", "0:12", *SMALL],
    "heads": ["minilm-text.h5", "--view", "matrix", "--heads", "0:4", *SMALL, "--theme", "dark"],
    "all heads": ["minilm-text.h5", "--view", "heads", "--examples", "0:3", *SMALL, "--cells"],
    "timeline": [
        *("glimpse-hard.h5", "--view", "timeline", "--with", "glimpse-soft.h5", *SMALL),
        *("--examples", "0:3"),
    ],
    "kept": ["glimpse-hard.h5", "--keep", "wrong", "--page-mm", "80", *SMALL],
}
FILES = [(name, "gif") for name in SERIES if name != "kept"]
FILES += [("pair", "svg"), ("heads", "png"), ("kept", "pdf"), ("steps", "npz")]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with copies of the runs that the series are made of."""
    for name in {word for words in SERIES.values() for word in words if word.endswith(".h5")}:
        shutil.copy(SAMPLES / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(*words: str) -> None:
    assert main(["export", *words]) == 0


def record(names: list[str]) -> None:
    """Write run.h5, of examples of two steps over two tokens."""
    writer = SegmentWriter(Path("run.h5"))
    writer.add_snapshot(0)
    axes = {"query_axis": "tokens", "key_axis": "tokens"}
    site = writer.add_site("site", kind="self", mechanism="soft", heads=1, **axes)
    for name in names:
        example = writer.add_example(name, tokens=("a", "b"))
        for step in range(2):
            writer.add_events(
                site=site,
                examples=np.array([example]),
                step=step,
                snapshot=0,
                probabilities=np.full((1, 1, 2, 2), 0.5),
                log_prob=np.full((1, 1, 2), np.nan),
                entropy=np.full((1, 1, 2), np.log(2)),
            )
    writer.close()


def facts_of(path: str) -> dict[str, Any]:
    return json.loads(recipe_in(Path(path)).as_json())  # type: ignore[no-any-return]


@pytest.mark.parametrize(("series", "suffix"), FILES)
def test_a_series_made_again_has_the_same_bytes(place: Path, series: str, suffix: str) -> None:
    export(*SERIES[series], "-o", f"one.{suffix}")
    export("--again", f"one.{suffix}", "-o", f"two.{suffix}")
    assert Path(f"one.{suffix}").read_bytes() == Path(f"two.{suffix}").read_bytes()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the program ffmpeg")
def test_a_real_film_made_again_has_the_same_bytes(place: Path) -> None:
    export(*SERIES["steps"], "-o", "one.mp4")
    export("--again", "one.mp4", "-o", "two.mp4")
    assert Path("one.mp4").read_bytes() == Path("two.mp4").read_bytes()
    export("--again", "one.mp4", "-o", "a.gif")
    export(*SERIES["steps"], "-o", "b.gif")
    assert Path("a.gif").read_bytes() == Path("b.gif").read_bytes()


def test_the_recipe_says_which_places_and_how(place: Path) -> None:
    export(*SERIES["pair"], "-o", "f.svg")
    facts = facts_of("f.svg")
    series = facts["series"]
    with read_run("glimpse-hard.h5") as run:
        names = [run.examples[at].name for at in (8, 3, 5)]
        assert facts["runs"][0]["fingerprint"] == run.fingerprint
    assert (series["over"], series["at"], series["names"]) == ("examples", [8, 3, 5], names)
    assert series["grid"] == {"columns": 2, "page_mm": 240}
    assert [part["file"] for part in facts["runs"]] == ["glimpse-hard.h5", "glimpse-soft.h5"]
    assert "the 3 examples shown" in facts["shown"]["normalisation"] or facts["shown"]["caption"]
    export(*SERIES["steps"], "-o", "f.gif")
    film = facts_of("f.gif")["series"]
    assert (film["at"], film["timing"]) == (list(range(6)), {"fps": 4, "hold": 0.5})
    assert film["width_px"] == 200


def test_a_series_becomes_another_kind_of_file(place: Path) -> None:
    export(*SERIES["kept"], "-o", "f.pdf")
    pages = len(PdfReader("f.pdf", strict=True).pages)
    assert pages > 1
    export("--again", "f.pdf", "-o", "g.gif", "--fps", "5", "--hold", "0")
    with Image.open("g.gif") as film:
        assert film.n_frames == len(facts_of("f.pdf")["series"]["at"])
        assert film.info["duration"] == 200
    export("--again", "g.gif", "--columns", "3", "--page-mm", "1000", "-o", "h.pdf")
    assert len(PdfReader("h.pdf").pages) == 1
    export("--again", "h.pdf", "-o", "numbers.npz")
    with np.load("numbers.npz", allow_pickle=False) as arrays:
        assert arrays["at"].tolist() == facts_of("f.pdf")["series"]["at"]
        assert json.loads(str(arrays["recipe"]))["series"] == facts_of("numbers.npz")["series"]


def test_every_page_and_frame_is_whole_for_other_programs(place: Path) -> None:
    export(*SERIES["kept"], "-o", "f.pdf")
    reader = PdfReader("f.pdf", strict=True)
    assert all("page" in page.extract_text() for page in reader.pages)
    xmp = reader.xmp_metadata
    assert xmp is not None
    (element,) = xmp.rdf_root.getElementsByTagNameNS("urn:hardattn:figure", "figure")
    assert json.loads(element.firstChild.data) == facts_of("f.pdf")
    export(*SERIES["steps"], "-o", "f.gif")
    with Image.open("f.gif") as film:
        assert film.n_frames == 6
        film.seek(5)
        film.load()
    # Who does not know it passes over it by the lengths of blocks, and is at the end of the file.
    data = Path("f.gif").read_bytes()
    at = data.index(b"\x21\xff\x0bXMP DataXMP") + 14
    while data[at]:
        at += data[at] + 1
    assert data[at:] == b"\0;"


def test_examples_of_a_run_that_changed_are_found_by_name(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(["one", "two", "three"])
    export("run.h5", "--examples", "0,2", "-o", "f.svg")
    record(["three", "two", "one"])
    capsys.readouterr()
    export("--again", "f.svg", "-o", "g.svg")
    assert "run.h5 is not as it was" in capsys.readouterr().err
    assert facts_of("g.svg")["series"]["at"] == [2, 0]
    record(["three", "two"])
    assert main(["export", "--again", "f.svg", "-o", "g.svg"]) == 1
    assert "run.h5 does not hold the example “one” of f.svg" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--steps", "2:3"], 2, "without --steps"),
        (["--heads", "0"], 2, "without --heads"),
        (["--with", "glimpse-soft.h5"], 2, "shows one run"),
        (["--fps", "2", "--seconds", "3"], 2, "say the same"),
        (["--fps", "900"], 1, "900 frames a second"),
        (["--columns", "99", "-o", "g.pdf"], 1, "99 columns"),
    ],
)
def test_other_places_are_refused(
    place: Path, words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    export(*SERIES["seconds"], "-o", "f.gif")
    capsys.readouterr()
    assert said in sentence_of(capsys, code, "export", "--again", "f.gif", *words)


def test_info_names_the_places(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(*SERIES["seconds"], "-o", "f.gif")
    capsys.readouterr()
    words = output_of(capsys, "info", "f.gif")
    assert "3 steps: 1:4" in words and "glimpse-hard.h5" in words
    export(*SERIES["pair"], "-o", "f.svg")
    capsys.readouterr()
    assert "3 examples: 8, 3, 5" in output_of(capsys, "info", "f.svg")


# --- files that were tampered with -----------------------------------------------------------


def changed(**series: Any) -> Callable[[dict[str, Any]], None]:
    return lambda facts: facts["series"].update(series)


HOSTILE: dict[str, Callable[[dict[str, Any]], None]] = {
    "beyond": changed(at=[10**9]),
    "below": changed(at=[-1]),
    "none": changed(at=[]),
    "many": changed(at=[0] * 5_000),
    "over nothing": changed(over="moods"),
    "names that are too few": changed(over="examples", at=[0, 1], names=["one"]),
    "wide frames": changed(width_px=10**9),
    "endless": changed(timing={"fps": 2, "hold": 1e9}),
    "no time": changed(seconds=0),
    "heads that are not there": changed(over="heads", at=[40]),
    "snapshots that are not there": changed(over="snapshots", at=[40]),
    "examples that are not there": changed(over="examples", at=[4_000_000]),
    "a view of several places": lambda facts: facts["options"].update(view="training"),
    "a step below": lambda facts: facts["runs"][0]["place"].update(step=-2),
    "a single place before the first": lambda facts: (
        facts.update(series=None) or facts["runs"][0]["place"].update(step=-1)
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_series_get_one_sentence(
    place: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    export(*SERIES["seconds"], "-o", "f.gif")
    facts = facts_of("f.gif")
    HOSTILE[case](facts)
    data = Path("f.gif").read_bytes()
    start, end = data.rfind(b'figure">') + 8, data.rfind(b"</hardattn:figure>")
    Path("f.gif").write_bytes(data[:start] + json.dumps(facts).encode() + data[end:])
    capsys.readouterr()
    assert "f.gif" in sentence_of(capsys, 1, "export", "--again", "f.gif", "-o", "g.gif")
    assert not Path("g.gif").exists()


def test_the_text_of_a_run_cannot_pass_for_a_recipe(place: Path) -> None:
    false = '<hardattn:figure xmlns:hardattn="urn:hardattn:figure">{"x": 1}</hardattn:figure>'
    record([false])
    export("run.h5", *SMALL, "-o", "f.gif")
    assert b'{"x": 1}' in Path("f.gif").read_bytes()
    assert facts_of("f.gif")["series"]["at"] == [0, 1]


def test_a_film_carries_it_in_a_box_of_its_own(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As XMP in an MP4 does; without ffmpeg, the boxes before it are made here."""
    export(*SERIES["seconds"], "-o", "f.gif")
    data = Path("f.gif").read_bytes()
    start, end = data.rfind(b"<?xpacket begin"), data.rfind(b"<?xpacket end='w'?>") + 19
    film = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x0cmdat\0\0\0\0"
    Path("f.mp4").write_bytes(in_mp4(film, data[start:end]))
    assert facts_of("f.mp4") == facts_of("f.gif")
    export("--again", "f.mp4", "-o", "g.gif")
    assert Path("g.gif").read_bytes() == data
    Path("bare.mp4").write_bytes(film)
    capsys.readouterr()
    said = sentence_of(capsys, 1, "export", "--again", "bare.mp4", "-o", "h.gif")
    assert "does not carry what it was made of" in said


@pytest.mark.parametrize("hostile", ["none", "pickle", "huge", "cut"])
def test_arrays_that_carry_nothing_get_one_sentence(
    place: Path, hostile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    values: dict[str, Any] = {
        "none": np.array(1.0),
        "pickle": np.array([{}], object),
        "huge": np.zeros(2_000_000, "U1"),
        "cut": np.array("x"),
    }
    name = "other" if hostile == "none" else "recipe"
    np.savez_compressed("f.npz", **{name: values[hostile]})
    if hostile == "cut":
        Path("f.npz").write_bytes(Path("f.npz").read_bytes()[:-40])
    assert "f.npz" in sentence_of(capsys, 1, "export", "--again", "f.npz", "-o", "g.svg")


def test_numbers_of_one_place_carry_it_too(place: Path) -> None:
    export("glimpse-hard.h5", "--example", "8", "-o", "f.npz")
    export("--again", "f.npz", "-o", "f.svg")
    export("glimpse-hard.h5", "--example", "8", "-o", "g.svg")
    assert Path("f.svg").read_bytes() == Path("g.svg").read_bytes()
    with zipfile.ZipFile("f.npz") as arrays:
        assert arrays.testzip() is None
        assert {one.date_time[0] for one in arrays.infolist()} == {1980}
