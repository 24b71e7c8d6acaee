"""Check whether a run's attention accounts for what its model does, with controls and verdicts."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardattn_viewer.cli.checks_figure import expect_report, write_report
from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError, missing_extra
from hardattn_viewer.cli.progress import progress_bar
from hardattn_viewer.cli.recording.interruption import Interruption
from hardattn_viewer.cli.recording.notes import Notes
from hardattn_viewer.cli.recording.options import count, positive
from hardattn_viewer.cli.runs import address, open_run, printed_json

if TYPE_CHECKING:
    from hardattn_viewer.checks.report import Report
    from hardattn_viewer.faithfulness.from_run import Recorded

EXAMPLES = 50
_STEPS = 1_000
_OFTEN = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_file", metavar="RUN", help="a run file, its .parts folder, or a URL")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="a checkpoint (default: the one that the run names), the folder of a Hugging Face "
        "model, or package.module:factory, whose code is run",
    )
    parser.add_argument(
        "--explainers",
        metavar="A,B",
        help="explanations to hold beside the run's own; `--explainers list` lists them",
    )
    parser.add_argument(
        "--operators", metavar="A,B", help="ways to remove items (default: the first two)"
    )
    parser.add_argument("--examples", type=positive, default=EXAMPLES, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument(
        "--controls", type=positive, default=50, metavar="N", help="random rankings an example"
    )
    parser.add_argument(
        "--rest",
        choices=("pinned", "replayed"),
        default="replayed",
        help="what happens after a forced choice (default: replayed)",
    )
    parser.add_argument(
        "--most", type=positive, metavar="K", help="force the K most probable candidates only"
    )
    parser.add_argument(
        "--points",
        type=count,
        metavar="N",
        help="points near each input for sensitivity-max (default: 5; 0 leaves it out)",
    )
    parser.add_argument(
        "--harden",
        type=count,
        default=8,
        metavar="N",
        help="examples to run with each head attending hard (default: 8; 0: none)",
    )
    parser.add_argument(
        "--paths",
        type=count,
        default=0,
        metavar="N",
        help="draw N whole episodes of each example from the policy, and say how the output varies",
    )
    parser.add_argument(
        "--contents",
        action="store_true",
        help="remove what each choice saw, with all choices as they were",
    )
    parser.add_argument(
        "--why", action="store_true", help="ask what moves the log-probability of each choice"
    )
    parser.add_argument(
        "--replay",
        metavar="E:T:I",
        help="choose item I at step T of example E instead (each from 0), replay the rest of the "
        "episode, say what came of it, and check nothing; -: as many as standard input names",
    )
    parser.add_argument(
        "--reading", metavar="R", help="probability, logit, log-probability or value"
    )
    parser.add_argument("--task", metavar="T", help="default: the one the model was trained on")
    parser.add_argument("--data", metavar="FOLDER", help="where the files of that task lie")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of torch")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="divide the check among N processes; what they finished is kept if it is stopped",
    )
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="divide it among the workers of this Dask scheduler"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    parser.add_argument(
        "--events",
        action="store_true",
        help="print a line of JSON whenever something is done, and write results as they come",
    )
    parser.add_argument("--csv", metavar="FILE", help="write the table of numbers here too")
    parser.add_argument(
        "--report", metavar="FILE.{html,pdf}", help="write the report to read here too"
    )
    parser.add_argument(
        "-o", "--output", metavar="CHECKS", help="default: beside the run, as RUN.checks.npz"
    )


def run(arguments: argparse.Namespace) -> int:
    from hardattn_viewer.checks.file import ChecksError, write_checks
    from hardattn_viewer.checks.summary import as_csv, as_json
    from hardattn_viewer.checks.words import in_words, methods

    if arguments.explainers == "list":
        return _list()
    if arguments.replay:
        return _replayed(arguments)
    target = _target(arguments)
    if arguments.report:
        expect_report(Path(arguments.report))
    report = _checked(arguments, target)
    try:
        write_checks(report, target)
    except ChecksError as error:
        raise CommandError(str(error)) from error
    if _divided(arguments):
        _discard_parts(target)
    if arguments.csv:
        try:
            Path(arguments.csv).write_text(as_csv(report), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{arguments.csv} cannot be written: {error.strerror}") from error
    if arguments.report:
        name = str(report.facts.get("run") or arguments.run_file)
        write_report(report, name, Path(arguments.report))
    if arguments.json:
        print(printed_json({"checks": str(target), "methods": methods(report), **as_json(report)}))
    elif not arguments.events:
        print(f"{in_words(report)}\n\n{methods(report)}\n\n{target} written")
    return 0


def _replayed(arguments: argparse.Namespace) -> int:
    try:
        import torch

        from hardattn_viewer.cli.checking.opened import opened_model
        from hardattn_viewer.cli.checking.replaying import replayed
        from hardattn_viewer.faithfulness import FaithfulnessError
    except ModuleNotFoundError as error:
        raise missing_extra("faithfulness", error) from error
    torch.set_num_threads(arguments.threads)
    with open_run(arguments.run_file) as opened:
        try:
            found = opened_model(
                opened,
                arguments.model,
                task=arguments.task,
                data=arguments.data,
                examples=arguments.examples,
                seed=arguments.seed,
                notes=Notes("hardattn check"),
            )
            replayed(
                found,
                arguments.replay,
                sys.stdin,
                reading=arguments.reading,
                plain=arguments.json,
            )
        except FaithfulnessError as error:
            raise CommandError(str(error)) from error
        except ValueError as error:
            raise CommandError(str(error), WRONG_USAGE) from error
    return 0


def _checked(arguments: argparse.Namespace, target: Path) -> Report:
    try:
        import torch

        from hardattn_viewer.cli.checking.opened import opened_model
        from hardattn_viewer.faithfulness import CancelledError, FaithfulnessError
    except ModuleNotFoundError as error:
        raise missing_extra("faithfulness", error) from error
    from hardattn_viewer.checks.file import ChecksError
    from recorders import RunError

    torch.set_num_threads(arguments.threads)
    events = _Events(target) if arguments.events else None
    began, notes = time.monotonic(), Notes("hardattn check")
    with (
        open_run(arguments.run_file) as opened,
        Interruption(notes) as interruption,
        progress_bar(_STEPS, "checking", "") as bar,
    ):
        try:
            found = opened_model(
                opened,
                arguments.model,
                task=arguments.task,
                data=arguments.data,
                examples=arguments.examples,
                seed=arguments.seed,
                notes=notes,
            )
            named = _names(arguments.explainers)
            return _checking(arguments, found, target)(
                explainers=named if named is not None else found.explainers,
                targets=found.targets,
                operators=_names(arguments.operators),
                controls=arguments.controls,
                seed=arguments.seed,
                rest=arguments.rest,
                most=arguments.most,
                harden=arguments.harden,
                paths=arguments.paths,
                contents=arguments.contents,
                why=arguments.why,
                reading=arguments.reading or found.reading,
                **({} if arguments.points is None else {"points": arguments.points}),
                facts=found.facts,
                sanity=found.sanity,
                warnings=found.warnings,
                on_progress=events.progress
                if events is not None
                else lambda done, words: _show(bar, done, words),
                on_report=events.report if events is not None else None,
                should_stop=lambda: interruption.asked,
            )
        except (FaithfulnessError, RunError, ChecksError) as error:
            raise CommandError(str(error)) from error
        except ValueError as error:
            raise CommandError(str(error), WRONG_USAGE) from error
        except CancelledError as error:
            seconds = time.monotonic() - began
            left = _what_is_left(target) if _divided(arguments) else "nothing was written"
            if events is not None and events.written:
                left = f"what was measured until then is in {target}"
            raise CommandError(f"stopped by Ctrl+C after {seconds:.0f} s; {left}", 130) from error
        except ModuleNotFoundError as error:
            if error.name not in ("distributed", "dask"):
                raise
            raise missing_extra("cluster", error) from error


def _divided(arguments: argparse.Namespace) -> bool:
    return bool(arguments.workers or arguments.scheduler)


def _checking(
    arguments: argparse.Namespace, found: Recorded, target: Path
) -> Callable[..., Report]:
    """What checks a run that was opened: this process, or others that open it again."""
    from hardattn_viewer.cli.checking.opened import is_factory
    from hardattn_viewer.faithfulness import check
    from hardattn_viewer.faithfulness.scaling import Source, check_apart
    from hardattn_viewer.faithfulness.scaling.parts import parts_path
    from hardattn_viewer.faithfulness.scaling.source import Loaded
    from recorders.run.address import Url

    if not _divided(arguments):
        return partial(check, found.subject, explanations=found.explanations)
    place = address(arguments.run_file)
    source = Source.of(
        "hardattn_viewer.cli.checking.opened:reopened",
        run=place.full if isinstance(place, Url) else str(place.absolute()),
        model=arguments.model if is_factory(arguments.model) else _absolute(arguments.model),
        task=arguments.task,
        data=_absolute(arguments.data),
        examples=arguments.examples,
        seed=arguments.seed,
    )
    return partial(
        check_apart,
        source,
        workers=arguments.workers or 1,
        scheduler=arguments.scheduler,
        parts=parts_path(target),
        threads=arguments.threads,
        loaded=Loaded(found.subject, found.explanations, found),
    )


def _absolute(path: str | None) -> str | None:
    return str(Path(path).absolute()) if path else None


def _what_is_left(target: Path) -> str:
    from hardattn_viewer.faithfulness.scaling.parts import parts_path

    folder = parts_path(target)
    if not folder.is_dir():
        return "nothing was written"
    return f"what is finished lies in {folder}, and the same command goes on from there"


def _discard_parts(target: Path) -> None:
    from hardattn_viewer.faithfulness.scaling.parts import discard, parts_path

    try:
        discard(parts_path(target))
    except OSError as error:
        raise CommandError(
            f"{target} is written, but its parts in {parts_path(target)} cannot be removed: "
            f"{error.strerror}"
        ) from error


class _Events:
    """Tells another program how far a check is, in lines of JSON, and keeps results.

    Args:
        target: the file of the checks, replaced whole each time.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._written = 0.0
        self._done = 0.0
        self.written = False

    def progress(self, done: float, words: str) -> None:
        """Say how much is done."""
        self._done = done
        self._say({"done": round(done, 4), "words": words})

    def report(self, report: Report) -> None:
        """Write what is known by now; not more often than every other second."""
        from hardattn_viewer.checks.file import write_checks

        if time.monotonic() - self._written < _OFTEN:
            return
        write_checks(report, self._target)
        self._written = time.monotonic()
        self.written = True
        self._say({"done": round(self._done, 4), "words": "results so far", "wrote": True})

    def _say(self, event: dict[str, Any]) -> None:
        print(json.dumps(event, ensure_ascii=True), flush=True)


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    # A multiplication sign is on few keyboards.
    plain = text.replace("gradient x attention", "gradient × attention")
    return [name.strip() for name in plain.split(",") if name.strip()]


def _show(bar: Any, done: float, words: str) -> None:
    bar.set_postfix_str(words, refresh=False)
    bar.update(round(done * _STEPS) - bar.n)


def _target(arguments: argparse.Namespace) -> Path:
    from hardattn_viewer.checks.file import checks_path

    if arguments.output:
        target = Path(arguments.output)
    elif "://" in arguments.run_file:
        raise CommandError("a run on another machine: name the file of its checks with -o")
    else:
        target = checks_path(Path(arguments.run_file.rstrip("/").removesuffix(".parts")))
    if not target.parent.is_dir():
        raise CommandError(f"the folder {target.parent} does not exist; make it first")
    return target


def _list() -> int:
    try:
        from hardattn_viewer.cli.checking.listing import listing
    except ModuleNotFoundError as error:
        raise missing_extra("faithfulness", error) from error
    print(listing())
    return 0
