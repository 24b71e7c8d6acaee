"""The process that opens files with HDF5: what it may take, and what comes of it when it fails."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import hostile_files as hostile
import pytest

from recorders import RunError, read_run
from recorders.run import inspector
from recorders.run.inspector import Inspector, Limits
from recorders.run.writer import SegmentWriter

HERE = str(Path(__file__).parent)


def little(fault):
    return Limits(memory=1 << 30, cpu=1, wall=2.0 if fault == "hang" else 30.0, answer=1 << 20)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "run.h5"
    hostile.honest_run(path)
    return path


@pytest.fixture
def own(monkeypatch):
    """An inspector of the test's own, made by the fault that it has; None is an honest one."""
    made = []

    def make(fault=None):
        monkeypatch.setenv("FAULT", fault or "")
        honest = Inspector() if fault is None else Inspector("faulty_inspection", (HERE,))
        made.append(honest)
        monkeypatch.setattr(inspector, "shared", honest)
        return honest

    yield make
    for one in made:
        one.close()


def child_of(one):
    return one._child._process.pid


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("crash", "makes the HDF5 library crash .SIGSEGV."),
        ("abort", "makes the HDF5 library crash .SIGABRT."),
        ("exit", "makes the HDF5 library crash .code 3."),
        ("hang", "takes the HDF5 library more than 2 s"),
        ("spin", "takes the HDF5 library more than 1 s of processor time"),
        ("memory", "takes the HDF5 library more than 1,024 MB of memory"),
        ("nonsense", "talk nonsense"),
        ("short", "talk nonsense"),
    ],
)
def test_a_file_that_breaks_the_library_is_refused_in_one_sentence(
    run, own, monkeypatch, fault, says
):
    own(fault)
    monkeypatch.setattr(inspector.Limits, "of", classmethod(lambda cls, size: little(fault)))
    with pytest.raises(RunError, match=says) as caught:
        read_run(run)
    assert "it is not opened" in str(caught.value) and "\n" not in str(caught.value)
    # The next file has a process of its own.
    own()
    read_run(run).close()


def test_one_process_serves_many_files_and_is_gone_at_the_end(own, tmp_path, monkeypatch):
    one = own()
    writer = SegmentWriter(tmp_path / "run.h5", codec="sqrt16")
    for number in range(20):
        writer.add_example(name=f"e{number}")
        writer.flush()
    writer.release()
    with read_run(writer.parts) as opened:
        assert len(opened.examples) == 20
    pid = child_of(one)
    with read_run(writer.parts):
        assert child_of(one) == pid
    one.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_that_somebody_killed_is_started_again(run, own):
    one = own()
    read_run(run).close()
    os.kill(child_of(one), signal.SIGKILL)
    time.sleep(0.1)
    read_run(run).close()


def test_a_process_that_ended_for_want_of_work_is_started_again(run, own):
    own("idle")
    for _ in range(3):
        read_run(run).close()
        time.sleep(0.3)


def test_where_no_process_can_be_started_the_run_is_opened_with_a_notice(run, own, monkeypatch):
    own("no start")
    for _ in range(2):
        with read_run(run) as opened:
            assert any("code 7" in notice for notice in opened.notices)
            assert opened.map("look", 0).shape == (1, 1, 9)
    own()
    monkeypatch.setattr(sys, "executable", "")
    with read_run(run) as opened:
        assert any("without that protection" in notice for notice in opened.notices)


def test_what_is_inspected_can_be_given_up(run, own):
    one = own("hang")
    raised = []

    def read():
        try:
            read_run(run)
        except RunError as problem:
            raised.append(str(problem))

    thread = threading.Thread(target=read)
    thread.start()
    until = time.monotonic() + 20
    while thread.is_alive() and time.monotonic() < until:
        time.sleep(0.05)
        one.interrupt()
    thread.join(1)
    assert "nobody waits for it" in raised[0]


def test_several_threads_share_one_process(run, own):
    own()
    problems = []

    def read():
        try:
            for _ in range(5):
                read_run(run).close()
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


CHILD = """
import os, sys
from recorders import read_run
with read_run(sys.argv[1]) as run:
    run.map("look", 0)
print("h5py" in sys.modules)
sys.stdout.flush()
if os.fork() == 0:
    with read_run(sys.argv[1]) as run:
        print(run.map("look", 0).shape)
        sys.stdout.flush()
    os._exit(0)
os.wait()
with read_run(sys.argv[1]) as run:
    print(run.map("look", 1).shape)
"""


def test_a_reader_never_loads_hdf5_and_its_forks_have_inspectors_of_their_own(run):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, str(run)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split("\n")[:3] == ["False", "(1, 1, 9)", "(1, 1, 9)"]
    assert done.stderr == ""


def test_a_recorder_that_joins_its_own_parts_starts_no_process(own, tmp_path):
    one = own()
    hostile.honest_run(tmp_path / "run.h5")
    assert one._child is None
