"""Where a process finds what it checks: a function by name, and its arguments as JSON."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from hardattn_viewer.faithfulness.errors import FaithfulnessError
from hardattn_viewer.faithfulness.subject import Subject

_ALIKE = 6
"""Decimals of given explanations that must agree: machines add up in other orders."""


@dataclass(frozen=True)
class Source:
    """What is checked, so that every process can load it for itself; no code is sent about.

    Args:
        factory: ``package.module:function``, importable wherever the check runs. It returns a
            subject, or an object with ``subject`` and ``explanations`` (by name, of each example
            ``[items]``), such as ``hardattn_viewer.faithfulness.from_run.Recorded``.
        arguments: its keyword arguments, a JSON object.
    """

    factory: str
    arguments: str = "{}"

    @staticmethod
    def of(factory: str, **arguments: Any) -> Source:
        """A source from arguments that JSON can hold.

        Raises:
            TypeError: it cannot hold one.
        """
        return Source(factory, json.dumps(arguments, sort_keys=True))

    def load(self) -> Loaded:
        """Call the function.

        Raises:
            FaithfulnessError: there is no such function, or it returned something else.
        """
        module, _, name = self.factory.partition(":")
        if not module or not name:
            raise FaithfulnessError(
                f"{self.factory} names no function: write it as package.module:function"
            )
        try:
            function = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            raise FaithfulnessError(
                f"{self.factory} cannot be imported: there is no module {error.name} here"
            ) from error
        except AttributeError as error:
            raise FaithfulnessError(f"there is no {name} in the module {module}") from error
        found = function(**json.loads(self.arguments))
        if isinstance(found, Subject):
            return Loaded(found, {}, found)
        subject = getattr(found, "subject", None)
        if not isinstance(subject, Subject):
            raise FaithfulnessError(
                f"{self.factory} returned a {type(found).__name__}, not a subject"
            )
        return Loaded(subject, getattr(found, "explanations", {}), found)


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a source gave.

    Attributes:
        subject: the model with its examples.
        explanations: of its own, by name, of each example ``[items]``.
        whole: what the function returned.
    """

    subject: Subject
    explanations: Mapping[str, Sequence[ArrayLike]]
    whole: Any

    def identity(self) -> str:
        """Equal where the examples, the parameters and the given explanations are equal.

        Code is not part of it.
        """
        told = hashlib.blake2b(digest_size=20)
        for example in range(len(self.subject)):
            told.update(self.subject.digest(example))
            told.update(b"%d," % self.subject.items(example))
        for name, value in sorted(getattr(self.subject, "__dict__", {}).items()):
            if isinstance(value, nn.Module):
                _tell(told, dict(sorted(value.state_dict().items())))
            elif is_dataclass(value) and not name.startswith("_"):
                _tell(told, {one.name: getattr(value, one.name) for one in fields(value)})
        for name, rows in sorted(self.explanations.items()):
            told.update(name.encode())
            for row in rows:
                told.update((np.asarray(row, np.float64).round(_ALIKE) + 0.0).tobytes())
        return told.hexdigest()


def _tell(told: Any, named: Mapping[str, Any]) -> None:
    for name, value in named.items():
        if isinstance(value, Tensor):
            told.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            # As bytes, since NumPy has no bfloat16.
            plain = value.detach().cpu().contiguous().reshape(-1)
            told.update(plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
