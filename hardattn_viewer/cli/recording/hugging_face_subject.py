"""A Hugging Face model with its tokenizer and image processor, ready to be recorded."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hardattn_viewer.cli.errors import WRONG_USAGE, CommandError
from hardattn_viewer.cli.recording.hugging_face import (
    Loaded,
    load_model,
    load_processor,
    load_tokenizer,
)
from hardattn_viewer.cli.recording.items import Inputs, Item
from hardattn_viewer.cli.recording.notes import Notes
from hardattn_viewer.cli.recording.pictures import PictureReader
from hardattn_viewer.cli.recording.subject import Pass, Subject, float_dtype
from hardattn_viewer.cli.recording.tokens import Encoder, make_encoder

BATCH = 8
_TOKENIZER_GIVES = ("attention_mask", "token_type_ids", "special_tokens_mask")
_CLASSIFIERS = ("ForSequenceClassification", "ForImageClassification")


def hugging_face_subject(arguments: argparse.Namespace, inputs: Inputs, notes: Notes) -> Subject:
    """Load the model of the folder ``arguments.model`` and what turns these inputs into its own.

    Raises:
        CommandError: the folder or the inputs will not do.
    """
    import transformers

    folder = Path(arguments.model)
    loaded = load_model(
        folder,
        random_weights=arguments.random_weights,
        attention=arguments.attn,
        dtype=arguments.dtype or "auto",
        seed=arguments.seed,
        notes=notes,
    )
    takes = parameters_of(loaded.model)
    _check_inputs(loaded.model, takes, inputs)
    if arguments.generate is not None:
        check_generation(loaded.model)
    separate = "decoder_input_ids" in takes
    tokenizer = encoder = reader = None
    if inputs.has_text:
        tokenizer = load_tokenizer(folder)
        encoder = make_encoder(
            tokenizer,
            config=_text_config(loaded.config),
            vocabulary=_vocabulary(loaded.model),
            accepts_mask="attention_mask" in takes,
            asked=arguments.max_tokens,
            generate=arguments.generate,
            left=arguments.generate is not None and not separate,
            notes=notes,
        )
    elif arguments.generate is not None:
        tokenizer = load_tokenizer(folder)
    if inputs.has_pictures:
        grey = getattr(loaded.config, "num_channels", 3) == 1
        processor = load_processor(folder)
        reader = PictureReader(processor, float_dtype(loaded.model), grey, notes)
    classes = _class_names(loaded)
    return Subject(
        loaded.model,
        _preparing(encoder, reader),
        make_run(loaded.model, arguments.generate),
        _scoring(len(classes)),
        tokenizer,
        BATCH,
        {
            **loaded.facts,
            "transformers": transformers.__version__,
            **({"classes": classes} if classes else {}),
        },
        hint=_hint(takes, inputs),
    )


def parameters_of(model: nn.Module) -> Mapping[str, inspect.Parameter]:
    """The parameters of a model's forward pass by name."""
    return inspect.signature(model.forward).parameters


def check_generation(model: nn.Module) -> None:
    """Refuse ``--generate`` for a model that writes nothing."""
    can = getattr(model, "can_generate", None)
    if not callable(can) or not can():
        raise CommandError(
            f"{type(model).__name__} writes no text; leave --generate out", WRONG_USAGE
        )


def make_run(model: Any, generate: int | None) -> Callable[[Pass], Any]:
    """One forward pass, or the writing of ``generate`` tokens, the likeliest each time.

    A model with a decoder of its own is given the token that a text starts with where nothing is
    to be written: its decoder must have something to decode.
    """
    takes = parameters_of(model)
    if generate is not None:
        config = model.generation_config
        pad = config.pad_token_id if config.pad_token_id is not None else config.eos_token_id
        pad = pad[0] if isinstance(pad, list) else pad

        def write(one: Pass) -> Any:
            return model.generate(
                *one.args,
                **accepted(one.kwargs, takes),
                max_new_tokens=generate,
                min_new_tokens=None,
                do_sample=False,
                num_beams=1,
                pad_token_id=pad,
            )

        return write

    def run(one: Pass) -> Any:
        kwargs = accepted(one.kwargs, takes)
        if "decoder_input_ids" in takes and getattr(model.config, "is_encoder_decoder", False):
            start = model.config.decoder_start_token_id
            first = 0 if start is None else start
            kwargs["decoder_input_ids"] = torch.full((len(one.fields), 1), first)
        return model(*one.args, **kwargs)

    return run


def accepted(kwargs: Mapping[str, Any], takes: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without what a tokenizer gives and this model does not take."""
    return {
        name: value
        for name, value in kwargs.items()
        if name in takes or name not in _TOKENIZER_GIVES or "input_ids" not in takes
    }


def _check_inputs(model: nn.Module, takes: Iterable[str], inputs: Inputs) -> None:
    name, takes = type(model).__name__, set(takes)
    text, pictures = "input_ids" in takes, "pixel_values" in takes
    if not text and not pictures:
        raise CommandError(
            f"{name} takes neither text nor pictures ({', '.join(sorted(takes)[:3])} …); "
            "record it from Python with recorders.Recorder"
        )
    if inputs.has_text and not text:
        raise CommandError(f"{name} takes no text: give it --images alone", WRONG_USAGE)
    if inputs.has_pictures and not pictures:
        raise CommandError(f"{name} takes no pictures: give it --text", WRONG_USAGE)
    if (
        pictures
        and not inputs.has_pictures
        and getattr(model, "main_input_name", "") != "input_ids"
    ):
        raise CommandError(f"{name} takes pictures: give it --images", WRONG_USAGE)


def _hint(takes: Iterable[str], inputs: Inputs) -> str:
    if "pixel_values" in takes and not inputs.has_pictures:
        return "it takes pictures too: give it --images"
    if "input_ids" in takes and not inputs.has_text:
        return "it takes text too: give it --text"
    return ""


def _preparing(
    encoder: Encoder | None, reader: PictureReader | None
) -> Callable[[Sequence[Item]], list[Pass]]:
    if reader is None:
        assert encoder is not None
        return encoder
    if encoder is None:
        return reader

    def both(items: Sequence[Item]) -> list[Pass]:
        by_name = {item.name: item for item in items}
        passes = []
        for seen in reader(items):
            named = [by_name[fields["name"]] for fields in seen.fields]
            if not encoder.padded and len(named) > 1:
                passes += [one for item in named for one in both([item])]
                continue
            [written] = encoder(named)
            fields = [
                {**shown, "tokens": line["tokens"]}
                for shown, line in zip(seen.fields, written.fields, strict=True)
            ]
            passes.append(Pass(fields, kwargs={**written.kwargs, **seen.kwargs}))
        return passes

    return both


def _class_names(loaded: Loaded) -> list[str]:
    """What a model that chooses one of several classes calls them; empty for all others."""
    config = loaded.config
    one_of_many = getattr(config, "problem_type", None) in (None, "single_label_classification")
    if not type(loaded.model).__name__.endswith(_CLASSIFIERS) or not one_of_many:
        return []
    names = [str(name) for _, name in sorted(config.id2label.items())]
    return names if len(names) > 1 else []


def _scoring(classes: int) -> Callable[[Any], Tensor | None]:
    """Class probabilities of what a classifier returns; None of everything else."""

    def scores(output: Any) -> Tensor | None:
        logits = getattr(output, "logits", None) if classes else None
        if not isinstance(logits, Tensor) or logits.ndim != 2 or logits.shape[1] != classes:
            return None
        return logits.float().softmax(-1)

    return scores


def _text_config(config: Any) -> Any:
    """The configuration of the part that reads text, of models that have several."""
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _vocabulary(model: Any) -> int | None:
    try:
        return int(model.get_input_embeddings().num_embeddings)
    except (AttributeError, NotImplementedError):
        return None
