"""`hardattn desktop` writes a menu entry, an icon and a file type, and takes them away again."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PySide6.QtGui import QIcon

import sample_runs
from hardattn_viewer.cli import desktop_files, main
from recorders.version import PRODUCER

NAMES = (
    "applications/hardattn.desktop",
    "icons/hicolor/scalable/apps/hardattn.svg",
    "mime/packages/hardattn.xml",
)
_TYPES = """
import sys
from PySide6.QtCore import QMimeDatabase
for name in sys.argv[1:]:
    found = QMimeDatabase().mimeTypeForFile(name)
    print(found.name(), found.inherits("application/x-hdf"))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path / "share"


def entry_of(folder: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(folder / NAMES[0], encoding="utf-8")
    return parser["Desktop Entry"]


def test_what_is_installed_is_found_and_removed_without_a_trace(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = folder / "applications" / "other.desktop"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("[Desktop Entry]\n")
    assert main(["desktop", "status"]) == 0
    assert "is not in the menu" in capsys.readouterr().out
    for _ in range(2):
        assert main(["desktop", "install", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told == {"folder": str(folder), "files": [str(folder / name) for name in NAMES]}
    assert main(["desktop", "remove"]) == 0
    assert not any((folder / name).exists() for name in NAMES)
    assert foreign.exists() and main(["desktop", "remove"]) == 0


def test_the_entry_is_valid_and_starts_this_hardattn(folder: Path) -> None:
    main(["desktop", "install"])
    validator = shutil.which("desktop-file-validate")
    if validator is not None:
        done = subprocess.run([validator, folder / NAMES[0]], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "")
    entry = entry_of(folder)
    assert entry["Type"] == "Application" and entry["Icon"] == "hardattn"
    assert Path(entry["TryExec"]).samefile(sys.executable)
    *words, command, place = shlex.split(entry["Exec"])
    assert (command, place) == ("view", "%F")
    away = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [*words, "--version"], cwd="/", env=away, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == PRODUCER, done.stderr


def test_the_icon_is_a_picture(folder: Path, qapp: object) -> None:
    main(["desktop", "install"])
    root = ElementTree.parse(folder / NAMES[1]).getroot()
    assert root.tag.endswith("svg")
    picture = QIcon(str(folder / NAMES[1])).pixmap(64, 64).toImage()
    assert len({picture.pixel(x, y) for x in range(64) for y in range(64)}) > 10


@pytest.mark.skipif(shutil.which("update-mime-database") is None, reason="no shared-mime-info")
def test_a_run_of_that_name_has_its_type_and_other_files_keep_theirs(
    folder: Path, tmp_path: Path
) -> None:
    main(["desktop", "install"])
    ours, plain = tmp_path / "a.hardattn.h5", tmp_path / "b.h5"
    for path in (ours, plain):
        shutil.copy(sample_runs.paths()[0], path)
    command = [sys.executable, "-c", _TYPES, str(ours), str(plain)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
    first, second = done.stdout.splitlines()
    assert first == f"{desktop_files.TYPE} True"
    assert second == "application/x-hdf True"
    assert "application/x-hdf" in entry_of(folder)["MimeType"].split(";")


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("/usr/bin/python3", "/usr/bin/python3"),
        ("/my files/python", '"/my files/python"'),
        ('/a"b/$c', r'"/a\\"b/\\$c"'),
        ("/100%/python", '"/100%%/python"'),
    ],
)
def test_odd_places_are_quoted_as_the_standard_says(word: str, written: str) -> None:
    assert desktop_files._quoted(word) == written


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    assert main(["desktop", "install"]) == 1
    assert "XDG_DATA_HOME" in capsys.readouterr().err
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert desktop_files.data_folder() == Path.home() / ".local" / "share"
