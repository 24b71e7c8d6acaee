"""A model that somebody's own function makes: ``package.module:factory``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.recording.hugging_face_subject import (
    accepted,
    check_generation,
    make_run,
    parameters_of,
)
from hardattn_viewer.cli.recording.items import Inputs, Item
from hardattn_viewer.cli.recording.notes import Notes
from hardattn_viewer.cli.recording.subject import Pass, Subject, fields_of, float_dtype, stacked
from hardattn_viewer.cli.recording.tokens import make_encoder
from hardattn_viewer.cli.recording.user_code import failure

BATCH = 8
Prepare = Callable[[Any], Any]


@contextmanager
def current_folder_first() -> Iterator[None]:
    """While inside, modules of the current folder are found before installed ones."""
    folder = os.getcwd()  # noqa: PTH109 — a string, as sys.path holds
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def factory_subject(arguments: argparse.Namespace, inputs: Inputs, notes: Notes) -> Subject:
    """Call the factory that ``arguments.model`` names and see how its model takes these inputs.

    Raises:
        CommandError: there is no such factory, it failed, or it does not say how to run its model.
    """
    torch.manual_seed(arguments.seed)
    model, prepare, user_file = make_model(arguments.model)
    if arguments.dtype not in (None, "auto"):
        model = model.to(getattr(torch, arguments.dtype))
    if arguments.generate is not None:
        check_generation(model)
    tokenizer = getattr(model, "tokenizer", None)
    if isinstance(tokenizer, nn.Module):
        tokenizer = None
    cast = arguments.dtype not in (None, "auto")
    if prepare is not None:
        prepared = _prepared(prepare, model if cast else None, user_file)
    elif inputs.has_text and inputs.has_pictures:
        raise CommandError(
            "a factory's model takes --text or --images, not both, unless it also returns a "
            "`prepare`",
            WRONG_USAGE,
        )
    elif inputs.has_text:
        prepared = _tokenized(model, tokenizer, arguments, notes)
    else:
        prepared = _pictures(model, arguments.size)
    if arguments.size is not None and (prepare is not None or not inputs.has_pictures):
        raise CommandError(
            "--size is for pictures that no `prepare` takes; leave it out", WRONG_USAGE
        )
    facts = {"factory": arguments.model, "class": type(model).__name__}
    return Subject(
        model.eval(),
        prepared,
        _run(model, arguments.generate),
        lambda output: None,
        tokenizer if callable(tokenizer) else None,
        BATCH if prepare is None else 1,
        facts,
        user_file,
    )


def make_model(spec: str) -> tuple[nn.Module, Prepare | None, str]:
    """Import and call a factory.

    Args:
        spec: ``package.module:factory``; what it names may also be a module itself.

    Returns:
        The model, how an input becomes its arguments (or None), and the factory's file.

    Raises:
        CommandError: names what is missing, or file and line of what failed.
    """
    made, user_file = called(spec, "a model")
    prepare = None
    if isinstance(made, tuple) and len(made) == 2:
        made, prepare = made
    if not isinstance(made, nn.Module) or not (prepare is None or callable(prepare)):
        raise CommandError(
            f"{spec} returned {described(made if prepare is None else (made, prepare))}; "
            "return a torch.nn.Module, or a pair of one and a function `prepare`"
        )
    return made, prepare, user_file


def called(spec: str, what: str, **arguments: Any) -> tuple[Any, str]:
    """Import a factory and call it; a module that stands in its place is taken as it is.

    Args:
        spec: ``package.module:factory``.
        what: it is to return, for an error.
        arguments: handed over where it has parameters of these names.

    Returns:
        What it returned, and its file.

    Raises:
        CommandError: names what is missing, or file and line of what failed.
    """
    module_name, _, path = spec.partition(":")
    if not all(part.isidentifier() for part in [*module_name.split("."), *path.split(".")]):
        raise CommandError(f"{spec} names no factory; write package.module:factory", WRONG_USAGE)
    try:
        module: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise CommandError(
                f"there is no module {error.name}, neither in the current folder nor installed"
            ) from error
        raise CommandError(f"{module_name} cannot be imported: {failure(error)}") from error
    except (Exception, SystemExit) as error:
        raise CommandError(
            f"{module_name} cannot be imported: {failure(error, _file_of(module_name))}"
        ) from error
    user_file = str(getattr(module, "__file__", None) or "")
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise CommandError(f"{module_name} ({user_file}) has no {path}")
        found = getattr(found, part)
    if isinstance(found, nn.Module):
        return found, user_file
    if not callable(found):
        raise CommandError(f"{spec} is {described(found)}; name a function that returns {what}")
    try:
        takes = inspect.signature(found).parameters if arguments else {}
        return found(**{name: arguments[name] for name in arguments if name in takes}), user_file
    except (Exception, SystemExit) as error:
        raise CommandError(f"{spec} failed: {failure(error, user_file)}") from error


def _file_of(module_name: str) -> str:
    try:
        spec = importlib.util.find_spec(module_name)
    except (ImportError, ValueError, AttributeError):
        return ""
    return "" if spec is None else str(spec.origin or "")


def described(value: object) -> str:
    """What kind of thing a factory gave, for an error."""
    if isinstance(value, tuple):
        return f"({', '.join(type(part).__name__ for part in value)})"
    return "None" if value is None else f"a {type(value).__name__}"


def _prepared(
    prepare: Prepare, cast_for: nn.Module | None, user_file: str
) -> Callable[[Sequence[Item]], list[Pass]]:
    def one(item: Item) -> Pass:
        given: Any = item.text if item.picture is None else item.picture
        if item.picture is not None and item.text is not None:
            given = (item.picture, item.text)
        try:
            answer = prepare(given)
        except (Exception, SystemExit) as error:
            raise CommandError(
                f"prepare failed for {item.name}: {failure(error, user_file)}"
            ) from error
        fields = fields_of(item)
        if isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], Mapping):
            answer, more = answer
            fields |= more
        if isinstance(answer, Tensor):
            return Pass([fields], args=(_cast(answer, cast_for),))
        if isinstance(answer, Mapping) and all(isinstance(name, str) for name in answer):
            kwargs = {name: _cast(value, cast_for) for name, value in answer.items()}
            return Pass([fields], kwargs=kwargs)
        raise CommandError(
            f"prepare returned {described(answer)} for {item.name}; return a tensor or a dict of "
            "the model's arguments, alone or with a dict of what the run shall hold (tokens, …)"
        )

    return lambda items: stacked([one(item) for item in items])


def _tokenized(
    model: nn.Module, tokenizer: Any, arguments: argparse.Namespace, notes: Notes
) -> Callable[[Sequence[Item]], list[Pass]]:
    if tokenizer is None:
        raise CommandError(
            f"nobody says how {type(model).__name__} reads text: give it an attribute `tokenizer`, "
            "or let the factory return (model, prepare)"
        )
    takes = parameters_of(model)
    return make_encoder(
        tokenizer,
        config=getattr(model, "config", None),
        vocabulary=None,
        accepts_mask="attention_mask" in takes,
        asked=arguments.max_tokens,
        generate=arguments.generate,
        left=arguments.generate is not None and "decoder_input_ids" not in takes,
        notes=notes,
    )


def _pictures(
    model: nn.Module, size: tuple[int, int] | None
) -> Callable[[Sequence[Item]], list[Pass]]:
    dtype = float_dtype(model)

    def one(item: Item) -> Pass:
        from PIL.Image import Resampling

        assert item.picture is not None
        picture = item.picture
        if size is not None:
            picture = picture.resize((size[1], size[0]), Resampling.BILINEAR)
        values = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
        return Pass([fields_of(item)], args=((values.to(dtype) / 255).contiguous(),))

    return lambda items: stacked([one(item) for item in items])


def _cast(value: Any, model: nn.Module | None) -> Any:
    if model is None or not isinstance(value, Tensor) or not value.is_floating_point():
        return value
    return value.to(float_dtype(model))


def _run(model: Any, generate: int | None) -> Callable[[Pass], Any]:
    if generate is not None or (hasattr(model, "config") and hasattr(model, "main_input_name")):
        return make_run(model, generate)
    takes = parameters_of(model)
    return lambda one: model(*one.args, **accepted(one.kwargs, takes))
