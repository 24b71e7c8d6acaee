"""Record a model without writing code: one of the zoo, a Hugging Face folder, or a factory's."""

from __future__ import annotations

import argparse
import json
import traceback
from pathlib import Path
from typing import Any

from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError, missing_extra
from hardattn_viewer.cli.recording.notes import Notes, only_ours, quiet_transformers
from hardattn_viewer.cli.recording.options import (
    add_input_arguments,
    add_model_arguments,
    add_policy_arguments,
    policy_of,
)
from hardattn_viewer.cli.runs import open_run, words_for_bytes
from hardattn_viewer.cli.zoo import add_task_arguments, new_run_path

STOPPED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a folder with a Hugging Face model, package.module:factory, a checkpoint of "
        "`hardattn train`, or a system's name for the one that is shipped",
    )
    parser.add_argument("-o", "--output", required=True, metavar="RUN")
    add_input_arguments(parser)
    add_task_arguments(parser, task=None, threads=None)
    parser.add_argument("--split", choices=("train", "validation", "test"))
    parser.add_argument("--mechanism", metavar="M", help="zoo: choose otherwise than trained")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the random choices")
    add_model_arguments(parser)
    add_policy_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")


def run(arguments: argparse.Namespace) -> int:
    path = new_run_path(arguments.output)
    notes = Notes("hardattn record")
    stopped = False
    try:
        with only_ours(notes):
            stopped = record_model(path, arguments, notes)
    except CommandError as error:
        if arguments.traceback and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        if path.exists():
            raise CommandError(f"{error}{_kept(path)}", error.code) from error
        raise
    except KeyboardInterrupt:
        stopped = True
    facts = _facts(path, notes, stopped) if path.exists() else None
    if facts is None or not facts["events"]:
        path.unlink(missing_ok=True)
        if stopped:
            raise CommandError("stopped by Ctrl+C before anything was recorded", STOPPED)
        raise CommandError("nothing was recorded, so no run was written; the lines above say why")
    if stopped:
        notes.say(f"stopped by Ctrl+C: {path} holds the {facts['examples']} examples until then")
    print(json.dumps(facts, indent=2, ensure_ascii=False) if arguments.json else _in_words(facts))
    return STOPPED if stopped else 0


def record_model(path: Path, arguments: argparse.Namespace, notes: Notes) -> bool:
    """Find out what MODEL is and record it.

    Returns:
        Whether Ctrl+C ended it early.

    Raises:
        CommandError: it cannot be recorded; the sentence says why.
        KeyboardInterrupt: Ctrl+C came before recording, or twice.
    """
    if Path(arguments.model).is_dir():
        _refuse(arguments, "a Hugging Face folder", "mechanism", "size")
        _need_torch()
        from hardattn_viewer.cli.recording.hugging_face_subject import hugging_face_subject

        with quiet_transformers():
            return _record(path, arguments, notes, hugging_face_subject)
    if ":" in arguments.model and not Path(arguments.model).exists():
        _refuse(arguments, "a factory", "mechanism", "attn", "random_weights")
        _need_torch()
        from hardattn_viewer.cli.recording.factories import current_folder_first, factory_subject

        with current_folder_first():
            return _record(path, arguments, notes, factory_subject)
    _refuse(
        arguments,
        "a system of the zoo, which runs on a --task",
        *("text", "images", "batch", "max_tokens", "generate"),
        *("size", "dtype", "attn", "random_weights"),
    )
    from hardattn_viewer.cli.recording.zoo_model import record_zoo

    return record_zoo(path, arguments, notes)


def _record(path: Path, arguments: argparse.Namespace, notes: Notes, subject_of: Any) -> bool:
    import torch

    from hardattn_viewer.cli.recording.inputs import inputs_of
    from hardattn_viewer.cli.recording.session import record_subject

    if arguments.task is None and (arguments.split or arguments.data):
        raise CommandError("--split and --data go with --task", WRONG_USAGE)
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    inputs = inputs_of(arguments, notes)
    return record_subject(
        path,
        subject_of(arguments, inputs, notes),
        inputs,
        batch=arguments.batch,
        seed=arguments.seed,
        policy=policy_of(arguments),
        notes=notes,
    )


def _refuse(arguments: argparse.Namespace, what: str, *names: str) -> None:
    """Refuse words that mean nothing for this kind of model, instead of ignoring them."""
    for name in names:
        if getattr(arguments, name) not in (None, False):
            flag = "--" + name.replace("_", "-")
            raise CommandError(
                f"{flag} means nothing for {what}; {arguments.model} is one", WRONG_USAGE
            )


def _need_torch() -> None:
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise missing_extra("capture", error) from error


def _kept(path: Path) -> str:
    """What a recording that failed leaves, as the end of a sentence; nothing where it is empty."""
    with open_run(str(path)) as opened:
        events, examples = opened.n_events, len(opened.examples)
    if not events:
        path.unlink()
        return ""
    return f"; what came before is in {path} ({examples} examples)"


def _facts(path: Path, notes: Notes, stopped: bool) -> dict[str, Any]:
    from recorders.run.verification import together

    with open_run(str(path)) as recorded:
        return {
            "run": str(path),
            "examples": len(recorded.examples),
            "events": recorded.n_events,
            "bytes": recorded.bytes,
            "sites": len(recorded.sites),
            "verified": together([recorded.verification(site) for site in recorded.sites]).words,
            "left_out": list(recorded.left_out),
            "changed": list(recorded.changed),
            "notes": list(notes.said),
            "stopped": stopped,
        }


def _in_words(facts: dict[str, Any]) -> str:
    counts = [
        f"{facts[what]} {what if facts[what] != 1 else what[:-1]}"
        for what in ("examples", "sites", "events")
    ]
    lines = [f"{facts['run']}: {', '.join(counts)}, {words_for_bytes(facts['bytes'])}"]
    if facts["verified"]:
        lines.append(f"  {facts['verified']}")
    lines += [f"  left out: {sentence}" for sentence in facts["left_out"]]
    lines += [f"  changed: {sentence}" for sentence in facts["changed"]]
    return "\n".join(lines)
