"""The commands of texts: what is shown of tokens, arcs, several queries, copying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QApplication

from hardattn_viewer.app.actions import Command
from hardattn_viewer.session.display import MOST_ARCS, Display, Specials
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.shown_tokens import shown_frame
from hardattn_viewer.session.state import SessionState, key_in_focus
from hardattn_viewer.session.token_copy import row_tsv, token_text, weight_text, whole_text


def token_commands(session: Session) -> list[Command]:
    """What can be done with texts, in its order."""

    def change(made: Callable[[Display], Display]) -> None:
        session.set_display(made(session.state.display))

    return [
        _specials(session, "shown", "Special tokens &shown", "As all others"),
        _specials(session, "dimmed", "Special tokens &dimmed", "Without colour, off the scale"),
        _specials(session, "hidden", "Special tokens h&idden", "Left out, and said how much"),
        Command(
            "nextSpecials",
            "View",
            "Show, dim or hide special tokens",
            lambda: change(_next_specials),
            ("T",),
            "Tokens such as [CLS] and </s>: what they hold is always said",
            has_tokens,
            group="specials",
        ),
        Command(
            "mergeSubwords",
            "View",
            "Merge sub&words into words",
            lambda: change(_other_subwords),
            ("W",),
            "A word has the sum of its pieces; as a query it is the mean over them",
            has_tokens,
            lambda state: state.display.subwords == "words",
            group="subwords",
        ),
        Command(
            "rawTokens",
            "View",
            "Tokens as &recorded",
            lambda: change(lambda d: replace(d, raw_tokens=not d.raw_tokens)),
            ("Shift+T",),
            "With the marks of the tokenizer, such as Ġ, ▁ and ##",
            has_tokens,
            lambda state: state.display.raw_tokens,
            group="subwords",
        ),
        Command(
            "arcs",
            "View",
            "&Arcs to the strongest tokens",
            lambda: change(lambda d: replace(d, arcs=not d.arcs)),
            ("A",),
            "Lines from the query, and how much of the mass they stand for",
            has_tokens,
            lambda state: state.display.arcs,
            group="arcs",
        ),
        _arc_count(session, "moreArcs", "More arcs", "Shift+A", 1),
        _arc_count(session, "fewerArcs", "Fewer arcs", "Ctrl+Shift+A", -1),
        Command(
            "allQueries",
            "View",
            "Mean of all queries",
            lambda: _look_from_all(session),
            ("Ctrl+Shift+M",),
            "Look from every query of this step at once; Escape lets go",
            lambda state: state.frame is not None and 1 < state.frame.queries <= MOST_QUERIES,
            group="arcs",
        ),
        *_copies(session),
    ]


# Beyond this a mean is better taken by a study of the whole map.
MOST_QUERIES = 2_048


def has_tokens(state: SessionState) -> bool:
    """Whether the keys of what is shown are tokens."""
    return any(frame.tokens is not None for frame in state.frames.present)


def _specials(session: Session, kind: Specials, text: str, tooltip: str) -> Command:
    return Command(
        f"specials_{kind}",
        "View",
        text,
        lambda: session.set_display(replace(session.state.display, specials=kind)),
        (),
        tooltip,
        has_tokens,
        lambda state: state.display.specials == kind,
        group="specials",
    )


def _next_specials(display: Display) -> Display:
    after: dict[Specials, Specials] = {"shown": "dimmed", "dimmed": "hidden", "hidden": "shown"}
    return replace(display, specials=after[display.specials])


def _other_subwords(display: Display) -> Display:
    return replace(display, subwords="pieces" if display.subwords == "words" else "words")


def _arc_count(session: Session, id_: str, text: str, key: str, by: int) -> Command:
    def change() -> None:
        display = session.state.display
        count = min(max(display.arc_count + by, 1), MOST_ARCS)
        session.set_display(replace(display, arc_count=count))

    return Command(
        id_,
        "View",
        text,
        change,
        (key,),
        f"1 to {MOST_ARCS}",
        lambda state: state.display.arcs and has_tokens(state),
        group="arcs",
    )


def _look_from_all(session: Session) -> None:
    frame = session.state.frame
    if frame is not None:
        session.go_to_queries(range(frame.queries))


def _copies(session: Session) -> list[Command]:
    def copy(id_: str, text: str, copied: Callable[[SessionState], str], tooltip: str) -> Command:
        def put() -> None:
            QApplication.clipboard().setText(copied(session.state))

        return Command(id_, "Edit", text, put, (), tooltip, _shows_tokens, group="copyTokens")

    return [
        copy("copyToken", "Copy the &token", _token, "The one whose numbers are shown"),
        copy("copyWeight", "Copy its w&eight", _weight, "The probability with all its digits"),
        copy("copyRow", "Copy the row as TSV", _row, "Token, probability and selection"),
        copy("copyText", "Copy the whole te&xt", _text, "As it is shown"),
    ]


def _shows_tokens(state: SessionState) -> bool:
    return state.frame is not None and state.frame.tokens is not None


def _token(state: SessionState) -> str:
    key = _key(state)
    return "" if state.frame is None or key is None else token_text(state.frame, state.display, key)


def _weight(state: SessionState) -> str:
    key = _key(state)
    return (
        "" if state.frame is None or key is None else weight_text(state.frame, state.display, key)
    )


def _row(state: SessionState) -> str:
    return "" if state.frame is None else row_tsv(state.frame, state.display)


def _text(state: SessionState) -> str:
    return "" if state.frame is None else whole_text(state.frame, state.display)


def _key(state: SessionState) -> int | None:
    """The key whose numbers the inspector shows."""
    if state.frame is None:
        return None
    there = shown_frame(state.frame, state.display)
    return there.key_of(key_in_focus(state, there))
