"""Every name that an expression can use: what it is, what it needs, and one line of help."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hardattn_viewer.session.expressions.syntax import SLOTS, ExpressionError, Name, Slot

Level = Literal["example", "step"]
Kind = Literal["number", "text", "condition"]
_PLAIN = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Field:
    """One name.

    Attributes:
        name: as it is typed.
        level: whether it belongs to an example or to each of its steps.
        kind: number, text or condition.
        note: what it is, in one line.
        sided: whether ``name(A)`` and ``name(B)`` are told apart.
        needs: what a run must have recorded; empty where every run has it.
        bare: of a step's number, whether it stands for its mean over the steps where it is asked
            of an example.
    """

    name: str
    level: Level
    kind: Kind
    note: str
    sided: bool = True
    needs: str = ""
    bare: bool = True


FIELDS = (
    Field("example", "example", "number", "number of the example, from 0", sided=False),
    Field("name", "example", "text", "name of the example", sided=False),
    Field("text", "example", "text", "its tokens, put together", needs="tokens"),
    Field("tokens", "example", "number", "number of its tokens", needs="tokens"),
    Field("true", "example", "number", "true class", sided=False, needs="label"),
    Field("steps", "example", "number", "number of steps"),
    Field("prediction", "example", "number", "predicted class", needs="prediction"),
    Field("correct", "example", "condition", "prediction is the true class", needs="prediction"),
    Field("right", "example", "condition", "the same as correct", needs="prediction"),
    Field("wrong", "example", "condition", "prediction is another class", needs="prediction"),
    Field("confidence", "example", "number", "probability of the prediction", needs="prediction"),
    Field("p_true", "example", "number", "probability of the true class", needs="prediction"),
    Field(
        "agree",
        "example",
        "condition",
        "A and B predict the same class",
        sided=False,
        needs="prediction",
    ),
    Field("missing", "example", "condition", "the run does not hold the example"),
    Field("bookmarked", "example", "condition", "a bookmark is set in it", sided=False),
    Field("note", "example", "text", "notes of its bookmarks", sided=False),
    Field("step", "step", "number", "number of the step, from 1", sided=False, bare=False),
    Field("entropy", "step", "number", "entropy in bits, mean over heads and queries"),
    Field(
        "log_prob",
        "step",
        "number",
        "log-probability of the choice in nats, mean over heads and queries",
        needs="selection",
    ),
    Field(
        "p_selected",
        "step",
        "number",
        "probability of the choice: e to the power of log_prob",
        needs="selection",
    ),
    Field(
        "selected",
        "step",
        "number",
        "the key that was selected, from 0; of several the first",
        needs="selection",
        bare=False,
    ),
    Field("temperature", "step", "number", "temperature of the choice", needs="temperature"),
    Field("reward", "step", "number", "reward", needs="reward"),
    Field("baseline", "step", "number", "reward that was expected", needs="baseline"),
    Field("advantage", "step", "number", "reward − baseline", needs="advantage"),
    Field("token", "step", "text", "token that came to the step", needs="later tokens"),
)
"""Every field that is not just a scalar somebody recorded."""

KNOWN = {field.name: field for field in FIELDS}


@dataclass(frozen=True)
class Recorded:
    """What a run has recorded, as far as expressions can ask for it.

    Attributes:
        what: the needs of fields that it meets.
        scalars: names of the scalars that were recorded.
    """

    what: frozenset[str] = frozenset()
    scalars: tuple[str, ...] = ()

    def has(self, field: Field) -> bool:
        """Whether a field has a value anywhere in the run."""
        return not field.needs or field.needs in self.what or field.name in self.scalars


@dataclass(frozen=True)
class Vocabulary:
    """The names that can be used: what the runs in A and B have recorded, None without a run."""

    a: Recorded | None = None
    b: Recorded | None = None

    def of(self, slot: Slot) -> Recorded | None:
        """What the run in ``slot`` has recorded."""
        return self.a if slot == "A" else self.b

    @property
    def usual(self) -> Slot:
        """The slot that a name without one means: A, or the only one there is."""
        return "B" if self.a is None and self.b is not None else "A"

    def fields(self) -> Iterator[Field]:
        """The fields that a run in A or B has, recorded scalars after the usual ones."""
        runs = [run for run in (self.a, self.b) if run is not None]
        for field in FIELDS:
            there = [run for run in runs if run.has(field)]
            if there and (field.name != "agree" or len(runs) == 2):
                yield field
        scalars = dict.fromkeys(name for run in runs for name in run.scalars)
        yield from (_scalar(name) for name in scalars if name not in KNOWN)


@dataclass(frozen=True)
class Use:
    """A field of one run, as an expression uses it.

    Attributes:
        field: the field.
        slot: the run; ``"A"`` where the field is of no run.
    """

    field: Field
    slot: Slot


def as_typed(field: Field) -> str:
    """How a field is written: between backticks where its name is not a plain word."""
    plain = _PLAIN.fullmatch(field.name) and field.name.lower() not in ("and", "or", "not")
    if plain and KNOWN.get(field.name, field) == field:
        return field.name
    return "`" + re.sub(r"([`\\])", r"\\\1", field.name) + "`"


def resolve(name: Name, vocabulary: Vocabulary) -> Use:
    """What a name of an expression stands for.

    Raises:
        ExpressionError: there is no such field, or no such run, or the run did not record it.
    """
    if name.name in SLOTS and name.slot is None and not name.quoted:
        words = f"{name.name} is a run: write for example wrong({name.name})."
        raise ExpressionError(words, name.start, name.end)
    field = _field_named(name, vocabulary)
    if name.slot is not None and not field.sided:
        words = f"{field.name} is the same in A and B: write it without a bracket."
        raise ExpressionError(words, name.start, name.end)
    slots: tuple[Slot, ...] = SLOTS if field.name == "agree" else (name.slot or vocabulary.usual,)
    for slot in slots:
        recorded = vocabulary.of(slot)
        if recorded is None:
            raise ExpressionError(f"There is no run in slot {slot}.", name.start, name.end)
        # A class may be known of the example from either run.
        others = (vocabulary.a, vocabulary.b) if not field.sided else (recorded,)
        if not any(run is not None and run.has(field) for run in others):
            words = f"The run in {slot} has no {field.name}: it was not recorded."
            raise ExpressionError(words, name.start, name.end)
    return Use(field, slots[0])


def _field_named(name: Name, vocabulary: Vocabulary) -> Field:
    scalars = {
        one for run in (vocabulary.a, vocabulary.b) if run is not None for one in run.scalars
    }
    if name.quoted:
        if name.name in scalars:
            return _scalar(name.name)
        words = f"No scalar called {name.name} was recorded."
        raise ExpressionError(words, name.start, name.end)
    if name.name in KNOWN:
        return KNOWN[name.name]
    if name.name in scalars:
        return _scalar(name.name)
    known = [field.name for field in vocabulary.fields()]
    close = difflib.get_close_matches(name.name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
    raise ExpressionError(f"There is no {_short(name.name)}: {hint}", name.start, name.end)


def _scalar(name: str) -> Field:
    return Field(name, "step", "number", "a scalar that was recorded of each step", needs=name)


def _short(name: str) -> str:
    return name if len(name) <= 30 else name[:29] + "…"
