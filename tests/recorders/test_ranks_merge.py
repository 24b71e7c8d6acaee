import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_runs import content, probabilities, write_ranks

from recorders import RunError, read_run
from recorders.run.validate import findings
from recorders.run.writer import join


def event(**changed):
    plain = {"site": "look", "heads": 1, "example": "a", "seed": 1, "step": 0, "snapshot": 0}
    return plain | {"value": 0} | changed


events = st.fixed_dictionaries(
    {
        "site": st.sampled_from(["look", "point"]),
        "heads": st.integers(1, 2),
        "example": st.sampled_from("abc"),
        "seed": st.integers(1, 3),
        "step": st.integers(0, 2),
        "snapshot": st.sampled_from([0, 100, 200]),
    }
)


def consistent(plan):
    """The plan, in the order of training, without what one rank alone cannot record."""
    seeds, heads, seen, kept = {}, {}, set(), []
    for item in sorted(plan, key=lambda item: item["snapshot"]):
        seeds.setdefault(item["example"], item["seed"])
        heads.setdefault(item["site"], item["heads"])
        place = item["site"], item["example"], item["step"], item["snapshot"]
        fits = seeds[item["example"]] == item["seed"] and heads[item["site"]] == item["heads"]
        # Later tokens and scalars belong to a step, whichever site it is of.
        if fits and place[1:] not in {other[1:] for other in seen}:
            seen.add(place)
            kept.append(item)
    return kept


@settings(max_examples=60, deadline=None)
@given(
    plans=st.lists(st.lists(events, max_size=8).map(consistent), min_size=1, max_size=4),
    parts=st.integers(1, 3),
)
def test_the_joined_run_holds_what_each_rank_wrote(tmp_path_factory, plans, parts):
    path = tmp_path_factory.mktemp("ranks") / "run.h5"
    value = 0
    for rank, plan in enumerate(plans):
        for item in plan:
            value += 1
            item["value"] = value
            item["rank"] = rank
    write_ranks(path, [[dict(item) for item in plan] for plan in plans], parts=parts)
    examples, sites, expected = {}, {}, {}
    for rank, plan in enumerate(plans):
        for item in plan:
            seed = examples.setdefault(item["example"], (item["seed"], rank))[0]
            heads = sites.setdefault(item["site"], (item["heads"], rank))[0]
            example = item["example"] + ("" if seed == item["seed"] else f"@rank{rank}")
            site = item["site"] + ("" if heads == item["heads"] else f"@rank{rank}")
            place = site, example, item["step"], item["snapshot"]
            expected.setdefault(place, item)
    with read_run(path) as run:
        assert run.n_events == len(expected)
        assert {site.name for site in run.sites} == {place[0] for place in expected}
        steps = [snapshot.step for snapshot in run.snapshots]
        assert steps == (sorted({place[3] for place in expected}) or [0])
        names = {example.name: example.index for example in run.examples}
        assert names.keys() == {place[1] for place in expected}
        for (site, name, step, moment), item in expected.items():
            place = site, names[name], step, steps.index(moment)
            p = probabilities(item["value"], item["heads"])[0]
            np.testing.assert_allclose(run.map(*place), p, atol=1e-6)
            np.testing.assert_array_equal(run.selection(*place)[..., 0], p.argmax(-1))
            assert (run.log_prob(*place) == -item["value"]).all()
            assert (run.entropy(*place) == item["value"] / 1e6).all()
            facts = content(item["seed"])
            assert run.examples[names[name]].label == item["seed"]
            np.testing.assert_array_equal(run.image(names[name]), facts["image"])
            np.testing.assert_array_equal(run.regions(names[name]), facts["regions"])
            assert run.tokens(names[name]) == (tuple(facts["tokens"]) or None)
    assert {f.severity for f in findings(path)} <= {"notice", "warning"}


def two(path, **options):
    """The writers of two ranks, whose recording goes on, each with one event."""
    plans = [[event(value=1)], [event(value=2, example="b")]]
    return write_ranks(path, plans, join=False, **options)


def test_parts_of_several_ranks_read_as_the_run_that_they_are_joined_into(tmp_path):
    writers = two(tmp_path / "run.h5")
    for writer in writers:
        writer.flush()
    with read_run(writers[0].parts) as growing:
        join(writers[0].parts, tmp_path / "joined.h5")
        with read_run(tmp_path / "joined.h5") as joined:
            assert (growing.sealed, joined.sealed) == (False, True)
            assert (growing.ranks, joined.ranks) == (2, 2)
            for run in (growing, joined):
                assert [example.name for example in run.examples] == ["a", "b"]
                assert run.n_events == 2
            for example in (0, 1):
                np.testing.assert_array_equal(
                    growing.map("look", example), joined.map("look", example)
                )


def test_an_event_of_two_ranks_is_kept_once_and_the_run_says_so(tmp_path):
    plans = [[event(value=1)], [event(value=2), event(value=3, step=1)]]
    write_ranks(tmp_path / "run.h5", plans)
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 2
        assert [run.log_prob("look", 0, step)[0, 0] for step in (0, 1)] == [-1, -3]
        assert run.left_out == (
            "several ranks recorded the same 1 event, 1 scalar, 1 later token; "
            "only those of the lowest rank were kept",
        )


def test_a_site_or_example_that_differs_between_ranks_is_renamed_and_the_reader_says_so(tmp_path):
    plans = [[event(value=1)], [event(value=2, seed=2, heads=2), event(value=3, example="c")]]
    for writer in write_ranks(tmp_path / "run.h5", plans, join=False):
        writer.flush()
    with read_run(writer.parts) as run:
        assert [site.name for site in run.sites] == ["look", "look@rank1"]
        assert [example.name for example in run.examples] == ["a", "a@rank1", "c"]
        said = " ".join(run.notices)
        assert "site 'look' of rank 1 is another" in said and "'a@rank1'" in said


def test_sentences_of_all_ranks_are_kept_and_other_facts_are_the_lowest_ranks(tmp_path):
    writers = two(tmp_path / "run.h5")
    writers[0].describe(left_out=["x", "both"], seed=1)
    writers[1].describe(left_out=["both", "y"], changed=["z"], seed=2, host="b")
    writers[1].close(join=False)
    writers[0].close()
    with read_run(tmp_path / "run.h5") as run:
        assert run.left_out == ("x", "both", "y")
        assert run.changed == ("z",)
        assert (run.metadata["seed"], run.metadata["host"]) == (1, "b")


def test_a_missing_part_is_told_with_its_rank(tmp_path):
    writers = two(tmp_path / "run.h5")
    writers[1].flush()
    writers[1].add_snapshot(5)
    writers[1].close(join=False)
    writers[0].flush()
    first, last = sorted(writers[0].parts.glob("seg-0001-*"))
    kept = last.rename(tmp_path / "kept")
    with pytest.raises(RunError, match=r"lacks part 1 of rank 1; .*end-0001"):
        read_run(writers[0].parts)
    kept.rename(last)
    first.rename(kept)
    with pytest.raises(RunError, match="lacks part 0 of rank 1"):
        read_run(writers[0].parts)
    shutil.copy(last, first)
    with pytest.raises(RunError, match="part 1 of rank 1 under the name of part 0 of rank 1"):
        read_run(writers[0].parts)


def test_parts_of_two_recordings_are_never_mixed(tmp_path):
    ours, theirs = two(tmp_path / "a.h5"), two(tmp_path / "b.h5")
    for writer in (*ours, *theirs):
        writer.flush()
    name = "seg-0001-000000.h5"
    shutil.copy(theirs[1].parts / name, ours[1].parts / name)
    with pytest.raises(RunError, match="mixes parts of two recordings; part 0 of rank 1"):
        read_run(ours[0].parts)


def test_what_a_cut_off_rank_left_is_joined_and_the_run_says_what_is_missing(tmp_path):
    writers = two(tmp_path / "run.h5")
    writers[1].flush()
    writers[1].release()
    with pytest.raises(RunError, match="rank 1 was cut off; hardattn recover"):
        writers[0].close()
    join(writers[0].parts, tmp_path / "joined.h5")
    with read_run(tmp_path / "joined.h5") as run:
        assert run.left_out == ("rank 1 of 2 did not end: what it had not written yet is not here",)
        assert [example.name for example in run.examples] == ["a", "b"]


def test_a_rank_that_left_nothing_is_told(tmp_path):
    writers = two(tmp_path / "run.h5")
    writers[0].close(join=False)
    writers[1].release()
    with read_run(writers[0].parts) as run:
        assert run.left_out == ("rank 1 of 2 left nothing",)
        assert [example.name for example in run.examples] == ["a"]


def test_one_rank_does_not_join_while_another_records(tmp_path):
    writers = two(tmp_path / "run.h5")
    with pytest.raises(RunError, match="rank 1 still records into"):
        writers[0].close()
    writers[1].close(join=False)
    writers[0].close()
    with read_run(tmp_path / "run.h5") as run:
        assert (run.n_events, run.left_out, run.notices) == (2, (), ())
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5"]
