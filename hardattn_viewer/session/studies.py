"""Numbers that take longer than a picture: asked for when a view shows them, read in slices.

A *study* is a frozen question about the open runs. Each kind of study has a function that says
what a state wants to know; a state that wants something else asks anew, and one that wants
nothing any more stops the reading. A view draws ``state.studies[kind]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hardattn_viewer.session.state import SessionState
    from recorders.run.reader import Run


class Study(Protocol):
    """A question about open runs; frozen and hashable, with everything that it depends on.

    That includes the generation of runs that may still grow, where what came to them matters.
    """

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys of the runs that it reads."""

    def results(self, runs: Mapping[int, Run]) -> Iterator[object]:
        """Read, on the reader thread; each result replaces the one before.

        A result comes at least every ten milliseconds, or None where there is nothing new to
        show, so that pictures which are asked for meanwhile need not wait.

        Raises:
            recorders.RunError: a run is damaged there.
            IndexError: a run does not hold what was asked for.
        """


@dataclass(frozen=True, eq=False)
class StudyResult:
    """What is known of a study by now.

    Attributes:
        study: the question.
        value: the last result; None before the first.
        finished: whether no more is coming.
        error: why it could not be answered, in one sentence; empty otherwise.
    """

    study: Study
    value: object | None = None
    finished: bool = False
    error: str = ""


Wanted = Callable[["SessionState"], Study | None]


def _heads(state: SessionState) -> Study | None:
    from hardattn_viewer.session.head_atlas import heads_wanted

    return heads_wanted(state)


def _picked_heads(state: SessionState) -> Study | None:
    from hardattn_viewer.session.picked_heads import picked_wanted

    return picked_wanted(state)


def _training(state: SessionState) -> Study | None:
    from hardattn_viewer.session.training_course import course_wanted

    return course_wanted(state)


def _checks(state: SessionState) -> Study | None:
    from hardattn_viewer.session.checking import checks_wanted

    return checks_wanted(state)


def _film(state: SessionState) -> Study | None:
    from hardattn_viewer.session.film import film_wanted

    return film_wanted(state)


def _draws(state: SessionState) -> Study | None:
    from hardattn_viewer.session.draws import draws_wanted

    return draws_wanted(state)


def _compare(state: SessionState) -> Study | None:
    from hardattn_viewer.session.comparing import compare_wanted

    return compare_wanted(state)


def _repeats(state: SessionState) -> Study | None:
    from hardattn_viewer.session.repeating import repeats_wanted

    return repeats_wanted(state)


def _matrix(state: SessionState) -> Study | None:
    from hardattn_viewer.session.map_window import windows_wanted

    return windows_wanted(state)


def _matrix_margins(state: SessionState) -> Study | None:
    from hardattn_viewer.session.map_margins import margins_wanted

    return margins_wanted(state)


def _matrix_difference(state: SessionState) -> Study | None:
    from hardattn_viewer.session.map_difference import difference_wanted

    return difference_wanted(state)


def _columns(state: SessionState) -> Study | None:
    from hardattn_viewer.session.listing import columns_wanted

    return columns_wanted(state)


def _listing(state: SessionState) -> Study | None:
    from hardattn_viewer.session.listing import listing_wanted

    return listing_wanted(state)


def _hits(state: SessionState) -> Study | None:
    from hardattn_viewer.session.finding import hits_wanted

    return hits_wanted(state)


# One line a kind: what a state wants to know of it.
KINDS: dict[str, Wanted] = {
    "heads": _heads,
    "pickedHeads": _picked_heads,
    "compare": _compare,
    "repeats": _repeats,
    "checks": _checks,
    "training": _training,
    "film": _film,
    "draws": _draws,
    "matrix": _matrix,
    "matrixMargins": _matrix_margins,
    "matrixDifference": _matrix_difference,
    "columns": _columns,
    "listing": _listing,
    "hits": _hits,
}
