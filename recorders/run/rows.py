"""Adding what a run holds, row by row, to what waits to be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recorders.run import layout
from recorders.run.catalogue import Catalogue, Input
from recorders.run.codec import codec_named
from recorders.run.pending import Pending
from recorders.run.sounds import Sound
from recorders.run.videos import Video


class RowWriter:
    """Takes the rows of a run's tables.

    Rows are numbered as they are added, and the methods return those numbers. Values are trusted
    to be consistent with each other (the Recorder checks them); shapes are not.

    Args:
        codec: how probabilities are stored: ``sqrt16``, ``sqrt8``, ``float16`` or ``float32``.

    Raises:
        ValueError: unknown codec.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec_named(codec)
        self._pending = Pending(self._codec.dtype)
        self._catalogue = Catalogue(self._pending)
        self._scalar_names: dict[str, int] = {}

    @property
    def pending_bytes(self) -> int:
        """Bytes that were added and not flushed, roughly."""
        return self._pending.size

    @property
    def n_examples(self) -> int:
        """Number of examples added."""
        return self._pending.rows("examples")

    @property
    def n_events(self) -> int:
        """Number of events added."""
        return self._pending.rows("events")

    def example_name(self, example: int) -> str:
        """Name of an example by its number."""
        return self._catalogue.name(example)

    def label(self, example: int) -> int:
        """True class of an example by its number; -1 for none."""
        return self._catalogue.label(example)

    def region_count(self, example: int) -> int:
        """Boxes of an example by its number; 0 for none."""
        return self._catalogue.region_count(example)

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
        sound: Sound | None = None,
        video: Video | None = None,
    ) -> int:
        """Add an input of the model, or find it again by its name.

        Args:
            name: its name; a name used before stands for the same example, which is then given
                with the same content or by its name alone.
            label: true class, 0 or more.
            image: uint8 [height, width] or [height, width, 3].
            regions: float [n, 4], x0, y0, x1, y1 in pixels of the image.
            tokens: its tokens.
            sound: its sound, from ``checked_sound``.
            video: its frames, from ``checked_video``, instead of an image.

        Returns:
            Its number.

        Raises:
            ValueError: an image or boxes of another shape or type, or the name of an example
                with other content.
        """
        given = Input(label, image, regions, tokens or (), sound, video)
        return self._catalogue.add(name, given)

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
        self._pending.add_rows(
            "scalars",
            len(examples),
            name=self._scalar_name(name),
            example=examples,
            step=steps,
            snapshot=snapshot,
            value=values,
        )

    def _scalar_name(self, name: str) -> int:
        if name not in self._scalar_names:
            self._scalar_names[name] = self._pending.add_rows("scalar_names", name=[name])
        return self._scalar_names[name]

    def add_training_scalar(self, name: str, *, snapshot: int, value: float) -> None:
        """Add one named number that training told of a snapshot."""
        self._pending.add_rows(
            "training_scalars", name=self._scalar_name(name), snapshot=snapshot, value=value
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


def _known_entropy(
    probabilities: NDArray[np.floating[Any]], entropy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The entropy of each row, NaN for those that are no distribution but all zeros."""
    known = np.array(entropy, np.float64)
    # Only where nothing is spread can nothing be attended to, and those rows are few.
    certain = np.nonzero(known == 0)
    known[certain] = np.where(probabilities[certain].any(axis=-1), 0.0, np.nan)
    return known
