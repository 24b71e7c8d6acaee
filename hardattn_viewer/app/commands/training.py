"""Commands about training and about how numbers are shown."""

from __future__ import annotations

from collections.abc import Callable

from hardattn_viewer.app.actions import Command, Menu
from hardattn_viewer.app.commands.enabling import has_frame
from hardattn_viewer.app.commands.window_protocol import Window
from hardattn_viewer.session.display import BarOption, CurveOption, toggled
from hardattn_viewer.session.moving import snapshots
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState


def training_commands(session: Session, window: Window) -> list[Command]:
    """Snapshots in the Playback menu; distributions, curves and kept numbers in Analyse."""

    def snapshot(id_: str, text: str, key: str, go: Callable[[], None]) -> Command:
        return Command(id_, "Playback", text, go, (key,), enabled=_has_snapshots, group="snapshot")

    last = 1 << 30
    return [
        Command(
            "playSnapshots",
            "Playback",
            "Play over the s&napshots",
            session.play_snapshots,
            ("Shift+Space",),
            "Show snapshot after snapshot of a training; at the last one it starts over",
            _has_snapshots,
            lambda state: state.playing and state.playing_snapshots,
            group="snapshot",
        ),
        snapshot("nextSnapshot", "Next snapshot", "Ctrl+Right", lambda: session.next_snapshot(1)),
        snapshot(
            "previousSnapshot", "Previous snapshot", "Ctrl+Left", lambda: session.next_snapshot(-1)
        ),
        snapshot(
            "firstSnapshot", "First snapshot", "Ctrl+Home", lambda: session.next_snapshot(-last)
        ),
        snapshot("lastSnapshot", "Last snapshot", "Ctrl+End", lambda: session.next_snapshot(last)),
        _option(
            session,
            "sorted_bars",
            "&Sorted distribution",
            "Order the bars by falling probability",
            "Shift+S",
        ),
        _option(
            session,
            "log_bars",
            "&Logarithmic distribution",
            "Draw probabilities on a logarithmic axis",
        ),
        _option(
            session,
            "cumulative",
            "&Cumulative mass",
            "Draw the mass of the bars so far as a line from 0 to 1",
        ),
        _option(session, "bar_names", "&Names of the largest", "Name the most probable keys"),
        _option(
            session,
            "log_curves",
            "Logarithmic curves of &training",
            "Where every value is positive",
            group="curves",
        ),
        _option(
            session,
            "filtered_curves",
            "Curves of the &filtered examples",
            "Take means over training from the examples that pass the filter only",
            group="curves",
        ),
        Command(
            "keepNumbers",
            "Analyse",
            "&Keep these numbers",
            window.keep_numbers,
            ("Ctrl+Shift+K",),
            "Keep the inspector's numbers beside those of the places that you go to next",
            has_frame,
            lambda state: state.kept is not None,
            group="keep",
        ),
    ]


def _option(
    session: Session,
    name: BarOption | CurveOption,
    text: str,
    tooltip: str,
    key: str = "",
    group: str = "bars",
) -> Command:
    menu: Menu = "Analyse"
    return Command(
        f"show_{name}",
        menu,
        text,
        lambda: session.set_display(toggled(session.state.display, name)),
        (key,) if key else (),
        tooltip,
        checked=lambda state: bool(getattr(state.display, name)),
        group=group,
    )


def _has_snapshots(state: SessionState) -> bool:
    return snapshots(state) > 1
