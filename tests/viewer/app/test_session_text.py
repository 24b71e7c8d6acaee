"""Frames of runs over tokens: queries, steps of different size, windows, and what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from text_runs import (
    VERIFIED,
    WORDS,
    add_event,
    causal,
    write_generated_run,
    write_patches_run,
    write_text_run,
)

from hardattn_viewer.measures import agreement
from hardattn_viewer.session.comparing import comparison_of
from hardattn_viewer.session.frame_items import key_of_query, query_of_key, query_tokens
from hardattn_viewer.session.frames import Place, frame_at, frame_at_step, load_frame
from hardattn_viewer.session.masking import MASKED
from hardattn_viewer.session.naming import key_name, query_name, special_words
from hardattn_viewer.session.recorded import verification_kind
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.tracks import tracks_of
from recorders import read_run
from recorders.run.writer import SegmentWriter


def test_every_query_of_a_frame_is_the_row_that_the_run_holds(tmp_path: Path) -> None:
    with read_run(write_text_run(tmp_path / "text.h5")) as run:
        frame = load_frame(run, Place(site="encoder.layer.1.attention", head=2))
        for query in range(len(WORDS)):
            there = frame_at(frame, 0, query)
            expected = run.map("encoder.layer.1.attention", 0)[2, query]
            np.testing.assert_array_equal(there.probabilities, expected)
            entropy = run.entropy("encoder.layer.1.attention", 0)[2, query]
            assert there.scalars["entropy"][0] == entropy
            assert query_name(there) == f"“{WORDS[query]}”"
            assert there.place.query == query


def test_the_mean_over_heads_is_the_mean_of_their_rows(tmp_path: Path) -> None:
    with read_run(write_text_run(tmp_path / "text.h5")) as run:
        frame = load_frame(run, Place(query=3))
        expected = run.map("encoder.layer.0.attention", 0).mean(axis=0)[3]
    np.testing.assert_allclose(frame.probabilities, expected, rtol=1e-6)


def test_a_query_outside_the_step_is_clamped(tmp_path: Path) -> None:
    with read_run(write_text_run(tmp_path / "text.h5")) as run:
        assert load_frame(run, Place(query=99)).query == len(WORDS) - 1


def test_behind_a_causal_mask_the_last_query_comes_first(tmp_path: Path) -> None:
    with read_run(write_generated_run(tmp_path / "g.h5", prompt=5)) as run:
        assert load_frame(run, Place()).query == 4
    with read_run(write_text_run(tmp_path / "text.h5")) as run:
        assert load_frame(run, Place()).query == 0


def test_steps_of_a_decoder_have_their_own_queries_keys_and_tokens(tmp_path: Path) -> None:
    with read_run(write_generated_run(tmp_path / "g.h5", prompt=5, tokens=3)) as run:
        frame = load_frame(run, Place(query=2))
        sizes = []
        for step in range(3):
            there = frame_at_step(frame, step)
            sizes.append((there.queries, there.probabilities.size))
            row = run.map("h.0", 0, step).mean(axis=0)[there.query]
            np.testing.assert_allclose(there.probabilities, row, rtol=1e-6)
        last = frame_at_step(frame, 2)
        assert sizes == [(5, 5), (1, 6), (1, 7)]
        assert last.tokens == ("p0", "p1", "p2", "p3", "p4", "new1", "new2")
        assert query_tokens(last) == ("new2",)
        assert key_of_query(last) == 6
        assert query_of_key(last, 6) == 0 and query_of_key(last, 3) is None
        # Back at the prompt, the query that was chosen there is looked from again.
        assert frame_at_step(last, 0).query == 2


def test_steps_that_continue_each_other_are_one_matrix(tmp_path: Path) -> None:
    with read_run(write_generated_run(tmp_path / "g.h5", prompt=5, tokens=3)) as run:
        whole = load_frame(run, Place()).whole
        maps = [run.map("h.0", 0, step).mean(axis=0) for step in range(3)]
    assert whole is not None
    assert [whole.place_of(row) for row in range(7)] == [
        *((0, query) for query in range(5)),
        (1, 0),
        (2, 0),
    ]
    values = whole.pyramid.values
    np.testing.assert_allclose(values[5, :6], maps[1][0], rtol=1e-6)
    assert not np.triu(values, 1).any()
    # What came after a query could not be looked at.
    coded = whole.pyramid.patch(1, 1).values
    assert (coded[np.triu_indices(7, 1)] == MASKED).all() and (np.tril(coded) >= 0).all()


def test_a_step_that_was_left_out_is_empty_and_the_others_stand(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    writer = SegmentWriter(tmp_path / "gap.h5")
    writer.add_snapshot(0)
    site = writer.add_site("a", query_axis="tokens", key_axis="tokens")
    example = writer.add_example("e", tokens=("x", "y", "z"))
    for step in (0, 2):
        add_event(writer, site, example, rng.dirichlet(np.ones(3), (1, 3)), step)
    writer.close()
    session = Session()
    session.open([tmp_path / "gap.h5"])
    frames = session.state.frames
    assert frames.a is not None and frames.a.steps == 3
    session.go_to_step(1)
    frame = session.state.frames.a
    assert frame is not None and np.isnan(frame.probabilities).all() and frame.map is None
    assert any(np.isnan(curve.values[1]) for track in tracks_of(frames) for curve in track.curves)
    session.go_to_step(2)
    assert session.state.frames.a is not None
    assert session.state.frames.a.probabilities.sum() == pytest.approx(1, abs=1e-4)
    session.close()


def test_keys_of_windows_are_no_regions_and_queries_name_their_window(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    boxes = np.array([[x, y, x + 2, y + 2] for y in (0, 2) for x in (0, 2)], np.float32)
    writer = SegmentWriter(tmp_path / "swin.h5")
    writer.add_snapshot(0)
    site = writer.add_site("w", query_axis="queries", key_axis="window tokens")
    example = writer.add_example("e", image=np.zeros((4, 4), np.uint8), regions=boxes)
    add_event(writer, site, example, rng.dirichlet(np.ones(4), (1, 8)), windows=2)
    writer.close()
    with read_run(tmp_path / "swin.h5") as run:
        frame = load_frame(run, Place(query=5))
    assert frame.boxes is None
    assert query_name(frame) == "window 1, query 1"
    assert query_of_key(frame, 1) is None


def test_a_beam_has_the_tokens_that_its_sequence_had_at_each_step(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "beams.h5")
    writer.add_snapshot(0)
    site = writer.add_site("a", query_axis="tokens", key_axis="tokens")
    beams = [writer.add_example(name, tokens=("x",)) for name in ("e", "e/beam-1")]
    for step, texts in ((1, ("a0", "a1")), (2, ("b0", "b1"))):
        for number, (beam, text) in enumerate(zip(beams, texts, strict=True)):
            keys = step + 1
            p = np.full((1, 1, keys), 1 / keys)
            add_event(writer, site, beam, p, step, first_query=step)
            writer.add_later_tokens(
                examples=np.array([beam]),
                step=step,
                snapshot=0,
                axis=0,
                positions=np.array([step]),
                ids=np.array([1]),
                texts=[text],
            )
            # At the second step both go on from what beam 1 was.
            parent = number if step == 1 else 1
            writer.add_scalars(
                "beam_parent",
                examples=np.array([beam]),
                steps=step,
                snapshot=0,
                values=float(parent),
            )
    writer.close()
    with read_run(tmp_path / "beams.h5") as run:
        frame = load_frame(run, Place(step=2))
    assert frame.tokens == ("x", "a1", "b0")
    assert frame_at_step(frame, 1).tokens == ("x", "a0")
    assert frame.whole is None


def test_special_keys_have_names_and_regions_count_behind_them(tmp_path: Path) -> None:
    with read_run(write_patches_run(tmp_path / "patches.h5")) as run:
        frame = load_frame(run, Place())
        p = run.map("blocks.0.attn", 0).mean(axis=0)[0]
    assert key_name(frame, 0) == "[CLS]" and key_name(frame, 1) == "(2, 2)"
    assert special_words(frame) == f"{100 * p[0]:.0f}\N{NO-BREAK SPACE}% on [CLS]"
    assert frame.special_mass == pytest.approx(float(p[0]))


def test_a_sink_is_named_and_is_nobody_s_query(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "sink.h5")
    writer.add_snapshot(0)
    site = writer.add_site("a", query_axis="tokens", key_axis="tokens")
    example = writer.add_example("e", tokens=("x", "y"))
    add_event(writer, site, example, np.full((1, 2, 3), 1 / 3), sink=True)
    writer.close()
    with read_run(tmp_path / "sink.h5") as run:
        frame = load_frame(run, Place())
    assert frame.tokens == ("x", "y", "sink")
    assert query_of_key(frame, 1) == 1 and query_of_key(frame, 2) is None


def test_a_map_of_more_cells_than_a_screen_is_in_memory_with_its_coarser_levels(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(2)
    writer = SegmentWriter(tmp_path / "large.h5")
    writer.add_snapshot(0)
    site = writer.add_site("a", heads=2, query_axis="tokens", key_axis="tokens")
    example = writer.add_example("e")
    add_event(writer, site, example, causal(rng, 2, 600, 600))
    writer.close()
    with read_run(tmp_path / "large.h5") as run:
        one = load_frame(run, Place(head=1)).map
    assert one is not None
    coarse = one.pyramid.patch(2, 2).values
    assert coarse.shape == (300, 300)
    assert coarse.max() == one.values.max() == one.largest
    assert one.nbytes > one.values.nbytes + coarse.nbytes


def test_two_runs_are_compared_over_all_queries(tmp_path: Path) -> None:
    paths = [write_text_run(tmp_path / f"{seed}.h5", seed=seed) for seed in (1, 2)]
    session = Session()
    session.open(paths)
    session.go_to_site("encoder.layer.1.attention")
    session.set_view("compare")
    found = comparison_of(session.state)
    assert found is not None and found.finished and found.skipped == 0
    maps = []
    for path in paths:
        with read_run(path) as run:
            maps.append([run.map("encoder.layer.1.attention", n).mean(axis=0) for n in range(2)])
    expected = agreement(*maps)
    assert found.same_argmax.mean == pytest.approx(expected.same_argmax.mean)
    assert found.jensen_shannon.mean == pytest.approx(expected.jensen_shannon.mean, rel=1e-5)
    session.close()


def test_a_site_that_one_run_lacks_leaves_its_columns_empty(tmp_path: Path) -> None:
    session = Session()
    session.open([write_text_run(tmp_path / "a.h5"), write_text_run(tmp_path / "b.h5", layers=1)])
    session.go_to_site("encoder.layer.2.attention")
    rows = session.state.rows
    assert rows is not None and rows.a is not None and rows.b is not None
    assert np.isfinite(rows.a.entropy).all() and np.isnan(rows.b.entropy).all()
    session.close()


def test_going_to_another_site_keeps_the_head_where_there_is_one(tmp_path: Path) -> None:
    session = Session()
    session.open([write_text_run(tmp_path / "a.h5", heads=4)])
    session.go_to_head(3)
    session.next_site(1)
    assert (session.state.place.site, session.state.place.head) == ("encoder.layer.1.attention", 3)
    session.next_site(99)
    assert session.state.place.site == "encoder.layer.2.attention"
    session.go_to_head(4)
    assert session.state.place.head == 3
    session.close()


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        (VERIFIED, "verified"),
        ("MISMATCH: 1 of 2 events", "mismatch"),
        ("told by the model", "unverified"),
        ("not verified: dropout is active", "unverified"),
        ("", "unverified"),
    ],
)
def test_a_verification_sentence_comes_down_to_one_of_three(sentence: str, kind: str) -> None:
    assert verification_kind(sentence) == kind
