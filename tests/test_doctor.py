"""The first-run check names everything that is missing at once."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def doctor() -> ModuleType:
    spec = importlib.util.spec_from_file_location("doctor", ROOT / "tools" / "doctor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def nothing_loads(name: str) -> None:
    raise OSError(name)


def test_all_missing_libraries_are_named_in_one_command(
    doctor: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(doctor.ctypes, "CDLL", nothing_loads)
    monkeypatch.setattr(doctor.shutil, "which", lambda program: None)
    with pytest.raises(SystemExit) as ended:
        doctor.require(window=True, tests=True, folder=tmp_path / ".venv")
    assert ended.value.code == 1
    [command] = [line for line in capsys.readouterr().err.splitlines() if "apt-get" in line]
    for package in (
        *doctor.OFFSCREEN.values(), *doctor.WINDOW.values(), *doctor.TEST_PROGRAMS.values()
    ):  # fmt: skip
        assert package in command.split()


def test_pictures_need_no_window_libraries(
    doctor: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor.ctypes, "CDLL", nothing_loads)
    assert doctor.missing_packages(window=False, tests=False) == list(doctor.OFFSCREEN.values())


def test_root_installs_what_is_missing_and_goes_on(
    doctor: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed: list[list[str]] = []

    def loads(name: str) -> None:
        if not installed:
            raise OSError(name)

    def install(packages: list[str]) -> list[str]:
        installed.append(packages)
        return []

    monkeypatch.setattr(doctor.ctypes, "CDLL", loads)
    monkeypatch.setattr(doctor, "_may_install", lambda: True)
    monkeypatch.setattr(doctor, "_install", install)
    doctor.require(window=False, tests=False, folder=tmp_path / ".venv")
    assert installed == [list(doctor.OFFSCREEN.values())]


def test_too_little_room_is_said_with_the_remedy(
    doctor: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        doctor.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 5 * 2**20})
    )
    [problem] = doctor.other_problems(tmp_path / ".venv")
    assert "5 MB free" in problem
    assert "HARDATTN_VENV" in problem


@pytest.mark.parametrize("script", ["run", "test"])
def test_a_python_that_is_too_old_ends_in_one_sentence(script: str, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname"):
        (tools / name).symlink_to(
            next(p for p in (f"/bin/{name}", f"/usr/bin/{name}") if Path(p).exists())
        )
    done = subprocess.run(
        [str(ROOT / script)],
        env={"PATH": f"{tmp_path}:{tools}"},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Python 3.11" in done.stderr


def test_the_doctor_is_plain_standard_library() -> None:
    code = (
        "import sys; sys.path.insert(0, 'tools'); import bootstrap;"
        "extra = [n for n in sys.modules if n.split('.')[0] in ('numpy', 'PySide6', 'pip')];"
        "sys.exit(str(extra) if extra else 0)"
    )
    subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, check=True, timeout=60)
