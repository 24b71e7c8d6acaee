"""What one view shows of one run at one place: plain numbers, read once and shared by all views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recorders.run.reader import Run


@dataclass(frozen=True)
class Place:
    """Where the user is in a run. All indices count from zero.

    Attributes:
        example: index into ``run.examples``.
        step: step within the example (a glimpse, a decoded token).
        snapshot: index into ``run.snapshots``; None is the last one.
        site: name of the attention site; None is the run's first site.
        head: head index; None is the mean over heads.
        query: query row.
    """

    example: int = 0
    step: int = 0
    snapshot: int | None = None
    site: str | None = None
    head: int | None = None
    query: int = 0


@dataclass(frozen=True, eq=False)
class Frame:
    """Everything that the views draw of one run at one place.

    Attributes:
        run_name: the run's name, for captions.
        place: the place, with ``site`` and ``snapshot`` resolved and ``step`` clamped.
        hard: whether items were selected at this site (and not blended).
        mechanism: for example ``"sampled"`` or ``"soft"``.
        example_name: the example's name in the run.
        label: true class, or None.
        prediction: predicted class, or None.
        confidence: probability of the predicted class in [0, 1], or None.
        label_probability: probability of the true class in [0, 1], or None.
        steps: number of steps that the example has at this site.
        image: uint8 [height, width] or [height, width, 3], or None.
        boxes: float32 [keys, 4] as x0, y0, x1, y1 in pixels of ``image``, or None.
        tokens: one string a key where the keys are tokens, else None.
        probabilities: float32 [keys] of the place's head and query; NaN where not recorded.
        distributions: float32 [steps, keys]: the same for every step (for shared scales).
        selections: for each step the selected keys (empty where nothing was selected).
        scalars: per-step float64 [steps] by name: entropy (nat), log_prob (nat), reward,
            baseline, advantage, temperature, p_selected, …; NaN where not recorded.
        verified: the recorder's word on this site, shown as it stands.
    """

    run_name: str
    place: Place
    hard: bool
    mechanism: str
    example_name: str
    label: int | None
    prediction: int | None
    confidence: float | None
    label_probability: float | None
    steps: int
    image: NDArray[np.uint8] | None
    boxes: NDArray[np.float32] | None
    tokens: tuple[str, ...] | None
    probabilities: NDArray[np.float32]
    distributions: NDArray[np.float32]
    selections: tuple[tuple[int, ...], ...]
    scalars: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    verified: str = ""

    @property
    def selection(self) -> tuple[int, ...]:
        """The keys selected at the frame's step; empty where attention is soft."""
        return self.selections[self.place.step] if self.selections else ()


def load_frame(run: Run, place: Place) -> Frame:
    """Read everything that the views draw of ``run`` at ``place``.

    Raises:
        recorders.RunError: the file is damaged there.
        IndexError: the place names an example, site or head that the run does not hold.
    """
    raise NotImplementedError
