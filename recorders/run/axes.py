"""What the queries and keys of a run's events are: tokens, regions of an image, or just numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.index import RowIndex
from recorders.run.layout import BEAM, BEAM_PARENT, MEMORY_AXIS, TARGET_AXIS
from recorders.run.records import Event, Example, LaterToken, Site, Snapshot
from recorders.run.tables import TextColumn
from recorders.run.text import visible

_AXES = {"tokens": 0, "target": TARGET_AXIS, "slots": MEMORY_AXIS}
_OF_EXAMPLES = ("events", "scalars", "outcomes", "later_tokens", "frames")
_INDEX = ("snapshot", "example", "step")


class RunAxes(ABC):
    """The part of a ``Run`` that tells what its queries and keys are; it reads no map."""

    sites: Sequence[Site]
    examples: Sequence[Example]
    snapshots: Sequence[Snapshot]
    _site_numbers: dict[str, int]
    _columns: dict[str, NDArray[Any]]
    _texts: dict[str, TextColumn]

    @property
    @abstractmethod
    def name(self) -> str:
        """The run's name, for messages."""

    @cached_property
    def example_names(self) -> tuple[str, ...]:
        """The names of all examples, in their order."""
        return tuple(self._texts["examples/name"])

    @property
    def example_digests(self) -> NDArray[np.uint8]:
        """SHA-256 of the content of every example, uint8 [examples, 32]."""
        digests: NDArray[np.uint8] = self._columns["examples/sha256"].copy()
        return digests

    @cached_property
    def newest(self) -> tuple[tuple[int, int, int] | None, ...]:
        """For each site example, step and snapshot of its last event; None where it has none."""
        sites, *where = (
            self._columns[f"events/{name}"] for name in ("site", "example", "step", "snapshot")
        )
        last = np.full(len(self.sites), -1)
        # Of several values for one place numpy keeps the last.
        last[sites] = np.arange(sites.size)
        return tuple(
            (int(where[0][row]), int(where[1][row]), int(where[2][row])) if row >= 0 else None
            for row in last.tolist()
        )

    def examples_changed(self, earlier: RunAxes) -> frozenset[int] | None:
        """The examples that something came to since an earlier state of the same run.

        Returns:
            Their numbers, or None where examples do not have the numbers that they had then.
        """
        if self.example_names[: len(earlier.example_names)] != earlier.example_names:
            return None
        changed: set[int] = set()
        for table in _OF_EXAMPLES:
            now, before = (run._columns[f"{table}/example"] for run in (self, earlier))
            if not np.array_equal(now[: before.size], before):
                return None
            changed.update(np.unique(now[before.size :]).tolist())
        return frozenset(changed)

    def event(
        self,
        site: str | Site,
        example: int | Example,
        step: int = 0,
        snapshot: int | None = None,
    ) -> Event:
        """How large one event is and where it lies on its axes."""
        row = self._event(site, example, step, snapshot)
        number = {
            name: self._columns[f"events/{name}"][row].item()
            for name in Event.__dataclass_fields__
            if name != "n_regions"
        }
        own = number["region_set"]
        at = (
            own if own >= 0 else self._columns["examples/region_set"][self._example_number(example)]
        )
        regions = int(self._columns["region_sets/box_count"][at]) if at >= 0 else 0
        return Event(**{**number, "sink": bool(number["sink"])}, n_regions=regions)

    def regions(
        self,
        example: int | Example,
        site: str | Site | None = None,
        step: int = 0,
        snapshot: int | None = None,
    ) -> NDArray[np.float32] | None:
        """Boxes as float32 [n, 4], x0, y0, x1, y1 in pixels of the example's image, or None.

        Args:
            example: the example.
            site: whose event's own boxes are meant, where it has any; None for the example's.
            step: step of that event.
            snapshot: snapshot of that event.
        """
        row = int(self._columns["examples/region_set"][self._example_number(example)])
        if site is not None:
            event = self._event(site, example, step, snapshot)
            own = int(self._columns["events/region_set"][event])
            row = own if own >= 0 else row
        return self.region_set(row) if row >= 0 else None

    def region_set(self, number: int) -> NDArray[np.float32]:
        """Boxes of one region set (see ``Event.region_set``), float32 [n, 4] in pixels."""
        start = int(self._columns["region_sets/box_offset"][number])
        count = int(self._columns["region_sets/box_count"][number])
        boxes: NDArray[np.float32] = self._columns["boxes/corners"][start : start + count].copy()
        return boxes

    def tokens(
        self,
        example: int | Example,
        axis: str = "tokens",
        snapshot: int | None = None,
        step: int | None = None,
    ) -> tuple[str, ...] | None:
        """The tokens of an example by position, those that came while the model ran included.

        A token without a text is shown as its number in the vocabulary, ``#17``; a position that
        no token is known of is an empty string. Where the example is a beam (its name ends with
        ``/beam-2``, or another example is a beam of it), tokens are those that this beam's
        sequence is made of, which other beams may have begun.

        Args:
            example: the example.
            axis: ``tokens`` for its own tokens, ``target`` for those of a decoder, ``slots`` for
                what its memory holds.
            snapshot: the snapshot; None is the last.
            step: the last step whose tokens count; None for all, -1 for those alone that the
                example was described with.

        Returns:
            The tokens, or None where there are none.
        """
        if axis not in _AXES:
            raise ValueError(f"axis={axis!r} has no tokens; it is tokens, target or slots")
        number, moment = self._example_number(example), self._snapshot_number(snapshot)
        texts: list[str] = []
        if axis == "tokens":
            start = int(self._columns["examples/token_offset"][number])
            count = int(self._columns["examples/token_count"][number])
            texts = self._texts["tokens/text"][start : start + count]
        for row in self._later_rows(number, moment, _AXES[axis], step):
            position = int(self._columns["later_tokens/position"][row])
            texts += [""] * (position + 1 - len(texts))
            number_ = int(self._columns["later_tokens/id"][row])
            text = self._texts["later_tokens/text"][row]
            texts[position] = text or (f"#{number_}" if number_ >= 0 else "")
        return tuple(texts) or None

    def later_tokens(
        self, example: int | Example, snapshot: int | None = None
    ) -> tuple[LaterToken, ...]:
        """The tokens that came to an example while the model ran, in the order of their steps."""
        rows = self._later_index.rows(
            self._snapshot_number(snapshot), self._example_number(example)
        )
        step, axis, position, number = (
            self._columns[f"later_tokens/{name}"] for name in ("step", "axis", "position", "id")
        )
        texts = self._texts["later_tokens/text"]
        return tuple(
            LaterToken(
                int(step[row]), int(axis[row]), int(position[row]), int(number[row]), texts[row]
            )
            for row in rows.tolist()
        )

    def key_names(
        self,
        site: str | Site,
        example: int | Example,
        step: int = 0,
        snapshot: int | None = None,
    ) -> list[str]:
        """What each key of one event is called: a token, ``[CLS]``, ``region 3``, ``sink`` …"""
        event, place = self.event(site, example, step, snapshot), self._site(site)
        count = event.keys - event.sink
        positions = range(event.first_key, event.first_key + count)
        names = self._names(place, place.key_axis, positions, event, (example, snapshot, step))
        return [*names, "sink"] if event.sink else names

    def query_names(
        self,
        site: str | Site,
        example: int | Example,
        step: int = 0,
        snapshot: int | None = None,
    ) -> list[str]:
        """What each query of one event is called; see ``key_names``."""
        event, place = self.event(site, example, step, snapshot), self._site(site)
        each = event.queries // event.windows
        end = event.first_query + event.query_stride * each
        positions = range(event.first_query, end, event.query_stride)
        names = self._names(place, place.query_axis, positions, event, (example, snapshot, step))
        if event.windows == 1:
            return names
        return [f"window {window}, {name}" for window in range(event.windows) for name in names]

    def _names(
        self,
        site: Site,
        axis: str,
        positions: range,
        event: Event,
        place: tuple[int | Example, int | None, int],
    ) -> list[str]:
        texts: Sequence[str] = ()
        if axis in _AXES:
            example, snapshot, step = place
            texts = self.tokens(example, axis, snapshot, step) or ()
        noun = axis.removesuffix("s") if axis != "queries" else "query"
        return [
            texts[position]
            if position < len(texts) and texts[position]
            else _numbered(site, axis, noun, position, event)
            for position in positions
        ]

    def _later_rows(self, example: int, snapshot: int, axis: int, last: int | None) -> list[int]:
        """Rows of the later tokens of an example's sequence, in the order of their steps."""
        columns = self._columns
        base, beam = self._beam_of.get(example, (example, 0))
        members = self._beams.get(base, {0: base})
        rows = [int(row) for row in self._later_index.rows(snapshot, example)]
        wanted = [row for row in rows if columns["later_tokens/axis"][row] == axis]
        if not wanted and members.get(0, example) != example:
            # What came before there were beams belongs to the first.
            rows = [int(row) for row in self._later_index.rows(snapshot, members[0])]
            return [row for row in rows if columns["later_tokens/axis"][row] == axis]
        steps = columns["later_tokens/step"][wanted]
        kept = [row for row, at in zip(wanted, steps, strict=True) if last is None or at <= last]
        if not kept or len(members) == 1:
            return kept
        lineage = dict(self._lineage(members, beam, snapshot, int(steps.max(initial=0)), last))
        found = [
            int(row)
            for at, member in lineage.items()
            for row in self._later_index.rows(snapshot, member, at)
            if columns["later_tokens/axis"][row] == axis
        ]
        return sorted(found, key=lambda row: int(columns["later_tokens/step"][row]))

    def _lineage(
        self, members: dict[int, int], beam: int, snapshot: int, end: int, last: int | None
    ) -> Iterator[tuple[int, int]]:
        """Of each step, latest first, the example that the sequence of a beam was then in."""
        for step in range(end if last is None else min(end, last), -1, -1):
            if beam not in members:
                return
            yield step, members[beam]
            parent = self._parents.get((snapshot, members[beam], step), beam)
            beam = parent

    @cached_property
    def _parents(self) -> dict[tuple[int, int, int], int]:
        """The beam that a beam continued, by snapshot, example and step."""
        names = list(self._texts["scalar_names/name"])
        if BEAM_PARENT not in names:
            return {}
        here = np.flatnonzero(self._columns["scalars/name"] == names.index(BEAM_PARENT))
        keys = [self._columns[f"scalars/{name}"][here].tolist() for name in _INDEX]
        values = self._columns["scalars/value"][here]
        known = np.where(np.isfinite(values), values, -1).astype(np.int64).tolist()
        return dict(zip(zip(*keys, strict=True), known, strict=True))

    @cached_property
    def _beam_of(self) -> dict[int, tuple[int, int]]:
        """Of each example that is a beam, the example it is a beam of, and its number."""
        column = self._texts["examples/name"]
        if BEAM.encode() not in column.data.tobytes():
            # Of a hundred thousand names not one need be looked at then.
            return {}
        names = {name: row for row, name in enumerate(column)}
        found = {}
        for name, row in names.items():
            base, parted, number = name.rpartition(BEAM)
            if parted and number.isdecimal() and base in names:
                found[row] = names[base], int(number)
        return found

    @cached_property
    def _beams(self) -> dict[int, dict[int, int]]:
        """Of each example that has beams, the example of each beam by its number."""
        members: dict[int, dict[int, int]] = {}
        for row, (base, beam) in self._beam_of.items():
            members.setdefault(base, {0: base})[beam] = row
        return members

    @cached_property
    def _later_index(self) -> RowIndex:
        return RowIndex(*(self._columns[f"later_tokens/{name}"] for name in _INDEX))

    def _site(self, site: str | Site) -> Site:
        return self.sites[self._site_number(site)]

    def _site_number(self, site: str | Site) -> int:
        name = visible(site if isinstance(site, str) else site.name)
        if name not in self._site_numbers:
            known = ", ".join(self._site_numbers) or "none at all"
            raise IndexError(f"{self.name} has no site {name!r}; it has {known}")
        return self._site_numbers[name]

    def _example_number(self, example: int | Example) -> int:
        number = example.index if isinstance(example, Example) else example
        if not 0 <= number < len(self.examples):
            raise IndexError(
                f"{self.name} has no example {number}; it has {len(self.examples)}, from 0"
            )
        return number

    def _snapshot_number(self, snapshot: int | None) -> int:
        if snapshot is None:
            return len(self.snapshots) - 1
        if not 0 <= snapshot < len(self.snapshots):
            raise IndexError(
                f"{self.name} has no snapshot {snapshot}; it has {len(self.snapshots)}, from 0"
            )
        return snapshot

    @abstractmethod
    def _event(
        self, site: str | Site, example: int | Example, step: int, snapshot: int | None
    ) -> int: ...

    @abstractmethod
    def _event_rows(
        self, site: str | Site, example: int | Example, snapshot: int | None
    ) -> NDArray[np.int64]: ...


def _numbered(site: Site, axis: str, noun: str, position: int, event: Event) -> str:
    """The name of an item that no token names."""
    if axis != "regions":
        return f"{noun} {position}"
    if position < event.first_region:
        known = site.special_keys
        return known[position] if position < len(known) else f"[S{position + 1}]"
    region = position - event.first_region
    # What follows the regions, as the detection tokens of some models, has no name of its own.
    beyond = event.n_regions and region >= event.n_regions
    return f"key {position}" if beyond else f"region {region}"
