"""Attention mechanisms, gradients past a choice, and small systems trained on real tasks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardattn_models.checkpoints import checkpoint_facts as checkpoint_facts
    from hardattn_models.checkpoints import load_system as load_system
    from hardattn_models.checkpoints import load_training as load_training
    from hardattn_models.checkpoints import read_metadata as read_metadata
    from hardattn_models.checkpoints import save_system as save_system
    from hardattn_models.errors import CheckpointError as CheckpointError
    from hardattn_models.errors import ModelError as ModelError
    from hardattn_models.errors import TaskError as TaskError
    from hardattn_models.errors import TrainingError as TrainingError
    from hardattn_models.registry import System as System
    from hardattn_models.registry import build_system as build_system
    from hardattn_models.registry import systems as systems
    from hardattn_models.tasks import load_task as load_task
    from hardattn_models.tasks import task_names as task_names

_HOME = {
    "CheckpointError": "errors",
    "ModelError": "errors",
    "System": "registry",
    "TaskError": "errors",
    "TrainingError": "errors",
    "build_system": "registry",
    "checkpoint_facts": "checkpoints",
    "load_system": "checkpoints",
    "load_task": "tasks",
    "load_training": "checkpoints",
    "read_metadata": "checkpoints",
    "save_system": "checkpoints",
    "systems": "registry",
    "task_names": "tasks",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
