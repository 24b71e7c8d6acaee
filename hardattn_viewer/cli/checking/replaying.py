"""Episodes that are replayed with one choice made otherwise: one, or as they are asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from hardattn_viewer.checks.replay import as_plain
from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.faithfulness.checking import prepared
from hardattn_viewer.faithfulness.errors import FaithfulnessError, UndefinedError
from hardattn_viewer.faithfulness.from_run import Recorded
from hardattn_viewer.faithfulness.replaying import replay

STDIN = "-"
_PLACE = re.compile(r"(\d+):(\d+):(\d+)")


def replayed(
    found: Recorded, asked: str, lines: Iterable[str], *, reading: str | None, plain: bool
) -> None:
    """Print what comes of one other choice, or of as many as are asked for.

    Args:
        found: the model on the run's examples.
        asked: ``EXAMPLE:STEP:ITEM``, each from 0; or ``-`` to answer every line of ``lines`` with a
            line of JSON, until they end.
        lines: places as above, one each.
        reading: what is read of the output; the usual if None.
        plain: whether a single one is printed as JSON too.

    Raises:
        CommandError: a place that is none, or nothing that can be forced there.
    """
    engine, _, _ = prepared(
        found.subject, {}, explainers=(), targets=found.targets, reading=reading or found.reading
    )
    if asked != STDIN:
        try:
            made = replay(engine, *_place(asked))
        except (FaithfulnessError, UndefinedError) as error:
            raise CommandError(str(error)) from error
        print(json.dumps(as_plain(made)) if plain else made.words())
        return
    print(json.dumps({"ready": True}), flush=True)
    for line in lines:
        answer: dict[str, Any]
        try:
            answer = {"replay": as_plain(replay(engine, *_place(line.strip())))}
        except (FaithfulnessError, UndefinedError, CommandError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


def _place(text: str) -> tuple[int, int, int]:
    told = _PLACE.fullmatch(text)
    if told is None:
        raise CommandError(
            f"{text!r} names no choice: write EXAMPLE:STEP:ITEM, each from 0", WRONG_USAGE
        )
    return int(told[1]), int(told[2]), int(told[3])
