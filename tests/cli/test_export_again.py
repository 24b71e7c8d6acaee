"""Figures that say what they were made of, are made again, and come out the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from commands import output_of, sentence_of
from PIL import Image
from pypdf import PdfReader

from hardattn_viewer.cli import main
from hardattn_viewer.figures.embedding import recipe_in
from hardattn_viewer.figures.widths import WIDTHS
from recorders import read_run

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_runs"
VIEWS: dict[str, list[str]] = {
    "regions": ["glimpse-hard.h5", "--example", "8", "--step", "3", "--all-steps"],
    "smooth": ["glimpse-hard.h5", "--smooth", "--no-caption", "--theme", "dark"],
    "compare": ["glimpse-hard.h5", "--view", "compare", "--with", "glimpse-soft.h5"],
    "tokens": ["minilm-text.h5", "--view", "tokens", "--queries", "3,4", "--subwords", "words"],
    "matrix": ["minilm-text.h5", "--view", "matrix", "--head", "1", "--map", "cividis"],
    "heads": ["minilm-text.h5", "--view", "heads", "--sort", "largest", "--keep", "entropy < 3"],
    "timeline": ["glimpse-hard.h5", "--view", "timeline", "--with", "glimpse-soft.h5"],
    "training": ["training-hard.h5", "--view", "training", "--with", "training-soft.h5"],
    "faithfulness": ["glimpse-hard.h5", "--view", "faithfulness", "--width-mm", "180"],
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with copies of the runs that the figures are made of."""
    names = {word for words in VIEWS.values() for word in words if word.endswith(".h5")}
    for name in (*names, "glimpse-hard.checks.npz"):
        shutil.copy(SAMPLES / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(*words: str) -> None:
    assert main(["export", *words]) == 0


def facts_of(path: str) -> dict[str, Any]:
    return json.loads(recipe_in(Path(path)).as_json())  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("view", "suffix"),
    [
        *((view, "svg") for view in VIEWS),
        ("compare", "pdf"),
        ("faithfulness", "pdf"),
        ("regions", "png"),
        ("tokens", "png"),
    ],
)
def test_a_figure_made_again_has_the_same_bytes(place: Path, view: str, suffix: str) -> None:
    export(*VIEWS[view], "-o", f"one.{suffix}")
    export("--again", f"one.{suffix}", "-o", f"two.{suffix}")
    assert Path(f"one.{suffix}").read_bytes() == Path(f"two.{suffix}").read_bytes()


def test_the_recipe_says_everything_that_was_asked_for(place: Path) -> None:
    words = ["--site", "glimpse", "--example", "8", "--step", "2", "--font-pt", "7", "--dpi", "150"]
    export("glimpse-hard.h5", *words, "--map", "cividis", "--preset", "acl-column", "-o", "f.svg")
    facts = facts_of("f.svg")
    (run,) = facts["runs"]
    with read_run("glimpse-hard.h5") as opened:
        assert run["fingerprint"] == opened.fingerprint
        assert (run["file"], run["recording"]) == ("glimpse-hard.h5", opened.recording)
        assert run["example_name"] == opened.examples[8].name
        assert facts["shown"]["left_out"] == list(opened.left_out)
    where = {name: run["place"][name] for name in ("example", "step", "site", "head", "query")}
    assert where == {"example": 8, "step": 2, "site": "glimpse", "head": None, "query": None}
    options = facts["options"]
    assert (options["width_mm"], options["font_pt"], options["dpi"]) == (77, 7, 150)
    assert (options["theme"], facts["display"]["colours"]) == ("light", "cividis")
    assert facts["shown"]["normalisation"] == "this example, all steps"
    assert "colour (cividis" in facts["shown"]["caption"]


def test_every_format_carries_the_same_recipe(place: Path) -> None:
    for suffix in ("svg", "pdf", "png"):
        export(*VIEWS["compare"], "-o", f"f.{suffix}")
    assert facts_of("f.svg") == facts_of("f.pdf") == facts_of("f.png")
    with Image.open("f.png") as image:
        assert json.loads(image.info["hardattn"]) == facts_of("f.png")
    xmp = PdfReader("f.pdf", strict=True).xmp_metadata
    assert xmp is not None
    (element,) = xmp.rdf_root.getElementsByTagNameNS("urn:hardattn:figure", "figure")
    assert json.loads(element.firstChild.data) == facts_of("f.pdf")


def test_nothing_of_where_somebody_keeps_files_is_told(place: Path, tmp_path: Path) -> None:
    export(str(tmp_path / "glimpse-hard.h5"), "-o", "f.pdf")
    assert facts_of("f.pdf")["runs"][0]["file"] == "glimpse-hard.h5"
    assert str(tmp_path).encode() not in Path("f.pdf").read_bytes()


def test_no_date_and_nothing_random_is_in_a_pdf(place: Path) -> None:
    export("glimpse-hard.h5", "-o", "f.pdf")
    data = Path("f.pdf").read_bytes()
    assert not re.search(rb"/(CreationDate|ModDate)|CreateDate|ModifyDate|D:20\d\d", data)


_BOTH = """
import sys
from pathlib import Path
from hardattn_viewer.cli import main
samples, target = Path(sys.argv[1]), Path(sys.argv[2])
for suffix in ("svg", "pdf", "png", "csv", "npz"):
    for name, words in {
        "compare": ["--view", "compare", "--with", str(samples / "glimpse-soft.h5")],
        "check": ["--view", "faithfulness", "--width-mm", "180"],
        "course": ["--view", "timeline"],
        "heads": ["--view", "heads"],
    }.items():
        run = str(samples / "glimpse-hard.h5")
        assert main(["export", run, *words, "-o", str(target / f"{name}.{suffix}")]) == 0
"""


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for seed, folder in enumerate(folders, 1):
        folder.mkdir()
        own = {"PYTHONHASHSEED": str(seed), "TZ": f"UTC{seed}", "QT_QPA_PLATFORM": "offscreen"}
        environment = {**os.environ, **own, "PYTHONPATH": str(ROOT)}
        words = [sys.executable, "-c", _BOTH, str(SAMPLES), str(folder)]
        subprocess.run(words, env=environment, check=True, capture_output=True, cwd=tmp_path)
    names = sorted(path.name for path in folders[0].iterdir())
    assert len(names) == 20
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_a_run_that_is_elsewhere_is_asked_for_and_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(*VIEWS["compare"], "-o", "f.svg")
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    for name in ("glimpse-hard.h5", "glimpse-soft.h5"):
        (place / name).rename(elsewhere / f"other-{name}")
    capsys.readouterr()
    sentence = sentence_of(capsys, 1, "export", "--again", "f.svg", "-o", "g.svg")
    assert "glimpse-hard.h5" in sentence and "--run" in sentence
    named = [
        "--run",
        "elsewhere/other-glimpse-hard.h5",
        "--with",
        "elsewhere/other-glimpse-soft.h5",
    ]
    export("--again", "f.svg", *named, "-o", "g.svg")
    # A comparison names its runs as their files are called.
    (elsewhere / "other-glimpse-hard.h5").rename(elsewhere / "glimpse-hard.h5")
    (elsewhere / "other-glimpse-soft.h5").rename(elsewhere / "glimpse-soft.h5")
    shutil.copy("f.svg", elsewhere / "f.svg")
    export("--again", "elsewhere/f.svg")
    assert (elsewhere / "f.svg").read_bytes() == Path("f.svg").read_bytes()
    assert capsys.readouterr().err == ""


def test_a_run_that_changed_is_warned_of_in_one_sentence(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export("glimpse-hard.h5", "--example", "8", "-o", "f.svg")
    before = Path("f.svg").read_bytes()
    shutil.copy("glimpse-soft.h5", "glimpse-hard.h5")
    capsys.readouterr()
    export("--again", "f.svg", "-o", "g.svg")
    (said,) = capsys.readouterr().err.splitlines()
    assert "glimpse-hard.h5 is not as it was when f.svg was made" in said
    assert Path("f.svg").read_bytes() == before != Path("g.svg").read_bytes()
    with read_run("glimpse-soft.h5") as run:
        assert facts_of("g.svg")["runs"][0]["fingerprint"] == run.fingerprint
    export("--again", "g.svg")
    assert capsys.readouterr().err == ""


def test_of_another_recording_the_example_of_that_name_is_shown(place: Path) -> None:
    export("glimpse-hard.h5", "--example", "8", "-o", "f.svg")
    facts = facts_of("f.svg")
    facts["runs"][0]["place"]["example"] = 3
    facts["runs"][0]["fingerprint"] = "sha256:of another recording"
    put(Path("f.svg"), json.dumps(facts))
    export("--again", "f.svg", "-o", "g.svg")
    assert facts_of("g.svg")["runs"][0]["place"]["example"] == 8


def test_checks_that_changed_are_warned_of(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(*VIEWS["faithfulness"], "-o", "f.svg")
    shutil.copy("glimpse-hard.checks.npz", "moved.npz")
    Path("glimpse-hard.checks.npz").unlink()
    capsys.readouterr()
    assert "--checks" in sentence_of(capsys, 1, "export", "--again", "f.svg")
    export("--again", "f.svg", "--checks", "moved.npz", "-o", "g.svg")
    assert capsys.readouterr().err == ""
    assert Path("g.svg").read_bytes() == Path("f.svg").read_bytes()
    facts = facts_of("f.svg")
    facts["checks"]["fingerprint"] = "sha256:of others"
    put(Path("f.svg"), json.dumps(facts))
    export("--again", "f.svg", "--checks", "moved.npz", "-o", "g.svg")
    assert "moved.npz is not as it was" in capsys.readouterr().err


def test_size_and_looks_may_be_others_and_the_format_too(place: Path) -> None:
    export("glimpse-hard.h5", "--example", "8", "-o", "f.svg")
    words = ["--preset", "nature-column", "--theme", "dark", "--map", "cividis", "--no-caption"]
    export("--again", "f.svg", *words, "--dpi", "100", "-o", "g.png")
    facts, before = facts_of("g.png"), facts_of("f.svg")
    assert facts["runs"] == before["runs"]
    changed = {k for k, v in facts["options"].items() if before["options"][k] != v}
    assert changed == {"width_mm", "theme", "caption", "dpi"}
    with Image.open("g.png") as image:
        assert image.width == round(89 / 25.4 * 100)
        assert image.info["dpi"] == pytest.approx((100, 100), abs=0.05)
    export("--again", "g.png", "--caption", "-o", "h.pdf")
    assert facts_of("h.pdf")["options"]["caption"] is True


@pytest.mark.parametrize("preset", list(WIDTHS))
def test_a_preset_is_as_wide_as_the_column(place: Path, preset: str) -> None:
    export("glimpse-hard.h5", "--preset", preset, "--no-caption", "-o", "f.pdf")
    width = float(PdfReader("f.pdf").pages[0].mediabox.width) / 72 * 25.4
    assert width == pytest.approx(WIDTHS[preset], abs=0.01)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["glimpse-hard.h5"], "after --run"),
        (["--example", "3"], "without --example"),
        (["--view", "tokens"], "without --view"),
        (["--with", "glimpse-soft.h5"], "shows one run"),
        (["--preset", "neurips", "--width-mm", "80"], "name one"),
        (["--dpi", "9"], "dpi is 9"),
    ],
)
def test_what_a_figure_shows_cannot_be_changed_by_making_it_again(
    place: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    export("glimpse-hard.h5", "-o", "f.svg")
    capsys.readouterr()
    assert said in sentence_of(capsys, 2, "export", "--again", "f.svg", *words)


def test_info_says_what_a_figure_was_made_of(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(*VIEWS["compare"], "-o", "f.pdf")
    capsys.readouterr()
    words = output_of(capsys, "info", "f.pdf")
    for said in ("view compare", "glimpse-hard.h5", "glimpse-soft.h5", "160 mm", "viridis"):
        assert said in words
    facts = json.loads(output_of(capsys, "info", "f.pdf", "--json"))
    assert facts.pop("path") == "f.pdf" and facts == facts_of("f.pdf")


# --- figures that were tampered with ---------------------------------------------------------


def put(path: Path, text: str) -> None:
    """Replace the recipe in a figure, as somebody else could."""
    data = path.read_bytes()
    if path.suffix == ".png":
        at = data.index(b"iTXt")
        size = int.from_bytes(data[at - 4 : at])
        body = b"iTXthardattn\0\0\0\0\0" + text.encode()
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        data = data[: at - 4] + chunk + data[at + size + 8 :]
    else:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").encode()
        data = re.sub(
            rb"(<hardattn:figure[^>]*>).*?(</hardattn:figure>)",
            lambda match: match[1] + escaped + match[2],
            data,
            flags=re.DOTALL,
        )
    path.write_bytes(data)


HOSTILE: dict[str, Any] = {
    "no JSON": "look, no JSON",
    "empty": "",
    "a list": "[1, 2]",
    "deep": "[" * 100_000,
    "huge": '{"hardattn_figure": 1, "x": "' + "x" * 400_000 + '"}',
    "a huge number": '{"hardattn_figure": ' + "9" * 5_000 + "}",
    "not a number": '{"hardattn_figure": 1, "options": {"width_mm": NaN}}',
    "a newer one": {"hardattn_figure": 2},
    "no runs": {"runs": []},
    "many runs": {"runs": [{"file": "glimpse-hard.h5"}] * 3},
    "runs of another type": {"runs": {"file": "glimpse-hard.h5"}},
    "up": {"runs": [{"file": "../glimpse-hard.h5"}]},
    "absolute": {"runs": [{"file": "/etc/passwd"}]},
    "home": {"runs": [{"file": "~/run.h5"}]},
    "a drive": {"runs": [{"file": "C:\\run.h5"}]},
    "a URL": {"runs": [{"file": "https://example.org/run.h5"}]},
    "control characters": {"runs": [{"file": "run\u001b[2J.h5"}]},
    "not there": {"runs": [{"file": "nothing.h5"}]},
    "negative": {"runs": [{"file": "glimpse-hard.h5", "place": {"example": -1}}]},
    "beyond": {"runs": [{"file": "glimpse-hard.h5", "place": {"example": 10**9}}]},
    "far beyond": {"runs": [{"file": "glimpse-hard.h5", "place": {"step": 2**60}}]},
    "no site": {"runs": [{"file": "glimpse-hard.h5", "place": {"site": "nowhere"}}]},
    "no view": {"options": {"view": "dance"}},
    "heads without a filter": {"options": {"view": "heads"}, "atlas": {"filter": "((("}},
    "a check without checks": {"options": {"view": "faithfulness"}},
    "checks elsewhere": {
        "options": {"view": "faithfulness"},
        "checks": {"file": "/etc/passwd", "fingerprint": ""},
    },
    "too wide": {"options": {"width_mm": 1e300}},
    "a width in words": {"options": {"width_mm": "wide"}},
    "no theme": {"options": {"theme": "pink"}},
    "no colours": {"display": {"colours": "jet"}},
    "too opaque": {"display": {"opacity": 7}},
    "two runs for one": {"runs": [{"file": "glimpse-hard.h5"}, {"file": "glimpse-soft.h5"}]},
}


@pytest.mark.parametrize("suffix", ["svg", "png"])
@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_hostile_figure_gets_one_sentence(
    place: Path, name: str, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = Path(f"f.{suffix}")
    export("glimpse-hard.h5", "--no-caption", "--dpi", "30", "-o", str(figure))
    text = HOSTILE[name]
    if isinstance(text, dict):
        known = {**facts_of(str(figure)), **text}
        known["options"] = {**facts_of(str(figure))["options"], **text.get("options", {})}
        text = json.dumps(known)
    put(figure, text)
    capsys.readouterr()
    assert main(["export", "--again", str(figure), "-o", "g.svg"]) == 1
    said = capsys.readouterr().err
    # A run that changed is said before what then fails.
    assert 1 <= len(said.splitlines()) <= 2, said
    assert "Traceback" not in said and "\x1b" not in said
    assert not Path("g.svg").exists()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("f.txt", b"words", "is no figure"),
        ("f.svg", b"<svg></svg>", "does not carry"),
        ("f.svg", b"<hardattn:figure>{}", "does not carry"),
        ("f.png", b"\x89PNG\r\n\x1a\n", "does not carry"),
        ("f.png", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffiTXthardattn\0", "does not carry"),
        ("f.png", b"\x89PNG\r\n\x1a\n\0\0\0\x11iTXthardattn\0\1\0\0\0rubbish\0\0\0\0", "carry"),
        ("f.pdf", b"%PDF-1.4", "does not carry"),
        ("f.pdf", b"", "does not carry"),
        ("nothing.svg", None, "is not a file"),
    ],
)
def test_what_is_no_figure_of_ours_gets_one_sentence(
    place: Path, name: str, data: bytes | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if data is not None:
        Path(name).write_bytes(data)
    for words in (["export", "--again", name], ["info", name]):
        if words[0] == "info" and name == "f.txt":
            continue
        assert said in sentence_of(capsys, 1, *words)
    os.mkfifo("pipe.svg")
    assert "is not a file" in sentence_of(capsys, 1, "info", "pipe.svg")


def test_a_compressed_bomb_in_a_png_is_not_unpacked(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = b"iTXthardattn\0\1\0\0\0" + zlib.compress(b"x" * (1 << 28), 9)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    Path("f.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    assert "more than any recipe" in sentence_of(capsys, 1, "info", "f.png")
