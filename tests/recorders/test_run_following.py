"""A run that is read while it is recorded: nothing is read twice, nothing is missed."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from recorders import RunError, read_run
from recorders.run import contents as contents_module
from recorders.run import longer as longer_module
from recorders.run import newer as newer_module
from recorders.run.following import Follower, is_begun
from recorders.run.recovery import StoppedError, recover_cut_off, sealed_name
from recorders.run.writer import SegmentWriter, join, new_run

ROOT = Path(__file__).parents[2]


class Growing:
    """A recording that grows by one example of three steps a part, and what is true of it."""

    def __init__(self, path, **options):
        self.writer = SegmentWriter(path, codec="float32", **options)
        self.site = self.writer.add_site("look")
        self.snapshot = self.writer.add_snapshot(0)
        self.maps = []
        self.noun = f"rank {options['rank']}, example" if options else "example"

    def grow(self, parts=1):
        for _ in range(parts):
            number = len(self.maps)
            p = np.random.default_rng(number).dirichlet(np.ones(5), (3, 1, 2)).astype(np.float32)
            example = self.writer.add_example(f"{self.noun} {number}", tokens=["é", str(number)])
            for step in range(3):
                self.writer.add_events(
                    site=self.site,
                    examples=np.array([example]),
                    step=step,
                    snapshot=self.snapshot,
                    probabilities=p[step : step + 1],
                    log_prob=np.zeros((1, 1, 2)),
                    entropy=np.full((1, 1, 2), float(number)),
                )
            self.maps.append(p[:, 0])
            self.writer.flush()
        return self


def check_same(run, whole):
    """Two ways of reading the same recording agree in everything."""
    assert run.n_events == whole.n_events
    assert run.example_names == whole.example_names
    assert run.left_out == whole.left_out and run.snapshots == whole.snapshots
    for path, values in whole._columns.items():
        np.testing.assert_array_equal(run._columns[path], values)
    for path, texts in whole._texts.items():
        assert list(run._texts[path]) == list(texts)
    for name, column in whole.columns().items():
        np.testing.assert_array_equal(run.columns()[name], column)
    for site in whole.sites:
        for example in range(len(whole.examples)):
            for one, other in zip(run.maps(site, example), whole.maps(site, example), strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.fixture
def inspected(monkeypatch):
    """The files whose structure was read."""
    seen = []
    plain = contents_module.inspect

    def inspect(files, **options):
        seen.extend(getattr(file, "address", file).name for file in files)
        return plain(files, **options)

    for module in (contents_module, longer_module, newer_module):
        monkeypatch.setattr(module, "inspect", inspect)
    return seen


def test_only_new_parts_are_read(tmp_path, inspected):
    growing = Growing(tmp_path / "run.h5").grow(3)
    run = read_run(growing.writer.parts)
    inspected.clear()
    assert run.refreshed() is run and inspected == []
    growing.grow(2)
    longer = run.refreshed()
    assert inspected == ["seg-0000-000003.h5", "seg-0000-000004.h5"]
    check_same(longer, read_run(growing.writer.parts))
    assert (len(run.examples), len(longer.examples)) == (3, 5)
    growing.writer.close()


def test_a_run_stays_what_it_was_when_others_grow_from_it(tmp_path):
    growing = Growing(tmp_path / "run.h5").grow(1)
    first = read_run(growing.writer.parts)
    names, runs = first.example_names, [first]
    for _ in range(6):
        growing.grow(1)
        runs.append(runs[-1].refreshed())
    # Two that grow from the same one do not write over each other.
    again = first.refreshed()
    growing.grow(1)
    check_same(first.refreshed(), runs[-1].refreshed())
    check_same(again, runs[-1])
    assert first.example_names == names
    for number, run in enumerate(runs, 1):
        assert len(run.examples) == number and run.n_events == 3 * number
        assert run.columns()["entropy"].tolist() == list(range(number))
    growing.writer.close()


def test_a_run_is_followed_into_the_file_that_its_parts_are_joined_into(tmp_path):
    growing = Growing(tmp_path / "run.h5").grow(3)
    run = read_run(tmp_path / "run.h5")
    assert run.path == growing.writer.parts and not run.sealed
    run.map("look", 0)
    growing.grow(1)
    growing.writer.close()
    whole = run.refreshed()
    assert whole.sealed and whole.path == tmp_path / "run.h5"
    check_same(whole, read_run(tmp_path / "run.h5"))
    assert whole.refreshed() is whole
    np.testing.assert_array_equal(run.map("look", 0), whole.map("look", 0))
    assert read_run(growing.writer.parts).path == whole.path
    assert whole.examples_changed(run) == {3}


def test_an_older_run_of_that_name_is_not_taken_for_the_joined_one(tmp_path, inspected):
    Growing(tmp_path / "run.h5").grow(1).writer.close()
    growing = Growing(tmp_path / "run.h5").grow(2)
    run = read_run(growing.writer.parts)
    growing.grow(1)
    inspected.clear()
    longer = run.refreshed()
    assert not longer.sealed and len(longer.examples) == 3
    assert inspected == ["seg-0000-000002.h5"]
    growing.writer.close()
    assert longer.refreshed().sealed


def test_what_came_to_which_example_is_known(tmp_path):
    growing = Growing(tmp_path / "run.h5").grow(3)
    run = read_run(growing.writer.parts)
    growing.writer.add_scalars(
        "reward", examples=np.array([1]), steps=0, snapshot=0, values=np.array([1.0])
    )
    growing.writer.flush()
    longer = run.refreshed()
    assert longer.examples_changed(run) == {1}
    assert longer.newest == ((2, 2, 0),)
    growing.writer.close()


def test_ranks_are_followed_as_they_are_merged(tmp_path, inspected):
    name = new_run()
    first, second = ranks = [
        Growing(tmp_path / "run.h5", rank=rank, world=2, run=name).grow(1) for rank in range(2)
    ]
    run = read_run(first.writer.parts)
    for _ in range(3):
        for rank in ranks:
            rank.grow(1)
        before, run = run, run.refreshed()
        check_same(run, read_run(first.writer.parts))
        # Examples of the second rank come after all of the first, which there are more of now.
        assert run.examples_changed(before) is None
    inspected.clear()
    first.grow(1)
    run = run.refreshed()
    assert inspected == ["seg-0000-000004.h5"]
    follower = Follower(run)
    second.writer.close(join=False)
    follower.poll()
    assert follower.doing == "recording"
    first.writer.close()
    assert follower.poll() and follower.run.sealed
    check_same(follower.run, read_run(tmp_path / "run.h5"))


def test_a_follower_is_quiet_while_nothing_happens_and_tells_what_does(tmp_path, inspected):
    growing = Growing(tmp_path / "run.h5").grow(2)
    follower = Follower(read_run(growing.writer.parts))
    assert follower.doing == "recording"
    inspected.clear()
    assert [follower.poll() for _ in range(3)] == [False, False, False]
    growing.grow(1)
    assert follower.poll() and len(follower.run.examples) == 3
    assert abs(follower.written - time.time()) < 60
    assert not follower.poll()
    growing.writer.close()
    assert follower.poll() and follower.run.sealed and follower.doing is None
    assert not follower.poll()


def test_a_recording_that_was_abandoned_is_cut_off_and_says_so(tmp_path):
    growing = Growing(tmp_path / "run.h5").grow(2)
    follower = Follower(read_run(growing.writer.parts))
    assert follower.run.left_out == ()
    growing.writer.release()
    # Once may be the moment between sealing and removing the folder.
    polled = [follower.poll() for _ in range(3)]
    assert follower.doing == "cut off" and True in polled
    assert "recording did not end" in follower.run.left_out[0]
    assert Follower(read_run(growing.writer.parts)).doing == "cut off"


def test_another_recording_in_the_same_folder_is_not_mixed_in(tmp_path):
    growing = Growing(tmp_path / "run.h5").grow(2)
    run = read_run(growing.writer.parts)
    growing.writer.release()
    for path in growing.writer.parts.iterdir():
        path.unlink()
    other = Growing(tmp_path / "run.h5").grow(3)
    with pytest.raises(RunError, match="no longer holds part 1 of rank 0 as it was read"):
        run.refreshed()
    other.writer.close()
    with pytest.raises(RunError):
        run.refreshed()


def test_a_recorder_that_has_written_nothing_yet_has_begun(tmp_path):
    path = tmp_path / "run.h5"
    assert not is_begun(path)
    growing = Growing(path)
    assert is_begun(path) and is_begun(growing.writer.parts)
    growing.grow(1)
    assert not is_begun(path)
    growing.writer.close()
    assert not is_begun(path) and not is_begun(growing.writer.parts)


WRITE = """
    import sys, time, numpy as np
    from recorders.run.writer import SegmentWriter
    writer = SegmentWriter(sys.argv[1], codec="float32")
    site, snapshot = writer.add_site("look"), writer.add_snapshot(0)
    until, number = time.monotonic() + float(sys.argv[2]), 0
    while time.monotonic() < until:
        example = writer.add_example(str(number))
        p = np.random.default_rng(number).dirichlet(np.ones(9), (1, 1, 4)).astype(np.float32)
        writer.add_events(
            site=site, examples=np.array([example]), step=0, snapshot=snapshot, probabilities=p,
            log_prob=np.zeros((1, 1, 4)), entropy=np.zeros((1, 1, 4)),
        )
        writer.flush()
        number += 1
    writer.close()
    print(number)
    """


def test_a_writer_at_full_speed_is_followed_without_a_gap_across_the_join(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(WRITE), str(tmp_path / "run.h5"), "2"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        while not any((tmp_path / "run.h5.parts").glob("seg-*")):
            time.sleep(0.01)
        follower, seen = Follower(read_run(tmp_path / "run.h5")), 0
        until = time.monotonic() + 60
        while not follower.run.sealed:
            assert time.monotonic() < until
            follower.poll()
            run = follower.run
            assert len(run.examples) >= seen
            assert run.example_names == tuple(str(number) for number in range(len(run.examples)))
            seen = len(run.examples)
        written = int(process.stdout.read())
    assert process.returncode == 0
    assert len(follower.run.examples) == written > 10
    for number in range(written):
        expected = np.random.default_rng(number).dirichlet(np.ones(9), (1, 4))
        np.testing.assert_allclose(follower.run.map("look", number), expected, atol=1e-6)


def test_a_killed_writer_is_recovered_and_a_living_one_is_left_alone(tmp_path):
    path, parts = tmp_path / "run.h5", tmp_path / "run.h5.parts"
    command = [sys.executable, "-c", textwrap.dedent(WRITE), str(path), "600"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        while len(list(parts.glob("seg-*"))) < 3:
            time.sleep(0.01)
        with pytest.raises(RunError, match="still being recorded"):
            recover_cut_off(parts, sealed_name(parts), lambda done: None, lambda: True)
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = sorted(file.name for file in parts.iterdir())
    told = []
    with pytest.raises(StoppedError):
        recover_cut_off(parts, path, told.append, lambda: False)
    assert [file.name for file in tmp_path.iterdir()] == ["run.h5.parts"] and not told
    follower = Follower(read_run(parts))
    assert follower.doing == "cut off"
    recover_cut_off(parts, path, told.append, lambda: True)
    assert told == sorted(told) and told[-1] == 1.0
    assert sorted(file.name for file in parts.iterdir()) == before
    assert follower.poll() and follower.run.sealed
    assert recover_cut_off(parts, path, told.append, lambda: True).before
    assert sealed_name(parts).name == "run-2.h5"


def test_joined_under_another_name_it_is_still_the_same_recording(tmp_path):
    growing = Growing(tmp_path / "run.h5").grow(2)
    growing.writer.release()
    follower = Follower(read_run(growing.writer.parts))
    join(growing.writer.parts, tmp_path / "other.h5")
    Growing(tmp_path / "foreign.h5").grow(1).writer.close()
    assert not follower.turn_to(tmp_path / "foreign.h5")
    assert follower.turn_to(tmp_path / "other.h5")
    assert follower.run.path.name == "other.h5" and follower.doing is None


def test_a_damaged_new_part_is_said_and_what_was_read_stays(tmp_path):
    growing = Growing(tmp_path / "run.h5").grow(2)
    run = read_run(growing.writer.parts)
    growing.grow(1)
    newest = growing.writer.parts / "seg-0000-000002.h5"
    good = newest.read_bytes()
    newest.write_bytes(good[: len(good) // 2])
    with pytest.raises(RunError, match=r"seg-0000-000002\.h5 is damaged"):
        run.refreshed()
    assert run.map("look", 1).shape == (1, 2, 5)
    newest.write_bytes(good)
    assert len(run.refreshed().examples) == 3
    growing.writer.close()
