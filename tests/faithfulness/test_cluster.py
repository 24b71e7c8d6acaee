"""A check divided among the workers of a real Dask cluster on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reports_alike import assert_alike
from scaling_subjects import CHILD, arrays

from hardattn_viewer.checks.file import read_checks
from hardattn_viewer.cli import main
from hardattn_viewer.faithfulness import CancelledError, FaithfulnessError, check
from hardattn_viewer.faithfulness.scaling import Source, check_apart
from hardattn_viewer.faithfulness.scaling.cluster import Cluster

pytest.importorskip("distributed")

ROOT = Path(__file__).parents[2]
FEW: dict[str, Any] = {"explainers": ["shapley", "random"], "controls": 6}


def started(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    paths = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "faithfulness")]
    told = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "OMP_NUM_THREADS": "1",
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
        CHILD: "1",
    }
    with (folder / f"{words[0]}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *words], cwd=folder, env=told, stdout=log, stderr=log
        )


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def scheduler(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    file = folder / "scheduler.json"
    process = started(
        folder, "scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard",
        "--scheduler-file", str(file),
    )  # fmt: skip
    end = time.monotonic() + 60
    while True:
        try:
            return process, json.loads(file.read_text())["address"]
        except (FileNotFoundError, json.JSONDecodeError):
            assert time.monotonic() < end, (folder / "scheduler.log").read_text()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("dask")
    first, address = scheduler(folder)
    # Its nanny starts a worker anew that was killed, as on a real cluster.
    workers = [
        started(folder, "worker", address, "--nthreads", "1", "--no-dashboard", "--name", name)
        for name in ("a", "b")
    ]
    from distributed import Client

    try:
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address
    finally:
        for process in (*workers, first):
            ended(process)


@pytest.mark.slow
def test_two_dask_workers_give_the_report_of_one_process_also_if_one_is_killed(
    cluster: str, tmp_path: Path
) -> None:
    found = arrays()
    alone = check(found.subject, explanations=found.explanations, **FEW)
    report = check_apart(Source.of("scaling_subjects:arrays"), scheduler=cluster, **FEW)
    assert_alike(report, alone)
    mark = tmp_path / "killed"
    killing = Source.of("scaling_subjects:arrays", fault="kill", example=9, mark=str(mark))
    again = check_apart(killing, scheduler=cluster, **FEW)
    assert mark.exists()
    assert_alike(again, alone)


@pytest.mark.slow
def test_the_command_divides_a_run_among_dask_workers(cluster: str, tmp_path: Path) -> None:
    run = str(ROOT / "sample_runs" / "glimpse-hard.h5")
    few = ["--examples", "9", "--controls", "4", "--most", "3", "--explainers", "selection"]
    target, plain = tmp_path / "x.npz", tmp_path / "plain.npz"
    assert main(["check", run, *few, "--scheduler", cluster, "-o", str(target)]) == 0
    assert main(["check", run, *few, "-o", str(plain)]) == 0
    assert_alike(read_checks(target), read_checks(plain))
    assert not (tmp_path / "x.npz.parts").exists()


@pytest.mark.slow
def test_what_goes_wrong_on_a_cluster_is_one_sentence(cluster: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="the disk with the model was pulled out"):
        check_apart(
            Source.of("scaling_subjects:arrays", count=4, fault="raise"), scheduler=cluster, **FEW
        )
    with pytest.raises(FaithfulnessError, match=r"^examples 0 to 3: .* worker died again and"):
        check_apart(
            Source.of("scaling_subjects:arrays", count=4, fault="kill"), scheduler=cluster, **FEW
        )
    mark = tmp_path / "hangs"
    asked: list[float] = []

    def should_stop() -> bool:
        if mark.exists():
            asked.append(time.monotonic())
        return bool(asked)

    hanging = Source.of("scaling_subjects:arrays", fault="hang", mark=str(mark))
    with pytest.raises(CancelledError):
        check_apart(hanging, scheduler=cluster, should_stop=should_stop, **FEW)
    assert asked and time.monotonic() - asked[0] < 2


@pytest.mark.slow
def test_a_scheduler_that_is_gone_or_has_no_workers_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardattn_viewer.faithfulness.scaling.cluster.CONNECT_SECONDS", 1)
    process, address = scheduler(tmp_path)
    try:
        with pytest.raises(FaithfulnessError, match="has no workers: start some"):
            check_apart(Source.of("scaling_subjects:arrays"), scheduler=address, **FEW)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    job: Any = None
    unit: Any = None
    with pytest.raises(FaithfulnessError, match="no Dask scheduler answers at") as caught:
        list(Cluster(address)(job, [unit], lambda: False))
    assert "--workers" in str(caught.value)
