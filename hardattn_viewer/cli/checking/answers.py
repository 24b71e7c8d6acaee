"""What is read of a model that somebody trained: a class, the next token, or what a text means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hardattn_viewer.cli.recording.hugging_face_subject import parameters_of
from hardattn_viewer.faithfulness import FaithfulnessError, TokenSubject
from hardattn_viewer.faithfulness.engine import evaluating
from hardattn_viewer.faithfulness.subject import Query
from hardattn_viewer.faithfulness.subjects.reading import EncoderSubject, NextTokenSubject

Call = Callable[[Tensor, Tensor], Any]
"""From ids and an attention mask, both ``[batch, length]``, to what a model returns."""


def calling(model: nn.Module) -> Call:
    """How a model of ids is called: with a mask where it takes one."""
    takes = parameters_of(model)
    if "attention_mask" in takes:
        return lambda ids, seen: model(input_ids=ids, attention_mask=seen)
    if "input_ids" in takes:
        return lambda ids, seen: model(input_ids=ids)
    return lambda ids, seen: model(ids)


def kind_of(model: nn.Module, ids: Sequence[int]) -> type[TokenSubject]:
    """As what a model of tokens is checked, by what it answers to one text.

    Args:
        model: in evaluation mode.
        ids: a text.

    Raises:
        FaithfulnessError: its answer is neither of a text nor of its next token.
    """
    name = type(model).__name__
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        raise FaithfulnessError(
            f"{name} has a decoder of its own, and which of its words is to be read is not known: "
            "name a factory that returns a subject"
        )
    one = torch.tensor([list(ids)])
    with torch.no_grad(), evaluating(model):
        made = calling(model)(one, torch.ones_like(one))
    logits = getattr(made, "logits", made)
    if isinstance(logits, Tensor) and logits.ndim == 2:
        return TokenSubject
    writes = getattr(model, "can_generate", lambda: False)
    if isinstance(logits, Tensor) and logits.ndim == 3 and writes():
        return NextTokenSubject
    if isinstance(getattr(made, "last_hidden_state", None), Tensor):
        return EncoderSubject
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(made).__name__
    raise FaithfulnessError(
        f"{name} answers {shape} to a text of {len(ids)} tokens, and what is read is the class of "
        "a text, the next token of a language model, or the states of an encoder: name a factory "
        "that returns a subject"
    )


def query_of(model: nn.Module, ids: Sequence[int]) -> Query | None:
    """The position that a classifier reads: the one whose last state its outputs depend on.

    Returns:
        "mean" where they depend on several; None where the states are not to be had.
    """
    heard: list[Tensor] = []

    def hear(module: nn.Module, given: object, found: Any) -> None:
        states = getattr(found, "last_hidden_state", None)
        if isinstance(states, Tensor) and states.requires_grad:
            heard.append(states)

    base = getattr(model, "base_model", None)
    handle = (base if isinstance(base, nn.Module) else model).register_forward_hook(hear)
    before = {one: one.requires_grad for one in model.parameters()}
    one = torch.tensor([list(ids)])
    try:
        for parameter in before:
            parameter.requires_grad_(parameter.is_floating_point())
        with torch.enable_grad(), evaluating(model):
            found = calling(model)(one, torch.ones_like(one))
            outputs: Any = getattr(found, "logits", found)
            if not heard:
                return None
            # Each output weighs differently, or what is common to all of them would be all of it.
            weights = torch.arange(1.0, outputs.shape[-1] + 1, dtype=outputs.dtype)
            (gradient,) = torch.autograd.grad((outputs * weights).sum(), heard[-1:])
    finally:
        handle.remove()
        for parameter, wanted in before.items():
            parameter.requires_grad_(wanted)
    depends = gradient[0].abs().sum(-1).nonzero().flatten().tolist()
    if len(depends) != 1:
        return "mean" if depends else None
    return "last" if depends == [len(ids) - 1] and len(ids) > 1 else int(depends[0])
