"""Writing a run: segments that survive a kill, sealed into one file at the end."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from recorders.run import layout
from recorders.run.catalogue import Catalogue
from recorders.run.codec import codec_named
from recorders.run.errors import RunError
from recorders.run.image import Facts, metadata_json, write_root
from recorders.run.join import join, new_run
from recorders.run.parts import PARTS_SUFFIX, Place, State
from recorders.run.pending import Pending
from recorders.version import PRODUCER

__all__ = ["SegmentWriter", "join", "new_run"]

_NOT_ENDED = {
    "absent": "rank {rank} never wrote to {parts}; open the recorder in every rank",
    "recording": "rank {rank} still records into {parts}; close its recorder first",
    "cut off": "rank {rank} was cut off; hardattn recover {parts} joins what there is",
    "unknown": "rank {rank}, on another host, has not ended; close its recorder first, or join "
    "what there is with hardattn recover {parts}",
}


class SegmentWriter:
    """Writes a run, part by part; numpy only.

    Rows are numbered as they are added, and the methods return those numbers. What was added is
    in memory until ``flush``; when that returns it survives a kill. Values are trusted to be
    consistent with each other (the Recorder checks them); shapes are not.

    Args:
        path: the file that ``close`` seals the parts into; its folder must exist.
        codec: how probabilities are stored: ``sqrt16``, ``sqrt8``, ``float16`` or ``float32``.
        metadata: free facts about the run, plain JSON.
        producer: the program that records; by default this one, with its version.

    Attributes:
        path: the file to be.
        parts: the folder of parts, ``path`` with ``.parts`` added.
        written_bytes: bytes of the parts written so far.

    Raises:
        ValueError: unknown codec, or metadata that is not JSON.
        FileExistsError: a killed recording left parts there.
        OSError: the folder of parts cannot be made.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        codec: str = "sqrt16",
        metadata: dict[str, Any] | None = None,
        producer: str = "",
        rank: int = 0,
        world: int = 1,
        run: str = "",
    ) -> None:
        if not 0 <= rank < world or (world > 1 and not run):
            raise ValueError(
                f"rank {rank} of {world} with the name {run!r} cannot record; "
                "ranks count from 0, and all of them need one name"
            )
        self.path = Path(path)
        self.rank = rank
        self.world = world
        self.parts = self.path.with_name(self.path.name + PARTS_SUFFIX)
        self._codec = codec_named(codec)
        self._metadata = dict(metadata or {})
        metadata_json(self._metadata)
        self._producer = producer or PRODUCER
        self._created = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._pending = Pending(self._codec.dtype)
        self._catalogue = Catalogue(self._pending)
        self._scalar_names: dict[str, int] = {}
        self._segment = 0
        self._metadata_waits = True
        self._closed = False
        self.written_bytes = 0
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"the folder {self.path.parent} does not exist; make it first")
        self._run = run or new_run()
        self._place = Place(self.parts, rank, world, self._run)

    @property
    def pending_bytes(self) -> int:
        """Bytes that were added and not flushed, roughly."""
        return self._pending.size

    @property
    def n_examples(self) -> int:
        """Number of examples added."""
        return self._pending.rows["examples"]

    @property
    def n_events(self) -> int:
        """Number of events added."""
        return self._pending.rows["events"]

    def example_name(self, example: int) -> str:
        """Name of an example by its number."""
        return self._catalogue.name(example)

    def label(self, example: int) -> int:
        """True class of an example by its number; -1 for none."""
        return self._catalogue.label(example)

    def region_count(self, example: int) -> int:
        """Boxes of an example by its number; 0 for none."""
        return self._catalogue.region_count(example)

    def describe(self, **facts: Any) -> None:
        """Add facts to the metadata; one of the same name replaces the earlier.

        Raises:
            ValueError: a fact is not plain JSON.
        """
        metadata_json(facts)
        self._metadata |= facts
        self._metadata_waits = True

    def add_site(
        self,
        name: str,
        *,
        kind: str = "",
        mechanism: str = "",
        hard: bool = False,
        heads: int = 1,
        head_indices: Sequence[int] | None = None,
        query_axis: str = "queries",
        key_axis: str = "keys",
        capture: str = "log",
        verified: str = "",
        layer: int = -1,
        module: str = "",
        special_keys: str = "",
    ) -> int:
        """Add a site; see ``layout.SITES``. Returns its number."""
        kept = range(heads) if head_indices is None else head_indices
        return self._pending.add_rows(
            "sites",
            name=[name],
            kind=[kind],
            mechanism=[mechanism],
            query_axis=[query_axis],
            key_axis=[key_axis],
            capture=[capture],
            verified=[verified],
            head_indices=[" ".join(str(head) for head in kept)],
            hard=hard,
            heads=heads,
            layer=layer,
            module=[module],
            special_keys=[special_keys],
        )

    def add_verification(
        self,
        site: int,
        *,
        checked: int,
        failed: int,
        unchecked: int,
        error: float,
        tolerance: float,
        reason: str = "",
    ) -> None:
        """Add what was learned about a site's record since the last time."""
        self._pending.add_rows(
            "verifications",
            site=site,
            checked=checked,
            failed=failed,
            unchecked=unchecked,
            error=error,
            tolerance=tolerance,
            reason=[reason],
        )

    def add_region_set(self, regions: ArrayLike) -> int:
        """Add boxes [n, 4] that belong to events, not to an example. Returns their number."""
        return self._catalogue.add_region_set(regions)

    def add_later_tokens(
        self,
        *,
        examples: NDArray[np.int64],
        step: int,
        snapshot: int,
        axis: int,
        positions: NDArray[np.int64],
        ids: NDArray[np.int64],
        texts: Sequence[str],
    ) -> None:
        """Add a token for each of ``examples`` [n], at ``positions`` [n]; see the layout."""
        self._pending.add_rows(
            "later_tokens",
            len(examples),
            example=examples,
            snapshot=snapshot,
            step=step,
            axis=axis,
            position=positions,
            id=ids,
            text=list(texts),
        )

    def add_snapshot(self, step: int) -> int:
        """Add a moment of training. Returns its number."""
        return self._pending.add_rows("snapshots", step=step)

    def add_example(
        self,
        name: str,
        *,
        label: int | None = None,
        image: NDArray[np.uint8] | None = None,
        regions: ArrayLike | None = None,
        tokens: Sequence[str] | None = None,
    ) -> int:
        """Add an input of the model, or find it again by its name.

        Args:
            name: its name; a name used before stands for the same example, which is then given
                with the same content or by its name alone.
            label: true class, 0 or more.
            image: uint8 [height, width] or [height, width, 3].
            regions: float [n, 4], x0, y0, x1, y1 in pixels of the image.
            tokens: its tokens.

        Returns:
            Its number.

        Raises:
            ValueError: an image or boxes of another shape or type, or the name of an example
                with other content.
        """
        return self._catalogue.add(name, label, image, regions, tokens)

    def add_beam(self, example: int, beam: int) -> int:
        """Add a further beam of an example, named ``NAME/beam-BEAM``, or find it again.

        It shares the example's label, image, regions and tokens. Returns its number.
        """
        return self._catalogue.add_beam(example, beam)

    def add_events(
        self,
        *,
        site: int,
        examples: NDArray[np.int64],
        step: int,
        snapshot: int,
        probabilities: NDArray[np.floating[Any]],
        log_prob: NDArray[np.float64],
        entropy: NDArray[np.float64],
        selection: NDArray[np.int64] | None = None,
        temperature: float | NDArray[np.float64] = np.nan,
        first_query: int = 0,
        query_stride: int = 1,
        first_key: int = 0,
        first_region: int = 0,
        region_set: int = -1,
        windows: int = 1,
        sink: bool = False,
    ) -> None:
        """Add what one site did for a batch of examples at one step.

        Args:
            site: number of the site.
            examples: [batch], numbers of the examples.
            step: step within the example, from 0.
            snapshot: number of the snapshot.
            probabilities: [batch, heads, queries, keys], in [0, 1].
            log_prob: [batch, heads, queries], nat; NaN where unknown.
            entropy: [batch, heads, queries], nat; kept as NaN where a row is all zeros.
            selection: [batch, heads, queries, n_selected], keys from 0; None where soft.
            temperature: one, or one an example.
            first_query: position of the first query on its axis.
            query_stride: positions from one query to the next.
            first_key: position of the first key on its axis.
            first_region: key that is the first region.
            region_set: boxes of the region keys, from ``add_region_set``; -1 for the example's own.
            windows: windows that attention is confined to, 1 for none.
            sink: whether the last key is a learned sink.
        """
        batch, heads, queries, keys = probabilities.shape
        if heads * queries * keys > layout.MAX_MAP_VALUES or not 0 <= step < layout.MAX_STEPS:
            raise ValueError(
                f"a map of {heads} x {queries} x {keys} at step {step} is more than a run holds "
                f"({layout.MAX_MAP_VALUES:,} values, {layout.MAX_STEPS:,} steps); record less of it"
            )
        chosen = 0 if selection is None else selection.shape[-1]
        rows = np.arange(batch, dtype=np.int64)
        starts = {
            path: self._pending.add_bulk(path, values.reshape(-1))
            for path, values in (
                ("maps/probabilities", self._codec.encode(probabilities)),
                ("rows/log_prob", np.array(log_prob, np.float64).reshape(-1)),
                ("rows/entropy", _known_entropy(probabilities, entropy).reshape(-1)),
                ("selections/key", np.array([] if selection is None else selection, np.int64)),
            )
        }
        self._pending.add_rows(
            "events",
            batch,
            site=site,
            example=examples,
            step=step,
            snapshot=snapshot,
            heads=heads,
            queries=queries,
            keys=keys,
            n_selected=chosen,
            map_offset=starts["maps/probabilities"] + rows * (heads * queries * keys),
            row_offset=starts["rows/log_prob"] + rows * (heads * queries),
            selection_offset=starts["selections/key"] + rows * (heads * queries * chosen),
            temperature=temperature,
            first_query=first_query,
            query_stride=query_stride,
            first_key=first_key,
            first_region=first_region,
            region_set=region_set,
            windows=windows,
            sink=sink,
        )

    def add_scalars(
        self,
        name: str,
        *,
        examples: NDArray[np.int64],
        steps: NDArray[np.int64] | int,
        snapshot: int,
        values: NDArray[np.float64] | float,
    ) -> None:
        """Add one named number for each of ``examples`` [n], at ``steps`` [n]."""
        if name not in self._scalar_names:
            self._scalar_names[name] = self._pending.add_rows("scalar_names", name=[name])
        self._pending.add_rows(
            "scalars",
            len(examples),
            name=self._scalar_names[name],
            example=examples,
            step=steps,
            snapshot=snapshot,
            value=values,
        )

    def add_outcomes(
        self,
        *,
        examples: NDArray[np.int64],
        snapshot: int,
        prediction: NDArray[np.int64] | int = -1,
        confidence: NDArray[np.float64] | float = np.nan,
        label_probability: NDArray[np.float64] | float = np.nan,
    ) -> None:
        """Add the results of ``examples`` [n]; -1 and NaN where there is none."""
        self._pending.add_rows(
            "outcomes",
            len(examples),
            example=examples,
            snapshot=snapshot,
            prediction=prediction,
            confidence=confidence,
            label_probability=label_probability,
        )

    def flush(self) -> None:
        """Write what waits as a segment; when this returns it survives a kill.

        Raises:
            OSError: the disk refused. Nothing is lost: the same data is tried again next time.
        """
        if self._closed:
            raise ValueError(f"{self.path} is closed; nothing more can be recorded into it")
        if self._pending or self._metadata_waits:
            self._write_segment()

    def others(self) -> dict[int, State]:
        """What every other rank is doing; see ``parts.State``."""
        return self._place.others()

    def close(self, *, join: bool = True) -> None:
        """Write what waits, join the parts into ``path`` and remove them.

        Args:
            join: whether to join; of several ranks one does, after all the others have closed
                with False.

        Raises:
            OSError: the disk refused; what was flushed stays in the parts folder, and closing
                can be tried again.
            RunError: another rank has not ended, or a part was damaged on disk meanwhile; the
                parts are left as they are.
        """
        if self._closed:
            return
        self.flush()
        self._place.end(self._segment)
        if join:
            self._join()
        self.release()

    def release(self) -> None:
        """Let go of the folder of parts as it is; nothing more can be recorded into it."""
        self._closed = True
        self._place.leave()

    def _join(self) -> None:
        for rank, doing in self.others().items():
            if doing != "ended":
                raise RunError(_NOT_ENDED[doing].format(rank=rank, parts=self.parts))
        join(self.parts, self.path)
        self._place.clear()

    def _write_segment(self) -> None:
        facts = Facts(
            self._producer,
            self._created,
            self._codec.name,
            sealed=False,
            run=self._run,
            world=self.world,
            rank=self.rank,
            segment=self._segment,
            metadata=self._metadata if self._metadata_waits else None,
        )
        image = io.BytesIO()
        with h5py.File(image, "w", libver=("v110", "v110")) as file:
            write_root(file, facts)
            self._pending.write(file)
        self._place.add(self._segment, image.getbuffer())
        self.written_bytes += len(image.getbuffer())
        self._pending.written()
        self._segment += 1
        self._metadata_waits = False


def _known_entropy(
    probabilities: NDArray[np.floating[Any]], entropy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The entropy of each row, NaN for those that are no distribution but all zeros."""
    known = np.array(entropy, np.float64)
    # Only where nothing is spread can nothing be attended to, and those rows are few.
    certain = np.nonzero(known == 0)
    known[certain] = np.where(probabilities[certain].any(axis=-1), 0.0, np.nan)
    return known
