"""Forks, signals, and recorders that nobody closes."""

import os
import signal
from textwrap import dedent

import numpy as np
import pytest
from children import ended, start
from truth import checked

from recorders import read_run
from recorders.run.writer import SegmentWriter

WRITER = """
    import os, signal, sys, time, warnings
    from recorders.run.writer import SegmentWriter
    from truth import write_step
    path = sys.argv[1]
    writer = SegmentWriter(path, codec="float32")
    def steps(first, last):
        for step in range(first, last):
            write_step(writer, 1, step)
    """
RECORDER = """
    import os, signal, sys, time, warnings
    import torch
    torch.set_num_threads(1)
    from recorders import AttentionTap, Recorder
    path = sys.argv[1]

    class Pointer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.look = AttentionTap("pointer", mechanism="argmax")

        def forward(self, number):
            p = torch.softmax(torch.arange(4.0) * number, -1)[None]
            return self.look(probabilities=p, selection=p.argmax(-1))

    model = Pointer()

    def record(recorder, first, last):
        for number in range(first, last):
            with recorder.example(name=str(number)):
                model(number)
                recorder.step(reward=number)
    """


def numbers(path):
    """The examples of a run of RECORDER, each found to hold what it should."""
    with read_run(path) as run:
        for number, example in enumerate(run.examples):
            p = np.exp(np.arange(4.0) * number)
            np.testing.assert_allclose(run.map("pointer", number)[0, 0], p / p.sum(), atol=4e-5)
            assert run.scalars(number)["reward"].tolist() == [number]
            assert example.name == str(number)
        return len(run.examples)


def test_a_forked_process_neither_writes_nor_seals_the_run_of_its_parent(tmp_path):
    code = """
    steps(0, 3)
    writer.flush()
    steps(3, 5)
    child = os.fork()
    if child == 0:
        steps(5, 6)
        try:
            writer.flush()
        except ValueError as problem:
            print(problem, flush=True)
        writer.close()
        writer.release()
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print(sorted(os.listdir(path + ".parts")), flush=True)
    steps(5, 9)
    writer.close()
    """
    status, out, err = ended(WRITER + code, tmp_path / "run.h5")
    assert (status, err) == (0, "")
    said, left = out.splitlines()
    assert "is recorded by process" in said and "open a recorder with another name" in said
    assert left == "['lock-0000', 'seg-0000-000000.h5']"
    with read_run(tmp_path / "run.h5") as run:
        assert checked(run, 1) == 9


def test_a_recorder_inherited_by_fork_is_silent_in_the_child_and_goes_on_in_the_parent(tmp_path):
    code = """
    with Recorder(path, model, flush_every=0) as recorder:
        record(recorder, 0, 2)
        with recorder.example(name="2"):
            child = os.fork()
            if child == 0:
                model(77)
                try:
                    recorder.flush()
                except ValueError as problem:
                    print(problem, flush=True)
                sys.exit(0)
            assert os.waitpid(child, 0)[1] == 0
            model(2)
            recorder.step(reward=2)
        child = os.fork()
        if child == 0:
            try:
                record(recorder, 50, 52)
            except ValueError as problem:
                print(problem, flush=True)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert os.path.isdir(path + ".parts") and not os.path.exists(path)
        record(recorder, 3, 5)
    """
    status, out, err = ended(RECORDER + code, tmp_path / "run.h5")
    assert (status, err) == (0, "")
    assert out.count("forked from; open a recorder") == 2
    assert numbers(tmp_path / "run.h5") == 5


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_a_data_loader_do_not_touch_the_run(tmp_path, method):
    code = """
    from torch.utils.data import DataLoader, Dataset

    class Numbers(Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            return index

    if __name__ == "__main__":
        with Recorder(path, model, flush_every=0) as recorder:
            for number in DataLoader(
                Numbers(), batch_size=None, num_workers=2, multiprocessing_context=METHOD
            ):
                record(recorder, number, number + 1)
    """
    script = tmp_path / "train.py"
    script.write_text(f"METHOD = {method!r}\n" + dedent(RECORDER) + dedent(code))
    runner = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    if method == "spawn":
        runner = "import os, sys; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    status, _, err = ended(runner, script, tmp_path / "run.h5")
    assert (status, err) == (0, "")
    assert numbers(tmp_path / "run.h5") == 6
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["run.h5", "train.py"]


def test_a_child_that_outlives_its_killed_parent_does_not_hold_the_name(tmp_path):
    code = """
    steps(0, 2)
    writer.flush()
    child = os.fork()
    if child == 0:
        time.sleep(600)
    print(child, flush=True)
    time.sleep(600)
    """
    with start(WRITER + code, tmp_path / "run.h5") as process:
        child = int(process.stdout.readline())
        process.kill()
        process.wait()
        try:
            with pytest.raises(FileExistsError, match="what a killed recording left"):
                SegmentWriter(tmp_path / "run.h5")
        finally:
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_process_loses_nothing_that_was_flushed(tmp_path, number):
    # Tests that run under nohup would hand it down that SIGHUP is ignored.
    code = f"""
    import signal
    signal.signal({int(number)}, signal.SIG_DFL)
    steps(0, 4)
    writer.flush()
    steps(4, 6)
    print("flushed", flush=True)
    time.sleep(600)
    """
    with start(WRITER + code, tmp_path / "run.h5") as process:
        assert process.stdout.readline() == "flushed\n"
        process.send_signal(number)
        assert process.wait() == -number
    with read_run(tmp_path / "run.h5.parts") as run:
        assert checked(run, 1) == 4


def test_ctrl_c_seals_what_was_recorded_and_goes_on_as_keyboard_interrupt(tmp_path):
    code = """
    try:
        with Recorder(path, model) as recorder:
            record(recorder, 0, 3)
            print("recorded", flush=True)
            time.sleep(600)
    except KeyboardInterrupt:
        sys.exit(7)
    """
    with start(RECORDER + code, tmp_path / "run.h5") as process:
        assert process.stdout.readline() == "recorded\n"
        process.send_signal(signal.SIGINT)
        assert process.wait() == 7
        assert process.stderr.read() == ""
    assert numbers(tmp_path / "run.h5") == 3


def test_an_interrupt_in_any_call_of_hdf5_into_the_file_is_an_interrupt(tmp_path):
    code = """
    from recorders.run.durable import DiskFile, SourceFile
    from recorders.run.reader import read_run
    from truth import checked

    calls, interrupted = [], 0

    def interruptible(name, method):
        def called(self, *given):
            calls.append(name)
            if len(calls) == interrupted:
                raise KeyboardInterrupt
            return method(self, *given)
        return called

    # As a signal that is handled where such a method begins.
    for kind in (SourceFile, DiskFile):
        for name in ("seek", "tell", "readinto", "write", "truncate", "flush"):
            if name in vars(kind):
                setattr(kind, name, interruptible(name, vars(kind)[name]))
    steps(0, 1)
    trial = SegmentWriter(path + ".trial", codec="float32")
    write_step(trial, 1, 0)
    trial.close()
    # HDF5 flushes what it holds back before it cuts the file to its length.
    last = calls.index("truncate")
    assert last > 200
    for interrupted in range(last - 140, last + 4):
        calls.clear()
        try:
            writer.close()
        except KeyboardInterrupt:
            assert os.path.exists(path + ".parts"), interrupted
        else:
            raise AssertionError(f"call {interrupted} was not interrupted")
    interrupted = 0
    writer.close()
    with read_run(path) as run:
        assert len(run.examples) == 1
        checked(run, 1)
    assert not os.path.exists(path + ".parts")
    """
    status, _, err = ended(WRITER + code, tmp_path / "run.h5")
    assert status == 0, err


def test_interrupts_at_random_moments_leave_a_run_that_reads_and_is_right(tmp_path):
    code = """
    import random
    from recorders.run.reader import read_run
    from truth import checked

    def interrupted(*_):
        raise KeyboardInterrupt

    def interrupt(first):
        # Again and again, since one that falls into a weak reference's callback is ignored.
        signal.setitimer(signal.ITIMER_REAL, first, 0.05 if first else 0)

    signal.signal(signal.SIGALRM, interrupted)
    writer.close()
    pick = random.Random(5)
    for turn in range(25):
        name = f"{path}-{turn}.h5"
        writer = SegmentWriter(name, codec="float32")
        done = 0
        try:
            interrupt(pick.uniform(0.0005, 0.06))
            for step in range(100):
                write_step(writer, 1, step)
                done = step + 1
                if step % 2:
                    writer.flush()
        except KeyboardInterrupt:
            interrupt(0)
        for attempt in range(3):
            try:
                interrupt(pick.uniform(0.0005, 0.02))
                writer.close()
                break
            except KeyboardInterrupt:
                interrupt(0)
        interrupt(0)
        writer.close()
        with read_run(name) as run:
            # Of the step that was cut short, some of it may be there.
            assert done <= len(run.examples) <= done + 1, (done, len(run.examples))
            if run.n_events == len(run.examples) == done:
                checked(run, 1)
        assert not os.path.exists(name + ".parts"), turn
    """
    status, _, err = ended(WRITER + code, tmp_path / "run")
    assert status == 0, err


def test_a_flush_from_a_signal_handler_in_the_middle_of_a_flush_is_refused_and_harms_nothing(
    tmp_path, monkeypatch
):
    from truth import write_step

    writer = SegmentWriter(tmp_path / "run.h5", codec="float32")
    plain, met = os.fsync, []

    def fsync(descriptor):
        if not met:
            met.append("in")
            with pytest.raises(BlockingIOError, match="let it set a flag") as caught:
                writer.flush()
            met.append(caught.value)
        plain(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    for step in range(4):
        write_step(writer, 1, step)
        writer.flush()
    writer.close()
    assert len(met) == 2
    with read_run(tmp_path / "run.h5") as run:
        assert checked(run, 1) == 4


FORGOTTEN = """
    recorder = Recorder(path, model)
    recorder.__enter__()
    record(recorder, 0, 3)
    """


def test_a_recorder_forgotten_open_is_sealed_at_exit_with_a_warning(tmp_path):
    status, out, err = ended(RECORDER + FORGOTTEN, tmp_path / "run.h5")
    assert (status, out) == (0, "")
    assert "Traceback" not in err
    assert err.count("was left open and is sealed at exit; use it as `with Recorder") == 1
    assert numbers(tmp_path / "run.h5") == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.h5"]


def test_a_forgotten_recorder_says_one_sentence_also_where_warnings_are_errors(tmp_path):
    status, _, err = ended(RECORDER + FORGOTTEN, tmp_path / "run.h5", options=["-W", "error"])
    assert status == 0
    assert "Traceback" not in err and "was left open" in err
    assert numbers(tmp_path / "run.h5") == 3


def test_a_forgotten_recorder_whose_disk_refuses_ends_in_a_sentence_and_keeps_what_was_flushed(
    tmp_path,
):
    code = """
    recorder.flush()
    record(recorder, 3, 5)
    def refuse(*_):
        raise OSError(28, "No space left on device")
    os.write = os.pwrite = refuse
    """
    status, _, err = ended(RECORDER + FORGOTTEN + code, tmp_path / "run.h5")
    assert status == 0
    assert "Traceback" not in err and "No space left" in err
    assert numbers(tmp_path / "run.h5.parts") == 3


def test_a_forgotten_recorder_that_another_thread_holds_does_not_hang_the_exit(tmp_path):
    code = """
    import threading
    held = threading.Event()
    def hold():
        with recorder._recording._lock:
            held.set()
            time.sleep(600)
    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    """
    status, _, err = ended(RECORDER + FORGOTTEN + code, tmp_path / "run.h5")
    assert status == 0
    assert "Traceback" not in err and "still records" in err


def test_sys_exit_and_an_exception_seal_and_a_child_forked_from_a_forgotten_one_does_not(tmp_path):
    code = """
    child = os.fork()
    if child == 0:
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert not os.path.exists(path)
    recorder.close()
    """
    status, _, err = ended(RECORDER + FORGOTTEN + code, tmp_path / "run.h5")
    assert (status, err) == (0, "")
    assert numbers(tmp_path / "run.h5") == 3
