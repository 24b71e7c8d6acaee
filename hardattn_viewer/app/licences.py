"""Licences of what hardattn is built with, as the installed packages tell them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

# What hardattn itself asks for, with every extra, where it is run from a checkout.
OWN = (
    *("PySide6-Essentials", "pyqtgraph", "numpy", "h5py", "isal", "pillow", "psygnal"),
    *("platformdirs", "tqdm", "torch", "safetensors", "transformers", "captum", "distributed"),
    *("fsspec", "aiohttp"),
)
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_TEXTS = re.compile(r"(licen[cs]e|copying|notice)[^/]*$", re.IGNORECASE)
# A licence that is told as its whole text is none of these.
LONGEST = 80


@dataclass(frozen=True)
class Licence:
    """The licence of one package.

    Attributes:
        package: its name.
        version: the one that is installed.
        name: of the licence, as the package writes it; "not told" where it does not.
        text: what the package has in its files of licences; may be empty.
    """

    package: str
    version: str
    name: str
    text: str


def licences() -> list[Licence]:
    """Of hardattn's dependencies that are installed, and of theirs, by name."""
    found: dict[str, Licence] = {}
    waiting = list(OWN)
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        found[key] = Licence(package.name, package.version, _name_of(package), _text_of(package))
        waiting += [
            match[0]
            for line in package.requires or ()
            # What only an extra of theirs asks for is not ours.
            if "extra ==" not in line and (match := _NAME.match(line)) is not None
        ]
    return [found[key] for key in sorted(found)]


def _name_of(package: Distribution) -> str:
    told = package.metadata.get_all("License-Expression") or package.metadata.get_all("License")
    first = " ".join((told or [""])[0].split())
    if first and len(first) <= LONGEST:
        return first
    classed = package.metadata.get_all("Classifier") or []
    kinds = [line.rpartition(" :: ")[2] for line in classed if line.startswith("License ::")]
    return "; ".join(kinds) or (f"{first[: LONGEST - 1]}…" if first else "not told")


def _text_of(package: Distribution) -> str:
    texts = []
    for path in package.files or ():
        if not _TEXTS.search(str(path)) or path.suffix in (".py", ".pyc", ".so"):
            continue
        try:
            texts.append(f"{path}\n\n{path.read_text(encoding='utf-8').strip()}")
        except (OSError, UnicodeDecodeError):
            # It was removed, or is no text: the name of the licence is still there.
            continue
    return "\n\n\n".join(texts)
