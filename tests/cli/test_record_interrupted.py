"""Ctrl+C while `hardattn record` runs: a real SIGINT to a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from factory_files import write_models

from recorders import read_run
from recorders.run.validate import findings

SLOW = """
import pathlib, time
import torch
from recorders import AttentionTap


class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.look = AttentionTap("first")
        self.then = AttentionTap("second")

    def forward(self, x):
        self.look(probabilities=x.softmax(-1))
        pathlib.Path("begun").touch()
        time.sleep(0.3)
        self.then(probabilities=x.softmax(-1))


def make():
    return Slow(), lambda line: torch.ones(1, 4)


class Stuck(Slow):
    def forward(self, x):
        super().forward(x)
        pathlib.Path("stuck").touch()
        time.sleep(60)


def stuck():
    return Stuck(), lambda line: torch.ones(1, 4)


def slow_to_load():
    pathlib.Path("begun").touch()
    time.sleep(60)
"""


def started(folder: Path, factory: str, *words: str) -> subprocess.Popen[str]:
    module = write_models(folder, "slow_models", SLOW)
    (folder / "lines.txt").write_text("a\n" * 200, encoding="utf-8")
    command = [sys.executable, "-m", "hardattn_viewer", "record", f"{module}:{factory}"]
    return subprocess.Popen(
        [*command, "--text", "lines.txt", "-o", "run.h5", *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} never came"
        time.sleep(0.02)


def test_ctrl_c_ends_after_the_batch_and_leaves_a_good_run(tmp_path: Path) -> None:
    process = started(tmp_path, "make", "--json")
    wait_for(tmp_path / "begun")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    facts = json.loads(out)
    assert facts["stopped"] is True
    assert "stopping after this batch" in err
    assert f"stopped by Ctrl+C: run.h5 holds the {facts['examples']} examples until then" in err
    assert not (tmp_path / "run.h5.parts").exists()
    assert findings(tmp_path / "run.h5") == []
    with read_run(tmp_path / "run.h5") as run:
        assert run.sealed
        assert 1 <= len(run.examples) == facts["examples"] < 200
        # The batch that was running is whole: both sites saw every example.
        assert run.n_events == 2 * len(run.examples)


def test_ctrl_c_twice_ends_at_once_and_still_seals(tmp_path: Path) -> None:
    process = started(tmp_path, "stuck")
    wait_for(tmp_path / "stuck")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "Ctrl+C again stops at once" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "run.h5" in out
    with read_run(tmp_path / "run.h5") as run:
        assert run.n_events == 2


def test_ctrl_c_before_recording_leaves_nothing(tmp_path: Path) -> None:
    process = started(tmp_path, "slow_to_load")
    wait_for(tmp_path / "begun")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines() == ["hardattn record: stopped by Ctrl+C before anything was recorded"]
    assert not list(tmp_path.glob("run.h5*"))
