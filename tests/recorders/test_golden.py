import hashlib
import shutil
from pathlib import Path

import golden_runs as golden
import h5py
import numpy as np
import pytest

from recorders import read_run
from recorders.run import layout
from recorders.run.validate import findings
from recorders.run.writer import join

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = ("1.0", "1.1", "1.2")
ORDER = {"1.0": (0, 1, 2), "1.1": (0, 2, 1), "1.2": (0, 1, 2)}
"""The examples as they lie: in the second file the second one was of rank 1."""


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def run(version):
    with read_run(GOLDEN / f"run-{version}.h5") as opened:
        yield opened


def test_a_golden_file_is_as_it_was_written(version):
    sums = dict(reversed(line.split()) for line in (GOLDEN / "SHA256SUMS").read_text().splitlines())
    content = (GOLDEN / f"run-{version}.h5").read_bytes()
    assert hashlib.sha256(content).hexdigest() == sums[f"run-{version}.h5"]


def test_facts_about_the_whole_are_read(run, version):
    assert (run.format_version, run.producer) == (version, f"golden {version}")
    assert (run.sealed, run.codec, run.n_events, run.notices) == (True, "sqrt16", 24, ())
    assert run.metadata.items() >= golden.METADATA.items()
    assert tuple(snapshot.step for snapshot in run.snapshots) == golden.SNAPSHOTS
    told = version != "1.0"
    assert run.left_out == (tuple(golden.LEFT_OUT) if told else ())
    assert run.changed == (tuple(golden.CHANGED) if told else ())
    assert run.ranks == (2 if version == "1.1" else 1)


def test_sites_are_read(run, version):
    more = golden.MORE if version != "1.0" else ({}, {})
    for site, facts, added in zip(run.sites, golden.SITES, more, strict=True):
        given = facts | added
        for name in ("name", "kind", "mechanism", "key_axis", "query_axis", "capture"):
            assert getattr(site, name) == given[name]
        assert site.hard == given.get("hard", False)
        assert site.heads == given.get("heads", 1)
        assert site.head_indices == given.get("head_indices", (0,))
        assert site.layer == given.get("layer", -1)
        assert site.module == given.get("module", "")
        assert site.special_keys == tuple(given.get("special_keys", "").split())
    assert run.sites[0].verified == "told by the model"
    assert run.sites[1].verified == (
        "as stored"
        if version == "1.0"
        else "verified: 16 of 17 events, largest error 2.5e-7; the others not: dropout is active"
    )


def test_examples_are_read(run, version):
    assert [example.name for example in run.examples] == [
        golden.EXAMPLES[number] for number in ORDER[version]
    ]
    for index, number in enumerate(ORDER[version]):
        assert run.examples[index].label == golden.LABELS[number]
        assert run.tokens(index, snapshot=0) == golden.tokens(number)
        np.testing.assert_array_equal(run.image(index), golden.image(number))
        np.testing.assert_array_equal(run.regions(index), golden.regions(number))


def test_every_event_is_read(run, version):
    for index, number in enumerate(ORDER[version]):
        masked = version != "1.0" and number == 2
        for moment in range(2):
            for step in range(golden.STEPS):
                place = index, step, moment
                hard, soft = (
                    golden.hard(number, step, moment),
                    golden.soft(number, step, moment, masked),
                )
                for site, values in (("glimpse", hard), ("layers.0.attn", soft)):
                    p = values["probabilities"]
                    sums = p.sum(-1, keepdims=True)
                    p = np.divide(p, sums, out=np.zeros_like(p), where=sums > 0)
                    np.testing.assert_allclose(run.map(site, *place), p, rtol=1e-6)
                    np.testing.assert_array_equal(run.log_prob(site, *place), values["log_prob"])
                    entropy = np.where(sums[..., 0] > 0, values["entropy"], np.nan)
                    np.testing.assert_array_equal(run.entropy(site, *place), entropy)
                    np.testing.assert_array_equal(run.selection(site, *place), values["selection"])
                event = run.event("layers.0.attn", *place)
                assert (event.heads, event.queries, event.keys) == (2, 3, 5)
                expected = (
                    golden.EVENTS[1] if version != "1.0" else {"query_stride": 1, "windows": 1}
                )
                for name in ("first_query", "query_stride", "first_key", "first_region", "windows"):
                    assert getattr(event, name) == expected.get(name, 0)
                assert event.sink == expected.get("sink", False)
                assert run.event("glimpse", *place).region_set == -1
                if version == "1.0":
                    assert event.region_set == -1
                else:
                    np.testing.assert_array_equal(
                        run.region_set(event.region_set), golden.OWN_BOXES
                    )


def test_every_number_of_an_example_is_read(run, version):
    for index, number in enumerate(ORDER[version]):
        for moment in range(2):
            scalars = run.scalars(index, snapshot=moment)
            steps = range(golden.STEPS)
            assert scalars["reward"].tolist() == [golden.reward(number, s, moment) for s in steps]
            assert scalars["temperature"].tolist() == [1.5, 1.5]
            outcome = run.outcome(index, moment)
            assert (outcome.prediction, outcome.confidence) == (number + moment, 0.5 + number / 8)
            assert outcome.label_probability == (None if number == 1 else 0.25)


def test_tokens_that_came_later_are_read(run, version):
    for index, number in enumerate(ORDER[version]):
        later = run.later_tokens(index)
        assert run.later_tokens(index, 0) == ()
        if version == "1.0" or (version == "1.1" and number == 2):
            assert later == ()
            continue
        (token,) = later
        assert (token.step, token.axis, token.position) == (1, number, 5)
        assert (token.id, token.text) == (40 + number, f"ä{number}")


def test_checks_of_all_ranks_are_read(run, version):
    known = run.verification("layers.0.attn")
    if version == "1.0":
        assert known.words == ""
    else:
        assert (known.checked, known.failed, known.unchecked) == (16, 0, 1)
        assert (known.error, known.tolerance) == (2.5e-7, 1e-5)
        assert known.reasons == ("dropout is active",)


def test_nothing_is_wrong_with_a_golden_file(version):
    assert {finding.severity for finding in findings(GOLDEN / f"run-{version}.h5")} <= {"notice"}


def test_parts_of_an_older_format_are_joined_into_a_run_of_this_one(tmp_path):
    parts = tmp_path / "run.h5.parts"
    parts.mkdir()
    part = shutil.copy(GOLDEN / "run-1.0.h5", parts / "seg-0000-000000.h5")
    with h5py.File(part, "r+") as file:
        file.attrs["sealed"] = np.uint8(0)
    join(parts, tmp_path / "run.h5")
    with read_run(tmp_path / "run.h5") as joined, read_run(GOLDEN / "run-1.0.h5") as old:
        assert joined.format_version == layout.FORMAT_VERSION
        assert (joined.sites, joined.left_out) == (old.sites, ())
        for step in range(golden.STEPS):
            np.testing.assert_array_equal(
                joined.map("layers.0.attn", 1, step), old.map("layers.0.attn", 1, step)
            )


def test_sounds_videos_and_numbers_of_training_are_read():
    with read_run(GOLDEN / "run-1.2.h5") as run:
        sound = run.sound(0)
        assert sound.rate == golden.RATE
        np.testing.assert_array_equal(sound.samples, golden.SOUND)
        assert run.sound(1) is None and run.frame_times(0) is None
        np.testing.assert_array_equal(run.frame_times(1), golden.TIMES)
        for number, frame in enumerate(golden.video()):
            np.testing.assert_array_equal(run.frame(1, number), frame)
        frames = run.region_frames(run.region_set_of(1))
        np.testing.assert_array_equal(frames, golden.REGION_FRAMES)
        assert run.region_frames(run.region_set_of(0)) is None
        assert {name: values.tolist() for name, values in run.training_scalars().items()} == {
            "loss": list(golden.LOSSES)
        }
    for version in VERSIONS[:2]:
        with read_run(GOLDEN / f"run-{version}.h5") as run:
            assert run.training_scalars() == {}
            assert run.sound(0) is None and run.frame_times(0) is None
