"""Words, special tokens and sets of queries: what is put together, left out, and said of it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_runs import (
    ARABIC,
    BPE,
    CHINESE,
    WORDPIECE,
    WORDS,
    add_event,
    write_cross_run,
    write_generated_run,
    write_text_run,
    write_tokens_run,
)

from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Frame, Place, frame_at, load_frame
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.shown_tokens import (
    arcs_of,
    coloured,
    mass_words,
    query_items,
    query_names,
    shown_frame,
    special_mass,
)
from hardattn_viewer.session.token_copy import row_tsv, token_text, weight_text, whole_text
from hardattn_viewer.session.token_groups import group_tokens
from hardattn_viewer.session.token_marks import is_special, pieces_of, scheme_of, shown
from recorders import read_run
from recorders.run.text import visible
from recorders.run.writer import SegmentWriter

MERGED = Display(subwords="words")
HIDDEN = Display(specials="hidden")
DIMMED = Display(specials="dimmed")


def frame_of(path: Path, **place: object) -> Frame:
    with read_run(path) as run:
        return load_frame(run, Place(head=0, **place))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tokens", "scheme"),
    [
        (BPE, "bytes"),
        (WORDPIECE, "wordpiece"),
        (CHINESE, "sentencepiece"),
        (("ä½ł", "å¥½"), "bytes"),
        (("caf", "é"), "plain"),
        (("low</w>", "er"), "suffix"),
        ((" the", "end"), "spaces"),
        (WORDS, "plain"),
        ((), "plain"),
    ],
)
def test_how_words_are_marked_is_found_out(tokens: tuple[str, ...], scheme: str) -> None:
    assert scheme_of(tokens) == scheme


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (
            BPE,
            "The light shines in the darkness , and the café 旭 is still open . ⏎ ⏎ Don't "
            "overcome it ! <|endoftext|>",
        ),
        (WORDPIECE, "[CLS] unbelievable light , overcome . [SEP]"),
        (CHINESE, "<s> ␣ 太初 有 道 ， 道 与 神 同 在 ， 光 照在 黑暗里 。 </s>"),
        (("<0xE6>", "<0x97>", "<0xAD>", "▁a", "b"), "旭 ab"),
        (("low", "er</w>", "end</w>"), "lower end"),
        ((" the", " dark", "ness", "\n", "a"), "the darkness ⏎ a"),
        (("e", "\u0301"), "e ◌\u0301"),
    ],
)
def test_pieces_become_words(tokens: tuple[str, ...], words: str) -> None:
    groups = group_tokens(tokens, merge=True)
    assert " ".join(groups.labels) == words


def test_pieces_are_shown_without_marks_and_as_recorded_if_wanted() -> None:
    clean, raw = (group_tokens(BPE, raw=raw) for raw in (False, True))
    assert clean.labels[:2] == ("The", "light")
    assert clean.labels[5:7] == ("dark", "ness")
    assert clean.names[5:7] == ("dark", "##ness")
    assert clean.spaced[:8].tolist() == [True] * 6 + [False, False]
    assert raw.labels == raw.names == BPE
    # Bytes that are half a letter are not made into a wrong one.
    assert clean.labels[11:13] == ("⟨E6⟩", "⟨97⟩⟨AD⟩")


@pytest.mark.parametrize("text", ["\u202eevil", "a\u200bb", "\x1b[31m", "\ud800", "\u2066x"])
def test_hostile_letters_are_shown_by_their_code(text: str) -> None:
    label = group_tokens((text, "b"), merge=True).labels[0]
    assert "⟨U+" in label and label.isprintable()


def test_special_tokens_are_known_by_their_names() -> None:
    known = ("[CLS]", "[SEP]", "[PAD]", "<s>", "</s>", "<pad>", "<|endoftext|>", "<|im_start|>")
    assert all(map(is_special, (*known, "<bos>", "<extra_id_0>", "<｜begin▁of▁sentence｜>")))
    assert not any(
        map(is_special, ("CLS", "<", "<b>", "s", "[MASK]", "[UNK]", "<unk>", "##ing", ""))
    )
    pieces = pieces_of(("<x>", "a"), ("<x>",))
    assert [piece.special for piece in pieces] == [True, False]


texts = st.lists(
    st.one_of(
        st.sampled_from([*BPE, *WORDPIECE, *CHINESE, *ARABIC, "", " ", "\n", "##", "▁", "</w>"]),
        st.text(max_size=6),
    ),
    min_size=1,
    max_size=40,
).map(tuple)


@given(texts, st.booleans(), st.booleans(), st.booleans(), st.data())
def test_no_mass_is_lost_and_sums_are_exact(
    tokens: tuple[str, ...], merge: bool, hide: bool, sink: bool, data: st.DataObject
) -> None:
    numbers = st.lists(
        st.floats(0, 1, width=32), min_size=len(tokens), max_size=len(tokens)
    ).filter(lambda found: sum(found) > 0)
    weights = np.array(data.draw(numbers), np.float32)
    groups = group_tokens(tokens, merge=merge, hide=hide, sink=sink)
    sums = groups.sums(weights)
    # Independent: what each item holds, key by key.
    for item in range(len(groups)):
        keys = [key for key in range(len(tokens)) if groups.item[key] == item]
        first, count = int(groups.first[item]), int(groups.count[item])
        assert keys == list(range(first, first + count))
        assert sums[item] == np.float32(math.fsum(float(weights[key]) for key in keys))
    left_out = math.fsum(float(weights[key]) for key in groups.hidden)
    shown_keys = math.fsum(float(weights[key]) for key in np.flatnonzero(groups.item >= 0))
    assert left_out + shown_keys == pytest.approx(math.fsum(weights.tolist()), rel=1e-12)
    assert sorted([*groups.hidden, *np.flatnonzero(groups.item >= 0)]) == list(range(len(tokens)))
    assert len(groups.labels) == len(groups.names) == len(sums)
    if not hide:
        assert not groups.hidden.size
    else:
        assert not groups.special.any()


@given(st.binary(max_size=12))
def test_any_bytes_can_be_shown(data: bytes) -> None:
    text = shown(data)
    assert visible(text) == text
    assert bool(text) == bool(data)


def test_a_word_has_the_sum_of_its_pieces_in_every_number(tmp_path: Path) -> None:
    frame = frame_of(write_tokens_run(tmp_path / "w.h5", WORDPIECE), query=1)
    merged = shown_frame(frame_at(frame, 0, 1, words=True), MERGED)
    assert frame.map is not None
    # The query is a piece of “unbelievable”: the mean over its three pieces.
    row = frame.map.values[1:4].astype(np.float64).mean(axis=0)
    expected = [row[0], row[1:4].sum(), row[4], row[5], row[6:8].sum(), row[8], row[9]]
    np.testing.assert_allclose(merged.probabilities, expected, rtol=1e-6)
    np.testing.assert_allclose(merged.distributions[0], expected, rtol=1e-6)
    assert merged.tokens == ("[CLS]", "unbelievable", "light", ",", "overcome", ".", "[SEP]")
    assert merged.averaged == (1, 2, 3)
    assert query_names(merged) == ("unbelievable",)
    assert "subwords merged (sum)" in mass_words(merged, MERGED)
    assert "mean of the query’s 3 pieces" in mass_words(merged, MERGED)
    assert (merged.item_of(3), merged.key_of(1), merged.item_of(9)) == (1, 1, 6)


def test_hidden_and_dimmed_special_tokens_are_counted(tmp_path: Path) -> None:
    frame = frame_of(write_text_run(tmp_path / "t.h5"), query=2)
    p = frame.probabilities.astype(np.float64)
    held = p[0] + p[-1]
    hidden, dimmed = shown_frame(frame, HIDDEN), shown_frame(frame, DIMMED)
    assert hidden.tokens == WORDS[1:-1]
    assert hidden.hidden_mass == pytest.approx(held) == special_mass(hidden) == special_mass(dimmed)
    assert float(hidden.probabilities.sum()) + hidden.hidden_mass == pytest.approx(1, abs=1e-4)
    assert mass_words(frame, HIDDEN) == (
        f"special tokens hidden: {held:.2f} of the mass is not shown",
    )
    assert mass_words(frame, DIMMED) == (f"special tokens dimmed, hold {held:.2f}",)
    np.testing.assert_array_equal(coloured(dimmed, dimmed.probabilities), frame.probabilities[1:-1])
    assert mass_words(frame, Display()) == ()


def test_steps_of_a_growing_text_keep_their_words(tmp_path: Path) -> None:
    frame = frame_of(write_generated_run(tmp_path / "g.h5"))
    for step in range(frame.steps):
        there = frame_at(frame, step, None)
        merged = shown_frame(there, Display(subwords="words", specials="hidden"))
        assert merged.tokens == there.tokens
        # Every token is a word here, so that nothing may move.
        for at, row in enumerate(frame.distributions):
            kept = ~np.isnan(row)
            np.testing.assert_array_equal(merged.distributions[at][: kept.sum()], row[kept])


def test_several_queries_are_the_mean_of_their_rows(tmp_path: Path) -> None:
    path = write_text_run(tmp_path / "t.h5")
    frame = frame_of(path)
    several = frame_at(frame, 0, 5, (2, 3, 99))
    assert several.averaged == (5, 2, 3)
    with read_run(path) as run:
        rows = run.map(run.sites[0], 0)[0, [5, 2, 3]]
    np.testing.assert_allclose(
        several.probabilities, rows.mean(axis=0, dtype=np.float64), rtol=1e-6
    )
    entropy = -(rows.astype(np.float64) * np.log(rows)).sum(-1).mean()
    assert several.scalars["entropy"][0] == pytest.approx(entropy, rel=1e-3)
    assert mass_words(several, Display()) == ("mean of 3 queries",)
    assert frame_at(several, 0, 5).averaged == (5,)


def test_a_set_of_queries_can_be_undone_and_let_go(tmp_path: Path) -> None:
    session = Session()
    session.open([write_text_run(tmp_path / "t.h5")])
    session.go_to_query(4)
    session.toggle_query(2)
    session.toggle_query(6)
    frame = session.state.frame
    assert frame is not None and set(frame.averaged) == {4, 2, 6}
    session.hover(None, 1)
    assert session.state.frame is not None and session.state.frame.averaged == (1,)
    session.hover(None)
    session.toggle_query(4)
    assert session.state.frame is not None and set(session.state.frame.averaged) == {2, 6}
    session.pin(3)
    session.let_go()
    assert (session.state.pinned, session.state.place.also) == (None, ())
    session.undo()
    assert session.state.place.also == (6,)
    session.undo()
    assert session.state.place == replace(session.state.place, query=None, also=())
    session.close()


def test_of_a_large_map_only_the_rows_looked_from_are_read(tmp_path: Path) -> None:
    count = 2_100
    rng = np.random.default_rng(0)
    values = rng.dirichlet(np.ones(count), count).astype(np.float32)
    writer = SegmentWriter(tmp_path / "large.h5")
    writer.add_snapshot(0)
    site = writer.add_site("a", kind="self", query_axis="tokens", key_axis="tokens")
    words = [f"▁w{n}" if n % 2 else f"{n}x" for n in range(count)]
    add_event(writer, site, writer.add_example("t", tokens=words), values[None])
    writer.close()
    session = Session()
    session.open([tmp_path / "large.h5"])
    session.go_to_queries([7, 2_000])
    frame = session.state.frame
    assert frame is not None and frame.map is not None and not frame.map.is_whole
    assert frame.averaged == (7, 2_000)
    with read_run(tmp_path / "large.h5") as run:
        whole = run.map(run.sites[0], 0)[0]
    expected = whole[[7, 2_000]].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(frame.probabilities, expected, rtol=1e-5)
    session.go_to_query(7)
    session.set_display(MERGED)
    frame = session.state.frame
    assert frame is not None and frame.averaged == (7, 8)
    expected = whole[[7, 8]].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(frame.probabilities, expected, rtol=1e-5)
    session.close()


def test_arcs_are_the_strongest_and_say_what_they_hold(tmp_path: Path) -> None:
    frame = frame_of(write_text_run(tmp_path / "t.h5"), query=2)
    order = np.argsort(-frame.probabilities)
    arcs = arcs_of(shown_frame(frame, Display()), 3)
    assert arcs.items == tuple(order[:3].tolist())
    assert arcs.mass == pytest.approx(float(frame.probabilities[order[:3]].sum()))
    share = f"{100 * arcs.mass:.0f}\N{NO-BREAK SPACE}%"
    assert mass_words(frame, Display(arcs=True, arc_count=3)) == (f"3 arcs = {share} of the mass",)
    dimmed = arcs_of(shown_frame(frame, DIMMED), 50)
    assert {0, 7}.isdisjoint(dimmed.items) and len(dimmed.items) == 6
    at_edge = frame_at(frame, 0, 0)
    assert query_items(at_edge, HIDDEN) == ()
    assert mass_words(at_edge, replace(HIDDEN, arcs=True))[-1] == "no arcs: the query is not shown"


def test_what_is_copied_is_what_is_shown(tmp_path: Path) -> None:
    frame = frame_of(write_tokens_run(tmp_path / "b.h5", BPE), query=5)
    words = shown_frame(frame, MERGED)
    assert token_text(frame, MERGED, 6) == "darkness"
    assert token_text(frame, Display(), 6) == "ness"
    assert weight_text(frame, MERGED, 6) == str(words.probabilities[5])
    lines = row_tsv(frame, MERGED).splitlines()
    assert "# subwords merged (sum)" in lines
    table = [line.split("\t") for line in lines if not line.startswith("#")]
    assert table[0] == ["key", "token", "probability", "selected"]
    assert table[6][:2] == ["5-6", "darkness"]
    assert [np.float32(row[2]) for row in table[1:]] == words.probabilities.tolist()
    text = whole_text(frame, MERGED)
    assert text.startswith("The light shines in the darkness, and the café 旭 is still open.\n\n")
    assert "Don't overcome it!" in text


def test_queries_of_another_text_have_words_too(tmp_path: Path) -> None:
    frame = frame_of(write_cross_run(tmp_path / "c.h5"), query=3)
    merged = frame_at(frame, 0, 3, words=True)
    assert merged.averaged == (3, 4)
    assert query_names(merged) == ("leuchtet",)
    assert query_items(merged, MERGED) == (3,)
    assert token_text(merged, MERGED, -4) == "leuchtet"
    assert whole_text(merged, MERGED, -1) == "<s> das Licht leuchtet </s>"
