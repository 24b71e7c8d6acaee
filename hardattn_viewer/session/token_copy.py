"""What is copied of a text: a token, its weight, the row as a table, the text itself."""

from __future__ import annotations

import csv
import io

import numpy as np

from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frame_items import query_tokens
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.shown_tokens import mass_words, query_groups, shown_frame
from hardattn_viewer.session.token_groups import Groups


def token_text(frame: Frame, display: Display, key: int) -> str:
    """The token, or word, of a key, or of query ``-1 - key``, as it is written on the picture."""
    groups = _groups(frame, display, key)
    item = None if groups is None else next(iter(groups.items_of((_index(key),))), None)
    if groups is None or item is None:
        texts = query_tokens(frame) if key < 0 else frame.tokens
        return texts[_index(key)] if texts else str(_index(key))
    return groups.labels[item]


def weight_text(frame: Frame, display: Display, key: int) -> str:
    """The weight of a key, or of the word it is a piece of, with all digits of float32."""
    there = shown_frame(frame, display)
    item = there.item_of(key)
    return str(frame.probabilities[key] if item is None else there.probabilities[item])


def row_tsv(frame: Frame, display: Display) -> str:
    """The row as it is shown: a line for each token or word, with tabs between the columns.

    The first lines, which begin with ``#``, say where it comes from and what was left out.
    """
    there = shown_frame(frame, display)
    head = 1 if frame.place.head is None and frame.heads > 1 else 0
    about = [
        f"# {frame.run_name} · example {frame.example_name} · site {frame.place.site}",
        f"# head {'mean' if head else frame.place.head or 0} · step {frame.place.step + 1}"
        f" · query {', '.join(map(str, frame.averaged or (frame.query,)))}",
        *(f"# {said}" for said in mass_words(frame, display)),
    ]
    out = io.StringIO(newline="")
    out.write("".join(f"{' '.join(line.split())}\n" for line in about))
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(("key", "token", "probability", "selected"))
    for item, value in enumerate(there.probabilities):
        name = there.tokens[item] if there.tokens is not None else str(item)
        first = there.key_of(item) or 0
        last = first if there.groups is None else first + int(there.groups.count[item]) - 1
        place = str(first) if first == last else f"{first}-{last}"
        writer.writerow((place, name, np.float32(value), int(item in there.selection)))
    return out.getvalue()


def whole_text(frame: Frame, display: Display, key: int = 0) -> str:
    """The text of all keys, or where ``key`` is negative of all queries, in its own order."""
    groups = _groups(frame, display, key)
    if groups is None:
        return ""
    text = ""
    for label, spaced, breaks in zip(groups.labels, groups.spaced, groups.breaks, strict=True):
        space = " " if spaced and text and not text.endswith("\n") else ""
        text += space + label.replace("⏎", "\n") + ("" if not breaks or "⏎" in label else "\n")
    return text


def _index(key: int) -> int:
    return key if key >= 0 else -1 - key


def _groups(frame: Frame, display: Display, key: int) -> Groups | None:
    return query_groups(frame, display) if key < 0 else shown_frame(frame, display).groups
