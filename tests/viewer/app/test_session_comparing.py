"""Two runs compared: aligned, in numbers against other ways to compute them, ranked, repeated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_runs import EXAMPLES, STEPS, write_run
from text_runs import add_event, write_text_run

from hardattn_viewer.measures import PAIR_MEASURES, entropy, jensen_shannon, same_argmax
from hardattn_viewer.session import comparing_work
from hardattn_viewer.session.beside import Beside, with_pair
from hardattn_viewer.session.comparing import Comparison, comparison_of, grown_of
from hardattn_viewer.session.disagreements import BY
from hardattn_viewer.session.pairing import pairing_of, place_words
from hardattn_viewer.session.ranking import ranked
from hardattn_viewer.session.repeating import agreement_of, stability_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import Live, OpenRun
from recorders import Run, read_run
from recorders.run.writer import SegmentWriter


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    made.set_view("compare")
    yield made
    made.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A hard and a soft run of three heads."""
    folder = tmp_path_factory.mktemp("pair")
    return (
        write_run(folder / "hard.h5", hard=True, heads=3, seed=1),
        write_run(folder / "soft.h5", hard=False, heads=3, seed=2),
    )


def known(session: Session) -> Comparison:
    found = comparison_of(session.state)
    assert found is not None and found.finished
    return found


def maps(run: Run) -> np.ndarray:
    """[examples, steps, heads, keys] of the one query."""
    return np.stack(
        [np.stack([m[:, 0] for m in run.maps(run.sites[0], i)]) for i in range(len(run.examples))]
    )


def test_the_numbers_are_those_of_the_measures_for_every_head_and_step(
    session: Session, pair: tuple[Path, Path]
) -> None:
    session.open(list(pair))
    found = known(session)
    with read_run(pair[0]) as hard, read_run(pair[1]) as soft:
        a, b = maps(hard), maps(soft)
        chosen = np.array(
            [
                [hard.selection("glimpse", i, t)[:, 0, 0] for t in range(STEPS)]
                for i in range(EXAMPLES)
            ]
        )
    assert found.lanes == ((None, None), (0, 0), (1, 1), (2, 2))
    for lane in range(4):
        p, q = (x.mean(axis=2) if lane == 0 else x[:, :, lane - 1] for x in (a, b))
        expected = {
            "same_argmax": same_argmax(p, q),
            "jensen_shannon": jensen_shannon(p, q),
            "entropy_a": entropy(p),
            "entropy_b": entropy(q),
            "effective_a": 2 ** entropy(p),
            "effective_b": 2 ** entropy(q),
        }
        if lane:
            picked = chosen[:, :, lane - 1, None]
            expected["soft_mass"] = np.take_along_axis(q, picked, axis=2)[..., 0]
        for name, values in expected.items():
            one = found.overall[lane][name]  # type: ignore[index]
            assert one.mean == pytest.approx(values.mean(), rel=1e-6, abs=1e-9), (lane, name)
            assert one.count == EXAMPLES
            assert one.low <= one.mean <= one.high
            for step in range(STEPS):
                numbers = found.step(step, lane)
                assert numbers is not None
                here = numbers[name]  # type: ignore[index]
                assert here.mean == pytest.approx(values[:, step].mean(), rel=1e-5, abs=1e-6)
    # Of the mean over heads, the choices of all heads are one set.
    mean = b.mean(axis=2)
    sets = [
        [mean[i, t, sorted(set(chosen[i, t]))].sum() for t in range(STEPS)] for i in range(EXAMPLES)
    ]
    assert found.overall[0]["soft_mass"].mean == pytest.approx(np.mean(sets), rel=1e-6)


def test_the_list_is_sorted_as_all_steps_of_all_heads_would_be(
    session: Session, pair: tuple[Path, Path]
) -> None:
    session.open(list(pair))
    with read_run(pair[0]) as hard, read_run(pair[1]) as soft:
        apart = jensen_shannon(maps(hard), maps(soft))
    items = ranked(session.state)
    assert len(items) == apart.size
    found = [item.of("jensen_shannon") for item in items]
    assert found == sorted(found, reverse=True)
    np.testing.assert_allclose(found, np.sort(apart.ravel())[::-1], rtol=1e-6)
    for item in items[:9]:
        assert item.of("jensen_shannon") == pytest.approx(
            float(apart[item.example, item.step, item.lane - 1])
        )
    for by in BY:
        session.set_ranking(by)
        values = [abs(item.by(by)) for item in ranked(session.state)]
        falling = by not in ("same_argmax", "soft_mass")
        assert np.all(np.diff(values) * (-1 if falling else 1) >= -1e-3)


def test_a_walk_down_the_list_goes_to_each_place(session: Session, pair: tuple[Path, Path]) -> None:
    session.open(list(pair))
    items = ranked(session.state)
    for item in items[:4]:
        session.next_disagreement(1)
        place = session.state.place
        assert (place.example, place.step, place.head) == (item.example, item.step, item.lane - 1)
        assert session.state.frames.a is not None and session.state.frames.a.place.step == item.step
    session.next_disagreement(-1)
    assert session.state.place.example == items[2].example
    session.undo()
    assert (session.state.place.example, session.state.place.head) == (0, None)


def test_large_maps_are_read_in_bands_with_the_same_numbers(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write_text_run(tmp_path / f"{seed}.h5", heads=3, seed=seed) for seed in (1, 2)]
    session.open(paths)
    whole = known(session)
    monkeypatch.setattr(comparing_work, "_AT_ONCE", 20)
    other = Session()
    other.set_view("compare")
    other.open(paths)
    bands = known(other)
    for lane in range(4):
        for name in PAIR_MEASURES:
            one, two = whole.overall[lane][name], bands.overall[lane][name]
            assert (one.mean, one.count) == (pytest.approx(two.mean, nan_ok=True), two.count)
    assert [(i.example, i.query, i.lane) for i in whole.tops.ranked("jensen_shannon")] == [
        (i.example, i.query, i.lane) for i in bands.tops.ranked("jensen_shannon")
    ]
    other.close()


def test_the_worst_query_is_the_one_furthest_apart(session: Session, tmp_path: Path) -> None:
    paths = [write_text_run(tmp_path / f"{seed}.h5", heads=2, seed=seed) for seed in (1, 2)]
    session.open(paths)
    with read_run(paths[0]) as a, read_run(paths[1]) as b:
        site = a.sites[0]
        apart = jensen_shannon(a.map(site, 0), b.map(b.sites[0], 0))
    for item in known(session).tops.ranked("jensen_shannon"):
        if item.example == 0:
            assert item.query == int(apart[item.lane - 1].argmax())
            assert item.of("jensen_shannon") == pytest.approx(float(apart[item.lane - 1].mean()))


def test_sites_of_other_names_are_aligned_by_layer_and_kind(
    session: Session, tmp_path: Path
) -> None:
    session.open(
        [
            write_text_run(tmp_path / "a.h5"),
            write_text_run(tmp_path / "b.h5", prefix="decoder.", seed=1),
        ]
    )
    session.go_to_site("encoder.layer.1.attention")
    pairing = pairing_of(session.state)
    assert pairing is not None
    assert (pairing.b.name, pairing.how) == ("decoder.1.attention", "kind")
    assert "same layer and kind under another name" in pairing.words[0]
    assert place_words(session.state, "B").startswith("decoder.1.attention")
    session.pair_sites(with_pair((), "encoder.layer.1.attention", "decoder.2.attention"))
    pairing = pairing_of(session.state)
    assert pairing is not None and (pairing.b.name, pairing.how) == (
        "decoder.2.attention",
        "chosen",
    )
    frame = session.state.frames.b
    assert frame is not None and frame.place.site == "decoder.2.attention"


def test_heads_that_do_not_belong_together_are_said(session: Session, tmp_path: Path) -> None:
    session.open(
        [
            write_text_run(tmp_path / "a.h5", heads=12),
            write_text_run(tmp_path / "b.h5", heads=4, seed=1),
        ]
    )
    pairing = pairing_of(session.state)
    assert pairing is not None and pairing.lanes == ((None, None),)
    assert pairing.words == ("B has 4 heads, A has 12: means are compared.",)
    session.go_to_head(2)
    pairing = pairing_of(session.state)
    assert pairing is not None and pairing.lanes == ((2, None),)
    assert pairing.words == (
        "B has 4 heads, A has 12: head 2 of A is compared with the mean of B.",
    )


def test_keys_that_differ_are_left_out_and_said(session: Session, tmp_path: Path) -> None:
    session.open(
        [
            write_text_run(tmp_path / "a.h5", layers=1),
            write_text_run(tmp_path / "b.h5", layers=1, words=("one", "two"), seed=1),
        ]
    )
    found = known(session)
    assert found.skipped == 2 and found.overall[0]["jensen_shannon"].count == 0
    assert any("A has 8 tokens, B 2; they are left out." in words for words in found.words)
    assert any("another input" in words for words in found.words)


def test_two_heads_of_one_run_are_a_and_b(session: Session, pair: tuple[Path, Path]) -> None:
    session.open([pair[1]])
    session.go_to_head(0)
    session.compare_with(1, Beside(head=2))
    state = session.state
    assert (state.slot_a, state.slot_b) == (1, 1)
    with read_run(pair[1]) as run:
        every = maps(run)
    assert state.frames.a is not None and state.frames.b is not None
    np.testing.assert_array_equal(state.frames.b.probabilities, every[0, 0, 2])
    found = known(session)
    expected = jensen_shannon(every[:, :, 0], every[:, :, 2]).mean()
    assert found.lanes == ((0, 2),)
    assert found.jensen_shannon.mean == pytest.approx(expected, rel=1e-6)
    assert place_words(state, "B") == "head 2 of 3"
    session.next_head(1)
    assert [f.place.head for f in session.state.frames.present] == [1, 2]
    session.look_at("B")
    session.next_head(-1)
    assert [f.place.head for f in session.state.frames.present] == [1, 1]
    session.go_to_head(0)
    session.swap()
    assert [f.place.head for f in session.state.frames.present] == [0, 1]
    session.compare_same()
    assert session.state.slot_b is None and not session.state.beside.is_set
    session.undo()
    assert session.state.slot_b == 1 and session.state.beside.head == 1


def test_two_snapshots_of_one_run_are_a_and_b(session: Session, tmp_path: Path) -> None:
    path = write_run(tmp_path / "training.h5", hard=False, snapshots=(10, 20, 30))
    session.open([path])
    session.compare_with(1, Beside(snapshot=0))
    frames = session.state.frames
    assert [frame.training_step for frame in frames.present] == [30, 10]
    assert place_words(session.state, "B") == "training step 10"
    with read_run(path) as run:
        last, first = (
            np.stack(
                [
                    np.stack([m[0, 0] for m in run.maps("glimpse", i, snapshot=s)])
                    for i in range(EXAMPLES)
                ]
            )
            for s in (2, 0)
        )
    assert known(session).jensen_shannon.mean == pytest.approx(
        float(jensen_shannon(last, first).mean()), rel=1e-6
    )


def test_what_b_was_beside_is_forgotten_with_it(session: Session, pair: tuple[Path, Path]) -> None:
    session.open(list(pair))
    session.compare_with(1, Beside(head=2))
    session.assign(2, "B")
    assert not session.state.beside.is_set and session.state.slot_b == 2
    session.compare_with(1, Beside(head=1))
    session.close_run(1)
    assert session.state.slot_a is None and not session.state.beside.is_set


def repeated_run(path: Path) -> Path:
    """One input that drew 3, 3, 1 and another that drew once; two keys, p = (¼, ¾) throughout."""
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site("look", mechanism="sampled", hard=True, key_axis="regions")
    boxes = np.array([[x, 0, x + 4, 4] for x in (0, 4, 8, 12)], np.float32)
    image = np.zeros((4, 16), np.uint8)
    for number, key in enumerate((3, 3, 1, 0)):
        picture = image if number < 3 else image + 9
        example = writer.add_example(f"draw-{number}", image=picture, regions=boxes)
        p = np.array([[[[0.0, 0.25, 0.0, 0.75]]]])
        writer.add_events(
            site=site,
            examples=np.array([example]),
            step=0,
            snapshot=0,
            probabilities=p,
            log_prob=np.zeros((1, 1, 1)),
            entropy=np.ones((1, 1, 1)),
            selection=np.array([[[[key]]]]),
        )
    writer.close()
    return path


def test_repeated_inputs_tell_how_stable_the_choice_is(session: Session, tmp_path: Path) -> None:
    session.open([repeated_run(tmp_path / "run.h5")])
    found = stability_of(session.state)["A"]
    assert (found.inputs, found.repeated) == (2, 1)
    # Of the pairs of 3, 3, 1 one in three is the same; Σp² = 1/16 + 9/16.
    assert found.overall["agreement"].mean == pytest.approx(1 / 3)
    assert found.overall["most"].mean == pytest.approx(2 / 3)
    assert found.overall["expected"].mean == pytest.approx(0.625, abs=1e-4)
    assert found.draws[1, 0].examples == (0, 1, 2)
    assert (3, 0) not in found.draws


def test_draws_of_several_keys_share_what_they_have_in_common() -> None:
    keys = np.array([[[[0, 1]]], [[[1, 2]]]])
    assert agreement_of(keys) == (0.5, 0.75)


def test_a_run_without_repeats_says_what_would_be_expected(
    session: Session, pair: tuple[Path, Path]
) -> None:
    session.open(list(pair))
    found = stability_of(session.state)
    assert set(found) == {"A"}
    assert found["A"].repeated == 0 and found["A"].overall["agreement"].count == 0
    with read_run(pair[0]) as run:
        expected = (maps(run).astype(float) ** 2).sum(axis=-1).mean()
    assert found["A"].overall["expected"].mean == pytest.approx(expected, rel=1e-6)


def test_a_growing_run_is_compared_anew_more_rarely_the_longer_it_is(tmp_path: Path) -> None:
    live = Live("recording", 0.0, tmp_path, tmp_path)
    marks = [grown_of(OpenRun(1, tmp_path, generation=n, live=live)) for n in range(1000)]
    assert len(set(marks[:32])) == 32
    assert len(set(marks)) < 160
    assert grown_of(OpenRun(1, tmp_path, generation=999)) == (True, 999)


def test_events_of_many_shapes_are_compared(session: Session, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for name in ("a", "b"):
        writer = SegmentWriter(tmp_path / f"{name}.h5")
        writer.add_snapshot(0)
        site = writer.add_site("x", kind="self", heads=2, query_axis="tokens", key_axis="tokens")
        for number in range(20):
            size = 2 + number % 5
            example = writer.add_example(f"t{number}", tokens=["w"] * size)
            add_event(writer, site, example, rng.dirichlet(np.ones(size), (2, size)))
        writer.close()
    session.open([tmp_path / "a.h5", tmp_path / "b.h5"])
    with read_run(tmp_path / "a.h5") as a, read_run(tmp_path / "b.h5") as b:
        each = [
            float(jensen_shannon(a.map("x", i).mean(0), b.map("x", i).mean(0)).mean())
            for i in range(20)
        ]
    assert known(session).jensen_shannon.mean == pytest.approx(np.mean(each), rel=1e-6)
