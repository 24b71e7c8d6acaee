"""Load a Hugging Face model from a folder, never running code that lies in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hardattn_viewer.cli.errors import CommandError
from hardattn_viewer.cli.recording.notes import Notes, one_line

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
OTHER_FRAMEWORKS = ("*.h5", "*.msgpack", "*.gguf", "*.onnx")
TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt"),
    *("tokenizer.model", "spiece.model", "spm.model", "sentencepiece.bpe.model", "tekken.json"),
)
PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
# Nothing is looked up elsewhere, and no code of the folder is run.
_SAFE = {"local_files_only": True, "trust_remote_code": False}
_NAMED = 3


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model from a folder.

    Attributes:
        model: in evaluation mode.
        config: its configuration.
        facts: for the run's metadata.
    """

    model: nn.Module
    config: Any
    facts: dict[str, Any]


def load_model(
    folder: Path,
    *,
    random_weights: bool,
    attention: str | None,
    dtype: str,
    seed: int,
    notes: Notes,
) -> Loaded:
    """Load the model of a folder.

    Args:
        folder: with config.json and safetensors.
        random_weights: draw the weights where the folder holds none.
        attention: "eager" or "sdpa"; None for the model's own choice.
        dtype: "auto", as stored, or a floating type of torch.
        seed: of random weights.
        notes: told what is not as the folder says.

    Raises:
        CommandError: the folder holds no such model, or one that only its own code could load.
    """
    config = _config(folder, attention)
    stored = sorted(folder.glob("*.safetensors"))
    if not stored:
        _refuse_other_weights(folder, random_weights)
    kind = _class_of(config, folder, notes)
    facts: dict[str, Any] = {"folder": folder.resolve().name, "class": kind.__name__}
    torch.manual_seed(seed)
    try:
        if stored:
            model, report = kind.from_pretrained(
                folder,
                config=config,
                dtype=dtype if dtype == "auto" else getattr(torch, dtype),
                use_safetensors=True,
                output_loading_info=True,
                **_SAFE,
            )
            _say_what_is_missing(report, facts, notes)
        else:
            model = _with_random_weights(kind, config)
            if dtype != "auto":
                model = model.to(getattr(torch, dtype))
            facts["weights"] = f"random, seed {seed}"
    except Exception as error:
        raise CommandError(f"{folder} cannot be loaded: {one_line(error)}") from error
    facts["class"] = type(model).__name__
    facts["dtype"] = str(model.dtype).removeprefix("torch.")
    facts["attention"] = str(getattr(model.config, "_attn_implementation", "") or "")
    return Loaded(model.eval(), model.config, facts)


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder.

    Raises:
        CommandError: there is none, or it cannot be loaded.
    """
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise CommandError(
            f"{folder} holds no tokenizer; save it there with tokenizer.save_pretrained(...)"
        )
    try:
        return AutoTokenizer.from_pretrained(folder, **_SAFE)
    except Exception as error:
        raise CommandError(
            f"the tokenizer of {folder} cannot be loaded: {one_line(error)}"
        ) from error


def load_processor(folder: Path) -> Any:
    """The image processor of a folder, in the variant that needs Pillow alone.

    Raises:
        CommandError: there is none, or it cannot be loaded.
    """
    import transformers

    if not any((folder / name).is_file() for name in PROCESSOR_FILES):
        raise CommandError(
            f"{folder} holds no image processor ({PROCESSOR_FILES[0]}); save it there with "
            "image_processor.save_pretrained(...)"
        )
    # Version 5 names the variant by what it is made of, version 4 by its speed.
    old = int(transformers.__version__.partition(".")[0]) < 5
    variant: dict[str, Any] = {"use_fast": False} if old else {"backend": "pil"}
    try:
        return transformers.AutoImageProcessor.from_pretrained(folder, **variant, **_SAFE)
    except Exception as error:
        raise CommandError(
            f"the image processor of {folder} cannot be loaded: {one_line(error)}"
        ) from error


def _config(folder: Path, attention: str | None) -> Any:
    from transformers import AutoConfig

    path = folder / "config.json"
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CommandError(
            f"{folder} holds no config.json; name a folder that model.save_pretrained(...) wrote"
        ) from error
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {one_line(error)}") from error
    kind = described.get("model_type") if isinstance(described, dict) else None
    if not isinstance(kind, str):
        raise CommandError(f"{path} names no model_type; it is no configuration of a model")
    wanted = {} if attention is None else {"attn_implementation": attention}
    try:
        return AutoConfig.from_pretrained(folder, **wanted, **_SAFE)
    except Exception as error:
        if "auto_map" in described:
            raise CommandError(
                f"{folder} needs Python code that lies in it, and hardattn never runs code of a "
                "model folder; if you trust it, load the model in a factory of your own and "
                "record that (package.module:factory)"
            ) from error
        raise CommandError(
            f"{path} cannot be used (model_type {kind}): {one_line(error)}"
        ) from error


def _refuse_other_weights(folder: Path, random_weights: bool) -> None:
    if random_weights:
        return
    pickled = [path.name for pattern in PICKLED for path in sorted(folder.glob(pattern))]
    if pickled:
        raise CommandError(
            f"{folder} holds its weights only as a pickle ({pickled[0]}), which can run code when "
            "it is opened; where you trust it, load it and save it with "
            "model.save_pretrained(...), which writes safetensors"
        )
    others = [path.name for pattern in OTHER_FRAMEWORKS for path in sorted(folder.glob(pattern))]
    found = f" ({others[0]} is of another framework)" if others else ""
    raise CommandError(
        f"{folder} holds no safetensors{found}; save the weights there with "
        "model.save_pretrained(...), or draw them with --random-weights"
    )


def _class_of(config: Any, folder: Path, notes: Notes) -> Any:
    """The class that ``architectures`` names; AutoModel where transformers has no such model."""
    import transformers

    names = config.architectures or []
    for name in names:
        found: Any = getattr(transformers, name, None) if str(name).isidentifier() else None
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            kind = getattr(found, "config_class", None)
            if kind is None or not isinstance(config, kind):
                raise CommandError(
                    f"{folder}: architectures names {name}, which is no {config.model_type}; "
                    "config.json contradicts itself"
                )
            return found
    if names:
        notes.say(
            f"transformers {transformers.__version__} has no {names[0]}; "
            "the model without its head is recorded"
        )
    return transformers.AutoModel


def _with_random_weights(kind: Any, config: Any) -> Any:
    import transformers

    if kind is transformers.AutoModel:
        return kind.from_config(config, trust_remote_code=False)
    return kind(config)


def _say_what_is_missing(report: Any, facts: dict[str, Any], notes: Notes) -> None:
    missing = sorted(report["missing_keys"])
    if missing:
        named = ", ".join(missing[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
        facts["missing_weights"] = missing
        notes.say(f"{len(missing)} weights are not in the folder and were drawn at random: {named}")
