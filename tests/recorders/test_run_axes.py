import math

import numpy as np
import pytest

from recorders import read_run
from recorders.run.records import Event
from recorders.run.validate import findings
from recorders.run.writer import SegmentWriter


def add_event(writer, site, example, *, queries, keys, step=0, snapshot=0, heads=2, **more):
    """One event that looks everywhere alike."""
    shape = (1, heads, queries, keys)
    writer.add_events(
        site=site,
        examples=np.array([example]),
        step=step,
        snapshot=snapshot,
        probabilities=np.full(shape, 1 / keys, np.float32),
        log_prob=np.full(shape[:3], np.nan),
        entropy=np.full(shape[:3], math.log(keys)),
        **more,
    )


def add_tokens(writer, example, step, axis, positions, texts, snapshot=0):
    writer.add_later_tokens(
        examples=np.full(len(positions), example),
        step=step,
        snapshot=snapshot,
        axis=axis,
        positions=np.array(positions),
        ids=np.arange(len(positions)) + 30,
        texts=texts,
    )


@pytest.fixture
def generated(tmp_path):
    """A prompt of three tokens, of which two steps of generation have made five."""
    writer = SegmentWriter(tmp_path / "run.h5")
    site = writer.add_site(
        "layers.0.attn", query_axis="tokens", key_axis="tokens", layer=0, module="Attention"
    )
    example = writer.add_example("one", tokens=["the", "cat", "sat"])
    writer.add_snapshot(0)
    add_event(writer, site, example, queries=3, keys=3, temperature=0.5)
    for step, text in ((1, "on"), (2, "")):
        add_tokens(writer, example, step, 0, [2 + step], [text])
        at = {"first_query": 2 + step, "first_key": 1, "sink": step == 2}
        add_event(writer, site, example, queries=1, keys=3 + step, step=step, **at)
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        yield run


def test_an_event_tells_its_size_and_place(generated):
    assert generated.event("layers.0.attn", 0) == Event(2, 3, 3, temperature=0.5)
    later = generated.event("layers.0.attn", 0, 2)
    assert (later.queries, later.keys, later.first_query, later.first_key) == (1, 5, 4, 1)
    assert later.sink is True
    assert math.isnan(later.temperature)
    with pytest.raises(IndexError, match="has no step 3"):
        generated.event("layers.0.attn", 0, 3)


def test_a_site_tells_its_layer_and_module(generated):
    site = generated.sites[0]
    assert (site.layer, site.module, site.special_keys) == (0, "Attention", ())


def test_tokens_that_came_later_follow_the_examples_own(generated):
    # A token without a text is shown by its number.
    assert generated.tokens(0) == ("the", "cat", "sat", "on", "#30")
    assert generated.tokens(0, step=0) == ("the", "cat", "sat")
    assert generated.tokens(0, step=1) == ("the", "cat", "sat", "on")
    assert generated.tokens(0, "target") is None
    with pytest.raises(ValueError, match="axis='words'"):
        generated.tokens(0, "words")


def test_keys_and_queries_are_called_by_their_tokens(generated):
    site = "layers.0.attn"
    assert generated.key_names(site, 0) == ["the", "cat", "sat"]
    assert generated.query_names(site, 0) == ["the", "cat", "sat"]
    assert generated.key_names(site, 0, 1) == ["cat", "sat", "on", "token 4"]
    assert generated.query_names(site, 0, 1) == ["on"]
    assert generated.key_names(site, 0, 2) == ["cat", "sat", "on", "#30", "sink"]


def test_a_token_of_a_later_pass_replaces_an_earlier_one(tmp_path):
    writer = SegmentWriter(tmp_path / "run.h5")
    writer.add_site("look")
    writer.add_example("one", tokens=["a", "b"])
    for number in range(2):
        writer.add_snapshot(number)
    add_tokens(writer, 0, 0, 0, [0, 1, 2], ["x", "y", "z"], snapshot=1)
    add_tokens(writer, 0, 1, 0, [1, 5], ["new", "far"], snapshot=1)
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        assert run.tokens(0, snapshot=0) == ("a", "b")
        assert run.tokens(0, snapshot=1) == run.tokens(0) == ("x", "new", "z", "", "", "far")


@pytest.fixture
def beams(tmp_path):
    """Three beams of a prompt; the sequence of the first begins in the second beam."""
    writer = SegmentWriter(tmp_path / "run.h5")
    writer.add_snapshot(0)
    site = writer.add_site("decoder", query_axis="target", key_axis="target")
    cross = writer.add_site("cross", query_axis="target", key_axis="tokens")
    numbers = [writer.add_example(name) for name in ("one", "one/beam-1", "one/beam-2")]
    add_tokens(writer, numbers[0], 0, 0, [0, 1], ["le", "chat"])
    words = [("<s>", "<s>", "<s>"), ("a", "the", "one"), ("cat", "dog", "cow"), ("x", "y", "z")]
    parents = {1: (0, 0, 0), 2: (1, 0, 1), 3: (0, 2, 1)}
    for step, row in enumerate(words):
        for beam, number in enumerate(numbers):
            add_tokens(writer, number, step, 1, [step], [row[beam]])
            at = {"step": step, "first_query": step}
            add_event(writer, site, number, queries=1, keys=step + 1, **at)
            add_event(writer, cross, number, queries=1, keys=2, **at)
        if step in parents:
            writer.add_scalars(
                "beam_parent",
                examples=np.array(numbers),
                steps=step,
                snapshot=0,
                values=np.array(parents[step], float),
            )
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        yield run


def test_the_tokens_of_a_beam_are_those_of_the_beams_that_it_continued(beams):
    # Beam 0 continued beam 0, which had continued beam 1 of the step before.
    assert beams.tokens(0, "target") == ("<s>", "the", "cat", "x")
    assert beams.tokens(1, "target") == ("<s>", "the", "cow", "y")
    assert beams.tokens(2, "target") == ("<s>", "a", "dog", "z")
    assert beams.tokens(0, "target", step=1) == ("<s>", "a")
    assert beams.tokens(1, "target", step=2) == ("<s>", "a", "dog")


def test_names_at_a_step_are_those_of_the_sequence_as_it_was(beams):
    assert beams.key_names("decoder", 0, 2) == ["<s>", "the", "cat"]
    assert beams.key_names("decoder", 0, 1) == ["<s>", "a"]
    assert beams.query_names("decoder", 2, 3) == ["z"]


def test_what_was_read_before_there_were_beams_is_that_of_each(beams):
    for example in range(3):
        assert beams.tokens(example) == ("le", "chat")
        assert beams.key_names("cross", example, 3) == ["le", "chat"]


def boxes(count):
    corner = np.arange(count, dtype=np.float32)
    return np.stack([corner, corner, corner + 1, corner + 1], axis=1)


@pytest.fixture
def regions(tmp_path):
    """An image of four patches, with a class token before and detection tokens behind."""
    path = tmp_path / "run.h5"
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    facts = {"query_axis": "regions", "key_axis": "regions", "special_keys": "[CLS]"}
    site = writer.add_site("vit", **facts)
    windows = writer.add_site("swin", query_axis="queries", key_axis="window tokens")
    example = writer.add_example("one", regions=boxes(2))
    own = writer.add_region_set(boxes(4))
    add_event(writer, site, example, queries=7, keys=7, first_region=1, region_set=own)
    add_event(writer, windows, example, queries=4, keys=2, windows=2)
    writer.close()
    with read_run(path) as run:
        yield run


def test_regions_are_the_events_own_where_it_has_any(regions):
    assert regions.regions(0).shape == (2, 4)
    assert np.array_equal(regions.regions(0, "vit"), boxes(4))
    assert np.array_equal(regions.regions(0, "swin"), boxes(2))
    event = regions.event("vit", 0)
    assert (event.first_region, event.n_regions) == (1, 4)


def test_special_tokens_regions_and_what_follows_them_are_named(regions):
    names = ["[CLS]", "region 0", "region 1", "region 2", "region 3", "key 5", "key 6"]
    assert regions.key_names("vit", 0) == regions.query_names("vit", 0) == names


def test_queries_of_windows_are_named_by_window(regions):
    assert regions.key_names("swin", 0) == ["window token 0", "window token 1"]
    assert regions.query_names("swin", 0)[1:3] == ["window 0, query 1", "window 1, query 0"]


def test_keys_beside_an_events_own_boxes_are_sound(regions):
    assert not [found for found in findings(regions.path) if found.severity != "notice"]


@pytest.mark.parametrize(
    ("keys", "own", "odd"),
    [(4, False, False), (5, False, True), (5, True, False), (4, True, True), (6, True, False)],
)
def test_boxes_that_do_not_fit_the_keys_are_found(tmp_path, keys, own, odd):
    writer = SegmentWriter(tmp_path / "run.h5")
    writer.add_snapshot(0)
    site = writer.add_site("look", key_axis="regions")
    example = writer.add_example("one", regions=boxes(4))
    more = {"first_region": 1, "region_set": writer.add_region_set(boxes(4))} if own else {}
    add_event(writer, site, example, queries=1, keys=keys, **more)
    writer.close()
    assert (
        bool([found for found in findings(tmp_path / "run.h5") if "each region" in found.what])
        == odd
    )


def test_a_run_of_the_first_format_has_no_later_tokens():
    with read_run("sample_runs/glimpse-hard.h5") as run:
        assert run.tokens(0) is None
        event = run.event(run.sites[0], 0)
        assert (event.first_query, event.query_stride, event.windows, event.sink) == (
            0,
            1,
            1,
            False,
        )
        assert event.n_regions == event.keys
