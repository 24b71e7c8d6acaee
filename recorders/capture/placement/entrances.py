"""Seeing where tokens, images and sound enter a model, by the functions that take them in."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from recorders.capture.captured import Call
from recorders.capture.placement.axes import Sources
from recorders.capture.placement.grids import Grid, cut_by_convolution, cut_by_unfolding
from recorders.capture.placement.inputs import is_ids
from recorders.capture.placement.passes import Pass

NOTE = "placement"
"""Under which a pass is kept in ``Call.notes``."""

Function = Callable[..., Any]


class Running(Protocol):
    """What runs in this thread now; a ``CallTracker`` is one."""

    @property
    def call(self) -> Call | None:
        """The pass, None outside of all."""

    @property
    def path(self) -> str:
        """The path of the innermost module."""


class Entrances:
    """Notes which modules cut up images, embed tokens or run along time.

    Args:
        sources: where it is noted.
        running: which pass and module runs.
    """

    def __init__(self, sources: Sources, running: Running) -> None:
        self._sources = sources
        self._running = running
        self._lock = Lock()

    def handlers(self) -> dict[Function, Callable[..., Any]]:
        """By torch function: what must be called instead of it."""
        return {
            F.conv2d: self._conv2d,
            F.conv1d: self._conv1d,
            F.unfold: self._unfold,
            F.embedding: self._embedding,
        }

    def _conv2d(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        output = function(*args, **kwargs)
        passed, path = self._here()
        if passed is not None:
            self._cuts(cut_by_convolution(path, args, kwargs, output, passed.inputs.images))
        return output

    def _unfold(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        output = function(*args, **kwargs)
        passed, path = self._here()
        if passed is not None:
            self._cuts(cut_by_unfolding(path, args, kwargs, passed.inputs.images))
        return output

    def _conv1d(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        passed, path = self._here()
        if passed is not None:
            with self._lock:
                self._sources.convolutions.add(path)
        return function(*args, **kwargs)

    def _embedding(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        passed, path = self._here()
        ids = args[0] if args else kwargs.get("input")
        if passed is not None and isinstance(ids, Tensor) and is_ids(ids) and self._reads(passed):
            with self._lock:
                if passed.saw_embedding(path, ids):
                    self._sources.embeddings.add(path)
        return function(*args, **kwargs)

    def _reads(self, passed: Pass) -> bool:
        """Whether what an embedding is given may be the tokens of the examples.

        A model that calls its layers one by one looks other things up too; where the tokens were
        told, an embedding with no module around it says nothing about them.
        """
        call = self._running.call
        alone = call is not None and call.path != "" and call.path == self._running.path
        return not (alone and passed.told.any())

    def _cuts(self, grid: Grid | None) -> None:
        if grid is not None:
            with self._lock:
                self._sources.grids[grid.path] = grid

    def _here(self) -> tuple[Pass | None, str]:
        call = self._running.call
        return (None if call is None else call.notes.get(NOTE)), self._running.path
