"""Where the program that PyInstaller makes begins.

hardattn starts children as `python -c CODE …` and `python -m hardattn_viewer …`, with
``sys.executable`` as that Python. In the program that is the program itself, so it understands
these two forms beside its own commands.
"""

from __future__ import annotations

import sys

FLAGS = ("-I", "-S", "-E", "-s")


def main(words: list[str]) -> int:
    """Do what the words say; returns the exit code."""
    while words and words[0] in FLAGS:
        words = words[1:]
    if words[:1] == ["-c"]:
        sys.argv = ["-c", *words[2:]]
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
        return 0
    if words[:2] == ["-m", "hardattn_viewer"]:
        words = words[2:]
    from hardattn_viewer.cli import main as hardattn

    return hardattn(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
