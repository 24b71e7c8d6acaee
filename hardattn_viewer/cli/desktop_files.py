"""The files by which a desktop knows hardattn: menu entry, icons, and the type of run files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

TYPE = "application/x-hardattn-run"
# A plain .h5 may be anybody's: HDF5 files carry no name where a type could be told by it.
SUFFIX = ".hardattn.h5"
_ICON = Path(__file__).parents[1] / "app" / "images" / "hardattn.svg"
_ENTRY = """[Desktop Entry]
Type=Application
Name=hardattn
GenericName=Attention viewer
Comment=See where a neural network looks, and whether that can be believed
Exec={command} view %F
TryExec={program}
Icon=hardattn
Terminal=false
Categories=Science;DataVisualization;
Keywords=attention;transformer;interpretability;heatmap;HDF5;
MimeType={type};application/x-hdf;application/x-hdf5;
StartupWMClass=hardattn
"""
_MIME = """<?xml version="1.0" encoding="UTF-8"?>
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="{type}">
    <comment>hardattn run</comment>
    <sub-class-of type="application/x-hdf"/>
    <icon name="hardattn"/>
    <glob pattern="*{suffix}" weight="60"/>
  </mime-type>
</mime-info>
"""


def data_folder() -> Path:
    """Where this user's desktop looks: $XDG_DATA_HOME, ~/.local/share by default."""
    named = os.environ.get("XDG_DATA_HOME", "")
    # What is not absolute does not count, says the standard of base directories.
    return Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "share"


def paths(folder: Path) -> tuple[Path, ...]:
    """The files that are written below ``folder``."""
    return tuple(folder / name for name, _ in _contents())


def install(folder: Path) -> None:
    """Write all files, over those of an earlier install.

    Raises:
        OSError: one cannot be written.
    """
    for name, text in _contents():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _tell(folder)


def remove(folder: Path) -> None:
    """Take away all files, and the folders that are empty then.

    Raises:
        OSError: one cannot be removed.
    """
    found = [path for path in paths(folder) if path.exists()]
    for path in found:
        path.unlink()
    if found:
        _tell(folder)
    for path in found:
        _prune(path.parent, folder)


def _contents() -> Iterator[tuple[str, str]]:
    words = [sys.executable]
    if not getattr(sys, "frozen", False):
        words += ["-m", "hardattn_viewer"]
        if not _is_installed():
            # It was found by PYTHONPATH, which a desktop does not know.
            words = ["env", f"PYTHONPATH={Path(__file__).parents[2]}", *words]
    entry = _ENTRY.format(
        command=" ".join(map(_quoted, words)), program=_escaped(sys.executable), type=TYPE
    )
    yield "applications/hardattn.desktop", entry
    yield "icons/hicolor/scalable/apps/hardattn.svg", _ICON.read_text(encoding="utf-8")
    yield "mime/packages/hardattn.xml", _MIME.format(type=TYPE, suffix=SUFFIX)


def _is_installed() -> bool:
    """Whether this Python finds hardattn from anywhere, by itself."""
    code = "import importlib.util as u; raise SystemExit(u.find_spec('hardattn_viewer') is None)"
    return subprocess.run([sys.executable, "-I", "-c", code], cwd="/", check=False).returncode == 0


def _quoted(word: str) -> str:
    """A word of an Exec line: quoted, where it holds what a desktop would take for something."""
    if not set(word) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+"):
        return word
    for sign in '\\"`$':
        word = word.replace(sign, f"\\{sign}")
    return _escaped(f'"{word}"').replace("%", "%%")


def _escaped(value: str) -> str:
    """A value of a desktop file, of which a backslash begins an escape."""
    return value.replace("\\", "\\\\")


def _tell(folder: Path) -> None:
    """Have the desktop's own tools remake what they keep of these folders, where there are any."""
    for program, where in (
        ("update-mime-database", folder / "mime"),
        ("update-desktop-database", folder / "applications"),
    ):
        tool = shutil.which(program)
        if tool is not None and where.is_dir():
            # A desktop finds the files without it, only later.
            subprocess.run([tool, str(where)], capture_output=True, check=False)


def _prune(folder: Path, top: Path) -> None:
    """Remove empty folders upwards, never ``top`` itself."""
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
