"""The systems there are, by name: listing them and building one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hardattn_models.errors import ModelError
from hardattn_models.tasks import task_names
from hardattn_models.zoo import glimpse
from hardattn_models.zoo.glimpse import GlimpseClassifier


@dataclass(frozen=True)
class System:
    """What can be said of a system without building it.

    Attributes:
        name: what it is called on the command line.
        summary: one line of what it does.
        trainable: the mechanisms it can be trained with, each with the gradients it then
            learns by, the usual one first.
        mechanisms: all mechanisms it can run with.
        tasks: the tasks it can be trained on, the default first.
        reference: the paper it follows.
        build: makes one with fresh weights from its options.
        model: the class of what ``build`` makes.
    """

    name: str
    summary: str
    trainable: Mapping[str, tuple[str, ...]]
    mechanisms: tuple[str, ...]
    tasks: tuple[str, ...]
    reference: str
    build: Callable[..., GlimpseClassifier]
    model: type[GlimpseClassifier]

    @property
    def gradients(self) -> tuple[str, ...]:
        """Every gradient that some mechanism of it learns by."""
        return tuple(dict.fromkeys(name for names in self.trainable.values() for name in names))


_SYSTEMS = (
    System(
        name="glimpse",
        summary="classifies an image through six small windows, one after another",
        trainable={
            "sampled": ("reinforce",),
            "soft": ("backprop",),
            "uniform": ("backprop",),
        },
        mechanisms=glimpse.MECHANISMS,
        tasks=task_names(),
        reference="Mnih et al. 2014, Recurrent Models of Visual Attention, arXiv:1406.6247",
        build=glimpse.build,
        model=GlimpseClassifier,
    ),
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


def build_system(name: str, **options: Any) -> GlimpseClassifier:
    """Build a system with fresh weights, drawn from torch's global random state.

    Args:
        name: as in :func:`systems`.
        **options: the system's own, ``mechanism`` among them; for "glimpse" the fields of
            ``GlimpseConfig``.

    Raises:
        ModelError: if there is no such system.
        ValueError: if an option is unknown or will not do.
    """
    return system(name).build(**options)
