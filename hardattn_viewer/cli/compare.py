"""Say how far two runs agree over the same examples, and where they disagree most."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from hardattn_viewer.cli.compare_words import in_words
from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.progress import progress_bar
from hardattn_viewer.cli.runs import open_run, printed_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardattn_viewer.measures import Interval
    from hardattn_viewer.session.comparing import CompareStudy, Comparison
    from hardattn_viewer.session.pairing import Pairing
    from hardattn_viewer.session.repeating import Stability
    from hardattn_viewer.session.state import SessionState
    from recorders import Run

_TOP = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="a run file, its .parts folder, or a URL")
    parser.add_argument("b", metavar="B", help="the run to compare it with")
    parser.add_argument("--site", metavar="S", help="site of A (default: its first)")
    parser.add_argument("--site-b", metavar="S", help="site of B (default: the one like A's)")
    parser.add_argument("--head", type=int, metavar="H", help="default: the mean over heads")
    parser.add_argument(
        "--top", type=int, default=_TOP, metavar="N", help=f"steps to list (default: {_TOP})"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(arguments: argparse.Namespace) -> int:
    from recorders import RunError

    if arguments.top < 0:
        raise CommandError(f"--top {arguments.top} is negative; it is 0 or more", WRONG_USAGE)
    with open_run(arguments.a) as run_a, open_run(arguments.b) as run_b:
        try:
            facts = compare(run_a, run_b, arguments)
        except (RunError, IndexError, OSError) as error:
            raise CommandError(" ".join(str(error).split())) from error
    print(printed_json(facts) if arguments.json else in_words(facts))
    return 0


def compare(run_a: Run, run_b: Run, arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that ``compare`` prints, as plain JSON values.

    Raises:
        CommandError: there is nothing that can be compared; the sentence says why.
    """
    from hardattn_viewer.session.comparing import study_of
    from hardattn_viewer.session.pairing import pairing_of

    state = _state(run_a, run_b, arguments)
    pairing, study = pairing_of(state), study_of(state)
    if pairing is None or study is None:
        raise CommandError(_why_not(run_a, run_b, arguments))
    found = _compared(study, run_a, run_b)
    if not found.total:
        raise CommandError(
            f"{run_a.path} and {run_b.path} have no example of the same name; "
            "compare runs over the same examples"
        )
    if not found.overall[pairing.shown]["jensen_shannon"].count:
        raise CommandError(
            " ".join(("nothing could be compared.", *found.words))
            if found.words
            else "nothing could be compared: no common step holds attention"
        )
    return _facts(run_a, run_b, state, pairing, found, arguments.top)


def _state(run_a: Run, run_b: Run, arguments: argparse.Namespace) -> SessionState:
    """A session that shows both runs, as the app would."""
    from hardattn_viewer.session.beside import Beside
    from hardattn_viewer.session.facts import run_facts
    from hardattn_viewer.session.frames import Place
    from hardattn_viewer.session.state import OpenRun, SessionState

    runs = tuple(
        OpenRun(key, run.path, "ready", facts=run_facts(run))
        for key, run in ((1, run_a), (2, run_b))
    )
    for run, site in ((run_a, arguments.site), (run_b, arguments.site_b)):
        if not run.sites:
            raise CommandError(f"{run.path} holds no attention: nothing was recorded in it")
        if site is not None and site not in [one.name for one in run.sites]:
            known = ", ".join(one.name for one in run.sites[:5])
            raise CommandError(f"{run.path} has no site {site}; it has {known}")
    site = arguments.site or run_a.sites[0].name
    heads = next(one.heads for one in run_a.sites if one.name == site)
    if arguments.head is not None and not 0 <= arguments.head < heads:
        raise CommandError(f"{site} has no head {arguments.head}; it has {heads}, from 0")
    return SessionState(
        runs=runs,
        slot_a=1,
        slot_b=2,
        place=Place(site=arguments.site, head=arguments.head),
        beside=Beside(site=arguments.site_b),
        view="compare",
    )


def _why_not(run_a: Run, run_b: Run, arguments: argparse.Namespace) -> str:
    known = ", ".join(site.name for site in run_b.sites[:5])
    return (
        f"{run_b.path} has no site like {arguments.site or run_a.sites[0].name}; "
        f"name one of its own with --site-b: {known}"
    )


def _compared(study: CompareStudy, run_a: Run, run_b: Run) -> Comparison:
    """The whole comparison, with a bar on the way."""
    found: Comparison | None = None
    with progress_bar(0, "comparing", "examples") as bar:
        for result in study.results({study.a.key: run_a, study.b.key: run_b}):
            if result is not None:
                found = result
                bar.total = found.total
                bar.update(found.done - bar.n)
    if found is None:
        raise CommandError("nothing was compared")
    return found


def _stability(run: Run, state: SessionState, slot: str) -> dict[str, Any] | None:
    from hardattn_viewer.session.repeating import repeats_wanted, stability_slices
    from hardattn_viewer.session.rows import read_rows

    wanted = repeats_wanted(_with_rows(state, read_rows(None, None, (None, None), (None, None))))
    side = next((side for known, side in wanted.sides if known == slot), None) if wanted else None
    if side is None:
        return None
    found: Stability | None = None
    for result in stability_slices(run, side):
        found = result or found
    if found is None:
        return None
    return {
        "inputs": found.inputs,
        "repeated": found.repeated,
        **{name: _interval(one) for name, one in found.overall.items()},
        "steps": [
            {"step": step, **{name: _interval(one) for name, one in numbers.items()}}
            for step, numbers in enumerate(found.steps)
        ],
    }


def _with_rows(state: SessionState, rows: Any) -> SessionState:
    from dataclasses import replace

    return replace(state, rows=rows)


def _facts(
    run_a: Run,
    run_b: Run,
    state: SessionState,
    pairing: Pairing,
    found: Comparison,
    top: int,
) -> dict[str, Any]:
    from hardattn_viewer.measures import PAIR_MEASURES

    shown = pairing.shown
    lanes = found.lanes
    names = run_a.example_names
    ranked = found.tops.ranked("jensen_shannon", _ranked_lanes(pairing), top)
    return {
        "a": _side(run_a, pairing.a, lanes[shown][0], state),
        "b": _side(run_b, pairing.b, lanes[shown][1], state),
        "aligned_by": pairing.how,
        "not_aligned": [*pairing.words, *found.words],
        "examples": {
            "in_both": found.total,
            "left_out": found.skipped,
            "compared": found.overall[shown]["jensen_shannon"].count,
        },
        "interval": {
            "method": "percentile bootstrap over examples",
            "level": found.level,
            "resamples": found.resamples,
        },
        "numbers": _numbers(found.overall[shown]),
        "steps": [
            {"step": step, "numbers": _numbers(numbers)}
            for step, numbers in enumerate(found.steps[shown] if shown < len(found.steps) else ())
        ],
        "heads": [
            {"head_a": lanes[lane][0], "head_b": lanes[lane][1], "numbers": _numbers(one)}
            for lane, one in enumerate(found.overall)
            if lane
        ],
        "worst_head": None if (worst := found.worst_lane) is None else lanes[worst][0],
        "disagreements": [
            {
                "example": item.example,
                "example_b": item.other,
                "name": names[item.example],
                "step": item.step,
                "head_a": lanes[item.lane][0],
                "head_b": lanes[item.lane][1],
                "query": item.query,
                "same_input": item.example not in found.differs,
                **{
                    name: None if math.isnan(value) else value
                    for name, value in zip(PAIR_MEASURES, item.values, strict=True)
                },
            }
            for item in ranked
        ],
        "repeats": {
            slot: _stability(run, state, slot) for slot, run in (("A", run_a), ("B", run_b))
        },
    }


def _ranked_lanes(pairing: Pairing) -> list[int] | None:
    """All heads where the mean of several is shown, else what is shown."""
    return None if pairing.lanes[pairing.shown] == (None, None) else [pairing.shown]


def _side(run: Run, site: Any, head: int | None, state: SessionState) -> dict[str, Any]:
    return {
        "path": str(run.path),
        "name": run.name,
        "site": site.name,
        "mechanism": site.mechanism,
        "hard": site.hard,
        "heads": site.heads,
        "head": "mean" if head is None and site.heads > 1 else (head or 0),
        "snapshot": run.snapshots[-1].step,
    }


def _numbers(numbers: Mapping[Any, Interval]) -> dict[str, Any]:
    return {name: _interval(one) for name, one in numbers.items()}


def _interval(one: Interval) -> dict[str, Any] | None:
    if not one.count:
        return None
    return {"mean": one.mean, "low": one.low, "high": one.high, "count": one.count}
