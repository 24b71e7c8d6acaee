"""The menu of the runs that were opened lately."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu

from hardattn_viewer.app.settings import Settings
from hardattn_viewer.session.session import Session


def fill_recent(menu: QMenu, settings: Settings, session: Session) -> None:
    """Put the runs that were opened lately into a menu, newest first."""
    menu.clear()
    for path in settings.recent:
        # An ampersand in a file name is not a mnemonic.
        name = f"{path.name}  ({path.parent})".replace("&", "&&")
        action = menu.addAction(name)
        action.triggered.connect(lambda *_, p=path: session.open([p]))
    if menu.isEmpty():
        menu.addAction("No runs yet").setEnabled(False)
    else:
        menu.addSeparator()
        menu.addAction("Forget these", settings.forget_recent)
