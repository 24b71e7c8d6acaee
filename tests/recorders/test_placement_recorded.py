"""The whole way: a model as people run it, a Recorder, the disk, and the run that is read back."""

import numpy as np
import pytest
import torch
from placed_models import (
    LEFT,
    LEFT_MASK,
    RIGHT,
    RIGHT_MASK,
    SIZE,
    TOKENS,
    bart,
    bert,
    causal,
    gpt2,
    made,
)

from recorders import Recorder, read_run
from recorders.run.validate import findings

transformers = pytest.importorskip("transformers")


class Tokenizer:
    def convert_ids_to_tokens(self, ids):
        return [f"w{id_}" for id_ in ids]


def words(ids):
    return tuple(f"w{int(id_)}" for id_ in ids)


def recorded(path, model, run, examples, **options):
    with (
        Recorder(path, model, codec="float32", tokenizer=Tokenizer(), **options) as recorder,
        recorder.example(batch=examples),
        torch.no_grad(),
    ):
        answer = run(model)
    assert not [found for found in findings(path) if found.severity != "notice"]
    return answer, read_run(path)


def difference(run, site, example, step, weights):
    """Between a recorded map and the same rows and columns of a reference [heads, all, all]."""
    event = run.event(site, example, step)
    rows = event.first_query + event.query_stride * np.arange(event.queries)
    columns = event.first_key + np.arange(event.keys)
    wanted = weights.numpy()[:, rows[:, None], columns[None]]
    return np.abs(run.map(site, example, step) - wanted).max()


def test_generation_of_a_padded_batch_is_a_step_a_token(tmp_path):
    model = causal("Llama")
    answer, run = recorded(
        tmp_path / "run.h5",
        model,
        lambda m: m.generate(LEFT, attention_mask=LEFT_MASK, max_new_tokens=4, do_sample=False),
        [{"name": "short"}, {"name": "long"}],
    )
    with run:
        assert "left_out" not in run.metadata
        for example, prompt in enumerate(TOKENS):
            fed = [*prompt, *answer[example, 5:-1].tolist()]
            assert run.tokens(example) == words(fed)
            with torch.no_grad():
                whole = model(input_ids=torch.tensor([fed]), output_attentions=True).attentions
            for site, weights in zip(run.sites, whole, strict=True):
                assert run.steps(site, example) == 4
                for step in range(4):
                    assert difference(run, site, example, step, weights[0]) <= 1e-5
                assert run.query_names(site, example, 2) == [f"w{fed[len(prompt) + 1]}"]
                assert run.key_names(site, example, 2) == list(words(fed[: len(prompt) + 2]))


def test_beams_are_examples_whose_tokens_are_their_sequence(tmp_path):
    model = gpt2()
    _, run = recorded(
        tmp_path / "run.h5",
        model,
        lambda m: m.generate(RIGHT[1:], max_new_tokens=4, num_beams=3),
        [{"name": "one"}],
    )
    with run:
        assert [example.name for example in run.examples] == ["one", "one/beam-1", "one/beam-2"]
        steps = run.steps(run.sites[0], 0)
        for example in range(3):
            for step in range(steps):
                ids = [int(text[1:]) for text in run.tokens(example, step=step)]
                with torch.no_grad():
                    whole = model(input_ids=torch.tensor([ids]), output_attentions=True).attentions
                for site, weights in zip(run.sites, whole, strict=True):
                    assert difference(run, site, example, step, weights[0]) <= 1e-5
        assert "beam_parent" in run.scalars(1)


def test_a_target_is_an_axis_of_its_own(tmp_path):
    model = bart()
    target = torch.tensor([[2, 11, 12, 13], [2, 14, 15, 16]])
    given = {"input_ids": RIGHT, "attention_mask": RIGHT_MASK, "decoder_input_ids": target}
    examples = [{"tokens": list(words(tokens))} for tokens in TOKENS]
    _, run = recorded(tmp_path / "run.h5", model, lambda m: m(**given), examples)
    with run:
        cross = next(site for site in run.sites if "encoder_attn" in site.name)
        assert (cross.query_axis, cross.key_axis) == ("target", "tokens")
        for example in range(2):
            assert run.tokens(example) == words(TOKENS[example])
            assert run.later_tokens(example)[0].axis == 1
            assert run.tokens(example, "target") == words(target[example])
            assert run.key_names(cross, example) == list(words(TOKENS[example]))
            assert run.query_names(cross, example) == list(words(target[example]))


def test_the_last_query_alone_is_that_of_each_example(tmp_path):
    model = bert()
    given = {"input_ids": RIGHT, "attention_mask": RIGHT_MASK}
    _, run = recorded(tmp_path / "run.h5", model, lambda m: m(**given), [{}, {}], queries="last")
    with run:
        for example, tokens in enumerate(TOKENS):
            assert run.query_names(run.sites[0], example) == [f"w{tokens[-1]}"]


def test_patches_lie_where_the_image_was_cropped(tmp_path):
    torch.manual_seed(0)
    model = made(
        transformers.ViTModel, transformers.ViTConfig, **SIZE, image_size=(32, 48), patch_size=8
    )
    image = np.zeros((100, 120, 3), np.uint8)
    examples = [{"image": image, "input_box": (10, 20, 58, 52)}, {"image": image}]
    _, run = recorded(tmp_path / "run.h5", model, lambda m: m(torch.rand(2, 3, 32, 48)), examples)
    with run:
        site = run.sites[0]
        assert (site.key_axis, site.special_keys) == ("regions", ("[CLS]",))
        assert run.event(site, 0).n_regions == 24
        assert run.regions(0, site)[0].tolist() == [10, 20, 18, 28]
        assert run.regions(1, site)[-1].tolist() == [100, 75, 120, 100]
        assert run.key_names(site, 0)[:2] == ["[CLS]", "region 0"]
