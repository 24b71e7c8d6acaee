"""Small models with random weights, that attend by a softmax which the tests can see."""

import pytest
import torch

transformers = pytest.importorskip("transformers")

EAGER = {"attn_implementation": "eager"}
SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
}
WORDS = 50
# Three tokens, padded on the left, and five.
LEFT = torch.tensor([[0, 0, 5, 6, 7], [3, 4, 8, 9, 10]])
LEFT_MASK = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
RIGHT = torch.tensor([[5, 6, 7, 0, 0], [3, 4, 8, 9, 10]])
RIGHT_MASK = LEFT_MASK.flip(1)
TOKENS = [[5, 6, 7], [3, 4, 8, 9, 10]]


def made(model, config, **fields):
    torch.manual_seed(0)
    return model(config(**fields, **EAGER)).eval()


def bert():
    return made(transformers.BertModel, transformers.BertConfig, vocab_size=WORDS, **SIZE)


def gpt2(**fields):
    return made(
        transformers.GPT2LMHeadModel,
        transformers.GPT2Config,
        vocab_size=WORDS,
        n_embd=32,
        n_layer=2,
        n_head=4,
        **{"bos_token_id": 2, "eos_token_id": 49, "pad_token_id": 0, **fields},
    )


def causal(kind, **fields):
    return made(
        getattr(transformers, f"{kind}ForCausalLM"),
        getattr(transformers, f"{kind}Config"),
        vocab_size=WORDS,
        num_key_value_heads=2,
        **{"bos_token_id": 2, "eos_token_id": 49, "pad_token_id": 0, **fields},
        **SIZE,
    )


def t5():
    return made(
        transformers.T5ForConditionalGeneration,
        transformers.T5Config,
        vocab_size=WORDS,
        d_model=32,
        d_kv=8,
        d_ff=37,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
        eos_token_id=49,
    )


HALVES = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 20,
    "decoder_ffn_dim": 20,
}


def bart():
    return made(
        transformers.BartForConditionalGeneration,
        transformers.BartConfig,
        vocab_size=WORDS,
        max_position_embeddings=30,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=49,
        decoder_start_token_id=2,
        forced_eos_token_id=None,
        **HALVES,
    )


def whisper():
    return made(
        transformers.WhisperForConditionalGeneration,
        transformers.WhisperConfig,
        vocab_size=60,
        num_mel_bins=8,
        max_source_positions=20,
        max_target_positions=20,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=3,
        begin_suppress_tokens=None,
        suppress_tokens=None,
        **HALVES,
    )
