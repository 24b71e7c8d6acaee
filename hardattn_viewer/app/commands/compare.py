"""The commands of the Analyse menu that are about A and B: places, disagreements, repeats."""

from __future__ import annotations

from typing import cast

from PySide6.QtWidgets import QWidget

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.beside_dialog import About, BesideDialog
from hardattn_viewer.app.commands.window_protocol import Window
from hardattn_viewer.session.comparing import comparison_of
from hardattn_viewer.session.display import toggled
from hardattn_viewer.session.pairing import is_within
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import ComparePage, SessionState
from hardattn_viewer.views.disagreements_page import DisagreementsPage


def compare_commands(session: Session, window: Window) -> list[Command]:
    """What is compared with what, and the way through where it disagrees."""
    parent = cast("QWidget", window)

    def ask(about: About) -> None:
        BesideDialog(session, about, parent).open()

    def save() -> None:
        page = parent.findChild(DisagreementsPage)
        if isinstance(page, DisagreementsPage):
            page.choose_file()

    return [
        Command(
            "compareMaps",
            "Analyse",
            "Compare whole &maps",
            lambda: session.set_display(toggled(session.state.display, "maps")),
            ("Ctrl+M",),
            "In Compare, subtract all queries × keys instead of the row of one query",
            lambda state: state.view == "compare",
            lambda state: state.display.maps,
            group="compareMaps",
        ),
        Command(
            "compareHead",
            "Analyse",
            "Compare with another &head of this run…",
            lambda: ask("head"),
            ("Shift+C",),
            "Show the run of A in B too, at another head",
            _has_places,
            group="places",
        ),
        Command(
            "compareSite",
            "Analyse",
            "Compare with another &site of this run…",
            lambda: ask("site"),
            tooltip="Show the run of A in B too, at another attention site",
            enabled=_has_places,
            group="places",
        ),
        Command(
            "compareSnapshot",
            "Analyse",
            "Compare with another s&napshot of this run…",
            lambda: ask("snapshot"),
            tooltip="Show the run of A in B too, at another moment of its training",
            enabled=_has_snapshots,
            group="places",
        ),
        Command(
            "compareWith",
            "Analyse",
            "Compare &with…",
            lambda: ask("pair"),
            tooltip="Choose run, site, head and snapshot of B; sites chosen here are remembered",
            enabled=lambda state: state.slot_a is not None,
            group="places",
        ),
        Command(
            "compareSame",
            "Analyse",
            "Look at the same p&lace in A and B",
            session.compare_same,
            tooltip="Let B follow A again",
            enabled=lambda state: state.beside.is_set or is_within(state),
            group="places",
        ),
        _page(session, "numbers", "&Numbers between A and B", ()),
        _page(session, "heads", "Numbers of each h&ead", ()),
        _page(session, "worst", "Where A and B &disagree most", ("Ctrl+D",)),
        _page(session, "repeats", "Sampled choices against their &repeats", ()),
        Command(
            "nextDisagreement",
            "Analyse",
            "Ne&xt disagreement",
            lambda: session.next_disagreement(1),
            ("D",),
            "Go down in the list of where A and B disagree most",
            _has_ranked,
            group="disagreements",
        ),
        Command(
            "previousDisagreement",
            "Analyse",
            "&Previous disagreement",
            lambda: session.next_disagreement(-1),
            ("Shift+D",),
            "Go up in the list of where A and B disagree most",
            _has_ranked,
            group="disagreements",
        ),
        Command(
            "saveDisagreements",
            "Analyse",
            "Save the &list of disagreements…",
            save,
            tooltip="Write the list with all its numbers as a CSV file",
            enabled=_has_ranked,
            group="disagreements",
        ),
    ]


def _page(session: Session, page: ComparePage, text: str, keys: tuple[str, ...]) -> Command:
    return Command(
        f"page_{page}",
        "Analyse",
        text,
        lambda: session.show_comparison(page),
        keys,
        enabled=lambda state: state.slot_a is not None and state.slot_b is not None,
        checked=lambda state: state.view == "compare" and state.compare_page == page,
        group="pages",
    )


def _has_places(state: SessionState) -> bool:
    facts = state.facts("A")
    return facts is not None and (
        len(facts.sites) > 1 or any(site.heads > 1 for site in facts.sites)
    )


def _has_snapshots(state: SessionState) -> bool:
    facts = state.facts("A")
    return facts is not None and len(facts.snapshots) > 1


def _has_ranked(state: SessionState) -> bool:
    found = comparison_of(state)
    return found is not None and found.tops.seen > 0
