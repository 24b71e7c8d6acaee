import copy

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
    causal,
    gpt2,
    t5,
    whisper,
)
from placing import place

NEW = 4


def generate(seen_masks=False, ids=LEFT, mask=LEFT_MASK, **options):
    def run(model):
        torch.manual_seed(0)
        return model.generate(ids, attention_mask=mask, max_new_tokens=NEW, **options)

    return run


def whole_attention(model, tokens):
    with torch.no_grad():
        return model(input_ids=torch.tensor([tokens]), output_attentions=True).attentions


CACHES = [
    (gpt2, "dynamic", 99),
    (lambda: causal("Llama"), "dynamic", 99),
    (lambda: causal("Llama"), "static", 99),
    (lambda: causal("Mistral", sliding_window=4), "dynamic", 4),
    (lambda: causal("Mistral", sliding_window=4), "static", 4),
]


@pytest.mark.parametrize(
    ("build", "cache", "window"),
    CACHES,
    ids=["GPT-2", "Llama", "Llama static", "Mistral sliding", "Mistral static sliding"],
)
def test_every_step_is_a_row_of_the_attention_to_the_whole_sequence(build, cache, window):
    model = build()
    seen = place(model, generate(do_sample=False, cache_implementation=cache), 2)
    assert not seen.unplaced
    assert not seen.placement.remarks
    for example, prompt in enumerate(TOKENS):
        new = seen.result[example, 5:].tolist()
        expected = whole_attention(model, prompt + new)
        for site, weights in zip(seen.sites(), expected, strict=True):
            assert seen.map(site, 0, example).shape == (4, len(prompt), len(prompt))
            for step in range(NEW):
                piece = seen.piece(site, step, example)
                queries = range(len(prompt)) if step == 0 else [len(prompt) + step - 1]
                assert piece.first_query == queries[0]
                assert (piece.query_axis, piece.key_axis) == ("tokens", "tokens")
                keys = piece.probabilities.shape[-1]
                assert keys <= max(window, len(prompt)) if window < 99 else True
                assert piece.first_key + keys == queries[-1] + 1
                at = slice(piece.first_key, piece.first_key + keys)
                wanted = weights[0, :, list(queries), at].numpy()
                assert np.abs(seen.map(site, step, example) - wanted).max() <= 1e-5
        # The last token is never fed to the model.
        fed = prompt + new[:-1]
        assert [id_ for _, _, id_ in seen.tokens(example=example)] == fed
        assert [at for _, at, _ in seen.tokens(example=example)] == list(range(len(fed)))
        assert [step for step, _, _ in seen.tokens(example=example)] == [
            *[0] * len(prompt),
            *range(1, NEW),
        ]


def test_without_a_cache_every_step_is_the_whole_sequence_and_only_new_tokens_are_told():
    model = gpt2()
    seen = place(model, generate(do_sample=False, use_cache=False), 2, token_counts=[3, 5])
    site = seen.sites()[0]
    assert [seen.map(site, step).shape[1] for step in range(NEW)] == [3, 4, 5, 6]
    new = seen.result[0, 5:].tolist()
    assert seen.tokens() == [(1, 3, new[0]), (2, 4, new[1]), (3, 5, new[2])]


def test_a_sequence_that_has_ended_is_over():
    model = gpt2()
    first = int(place(model, generate(do_sample=False), 2).result[0, 5])
    # What is sampled first ends the one sequence, and the other goes on.
    forced = torch.tensor([first, 11])

    def endings(model):
        def choose(ids, scores):
            chosen = forced if ids.shape[1] == 5 else torch.tensor([12, 12])
            return torch.full_like(scores, -1e9).scatter(1, chosen[:, None], 0.0)

        return model.generate(
            LEFT,
            attention_mask=LEFT_MASK,
            max_new_tokens=NEW,
            do_sample=False,
            eos_token_id=first,
            logits_processor=[choose],
        )

    seen = place(model, endings, 2)
    site = seen.sites()[0]
    # Its end was fed once; after that it was fed padding, which is not its own.
    assert [id_ for _, _, id_ in seen.tokens(example=0)] == [*TOKENS[0], first]
    assert [seen.piece(site, step, 0) is not None for step in range(NEW)] == [
        True,
        True,
        False,
        False,
    ]
    assert all(seen.piece(site, step, 1) is not None for step in range(NEW))


def history(seen, beam, step, axis):
    """The tokens of a beam's sequence up to a step, told by who continued whom."""
    found = []
    while step >= 0:
        mine = [(at, id_) for when, at, id_ in seen.tokens(axis, 0, beam) if when == step]
        found = [*mine, *found]
        parents = seen.ended[step].parents if axis == 0 else seen.ended[step + 1].parents
        if parents is not None:
            here = (parents.examples == 0) & (parents.beams == beam)
            beam = int(parents.parents[here][0])
        step -= 1
    return [id_ for _, id_ in found]


def test_each_beam_attends_to_the_tokens_that_it_continued():
    model = gpt2()
    seen = place(model, generate(num_beams=3), 2)
    assert not seen.unplaced
    steps = len(seen.ended)
    moved = 0
    for step in range(1, steps):
        for beam in range(3):
            tokens = history(seen, beam, step, 0)
            assert len(tokens) == 3 + step
            expected = whole_attention(model, tokens)
            for site, weights in zip(seen.sites(), expected, strict=True):
                wanted = weights[0, :, -1:].numpy()
                assert np.abs(seen.map(site, step, 0, beam) - wanted).max() <= 1e-5
        moved += int((seen.ended[step].parents.parents != seen.ended[step].parents.beams).sum())
    assert moved


@pytest.mark.parametrize("build", [t5, bart])
def test_beams_of_a_decoder_look_at_one_encoded_example(build):
    model = build()
    seen = place(model, generate(ids=RIGHT, mask=RIGHT_MASK, num_beams=2), 2)
    assert not seen.unplaced
    cross = [site for site in seen.sites("decoder") if "ncoder_attn" in site or "Enc" in site]
    own = [site for site in seen.sites("decoder") if site not in cross]
    steps = len(seen.events[own[0]])
    for beam in range(2):
        for step in range(steps):
            tokens = history(seen, beam, step, 1)
            with torch.no_grad():
                expected = model(
                    input_ids=torch.tensor([TOKENS[0]]),
                    decoder_input_ids=torch.tensor([tokens]),
                    output_attentions=True,
                )
            for sites, weights in (
                (own, expected.decoder_attentions),
                (cross, expected.cross_attentions),
            ):
                for site, p in zip(sites, weights, strict=True):
                    assert (
                        np.abs(seen.map(site, step, 0, beam) - p[0, :, -1:].numpy()).max() <= 1e-5
                    )
    assert seen.piece(own[0], 2).first_query == 2
    assert {piece.beam for piece in seen.events[seen.sites("encoder.")[0]][0]} == {0}
    assert [id_ for _, _, id_ in seen.tokens(0, 0)] == TOKENS[0]
    assert seen.tokens(0, 0, 1) == []


def test_sequences_that_are_sampled_together_are_numbered_like_beams():
    seen = place(gpt2(), generate(do_sample=True, num_return_sequences=2), 2)
    for sequence in range(2):
        fed = seen.result[sequence, 5:-1].tolist()
        assert [id_ for _, _, id_ in seen.tokens(0, 0, sequence)] == TOKENS[0] + fed
    assert all(ended.parents is None for ended in seen.ended)


def test_whisper_listens_to_frames():
    sound = torch.rand(2, 8, 40, generator=torch.Generator().manual_seed(0))

    def run(model):
        return model.generate(input_features=sound, max_new_tokens=NEW, num_beams=2)

    seen = place(whisper(), run, 2)
    assert not seen.unplaced
    heard = seen.piece("model.encoder.layers.0.self_attn")
    assert (heard.query_axis, heard.key_axis) == ("frames", "frames")
    cross = seen.piece("model.decoder.layers.1.encoder_attn", 1, 1, 1)
    assert (cross.query_axis, cross.key_axis) == ("target", "frames")
    assert cross.probabilities.shape[-2:] == (1, 20)
    assert cross.first_query == 1


def test_a_pass_that_goes_back_is_refused():
    model = causal("Llama")
    cache = pytest.importorskip("transformers").DynamicCache()

    def run(model):
        model(input_ids=RIGHT, past_key_values=cache)
        cache.crop(-2)
        model(input_ids=RIGHT[:, :1], past_key_values=cache)

    seen = place(model, run, 2)
    assert "the model went back from token 5 to token 3" in next(iter(seen.unplaced.values()))
    assert all(len(events) == 1 for events in seen.events.values())


def test_generation_is_the_same_and_nothing_is_left_behind():
    transformers = pytest.importorskip("transformers")
    model = gpt2()
    before = dict(vars(transformers.DynamicCache)), dict(vars(transformers.Cache))
    torch.manual_seed(0)
    expected = generate(num_beams=3)(model)
    seen = place(model, generate(num_beams=3), 2)
    assert torch.equal(seen.result, expected)
    assert (dict(vars(transformers.DynamicCache)), dict(vars(transformers.Cache))) == before


def test_a_copy_of_a_followed_cache_is_a_cache_of_its_own():
    model = gpt2()
    heard = []

    def run(model):
        prompt = model(input_ids=RIGHT, use_cache=True).past_key_values
        model(input_ids=RIGHT[:, :1], past_key_values=prompt)
        other = copy.deepcopy(prompt)
        other.reorder_cache(torch.tensor([1, 0]))
        heard.append(torch.equal(other.layers[0].keys[0], prompt.layers[0].keys[1]))
        model(input_ids=RIGHT[:, :1], past_key_values=prompt)

    seen = place(model, run, 2)
    assert heard == [True]
    assert all(ended.parents is None for ended in seen.ended)
