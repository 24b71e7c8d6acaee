"""What a person can do to find steps: search, go to the next hit, repeat a range."""

from __future__ import annotations

from dataclasses import replace

from hardattn_viewer.session.engine import Engine
from hardattn_viewer.session.finding import checked, hits_of
from hardattn_viewer.session.requests import Studied


class Searching(Engine):
    """The part of a session that finds steps."""

    # Which way to go once the hits are known, where a person could not wait.
    _then = 0

    def set_find(self, text: str) -> None:
        """Search the steps where an expression holds; empty ends the search."""
        if text != self.state.find.text:
            self._then = 0
            self._change("find", find=checked(self.state, text))

    def find_next(self, by: int = 1) -> None:
        """Go to the next hit (or the one before), in this example or in those listed after it."""
        if not self.state.find.text.strip() or self.state.find.error:
            return
        hits = hits_of(self.state)
        if hits is None:
            self._then = by
            self._say("Searching…")
            return
        self._then = 0
        state = self.state
        found = hits.after(state.order, state.place.example, state.place.step, by)
        if found is None:
            self._say("No step of the examples listed")
            return
        row, step, passed = found
        words = ""
        if passed:
            words = "From the start again" if by > 0 else "From the end again"
        self._say(words)
        self._move("hit", example=row, step=step)

    def set_loop(self, first: int | None, last: int | None = None) -> None:
        """Repeat a range of steps while playing; None lets playback run through again."""
        steps = self.state.frames.steps
        if first is None or steps < 2:
            self._change("loop", loop=None)
            return
        last = first if last is None else last
        low, high = (min(max(one, 0), steps - 1) for one in sorted((first, last)))
        self._change("loop", loop=None if low == high else (low, high))

    def set_tracks(self, tracks: tuple[str, ...], *, undoable: bool = True) -> None:
        """Choose the numbers of steps that the timeline shows."""
        self._change("tracks" if undoable else "", tracks=tracks)

    def _say(self, words: str) -> None:
        self._change(find=replace(self.state.find, said=words))

    def _studied(self, answer: Studied) -> None:
        super()._studied(answer)
        if answer.kind == "hits" and answer.finished and self._then:
            self.find_next(self._then)
