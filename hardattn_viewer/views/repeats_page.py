"""Whether the runs that sample would choose the same again."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from hardattn_viewer.measures import Interval, expected_agreement, repeats_of
from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import key_name
from hardattn_viewer.session.numbers import NOT_RECORDED
from hardattn_viewer.session.repeating import NUMBERS, Number, Stability, stability_of
from hardattn_viewer.session.state import SLOTS, SessionState, Slot
from hardattn_viewer.views.numbers_page import Line, NumbersTable
from hardattn_viewer.views.parts import column, label

_NAMES: dict[Number, tuple[str, str, str]] = {
    "agreement": (
        "two draws the same",
        "same draw",
        "Share of the pairs of repeated draws that are the same item (Simpson 1949).",
    ),
    "most": (
        "drawn most often",
        "most often",
        "Share of the repeated draws that are the item drawn most often.",
    ),
    "expected": (
        "expected, Σp²",
        "Σp²",
        "Probability that two draws from the recorded distribution are the same item.",
    ),
}


class RepeatsPage(QWidget):
    """A table of numbers, and words on where they come from."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("repeats")
        self.table = NumbersTable("repeatsTable", "Stability of sampled choices")
        self.table.spare = (2,)
        self.words = label(role="muted", name="repeatsWords")
        self.words.setWordWrap(True)
        layout = column(self.table, self.words, spacing=3)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def show_state(self, state: SessionState) -> None:
        """Show what is known by now."""
        found = stability_of(state)
        frame = state.frame
        step = frame.place.step if frame is not None else 0
        lines = [
            line
            for slot in SLOTS
            if slot in found
            for line in _lines(slot, found[slot], state.frames.of(slot), len(found) > 1)
        ]
        self.table.show_lines(("", "here", f"step {step + 1}", "all"), lines)
        words = [_words(state, slot, found[slot]) for slot in SLOTS if slot in found]
        self.words.setText(" ".join(words) or "Being read…")


def _lines(slot: Slot, found: Stability, frame: Frame | None, both: bool) -> list[Line]:
    here = _here(found, frame)
    step = frame.place.step if frame is not None else 0
    at = found.steps[step] if step < len(found.steps) else None
    lines = []
    for number in NUMBERS:
        name, short, note = _NAMES[number]
        if number != "expected" and not found.repeated:
            continue
        prefix = f"{slot}: " if both else ""
        cells = (
            here.get(number, (NOT_RECORDED, ""))[0],
            _interval(at[number] if at else None),
            _interval(found.overall[number]),
        )
        notes = (
            f"{note} {here.get(number, ('', ''))[1]}".strip(),
            f"{note} {_note(at[number] if at else None)}",
            f"{note} {_note(found.overall[number])}",
        )
        lines.append(Line(prefix + name, prefix + short, cells, notes))
    return lines


def _here(found: Stability, frame: Frame | None) -> dict[Number, tuple[str, str]]:
    """The numbers of this example, step, head and query, each with what it says in full."""
    if frame is None or not frame.probabilities.size:
        return {}
    known: dict[Number, tuple[str, str]] = {}
    expected = float(expected_agreement(frame.probabilities))
    known["expected"] = (f"{expected:.2f}", "Of the row that is shown.")
    fallen = found.draws.get((frame.place.example, frame.place.step))
    head = frame.place.head if frame.heads > 1 else 0
    if fallen is None or head is None or frame.query >= fallen.keys.shape[2]:
        return known
    drawn = repeats_of(fallen.keys[:, head, frame.query])
    item = key_name(frame, drawn.item) if drawn.item < frame.probabilities.size else str(drawn.item)
    words = f"{item}: {drawn.times} of {drawn.draws} draws."
    known["agreement"] = (f"{100 * drawn.agreement:.0f} %", words)
    known["most"] = (f"{drawn.times} of {drawn.draws}", words)
    return known


def _interval(one: Interval | None) -> str:
    return (
        f"{one.mean:.2f} ± {one.half_width:.2f}" if one is not None and one.count else NOT_RECORDED
    )


def _note(one: Interval | None) -> str:
    if one is None or not one.count:
        return "Not known."
    return (
        f"Mean {one.mean:.4f}, {100 * one.level:.0f} % interval {one.low:.4f} – {one.high:.4f} "
        f"over {one.count:,} inputs."
    )


def _words(state: SessionState, slot: Slot, found: Stability) -> str:
    run = state.run_in(slot)
    name = run.name if run is not None else slot
    if found.repeated:
        return (
            f"{slot}, {name}: {found.repeated:,} of {found.inputs:,} inputs were recorded more "
            "than once."
        )
    return (
        f"{slot}, {name}, holds each of its {found.inputs:,} inputs once: no draw was repeated. "
        "Record the same inputs again under other names to see how stable the choice is."
    )
