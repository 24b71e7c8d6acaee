import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from recording import write_run

from recorders import Recorder, read_run
from recorders.run.pending import Pending
from recorders.run.sounds import Sound
from recorders.run.writer import SegmentWriter

ROOT = Path(__file__).parents[2]
HALF = np.array([[0.5, 0.5]])


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_recording_keeps_everything_that_was_flushed(tmp_path):
    code = """
        import sys, numpy as np
        from recorders import Recorder
        with Recorder(sys.argv[1]) as recorder:
            for number in range(10**6):
                with recorder.example(name=str(number)):
                    p = np.full((1, 3), 0.25) + np.array([0, 0, 0.25])
                    recorder.log("look", probabilities=p, selection=np.array([number % 3]))
                    recorder.step(reward=number)
                if number % 7 == 6:
                    recorder.flush()
                    print(number, flush=True)
        """
    with start(code, tmp_path / "run.h5") as process:
        for _ in range(5):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        tail = process.stdout.read().split()
    acknowledged = int(tail[-1]) if tail else acknowledged
    with read_run(tmp_path / "run.h5.parts") as run:
        assert len(run.examples) > acknowledged
        for number in range(len(run.examples)):
            assert run.examples[number].name == str(number)
            np.testing.assert_allclose(run.map("look", number)[0, 0], [0.25, 0.25, 0.5], atol=4e-5)
            assert run.selection("look", number)[0, 0, 0] == number % 3
            assert run.scalars(number)["reward"].tolist() == [number]
    with pytest.raises(FileExistsError, match="recover"), Recorder(tmp_path / "run.h5"):
        pass


class FullDisk:
    """A disk that takes ``room`` more bytes."""

    def __init__(self, monkeypatch, name):
        self.room = None
        self.plain = getattr(os, name)
        monkeypatch.setattr(os, name, self.write)

    def write(self, descriptor, data, *rest):
        if self.room is not None:
            data = memoryview(data)[: self.room]
            self.room -= len(data)
            if not len(data):
                raise OSError(errno.ENOSPC, "No space left on device")
        return self.plain(descriptor, data, *rest)


@pytest.mark.parametrize("room", [0, 1000])
def test_a_full_disk_raises_oserror_and_the_data_waits_for_another_try(tmp_path, monkeypatch, room):
    disk = FullDisk(monkeypatch, "write")
    with Recorder(tmp_path / "run.h5") as recorder:
        for number in range(4):
            with recorder.example():
                recorder.log("look", probabilities=HALF, selection=np.array([number % 2]))
            disk.room = room if number in (1, 2) else None
            if disk.room is None:
                recorder.flush()
                continue
            with pytest.raises(OSError, match="No space left"):
                recorder.flush()
            left = sorted(path.name for path in (tmp_path / "run.h5.parts").iterdir())
            assert left == ["lock-0000", "seg-0000-000000.h5"]
            with read_run(tmp_path / "run.h5.parts") as run:
                assert len(run.examples) == 1
    with read_run(tmp_path / "run.h5") as run:
        assert [run.selection("look", i)[0, 0, 0] for i in range(4)] == [0, 1, 0, 1]


@pytest.mark.parametrize("room", [0, 5_000, 40_000])
def test_a_disk_that_fills_up_while_sealing_loses_nothing(tmp_path, monkeypatch, room):
    writer, exact = write_run(tmp_path / "run.h5", shape=(2, 50, 100), parts=2)
    writer.flush()
    parts = sorted([*(path.name for path in writer.parts.iterdir()), "end-0000"])
    disk = FullDisk(monkeypatch, "pwrite")
    disk.room = room
    with pytest.raises(OSError, match="No space left"):
        writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5.parts"]
    assert sorted(path.name for path in writer.parts.iterdir()) == parts
    disk.room = None
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == len(exact)


def test_what_a_killed_recording_left_half_written_does_not_stay(tmp_path):
    parts = tmp_path / "run.h5.parts"
    parts.mkdir()
    (parts / ".seg-0000-000000.h5.123.tmp").write_bytes(b"half")
    with Recorder(tmp_path / "run.h5") as recorder, recorder.example():
        recorder.log("look", probabilities=HALF)
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5"]


def test_files_of_others_in_the_parts_folder_are_left_alone(tmp_path):
    with Recorder(tmp_path / "run.h5") as recorder, recorder.example():
        recorder.log("look", probabilities=HALF)
        (tmp_path / "run.h5.parts/notes.txt").write_text("mine")
    assert (tmp_path / "run.h5.parts/notes.txt").read_text() == "mine"
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 1


def test_a_real_limit_on_file_size_ends_in_oserror_and_not_in_a_crash(tmp_path):
    code = """
        import resource, sys, numpy as np
        from recorders.run.writer import SegmentWriter
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
        writer = SegmentWriter(sys.argv[1])
        site, snapshot = writer.add_site("look"), writer.add_snapshot(0)
        rng = np.random.default_rng(0)
        try:
            for number in range(100):
                example = writer.add_example(str(number))
                p = rng.dirichlet(np.ones(50_000), (1, 1, 1)).astype(np.float32)
                writer.add_events(
                    site=site, examples=np.array([example]), step=0, snapshot=snapshot,
                    probabilities=p, log_prob=np.zeros((1, 1, 1)), entropy=np.ones((1, 1, 1)),
                )
                if number % 3 == 2:
                    writer.flush()
            writer.close()
        except OSError as problem:
            print(problem.errno)
        """
    with start(code, tmp_path / "run.h5") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out.split(), err) == (0, [str(errno.EFBIG)], "")
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5.parts"]
    with read_run(tmp_path / "run.h5.parts") as run:
        assert len(run.examples) == 100
        assert run.map("look", 99).shape == (1, 1, 50_000)


def test_a_recorder_that_cannot_seal_after_an_error_lets_that_error_go_on(tmp_path, monkeypatch):
    disk = FullDisk(monkeypatch, "pwrite")
    disk.room = 0
    with pytest.raises(KeyError, match="mine") as caught, Recorder(tmp_path / "run.h5") as recorder:
        with recorder.example():
            recorder.log("look", probabilities=HALF)
        raise KeyError("mine")
    assert "could not be sealed" in caught.value.__notes__[0]
    with read_run(tmp_path / "run.h5.parts") as run:
        assert run.n_events == 1
    disk.room = None
    recorder.close()


@pytest.mark.parametrize("table", ["images", "sounds"])
@pytest.mark.parametrize("before", [0, 2])
def test_an_interrupt_between_a_picture_and_its_row_leaves_a_run_that_reads(
    tmp_path, monkeypatch, table, before
):
    path = tmp_path / "run.h5"
    writer = SegmentWriter(path, codec="float32")

    def add(name, seed):
        drawn = np.random.default_rng(seed)
        if table == "images":
            writer.add_example(name, image=drawn.integers(0, 256, (6, 5), dtype=np.uint8))
        else:
            writer.add_example(name, sound=Sound(drawn.integers(-9, 9, 40).astype(np.int16), 8e3))

    for number in range(before):
        add(f"before-{number}", number)
    writer.flush()
    added = Pending.add_rows

    def interrupted(self, name, *given, **values):
        if name == table:
            raise KeyboardInterrupt
        return added(self, name, *given, **values)

    with monkeypatch.context() as patched:
        patched.setattr(Pending, "add_rows", interrupted)
        with pytest.raises(KeyboardInterrupt):
            add("cut short", 7)
    writer.flush()
    add("after", 8)
    writer.close()
    with read_run(path) as run:
        assert [one.name for one in run.examples] == [
            *(f"before-{number}" for number in range(before)), "after",
        ]  # fmt: skip
        assert not run.notices
        last = len(run.examples) - 1
        if table == "images":
            expected = np.random.default_rng(8).integers(0, 256, (6, 5), dtype=np.uint8)
            assert np.array_equal(run.image(last), expected)
        else:
            expected = np.random.default_rng(8).integers(-9, 9, 40)
            assert np.array_equal(run.sound(last).samples, expected)
