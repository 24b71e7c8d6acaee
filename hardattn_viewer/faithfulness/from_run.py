"""From a recorded run to what can be checked: the model that was recorded, on the same examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardattn_models import load_system, load_task, read_metadata, task_names
from hardattn_models.errors import ModelError
from hardattn_models.model import SystemModel
from hardattn_models.registry import system
from hardattn_models.tasks.loading import at_hand
from hardattn_viewer.checks.sanity import FAIL, NOT_APPLICABLE, PASS, Sanity
from hardattn_viewer.faithfulness.errors import FaithfulnessError
from hardattn_viewer.faithfulness.subject import Floats, Subject
from hardattn_viewer.faithfulness.subjects.zoo import ZooPictures, ZooSubject, is_of_pictures
from hardattn_viewer.faithfulness.subjects.zoo_parts import PARTS, ZooParts, ZooSounds
from recorders.run.reader import Run
from sample_runs import checkpoints

SAME = 1e-3
"""Largest difference of a probability between the run and the model that still counts as the same:
runs keep probabilities to 1.5e-5, and other machines add up in other orders."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """A run, ready to be checked.

    Attributes:
        subject: its model on its first examples, with the choices that were recorded.
        explanations: by name, of each example, what the run itself shows, ``[items]``.
        labels: the right class of each example, where there is one.
        sanity: whether the model is the one that was recorded.
        facts: run, model and task.
        warnings: sentences on what was left out.
        targets: the output that is read of each example; the predicted class if None.
        reading: what is read of it where nobody says; "probability", or "value" of one output, if
            None.
        explainers: those that are run where nobody names some; the usual ones if None.
    """

    subject: Subject
    explanations: Mapping[str, list[Floats]]
    labels: list[int | None]
    sanity: tuple[Sanity, ...]
    facts: Mapping[str, Any]
    warnings: tuple[str, ...] = field(default=())
    targets: tuple[int, ...] | None = None
    reading: str | None = None
    explainers: tuple[str, ...] | None = None


def recorded(
    run: Run,
    *,
    model: Path | None = None,
    task: str | None = None,
    data: str | None = None,
    examples: int = 50,
    seed: int = 0,
) -> Recorded:
    """Find the model of a run and run it on the run's examples.

    Args:
        run: of a system of the zoo.
        model: its checkpoint; the one that the run names, beside it or shipped, if not given.
        task: its task; the one it was trained on if not given.
        data: folder of the task's files, where it needs some.
        examples: the first so many.
        seed: of what is drawn.

    Raises:
        FaithfulnessError: the model or the examples are not to be found, or are others.
    """
    path = model or _checkpoint_of(run)
    try:
        net = load_system(path, mechanism=None).eval()
        facts = read_metadata(path)
        names = (task,) if task else _tasks_of(run, facts, path)
        split = str(run.metadata.get("split", "test"))
        count = min(examples, len(run.examples))
        if not count:
            raise FaithfulnessError(f"{run.path} holds no example")
        name, batch = _same_examples(run, net, names, data, split, count)
    except (ModelError, OSError, ValueError) as error:
        raise FaithfulnessError(str(error)) from error
    chosen, warnings = _chosen(run, count)
    kind = _kind_of(net, batch)
    try:
        subject = kind(net, batch, chosen=chosen, seed=seed)
    except FaithfulnessError:
        if kind is ZooSubject:
            raise
        kind = ZooSubject
        subject = kind(net, batch, chosen=chosen, seed=seed)
    if chosen is not None and not _chooses_among(run, subject):
        subject = kind(net, batch, seed=seed)
        warnings = (
            *warnings,
            "the run shows other items than the system chooses among: its choices are made anew",
        )
    return Recorded(
        subject=subject,
        explanations=_explanations(run, subject, count),
        labels=subject.labels,
        sanity=(_same_model(run, subject, count),),
        facts={
            "run": Path(str(run.path)).name,
            "recording": run.recording,
            "model": path.name,
            "system": type(net).__name__,
            "mechanism": net.mechanism,
            "task": name,
            "split": split,
        },
        warnings=warnings,
    )


def _checkpoint_of(run: Run) -> Path:
    name = run.metadata.get("checkpoint")
    if not isinstance(name, str) or "/" in name or not name:
        raise FaithfulnessError(_no_checkpoint(run))
    beside = Path(str(run.path)).parent / name
    if beside.is_file():
        return beside
    shipped = checkpoints().get(name.removesuffix(".safetensors"))
    if shipped is not None:
        return shipped
    raise FaithfulnessError(
        f"the model of {run.path}, {name}, is neither beside it nor shipped: name it with --model"
    )


def _no_checkpoint(run: Run) -> str:
    """Why a run has no checkpoint of the zoo, and what to name instead."""
    model = run.metadata.get("model")
    told = model if isinstance(model, dict) else {}
    folder, factory = told.get("folder"), told.get("factory")
    if isinstance(folder, str):
        return (
            f"{run.path} was recorded from the Hugging Face folder {folder}, which it does not "
            "hold: name that folder with --model"
        )
    if isinstance(factory, str):
        return (
            f"{run.path} was recorded from the factory {factory}, which is code and never run "
            "unless you name it: name it with --model, or one that returns a subject"
        )
    return (
        f"{run.path} names no checkpoint of the zoo: name its model with --model, a checkpoint, a "
        "Hugging Face folder or package.module:factory"
    )


def _tasks_of(run: Run, facts: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Tasks of the system whose data the run says it shows; else the one it was trained on."""
    from hardattn_models import checkpoint_facts

    training = facts.get("training", {})
    trained = training.get("plan", {}).get("task") if isinstance(training, dict) else None
    offline, able = task_names(offline=True), system(checkpoint_facts(path).system).tasks
    known = at_hand(str(trained))
    usual = known if known in offline else able[0]
    shown = run.metadata.get("data")
    ours = [name for name in dict.fromkeys((usual, *able)) if name in offline]
    return tuple(name for name in ours if load_task(name).source == shown) or (usual,)


def _kind_of(net: SystemModel, batch: Any) -> type[ZooSubject]:
    """As what a system is checked: by what its candidates are in its batch."""
    if getattr(batch, "mels", None) is not None:
        return ZooSounds
    if type(batch).__name__ in PARTS:
        return ZooParts
    return ZooPictures if is_of_pictures(net, batch) else ZooSubject


def _same_examples(
    run: Run, net: SystemModel, tasks: Sequence[str], data: str | None, split: str, count: int
) -> tuple[str, Any]:
    """The first of some tasks whose examples are those of a run, and a batch of them.

    Raises:
        FaithfulnessError: there is none.
    """
    different = 0
    for number, task in enumerate(tasks):
        batch = next(iter(load_task(task, folder=data).batches(split, count, count)))
        at = _first_different(run, net.described(batch), count)
        if at is None:
            return task, batch
        different = at if not number else different
    raise FaithfulnessError(
        f"example {different} of {run.path} is not that of the task {' or '.join(tasks)}: name the "
        "task that was recorded with --task"
    )


def _first_different(run: Run, entries: Sequence[Mapping[str, Any]], count: int) -> int | None:
    for at in range(count):
        one, entry = run.examples[at], entries[at]
        size = entry["image"].shape[1::-1] if "image" in entry else None
        alike = size is None or one.image_size is None or tuple(size) == tuple(one.image_size)
        if one.name != str(entry["name"]) or one.label != entry.get("label") or not alike:
            return at
    return None


def _chooses_among(run: Run, subject: ZooSubject) -> bool:
    """Whether each site has as many keys as there are candidates, so that numbers mean the same."""
    return all(
        run.map(site, 0, 0).shape[-1] == subject.items(0)
        for site in run.sites
        if run.steps(site, 0)
    )


def _chosen(run: Run, count: int) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """The choices of a run ``[examples, choices]``, site by site; None where it blends."""
    rows = []
    for example in range(count):
        made: list[int] = []
        for site in run.sites:
            for step in range(run.steps(site, example)):
                index = run.selection(site, example, step)
                if index is None:
                    return None, ()
                if index.size != 1:
                    return None, (
                        f"{site.name} takes several candidates at once: its choices are made anew",
                    )
                made.append(int(index.reshape(-1)[0]))
        rows.append(made)
    if len({len(made) for made in rows}) != 1:
        return None, ("examples have different numbers of choices: they are made anew",)
    return np.array(rows, np.int64), ()


def _explanations(run: Run, subject: ZooSubject, count: int) -> dict[str, list[Floats]]:
    """What the run shows: attention summed over steps, one number an item."""
    if not subject.operators or any(site.hard for site in run.sites):
        return {}
    found: dict[str, list[Floats]] = {}
    for site in run.sites:
        rows = []
        for example in range(count):
            steps = [run.map(site, example, step) for step in range(run.steps(site, example))]
            rows.append(np.asarray(np.mean(steps, axis=(0, 1, 2)), np.float64))
        if all(len(row) == subject.items(at) for at, row in enumerate(rows)):
            found[f"attention of {site.name}"] = rows
    return found


def _same_model(run: Run, subject: ZooSubject, count: int) -> Sanity:
    words = "The model is the one that was recorded"
    largest = 0.0
    if len(run.sites) != 1:
        return Sanity(words, NOT_APPLICABLE, note="the run has several sites")
    site = run.sites[0]
    for example in range(min(count, 16)):
        made = subject.choices(example)
        steps = min(run.steps(site, example), len(made.chosen))
        for step in range(steps):
            p = run.map(site, example, step).mean((0, 1))
            if p.shape != made.probabilities[step].shape:
                return Sanity(words, NOT_APPLICABLE, note="the run shows other items")
            largest = max(largest, float(np.abs(p - made.probabilities[step]).max()))
    words = f"{words}: probabilities differ by {largest:.1e} at most"
    if largest <= SAME:
        return Sanity(words, PASS, largest, SAME)
    return Sanity(words, FAIL, largest, SAME, "what is checked is not what was recorded")
