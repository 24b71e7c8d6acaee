"""Architectures of transformers, tiny and with random weights, and how many attentions each has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

BATCH, TOKENS, TARGETS = 2, 12, 7

TEXT = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
GROUPED = {**TEXT, "num_key_value_heads": 2, "head_dim": 8, "pad_token_id": 0}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
GPT = {"vocab_size": 99, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
BART = {
    "vocab_size": 99,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 37,
    "decoder_ffn_dim": 37,
    "pad_token_id": 1,
    "decoder_start_token_id": 2,
}
T5 = {
    "vocab_size": 99,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 37,
    "num_layers": 2,
    "num_heads": 4,
    "decoder_start_token_id": 0,
}
VIT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "image_size": 32,
    "patch_size": 8,
}
SWIN = {
    "image_size": 32,
    "patch_size": 2,
    "embed_dim": 16,
    "depths": [2, 1],
    "num_heads": [2, 4],
    "window_size": 4,
}
PYRAMID = {
    "num_encoder_blocks": 2,
    "depths": [1, 1],
    "sr_ratios": [2, 1],
    "hidden_sizes": [16, 32],
    "num_attention_heads": [2, 4],
    "patch_sizes": [7, 3],
    "strides": [4, 2],
    "mlp_ratios": [2, 2],
}
SPEECH = {
    "vocab_size": 20,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "conv_dim": [16, 16],
    "conv_stride": [5, 4],
    "conv_kernel": [10, 4],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
DETR = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 37,
    "decoder_ffn_dim": 37,
    "num_queries": 5,
    "use_timm_backbone": False,
    "use_pretrained_backbone": False,
    "backbone": None,
}


def words(line: str) -> list[str]:
    return line.split()


def numbers(*shape: int) -> torch.Tensor:
    return torch.randint(5, 90, shape, generator=torch.Generator().manual_seed(0))


def values(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def text(tokens: int = TOKENS) -> dict[str, Any]:
    return {"input_ids": numbers(BATCH, tokens)}


def pair(tokens: int = TOKENS) -> dict[str, Any]:
    return {**text(tokens), "decoder_input_ids": numbers(BATCH, TARGETS)}


def picture(size: int = 32) -> dict[str, Any]:
    return {"pixel_values": values(BATCH, 3, size, size)}


def captioned() -> dict[str, Any]:
    return {**text(), **picture(), "attention_mask": torch.ones(BATCH, TOKENS, dtype=torch.long)}


def video(frames: int) -> dict[str, Any]:
    return {"pixel_values": values(BATCH, frames, 3, 32, 32)}


def sound() -> dict[str, Any]:
    return {"input_values": values(BATCH, 400)}


@dataclass(frozen=True)
class Architecture:
    """One model class.

    Attributes:
        name: the class in transformers.
        config: arguments of its configuration.
        sites: attentions that are recorded.
        inputs: makes what it is given.
        choices: choices that are recorded besides.
        remarked: modules whose softmax is remarked, since it cannot be followed.
        of: class of the configuration, where its name is not that of the model.
        labels: makes labels, so that a loss is computed as well.
    """

    name: str
    config: dict[str, Any]
    sites: int
    inputs: Callable[[], dict[str, Any]] = text
    choices: int = 0
    remarked: int = 0
    of: str = ""
    labels: Callable[[], torch.Tensor] | None = None


def _both() -> dict[str, Any]:
    ends = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    return {"text_config": {**TEXT, **ends}, "vision_config": VIT, "projection_dim": 16}


A = Architecture
ENCODERS = [
    *(
        A(f"{name}Model", TEXT, 2)
        for name in words(
            "Bert Roberta Electra MPNet Deberta DebertaV2 RoFormer Camembert Ernie IBert "
            "MegatronBert RemBert Data2VecText Splinter XLMRobertaXL RobertaPreLayerNorm"
        )
    ),
    A(
        "BertForSequenceClassification",
        {**TEXT, "num_labels": 5},
        2,
        of="BertConfig",
        labels=lambda: numbers(BATCH) % 5,
    ),
    A(
        "BertForTokenClassification",
        {**TEXT, "num_labels": 5},
        2,
        of="BertConfig",
        labels=lambda: numbers(BATCH, TOKENS) % 5,
    ),
    A("BertForMaskedLM", TEXT, 2, of="BertConfig", labels=lambda: numbers(BATCH, TOKENS)),
    A("AlbertModel", {**TEXT, "embedding_size": 16}, 2),
    A("ConvBertModel", TEXT, 4),
    A("DistilBertModel", {"vocab_size": 99, "dim": 32, "n_layers": 2, "n_heads": 4}, 2),
    A("XLNetModel", {"vocab_size": 99, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 37}, 2),
    A("XLMModel", {"vocab_size": 99, "emb_dim": 32, "n_layers": 2, "n_heads": 4}, 2),
    A(
        "FunnelModel",
        {"vocab_size": 99, "d_model": 32, "block_sizes": [1, 1], "num_decoder_layers": 1}
        | {"n_head": 4, "d_head": 8, "d_inner": 37},
        3,
    ),
    A("BigBirdModel", {**TEXT, "attention_type": "original_full"}, 2),
    A(
        "BigBirdModel",
        {**TEXT, "block_size": 4, "num_random_blocks": 1, "max_position_embeddings": 128},
        8,
        lambda: text(96),
        remarked=2,
    ),
    A("LongformerModel", {**TEXT, "attention_window": [4, 4]}, 0, remarked=2),
    A(
        "ReformerModel",
        {"vocab_size": 99, "hidden_size": 32, "attention_head_size": 8, "num_attention_heads": 4}
        | {"attn_layers": ["local", "local"], "feed_forward_size": 37, "is_decoder": False}
        | {"axial_pos_shape": [4, 8], "axial_pos_embds_dim": [16, 16]}
        | {"local_attn_chunk_length": 4, "max_position_embeddings": 32},
        2,
        lambda: text(32),
    ),
]
DECODERS = [
    *(
        A(f"{name}Model", GROUPED, 2)
        for name in words(
            "Llama Mistral Gemma Gemma2 Qwen2 Qwen3 Phi Phi3 StableLm Cohere Olmo2 Starcoder2 "
            "Granite Nemotron Persimmon Helium Glm"
        )
    ),
    A("GPT2LMHeadModel", GPT, 2, of="GPT2Config", labels=lambda: numbers(BATCH, TOKENS)),
    A(
        "GPT2ForSequenceClassification",
        {**GPT, "num_labels": 5, "pad_token_id": 0},
        2,
        of="GPT2Config",
        labels=lambda: numbers(BATCH) % 5,
    ),
    A("CTRLModel", {**GPT, "dff": 37}, 2),
    A("CodeGenModel", {**GPT, "rotary_dim": 4}, 2),
    A("GPTJModel", {**GPT, "rotary_dim": 4}, 2),
    A("OpenAIGPTModel", GPT, 2),
    A("GPTBigCodeModel", GPT, 2),
    A("GPTNeoXModel", TEXT, 2),
    A(
        "GPTNeoModel",
        {"vocab_size": 99, "hidden_size": 32, "num_layers": 2, "num_heads": 4, "window_size": 4}
        | {"attention_types": [[["global", "local"], 1]], "max_position_embeddings": 64},
        2,
    ),
    A("BloomModel", {"vocab_size": 99, "hidden_size": 32, "n_layer": 2, "n_head": 4}, 2),
    A("FalconModel", TEXT, 2),
    A("MptModel", {"vocab_size": 99, "d_model": 32, "n_layers": 2, "n_heads": 4}, 2),
    A("BioGptModel", TEXT, 2),
    A(
        "MixtralForCausalLM",
        # Two in its loss, which counts how often each expert is chosen.
        {**GROUPED, "num_local_experts": 4, "output_router_logits": True},
        2,
        choices=4,
        of="MixtralConfig",
        labels=lambda: numbers(BATCH, TOKENS),
    ),
    A("Qwen3MoeModel", {**GROUPED, **EXPERTS}, 2, choices=2),
    A("GptOssModel", {**GROUPED, "num_local_experts": 4}, 2),
]
SEQUENCES = [
    *(
        A(f"{name}Model", {**BART, "max_position_embeddings": 64}, 6, pair)
        for name in words("Bart MBart Pegasus Blenderbot Marian M2M100 PLBart Mvp")
    ),
    *(A(f"{name}Model", T5, 6, pair) for name in words("T5 MT5 UMT5")),
    A("LongT5Model", {**T5, "encoder_attention_type": "local", "local_radius": 3}, 6, pair),
    A("T5EncoderModel", T5, 2, of="T5Config"),
    A("LEDModel", {**BART, "attention_window": 4}, 4, pair, remarked=2),
    A(
        "PegasusXModel",
        {**BART, "block_size": 4, "num_global_tokens": 2, "max_position_embeddings": 64},
        6,
        pair,
        remarked=2,
    ),
    A(
        "WhisperModel",
        {**BART, "num_mel_bins": 8, "max_source_positions": 10, "max_target_positions": 20}
        | {"bos_token_id": 1, "eos_token_id": 1},
        6,
        lambda: {
            "input_features": values(BATCH, 8, 20),
            "decoder_input_ids": numbers(BATCH, TARGETS),
        },
    ),
]
SIGHTS = [
    *(
        A(f"{name}Model", VIT, 2, picture)
        for name in words("ViT DeiT ViTMAE ViTMSN Dinov2 Dinov2WithRegisters Beit CLIPVision")
    ),
    A(
        "ViTForImageClassification",
        {**VIT, "num_labels": 5},
        2,
        picture,
        of="ViTConfig",
        labels=lambda: numbers(BATCH) % 5,
    ),
    A("SiglipVisionModel", VIT, 3, picture),
    *(A(f"{name}Model", SWIN, 3, picture) for name in words("Swin Swinv2 DonutSwin")),
    *(A(f"{name}Model", PYRAMID, 2, picture) for name in words("Segformer GLPN")),
    A(
        "SegformerForSemanticSegmentation",
        {**PYRAMID, "decoder_hidden_size": 16, "num_labels": 5},
        2,
        picture,
        of="SegformerConfig",
    ),
    A(
        "LevitModel",
        {"image_size": 64, "hidden_sizes": [16, 32, 48], "num_attention_heads": [1, 2, 3]}
        | {"depths": [1, 1, 1], "key_dim": [8, 8, 8]},
        5,
        lambda: picture(64),
    ),
    A("DetrModel", DETR, 3, lambda: picture(64)),
    A("DeformableDetrModel", {**DETR, "num_feature_levels": 1}, 3, lambda: picture(64)),
    A("DeformableDetrModel", {**DETR, "num_feature_levels": 2}, 1, lambda: picture(64), remarked=2),
    A("TimesformerModel", {**VIT, "num_frames": 2}, 4, lambda: video(2)),
    A("VideoMAEModel", {**VIT, "num_frames": 4}, 2, lambda: video(4)),
    A("CLIPModel", _both(), 4, captioned),
    A("SiglipModel", _both(), 5, captioned),
    A("Wav2Vec2Model", SPEECH, 2, sound),
    A("WavLMModel", SPEECH, 2, sound),
]
ARCHITECTURES = [*ENCODERS, *DECODERS, *SEQUENCES, *SIGHTS]


def build(architecture: Architecture) -> tuple[torch.nn.Module, dict[str, Any]]:
    """The model and what it is given."""
    import transformers

    name, config = architecture.name, dict(architecture.config)
    if "backbone" in config:
        levels = config.get("num_feature_levels", 1)
        config["backbone_config"] = transformers.ResNetConfig(
            embedding_size=8,
            hidden_sizes=[8, 16],
            depths=[1, 1],
            out_features=["stage1", "stage2"][-levels:],
        )
    torch.manual_seed(0)
    kind = getattr(transformers, architecture.of or f"{name.removesuffix('Model')}Config")
    model = getattr(transformers, name)(kind(**config)).eval()
    inputs = architecture.inputs()
    if architecture.labels is not None:
        inputs["labels"] = architecture.labels()
    return model, inputs
