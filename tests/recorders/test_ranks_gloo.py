import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from hardattn_viewer.cli.main import main
from recorders import read_run
from recorders.run.validate import findings

ROOT = Path(__file__).parents[2]
LIMIT = 120

BEGIN = """
    import os, sys, time
    import torch, torch.distributed as dist
    from recorders import AttentionTap, Recorder
    torch.set_num_threads(1)
    folder, rank, world = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    meeting = f"file://{folder}/meet"
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=world)

    class Pointer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.look = AttentionTap("pointer", mechanism="argmax")

        def forward(self, scores):
            p = torch.softmax(scores, -1)
            return self.look(probabilities=p, selection=p.argmax(-1))

    def scores(rank, number):
        generator = torch.Generator().manual_seed(100 * rank + number)
        return torch.randn(2, 5, generator=generator)

    model = Pointer()

    def record(recorder, number, **more):
        rows = [{"name": f"{rank}-{number}-{row}", "label": row, **more} for row in range(2)]
        with recorder.example(batch=rows):
            model(scores(rank, number))
            recorder.step(reward=[rank, number])
"""


def ranks(code, folder, world=2):
    """Start one process for each rank, with one gloo group."""
    whole = textwrap.dedent(BEGIN) + textwrap.dedent(code)
    return [
        subprocess.Popen(
            [
                sys.executable,
                "-W",
                "error::RuntimeWarning",
                "-c",
                whole,
                folder,
                str(rank),
                str(world),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]


def finished(processes):
    """What each printed; all of them ended well."""
    told = [process.communicate(timeout=LIMIT) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), told
    return [out for out, _ in told]


def expected(rank, number):
    import torch

    generator = torch.Generator().manual_seed(100 * rank + number)
    return torch.softmax(torch.randn(2, 5, generator=generator), -1).numpy()


def test_two_gloo_processes_record_one_run_that_rank_0_joins(tmp_path):
    code = """
        path = f"{folder}/run.h5"
        with Recorder(path, model, metadata={"seed": 1}) as recorder:
            for number in range(3 + rank):
                record(recorder, number)
            if rank == 1:
                time.sleep(1)
        if rank == 0:
            print(os.path.exists(path), os.path.exists(path + ".parts"))
        dist.barrier()
        dist.destroy_process_group()
        """
    assert finished(ranks(code, tmp_path)) == ["True False\n", ""]
    assert findings(tmp_path / "run.h5") == []
    with read_run(tmp_path / "run.h5") as run:
        assert (run.ranks, run.left_out) == (2, ())
        assert [site.name for site in run.sites] == ["pointer"]
        names = {example.name: example.index for example in run.examples}
        assert len(names) == 14
        for name, index in names.items():
            rank, number, row = map(int, name.split("-"))
            p = expected(rank, number)[row]
            np.testing.assert_allclose(run.map("pointer", index)[0, 0], p, atol=4e-5)
            assert run.selection("pointer", index)[0, 0, 0] == p.argmax()
            assert run.scalars(index)["reward"].tolist() == [(rank, number)[row]]


def test_what_a_killed_rank_left_is_recovered_with_the_others(tmp_path, capsys):
    code = """
        import signal
        try:
            with Recorder(f"{folder}/run.h5", model) as recorder:
                record(recorder, 0)
                recorder.flush()
                if rank == 1:
                    record(recorder, 1)
                    os.kill(os.getpid(), signal.SIGKILL)
        except Exception as problem:
            print(type(problem).__name__, problem, flush=True)
        os._exit(0)
        """
    first, second = ranks(code, tmp_path)
    told = [process.communicate(timeout=LIMIT) for process in (first, second)]
    assert second.returncode == -signal.SIGKILL, told
    assert first.returncode == 0, told
    parts = tmp_path / "run.h5.parts"
    assert told[0][0].startswith("RunError rank 1 was cut off"), told
    assert f"hardattn recover {parts}" in told[0][0]
    assert main(["recover", str(parts)]) == 0
    assert "2 ranks" in capsys.readouterr().out
    with read_run(tmp_path / "run.h5") as run:
        assert {example.name for example in run.examples} == {"0-0-0", "0-0-1", "1-0-0", "1-0-1"}
        assert run.left_out == ("rank 1 of 2 did not end: what it had not written yet is not here",)
        for example in run.examples:
            rank, number, row = map(int, example.name.split("-"))
            p = expected(rank, number)[row]
            np.testing.assert_allclose(run.map("pointer", example)[0, 0], p, atol=4e-5)
    assert {finding.severity for finding in findings(tmp_path / "run.h5")} == {"notice"}


def test_a_rank_that_records_alone_waits_for_nobody_and_disturbs_no_collective(tmp_path):
    code = """
        total = torch.ones(1)
        if rank == 0:
            with Recorder(f"{folder}/run.h5", model, ranks="this") as recorder:
                record(recorder, 0)
                dist.all_reduce(total)
        else:
            dist.all_reduce(total)
        print(total.item())
        dist.destroy_process_group()
        """
    assert finished(ranks(code, tmp_path)) == ["2.0\n", "2.0\n"]
    with read_run(tmp_path / "run.h5") as run:
        assert (run.ranks, run.n_events) == (1, 2)


def test_ranks_with_a_path_of_their_own_record_runs_of_their_own(tmp_path):
    code = """
        for turn in range(2):
            with Recorder(f"{folder}/run-{turn}-{rank}.h5", model) as recorder:
                record(recorder, turn)
        dist.destroy_process_group()
        """
    finished(ranks(code, tmp_path))
    for rank in (0, 1):
        for turn in (0, 1):
            with read_run(tmp_path / f"run-{turn}-{rank}.h5") as run:
                assert (run.ranks, run.examples[0].name) == (1, f"{rank}-{turn}-0")


def test_a_rank_without_a_recorder_ends_in_one_sentence_and_not_in_a_hang(tmp_path):
    code = """
        from recorders.capture.ranks import open_writer
        if rank == 0:
            try:
                open_writer(f"{folder}/run.h5", seconds=1)
            except Exception as problem:
                print(type(problem).__name__, problem)
            print(os.path.exists(f"{folder}/run.h5.parts"))
        dist.barrier()
        dist.destroy_process_group()
        """
    said, _ = finished(ranks(code, tmp_path))
    assert said.startswith("RunError rank 1 did not open a recorder within 1 s"), said
    assert 'ranks="this"' in said and said.endswith("False\n")


def test_where_one_rank_is_refused_all_of_them_are(tmp_path):
    code = """
        try:
            with Recorder(f"{folder}/run.h5", model):
                print("recorded")
        except OSError as problem:
            print("refused", problem)
        except Exception as problem:
            print(type(problem).__name__, problem)
        dist.barrier()
        dist.destroy_process_group()
        """
    (tmp_path / "run.h5.parts").mkdir()
    (tmp_path / "run.h5.parts/seg-0001-000000.h5").write_bytes(b"left by a killed one")
    for said in finished(ranks(code, tmp_path)):
        assert "holds what a killed recording left" in said, said
        assert "recorded\n" not in said
    assert sorted(path.name for path in (tmp_path / "run.h5.parts").iterdir()) == [
        "seg-0001-000000.h5"
    ]


@pytest.mark.parametrize("named", [True, False], ids=["same examples", "examples without a name"])
def test_examples_of_two_ranks_are_one_where_they_are_the_same_and_two_where_nobody_can_tell(
    tmp_path, named
):
    code = """
        with Recorder(f"{folder}/run.h5", model) as recorder:
            fields = {"name": "shared"} if NAMED else {}
            with recorder.example(**fields):
                model(scores(rank, 0)[:1])
        dist.barrier()
        dist.destroy_process_group()
        """.replace("NAMED", str(named))
    finished(ranks(code, tmp_path))
    with read_run(tmp_path / "run.h5") as run:
        names = [example.name for example in run.examples]
        if named:
            assert (names, run.n_events) == (["shared"], 1)
            assert "several ranks recorded the same 1 event" in run.left_out[0]
            np.testing.assert_allclose(run.map("pointer", 0)[0, 0], expected(0, 0)[0], atol=4e-5)
        else:
            assert names == ["example-0@rank0", "example-0@rank1"]
            assert run.left_out == ()
