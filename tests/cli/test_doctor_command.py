"""`hardattn doctor` says what there is, what is missing, and how to mend it."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

import pytest

from hardattn_viewer.cli import doctor, main


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    report = json.loads(capsys.readouterr().out)
    return {one["what"]: one for one in report["findings"]}


def test_a_machine_that_has_everything_is_told_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert main(["doctor", "--json"]) == 0
    found = told(capsys)
    assert platform.python_version() in found["hardattn"]["words"]
    assert version("h5py") in found["h5py"]["words"] and "HDF5" in found["h5py"]["words"]
    assert version("torch") in found["torch"]["words"]
    assert found["Qt"]["state"] == "ok" and "offscreen" in found["Qt"]["words"]
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "nothing has to be mended" and "✗" not in said


def test_a_platform_that_does_not_start_is_a_problem_with_its_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "nowhere")
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "✗ Qt" in said and "nowhere" in said and "1 to mend" in said


def test_every_missing_library_is_in_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(doctor, "_loads", lambda name: name != "libxcb-cursor.so.0")
    found = doctor._libraries()
    # Without a display no window is missed.
    assert found.state == "note" and found.mend.endswith(" libxcb-cursor0")
    monkeypatch.setenv("DISPLAY", ":0")
    assert doctor._libraries().state == "problem"
    monkeypatch.setattr(doctor, "_loads", lambda name: False)
    assert {"libgl1", "libxcb-xkb1"} <= set(doctor._libraries().mend.split())


def test_what_is_not_installed_is_said_with_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_installed", lambda package: None)
    found = {one.what: one for one in doctor.findings()}
    assert {found[name].state for name in ("PySide6", "h5py")} == {"problem"}
    assert found["torch"].state == "note" and "hardattn[models]" in found["torch"].mend
    assert "faithfulness" in found["captum"].words and found["captum"].state == "note"


def test_a_package_that_ends_the_process_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_TORCH", "import os; os._exit(11)")
    found = doctor._torch()
    assert found.state == "problem" and "11" in found.words
    monkeypatch.setattr(doctor, "_TORCH", "import time; time.sleep(9)")
    monkeypatch.setattr(doctor, "PATIENCE", 0.2)
    assert "more than" in doctor._torch().words


@pytest.mark.parametrize(
    ("found", "python", "flawed"),
    [
        ("6.10.3", (3, 11), False),
        ("6.11.0", (3, 12), True),
        ("6.11.1", (3, 13), True),
        ("6.11.3", (3, 11), False),
        ("6.12.0", (3, 11), True),
        ("6.12.0", (3, 12), False),
        ("6.8.1", (3, 11), True),
    ],
)
def test_versions_with_known_flaws_are_named(
    found: str, python: tuple[int, int], flawed: bool
) -> None:
    assert bool(doctor.flaw_of_pyside(found, python)) == flawed


def test_an_old_h5py_is_named() -> None:
    assert doctor.flaw_of_h5py("3.15.1") and not doctor.flaw_of_h5py("3.16.0")


def test_a_sample_run_is_read_and_sessions_have_a_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert doctor._reading().state == "ok" and "300 examples" in doctor._reading().words
    monkeypatch.setattr(doctor, "_READING", "print('300 | it could not be looked into ahead')")
    assert doctor._reading().state == "note" and "ahead" in doctor._reading().words
    monkeypatch.setattr(doctor, "_READING", "raise SystemExit('gone')")
    found = doctor._reading()
    assert found.state == "problem" and "gone" in found.words and found.mend
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert doctor._keeping().state == "ok" and str(tmp_path) in doctor._keeping().words
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    found = doctor._keeping()
    assert found.state == "note" and "XDG_DATA_HOME" in found.mend


def test_a_gpu_that_torch_does_not_use_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "_TORCH", "print('2.13.0 |')")
    monkeypatch.setattr(doctor, "_NVIDIA", str(tmp_path / "version"))
    assert doctor._torch().state == "ok" and "processor alone" in doctor._torch().words
    (tmp_path / "version").write_text("NVRM version")
    found = doctor._torch()
    assert found.state == "note" and "driver" in found.words and "pytorch.org" in found.mend
    monkeypatch.setattr(doctor, "_TORCH", "print('2.13.0 | NVIDIA H200')")
    assert doctor._torch().words == "2.13.0 on NVIDIA H200"
