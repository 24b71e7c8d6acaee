"""Small runs over tokens, generated tokens and patches with a class token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.run.writer import SegmentWriter

WORDS = ("[CLS]", "the", "light", "shines", "in", "the", "darkness", "[SEP]")
VERIFIED = "verified: 96 of 96 events, largest error 3.1e-7"
MISMATCH = "MISMATCH: 4 of 96 events differ from what the layer returned, largest error 2.4e-2"
LEFT_OUT = tuple(f"site encoder.layer.{n}: not asked for (sites=)" for n in range(6, 11))
CHANGED = ("nn.TransformerEncoder ran without its fast path",)


def add_event(
    writer: SegmentWriter,
    site: int,
    example: int,
    probabilities: NDArray[np.floating[Any]],
    step: int = 0,
    **offsets: Any,
) -> None:
    """Add one soft event of one example, probabilities [heads, queries, keys]."""
    p = probabilities.astype(np.float64)[None]
    logs = np.log(np.where(p > 0, p, 1))
    writer.add_events(
        site=site,
        examples=np.array([example]),
        step=step,
        snapshot=0,
        probabilities=p,
        log_prob=np.full(p.shape[:-1], np.nan),
        entropy=-(p * logs).sum(-1),
        **offsets,
    )


def write_text_run(
    path: Path,
    *,
    prefix: str = "encoder.layer.",
    layers: int = 3,
    heads: int = 4,
    words: Sequence[str] = WORDS,
    mismatch_at: int | None = None,
    metadata: dict[str, Any] | None = None,
    seed: int = 0,
) -> Path:
    """Self-attention over two texts, ``layers`` sites of ``heads`` heads."""
    rng = np.random.default_rng(seed)
    writer = SegmentWriter(path, metadata=metadata)
    writer.add_snapshot(0)
    sites = [
        writer.add_site(
            f"{prefix}{layer}.attention",
            kind="self",
            mechanism="soft",
            heads=heads,
            query_axis="tokens",
            key_axis="tokens",
            capture="transformers",
            verified=MISMATCH if layer == mismatch_at else VERIFIED,
            layer=layer,
        )
        for layer in range(layers)
    ]
    for number in range(2):
        example = writer.add_example(f"text-{number}", tokens=words)
        for site in sites:
            add_event(
                writer, site, example, rng.dirichlet(np.ones(len(words)), (heads, len(words)))
            )
    writer.close()
    return path


def causal(rng: np.random.Generator, heads: int, queries: int, keys: int) -> NDArray[np.float64]:
    """Random attention [heads, queries, keys] whose last query sees every key."""
    p = rng.dirichlet(np.ones(keys), (heads, queries))
    for query in range(queries):
        p[:, query, keys - queries + query + 1 :] = 0
    return p / p.sum(-1, keepdims=True)


def write_generated_run(path: Path, *, prompt: int = 5, tokens: int = 3) -> Path:
    """A decoder that reads a prompt, then writes a token a step; two heads."""
    rng = np.random.default_rng(4)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site(
        "h.0", kind="self", heads=2, query_axis="tokens", key_axis="tokens", verified=VERIFIED
    )
    example = writer.add_example("prompt", tokens=[f"p{n}" for n in range(prompt)])
    for step in range(tokens):
        queries = prompt if step == 0 else 1
        first = 0 if step == 0 else prompt + step - 1
        keys = prompt + step
        add_event(writer, site, example, causal(rng, 2, queries, keys), step, first_query=first)
        if step:
            writer.add_later_tokens(
                examples=np.array([example]),
                step=step,
                snapshot=0,
                axis=0,
                positions=np.array([first]),
                ids=np.array([7]),
                texts=[f"new{step}"],
            )
    writer.close()
    return path


def write_patches_run(path: Path) -> Path:
    """A vision transformer on 3 × 3 patches behind a class token."""
    rng = np.random.default_rng(5)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site(
        "blocks.0.attn",
        kind="self",
        heads=2,
        query_axis="regions",
        key_axis="regions",
        verified=VERIFIED,
        special_keys="[CLS]",
    )
    boxes = np.array([[x, y, x + 4, y + 4] for y in (0, 4, 8) for x in (0, 4, 8)], np.float32)
    image = rng.integers(0, 256, (12, 12), dtype=np.uint8)
    example = writer.add_example("patches", image=image, regions=boxes)
    p = rng.dirichlet(np.ones(10), (2, 10))
    p[:, :, 0] += 1
    add_event(writer, site, example, p / p.sum(-1, keepdims=True), first_region=1)
    writer.close()
    return path


# As the tokenizers of GPT-2, of multilingual BERT and of Llama write them.
BPE = (
    *("The", "Ġlight", "Ġshines", "Ġin", "Ġthe", "Ġdark", "ness", ",", "Ġand", "Ġthe", "ĠcafÃ©"),
    *("Ġæ", "ĹŃ", "Ġis", "Ġst", "ill", "Ġopen", ".", "Ċ", "Ċ", "Don", "'t", "Ġover", "come", "Ġit"),
    *("!", "<|endoftext|>"),
)
WORDPIECE = ("[CLS]", "un", "##believ", "##able", "light", ",", "over", "##come", ".", "[SEP]")
ARABIC = (
    *("[CLS]", "في", "البد", "##اية", "كان", "الكلمة", "،", "والكلمة", "كان", "عند", "الله", "("),
    *("John", "1", ":", "1", ")", ".", "والنور", "يض", "##يء", "في", "الظلمة", "[SEP]"),
)
HEBREW = ("[CLS]", "בראשית", "היה", "הדבר", ",", "והאור", "מאיר", "GPT", "2", "בחושך", ".", "[SEP]")
CHINESE = (
    *("<s>", "▁", "太初", "有", "道", "，", "道", "与", "神", "同", "在", "，", "光", "照在"),
    *("黑暗里", "。", "</s>"),
)


def write_tokens_run(
    path: Path,
    words: Sequence[str],
    *,
    queries: int | None = None,
    heads: int = 1,
    seed: int = 3,
) -> Path:
    """Self-attention over one text, from its first ``queries`` tokens, None for all."""
    rng = np.random.default_rng(seed)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site(
        "encoder.0",
        kind="self",
        heads=heads,
        query_axis="tokens",
        key_axis="tokens",
        verified=VERIFIED,
    )
    example = writer.add_example("text", tokens=words)
    rows = len(words) if queries is None else queries
    weights = rng.gamma(0.25, size=(heads, rows, len(words))) + 1e-9
    add_event(writer, site, example, weights / weights.sum(-1, keepdims=True))
    writer.close()
    return path


def write_cross_run(
    path: Path,
    source: Sequence[str] = WORDPIECE,
    target: Sequence[str] = ("<s>", "▁das", "▁Licht", "▁leucht", "et", "</s>"),
) -> Path:
    """A decoder that looks at another text."""
    rng = np.random.default_rng(6)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site(
        "decoder.0.cross",
        kind="cross",
        heads=2,
        query_axis="target",
        key_axis="tokens",
        verified=VERIFIED,
    )
    example = writer.add_example("pair", tokens=source)
    writer.add_later_tokens(
        examples=np.full(len(target), example),
        step=0,
        snapshot=0,
        axis=1,
        positions=np.arange(len(target)),
        ids=np.arange(len(target)),
        texts=list(target),
    )
    p = rng.dirichlet(np.full(len(source), 0.4), (2, len(target)))
    add_event(writer, site, example, p)
    writer.close()
    return path
