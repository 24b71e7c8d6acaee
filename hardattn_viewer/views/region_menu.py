"""What can be done with the region under the pointer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QWidget

from hardattn_viewer.session.frames import Frame
from hardattn_viewer.session.naming import key_name, key_noun
from hardattn_viewer.session.numbers import probability
from hardattn_viewer.session.regions import (
    box_words,
    can_look_from,
    lookers,
    mass_words,
    region_row,
)
from hardattn_viewer.session.session import Session
from hardattn_viewer.views.region_copy import copy_text


def region_menu(
    session: Session,
    frame: Frame,
    key: int | None,
    copy_picture: Callable[[], None],
    parent: QWidget,
) -> QMenu:
    """A menu that deletes itself when it is closed.

    Args:
        session: the shared session.
        frame: the run whose picture was clicked.
        key: the key under the pointer, or None.
        copy_picture: puts the picture on the clipboard.
        parent: the widget it belongs to.
    """
    menu = QMenu(parent)
    menu.setObjectName("regionMenu")
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    state = session.state

    def add(name: str, text: str, do: Callable[[], None], enabled: bool = True) -> None:
        # A name from a file must not become a key of the menu.
        action = menu.addAction(text.replace("&", "&&"))
        action.setObjectName(name)
        action.setEnabled(enabled)
        action.triggered.connect(lambda *_: do())

    if key is not None:
        name = f"{key_noun(frame)} {key_name(frame, key)}"
        held = state.pinned == key
        add("menuPin", "Let go" if held else f"Pin {name}", partial(session.pin, key))
        add(
            "menuLookFrom",
            f"Look from {name}",
            partial(session.look_from, key),
            can_look_from(frame, key),
        )
        among = key in state.picked
        add(
            "menuPick",
            "Take out of the sum" if among else "Add to the sum",
            partial(session.pick, (key,)),
        )
        for number, one in enumerate(lookers(frame, key)):
            add(
                f"menuLooker{number}",
                f"Look from {one.name} ({probability(one.weight)})",
                partial(session.go_to_query, one.query, one.step),
            )
        menu.addSeparator()
        weight = f"{float(frame.probabilities[key]):.9g}"
        add("menuCopyWeight", f"Copy weight {weight}", partial(copy_text, weight))
        box = box_words(frame, key)
        if box:
            add("menuCopyBox", f"Copy box {box}", partial(copy_text, box))
        add("menuCopyName", "Copy name", partial(copy_text, key_name(frame, key)))
        add("menuCopyRow", "Copy row as TSV", partial(copy_text, region_row(frame, (key,))))
    if state.picked:
        words = mass_words(frame, state.picked)
        add("menuCopySum", f"Copy “{words}”", partial(copy_text, words))
        rows = region_row(frame, state.picked)
        add("menuCopyRows", "Copy picked rows as TSV", partial(copy_text, rows))
    add("menuCopyPicture", "Copy the picture", copy_picture)
    menu.addSeparator()
    add("menuFit", "Show all of the image", partial(session.show_image_part, None))
    menu.actions()[-1].setEnabled(state.display.image_view is not None)
    return menu
