"""Lines and pictures that `hardattn record` is given, good ones and hostile ones."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import sentence_of
from factory_files import write_models
from PIL import Image

from hardattn_viewer.cli import main
from recorders import read_run

MODULE = "models_for_inputs"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    write_models(tmp_path, MODULE)
    (tmp_path / "pictures").mkdir()
    yield tmp_path
    sys.modules.pop(MODULE, None)


def recorded(factory: str, *words: str) -> int:
    return main(["record", f"{MODULE}:{factory}", *words, "-o", "run.h5"])


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    factory = "words" if words[0] == "--text" else "patches"
    command = ["record", f"{MODULE}:{factory}", *words, "-o", "run.h5"]
    sentence = sentence_of(capsys, 1, *command)
    assert not Path("run.h5").exists()
    assert not Path("run.h5.parts").exists()
    return sentence


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "holds no line"),
        (b"\n \n\t\r\n", "holds no line"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "line 1 is not UTF-8"),
        (b"fine\ncaf\xe9\n", "line 2 is not UTF-8"),
        (b"a\x00b\n", "zero byte"),
        (b"x" * (1 << 21), "longer than 1 MiB"),
        ("fine\n".encode("utf-16"), "line 1 is not UTF-8"),
    ],
)
def test_a_file_that_is_no_text_is_refused(
    content: bytes, named: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "lines.txt").write_bytes(content)
    sentence = refused(capsys, "--text", "lines.txt")
    assert "lines.txt" in sentence
    assert named in sentence


def test_a_missing_file_and_a_folder_are_no_text(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nowhere.txt" in refused(capsys, "--text", "nowhere.txt")
    assert "pictures cannot be read" in refused(capsys, "--text", "pictures")


def test_a_mark_of_byte_order_and_windows_line_ends_are_no_part_of_a_line(folder: Path) -> None:
    (folder / "lines.txt").write_bytes(b"\xef\xbb\xbfa bb\r\nccc d\r\n")
    assert recorded("words", "--text", "lines.txt") == 0
    with read_run("run.h5") as run:
        assert run.tokens(0) == ("a", "bb")
        assert run.tokens(1) == ("ccc", "d")


def test_a_folder_without_pictures_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pictures" / "notes.txt").write_text("no picture")
    assert "holds no picture" in refused(capsys, "--images", "pictures")
    assert "not a folder" in refused(capsys, "--images", "nowhere")


def test_damaged_pictures_are_skipped_with_a_line_each(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = Image.fromarray(np.full((6, 8, 3), 128, np.uint8))
    for name in ("a.png", "c.JPG", "e.bmp", "f.webp"):
        good.save(folder / "pictures" / name)
    (folder / "pictures" / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (folder / "pictures" / "d.jpg").write_bytes(b"")
    (folder / "pictures" / "g.png").mkdir()
    # What Pillow would open as another format than these four stays closed.
    good.convert("L").save(folder / "pictures" / "h.png", format="TIFF")
    assert recorded("patches", "--images", "pictures") == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    assert [line.split()[2] for line in lines] == ["b.png", "d.jpg", "h.png"]
    with read_run("run.h5") as run:
        assert [e.name for e in run.examples] == ["a.png", "c.JPG", "e.bmp", "f.webp"]


def test_where_no_picture_can_be_read_no_run_is_begun(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pictures" / "b.png").write_bytes(b"broken")
    assert recorded("patches", "--images", "pictures") == 1
    assert "none of the 1 pictures could be read" in capsys.readouterr().err.splitlines()[-1]
    assert not (folder / "run.h5").exists()


def test_a_picture_that_unpacks_into_gigabytes_is_skipped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.full((6, 8, 3), 128, np.uint8)).save(folder / "pictures" / "a.png")
    for name, side in (("b.png", 40_000), ("c.png", 9000), ("d.png", 12_000)):
        (folder / "pictures" / name).write_bytes(png_of_size(side))
    assert recorded("patches", "--images", "pictures") == 0
    err = capsys.readouterr().err
    assert all(f"{name} skipped" in err for name in ("b.png", "c.png", "d.png"))
    with read_run("run.h5") as run:
        assert len(run.examples) == 1


def test_pictures_are_turned_upright_and_deep_grey_is_scaled(folder: Path) -> None:
    lying = Image.fromarray(np.zeros((4, 8, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    lying.save(folder / "pictures" / "a.jpg", exif=exif)
    Image.fromarray(np.full((4, 8), 32_768, np.uint16)).save(folder / "pictures" / "b.png")
    assert recorded("patches", "--images", "pictures") == 0
    with read_run("run.h5") as run:
        turned, grey = run.image(0), run.image(1)
        assert turned is not None
        assert grey is not None
        assert turned.shape == (8, 4, 3)
        assert (grey == 128).all()


def png_of_size(side: int) -> bytes:
    """A PNG that says it is ``side`` pixels wide and high, of nearly nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1024))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(k, d) for k, d in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )
