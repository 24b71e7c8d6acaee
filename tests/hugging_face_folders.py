"""Folders as `save_pretrained` writes them, tiny and with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ("the", "cat", "sat", "on", "a", "mat", "and", "looked", "at", "dog")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "</s>")
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


def save_tokenizer(folder: Path, *, frame: bool = True, pad: bool = True) -> None:
    """A tokenizer of ten words; ``frame`` puts [CLS] and [SEP] around a line."""
    vocabulary = {word: number for number, word in enumerate((*SPECIAL, *WORDS))}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    if frame:
        words.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    names = {"unk_token": "[UNK]", "eos_token": "</s>"}
    if pad:
        names["pad_token"] = "[PAD]"
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, model_max_length=32, **names
    ).save_pretrained(folder)


def save_model(folder: Path, model: Any) -> Path:
    model.save_pretrained(folder)
    return folder


def bert_folder(folder: Path, *, head: bool = True, **changes: Any) -> Path:
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=15, intermediate_size=32, max_position_embeddings=32, **SMALL, **changes
    )
    config.id2label = {0: "bad", 1: "fair", 2: "good"}
    kind = transformers.BertForSequenceClassification if head else transformers.BertModel
    save_tokenizer(folder)
    return save_model(folder, kind(config))


def gpt2_folder(folder: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=15, n_positions=32, n_embd=16, n_layer=2, n_head=2, bos_token_id=4,
        eos_token_id=4,
    )  # fmt: skip
    save_tokenizer(folder, frame=False, pad=False)
    return save_model(folder, transformers.GPT2LMHeadModel(config))


def t5_folder(folder: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=15, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2,
        decoder_start_token_id=0, eos_token_id=4, pad_token_id=0,
    )  # fmt: skip
    save_tokenizer(folder, frame=False)
    return save_model(folder, transformers.T5ForConditionalGeneration(config))


def vit_folder(folder: Path, *, processor: Any = None) -> Path:
    torch.manual_seed(0)
    config = transformers.ViTConfig(image_size=32, patch_size=8, intermediate_size=32, **SMALL)
    config.id2label = {0: "cat", 1: "dog"}
    processor = processor or picture_processor("ViTImageProcessor", size=(32, 32))
    processor.save_pretrained(folder)
    return save_model(folder, transformers.ViTForImageClassification(config))


def clip_folder(folder: Path) -> Path:
    torch.manual_seed(0)
    text = {"vocab_size": 15, "max_position_embeddings": 16, "intermediate_size": 32, **SMALL}
    text |= {"eos_token_id": 4, "bos_token_id": 2, "pad_token_id": 0}
    vision = {"image_size": 32, "patch_size": 8, "intermediate_size": 32, **SMALL}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
    save_tokenizer(folder)
    clip_processor().save_pretrained(folder)
    return save_model(folder, transformers.CLIPModel(config))


def clip_processor() -> Any:
    return picture_processor(
        "CLIPImageProcessor",
        size={"shortest_edge": 32},
        crop_size={"height": 32, "width": 32},
    )


def picture_processor(name: str, **options: Any) -> Any:
    """An image processor of that kind in the variant that needs Pillow alone."""
    size: Sequence[int] | dict[str, int] = options.pop("size")
    sides = size if isinstance(size, dict) else {"height": size[0], "width": size[1]}
    # Version 4 of transformers gives it the plain name.
    kind = f"{name}Pil" if hasattr(transformers, f"{name}Pil") else name
    return getattr(transformers, kind)(size=sides, **options)
