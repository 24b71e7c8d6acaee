"""The commands of the matrix: going to it, zooming, its colours, its margins, copying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QApplication

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.enabling import has_two
from hardattn_viewer.session.matrix import MatrixLook, Transform, Zoom
from hardattn_viewer.session.matrix_copy import What, matrix_text
from hardattn_viewer.session.matrix_moves import (
    cell_in_focus,
    shown_layout,
    zoomed_to,
)
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState, View

# How much larger cells become for each press of a key.
KEY_ZOOM = 1.5


def matrix_commands(session: Session) -> list[Command]:
    """Everything about the matrix, in the order of the menu."""
    return [
        _there_and_back(session),
        *_zooms(session),
        _colours(session, "linear", "Matrix colours: &linear", "In proportion to the probability"),
        _colours(session, "sqrt", "Matrix colours: s&quare root", "Lifts what is small"),
        _colours(session, "log", "Matrix colours: lo&garithm", "Four powers of ten below the most"),
        _switch(
            session,
            "matrix_one_row",
            "Matrix scale of this &row",
            lambda look: replace(look, one_row=not look.one_row),
            lambda look: look.one_row,
            "The strongest colour is the largest of the query looked from; others may be clipped",
        ),
        _change(
            session,
            "matrix_clip",
            "Cli&p the matrix at half its scale",
            lambda look: replace(look, clip=max(look.clip / 2, 0.01)),
            "Again for less; or drag along the colours below the matrix",
        ),
        _change(
            session,
            "matrix_unclip",
            "Clip nothing of the matrix",
            lambda look: replace(look, clip=1.0),
            "The strongest colour is the largest value",
        ),
        _switch(
            session,
            "matrix_statistics",
            "Numbers at the &margins of the matrix",
            lambda look: replace(look, statistics=not look.statistics),
            lambda look: look.statistics,
            "Entropy, largest and sum of rows, mass of columns, mean by distance",
        ),
        _switch(
            session,
            "matrix_both",
            "Matrices of &A, B and B − A",
            lambda look: replace(look, both=not look.both),
            lambda look: look.both,
            "Beside each other, zoomed and moved together",
            has_two,
        ),
        _copy(session, "value", "Copy the value of the cell"),
        _copy(session, "row", "Copy the row of the query (TSV)"),
        _copy(session, "column", "Copy the column of the key (TSV)"),
        _copy(session, "window", "Copy what is in sight of the matrix (TSV)"),
    ]


def _there_and_back(session: Session) -> Command:
    before: list[View] = ["overlay"]

    def go() -> None:
        view = session.state.view
        if view != "matrix":
            before[0] = view
        session.set_view(before[0] if view == "matrix" else "matrix")

    return Command(
        "matrix",
        "View",
        "Matrix of queries and keys, and &back",
        go,
        ("M",),
        "All queries × keys; again for the picture before",
        checked=lambda state: state.view == "matrix",
        group="matrix",
    )


def _zooms(session: Session) -> list[Command]:
    def to(zoom: Zoom) -> None:
        session.set_matrix(replace(session.state.matrix, zoom=zoom))

    def near() -> None:
        cell = cell_in_focus(session.state)
        if cell is not None:
            to(zoomed_to(session.state, *cell))

    def command(
        id_: str, text: str, go: Callable[[], None], keys: tuple[str, ...], tip: str
    ) -> Command:
        return Command(id_, "View", text, go, keys, tip, is_shown, group="matrixZoom")

    return [
        command(
            "matrix_zoom_cell",
            "Zoom to the &cell",
            near,
            ("Z",),
            "The query looked from and the marked key, so near that its number can be read",
        ),
    ]


def is_shown(state: SessionState) -> bool:
    """Whether the matrix is shown and shows something."""
    return state.view == "matrix" and state.frame is not None


def _change(
    session: Session,
    id_: str,
    text: str,
    change: Callable[[MatrixLook], MatrixLook],
    tooltip: str,
) -> Command:
    return Command(
        id_,
        "View",
        text,
        lambda: session.set_matrix(change(session.state.matrix)),
        (),
        tooltip,
        is_shown,
        group="matrixColours",
    )


def _colours(session: Session, transform: Transform, text: str, tooltip: str) -> Command:
    return replace(
        _change(
            session,
            f"matrix_{transform}",
            text,
            lambda look: replace(look, transform=transform),
            tooltip,
        ),
        checked=lambda state: state.matrix.transform == transform,
    )


def _switch(
    session: Session,
    id_: str,
    text: str,
    change: Callable[[MatrixLook], MatrixLook],
    is_on: Callable[[MatrixLook], bool],
    tooltip: str,
    enabled: Callable[[SessionState], bool] = lambda _: True,
) -> Command:
    return replace(
        _change(session, id_, text, change, tooltip),
        checked=lambda state: is_on(state.matrix),
        enabled=lambda state: is_shown(state) and enabled(state),
    )


def _copy(session: Session, what: What, text: str) -> Command:
    def copy() -> None:
        state = session.state
        cell = cell_in_focus(state)
        if cell is not None:
            words = matrix_text(state, what, *cell, shown_layout(state))
            QApplication.clipboard().setText(words)

    return Command(
        f"matrix_copy_{what}",
        "Edit",
        text,
        copy,
        (),
        "Of the query looked from and the marked key; right click copies of another cell",
        is_shown,
        group="matrixCopy",
    )
