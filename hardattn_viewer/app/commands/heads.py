"""Commands about all heads, in the Analyse menu: how they are shown, sorted and picked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hardattn_viewer.app.actions import Command
from hardattn_viewer.app.commands.enabling import has_frame
from hardattn_viewer.session.atlas import MEASURES, WORDS, Atlas, AtlasMode, HeadAt, Measure
from hardattn_viewer.session.head_numbers import HeadNumbers
from hardattn_viewer.session.head_order import Shown, head_after, shown_heads
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState


def heads_commands(session: Session) -> list[Command]:
    """Everything about heads in the Analyse menu, in its order."""

    def show(change: Callable[[Atlas], Atlas]) -> None:
        session.set_atlas(change(session.state.atlas), "heads")

    def mode(mode: AtlasMode, text: str, note: str) -> Command:
        return Command(
            f"heads_{mode}",
            "Analyse",
            text,
            lambda: show(lambda atlas: replace(atlas, mode=mode)),
            tooltip=note,
            enabled=has_frame,
            checked=lambda state: state.atlas.mode == mode,
            group="headsMode",
        )

    def sort(measure: Measure) -> Command:
        return Command(
            f"heads_sort_{measure}",
            "Analyse",
            f"Sort heads by {WORDS[measure].name}",
            lambda: show(lambda atlas: replace(atlas, measure=measure, by_measure=True)),
            tooltip=WORDS[measure].note,
            enabled=has_frame,
            checked=lambda state: state.atlas.by_measure and state.atlas.measure == measure,
            group="headsSort",
        )

    def step(id_: str, text: str, key: str, by: int) -> Command:
        return Command(
            id_,
            "Analyse",
            text,
            lambda: _go(session, by),
            (key,),
            "In the order in which the heads are shown",
            _shows_heads,
            group="headsStep",
        )

    return [
        mode("maps", "Small &maps of all heads", "A small map of each head"),
        mode("cells", "Coloured &cells of all heads", "Each head in the colour of its measure"),
        Command(
            "heads_scale",
            "Analyse",
            "One &scale for all small maps",
            lambda: show(lambda a: replace(a, scale="each" if a.scale == "all" else "all")),
            tooltip="Or each map to its own largest probability",
            enabled=has_frame,
            checked=lambda state: state.atlas.scale == "all",
            group="headsMode",
        ),
        Command(
            "heads_model_order",
            "Analyse",
            "Heads in the order of the mo&del",
            lambda: show(lambda atlas: replace(atlas, by_measure=False)),
            tooltip="Layers × heads",
            enabled=has_frame,
            checked=lambda state: not state.atlas.by_measure,
            group="headsSort",
        ),
        *(sort(measure) for measure in MEASURES),
        Command(
            "heads_reverse",
            "Analyse",
            "&Largest first",
            lambda: show(lambda atlas: replace(atlas, descending=not atlas.descending)),
            tooltip="Turn the order of the sort round",
            enabled=has_frame,
            checked=lambda state: state.atlas.descending,
            group="headsSort",
        ),
        step("heads_next", "&Next head of the sort", "Alt+]", 1),
        step("heads_previous", "&Previous head of the sort", "Alt+[", -1),
        Command(
            "heads_pick",
            "Analyse",
            "Pick &this head",
            lambda: _pick(session),
            ("Ctrl+Shift+H",),
            "Add the head that is looked at to the mean of the picked ones, or take it out",
            lambda state: _current(state) is not None,
            lambda state: _current(state) in state.atlas.picked,
            group="headsPick",
        ),
        Command(
            "heads_pick_all",
            "Analyse",
            "Pick &all shown heads",
            lambda: _pick_all(session),
            ("Ctrl+A",),
            "The mean of every head that passes the filter",
            _shows_heads,
            group="headsPick",
        ),
        Command(
            "heads_clear",
            "Analyse",
            "Clea&r picked heads",
            lambda: session.set_atlas(replace(session.state.atlas, picked=())),
            tooltip="Let go of all of them",
            enabled=lambda state: bool(state.atlas.picked),
            group="headsPick",
        ),
    ]


def _shown(state: SessionState) -> Shown | None:
    result = state.studies.get("heads")
    numbers = result.value if result is not None else None
    return shown_heads(numbers, state.atlas) if isinstance(numbers, HeadNumbers) else None


def _shows_heads(state: SessionState) -> bool:
    result = state.studies.get("heads")
    return result is not None and result.value is not None


def _current(state: SessionState) -> HeadAt | None:
    """The head that is looked at; None where that is the mean of several."""
    site, head = state.site, state.place.head
    if site is None:
        return None
    if site.heads == 1:
        return HeadAt(site.name, 0)
    return HeadAt(site.name, head) if head is not None else None


def _go(session: Session, by: int) -> None:
    shown = _shown(session.state)
    head = head_after(shown, _current(session.state), by) if shown is not None else None
    if head is not None:
        session.go_to_head_at(head)


def _pick(session: Session) -> None:
    head = _current(session.state)
    if head is not None:
        session.set_atlas(session.state.atlas.toggled(head))


def _pick_all(session: Session) -> None:
    shown = _shown(session.state)
    if shown is not None:
        session.set_atlas(session.state.atlas.with_picked(shown.heads))
