"""A trained system in a file: safetensors for the weights, JSON in its header for the rest.

The header's metadata holds ``format`` "hardattn-system", ``format_version`` "1", ``system`` (its
name), ``config`` (JSON object: the options it was built with) and ``metadata`` (JSON object: free
facts such as the training plan and figures). A file that training can go on from is of version
"2": it also holds ``training`` (JSON object) and tensors whose names begin with ``training/``.
Nothing in the file is code, and none is run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from hardattn_models.errors import CheckpointError, ModelError
from hardattn_models.model import SystemModel
from hardattn_models.registry import build_system, systems
from hardattn_models.training.learner import Standing
from hardattn_models.training.plan import TrainingPlan

_FORMAT, _VERSION, _RESUMABLE = "hardattn-system", "1", "2"
_TRAINING = "training/"


@dataclass(frozen=True)
class CheckpointFacts:
    """What a checkpoint says of itself.

    Attributes:
        path: the file.
        system: name of the system.
        config: the options it was built with.
        metadata: what was said of it when it was saved.
        training: where its training stood, without the tensors; None for a trained model alone.
    """

    path: Path
    system: str
    config: Mapping[str, Any]
    metadata: Mapping[str, Any]
    training: Mapping[str, Any] | None = None


def save_system(
    model: SystemModel,
    path: str | os.PathLike[str],
    metadata: Mapping[str, Any] | None = None,
    *,
    standing: Standing | None = None,
) -> None:
    """Keep a system in one file, which is there whole or not at all.

    Args:
        model: built by ``build_system``.
        path: the file to write, usually ``….safetensors``; replaced if it exists.
        metadata: facts to keep beside it, JSON values only, no NaN.
        standing: where its training stands, so that :func:`load_training` can take it up.

    Raises:
        CheckpointError: if the file cannot be written, or the model is no system of the zoo.
        ValueError: if the metadata is no JSON.
    """
    path = Path(path)
    try:
        facts = json.dumps(dict(metadata or {}), ensure_ascii=False, allow_nan=False)
    except TypeError as error:
        raise ValueError(f"metadata must be JSON values: {error}") from error
    header = {
        "format": _FORMAT,
        "format_version": _VERSION,
        "system": _name(model),
        "config": json.dumps(asdict(model.current_config())),
        "metadata": facts,
    }
    tensors = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    if standing is not None:
        header["format_version"] = _RESUMABLE
        header["training"] = json.dumps({"step": standing.step, "facts": standing.facts})
        tensors |= {f"{_TRAINING}{name}": value for name, value in standing.tensors.items()}
    content = save({name: value.contiguous() for name, value in tensors.items()}, header)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be written: {error.strerror}") from error


def checkpoint_facts(path: str | os.PathLike[str]) -> CheckpointFacts:
    """Read what a checkpoint says of itself, without its weights.

    Args:
        path: a file written by :func:`save_system`.

    Raises:
        CheckpointError: if there is no such file, it is broken, or was written by something else.
    """
    return _read(Path(path), weights=False)[0]


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What was said of a checkpoint when it was saved: ``checkpoint_facts(path).metadata``.

    Args:
        path: a file written by :func:`save_system`.

    Raises:
        CheckpointError: as for :func:`checkpoint_facts`.
    """
    return dict(checkpoint_facts(path).metadata)


def load_system(path: str | os.PathLike[str], *, mechanism: str | None = None) -> Any:
    """Build the system that a file holds.

    Args:
        path: a file written by :func:`save_system`.
        mechanism: run it with this mechanism instead of the one it was trained with.

    Returns:
        The model, with the weights bit for bit as they were saved, in evaluation mode.

    Raises:
        CheckpointError: if there is no such file, it is broken, was written by something else,
            or its weights do not fit its configuration.
        ValueError: if the system has no such mechanism.
    """
    facts, tensors = _read(Path(path), weights=True)
    weights = {name: v for name, v in tensors.items() if not name.startswith(_TRAINING)}
    model = _with_weights(Path(path), facts, weights)
    return model if mechanism is None else model.with_mechanism(mechanism)


def load_training(
    path: str | os.PathLike[str],
) -> tuple[TrainingPlan, SystemModel, Standing]:
    """What ``train`` needs to go on with the training that a checkpoint was saved from.

    Args:
        path: a file written by :func:`save_system` with its ``standing``.

    Returns:
        The plan, the model with its weights, and where its training stands.

    Raises:
        CheckpointError: as for :func:`load_system`, or the file holds a trained model alone.
    """
    path = Path(path)
    facts, tensors = _read(path, weights=True)
    if facts.training is None:
        raise CheckpointError(
            f"{path} holds a model alone and not where its training stood; go on from one that "
            "hardattn train wrote"
        )
    weights = {name: v for name, v in tensors.items() if not name.startswith(_TRAINING)}
    kept = {name.removeprefix(_TRAINING): v for name, v in tensors.items() if name not in weights}
    model = _with_weights(path, facts, weights)
    try:
        plan = TrainingPlan.of(facts.metadata["training"]["plan"])
        standing = Standing(int(facts.training["step"]), facts.training["facts"], kept)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} does not tell its training ({error})") from error
    except ModelError as error:
        raise CheckpointError(f"{path} was trained by a plan unknown here: {error}") from error
    return plan, model, standing


def _with_weights(path: Path, facts: CheckpointFacts, weights: Mapping[str, Tensor]) -> SystemModel:
    try:
        # The weights drawn here are thrown away, so drawing them must not count.
        with torch.random.fork_rng(devices=[]):
            model: SystemModel = build_system(facts.system, **facts.config)
    except (ModelError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} describes no system that can be built: {error}") from error
    wanted = model.state_dict()
    for name in wanted.keys() | weights.keys():
        if name not in weights or name not in wanted:
            lack = "lacks" if name not in weights else "holds an unknown"
            raise CheckpointError(f"{path} {lack} weight {name!r} for its {facts.system}")
        if weights[name].shape != wanted[name].shape or weights[name].dtype != wanted[name].dtype:
            raise CheckpointError(
                f"{path}: weight {name!r} is {weights[name].dtype} {tuple(weights[name].shape)}, "
                f"but its configuration calls for {wanted[name].dtype} {tuple(wanted[name].shape)}"
            )
        if not bool(weights[name].isfinite().all()):
            raise CheckpointError(f"{path}: weight {name!r} holds NaN or infinity; train it again")
    model.load_state_dict(weights)
    return model.eval()


def _name(model: SystemModel) -> str:
    for known in systems():
        if type(model) is known.model:
            return known.name
    raise CheckpointError(f"{type(model).__name__} is no system of the zoo and cannot be saved")


def _read(path: Path, *, weights: bool) -> tuple[CheckpointFacts, dict[str, Tensor]]:
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file; train one with: hardattn train")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            names = file.keys() if weights else []
            tensors = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({error}); copy or train it again"
        ) from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from error
    if header.get("format") != _FORMAT:
        raise CheckpointError(f"{path} was not written by hardattn (no {_FORMAT} in its header)")
    if header.get("format_version") not in (_VERSION, _RESUMABLE):
        raise CheckpointError(
            f"{path} has checkpoint version {header.get('format_version')}, "
            f"but only {_VERSION} and {_RESUMABLE} are known here; use a newer hardattn"
        )
    facts = CheckpointFacts(
        path=path,
        system=header.get("system", ""),
        config=_object(path, header, "config"),
        metadata=_object(path, header, "metadata"),
        training=_object(path, header, "training") if "training" in header else None,
    )
    return facts, tensors


def _object(path: Path, header: Mapping[str, str], name: str) -> dict[str, Any]:
    try:
        value = json.loads(header.get(name, ""))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: its {name} is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: its {name} is not a JSON object")
    return value
