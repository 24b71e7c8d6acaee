"""What can be said of a system without building it; each file in ``zoo/`` says it of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hardattn_models.model import ModelConfig, SystemModel


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


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
        model: its class.
        config: the class of what it is built from.
        fit: what a task fixes of the configuration, for example the number of classes.
        note: a sentence on what it can be trained by, or empty.
        defaults: fields of a training plan that were seen to work, by mechanism and gradient.
    """

    name: str
    summary: str
    trainable: Mapping[str, tuple[str, ...]]
    mechanisms: tuple[str, ...]
    tasks: tuple[str, ...]
    reference: str
    model: Callable[[Any], SystemModel]
    config: type[ModelConfig]
    note: str = ""
    fit: Callable[[Any], dict[str, Any]] = _nothing
    defaults: Callable[[str, str], dict[str, Any]] = _nothing

    @property
    def gradients(self) -> tuple[str, ...]:
        """Every gradient that some mechanism of it learns by."""
        return tuple(dict.fromkeys(name for names in self.trainable.values() for name in names))

    def build(self, **options: Any) -> SystemModel:
        """Make one with fresh weights.

        Raises:
            ValueError: an option is unknown or will not do.
        """
        return self.model(self.config.of(options))
