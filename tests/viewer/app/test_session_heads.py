"""All heads of a run: numbers against the maps themselves, order, filter, and means of several."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from heads_runs import CROSS, HARD, SELF, write_heads_run
from hypothesis import given, settings
from hypothesis import strategies as st
from text_runs import WORDS, add_event, causal, write_generated_run, write_patches_run

from hardattn_viewer.session import head_atlas
from hardattn_viewer.session.atlas import HeadAt
from hardattn_viewer.session.head_atlas import HeadStudy, Side
from hardattn_viewer.session.head_numbers import HeadNumbers, amounts, coded
from hardattn_viewer.session.picked_heads import MeanMap, PickedStudy
from hardattn_viewer.session.session import Session
from recorders import Run, read_run
from recorders.run.decoding import MapReader
from recorders.run.writer import SegmentWriter


def numbers_of(run: Run, other: Run | None = None, example: int = 0, step: int = 0) -> HeadNumbers:
    beside = None if other is None else Side(1, example)
    study = HeadStudy(Side(0, example), step, beside)
    runs = {0: run} if other is None else {0: run, 1: other}
    return [one for one in study.results(runs) if one is not None][-1]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    path = write_heads_run(tmp_path_factory.mktemp("heads") / "a.h5")
    with read_run(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def numbers(run: Run) -> HeadNumbers:
    return numbers_of(run)


def test_sites_come_by_layer_then_kind_and_those_without_a_layer_last(
    numbers: HeadNumbers,
) -> None:
    names = [one.site for one in numbers.sites]
    assert names == [SELF.format(0), CROSS.format(0), SELF.format(1), CROSS.format(1), HARD]
    assert numbers.total == len(numbers.heads) == 17
    assert numbers.label(HeadAt(SELF.format(1), 2)) == "1 self.2"
    assert numbers.label(HeadAt(HARD, 0)) == "choice.0"


def test_numbers_of_self_attention_are_those_of_its_maps(run: Run, numbers: HeadNumbers) -> None:
    site = SELF.format(1)
    one = numbers.site(site)
    assert one is not None and (one.queries, one.keys, one.rows_read) == (8, 8, 8)
    p = run.map(site, 0).astype(np.float64)
    place = np.arange(8)
    ordered = np.sort(p, axis=-1)
    special = [WORDS.index("[CLS]"), WORDS.index("[SEP]")]
    expected = {
        "entropy": -(p * np.log2(np.where(p > 0, p, 1))).sum(-1).mean(-1),
        "margin": (ordered[..., -1] - ordered[..., -2]).mean(-1),
        "hardness": ordered[..., -1].mean(-1),
        "first": p[..., 0].mean(-1),
        "special": p[..., special].sum(-1).mean(-1),
        "diagonal": np.trace(p, axis1=1, axis2=2) / 8,
        "previous": np.trace(p, offset=-1, axis1=1, axis2=2) / 7,
        "distance": (p * np.abs(place[:, None] - place)).sum(-1).mean(-1),
    }
    assert set(one.numbers) == set(expected)
    for name, values in expected.items():
        # Entropies were recorded before maps were rounded to 16 bits.
        np.testing.assert_allclose(one.numbers[name], values, atol=2e-3, err_msg=name)
    for name in expected.keys() - {"entropy"}:
        np.testing.assert_allclose(one.numbers[name], expected[name], atol=1e-5, err_msg=name)


def test_cross_attention_has_no_diagonal_and_says_why(numbers: HeadNumbers) -> None:
    one = numbers.site(CROSS.format(0))
    assert one is not None and (one.queries, one.keys) == (3, 8)
    assert not {"diagonal", "previous", "distance"} & set(one.numbers)
    assert one.why["diagonal"] == "queries are target and keys are tokens"
    assert np.isfinite(one.numbers["first"]).all()


def test_masses_of_a_hard_head_are_shares_of_its_choices(run: Run, numbers: HeadNumbers) -> None:
    chosen = run.selection(HARD, 0)
    one = numbers.site(HARD)
    assert chosen is not None and one is not None and one.hard
    keys = chosen[0, :, 0]
    assert one.numbers["first"][0] == np.mean(keys == 0)
    assert one.numbers["diagonal"][0] == np.mean(keys == np.arange(8))
    assert one.numbers["distance"][0] == pytest.approx(np.abs(keys - np.arange(8)).mean())
    # What the distribution was stays what it was.
    largest = run.map(HARD, 0)[0].max(axis=-1).mean()
    assert one.numbers["hardness"][0] == pytest.approx(largest)


def test_disagreement_is_between_heads_of_the_same_number(tmp_path: Path, run: Run) -> None:
    path = write_heads_run(tmp_path / "b.h5", seed=1)
    with read_run(path) as other:
        found = numbers_of(run, other)
        p, q = (one.map(SELF.format(0), 0).astype(np.float64) for one in (run, other))
    assert found.other_name == "b"

    def entropy(rows: np.ndarray) -> np.ndarray:
        return -(rows * np.log2(np.where(rows > 0, rows, 1))).sum(-1)

    expected = (entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2).mean(-1)
    one = found.site(SELF.format(0))
    assert one is not None
    np.testing.assert_allclose(one.numbers["disagreement"], expected, atol=1e-6)


def test_heads_over_other_keys_do_not_disagree_and_say_why(tmp_path: Path, run: Run) -> None:
    with read_run(write_heads_run(tmp_path / "c.h5", words=WORDS[::-1])) as other:
        found = numbers_of(run, other)
    assert found.why_not("disagreement") == "c has other queries or keys here"
    assert np.isnan(found.column("disagreement")).all()
    assert numbers_of(run).why_not("disagreement") == "there is no other run beside this one"


def test_steps_of_a_decoder_know_where_their_query_is(tmp_path: Path) -> None:
    with read_run(write_generated_run(tmp_path / "g.h5", prompt=5, tokens=3)) as run:
        found = numbers_of(run, step=2)
        p = run.map("h.0", 0, 2)[:, 0]
    one = found.sites[0]
    assert (one.queries, one.keys) == (1, 7)
    np.testing.assert_allclose(one.numbers["diagonal"], p[:, 6], atol=1e-6)
    np.testing.assert_allclose(one.numbers["previous"], p[:, 5], atol=1e-6)
    expected = (p * (6 - np.arange(7))).sum(-1)
    np.testing.assert_allclose(one.numbers["distance"], expected, atol=1e-5)


def test_patches_have_no_line_to_be_distant_in(tmp_path: Path) -> None:
    with read_run(write_patches_run(tmp_path / "p.h5")) as run:
        found = numbers_of(run)
        p = run.map(run.sites[0], 0)
    one = found.sites[0]
    assert one.why["distance"] == "regions lie in two dimensions, not in a line"
    np.testing.assert_allclose(one.numbers["special"], p[..., 0].mean(-1), atol=1e-6)
    np.testing.assert_allclose(
        one.numbers["diagonal"], np.trace(p, axis1=1, axis2=2) / 10, atol=1e-6
    )


def test_a_step_that_was_not_recorded_leaves_its_heads_unknown(run: Run) -> None:
    found = numbers_of(run, step=3)
    assert len(found.heads) == 17
    assert np.isnan(found.column("entropy")).all()
    assert found.why_not("entropy") == "nothing was recorded here at this step"


@given(
    st.lists(st.one_of(st.floats(0, 1, width=32), st.just(float("nan"))), min_size=1, max_size=40)
)
@settings(deadline=None)
def test_codes_keep_order_zero_and_what_is_unknown(values: list[float]) -> None:
    exact = np.array(values, np.float32)
    codes, largest = coded(exact)
    back = amounts(codes, largest)
    np.testing.assert_array_equal(np.isnan(back), np.isnan(exact))
    known = np.isfinite(exact)
    np.testing.assert_array_equal(back[known] == 0, (exact[known] == 0) | (back[known] == 0))
    assert ((codes[known] == 1) == (exact[known] == 0)).all()
    assert np.abs(back[known] - exact[known]).max(initial=0) <= 0.0041 * largest + 1e-12
    order = np.argsort(exact[known], kind="stable")
    assert (np.diff(codes[known][order].astype(int)) >= 0).all()


def test_a_spike_survives_in_a_small_map(tmp_path: Path) -> None:
    tokens = 300
    even = np.full((1, tokens, tokens), 1 / tokens)
    even[0, 211] = 0
    even[0, 211, 17] = 1
    writer = SegmentWriter(tmp_path / "spike.h5")
    writer.add_snapshot(0)
    site = writer.add_site("s", kind="self", query_axis="tokens", key_axis="tokens")
    example = writer.add_example("text", tokens=[f"w{n}" for n in range(tokens)])
    add_event(writer, site, example, even)
    writer.close()
    with read_run(writer.path) as run:
        one = numbers_of(run).sites[0]
    assert one.block == (8, 8) and one.maps.shape == (1, 38, 38)
    small = amounts(one.maps[0], float(one.largest[0]))
    assert small.max() == pytest.approx(1)
    assert np.unravel_index(small.argmax(), small.shape) == (211 // 8, 17 // 8)
    assert small[0, 0] == pytest.approx(1 / tokens, abs=0.004)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two heads of 3,000²: causal and even, and one that looks at the first token alone."""
    tokens = 3_000
    seen = np.tril(np.ones((tokens, tokens), np.float32))
    seen /= seen.sum(axis=-1, keepdims=True)
    first = np.zeros_like(seen)
    first[:, 0] = 1
    entropy = np.stack([np.log(np.arange(1, tokens + 1)), np.zeros(tokens)])
    writer = SegmentWriter(tmp_path_factory.mktemp("large") / "large.h5")
    writer.add_snapshot(0)
    site = writer.add_site(
        "attention", kind="self", heads=2, query_axis="tokens", key_axis="tokens", layer=0
    )
    example = writer.add_example("text", tokens=[f"w{at}" for at in range(tokens)])
    writer.add_events(
        site=site,
        examples=np.array([example]),
        step=0,
        snapshot=0,
        probabilities=np.stack([seen, first])[None],
        log_prob=np.full((1, 2, tokens), np.nan),
        entropy=entropy[None],
    )
    writer.close()
    return writer.path


def test_of_large_maps_some_rows_are_read_and_said(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, sizes = MapReader.read, []

    def noted(self: MapReader, event: int, *part: range) -> np.ndarray:
        values = read(self, event, *part)
        sizes.append(values.size)
        return values

    monkeypatch.setattr(MapReader, "read", noted)
    with read_run(large) as run:
        one = numbers_of(run).sites[0]
    assert max(sizes) <= 2 * 3_000
    assert one.rows_read == head_atlas.SAMPLED and one.queries == 3_000
    queries = ((np.arange(64) + 0.5) * 3_000 / 64).astype(int)
    # Query q of the first head looks at q + 1 keys evenly: its numbers are known.
    np.testing.assert_allclose(one.numbers["first"], [np.mean(1 / (queries + 1)), 1], rtol=1e-3)
    np.testing.assert_allclose(
        one.numbers["distance"], [np.mean(queries / 2), np.mean(queries)], rtol=1e-3
    )
    # Entropies were recorded of every query.
    every = np.log2(np.arange(1, 3_001)).mean()
    np.testing.assert_allclose(one.numbers["entropy"], [every, 0], rtol=1e-6)
    assert max(one.maps.shape[1:]) <= 48 and one.block == (64, 64)
    assert amounts(one.maps[1], float(one.largest[1]))[:, 0].min() == pytest.approx(1)


def test_results_come_site_by_site_and_no_slice_takes_long(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head_atlas, "SHOW_EVERY", 0.0)
    found = [one for one in HeadStudy(Side(0, 0)).results({0: run}) if one is not None]
    assert [len(one.sites) for one in found] == [1, 2, 3, 4, 5, 5]
    assert all(one.total == 17 for one in found)


# --- means of several heads -------------------------------------------------------------


def mean_of(run: Run, *heads: HeadAt, step: int = 0) -> MeanMap:
    study = PickedStudy(Side(0, 0), step, heads)
    found = [one for one in study.results({0: run}) if one is not None]
    return found[-1]


def test_the_mean_of_heads_of_several_sites_is_the_mean_of_their_maps(run: Run) -> None:
    heads = (HeadAt(SELF.format(0), 1), HeadAt(SELF.format(1), 3), HeadAt(HARD, 0))
    mean = mean_of(run, *heads)
    expected = np.mean([run.map(head.site, 0)[head.head] for head in heads], axis=0)
    np.testing.assert_allclose(mean.pyramid.values, expected, atol=1e-6)
    assert mean.heads == heads and mean.left_out == ()
    assert mean.query_names == mean.key_names == WORDS


def test_heads_over_other_queries_are_left_out_of_a_mean(run: Run) -> None:
    same, other = HeadAt(CROSS.format(0), 0), HeadAt(SELF.format(0), 0)
    mean = mean_of(run, same, other, HeadAt(CROSS.format(1), 2))
    assert mean.heads == (same, HeadAt(CROSS.format(1), 2)) and mean.left_out == (other,)
    assert (mean.pyramid.queries, mean.pyramid.keys) == (3, 8)
    with pytest.raises(IndexError, match="recorded none of the picked heads"):
        mean_of(run, same, step=5)


def test_the_mean_of_large_maps_is_of_their_overviews_and_says_so(large: Path) -> None:
    heads = (HeadAt("attention", 0), HeadAt("attention", 1))
    with read_run(large) as run:
        mean = mean_of(run, *heads)
        expected = np.mean(
            [run.overview("attention", 0, head=head, size=512).values for head in (0, 1)], axis=0
        )
    assert mean.of_pooled
    np.testing.assert_allclose(mean.pyramid.values, expected, atol=1e-6)


# --- the session ------------------------------------------------------------------------


def test_a_session_studies_heads_only_while_they_are_shown(tmp_path: Path) -> None:
    session = Session()
    session.open([write_heads_run(tmp_path / "a.h5")])
    assert "heads" not in session.state.studies
    session.set_view("heads")
    first = session.state.studies["heads"]
    assert isinstance(first.value, HeadNumbers) and first.finished and not first.error
    session.go_to_head_at(HeadAt(SELF.format(1), 2))
    assert (session.state.place.site, session.state.place.head) == (SELF.format(1), 2)
    assert session.state.studies["heads"] is first
    session.go_to_row(1)
    second = session.state.studies["heads"].value
    assert isinstance(second, HeadNumbers) and second.example == 1
    session.set_view("overlay")
    assert session.state.studies == {}
    session.close()


def test_picks_are_averaged_undone_and_belong_to_their_run(tmp_path: Path) -> None:
    session = Session()
    session.open([write_heads_run(tmp_path / "a.h5")])
    session.set_view("heads")
    heads = (HeadAt(SELF.format(0), 0), HeadAt(SELF.format(1), 1))
    for head in heads:
        session.set_atlas(session.state.atlas.toggled(head))
    mean = session.state.studies["pickedHeads"].value
    assert isinstance(mean, MeanMap) and mean.heads == heads
    session.set_atlas(session.state.atlas.toggled(heads[0]))
    assert session.state.atlas.picked == heads[1:]
    session.undo()
    assert session.state.atlas.picked == () and "pickedHeads" not in session.state.studies
    session.redo()
    assert session.state.atlas.picked == heads[1:]
    # Another run has no such site.
    session.open([write_generated_run(tmp_path / "g.h5")])
    session.close_run(session.state.runs[0].key)
    assert session.state.studies["heads"].value is not None
    assert "pickedHeads" not in session.state.studies
    session.close()


def test_a_head_that_a_run_does_not_have_is_not_gone_to(tmp_path: Path) -> None:
    session = Session()
    session.open([write_heads_run(tmp_path / "a.h5")])
    before = session.state.place
    session.go_to_head_at(HeadAt("nowhere", 0))
    session.go_to_head_at(HeadAt(SELF.format(0), 99))
    assert session.state.place == before
    session.close()


def test_slices_of_many_heads_are_short(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    writer = SegmentWriter(tmp_path / "many.h5")
    writer.add_snapshot(0)
    tokens = 256
    words = [f"w{n}" for n in range(tokens)]
    example = writer.add_example("text", tokens=words)
    for layer in range(3):
        site = writer.add_site(
            f"l.{layer}", kind="self", heads=8, query_axis="tokens", key_axis="tokens", layer=layer
        )
        add_event(writer, site, example, causal(rng, 8, tokens, tokens))
    writer.close()
    spent: list[float] = []
    with read_run(writer.path) as run:
        runs: Mapping[int, Run] = {0: run}
        results = HeadStudy(Side(0, 0)).results(runs)
        while True:
            began = time.thread_time()
            if next(results, "end") == "end":
                break
            spent.append(time.thread_time() - began)
    assert len(spent) > 1
    assert max(spent) < 0.05
