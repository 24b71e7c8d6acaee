"""The commands of the Playback menu: steps, examples, playing and following."""

from __future__ import annotations

from collections.abc import Callable

from hardattn_viewer.app.actions import Command
from hardattn_viewer.session.live import followed_slot
from hardattn_viewer.session.session import SPEEDS, Session
from hardattn_viewer.session.state import SessionState


def playback_commands(session: Session) -> list[Command]:
    """Everything in the Playback menu, in its order."""

    def step(id_: str, text: str, keys: tuple[str, ...], go: Callable[[], None]) -> Command:
        return Command(id_, "Playback", text, go, keys, enabled=_has_steps, group="step")

    def example(id_: str, text: str, key: str, by: int) -> Command:
        return Command(
            id_,
            "Playback",
            text,
            lambda: session.next_example(by),
            (key,),
            enabled=lambda state: bool(state.order),
            group="example",
        )

    return [
        Command(
            "play",
            "Playback",
            "&Play or pause",
            session.play,
            ("Space",),
            "Show step after step; at the end it starts over",
            _has_steps,
            lambda state: state.playing,
        ),
        Command(
            "follow",
            "Playback",
            "&Follow the recording",
            session.follow,
            ("F",),
            "Show the newest step of a run that is being recorded, as it comes",
            lambda state: followed_slot(state) is not None,
            lambda state: state.following,
        ),
        Command(
            "backwards",
            "Playback",
            "Play backwards",
            lambda: session.shuttle(-1),
            ("J",),
            "Again for faster",
            _has_steps,
        ),
        Command(
            "pause", "Playback", "Pause", lambda: session.play(False), ("K",), enabled=_has_steps
        ),
        Command(
            "forwards",
            "Playback",
            "Play forwards",
            lambda: session.shuttle(1),
            ("L",),
            "Again for faster",
            _has_steps,
        ),
        step("forward", "Next step", ("Right",), lambda: session.next_step(1)),
        step("back", "Previous step", ("Left",), lambda: session.next_step(-1)),
        step("forward10", "Ten steps on", ("Shift+Right",), lambda: session.next_step(10)),
        step("back10", "Ten steps back", ("Shift+Left",), lambda: session.next_step(-10)),
        step("first", "First step", ("Home",), lambda: session.go_to_step(0)),
        step("last", "Last step", ("End",), lambda: session.go_to_step(session.state.frames.steps)),
        example("nextExample", "Next example", "Down", 1),
        example("previousExample", "Previous example", "Up", -1),
        *(_speed(session, speed) for speed in SPEEDS),
    ]


def _has_steps(state: SessionState) -> bool:
    return state.frames.steps > 1


def _speed(session: Session, speed: float) -> Command:
    return Command(
        f"speed_{speed:g}",
        "Playback",
        f"Speed {speed:g}×",
        lambda: session.set_speed(speed),
        checked=lambda state: abs(state.speed) == speed,
        group="speed",
    )
