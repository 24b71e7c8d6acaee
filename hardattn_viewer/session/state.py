"""What a session knows at one moment, frozen; views compare two and redraw the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from hardattn_viewer.session.atlas import Atlas
from hardattn_viewer.session.beside import Beside, SitePairs
from hardattn_viewer.session.bookmarks import Notebook
from hardattn_viewer.session.disagreements import By
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame, Place, Target
from hardattn_viewer.session.hits import Find
from hardattn_viewer.session.matrix import MatrixArea, MatrixLook
from hardattn_viewer.session.pairing import head_in, site_in
from hardattn_viewer.session.recorded import Verification, verification_kind
from hardattn_viewer.session.rows import Rows, Sort
from hardattn_viewer.session.studies import StudyResult
from recorders.run.address import Address
from recorders.run.parts import Doing
from recorders.run.text import visible

Slot = Literal["A", "B"]
SLOTS: tuple[Slot, Slot] = ("A", "B")
USUAL_TRACKS = ("entropy", "p_selected", "reward", "baseline")
View = Literal["overlay", "matrix", "heads", "compare", "faithfulness", "training"]
ComparePage = Literal["numbers", "heads", "worst", "repeats"]
Status = Literal["loading", "waiting", "ready", "failed"]
ThemeChoice = Literal["system", "dark", "light"]


@dataclass(frozen=True)
class SiteFacts:
    """What the session needs to know of one attention site.

    Attributes:
        name: the site's name in the run.
        mechanism: for example ``"sampled"`` or ``"soft"``.
        hard: whether items are selected at this site (and not blended).
        heads: number of heads.
        key_axis: what a key is, for example ``"regions"``.
        verified: the recorder's word on this site.
        capture: how attention was found there: ``"tap"``, ``"log"``, ``"watch"``.
        kind: for example ``"self"`` or ``"cross"``; may be empty.
        layer: layer of the model, from 0; -1 for unknown.
        head_indices: the recorded heads' numbers in the model; empty where they are not known.
        large: whether a map is so large that only the row looked from is read, and an overview.
    """

    name: str
    mechanism: str
    hard: bool
    heads: int
    key_axis: str = ""
    verified: str = ""
    capture: str = ""
    kind: str = ""
    layer: int = -1
    head_indices: tuple[int, ...] = ()
    large: bool = False

    @property
    def verification(self) -> Verification:
        """What :attr:`verified` comes down to."""
        return verification_kind(self.verified)

    def head_words(self, head: int | None) -> str:
        """What is shown of the heads, for example ``"mean of 12"`` or ``"7 of 12"``."""
        if head is None:
            return f"mean of {self.heads}"
        number = self.head_indices[head] if head < len(self.head_indices) else head
        # Where only some heads were recorded, the number in the model is the one that means much.
        own = "" if number == head else f" (recorded as {head})"
        return f"{number}{own} of {self.heads}"


@dataclass(frozen=True)
class Newest:
    """Where a site's last event is.

    Attributes:
        example: index of the example in the run.
        step: its step.
        snapshot: index of the snapshot.
    """

    example: int
    step: int
    snapshot: int


@dataclass(frozen=True)
class Live:
    """What becomes of a run that is not sealed.

    Attributes:
        doing: what its recording is doing.
        written: when its newest part was written, in seconds since 1970.
        parts: its folder of parts.
        into: the file that it would be recovered into.
    """

    doing: Doing
    written: float
    parts: Path
    into: Path


@dataclass(frozen=True)
class Recovery:
    """A run that is being recovered, or was.

    Attributes:
        key: the open run.
        into: the file that is made.
        done: how much of it is done, in [0, 1].
        state: ``"running"``, ``"done"`` or ``"failed"``.
        error: why it failed, in one sentence.
        lost: what of the parts is not in the file, or cannot be read in it, in sentences.
    """

    key: int
    into: Path
    done: float = 0.0
    state: Literal["running", "done", "failed"] = "running"
    error: str = ""
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checking:
    """A check of faithfulness that is going on in another process, or ended.

    Attributes:
        key: the open run.
        done: how much of it is done, in [0, 1].
        words: what is being done.
        state: ``"running"``, ``"done"``, ``"stopped"`` or ``"failed"``.
        error: why it failed, in one sentence.
    """

    key: int
    done: float = 0.0
    words: str = ""
    state: Literal["running", "done", "stopped", "failed"] = "running"
    error: str = ""


@dataclass(frozen=True)
class RunFacts:
    """What is shown of a run as a whole; read when it is opened, and when something came to it.

    Attributes:
        name: the run's name.
        size: bytes on disk.
        sealed: False while the run is still a folder of parts.
        sites: the run's attention sites, in order.
        examples: number of examples.
        steps: the largest number of steps that an example has at the first site.
        regions: number of regions of the first example, or 0.
        tokens: number of tokens of the first example, or 0.
        snapshots: training step of each snapshot.
        codec_error: largest error that storing the probabilities made.
        producer: what wrote the run.
        left_out: sentences that say what was not recorded.
        changed: sentences that say what recording changed about the run of the model.
        newest: for each site where its last event is; None where it has none.
        notices: sentences that say what of the file is damaged, unknown or not checked.
        repeated: whether it holds examples of equal content, as one that was run several times.
        recorded: what any example has, see ``Run.recorded``.
        scalars: names of the scalars that were recorded.
    """

    name: str
    size: int
    sealed: bool
    sites: tuple[SiteFacts, ...]
    examples: int
    steps: int
    regions: int
    tokens: int
    snapshots: tuple[int, ...]
    codec_error: float = 0.0
    producer: str = ""
    left_out: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    newest: tuple[Newest | None, ...] = ()
    notices: tuple[str, ...] = ()
    repeated: bool = False
    recorded: frozenset[str] = frozenset()
    scalars: tuple[str, ...] = ()

    @property
    def mismatches(self) -> tuple[SiteFacts, ...]:
        """The sites whose record is not what the model used."""
        return tuple(site for site in self.sites if site.verification == "mismatch")

    def has_site(self, name: str | None) -> bool:
        """Whether a site of that name was recorded; None stands for the first one."""
        return any(name is None or site.name == name for site in self.sites)

    def site(self, name: str | None) -> SiteFacts | None:
        """The site called ``name``; the first one where that is None or not in the run."""
        for site in self.sites:
            if site.name == name:
                return site
        return self.sites[0] if self.sites else None


@dataclass(frozen=True)
class OpenRun:
    """One run in the list of runs.

    Attributes:
        key: a number that stays the run's own while the session lasts.
        path: the file or folder of parts.
        status: ``"loading"``, ``"waiting"`` for the first part of a recording that has begun,
            ``"ready"`` or ``"failed"``.
        error: one sentence that says why it failed, or cannot be followed; empty otherwise.
        facts: what is known of it; None until it is ready.
        generation: grows by one whenever something came to the run.
        live: what becomes of it; None where it is sealed, or not ready.
    """

    key: int
    path: Address
    status: Status = "loading"
    error: str = ""
    facts: RunFacts | None = None
    generation: int = 0
    live: Live | None = None

    @property
    def name(self) -> str:
        """The run's name, or its file name while nothing else is known."""
        return self.facts.name if self.facts else visible(self.path.stem)


@dataclass(frozen=True)
class Frames:
    """What slots A and B show: a frame each, or words why there is none.

    Attributes:
        a: the frame of slot A, or None.
        b: the frame of slot B, or None.
        why_a: why slot A has no frame; empty where it has one or holds no run.
        why_b: the same for slot B.
        targets: what A and B were asked to show; both None before the first answer.
        milliseconds: how long reading took; 0 where the frames were in memory.
    """

    a: Frame | None = None
    b: Frame | None = None
    why_a: str = ""
    why_b: str = ""
    targets: tuple[Target | None, Target | None] = (None, None)
    milliseconds: float = 0.0

    def of(self, slot: Slot) -> Frame | None:
        """The frame in ``slot``."""
        return self.a if slot == "A" else self.b

    def why(self, slot: Slot) -> str:
        """Why ``slot`` has no frame."""
        return self.why_a if slot == "A" else self.why_b

    @property
    def present(self) -> tuple[Frame, ...]:
        """The frames that there are, A before B."""
        return tuple(frame for frame in (self.a, self.b) if frame is not None)

    @property
    def steps(self) -> int:
        """The largest number of steps of the frames; 0 without frames."""
        return max((frame.steps for frame in self.present), default=0)


@dataclass(frozen=True)
class KeptNumbers:
    """The inspector's numbers at another place.

    Attributes:
        title: where that was.
        values: by name, as they were shown.
    """

    title: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class SessionState:
    """Everything that the app shows, at one moment.

    Attributes:
        runs: the open runs, in the order in which they were opened.
        slot_a: key of the run in slot A, or None.
        slot_b: key of the run in slot B, or None.
        focus: the slot whose numbers the inspector shows.
        place: where the session is; ``place.example`` is a row of ``rows``.
        rows: the examples of A and B, aligned; None until they are read.
        order: the rows that pass the filter, sorted; what the table lists.
        frames: what A and B show.
        beside: how the place of B differs from that of A; where both slots hold the same run,
            it is another place of that run.
        site_pairs: sites of A and B that a person has said belong together.
        rank_by: the measure by which steps are ranked where A and B disagree.
        compare_page: which page on A and B is shown below their difference.
        pinned: the key that was clicked, or None.
        picked: further keys, whose mass is summed.
        hovered: the key under the pointer, or None.
        hovered_query: the query under the pointer, or None; its row is previewed.
        view: which picture the middle of the window shows.
        display: drawing choices.
        atlas: how all heads are shown, and which of them are picked.
        playing: whether playback runs.
        playing_snapshots: whether it goes over the snapshots of training, not over steps.
        speed: playback speed; negative plays backwards.
        theme: ``"system"``, ``"dark"`` or ``"light"``.
        sort: column and direction of the example table.
        filter: the filter expression as typed.
        filter_error: what is wrong with it, in words; empty where nothing is.
        filter_mark: the characters of it that are meant, first and after the last.
        thumbnails: grows by one whenever thumbnails arrived.
        following: whether the newest step is shown as it comes.
        recovery: the recovery that goes on, or the last one until it is dismissed.
        checking: the check of faithfulness that goes on, or the last one until it is dismissed.
        checks: grows whenever a check has written something.
        kept: numbers that were kept to be compared with the present ones, or None.
        matrix: how the matrix of queries × keys is looked at.
        matrix_area: the room that it has; None before it was shown.
        studies: what is known by now of each kind of study that this state wants.
        find: the search for steps.
        loop: the first and the last step that playback repeats; None for all of them.
        tracks: the numbers of steps that the timeline shows, by name.
        notebooks: the bookmarks of each open run, by its key.
    """

    runs: tuple[OpenRun, ...] = ()
    slot_a: int | None = None
    slot_b: int | None = None
    focus: Slot = "A"
    place: Place = field(default_factory=Place)
    rows: Rows | None = None
    order: tuple[int, ...] = ()
    frames: Frames = field(default_factory=Frames)
    beside: Beside = field(default_factory=Beside)
    site_pairs: SitePairs = ()
    rank_by: By = "jensen_shannon"
    compare_page: ComparePage = "numbers"
    pinned: int | None = None
    picked: tuple[int, ...] = ()
    hovered: int | None = None
    hovered_query: int | None = None
    view: View = "overlay"
    display: Display = field(default_factory=Display)
    atlas: Atlas = field(default_factory=Atlas)
    playing: bool = False
    playing_snapshots: bool = False
    speed: float = 1.0
    theme: ThemeChoice = "system"
    sort: Sort = field(default_factory=Sort)
    filter: str = ""
    filter_error: str = ""
    filter_mark: tuple[int, int] = (0, 0)
    thumbnails: int = 0
    following: bool = False
    recovery: Recovery | None = None
    checking: Checking | None = None
    checks: int = 0
    kept: KeptNumbers | None = None
    matrix: MatrixLook = field(default_factory=MatrixLook)
    matrix_area: MatrixArea | None = None
    studies: Mapping[str, StudyResult] = field(default_factory=dict)
    find: Find = field(default_factory=Find)
    loop: tuple[int, int] | None = None
    tracks: tuple[str, ...] = USUAL_TRACKS
    notebooks: Mapping[int, Notebook] = field(default_factory=dict)

    def slot(self, slot: Slot) -> int | None:
        """The key of the run in ``slot``."""
        return self.slot_a if slot == "A" else self.slot_b

    def run(self, key: int | None) -> OpenRun | None:
        """The open run with ``key``."""
        # Asked hundreds of times a change: a generator would take twice as long.
        for run in self.runs:
            if run.key == key:
                return run
        return None

    def run_in(self, slot: Slot) -> OpenRun | None:
        """The run in ``slot``, whatever its status."""
        return self.run(self.slot(slot))

    def facts(self, slot: Slot) -> RunFacts | None:
        """What is known of the run in ``slot``."""
        run = self.run_in(slot)
        return run.facts if run else None

    @property
    def leader(self) -> RunFacts | None:
        """The run that ``place.snapshot`` counts in: the first with several, else the first."""
        present = [facts for slot in SLOTS if (facts := self.facts(slot)) is not None]
        several = (facts for facts in present if len(facts.snapshots) > 1)
        return next(several, present[0] if present else None)

    def slot_of(self, key: int) -> Slot | None:
        """The slot that holds the run with ``key``."""
        return "A" if key == self.slot_a else "B" if key == self.slot_b else None

    @property
    def frame(self) -> Frame | None:
        """The frame of the slot in focus, or of the other one where that has none."""
        return self.frames.of(self.focus) or self.frames.a or self.frames.b

    @property
    def shown_slot(self) -> Slot:
        """The slot that :attr:`frame` comes from."""
        if self.frames.of(self.focus) is not None or self.frame is None:
            return self.focus
        return "A" if self.frames.a is not None else "B"

    @property
    def marked(self) -> int | None:
        """The key that all views mark: the hovered one, else the pinned one."""
        return self.hovered if self.hovered is not None else self.pinned

    @property
    def query(self) -> int | None:
        """The query that all views show: the one under the pointer, else the chosen one."""
        return self.place.query if self.hovered_query is None else self.hovered_query

    @property
    def rows_asked(self) -> tuple[int | None, tuple[int, ...], bool]:
        """Whose rows all views show the mean of: a query, further ones, and whether whole words."""
        also = self.place.also if self.hovered_query is None else ()
        return self.query, also, self.display.subwords == "words"

    @property
    def site_slot(self) -> Slot:
        """The slot whose sites can be chosen from: that in focus, also where it shows none."""
        return self.focus if self.facts(self.focus) is not None else self.shown_slot

    @property
    def site(self) -> SiteFacts | None:
        """The site that is shown of the slot in focus; None without a run, or without that site."""
        return site_in(self, self.site_slot)

    @property
    def head(self) -> int | None:
        """The head that is shown of the slot in focus; None for the mean over its heads."""
        return head_in(self, self.site_slot)

    @property
    def heads(self) -> int:
        """The number of heads of the slot in focus; 0 without a run."""
        return self.site.heads if self.site else 0


def key_in_focus(state: SessionState, frame: Frame) -> int | None:
    """The key whose numbers are shown: marked, else selected, else the most probable one.

    Of a frame that shows words or hides keys, it is the item.
    """
    marked = frame.item_of(state.marked)
    if marked is not None and marked < frame.probabilities.size:
        return marked
    if frame.selection:
        return frame.selection[0]
    if frame.probabilities.size == 0 or bool(np.isnan(frame.probabilities).all()):
        return None
    return int(np.nanargmax(frame.probabilities))
