"""The one session that all views share: what is open, where it is looked at, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardattn_viewer.session import comparing_places, live, moving, ranking
from hardattn_viewer.session.atlas import Atlas, HeadAt
from hardattn_viewer.session.beside import Beside, SitePairs
from hardattn_viewer.session.disagreements import By, Disagreement
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.history import NoteEdit, ViewState, with_view
from hardattn_viewer.session.marking import Marking
from hardattn_viewer.session.matrix import MatrixArea, MatrixLook
from hardattn_viewer.session.region_acts import RegionActs
from hardattn_viewer.session.requests import (
    CloseRequest,
    OpenRequest,
    RecoverRequest,
    StopRecoveryRequest,
    ThumbnailsRequest,
)
from hardattn_viewer.session.rows import Column, Sort
from hardattn_viewer.session.searching import Searching
from hardattn_viewer.session.state import (
    Checking,
    ComparePage,
    KeptNumbers,
    OpenRun,
    Recovery,
    Slot,
    ThemeChoice,
    View,
)
from hardattn_viewer.session.thumbnails import Image
from hardattn_viewer.session.wants import is_settled
from recorders.run.address import Address

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class Session(Searching, Marking, RegionActs):
    """Everything that a person can do to the one state that all views share.

    Args:
        wake: called on the reader thread when :meth:`collect` should be called on this one.
            None answers every request at once, on this thread.
    """

    # --- runs -----------------------------------------------------------------------------

    def open(self, paths: Sequence[Address]) -> None:
        """Open runs; one that is open already is not opened twice, one that failed is retried."""
        for path in paths:
            known = next((run for run in self.state.runs if run.path == path), None)
            if known is not None and known.status != "failed":
                continue
            if known is not None:
                self.close_run(known.key)
            key, self._next_key = self._next_key, self._next_key + 1
            self._change(runs=(*self.state.runs, OpenRun(key, path)))
            self._loader.submit(OpenRequest(key, path))
            self._collect_if_direct()

    def close_run(self, key: int) -> None:
        """Close a run and take it out of its slot."""
        self._loader.submit(CloseRequest(key))
        self._thumbnails.forget(key)
        state = self.state
        self._change(
            runs=tuple(run for run in state.runs if run.key != key),
            slot_a=None if state.slot_a == key else state.slot_a,
            slot_b=None if state.slot_b == key else state.slot_b,
        )

    def assign(self, key: int, slot: Slot) -> None:
        """Put a run into a slot; where it sits in the other one, the two change places."""
        state = self.state
        run = state.run(key)
        if run is None or run.status != "ready":
            return
        a, b = (key, state.slot_b) if slot == "A" else (state.slot_a, key)
        if a == b:
            a, b = state.slot_b, state.slot_a
        self._change("slots", slot_a=a, slot_b=b, focus=slot)

    def swap(self) -> None:
        """Exchange A and B, also where they are two places of one run."""
        self._change("slots", **comparing_places.swapped(self.state))

    def compare_with(self, key: int, beside: Beside) -> None:
        """Put a run into slot B at a place of its own: the run of A itself, or another one."""
        self._change("beside", **comparing_places.beside_a(self.state, key, beside))

    def compare_same(self) -> None:
        """Let B look where A looks again; where both are one run, B is another one or empty."""
        self._change("same place", **comparing_places.same_place(self.state))

    def show_comparison(self, page: ComparePage) -> None:
        """Show a page on A and B below their difference."""
        self._change(view="compare", compare_page=page)

    def set_ranking(self, by: By) -> None:
        """Rank the steps where A and B disagree by another measure."""
        self._change(rank_by=by)

    def go_to_disagreement(self, item: Disagreement) -> None:
        """Show a step where A and B disagree."""
        place = ranking.place_at(self.state, item)
        self._change("disagreement", place=place, hovered_query=None, following=False)

    def next_disagreement(self, by: int) -> None:
        """Go down (or up) in the list of where A and B disagree most."""
        item = ranking.neighbour(self.state, by)
        if item is not None:
            self.go_to_disagreement(item)

    def pair_sites(self, pairs: SitePairs) -> None:
        """Say which sites of A and B belong together where their names do not tell."""
        self._change(site_pairs=pairs)

    def look_at(self, slot: Slot) -> None:
        """Show the numbers of the run in ``slot``."""
        self._change("focus", focus=slot)

    # --- places ---------------------------------------------------------------------------

    def go_to_row(self, row: int) -> None:
        """Show the example in ``row`` of the example table."""
        if self.state.rows is not None and 0 <= row < len(self.state.rows):
            self._move("example", example=row, also=())

    def next_example(self, by: int) -> None:
        """Go down (or up) in the example table as it is filtered and sorted."""
        order = self.state.order
        if not order:
            return
        here = self.state.place.example
        at = order.index(here) + by if here in order else 0
        self.go_to_row(order[min(max(at, 0), len(order) - 1)])

    def go_to_step(self, step: int) -> None:
        """Show a step of this example; steps outside it are clamped."""
        last = max(self.state.frames.steps - 1, 0)
        self._move("step", step=min(max(step, 0), last))

    def next_step(self, by: int) -> None:
        """Go to a later (or earlier) step."""
        self.go_to_step(self.state.place.step + by)

    def next_head(self, by: int) -> None:
        """Go from the mean over heads to head 0, 1, … and round to the mean again."""
        if self.state.heads > 1:
            self.go_to_head(moving.head_after(self.state, by))

    def go_to_snapshot(self, snapshot: int | None) -> None:
        """Show the run as it was at another moment of its training."""
        self._move("snapshot", snapshot=snapshot)

    def next_snapshot(self, by: int) -> None:
        """Go to a later (or earlier) snapshot; the ends hold."""
        snapshot = moving.snapshot_after(self.state, by)
        if snapshot is not None:
            self.go_to_snapshot(snapshot)

    def go_to_head(self, head: int | None) -> None:
        """Show one head, or with None the mean over all of them."""
        if head is not None and not 0 <= head < self.state.heads:
            return
        if comparing_places.moves_beside(self.state):
            self._change("head", beside=replace(self.state.beside, head=head))
        else:
            self._move("head", head=head)

    def go_to_head_at(self, at: HeadAt) -> None:
        """Show a head of any site of the run in focus."""
        key, site = self.state.slot(self.state.site_slot), moving.site_named(self.state, at.site)
        if key is None or site is None or not 0 <= at.head < site.heads:
            return
        self._site_of[key] = at.site
        place = replace(moving.place_at_site(self.state, at.site), head=at.head)
        self._change("head", place=place)

    def go_to_site(self, site: str | None) -> None:
        """Show another attention site."""
        if comparing_places.moves_beside(self.state) and site is not None:
            self._change("site", beside=comparing_places.beside_at_site(self.state, site))
            return
        key = self.state.slot(self.state.site_slot)
        if key is not None and site is not None:
            self._site_of[key] = site
        self._change("site", place=moving.place_at_site(self.state, site))

    def next_site(self, by: int) -> None:
        """Go to the next (or previous) site of the run in focus; the ends hold."""
        self.go_to_site(moving.site_after(self.state, by))

    def go_to_query(self, query: int | None, step: int | None = None) -> None:
        """Look from another query, also of another step; None goes back to the usual one."""
        place = moving.place_at_query(self.state, query, step)
        self._change("query", place=place, hovered_query=None)

    def go_to_queries(self, queries: Sequence[int]) -> None:
        """Look from several queries at once: views show the mean of their rows."""
        place = moving.place_at_queries(self.state, queries)
        self._change("query", place=place, hovered_query=None)

    def toggle_query(self, query: int) -> None:
        """Take a query among those looked from, or out of them."""
        place = moving.place_with_query(self.state, query)
        self._change("query", place=place, hovered_query=None)

    def next_query(self, by: int) -> None:
        """Look from the next (or previous) query of this step; the ends hold."""
        frame = self.state.frame
        if frame is not None and frame.queries > 1:
            self.go_to_query(frame.query + by)

    def hover(self, key: int | None, query: int | None = None) -> None:
        """Preview a key in every view, and the row of a query."""
        self._change(hovered=key, hovered_query=query)

    def pin(self, key: int | None) -> None:
        """Hold on to a key; the same key again lets go, None also of those that were picked."""
        picked = () if key is None else self.state.picked
        self._change("pin", pinned=None if key == self.state.pinned else key, picked=picked)

    def let_go(self) -> None:
        """Let go of the pinned key and of a set of queries, or else of the chosen query."""
        place = self.state.place
        held = self.state.pinned is not None or bool(place.also or self.state.picked)
        place = replace(place, also=(), query=place.query if held else None)
        self._change("pin", pinned=None, picked=(), place=place)

    # --- playback -------------------------------------------------------------------------

    def play(self, playing: bool | None = None) -> None:
        """Start or stop playback; at the end of the example it starts over."""
        playing = not self.state.playing if playing is None else playing
        if playing and self._at_end() and self.state.loop is None:
            self.go_to_step(0 if self.state.speed > 0 else self.state.frames.steps - 1)
        self._change(playing=playing and self.state.frames.steps > 1, playing_snapshots=False)

    def play_snapshots(self, playing: bool | None = None) -> None:
        """Start or stop playback over the snapshots; at the last one it starts over."""
        going = self.state.playing and self.state.playing_snapshots
        playing = not going if playing is None else playing
        forward = self.state.speed > 0
        if playing and moving.is_last_snapshot(self.state, forward=forward):
            self.next_snapshot(-moving.snapshots(self.state) * (1 if forward else -1))
        playing = playing and moving.snapshots(self.state) > 1
        self._change(playing=playing, playing_snapshots=playing)

    def shuttle(self, direction: int) -> None:
        """J and L: play in a direction, faster each time; against it, slower first."""
        speed = moving.shuttled(self.state.speed, direction, SPEEDS[-1], self.state.playing)
        self._change(speed=speed)
        self.play(True)

    def set_speed(self, speed: float) -> None:
        """Set the playback speed; 1 shows two steps a second."""
        self._change(speed=speed)

    def tick(self) -> None:
        """Show the next step of playback, or stop where the example ends."""
        if not self.state.playing:
            return
        loop = self.state.loop
        if self.state.playing_snapshots:
            self._tick_snapshot()
        elif loop is not None:
            self.go_to_step(moving.looped(self.state.place.step, loop, self.state.speed))
        elif self._at_end():
            self._change(playing=False)
        else:
            self.next_step(1 if self.state.speed > 0 else -1)

    def _tick_snapshot(self) -> None:
        """The next snapshot, once this one is seen: none is left out, however slow the disk is."""
        forward = self.state.speed > 0
        if moving.is_last_snapshot(self.state, forward=forward):
            self._change(playing=False, playing_snapshots=False)
        elif is_settled(self.state):
            self.next_snapshot(1 if forward else -1)

    def _at_end(self) -> bool:
        step, steps = self.state.place.step, self.state.frames.steps
        return step >= steps - 1 if self.state.speed > 0 else step <= 0

    # --- numbers --------------------------------------------------------------------------

    def keep_numbers(self, kept: KeptNumbers | None) -> None:
        """Keep numbers, to compare those of other places with them; None lets go."""
        self._change(kept=kept)

    # --- looks ----------------------------------------------------------------------------

    def set_view(self, view: View) -> None:
        """Show another of the main pictures."""
        self._change("view", view=view)

    def set_display(self, display: Display) -> None:
        """Change how attention is drawn."""
        self._change("display", display=display)

    def set_atlas(self, atlas: Atlas, view: View | None = None) -> None:
        """Change how all heads are shown, or which are picked; ``view`` to be seen with it."""
        self._change("atlas", atlas=atlas, view=view or self.state.view)

    def set_matrix(self, look: MatrixLook) -> None:
        """Change how the matrix is looked at; a zoom that goes on is undone at once."""
        only_zoom = look.zoom != self.state.matrix.zoom
        self._change("zoom" if only_zoom else "matrix", matrix=look)

    def give_matrix_room(self, area: MatrixArea) -> None:
        """Say how much room the cells of a matrix have: what is read depends on it."""
        self._change(matrix_area=area)

    def set_theme(self, theme: ThemeChoice) -> None:
        """Choose dark, light or what the system says."""
        self._change(theme=theme)

    def set_sort(self, column: Column, descending: bool) -> None:
        """Sort the example table."""
        self._change("sort", sort=Sort(column, descending))

    def set_filter(self, text: str) -> None:
        """Filter the example table; an expression that is wrong leaves it as it was."""
        self._change("filter", filter=text)

    def show_view(self, view: ViewState) -> None:
        """Show what was once shown, as one change that is not undone."""
        self._replace(with_view(replace(self.state, following=False), view))

    def undo(self) -> None:
        """Take back the last change of the view or of a note, and stay there."""
        found = self.history.back(replace(self.state, following=False))
        if isinstance(found, NoteEdit):
            self._apply(found.key, found.after, found.before)
        else:
            self._replace(found)

    def redo(self) -> None:
        """Make the change again that was taken back."""
        found = self.history.forth(replace(self.state, following=False))
        if isinstance(found, NoteEdit):
            self._apply(found.key, found.before, found.after)
        else:
            self._replace(found)

    # --- thumbnails -----------------------------------------------------------------------

    def thumbnail(self, row: int) -> Image | None:
        """The small image of a row, None where there is none or it was not asked for yet."""
        return self._thumbnails.of(self.state, row)

    def beginning(self, row: int) -> str:
        """How the text of a row begins; empty where it has none or was not asked for yet."""
        return self._thumbnails.text_of(self.state, row)

    def want_thumbnails(self, rows: Sequence[int]) -> None:
        """Ask for the small images of the rows that can be seen."""
        missing = self._thumbnails.missing(self.state, rows)
        if missing:
            self._loader.submit(ThumbnailsRequest(self._new("thumbnails"), missing))
            self._collect_if_direct()

    # --- runs that are being recorded, or were cut off ------------------------------------

    def follow(self, following: bool | None = None) -> None:
        """Show the newest step as it comes, or stay where the view is; None changes over."""
        following = not self.state.following if following is None else following
        if following and live.followed_slot(self.state) is None:
            return
        self._followed = live.followed_run(self.state)
        if following and not self.state.following:
            self.history.note(self.state, "follow")
        state = replace(self.state, following=following, playing=False)
        self._replace(live.at_newest(state, self._followed) if following else state)

    def recover(self, key: int | None = None) -> None:
        """Join what a recording left whose writer is gone; None is the run in focus."""
        run = live.left_run(self.state) if key is None else self.state.run(key)
        going = self.state.recovery is not None and self.state.recovery.state == "running"
        if run is None or run.live is None or going:
            return
        into = run.live.into
        self._change(recovery=Recovery(run.key, into))
        self._loader.submit(RecoverRequest(run.key, run.live.parts, into))
        self._collect_if_direct()

    def tell_check(self, checking: Checking | None, *, wrote: bool = False) -> None:
        """Take in how far a check is; ``wrote`` where its file holds more than before."""
        self._change(checking=checking, checks=self.state.checks + wrote)

    def stop_recovery(self) -> None:
        """Give up a recovery that goes on, or let go of one that ended."""
        if self.state.recovery is not None and self.state.recovery.state == "running":
            self._loader.submit(StopRecoveryRequest())
        else:
            self._change(recovery=None)
