"""What comes of reading one damaged run, in a process that may die of it."""

import json
import traceback

from truth import METADATA, unlike

from recorders import RunError, read_run
from recorders.run.validate import findings


def outcome(line):
    """The outcome of one case, both as JSON; see ``corruptions.campaign``."""
    case = json.loads(line)
    try:
        return json.dumps(_outcome(case))
    except BaseException:
        return json.dumps({"outcome": "exception", "says": traceback.format_exc()[-1500:]})


def _outcome(case):
    found = _read(case)
    listed = findings(case["path"])
    for finding in listed:
        if not _is_sentence(finding.what):
            return {"outcome": "not one sentence", "says": finding.what}
    severe = [finding for finding in listed if finding.severity != "notice"]
    if found["outcome"] in ("refused", "read without a part") and not severe:
        return {"outcome": "not found by validate", "says": found["says"]}
    return found


def _read(case):
    try:
        run = read_run(case["path"])
    except RunError as problem:
        return _said("refused", str(problem))
    with run:
        notices = [notice for notice in run.notices if "damaged" in notice]
        wrong, missing, damaged = _steps_read(run, case)
    if (wrong or missing) and case["kind"] == "hostile column":
        return {"outcome": "other numbers with their checksum"}
    if wrong or (missing and not notices):
        return {"outcome": "silently wrong", "says": "; ".join([*wrong, *missing][:5])}
    if damaged or notices:
        return _said("read without a part", [*damaged, *notices][0])
    return {"outcome": "all right"}


def _steps_read(run, case):
    """What was read and is wrong, what is missing, and sentences of what could not be read."""
    wrong, missing, damaged = [], [], []
    if len(run.examples) != case["steps"]:
        wrong.append(f"{len(run.examples)} examples")
    if {name: run.metadata.get(name) for name in METADATA} != METADATA:
        wrong.append("metadata")
    try:
        run.columns()
    except RunError as problem:
        damaged.append(str(problem))
    for step in range(min(case["steps"], len(run.examples))):
        for name, how in unlike(run, case["seed"], step).items():
            if how == "wrong":
                wrong.append(f"{name} of step {step}")
            elif how == "missing":
                missing.append(f"{name} of step {step} is missing")
            else:
                damaged.append(how)
    return wrong, missing, damaged


def _said(name, sentence):
    if not _is_sentence(sentence):
        return {"outcome": "not one sentence", "says": sentence}
    return {"outcome": name, "says": sentence}


def _is_sentence(text):
    return 10 < len(text) < 600 and "\n" not in text and "Traceback" not in text
