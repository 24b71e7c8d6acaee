"""Remake the table of actions in docs/viewer.md: ``python docs/make_viewer_page.py``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PAGE = FOLDER / "viewer.md"
TEST = "tests/viewer/app/test_app_commands.py"

HEAD = """# The desktop app: every action

This page is made from the app's registry of commands by `python docs/make_viewer_page.py`; a test
checks that it is up to date. Every action is in its menu, in the palette (Ctrl+Shift+P) and in the
help (?). A key works wherever the focus is, except that a text field keeps the keys that text is
made of, and a button keeps Space.

The last column names the test that does it in the real window, through the menu entry and through
each key, and checks what changes.
"""

TOPICS = """
## Topics

{topics}
"""

SESSIONS = """
## Sessions

What is open, where it is looked at and how is written into the user's data folder
(`~/.local/share/hardattn/sessions` on Linux) less than a second after it changed. It comes back

- after a crash, when hardattn is started without a run. The bar over the pictures says so and shows
  the log of the crash. A session that crashed while it was being restored is only offered;
- at every start without a run, with **File › Restore the session at start**;
- by **File › Restore the last session**, or from a file of **File › Save session as…**.

A session file is JSON without any code: addresses of runs (without passwords and tokens), slots,
place, view, display, filter, sort, theme and docks. One that is damaged, or of a newer hardattn, is
said to be so in one sentence and left as it is. Two windows keep a session each. Of sessions that
ended without closing the newest ten stay in the folder `ended`, with their logs.
"""


def page() -> str:
    """The text of docs/viewer.md."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path.insert(0, str(FOLDER.parent))
    from hardattn_viewer.app.actions import MENUS, Command
    from hardattn_viewer.app.main_window import MainWindow
    from hardattn_viewer.app.settings import Settings, Unkept
    from hardattn_viewer.app.start import application
    from hardattn_viewer.app.submenus import SUBMENUS, plain_text, submenu_of
    from hardattn_viewer.session.session import Session

    app = application()
    window = MainWindow(Session(), Settings(Unkept()), [])
    commands = window.actions_.commands

    def line(command: Command) -> str:
        name = command.text.replace("&", "")
        inside = submenu_of(command)
        where = "" if inside is None else f"{plain_text(inside)} › "
        keys = ", ".join(f"`{_shown(key)}`" for key in command.keys) or "–"
        does = command.tooltip or name.rstrip("…")
        return f"| {_cell(where + name)} | {keys} | {_cell(does)} | `[{command.id}]` |"

    parts = [HEAD]
    for menu in MENUS:
        own = [command for command in commands if command.menu == menu]
        if own:
            # As the menu has them: what is in no submenu comes first.
            inner = [*SUBMENUS.get(menu, ())]
            own.sort(key=lambda one: -1 if (s := submenu_of(one)) is None else inner.index(s))
            rows = "\n".join(line(command) for command in own)
            parts.append(
                f"## {menu}\n\n| action | keys | what it does | test |\n|---|---|---|---|\n{rows}\n"
            )
    window.close()
    window.deleteLater()
    app.sendPostedEvents(None, 52)
    parts.append(f"Each test is `{TEST}::test_every_command_does_what_it_says[ID]`.\n")
    parts.append(SESSIONS.lstrip("\n"))
    topics = sorted((FOLDER / "viewer").glob("*.md"))
    if topics:
        links = "\n".join(f"- [{_title(path)}](viewer/{path.name})" for path in topics)
        parts.append(TOPICS.format(topics=links).lstrip("\n"))
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\\\|").replace("<", "&lt;")


def _shown(key: str) -> str:
    for name, sign in (("Left", "←"), ("Right", "→"), ("Up", "↑"), ("Down", "↓")):
        key = key.replace(name, sign)
    return key


def _title(path: Path) -> str:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.lstrip("# ").strip() or path.stem


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
