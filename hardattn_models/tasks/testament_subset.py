"""Makes the bundled verses: ``python -m hardattn_models.tasks.testament_subset FOLDER``.

FOLDER is the unpacked package ``bible-alignments`` 0.4.2 from PyPI. Only texts and links are taken;
lemmas, glosses and grammar are left out.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import unicodedata
from collections import defaultdict
from pathlib import Path

from hardattn_models.tasks.testament import BUNDLED, Verse, line_of

_GREEK = "data/sources/SBLGNT.tsv"
_ENGLISH = "data/eng/targets/BSB/nt_BSB.tsv"
_LINKS = "data/eng/alignments/BSB/SBLGNT-BSB-manual.json"


def read_verses(folder: Path) -> list[Verse]:
    """The verses that both texts have and that have any link, in their order.

    A link between words of two verses is left out.
    """
    greek: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in _rows(folder / _GREEK):
        greek[row["id"][1:9]].append((row["id"], unicodedata.normalize("NFC", row["text"])))
    english: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in _rows(folder / _ENGLISH):
        english[row["source_verse"]].append((row["id"], row["text"]))
    links: dict[str, set[str]] = defaultdict(set)
    for record in json.loads((folder / _LINKS).read_text("utf-8"))["records"]:
        for target in record["target"]:
            links[target].update(record["source"])
    found = []
    for place in sorted(english):
        numbers = {name: at for at, (name, _) in enumerate(greek[place])}
        linked = tuple(
            tuple(sorted(numbers[one] for one in links[name] if one in numbers))
            for name, _ in english[place]
        )
        if any(linked):
            found.append(
                Verse(
                    book=int(place[:2]) - 40,
                    chapter=int(place[2:5]),
                    number=int(place[5:]),
                    greek=tuple(word for _, word in greek[place]),
                    english=tuple(word for _, word in english[place]),
                    links=linked,
                )
            )
    return found


def write_subset(folder: Path, target: Path) -> str:
    """Write the verses as a gzipped table; its SHA-256, decompressed, is returned."""
    content = "".join(f"{line_of(verse)}\n" for verse in read_verses(folder)).encode()
    # Without a time stamp the same verses give the same file.
    target.write_bytes(gzip.compress(content, 9, mtime=0))
    return hashlib.sha256(content).hexdigest()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def main() -> None:
    """Write the verses and print the digest that ``testament.py`` holds."""
    parser = argparse.ArgumentParser(description="Write the bundled verses.")
    parser.add_argument("folder", type=Path, help="the unpacked package bible-alignments 0.4.2")
    parser.add_argument("-o", "--output", type=Path, default=BUNDLED)
    arguments = parser.parse_args()
    print(write_subset(arguments.folder, arguments.output))


if __name__ == "__main__":
    main()
