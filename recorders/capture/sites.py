"""Which places of a model are recorded, and under which names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from torch import nn

from recorders.capture.tap import AttentionTap


@dataclass(frozen=True)
class TappedSite:
    """A tap of a model with the name that its site gets.

    Attributes:
        name: the tap's own name; the module path where two taps of the model share a name.
        path: the module path.
        tap: the tap.
    """

    name: str
    path: str
    tap: AttentionTap


def tapped_sites(model: nn.Module) -> list[TappedSite]:
    """The taps of a model."""
    taps = [(path, part) for path, part in model.named_modules() if isinstance(part, AttentionTap)]
    shared = Counter(tap.name for _, tap in taps)
    return [
        TappedSite(tap.name if shared[tap.name] == 1 else path, path, tap) for path, tap in taps
    ]


def module_path(model: nn.Module | None, module: nn.Module) -> str:
    """The path of a module in a model, or its class name where it is not part of one."""
    if model is not None:
        for path, part in model.named_modules():
            if part is module and path:
                return str(path)
    return type(module).__name__
