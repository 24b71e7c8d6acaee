"""A model that is ready to be recorded, and one forward pass of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from hardattn_viewer.cli.recording.items import Item


@dataclass(frozen=True, eq=False)
class Pass:
    """The arguments of one forward pass and what its rows are.

    Attributes:
        fields: one dict for each row, as ``Recorder.example(batch=...)`` takes them.
        args: positional arguments.
        kwargs: arguments by name.
    """

    fields: list[dict[str, Any]]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Subject:
    """What is recorded.

    Attributes:
        model: the model, in evaluation mode.
        prepare: turns the items of a batch into one or more forward passes.
        run: runs one and returns what the model returned.
        scores: class probabilities [rows, classes] of what it returned, or None where it is no
            classifier.
        tokenizer: of the model, or None.
        batch: items that are prepared at a time unless the person says otherwise.
        facts: about the model, for the run's metadata.
        user_file: the file of the person's own code that errors are traced to, or empty.
        hint: what may have been wrong where the model fails, or empty.
    """

    model: nn.Module
    prepare: Callable[[Sequence[Item]], Iterable[Pass]]
    run: Callable[[Pass], Any]
    scores: Callable[[Any], Tensor | None]
    tokenizer: Any
    batch: int
    facts: dict[str, Any]
    user_file: str = ""
    hint: str = ""


def fields_of(item: Item) -> dict[str, Any]:
    """What the Recorder is told of an item."""
    import numpy as np

    fields: dict[str, Any] = {"name": item.name}
    if item.picture is not None:
        fields["image"] = np.asarray(item.picture)
    if item.label is not None:
        fields["label"] = item.label
    return fields


def stacked(passes: Sequence[Pass]) -> list[Pass]:
    """Join neighbouring passes of one row each wherever their tensors have the same shapes."""
    groups: list[list[Pass]] = []
    for single in passes:
        if groups and _shapes(single) is not None and _shapes(groups[-1][0]) == _shapes(single):
            groups[-1].append(single)
        else:
            groups.append([single])
    return [_joined(group) for group in groups]


def _shapes(single: Pass) -> object:
    """What two passes must share to be joined; None where one must run alone."""
    values = [*enumerate(single.args), *single.kwargs.items()]
    if not all(isinstance(v, Tensor) and v.ndim and v.shape[0] == 1 for _, v in values):
        return None
    return [(key, value.shape, value.dtype) for key, value in values]


def _joined(group: Sequence[Pass]) -> Pass:
    first = group[0]
    if len(group) == 1:
        return first
    return Pass(
        [fields for single in group for fields in single.fields],
        tuple(torch.cat(parts) for parts in zip(*(single.args for single in group), strict=True)),
        {key: torch.cat([single.kwargs[key] for single in group]) for key in first.kwargs},
    )


def float_dtype(model: nn.Module) -> torch.dtype:
    """The floating type that a model computes in: that of its first such parameter."""
    for parameter in model.parameters():
        if parameter.is_floating_point():
            return parameter.dtype
    return torch.float32
