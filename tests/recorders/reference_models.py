"""Tiny models with random weights, and the attention weights that they themselves return.

Each is run twice on the same weights: as it is, and eager with ``output_attentions=True``, which is
what the captured weights are compared with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import torch
import transformers
from torch import Tensor, nn

WORDS = 61
SIZES = {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
PATCHES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "image_size": (24, 16),
    "patch_size": 4,
}


@dataclass(frozen=True)
class Reference:
    """One model of the table.

    Attributes:
        name: as in the table.
        kind: its class.
        config: makes its config.
        inputs: makes its arguments, a batch of three.
        groups: (name of an output, pattern of the sites whose weights it lists by layers).
        implementations: of transformers, those that the model has.
        kinds: kind of attention of the sites, by group.
        mend: what to do with the eager model before it is a reference.
    """

    name: str
    kind: type[nn.Module]
    config: Callable[[], Any]
    inputs: Callable[[], dict[str, Tensor]]
    groups: tuple[tuple[str, str], ...] = (("attentions", ""),)
    implementations: tuple[str, ...] = ("eager", "sdpa")
    kinds: Mapping[str, str] = field(default_factory=lambda: {"attentions": "self"})
    mend: Callable[[nn.Module], None] = lambda model: None

    def build(self, implementation: str, dtype: torch.dtype = torch.float32) -> nn.Module:
        """The model in eval mode; the same weights each time."""
        config = self.config()
        config._attn_implementation = implementation
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = self.kind._from_config(config, attn_implementation=implementation)
        return sharpened(model).to(dtype).eval()

    def weights(self, model_kwargs: Mapping[str, Any] | None = None) -> dict[str, tuple]:
        """What the eager model returns for each group, by layers."""
        model = self.build("eager")
        self.mend(model)
        with torch.no_grad():
            output = model(**self.inputs(), **(model_kwargs or {}), output_attentions=True)
        return {name: tuple(attrgetter(name)(output)) for name, _ in self.groups}

    def by_group(self, seen: list[Any]) -> dict[str, list[Any]]:
        """What was captured, as ``weights``; each item has a ``site``."""
        return {
            name: [item for item in seen if re.search(pattern, item.site)]
            for name, pattern in self.groups
        }


def sharpened(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give a model random weights large enough that it attends to some keys more than to others."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() >= 2 or name.endswith(("sinks", "bias")):
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.25)
    return model


def text(*, left: bool = False, length: int = 12) -> dict[str, Tensor]:
    """Three sequences of tokens, the second padded."""
    ids = torch.randint(3, WORDS, (3, length), generator=torch.Generator().manual_seed(1))
    mask = torch.ones(3, length, dtype=torch.long)
    gap = slice(0, length // 3) if left else slice(length - length // 3, length)
    mask[1, gap] = 0
    return {"input_ids": ids * mask, "attention_mask": mask}


def left_padded() -> dict[str, Tensor]:
    """As generated from: padding comes first."""
    return text(left=True)


def pair() -> dict[str, Tensor]:
    """A padded source and a shorter target."""
    return {**text(), "decoder_input_ids": text(length=7)["input_ids"].clamp(min=3)}


def image(*, height: int = 24, width: int = 16) -> dict[str, Tensor]:
    """Three images."""
    generator = torch.Generator().manual_seed(2)
    return {"pixel_values": torch.randn(3, 3, height, width, generator=generator)}


def sound() -> dict[str, Tensor]:
    """Three spectrograms of 40 frames and the words so far."""
    frames = torch.randn(3, 8, 40, generator=torch.Generator().manual_seed(3))
    return {"input_features": frames, "decoder_input_ids": text(length=5)["input_ids"].clamp(min=3)}


def _decoder(kind: str, **more: Any) -> Callable[[], Any]:
    def make() -> Any:
        return getattr(transformers, kind)(
            **SIZES,
            **TOKENS,
            **{
                "intermediate_size": 64,
                "num_key_value_heads": 2,
                "max_position_embeddings": 64,
                **more,
            },
        )

    return make


def _add_alibi_once(model: nn.Module) -> None:
    """Falcon's mask holds the bias already, and its eager attention adds it again (5.23)."""

    def without(module: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        return args, {**kwargs, "alibi": torch.zeros_like(kwargs["alibi"])}

    for name, module in model.named_modules():
        if name.endswith("self_attention"):
            module.register_forward_pre_hook(without, with_kwargs=True)


def _clip() -> Any:
    wide = {**PATCHES, "image_size": 16}
    return transformers.CLIPConfig(
        text_config={**SIZES, **TOKENS, "intermediate_size": 64, "max_position_embeddings": 32},
        vision_config=wide,
        projection_dim=16,
    )


def _both() -> dict[str, Tensor]:
    return {**text(), **image(height=16)}


_SEQ2SEQ = (
    ("encoder_attentions", r"encoder\.(block|layers).*([sS]elf_?[aA]tt)"),
    ("decoder_attentions", r"decoder\.(block|layers).*([sS]elf_?[aA]tt)"),
    ("cross_attentions", r"decoder\.(block|layers).*(encoder_attn|EncDec)"),
)
_SEQ2SEQ_KINDS = {
    "encoder_attentions": "self",
    "decoder_attentions": "self",
    "cross_attentions": "cross",
}
_BART = {
    "vocab_size": WORDS,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "decoder_start_token_id": 1,
}

REFERENCES = (
    Reference(
        "BERT",
        transformers.BertModel,
        lambda: transformers.BertConfig(**SIZES, intermediate_size=64),
        text,
    ),
    Reference(
        "GPT-2",
        transformers.GPT2LMHeadModel,
        lambda: transformers.GPT2Config(
            vocab_size=WORDS, n_embd=32, n_layer=2, n_head=4, n_positions=64, **TOKENS
        ),
        left_padded,
    ),
    Reference(
        "Llama (grouped-query)",
        transformers.LlamaForCausalLM,
        _decoder("LlamaConfig"),
        left_padded,
    ),
    Reference(
        "Mistral (sliding window)",
        transformers.MistralForCausalLM,
        _decoder("MistralConfig", sliding_window=5),
        left_padded,
    ),
    Reference(
        "Gemma 2 (soft-capping, alternating window)",
        transformers.Gemma2ForCausalLM,
        _decoder(
            "Gemma2Config",
            sliding_window=5,
            head_dim=8,
            query_pre_attn_scalar=8,
            attn_logit_softcapping=2.0,
        ),
        left_padded,
        implementations=("eager",),
    ),
    Reference(
        "gpt-oss (sinks)",
        transformers.GptOssForCausalLM,
        _decoder(
            "GptOssConfig",
            sliding_window=5,
            head_dim=8,
            num_local_experts=2,
            num_experts_per_tok=1,
            rope_parameters={"rope_type": "default", "rope_theta": 1e4},
        ),
        left_padded,
        implementations=("eager",),
    ),
    Reference(
        "T5 (position bias)",
        transformers.T5ForConditionalGeneration,
        lambda: transformers.T5Config(
            vocab_size=WORDS,
            d_model=32,
            d_kv=8,
            d_ff=64,
            num_layers=2,
            num_heads=4,
            decoder_start_token_id=0,
        ),
        pair,
        _SEQ2SEQ,
        kinds=_SEQ2SEQ_KINDS,
    ),
    Reference(
        "BART",
        transformers.BartForConditionalGeneration,
        lambda: transformers.BartConfig(**_BART, **TOKENS, max_position_embeddings=64),
        pair,
        _SEQ2SEQ,
        kinds=_SEQ2SEQ_KINDS,
    ),
    Reference(
        "Whisper",
        transformers.WhisperForConditionalGeneration,
        lambda: transformers.WhisperConfig(
            **_BART,
            **TOKENS,
            num_mel_bins=8,
            max_source_positions=20,
            max_target_positions=32,
            suppress_tokens=None,
            begin_suppress_tokens=None,
        ),
        sound,
        _SEQ2SEQ,
        kinds=_SEQ2SEQ_KINDS,
    ),
    Reference("ViT", transformers.ViTModel, lambda: transformers.ViTConfig(**PATCHES), image),
    Reference(
        "DINOv2 with registers",
        transformers.Dinov2WithRegistersModel,
        lambda: transformers.Dinov2WithRegistersConfig(**{**PATCHES, "image_size": 16}),
        image,
    ),
    Reference(
        "CLIP",
        transformers.CLIPModel,
        _clip,
        _both,
        (
            ("text_model_output.attentions", r"^text_model"),
            ("vision_model_output.attentions", r"^vision_model"),
        ),
        kinds={"text_model_output.attentions": "self", "vision_model_output.attentions": "self"},
    ),
    Reference(
        "Falcon (ALiBi)",
        transformers.FalconForCausalLM,
        lambda: transformers.FalconConfig(
            **SIZES, **TOKENS, alibi=True, new_decoder_architecture=False, multi_query=True
        ),
        left_padded,
        implementations=("sdpa",),
        mend=_add_alibi_once,
    ),
)


def reference(name: str) -> Reference:
    """The one whose name begins so."""
    return next(item for item in REFERENCES if item.name.startswith(name))
