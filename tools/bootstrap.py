"""Make this checkout runnable and run it. Standard library only; `./run` and `./test` call it.

usage: bootstrap.py run [hardattn arguments] | test [pytest arguments] | doctor
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import doctor

ROOT = Path(__file__).resolve().parent.parent
FOREIGN_MODELS = ROOT / "tests" / "foreign-models.txt"
COMMAND_EXTRAS = {
    "train": ("models",),
    "systems": ("models",),
    "record": ("models",),
    "check": ("models", "faithfulness"),
}


def extras_of(command: str, words: list[str]) -> set[str]:
    """The extras that a command needs, given the words after it."""
    extras = set(COMMAND_EXTRAS.get(command, ()))
    if command == "record" and any(Path(word, "config.json").is_file() for word in words):
        extras.add("transformers")
    if command == "check" and any(word.partition("=")[0] == "--scheduler" for word in words):
        extras.add("cluster")
    return extras


def environment_folder() -> Path:
    """Where the virtual environment lives: HARDATTN_VENV, or .venv in the checkout."""
    return Path(os.environ.get("HARDATTN_VENV") or ROOT / ".venv").absolute()


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def works(folder: Path) -> bool:
    """Whether the environment's interpreter still starts (a moved or half-made one does not)."""
    python = python_of(folder)
    if not python.exists():
        return False
    return subprocess.run([python, "-c", "import pip"], capture_output=True).returncode == 0


def fingerprint() -> str:
    """Changes when what has to be installed may have changed."""
    digest = hashlib.sha256()
    for file in (ROOT / "pyproject.toml", ROOT / "constraints.txt", FOREIGN_MODELS):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def installed_extras(folder: Path) -> set[str]:
    """The extras that a finished set-up of the present requirements left here."""
    try:
        stamp = json.loads((folder / "hardattn-setup.json").read_text())
    except (OSError, ValueError):
        return set()
    if stamp.get("fingerprint") != fingerprint() or stamp.get("root") != str(ROOT):
        return set()
    return set(stamp["extras"])


def set_up(extras: set[str]) -> Path:
    """Make the environment hold ``extras`` (``base`` is the viewer alone); return its Python."""
    folder = environment_folder()
    if not works(folder):
        if folder.exists():
            shutil.rmtree(folder)
        say(f"making a virtual environment in {folder}")
        venv.create(folder, with_pip=True, symlinks=True)
    have = installed_extras(folder)
    wanted = have | extras | {"base"}
    if wanted == have:
        return python_of(folder)
    names = ",".join(sorted(wanted - {"base"}))
    target = f"{ROOT}[{names}]" if names else str(ROOT)
    say(f"installing hardattn{f'[{names}]' if names else ''} and what it needs (once)")
    started = time.monotonic()
    install(folder, ["--constraint", ROOT / "constraints.txt", "--editable", target])
    if wanted & {"test", "dev"}:
        install(folder, ["--no-deps", "--requirement", FOREIGN_MODELS])
    stamp = {"fingerprint": fingerprint(), "root": str(ROOT), "extras": sorted(wanted)}
    (folder / "hardattn-setup.json").write_text(json.dumps(stamp))
    say(f"ready after {time.monotonic() - started:.0f} s")
    return python_of(folder)


def install(folder: Path, what: list[str | Path]) -> None:
    """Run pip in an environment; stop with one sentence where it fails."""
    command = [python_of(folder), "-m", "pip", "install", "--disable-pip-version-check"]
    if subprocess.run([*command, "--quiet", *what]).returncode != 0:
        raise SystemExit(
            "hardattn: the packages could not be installed; pip's message above says why. "
            "Mend that and run the same command again."
        )


def say(sentence: str) -> None:
    print(f"hardattn: {sentence}", file=sys.stderr, flush=True)


def workers(words: list[str]) -> list[str]:
    """As many test processes as there are processors, up to four, where none were asked for."""
    if any(word.startswith(("-n", "--numprocesses", "--pdb", "-s")) for word in words):
        return []
    # One that is done takes over what others have left; shares dealt at the start leave it idle.
    return ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "worksteal"]


def become(command: list[str | Path]) -> None:
    sys.stdout.flush()
    os.execv(command[0], [str(part) for part in command])


def main(arguments: list[str]) -> int:
    verb, rest = (arguments[0] if arguments else ""), arguments[1:]
    if verb == "doctor":
        return doctor.main(rest)
    if verb == "run":
        command = next((word for word in rest if not word.startswith("-")), "view")
        doctor.require(window=doctor.has_display(), tests=False, folder=environment_folder())
        python = set_up(extras_of(command, rest))
        become([python, "-m", "hardattn_viewer", *rest])
    if verb == "test":
        doctor.require(window=True, tests=True, folder=environment_folder())
        python = set_up({"test", "dev"} if os.environ.get("HARDATTN_DEV") else {"test"})
        os.chdir(ROOT)
        # Hundreds of tests start a process of their own; each would compile all modules again.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        become([python, "-m", "pytest", *workers(rest), *rest])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
