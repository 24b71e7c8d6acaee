"""The engine against a loop that explains and scores one variant after another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hardattn_viewer.faithfulness import Text, TokenSubject
from hardattn_viewer.faithfulness.explainers.by_name import USUAL_OF_TOKENS

transformers = pytest.importorskip("transformers")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import faithfulness as benchmark  # noqa: E402
from minilm_topics import Topics  # noqa: E402
from naive_faithfulness import Naive, count_at  # noqa: E402

from hardattn_viewer.checks.curves import counts_of  # noqa: E402

PAD, MASK, VOCABULARY = 0, 1, 40


@pytest.fixture(scope="module")
def both() -> tuple[TokenSubject, Naive]:
    """A small encoder with random weights and a head that takes sides, and the same for a loop."""
    torch.manual_seed(0)
    config: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 48,
        "max_position_embeddings": 32,
        "initializer_range": 0.4,
    }
    models = [
        transformers.BertModel._from_config(
            transformers.BertConfig(**config), attn_implementation=how
        ).eval()
        for how in ("sdpa", "eager")
    ]
    models[1].load_state_dict(models[0].state_dict())
    topics = Topics(models[0], 24, 3).eval()
    topics.head.weight.data *= 4
    for one in (topics, models[1]):
        one.requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    texts = []
    for count in (5, 8):
        ids = torch.randint(4, VOCABULARY, (count,), generator=generator).tolist()
        texts.append(Text((2, *ids, 3), tuple((at,) for at in range(1, count + 1))))
    subject = TokenSubject(topics, texts, pad=PAD, mask=MASK, query="mean")
    return subject, Naive(topics, models[1], PAD, MASK)


@pytest.mark.slow
def test_explanations_and_their_scores_are_those_of_a_naive_loop(
    both: tuple[TokenSubject, Naive],
) -> None:
    texts, naive = both
    (scores, figures), (other_scores, other_figures) = (
        benchmark.ours(texts),
        benchmark.naively(naive, texts),
    )
    assert len(scores) == len(figures) == 2 * 2 * len(USUAL_OF_TOKENS)
    assert benchmark.differ(scores, other_scores) < benchmark.SAME
    assert benchmark.differ(figures, other_figures) < benchmark.SAME
    # They are no zeros: explanations differ, and so do the scores of each.
    table = np.array([figures[key] for key in sorted(figures)])
    assert table.std(0).min() > 0.02
    moved = {key: (one + 2e-5, other) for key, (one, other) in figures.items()}
    assert benchmark.differ(moved, other_figures) > benchmark.SAME


@pytest.mark.parametrize("items", range(1, 25))
def test_the_loop_counts_items_at_a_share_as_curves_do(items: int) -> None:
    counts = [count_at(tenths, items) for tenths in range(11)]
    assert counts == counts_of(items).tolist()
