"""timm where there is no torchvision."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any


class _Constants(type):
    """A class that has every public name, each a word: an enumeration, as far as timm looks."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class _Names(types.ModuleType):
    """A module that has every public name, each an empty class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Constants(name, (), {})


class StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules by the name of torchvision, of which timm only wants the names while it is imported.

    torchvision has no build for a torch without CUDA on the package index, and no model here uses
    anything of it.
    """

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name.partition(".")[0] != "torchvision":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> types.ModuleType:
        return _Names(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def import_timm(module: str = "timm") -> Any:
    """A module of timm; from then on plain imports of timm find it too."""
    stand_in = StandIn()
    sys.meta_path.append(stand_in)
    try:
        return importlib.import_module(module)
    finally:
        sys.meta_path.remove(stand_in)
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            if isinstance(sys.modules[name], _Names):
                del sys.modules[name]
