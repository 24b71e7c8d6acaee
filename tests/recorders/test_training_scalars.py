"""Numbers that training tells of its snapshots: recorded, read, joined, absent from older files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from recorders import Recorder, read_run
from recorders.run.validate import findings
from recorders.run.writer import SegmentWriter, new_run

GOLDEN = Path(__file__).parent / "golden"


def attend(recorder):
    with recorder.example(name="x"):
        recorder.log("look", probabilities=np.array([[0.25, 0.75]]))


def test_what_training_tells_of_a_snapshot_is_read_where_it_was_told(tmp_path):
    with Recorder(tmp_path / "run.h5") as recorder:
        recorder.snapshot(step=0, loss=2.5, entropy=torch.tensor(1.25))
        attend(recorder)
        recorder.snapshot(step=100)
        attend(recorder)
        recorder.snapshot(step=200, loss=np.float32(0.5), norm=torch.tensor([3.0]))
        attend(recorder)
    with read_run(tmp_path / "run.h5") as run:
        told = run.training_scalars()
        assert [snapshot.step for snapshot in run.snapshots] == [0, 100, 200]
        assert set(told) == {"loss", "entropy", "norm"}
        np.testing.assert_array_equal(told["loss"], [2.5, np.nan, 0.5])
        np.testing.assert_array_equal(told["entropy"], [1.25, np.nan, np.nan])
        np.testing.assert_array_equal(told["norm"], [np.nan, np.nan, 3.0])
        assert "loss" not in run.scalars(0)
    assert [one for one in findings(tmp_path / "run.h5") if one.severity != "notice"] == []


def test_the_last_word_about_a_snapshot_counts_and_a_repeat_is_remarked(tmp_path):
    with Recorder(tmp_path / "run.h5") as recorder:
        recorder.snapshot(step=7, loss=2.0)
        attend(recorder)
        recorder.snapshot(step=7, loss=1.0)
    with read_run(tmp_path / "run.h5") as run:
        assert run.training_scalars()["loss"].tolist() == [1.0]
    found = [one for one in findings(tmp_path / "run.h5") if one.severity == "warning"]
    assert ["/training_scalars" in one.where for one in found] == [True]


@pytest.mark.parametrize(
    ("value", "words"),
    [(float("nan"), "NaN or infinite"), ([1.0, 2.0], "shape [2]"), (None, "loss")],
)
def test_what_is_not_one_number_is_refused_in_a_sentence(tmp_path, value, words):
    with Recorder(tmp_path / "run.h5") as recorder:
        with pytest.raises(ValueError, match="loss") as refused:
            recorder.snapshot(step=5, loss=value)
        assert words in str(refused.value)
        attend(recorder)
    with read_run(tmp_path / "run.h5") as run:
        # What followed belongs to that moment all the same.
        assert [snapshot.step for snapshot in run.snapshots] == [5]
        assert run.training_scalars() == {}


def test_a_run_that_is_still_recorded_tells_what_was_flushed(tmp_path):
    writer = SegmentWriter(tmp_path / "run.h5")
    writer.add_site("look")
    for step in (0, 10):
        snapshot = writer.add_snapshot(step)
        writer.add_training_scalar("loss", snapshot=snapshot, value=step + 0.5)
        writer.flush()
        with read_run(tmp_path / "run.h5.parts") as run:
            assert run.training_scalars()["loss"].tolist() == [0.5, 10.5][: snapshot + 1]
    writer.close()
    with read_run(tmp_path / "run.h5") as run:
        assert run.training_scalars()["loss"].tolist() == [0.5, 10.5]


def test_ranks_that_tell_the_same_number_are_one_run_with_the_lowest_ranks(tmp_path):
    name = new_run()
    writers = [
        SegmentWriter(tmp_path / "run.h5", rank=rank, world=2, run=name) for rank in range(2)
    ]
    for rank, writer in enumerate(writers):
        writer.add_site("look")
        # The names are met in another order, and one step by one rank only.
        for step in (0, 10)[: 2 - rank]:
            snapshot = writer.add_snapshot(step)
            for scalar in (("loss", "norm"), ("norm", "loss"))[rank]:
                value = step + rank / 4 + (100 if scalar == "norm" else 0)
                writer.add_training_scalar(scalar, snapshot=snapshot, value=value)
        writer.flush()
    writers[1].close(join=False)
    writers[0].close()
    with read_run(tmp_path / "run.h5") as run:
        told = run.training_scalars()
        assert told["loss"].tolist() == [0.0, 10.0]
        assert told["norm"].tolist() == [100.0, 110.0]
        assert "2 training scalars" in " ".join(run.left_out)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_runs_of_older_formats_tell_nothing(version):
    with read_run(GOLDEN / f"run-{version}.h5") as run:
        assert run.training_scalars() == {}
