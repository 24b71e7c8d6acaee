"""A model of tokens on the texts of a run: a Hugging Face folder's, or one that has a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from hardattn_viewer.checks.sanity import FAIL
from hardattn_viewer.cli.checking.answers import calling, kind_of, query_of
from hardattn_viewer.cli.checking.pictures_checked import folder_pictures
from hardattn_viewer.cli.checking.same_model import same_model
from hardattn_viewer.cli.checking.texts import ids_of, texts_of
from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.recording.hugging_face import Loaded, load_model, load_tokenizer
from hardattn_viewer.cli.recording.hugging_face_subject import parameters_of
from hardattn_viewer.cli.recording.notes import Notes
from hardattn_viewer.faithfulness import FaithfulnessError, TokenSubject
from hardattn_viewer.faithfulness.attending import AttendingError
from hardattn_viewer.faithfulness.engine import quiet_run
from hardattn_viewer.faithfulness.explainers.by_name import is_by_attention, usual_of
from hardattn_viewer.faithfulness.from_run import Recorded
from hardattn_viewer.faithfulness.observing import observe, queries_read, whole_row
from hardattn_viewer.faithfulness.subject import Floats
from hardattn_viewer.faithfulness.subjects.reading import EncoderSubject, NextTokenSubject
from recorders.run.reader import Run

RECORDED = "recorded attention"
"""The run's own attention, of models whose attention cannot be heard when they run."""

_READS: Mapping[type[TokenSubject], str] = {
    NextTokenSubject: "the token that it says next",
    EncoderSubject: "the cosine of what is left to the whole text",
}


def folder_checked(run: Run, folder: Path, count: int, seed: int, notes: Notes) -> Recorded:
    """The model of a Hugging Face folder on the first examples of a run.

    Its attention is set to run through ``scaled_dot_product_attention`` where it can, so that it is
    heard; weights that were drawn for the run are drawn again. No code of the folder is run.

    Raises:
        CommandError: the folder cannot be loaded.
        FaithfulnessError: the run is not of this model, or has nothing that it reads.
    """
    loaded = _loaded(run, folder, seed, notes)
    takes = parameters_of(loaded.model)
    if "pixel_values" in takes and "input_ids" not in takes:
        return folder_pictures(run, loaded, folder, count, notes)
    if "input_ids" not in takes or "pixel_values" in takes:
        raise FaithfulnessError(
            f"{type(loaded.model).__name__} reads neither text nor pictures alone: name a factory "
            "that returns a subject"
        )
    names = [str(name) for _, name in sorted(loaded.config.id2label.items())]
    facts = {"model": folder.resolve().name, "class": loaded.facts["class"]}
    return text_checked(run, loaded.model, load_tokenizer(folder), count, facts, tuple(names))


def _loaded(run: Run, folder: Path, seed: int, notes: Notes) -> Loaded:
    told = run.metadata.get("model")
    facts = told if isinstance(told, dict) else {}
    drawn = str(facts.get("weights", "")).startswith("random")
    options: dict[str, Any] = {
        "random_weights": drawn,
        "dtype": facts.get("dtype") if facts.get("dtype") in ("float32", "float64") else "auto",
        "seed": int(run.metadata.get("seed", seed)) if drawn else seed,
        "notes": notes,
    }
    try:
        return load_model(folder, attention="sdpa", **options)
    except CommandError as error:
        if "scaled_dot_product_attention" not in str(error):
            raise
        return load_model(folder, attention=None, **options)


def text_checked(
    run: Run,
    model: nn.Module,
    tokenizer: Any,
    count: int,
    facts: Mapping[str, Any],
    classes: tuple[str, ...] = (),
) -> Recorded:
    """A model of ids on the texts of a run, item by item its tokens.

    Args:
        run: whose first examples are checked.
        model: in evaluation mode.
        tokenizer: a Hugging Face tokenizer, asked for ids of tokens alone.
        count: examples.
        facts: what to keep beside the numbers.
        classes: names of its classes, where it has some.

    Raises:
        FaithfulnessError: the run is not of this model, or what it answers cannot be read.
    """
    ids = ids_of(run, tokenizer, count, f"the tokenizer of {facts['model']}")
    kind, warnings = kind_of(model, ids[0]), []
    query: Any = {NextTokenSubject: "last", EncoderSubject: "mean"}.get(kind)
    if query is None:
        query = query_of(model, ids[0])
    if query is None:
        query = 0
        warnings.append(
            f"where {facts['model']} reads its answer is not known: attention is read at position 0"
        )
    texts = texts_of(run, ids, tokenizer, query, keeps_query=kind is NextTokenSubject)
    pad = tokenizer.pad_token_id
    pad = tokenizer.eos_token_id if pad is None else pad
    config: Any = getattr(model, "config", None)
    if getattr(config, "pad_token_id", 0) is None:
        # Some classifiers find the end of a row by it.
        config.pad_token_id = pad
    options: dict[str, Any] = {
        "pad": pad or 0,
        "mask": tokenizer.mask_token_id,
        "call": calling(model),
        "query": query,
    }
    if kind is TokenSubject and len(classes) > 1:
        options["outputs"] = classes
    subject = kind(model, texts, **options)
    same = same_model(run, model, subject, classes=kind is TokenSubject)
    usual: tuple[str, ...] = usual_of(subject)
    explanations = {}
    if not _is_heard(subject):
        usual = tuple(name for name in usual if not is_by_attention(name))
        warnings.append(
            f"{facts['model']} does not attend by scaled_dot_product_attention, so that its "
            "attention is taken from the run"
        )
        if same.outcome != FAIL:
            explanations = _of_run(run, subject)
    if kind is EncoderSubject:
        usual = tuple(name for name in usual if name != "input-x-gradient")
    return Recorded(
        subject=subject,
        explanations=explanations,
        labels=[run.examples[at].label for at in range(count)],
        sanity=(same,),
        facts={
            "run": Path(str(run.path)).name,
            "recording": run.recording,
            **facts,
            "items": "tokens",
            "query": query,
            **({"reads": _READS[kind]} if kind in _READS else {}),
        },
        warnings=tuple(warnings),
        targets=subject.targets if isinstance(subject, NextTokenSubject) else None,
        reading="log-probability" if kind is NextTokenSubject else None,
        explainers=usual,
    )


def _is_heard(subject: TokenSubject) -> bool:
    try:
        with quiet_run():
            observe(subject, [whole_row(subject, 0)])
    except (AttendingError, FaithfulnessError):
        return False
    return True


def _of_run(run: Run, subject: TokenSubject) -> dict[str, list[Floats]]:
    """Mean over sites and heads of what the run's answer attends to, an item a number."""
    rows = []
    for example, text in enumerate(subject.texts):
        found = []
        for site in run.sites:
            try:
                p = run.map(site, example)
            except IndexError:
                continue
            if p.shape[-1] == len(text.ids):
                read = queries_read(subject.query, p.shape[-2])
                found.append(p[:, read].mean((0, 1), dtype=np.float64))
        if not found:
            return {}
        mass = np.mean(found, 0)
        rows.append(np.array([mass[list(item)].sum() for item in text.items]))
    return {RECORDED: rows}
