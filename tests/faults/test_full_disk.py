"""A disk that is full, read-only or gone: an ordinary OSError, and nothing acknowledged is lost."""

import errno
import gc
import shutil
import tempfile
from contextlib import nullcontext
from pathlib import Path

import full_disks
import numpy as np
import pytest
import torch
from children import ended
from injector import Refusal
from truth import checked, write_step

from recorders import AttentionTap, Recorder, read_run
from recorders.capture import recording
from recorders.run.writer import SegmentWriter


class Pointer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.look = AttentionTap("pointer", mechanism="argmax")

    def forward(self, number):
        p = torch.softmax(torch.arange(4.0) * number, -1)[None]
        return self.look(probabilities=p, selection=p.argmax(-1))


def trained(recorder, model, first, last):
    """A training loop of a few steps; returns the errors that it met."""
    met = []
    for number in range(first, last):
        try:
            with recorder.example(name=str(number)):
                model(number)
        except OSError as problem:
            met.append(problem)
    return met


def names(path):
    """The examples whose event was recorded, each of them right."""
    with read_run(path) as run:
        found = [row for row in range(len(run.examples)) if run.steps("pointer", row)]
        for row in found:
            example = run.examples[row]
            p = np.exp(np.arange(4.0) * int(example.name))
            np.testing.assert_allclose(run.map("pointer", row)[0, 0], p / p.sum(), atol=4e-5)
        return [run.examples[row].name for row in found]


@pytest.mark.parametrize("kilobytes", [100, 500])
def test_a_full_disk_ends_in_an_exit_code_of_ones_own_and_keeps_what_was_acknowledged(kilobytes):
    if not full_disks.can_mount():
        pytest.skip("needs the right to mount a tmpfs")
    with full_disks.tmpfs(kilobytes) as folder:
        assert full_disks.recorded(folder)[0] == "refused"


@pytest.mark.parametrize("limit", [4_096, 60_000, 300_000])
def test_a_limit_on_file_size_does_the_same(tmp_path, limit):
    assert full_disks.recorded(tmp_path, limit=limit)[0] == "refused"


def test_a_model_that_asked_for_warnings_is_never_stopped_by_the_disk(tmp_path):
    model = Pointer()
    path = tmp_path / "run.h5"
    refusal = Refusal("write", 4, errno.ENOSPC, lasting=True, inside=tmp_path)
    with (
        refusal.active(),
        pytest.warns(RuntimeWarning, match="No space left") as warned,
        Recorder(path, model, flush_every=0, on_error="warn") as recorder,
    ):
        assert trained(recorder, model, 0, 8) == []
    assert any("not sealed" in str(warning.message) for warning in warned)
    assert names(path.with_name("run.h5.parts")) == ["0", "1"]
    recorder.close()
    assert names(path) == [str(number) for number in range(8)]


def test_a_training_loop_meets_an_ordinary_error_and_may_go_on(tmp_path):
    model = Pointer()
    refusal = Refusal("fsync", 3, errno.EIO, lasting=True, inside=tmp_path)
    with Recorder(tmp_path / "run.h5", model, flush_every=0) as recorder, refusal.active():
        met = trained(recorder, model, 0, 6)
        assert {problem.errno for problem in met} == {errno.EIO}
        refusal.healed = True
    assert names(tmp_path / "run.h5") == [str(number) for number in range(6)]


@pytest.mark.parametrize("on_error", ["raise", "warn"])
def test_memory_does_not_grow_while_the_disk_refuses_and_the_run_says_what_is_not_in_it(
    tmp_path, monkeypatch, on_error
):
    monkeypatch.setattr(recording, "_MOST_WAITING", 3_000)
    model = Pointer()
    refusal = Refusal("write", 2, errno.ENOSPC, lasting=True, inside=tmp_path)
    catch = pytest.warns(RuntimeWarning) if on_error == "warn" else nullcontext()
    with (
        refusal.active(),
        catch,
        Recorder(tmp_path / "run.h5", model, flush_every=0.0001, on_error=on_error) as recorder,
    ):
        met = trained(recorder, model, 0, 100)
        assert recorder._recording.writer.pending_bytes < 6_000
        refusal.healed = True
    assert bool(met) == (on_error == "raise")
    kept = names(tmp_path / "run.h5")
    assert 0 < len(kept) < 100
    with read_run(tmp_path / "run.h5") as run:
        assert any("came while the disk took nothing" in said for said in run.left_out)


def test_a_folder_that_vanishes_while_recording_is_said_and_a_later_recorder_is_not_disturbed(
    tmp_path,
):
    first = SegmentWriter(tmp_path / "run.h5", codec="float32")
    write_step(first, 1, 0)
    first.flush()
    shutil.rmtree(first.parts)
    write_step(first, 1, 1)
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match="was removed or replaced while"):
            first.flush()
    second = SegmentWriter(tmp_path / "run.h5", codec="float32")
    write_step(second, 2, 0)
    second.flush()
    with pytest.raises(FileNotFoundError, match="was removed or replaced while"):
        first.flush()
    with pytest.raises(FileNotFoundError, match="was removed or replaced while"):
        first.close()
    first.release()
    del first
    gc.collect()
    write_step(second, 2, 1)
    second.close()
    with read_run(tmp_path / "run.h5") as run:
        assert checked(run, 2) == 2


def test_the_whole_disk_may_vanish(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    writer = SegmentWriter(folder / "run.h5", codec="float32")
    write_step(writer, 1, 0)
    shutil.rmtree(folder)
    for act in (writer.flush, writer.close):
        with pytest.raises(FileNotFoundError, match="was removed or replaced while"):
            act()
    writer.release()


def test_a_folder_that_cannot_be_written_is_refused_at_once_in_a_sentence():
    code = """
    import os, sys
    from recorders.run.writer import SegmentWriter
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        SegmentWriter(sys.argv[1])
    except PermissionError as problem:
        print(problem)
        sys.exit(41)
    """
    folder = Path(tempfile.mkdtemp(prefix="hardattn-read-only-"))
    try:
        folder.chmod(0o555)
        status, out, err = ended(code, folder / "run.h5")
        assert (status, err) == (41, "")
        assert "Permission denied" in out and str(folder) in out
        assert list(folder.iterdir()) == []
    finally:
        folder.rmdir()


def test_a_recorder_that_cannot_begin_leaves_no_hook_and_no_lock(tmp_path, monkeypatch):
    from recorders.capture import recorder as module

    def fails(*_):
        raise MemoryError("no memory for that")

    model = Pointer()
    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(module.NetHost, "open", fails)
        Recorder(tmp_path / "run.h5", model).__enter__()
    assert list(tmp_path.iterdir()) == []
    with Recorder(tmp_path / "run.h5", model) as recorder:
        trained(recorder, model, 0, 1)
    assert names(tmp_path / "run.h5") == ["0"]
