"""The systems there are, by name: listing them and building one."""

from __future__ import annotations

from typing import Any

from hardattn_models.errors import ModelError
from hardattn_models.model import SystemModel
from hardattn_models.system import System
from hardattn_models.zoo import (
    alignment,
    answers,
    captioner,
    copier,
    glimpse,
    latent,
    localiser,
    memory,
    pointer,
    rationale,
    retrieval,
    speech,
    summary,
    tools,
    video,
    vqa,
)

__all__ = ["System", "build_system", "system", "systems"]

_SYSTEMS = (
    glimpse.SYSTEM,
    pointer.SYSTEM,
    memory.SYSTEM,
    tools.SYSTEM,
    alignment.SYSTEM,
    rationale.SYSTEM,
    copier.SYSTEM,
    answers.SYSTEM,
    summary.SYSTEM,
    captioner.SYSTEM,
    localiser.SYSTEM,
    video.SYSTEM,
    retrieval.SYSTEM,
    speech.SYSTEM,
    vqa.SYSTEM,
    latent.SYSTEM,
)


def systems() -> tuple[System, ...]:
    """All systems of the zoo."""
    return _SYSTEMS


def system(name: str) -> System:
    """The system of that name.

    Args:
        name: as in :func:`systems`.

    Raises:
        ModelError: if there is none.
    """
    for known in _SYSTEMS:
        if known.name == name:
            return known
    raise ModelError(
        f"there is no system {name!r}: choose {', '.join(known.name for known in _SYSTEMS)}"
    )


def build_system(name: str, **options: Any) -> Any:
    """Build a system with fresh weights, drawn from torch's global random state.

    Args:
        name: as in :func:`systems`.
        **options: the system's own, ``mechanism`` among them; for "glimpse" the fields of
            ``GlimpseConfig``.

    Returns:
        The model, a ``SystemModel`` of the class that the system names.

    Raises:
        ModelError: if there is no such system.
        ValueError: if an option is unknown or will not do.
    """
    model: SystemModel = system(name).build(**options)
    return model
