import numpy as np
import pytest
import torch
from placed_models import (
    LEFT,
    LEFT_MASK,
    RIGHT,
    RIGHT_MASK,
    TOKENS,
    bart,
    bert,
    causal,
    gpt2,
    t5,
)
from placing import place
from torch import nn


def alone(model, example, **more):
    """The attentions of one example without padding, as the model hands them out."""
    ids = torch.tensor([TOKENS[example]])
    with torch.no_grad():
        return model(input_ids=ids, output_attentions=True, **more)


@pytest.mark.parametrize(
    ("build", "ids", "mask"),
    [
        (bert, RIGHT, RIGHT_MASK),
        (gpt2, RIGHT, RIGHT_MASK),
        (gpt2, LEFT, LEFT_MASK),
        (lambda: causal("Llama"), LEFT, LEFT_MASK),
        (lambda: causal("Llama"), RIGHT, RIGHT_MASK),
        (lambda: causal("Mistral", sliding_window=2), RIGHT, RIGHT_MASK),
    ],
    ids=["BERT right", "GPT-2 right", "GPT-2 left", "Llama left", "Llama right", "Mistral right"],
)
def test_an_example_is_as_it_would_be_without_the_padding(build, ids, mask):
    model = build()
    # GPT-2 counts positions from the padding on, unless told where to begin.
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    more = {"position_ids": positions} if model.config.model_type != "bert" else {}
    seen = place(model, lambda m: m(input_ids=ids, attention_mask=mask, **more), 2)
    assert not seen.unplaced
    for example in range(2):
        expected = alone(model, example).attentions
        assert len(expected) == len(seen.sites())
        for site, weights in zip(seen.sites(), expected, strict=True):
            piece = seen.piece(site, example=example)
            assert (piece.query_axis, piece.key_axis) == ("tokens", "tokens")
            assert (piece.first_query, piece.first_key) == (0, 0)
            assert np.abs(seen.map(site, example=example) - weights[0].numpy()).max() <= 1e-5
        assert [id_ for _, _, id_ in seen.tokens(example=example)] == TOKENS[example]
        assert [at for _, at, _ in seen.tokens(example=example)] == list(
            range(len(TOKENS[example]))
        )


def test_bert_padded_on_the_left_loses_its_padding():
    seen = place(bert(), lambda m: m(input_ids=LEFT, attention_mask=LEFT_MASK), 2)
    for site in seen.sites():
        assert seen.map(site, example=0).shape == (4, 3, 3)
        assert seen.map(site, example=1).shape == (4, 5, 5)
    assert [id_ for _, _, id_ in seen.tokens(example=0)] == TOKENS[0]


def test_the_last_query_is_the_last_of_each_example():
    model = gpt2()
    seen = place(
        model,
        lambda m: m(input_ids=RIGHT, attention_mask=RIGHT_MASK),
        2,
        queries=slice(-1, None, 1),
    )
    site = seen.sites()[0]
    for example, length in enumerate((3, 5)):
        expected = alone(model, example).attentions[0][0, :, -1:].numpy()
        assert seen.piece(site, example=example).first_query == length - 1
        assert np.abs(seen.map(site, example=example) - expected).max() <= 1e-5


def test_a_mask_that_the_model_ignores_trims_nothing_and_is_remarked():
    model = bert()
    # The model is told of no padding; only whoever looks at its arguments is.
    inner = model.forward

    class Ignorant(nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = model

        def forward(self, input_ids, attention_mask):
            return self.bert(input_ids=input_ids)

    seen = place(Ignorant(), lambda m: m(input_ids=RIGHT, attention_mask=RIGHT_MASK), 2)
    assert seen.map(seen.sites()[0], example=0).shape == (4, 5, 5)
    assert "attends to padding" in seen.placement.remarks[0]
    assert model.forward == inner


def test_tokens_that_were_told_are_not_told_again():
    seen = place(
        bert(), lambda m: m(input_ids=RIGHT, attention_mask=RIGHT_MASK), 2, token_counts=[3, 5]
    )
    assert seen.tokens(example=0) == seen.tokens(example=1) == []
    assert not seen.placement.remarks


def test_another_number_of_tokens_than_told_is_remarked_and_the_models_are_shown():
    seen = place(
        bert(), lambda m: m(input_ids=RIGHT, attention_mask=RIGHT_MASK), 2, token_counts=[4, 5]
    )
    assert [id_ for _, _, id_ in seen.tokens(example=0)] == TOKENS[0]
    assert "described with 4 tokens, but the model was given 3" in seen.placement.remarks[0]


def test_tokens_are_shown_by_the_tokenizer():
    class Tokenizer:
        def convert_ids_to_tokens(self, ids):
            return [f"word{id_}" for id_ in ids]

    seen = place(bert(), lambda m: m(input_ids=LEFT), 2, tokenizer=Tokenizer())
    assert seen.ended[0].tokens[0].texts[:3] == ("word0", "word0", "word5")


@pytest.mark.parametrize("build", [t5, bart])
def test_an_encoder_and_a_decoder_have_axes_of_their_own(build):
    model = build()
    target = torch.tensor([[0, 11, 12, 13], [0, 14, 15, 16]])
    seen = place(
        model,
        lambda m: m(input_ids=RIGHT, attention_mask=RIGHT_MASK, decoder_input_ids=target),
        2,
    )
    for example in range(2):
        expected = alone(model, example, decoder_input_ids=target[example : example + 1])
        cross = [site for site in seen.sites("decoder") if "ncoder_attn" in site or "Enc" in site]
        own = [site for site in seen.sites("decoder") if site not in cross]
        for sites, weights, axes in (
            (seen.sites("encoder."), expected.encoder_attentions, ("tokens", "tokens")),
            (own, expected.decoder_attentions, ("target", "target")),
            (cross, expected.cross_attentions, ("target", "tokens")),
        ):
            assert len(sites) == len(weights) == 2
            for site, p in zip(sites, weights, strict=True):
                piece = seen.piece(site, example=example)
                assert (piece.query_axis, piece.key_axis) == axes
                assert np.abs(seen.map(site, example=example) - p[0].numpy()).max() <= 1e-5
        assert [id_ for _, _, id_ in seen.tokens(1, example)] == target[example].tolist()


def test_a_target_that_the_model_makes_itself_is_seen_where_it_is_embedded():
    labels = torch.tensor([[11, 12, 13], [14, 15, 16]])
    seen = place(t5(), lambda m: m(input_ids=RIGHT, attention_mask=RIGHT_MASK, labels=labels), 2)
    assert [id_ for _, _, id_ in seen.tokens(1, 1)] == [0, 14, 15]


class Attending(nn.Module):
    """Attention as a person writes it down."""

    def __init__(self, size):
        super().__init__()
        self.projection = nn.Linear(size, 3 * size)

    def forward(self, x, mask=None):
        q, k, v = self.projection(x).chunk(3, -1)
        scores = q @ k.transpose(-2, -1)
        if mask is not None:
            scores = scores.masked_fill(mask, -1e9)
        return torch.softmax(scores, -1) @ v


class Plain(nn.Module):
    def __init__(self, embeds=True):
        super().__init__()
        self.word = nn.Embedding(20, 8) if embeds else nn.Identity()
        self.position = nn.Embedding(9, 8)
        self.look = Attending(8)

    def forward(self, x, src_key_padding_mask=None):
        hidden = self.word(x)
        hidden = hidden + self.position(torch.arange(hidden.shape[1])[None])
        mask = None if src_key_padding_mask is None else src_key_padding_mask[:, None]
        return self.look(hidden, mask)


def test_features_that_nobody_named_are_keys_and_lose_their_padding():
    padding = RIGHT_MASK == 0
    seen = place(Plain(embeds=False), lambda m: m(torch.randn(2, 5, 8), padding), 2)
    piece = seen.piece("look", example=0)
    assert (piece.query_axis, piece.key_axis) == ("queries", "keys")
    assert piece.probabilities.shape[1:] == (1, 3, 3)
    assert seen.map("look", example=1).shape == (1, 5, 5)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("told", [True, False])
def test_an_encoder_of_torch_loses_its_padding_whichever_axis_is_first(batch_first, told):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 20, batch_first=batch_first)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    x = torch.randn(2, 5, 16)
    if not batch_first:
        x = x.transpose(0, 1)

    class Inside(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = model

        def forward(self, x):
            return self.encoder(x, src_key_padding_mask=RIGHT_MASK == 0)

    if told:
        run, model = (lambda m: m(x, src_key_padding_mask=RIGHT_MASK == 0)), model
    else:
        run, model = (lambda m: m(x)), Inside()
    seen = place(model, run, 2, seen_masks=not told)
    assert len(seen.sites()) == 2
    for site in seen.sites():
        assert seen.map(site, example=0).shape == (2, 3, 3)
        assert seen.map(site, example=1).shape == (2, 5, 5)
        assert seen.piece(site).key_axis == "keys"
        assert np.allclose(seen.map(site, example=0).sum(-1), 1, atol=1e-5)


def test_tokens_are_known_by_the_embedding_that_they_enter():
    seen = place(Plain(), lambda m: m(RIGHT), 2)
    assert seen.piece("look").key_axis == "tokens"
    assert [id_ for _, _, id_ in seen.tokens(example=0)] == RIGHT[0].tolist()


def test_padding_that_only_the_attention_knows_is_trimmed():
    seen = place(Plain(), lambda m: m(RIGHT, RIGHT_MASK == 0), 2)
    named = [seen.map("look", example=example).shape for example in range(2)]

    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Plain()

        def forward(self, ids):
            return self.inner(ids, ids == 0)

    seen = place(Hidden(), lambda m: m(RIGHT), 2, seen_masks=True)
    assert [seen.map("inner.look", example=example).shape for example in range(2)] == named


def test_rows_without_an_example_are_refused_in_words():
    seen = place(bert(), lambda m: m(input_ids=RIGHT), 1)
    assert len(seen.unplaced) == 2
    assert "the model ran on 2 rows while 1 example is open" in next(iter(seen.unplaced.values()))
    assert not seen.events


def test_a_tokenizers_answer_handed_on_whole_is_read():
    class Sentences(nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = bert()

        def forward(self, features):
            return self.bert(**features)

    features = {"input_ids": RIGHT, "attention_mask": RIGHT_MASK}
    seen = place(Sentences(), lambda m: m(features), 2)
    assert seen.map(seen.sites()[0], example=0).shape == (4, 3, 3)
