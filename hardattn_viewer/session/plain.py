"""Frozen values as plain JSON and back; what does not fit its type is refused, never guessed."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Json = Any
# Beyond it a JSON number is no longer exact everywhere.
LARGEST = 2**53
LONGEST = 10_000


class UnfitError(ValueError):
    """A value is not of the type that was asked for."""


def plain(value: object) -> Json:
    """A value of dataclasses, tuples, mappings with text keys, numbers and text, as JSON.

    Raises:
        UnfitError: it holds something else.
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnfitError(f"{value} cannot be written as JSON")
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, frozenset):
        return sorted((plain(one) for one in value), key=repr)
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(one) for key, one in value.items()}
    raise UnfitError(f"{type(value).__name__} cannot be written as JSON")


def with_plain(base: T, data: Json, unfit: list[str], where: str = "") -> T:
    """A dataclass value with the fields that ``data`` has for it.

    Args:
        base: whose fields stay where ``data`` says nothing of them, or nothing that fits.
        data: what :func:`plain` made of such a value, perhaps by another version.
        unfit: takes the names of the fields that did not fit.
        where: put before those names.
    """
    if not isinstance(data, dict):
        unfit.append(where.rstrip(".") or "all of it")
        return base
    hints = get_type_hints(type(base))
    changes: dict[str, Any] = {}
    for field in fields(base):  # type: ignore[arg-type]
        if field.name not in data:
            continue
        name, old = f"{where}{field.name}", getattr(base, field.name)
        if is_dataclass(old) and not isinstance(old, type):
            changes[field.name] = with_plain(old, data[field.name], unfit, f"{name}.")
            continue
        try:
            changes[field.name] = value_of(hints[field.name], data[field.name])
            # Dataclasses check what belongs together when they are made.
            replace(base, **{field.name: changes[field.name]})  # type: ignore[type-var]
        except ValueError:
            changes.pop(field.name, None)
            unfit.append(name)
    return replace(base, **changes)  # type: ignore[type-var]


def value_of(hint: Any, data: Json) -> Any:
    """The value of a type that JSON stands for.

    Raises:
        UnfitError: it stands for no value of that type.
    """
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _first_fit(parts, data)
    if origin is Literal:
        if any(data == part and type(data) is type(part) for part in parts):
            return data
    elif origin is tuple:
        return _tuple(parts, data)
    elif origin is frozenset:
        return frozenset(_tuple((parts[0], ...), data))
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        if isinstance(data, dict) and len(data) <= LONGEST:
            return {value_of(parts[0], key): value_of(parts[1], one) for key, one in data.items()}
    elif hint is type(None):
        if data is None:
            return None
    elif hint is bool:
        if isinstance(data, bool):
            return data
    elif hint is int:
        if isinstance(data, int) and not isinstance(data, bool) and abs(data) <= LARGEST:
            return data
    elif hint is float:
        if isinstance(data, int | float) and not isinstance(data, bool) and abs(data) <= LARGEST:
            return float(data)
    elif hint is str:
        if isinstance(data, str) and len(data) <= LONGEST:
            return data
    elif is_dataclass(hint):
        return _dataclass(hint, data)
    raise UnfitError(f"{data!r:.60} is not {hint}")


def _first_fit(hints: tuple[Any, ...], data: Json) -> Any:
    for hint in hints:
        try:
            return value_of(hint, data)
        except UnfitError:
            continue
    raise UnfitError(f"{data!r:.60} fits none of {hints}")


def _tuple(hints: tuple[Any, ...], data: Json) -> tuple[Any, ...]:
    if not isinstance(data, list) or len(data) > LONGEST:
        raise UnfitError("not a list")
    if len(hints) == 2 and hints[1] is Ellipsis:
        return tuple(value_of(hints[0], one) for one in data)
    if len(hints) != len(data):
        raise UnfitError("a list of another length")
    return tuple(value_of(hint, one) for hint, one in zip(hints, data, strict=True))


def _dataclass(hint: Any, data: Json) -> Any:
    if not isinstance(data, dict):
        raise UnfitError("not an object")
    hints = get_type_hints(hint)
    known = {name: value_of(hints[name], one) for name, one in data.items() if name in hints}
    try:
        return hint(**known)
    except (TypeError, ValueError) as error:
        raise UnfitError(str(error)) from None
