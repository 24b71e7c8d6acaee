"""Whether a model is the one that a run was recorded of: it is recorded again, and compared."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
from torch import nn

from hardattn_viewer.checks.sanity import FAIL, NOT_APPLICABLE, PASS, Sanity
from hardattn_viewer.faithfulness import FaithfulnessError
from hardattn_viewer.faithfulness.engine import quiet_run
from hardattn_viewer.faithfulness.from_run import SAME
from hardattn_viewer.faithfulness.observing import whole_row
from hardattn_viewer.faithfulness.subject import Subject
from recorders import Recorder, RunError, read_run
from recorders.run.reader import Run

_TRIED = 4
_WORDS = "The model is the one that was recorded"


def same_model(run: Run, model: nn.Module, subject: Subject, *, classes: bool) -> Sanity:
    """Record the model on some examples again, and hold probabilities against those of the run.

    Sites go together by their names, or by their order where a model wraps another.

    Args:
        run: what was recorded.
        model: that the subject runs.
        subject: the run's examples.
        classes: whether its outputs are the classes that the run holds answers of.
    """
    count = min(len(subject), _TRIED)
    with tempfile.TemporaryDirectory(prefix="hardattn-") as folder:
        path = Path(folder) / "again.h5"
        try:
            _record(path, model, subject, count)
            with read_run(path) as again:
                pairs = _pairs(run, again)
                if not pairs and run.n_events:
                    note = (
                        f"the run has {len(run.sites)} sites of attention and this model "
                        f"{len(again.sites)} others: what is checked is not what was recorded"
                    )
                    return Sanity(_WORDS, FAIL, note=note)
                attended = _attention(run, again, pairs, count)
        except (RunError, OSError) as error:
            raise FaithfulnessError(f"the model cannot be recorded again: {error}") from error
    answered = _answers(run, subject, count) if classes else None
    found = {
        what: value
        for what, value in (("of attention", attended), ("of classes", answered))
        if value is not None
    }
    if not found:
        note = "the run holds neither maps nor answers that could be compared"
        return Sanity(_WORDS, NOT_APPLICABLE, note=note)
    largest = max(found.values())
    told = ", ".join(f"{what} by {value:.1e}" for what, value in found.items())
    words = f"{_WORDS}: in {count} examples probabilities {told} at most"
    if largest <= SAME:
        return Sanity(words, PASS, largest, SAME)
    return Sanity(words, FAIL, largest, SAME, "what is checked is not what was recorded")


def _record(path: Path, model: nn.Module, subject: Subject, count: int) -> None:
    with quiet_run(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Recorder(path, model) as recorder:
            for example in range(count):
                with recorder.example(name=str(example)):
                    subject.run([whole_row(subject, example)])


def _pairs(run: Run, again: Run) -> list[tuple[str, str]]:
    """The sites of two runs that go together."""
    ours, theirs = ([one.name for one in found.sites] for found in (run, again))
    named = [(name, name) for name in ours if name in theirs]
    if named:
        return named
    return list(zip(ours, theirs, strict=True)) if len(ours) == len(theirs) else []


def _attention(run: Run, again: Run, pairs: list[tuple[str, str]], count: int) -> float | None:
    """Largest difference of a probability of attention; None where no map can be compared."""
    found = [
        _apart(run, again, site, other, example)
        for site, other in pairs
        for example in range(count)
    ]
    known = [one for one in found if one is not None]
    return max(known) if known else None


def _apart(run: Run, again: Run, site: str, its: str, example: int) -> float | None:
    try:
        one, other = run.map(site, example), again.map(its, example)
    except IndexError:
        return None
    heads = next(found for found in run.sites if found.name == site).head_indices
    if len(heads) == len(one) and len(other) > max(heads, default=-1):
        other = other[list(heads)]
    return float(np.abs(one - other).max()) if one.shape == other.shape else None


def _answers(run: Run, subject: Subject, count: int) -> float | None:
    """Largest difference of the probability of the class that the run says was predicted."""
    largest = None
    for example in range(count):
        told = run.outcome(example)
        if told.prediction is None or told.confidence is None:
            continue
        with quiet_run():
            p = subject.run([whole_row(subject, example)])[0].double().softmax(-1)
        if told.prediction >= len(p):
            return 1.0
        largest = max(largest or 0.0, abs(float(p[told.prediction]) - told.confidence))
    return largest
