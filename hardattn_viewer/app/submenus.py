"""Which commands of a long menu stand in a submenu of it, and in which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardattn_viewer.app.actions import Command, Menu


@dataclass(frozen=True)
class Submenu:
    """A part of a menu that opens beside it.

    Attributes:
        id: a name that stays the same.
        text: what the menu shows.
        note: one sentence more.
        groups: the groups of commands in it.
        ids: further commands in it, whichever group they are of.
        first: whether a line is drawn above it.
    """

    id: str
    text: str
    note: str
    groups: tuple[str, ...]
    ids: tuple[str, ...] = ()
    first: bool = False


# In the order of the menu, below what has no submenu.
SUBMENUS: dict[Menu, tuple[Submenu, ...]] = {
    "View": (
        Submenu(
            "Place",
            "&Site, head and query",
            "Which attention of the model is looked at, and from where",
            ("sites",),
            ("allQueries",),
            first=True,
        ),
        Submenu(
            "Zoom", "&Zoom", "More or less of the image, or of the matrix", ("zoom", "matrixZoom")
        ),
        Submenu(
            "Regions",
            "Attention on &images",
            "Heat, boxes and the path of looks, and how strong they are",
            ("display", "look", "opacity", "interpolation"),
            first=True,
        ),
        Submenu(
            "Tokens",
            "Attention on to&kens",
            "Special tokens, words and their pieces, arcs",
            ("specials", "subwords", "arcs"),
        ),
        Submenu(
            "Matrix",
            "&Matrix of queries and keys",
            "Colours, clipping and margins of the matrix",
            ("matrix", "matrixColours"),
        ),
        Submenu(
            "Colours",
            "Co&lours and their scale",
            "What the strongest colour stands for, and which colours there are",
            ("scale", "colours"),
        ),
        Submenu("Theme", "Them&e", "Dark, light, or as the system has it", ("theme",), first=True),
    )
}


def submenu_of(command: Command) -> Submenu | None:
    """The submenu that a command stands in; None where it stands in the menu itself."""
    known = SUBMENUS.get(command.menu, ())
    named = next((one for one in known if command.id in one.ids), None)
    return named or next((one for one in known if command.group in one.groups), None)


def path_of(command: Command) -> str:
    """Where a command is, for example ``"View › Zoom"``."""
    submenu = submenu_of(command)
    return command.menu if submenu is None else f"{command.menu} › {plain_text(submenu)}"


def plain_text(submenu: Submenu) -> str:
    """What a submenu is called, without the mark of its key."""
    return submenu.text.replace("&", "")
