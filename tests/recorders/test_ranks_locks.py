import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_runs import fill

from recorders import Recorder, read_run
from recorders.run import lock
from recorders.run.writer import SegmentWriter, new_run

ROOT = Path(__file__).parents[2]
BUSY = "being written by another recorder; close that one, or record under another name"
EVENT = {"site": "look", "heads": 1, "example": "a", "seed": 1, "step": 0, "snapshot": 0}


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


HOLD = """
    import sys, time
    from recorders.run.writer import SegmentWriter
    writer = SegmentWriter(sys.argv[1])
    print("open", flush=True)
    time.sleep(600)
    """


def test_two_recorders_of_one_process_do_not_write_under_one_name(tmp_path):
    with Recorder(tmp_path / "run.h5") as first:
        with pytest.raises(FileExistsError, match=BUSY), Recorder(tmp_path / "run.h5"):
            pass
        with first.example():
            first.log("look", probabilities=np.array([[0.5, 0.5]]))
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 1
    with pytest.warns(RuntimeWarning, match="no event"), Recorder(tmp_path / "run.h5"):
        pass


def test_another_process_is_refused_until_this_one_ends_or_is_killed(tmp_path):
    path = tmp_path / "run.h5"
    with start(HOLD, path) as process:
        assert process.stdout.readline() == "open\n"
        with pytest.raises(FileExistsError, match=BUSY):
            SegmentWriter(path)
        process.send_signal(signal.SIGKILL)
        process.wait()
        SegmentWriter(path).close()
    with read_run(path) as run:
        assert run.left_out == ()
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.h5"]


def test_a_forked_process_neither_holds_nor_lets_go_of_the_lock(tmp_path):
    code = """
        import os, sys, time
        from recorders.run.writer import SegmentWriter
        writer = SegmentWriter(sys.argv[1])
        child = os.fork()
        if child == 0:
            del writer
            sys.exit(0)
        os.waitpid(child, 0)
        try:
            SegmentWriter(sys.argv[1])
        except FileExistsError:
            print("refused", flush=True)
        child = os.fork()
        if child == 0:
            time.sleep(600)
        writer.add_snapshot(0)
        writer.close()
        SegmentWriter(sys.argv[1]).close()
        print("closed", flush=True)
        os.kill(child, 9)
        os.waitpid(child, 0)
        """
    with start(code, tmp_path / "run.h5") as process:
        assert process.communicate(timeout=60)[0] == "refused\nclosed\n"


def test_a_recorder_that_nobody_closed_lets_the_name_go(tmp_path):
    SegmentWriter(tmp_path / "run.h5")
    SegmentWriter(tmp_path / "run.h5").close()


def test_ranks_of_one_job_write_side_by_side_and_another_job_is_refused(tmp_path):
    path, run = tmp_path / "run.h5", new_run()
    writers = [SegmentWriter(path, rank=rank, world=2, run=run) for rank in (1, 0)]
    for rank in (0, 1):
        with pytest.raises(FileExistsError, match=BUSY):
            SegmentWriter(path, rank=rank, world=2, run=new_run())
    with pytest.raises(FileExistsError, match=BUSY):
        SegmentWriter(path, rank=2, world=3, run=new_run())
    assert [writer.others() for writer in writers] == [{0: "recording"}, {1: "recording"}]
    writers[0].close(join=False)
    assert writers[1].others() == {1: "ended"}
    writers[1].close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.h5"]


def test_what_an_earlier_job_left_is_refused_by_every_rank_of_the_next(tmp_path):
    path = tmp_path / "run.h5"
    killed = SegmentWriter(path, rank=1, world=2, run=new_run())
    killed.flush()
    killed.release()
    before = sorted(entry.name for entry in killed.parts.iterdir())
    run = new_run()
    for rank in (0, 1, 2):
        with pytest.raises(FileExistsError, match="killed recording left; recover it"):
            SegmentWriter(path, rank=rank, world=3, run=run)
    assert sorted(entry.name for entry in killed.parts.iterdir()) == before


def test_a_rank_leaves_another_ranks_running_temporary_file_alone_and_removes_dead_ones(tmp_path):
    path, run = tmp_path / "run.h5", new_run()
    other = SegmentWriter(path, rank=1, world=3, run=run)
    alive, dead = other.parts / ".seg-0001-000000.h5.1.tmp", other.parts / ".end-0002.1.tmp"
    alive.touch()
    dead.touch()
    first = SegmentWriter(path, rank=0, world=3, run=run)
    assert alive.exists() and not dead.exists()
    alive.unlink()
    for writer in (first, other):
        writer.release()
    assert not other.parts.exists()


def test_a_rank_outside_the_world_or_without_a_name_is_refused(tmp_path):
    for facts in ({"rank": 2, "world": 2, "run": "x"}, {"rank": -1}, {"rank": 0, "world": 2}):
        with pytest.raises(ValueError, match="ranks count from 0, and all of them need one name"):
            SegmentWriter(tmp_path / "run.h5", **facts)
    assert not list(tmp_path.iterdir())


def test_a_file_system_without_locks_still_takes_the_recording_of_one_process(
    tmp_path, monkeypatch
):
    def refuse(descriptor, operation):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    writer = SegmentWriter(tmp_path / "run.h5")
    fill(writer, [{**EVENT, "value": 1}])
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 1
    with pytest.raises(OSError, match="no file locks"):
        SegmentWriter(tmp_path / "run.h5", rank=0, world=2, run=new_run())


def test_a_rank_of_another_host_is_not_said_to_be_dead(tmp_path):
    path, run = tmp_path / "run.h5", new_run()
    writers = [SegmentWriter(path, rank=rank, world=2, run=run) for rank in (0, 1)]
    writers[1].flush()
    writers[1].release()
    assert writers[0].others() == {1: "cut off"}
    (writers[0].parts / "lock-0001").write_text(f"{run} elsewhere")
    assert writers[0].others() == {1: "unknown"}


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(4)))
def test_ranks_may_open_and_end_in_any_order(tmp_path_factory, order):
    path, run = tmp_path_factory.mktemp("ranks") / "run.h5", new_run()
    writers = {rank: SegmentWriter(path, rank=rank, world=4, run=run) for rank in order}
    for rank in order:
        fill(writers[rank], [{**EVENT, "example": str(rank), "value": rank + 1}])
        if rank:
            writers[rank].close(join=False)
    writers[0].close()
    assert [entry.name for entry in path.parent.iterdir()] == ["run.h5"]
    with read_run(path) as opened:
        assert [example.name for example in opened.examples] == ["0", "1", "2", "3"]
