"""Which places of a model are recorded, and under which names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

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


def tapped_sites(model: nn.Module, patterns: Sequence[str]) -> list[TappedSite]:
    """The taps of a model whose name or module path matches a pattern.

    Args:
        model: the model.
        patterns: shell patterns, as ``"*.layers.[0-3].*"``.

    Raises:
        ValueError: the model has taps, but none of them matches.
    """
    taps = [(path, part) for path, part in model.named_modules() if isinstance(part, AttentionTap)]
    shared = Counter(tap.name for _, tap in taps)
    sites = [
        TappedSite(tap.name if shared[tap.name] == 1 else path, path, tap) for path, tap in taps
    ]
    found = [
        site
        for site in sites
        if any(fnmatchcase(site.name, p) or fnmatchcase(site.path, p) for p in patterns)
    ]
    if sites and not found:
        raise ValueError(
            f"no site of the model matches {', '.join(patterns)}; "
            f"it has {', '.join(site.name for site in sites)}"
        )
    return found


def module_path(model: nn.Module | None, module: nn.Module) -> str:
    """The path of a module in a model, or its class name where it is not part of one."""
    if model is not None:
        for path, part in model.named_modules():
            if part is module and path:
                return str(path)
    return type(module).__name__
