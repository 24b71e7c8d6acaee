"""Try what is shipped: the wheel where nothing of this checkout is, and what the sdist holds.

usage: smoke_wheel.py DIST VIEWER FULL

DIST holds one wheel and one sdist. VIEWER is an environment that has the viewer's dependencies
and not torch; the wheel takes the place of the hardattn in it. FULL is an environment with every
extra; the wheel is tried with its packages, in an environment of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

IN_SDIST = (
    *("pyproject.toml", "README.md", "LICENSE", "CITATION.cff", "CHANGELOG.md", "constraints.txt"),
    *("recorders/__init__.pyi", "sample_runs/glimpse-hard.h5", "sample_runs/LICENSES.md"),
    *("hardattn_viewer/app/images/hardattn.svg", "run", "tools/bootstrap.py"),
)
LOOK = """
import sys
from importlib.metadata import metadata
from importlib.util import find_spec
from pathlib import Path
import hardattn_models, hardattn_viewer, recorders, sample_runs
for package in (hardattn_models, hardattn_viewer, recorders, sample_runs):
    assert Path(package.__file__).is_relative_to(sys.prefix), package.__file__
    assert Path(package.__file__).with_name("py.typed").is_file(), package
missing = [path for one in sample_runs.samples() for path in one.paths if not path.is_file()]
assert not missing, missing
assert metadata("hardattn")["License-Expression"] == "Apache-2.0"
assert len(metadata("hardattn").get_all("License-File")) == 3
assert (find_spec("torch") is not None) == (sys.argv[1] == "all"), "torch"
print(Path(sample_runs.__file__).parent)
"""


class Bare:
    """An environment, called from a folder where nothing else is.

    Args:
        prefix: of the environment.
        folder: to work in.
    """

    def __init__(self, prefix: Path, folder: Path) -> None:
        self.bin = prefix / "bin"
        self._folder = folder
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        self._variables = {**kept, "HOME": str(folder), "QT_QPA_PLATFORM": "offscreen"}

    def call(self, *words: str | Path, code: int = 0) -> str:
        """Run a program of the environment; returns what it printed, on both channels.

        Raises:
            SystemExit: it ended with another code.
        """
        command = [str(self.bin / words[0]), *map(str, words[1:])]
        done = subprocess.run(
            command, cwd=self._folder, env=self._variables, capture_output=True, text=True
        )
        if done.returncode != code:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout + done.stderr


def try_viewer(wheel: Path, prefix: Path, folder: Path) -> None:
    """The base install: reads, shows and exports, and says what is missing for more."""
    bare = Bare(prefix, folder)
    pip = ("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    bare.call(*pip, "--no-deps", "--force-reinstall", wheel)
    samples = Path(bare.call("python", "-c", LOOK, "base").strip())
    run = samples / "glimpse-hard.h5"
    assert wheel.name.split("-")[1] in bare.call("hardattn", "--version")
    bare.call("hardattn", "info", run, "--json")
    bare.call("hardattn", "validate", run)
    bare.call("hardattn", "view", "--screenshot", "window.png")
    bare.call("hardattn", "export", run, "--example", "8", "-o", "figure.svg")
    assert (folder / "window.png").stat().st_size > 20_000
    assert "hardattn[" in bare.call("hardattn", "train", "glimpse", "-o", "x.safetensors", code=1)


def try_full(wheel: Path, full: Path, prefix: Path, folder: Path) -> None:
    """Every extra: trains and records, with the packages of another environment."""
    venv.create(prefix, with_pip=False, symlinks=True)
    bare = Bare(prefix, folder)
    [packages] = (full / "lib").glob("python*/site-packages")
    [own] = (prefix / "lib").glob("python*/site-packages")
    # Only a line of a .pth: an editable hardattn over there is not seen from here.
    (own / "others.pth").write_text(f"{packages}\n")
    python = full / "bin" / "python"
    command = [python, "-m", "pip", "--python", prefix / "bin" / "python", "install", "--no-deps"]
    # The full environment has a hardattn of its own, which is not to be taken for this one.
    subprocess.run([*command, "--quiet", "--ignore-installed", wheel], check=True)
    bare.call("python", "-c", LOOK, "all")
    bare.call("hardattn", "systems")
    bare.call("hardattn", "train", "pointer", "--until", "2", "-o", "pointer.safetensors")
    bare.call("hardattn", "record", "glimpse", "--task", "mnist-small", "-n", "2", "-o", "two.h5")
    bare.call("hardattn", "validate", "two.h5")


def main(arguments: list[str]) -> int:
    """Try all of it."""
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    dist, viewer, full = (Path(word).resolve() for word in arguments)
    [wheel], [sdist] = dist.glob("*.whl"), dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    missing = [name for name in IN_SDIST if name not in names]
    if missing or any(name.startswith("tests/") for name in names):
        raise SystemExit(f"{sdist.name} lacks {', '.join(missing) or 'nothing, and holds tests'}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "empty"
        folder.mkdir()
        try_viewer(wheel, viewer, folder)
        try_full(wheel, full, Path(scratch) / "full", folder)
    print(f"{wheel.name}: works as a viewer alone, and with every extra")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
