"""What can be typed next: names and functions, each with one line of help."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hardattn_viewer.session.expressions.evaluating import Scope
from hardattn_viewer.session.expressions.fields import Vocabulary, as_typed
from hardattn_viewer.session.expressions.parsing import OVER_STEPS

_WORD = re.compile(r"`[^`]*$|[^\W\d]\w*$")
_SLOT = re.compile(r"([^\W\d]\w*|`[^`]*`)\($")


@dataclass(frozen=True)
class Completion:
    """One thing that can be typed.

    Attributes:
        text: what is put in.
        note: one line of help.
        back: how far behind the end of ``text`` the cursor goes.
    """

    text: str
    note: str
    back: int = 0


def word_before(text: str) -> str:
    """The word that is being typed at the end of ``text``; empty where there is none."""
    if text.count('"') % 2 or (text.count("'") % 2):
        # Inside a text nothing is a name.
        return ""
    found = _WORD.search(text)
    return found[0] if found else ""


def completions(vocabulary: Vocabulary, scope: Scope) -> tuple[Completion, ...]:
    """Every name that the runs in A and B have, then what can be asked of all steps."""
    both = vocabulary.a is not None and vocabulary.b is not None
    found = []
    for field in vocabulary.fields():
        note = field.note
        if field.level == "step" and scope == "examples":
            kind = "its mean over the steps" if field.bare and field.kind == "number" else "a step"
            note = f"{note} ({kind})"
        typed = as_typed(field)
        found.append(Completion(typed, note))
        if both and field.sided:
            found += [Completion(f"{typed}({slot})", f"{note}, of {slot}") for slot in "AB"]
    found += [Completion(f"{name}()", note, 1) for name, note in OVER_STEPS.items()]
    found += [
        Completion("and", "both hold; also &"),
        Completion("or", "one holds at least; also |"),
        Completion("not", "does not hold; also ~"),
    ]
    return tuple(found)


def completions_at(
    text: str, vocabulary: Vocabulary, scope: Scope
) -> tuple[str, tuple[Completion, ...]]:
    """What can stand at the end of ``text``.

    Args:
        text: the expression up to the cursor.
        vocabulary: the names that can be used.
        scope: whether it is asked of examples or of steps.

    Returns:
        The word that is being typed, and what it may become; nothing where no word is typed, or
        where it is whole and unique.
    """
    word = word_before(text)
    if not word:
        return "", ()
    begun = word.lower()
    fitting = [one for one in completions(vocabulary, scope) if one.text.lower().startswith(begun)]
    if [one.text for one in fitting] == [word]:
        return word, ()
    before = _SLOT.search(text[: len(text) - len(word)])
    if before and before[1] not in OVER_STEPS:
        return "", ()
    return word, tuple(fitting)
