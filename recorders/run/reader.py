"""Reading a run: lazy, checked, bounded in memory, safe from several threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.address import Url, address_of
from recorders.run.chunks import ChunkReader
from recorders.run.codec import CODECS
from recorders.run.contents import Contents, load
from recorders.run.decoding import MapReader
from recorders.run.errors import RunError
from recorders.run.figures import RunFigures
from recorders.run.fingerprint import RunMark
from recorders.run.index import RowIndex, example_columns
from recorders.run.layout import CHANGED, EVENTS, EXAMPLES, LEFT_OUT
from recorders.run.means import RowMeans
from recorders.run.media import RunMedia
from recorders.run.newer import newer, newest_change
from recorders.run.origin import sentences
from recorders.run.parts import PARTS_SUFFIX
from recorders.run.records import (
    Example,
    Outcome,
    Rows,
    Site,
    Snapshot,
    example_record,
    site_record,
)
from recorders.run.remote.options import Remote
from recorders.run.shown import shown
from recorders.run.steps import RunSteps
from recorders.run.text import visible
from recorders.run.training import RunTraining
from recorders.run.verification import Verification, verifications

__all__ = ["Example", "Outcome", "Remote", "Run", "RunError", "Site", "Snapshot", "Url", "read_run"]

CACHE_BYTES = 64 << 20


def read_run(
    path: str | os.PathLike[str] | Url,
    *,
    cache_bytes: int = CACHE_BYTES,
    remote: Remote | None = None,
) -> Run:
    """Open a run; HDF5 looks into its files in a process of its own, never in this one.

    Args:
        path: a sealed run (``.h5``), the folder of parts of one still being recorded or left
            behind by a kill, or the URL of a sealed run: ``https://``, ``s3://``, ``ssh://``.
        cache_bytes: most decompressed bytes that the run keeps in memory.
        remote: how another machine is asked: caches, time limits, keys.

    Raises:
        RunError: it is missing, not a run, of a newer format, out of reach, or damaged; one
            sentence.
    """
    return Run(load(address_of(path), remote), cache_bytes)


class Run(RunTraining, RunSteps, RunMedia, RunFigures):
    """A recorded run. Arrays that it hands out belong to the caller.

    Wherever ``site`` is asked for it is a name or an item of ``sites``; ``example`` is an index
    into ``examples`` or an item of it; ``snapshot`` is an index into ``snapshots``, None the last.
    A missing event raises IndexError, damage met while reading raises RunError, each with one
    sentence.

    Attributes:
        path: the file, folder or URL; written out, a URL goes without password and query.
        sealed: whether recording has ended and the parts were joined.
        format_version: version of the format that it was written in.
        producer: the program that recorded it.
        created: when recording began, ISO 8601 in UTC.
        codec: name of the codec of the maps.
        codec_max_error: largest absolute error of a stored probability.
        metadata: free facts.
        bytes: size on disk.
        sites: the sites.
        examples: the examples.
        snapshots: the moments of training; at least one.
        n_events: number of events.
        recording: random name of the recording; empty before format 1.1.
        mark: by what the run is known again, to be kept without the run.
        written: when the newest part was written, in seconds since 1970; 0 for a sealed run.
        ranks: processes that recorded it together.
        left_out: what was not recorded, in sentences.
        changed: what recording changed about how the model ran, in sentences.
    """

    def __init__(
        self, contents: Contents, cache_bytes: int = CACHE_BYTES, earlier: Run | None = None
    ) -> None:
        self._contents = contents
        self._cache_bytes = cache_bytes
        contents = shown(contents)
        facts = contents.facts
        self.path = contents.path
        self.sealed = facts.sealed
        self.format_version = facts.format_version
        self.producer = facts.producer
        self.created = facts.created
        self.codec = facts.codec
        self.codec_max_error = CODECS[facts.codec].max_error
        self.metadata: dict[str, Any] = dict(facts.metadata or {})
        self.recording = facts.run
        self.written = 0.0 if facts.sealed else newest_change(contents) / 1e9
        self.ranks = facts.world
        self.left_out = sentences(self.metadata, LEFT_OUT)
        self.changed = sentences(self.metadata, CHANGED)
        self.mark = RunMark(self._contents, self.left_out)
        self.bytes = contents.size
        self._notices = contents.notices
        self._columns = contents.tables.columns
        self._texts = contents.tables.texts
        self._chunks = ChunkReader(contents, cache_bytes)
        self._means = RowMeans(self._columns, self._chunks)
        self._maps = MapReader(self._chunks, CODECS[facts.codec], self._columns)
        self.n_events = contents.tables.rows(EVENTS)
        self.examples: Sequence[Example] = Rows(
            contents.tables.rows(EXAMPLES), partial(example_record, contents.tables)
        )
        steps = self._columns["snapshots/step"].tolist() or [0]
        self.snapshots: Sequence[Snapshot] = tuple(
            Snapshot(index, step) for index, step in enumerate(steps)
        )
        self._verifications = verifications(contents.tables)
        self.sites: Sequence[Site] = tuple(
            site_record(contents.tables, row, known.words)
            for row, known in enumerate(self._verifications)
        )
        self._site_numbers = {site.name: site.index for site in self.sites}
        if earlier is not None:
            self._chunks.take_over(earlier._chunks)
            self._means.take_over(earlier._means)
        elif not self.sealed:
            self._means.keep()

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return visible(self.path.name.removesuffix(PARTS_SUFFIX).removesuffix(".h5"))

    @property
    def fingerprint(self) -> str:
        """A digest of the content, ``"sha256:…"``: the same for every copy of the run."""
        return self.mark.fingerprint

    @property
    def notices(self) -> tuple[str, ...]:
        """What a reader may want to say, in sentences: what is damaged as far as it was met, too.

        Where damage costs one number of many, reading goes on without it and says so here.
        """
        return (*self._notices, *self._means.notices)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def refreshed(self, joined: str | os.PathLike[str] | None = None) -> Run:
        """The run as it is by now: with what was recorded since, or sealed.

        What was read before is not read again. This run stays as it is; of a run that is still
        recorded, its maps can be read until the parts are joined.

        Args:
            joined: the file that its parts are joined into, where that has another name.

        Returns:
            The run by now; this one where nothing came to it.

        Raises:
            RunError: the folder of parts is gone, another recording's, or damaged.
        """
        contents = newer(self._contents, None if joined is None else Path(joined))
        return self if contents is self._contents else Run(contents, self._cache_bytes, self)

    def close(self) -> None:
        """Let go of the file and of everything cached; reading bulk data then raises RunError."""
        self._chunks.close()

    def steps(self, site: str | Site, example: int | Example, snapshot: int | None = None) -> int:
        """Number of steps that an example has at a site; 0 where it was not recorded there."""
        rows = self._event_rows(site, example, snapshot)
        return int(self._columns["events/step"][rows[-1]]) + 1 if rows.size else 0

    def selection(
        self,
        site: str | Site,
        example: int | Example,
        step: int = 0,
        snapshot: int | None = None,
    ) -> NDArray[np.int64] | None:
        """Selected keys [heads, queries, n_selected] of one event, None where attention is soft."""
        event = self._event(site, example, step, snapshot)
        heads, queries, chosen = self._shape(event, "n_selected")
        if not chosen:
            return None
        start = int(self._columns["events/selection_offset"][event])
        keys = self._chunks.read("selections/key", start, heads * queries * chosen)
        limit = int(self._columns["events/keys"][event])
        if ((keys < 0) | (keys >= limit)).any():
            raise RunError(
                f"{self.path} is damaged: event {event} selects a key outside 0 to {limit - 1}"
            )
        return keys.reshape(heads, queries, chosen).copy()

    def log_prob(
        self,
        site: str | Site,
        example: int | Example,
        step: int = 0,
        snapshot: int | None = None,
    ) -> NDArray[np.float64]:
        """Log-probability [heads, queries] of one event's selection in nats; NaN where unknown."""
        return self._row_values("rows/log_prob", self._event(site, example, step, snapshot))

    def entropy(
        self,
        site: str | Site,
        example: int | Example,
        step: int = 0,
        snapshot: int | None = None,
    ) -> NDArray[np.float64]:
        """Entropy [heads, queries] of one event's exact distribution in nats.

        It is NaN for a row whose keys are all masked.
        """
        return self._row_values("rows/entropy", self._event(site, example, step, snapshot))

    def verification(self, site: str | Site) -> Verification:
        """Whether what was recorded at a site is what the model used."""
        return self._verifications[self._site_number(site)]

    def outcome(self, example: int | Example, snapshot: int | None = None) -> Outcome:
        """What the model answered; each part None where it was not recorded."""
        number, moment = self._example_number(example), self._snapshot_number(snapshot)
        rows = self._outcome_index.rows(moment, number)
        if not rows.size:
            return Outcome(None, None, None)
        prediction, confidence, probability = (
            self._columns[f"outcomes/{name}"][rows[-1]].item()
            for name in ("prediction", "confidence", "label_probability")
        )
        return Outcome(
            None if prediction < 0 else prediction,
            None if np.isnan(confidence) else confidence,
            None if np.isnan(probability) else probability,
        )

    def most_steps(self, site: str | Site | None = None, snapshot: int | None = None) -> int:
        """The largest number of steps that an example has; of the first site by default."""
        here = self._columns["events/snapshot"] == self._snapshot_number(snapshot)
        here &= self._columns["events/site"] == (0 if site is None else self._site_number(site))
        return int(self._columns["events/step"].max(initial=-1, where=here)) + 1

    def columns(
        self, site: str | Site | None = None, snapshot: int | None = None
    ) -> dict[str, NDArray[Any]]:
        """One number an example, over all examples at once; never loads a map.

        Args:
            site: whose steps, entropy and log_prob; None is the first site.
            snapshot: the snapshot; None is the last.

        Returns:
            label and prediction (int64, -1 for none), confidence, label_probability, steps, tokens,
            entropy (nat, mean over steps, heads and queries), log_prob (nat, sum over steps of
            the mean over heads and queries) and reward (last step), float64, NaN for none.
        """
        names = list(self._texts["scalar_names/name"])
        return example_columns(
            self._columns,
            self._means.of_events,
            site=0 if site is None else self._site_number(site),
            snapshot=self._snapshot_number(snapshot),
            reward_name=names.index("reward") if "reward" in names else None,
        )

    @cached_property
    def _outcome_index(self) -> RowIndex:
        return RowIndex(*(self._columns[f"outcomes/{name}"] for name in ("snapshot", "example")))

    def _event_rows(
        self, site: str | Site, example: int | Example, snapshot: int | None
    ) -> NDArray[np.int64]:
        return self._event_index.rows(
            self._snapshot_number(snapshot), self._site_number(site), self._example_number(example)
        )

    def _events_of_first(
        self, site: str | Site | None, example: int, snapshot: int
    ) -> NDArray[np.int64]:
        if site is None and not self.sites:
            return np.zeros(0, np.int64)
        return self._event_rows(self.sites[0] if site is None else site, example, snapshot)

    def _event(
        self, site: str | Site, example: int | Example, step: int, snapshot: int | None
    ) -> int:
        number, moment = self._example_number(example), self._snapshot_number(snapshot)
        # Looked up and not searched for: an example may have a million steps.
        found = self._event_index.rows(moment, self._site_number(site), number, step)
        if not found.size:
            rows = self._event_rows(site, example, snapshot)
            name = site if isinstance(site, str) else site.name
            raise IndexError(
                f"{self.name} has no step {step} of example {number} at site {name!r} in snapshot "
                f"{moment}; it has {rows.size} steps there"
            )
        return int(found[0])

    def _row_values(self, path: str, event: int) -> NDArray[np.float64]:
        heads, queries, _ = self._shape(event, "keys")
        start = int(self._columns["events/row_offset"][event])
        values = self._chunks.read(path, start, heads * queries)
        return values.reshape(heads, queries).copy()
