"""What it costs a recording to be followed by the app, and how late the app shows what is new.

usage: python benchmarks/following.py [--seconds 60] [--slice 4] [--flush 1] [--json FILE]

One recording is written at full speed, while the app, in another process and following, shows it.
In every second slice of time the app is stopped (SIGSTOP), so that what else the machine does
strikes both alike; when it goes on it has twice as much to catch up with. Compared is what one
example costs the writer in a slice with the app and in the slices without it around that: the
median of the ratios, with the 95 % interval of that median, by resampling. The writer may use core
0 and the app core 1, so that what is measured is what they share: disk, memory, caches and locks.
CPU time is the writer's own, and is what to look at where other programs use these cores too.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

HEADS, SIDE, STEPS, BATCH = 8, 64, 3, 4
_FLUSH_BYTES = 48 << 20


def write(path: Path, seconds: float, flush: float) -> None:
    """Record; says when it is ready, waits for a line, and says what each batch took."""
    from recorders.run.writer import SegmentWriter

    pin(0)
    rng = np.random.default_rng(0)
    maps = rng.dirichlet(np.full(SIDE, 0.3), (STEPS, BATCH, HEADS, SIDE)).astype(np.float32)
    entropy = -(maps * np.log(np.maximum(maps, 1e-30))).sum(-1).astype(np.float64)
    unknown = np.full(entropy.shape[1:], np.nan)
    writer = SegmentWriter(path)
    site, snapshot = writer.add_site("look", heads=HEADS), writer.add_snapshot(0)
    print("ready", flush=True)
    sys.stdin.readline()
    began = flushed = time.monotonic()
    ticks, parts = [(began, time.process_time())], [0]
    while ticks[-1][0] < began + seconds:
        first = (len(ticks) - 1) * BATCH
        rows = np.array([writer.add_example(f"e{first + row}") for row in range(BATCH)])
        for step in range(STEPS):
            writer.add_events(
                site=site,
                examples=rows,
                step=step,
                snapshot=snapshot,
                probabilities=maps[step],
                log_prob=unknown,
                entropy=entropy[step],
            )
        if time.monotonic() - flushed >= flush or writer.pending_bytes >= _FLUSH_BYTES:
            writer.flush()
            flushed = time.monotonic()
            parts.append(len(ticks))
        ticks.append((time.monotonic(), time.process_time()))
    writer.flush()
    words = {"ticks": ticks, "parts": parts, "bytes": writer.written_bytes}
    print(json.dumps(words), flush=True)
    sys.stdin.readline()
    writer.close()


def follow(path: Path) -> None:
    """Show the run in the app, offscreen, following; says how late everything was shown."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QSize, Qt, QTimer

    from hardattn_viewer.app.main_window import MainWindow
    from hardattn_viewer.app.settings import Settings, Unkept
    from hardattn_viewer.app.start import Bridge, application
    from hardattn_viewer.session.session import Session
    from hardattn_viewer.session.state import SessionState

    pin(1)
    app = application()
    bridge = Bridge()
    session = Session(wake=bridge.woke.emit)
    bridge.woke.connect(session.collect, Qt.ConnectionType.QueuedConnection)
    window = MainWindow(session, Settings(Unkept()), [], QSize(1300, 860))
    window.show()
    lags: list[float] = []
    begun = [0.0, 0.0]

    def changed(new: SessionState, old: SessionState) -> None:
        run = new.runs[0] if new.runs else None
        if run is None:
            return
        if run.status == "waiting" and (not old.runs or old.runs[0].status != "waiting"):
            print("ready", flush=True)
            begun[:] = time.perf_counter(), time.process_time()
        if run.live is not None and new.rows is not old.rows:
            lags.append(time.time() - run.live.written)
            session.follow(True)
        if run.facts is not None and run.facts.sealed and new.rows is not old.rows:
            used = (time.process_time() - begun[1]) / (time.perf_counter() - begun[0])
            words = {"lags": lags, "examples": len(new.rows or ()), "used": used}
            print(json.dumps(words), flush=True)
            QTimer.singleShot(0, window.close)

    session.changed.connect(changed)
    session.open([path])
    app.exec()


def pin(core: int) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[core % len(allowed)]})


def measure(folder: Path, seconds: float, flush: float, slice_: float) -> dict[str, Any]:
    """Record once, with the app stopped in every second slice."""
    path = folder / "run.h5"
    writer, follower = start("write", path, seconds, flush), None
    try:
        told(writer)
        follower = start("follow", path, seconds, flush)
        told(follower)
        tell(writer)
        # When the app goes on, and when it is stopped, in turn.
        turns = [time.monotonic()]
        until = turns[0] + seconds
        while time.monotonic() < until:
            time.sleep(slice_)
            follower.send_signal(signal.SIGCONT if len(turns) % 2 == 0 else signal.SIGSTOP)
            turns.append(time.monotonic())
        follower.send_signal(signal.SIGCONT)
        measured: dict[str, Any] = json.loads(told(writer))
        time.sleep(2)
        tell(writer)
        shown = json.loads(told(follower))
        expected = (len(measured["ticks"]) - 1) * BATCH
        if shown["examples"] != expected:
            raise SystemExit(f"only {shown['examples']} of {expected} examples were shown")
        writer.wait()
        follower.wait()
        return {**measured, **shown, "turns": turns}
    finally:
        for process in (writer, follower):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def ratios(measured: dict[str, Any], column: int) -> list[float]:
    """What an example cost with the app, over what it cost in the slices around without it."""
    ticks, parts = np.array(measured["ticks"]), np.array(measured["parts"])
    # From the end of one part to the end of the next, since writing it is most of the work.
    begins, ends = ticks[parts[:-1], 0], ticks[parts[1:], 0]
    spent, batches = np.diff(ticks[parts, column]), np.diff(parts)
    costs = []
    for begin, end in pairwise(measured["turns"]):
        inside = (begins >= begin) & (ends <= end)
        costs.append(spent[inside].sum() / batches[inside].sum() if inside.any() else np.nan)
    # Slices with the app have even numbers; the first has the start of everything in it.
    found = [
        costs[at] / (0.5 * (costs[at - 1] + costs[at + 1])) for at in range(2, len(costs) - 1, 2)
    ]
    return [ratio for ratio in found if np.isfinite(ratio)]


def start(role: str, path: Path, seconds: float, flush: float) -> subprocess.Popen[str]:
    words = [sys.executable, __file__, "--role", role, "--path", str(path)]
    words += ["--seconds", str(seconds), "--flush", str(flush)]
    pipe = subprocess.PIPE
    # Sessions of their own, as two terminals are: Linux shares out a busy machine by session.
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, start_new_session=True)


def in_words(values: list[float]) -> str:
    rng = np.random.default_rng(0)
    drawn = np.median(rng.choice(values, (2000, len(values))), axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return f"{np.median(values):.3f} (95 %: {low:.3f} to {high:.3f}, of {len(values)})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--slice", type=float, default=4.0, help="seconds with or without the app")
    parser.add_argument("--flush", type=float, default=1.0, help="seconds between two parts")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--role", choices=("write", "follow"), help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role == "write":
        write(options.path, options.seconds, options.flush)
        return 0
    if options.role == "follow":
        follow(options.path)
        return 0
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        measured = measure(Path(folder), options.seconds, options.flush, options.slice)
    speed = measured["bytes"] / (measured["ticks"][-1][0] - measured["ticks"][0][0])
    print(f"written: {speed / 1e6:.0f} MB/s, a part every {options.flush:g} s or 48 MB")
    for column, kind in ((1, "CPU"), (0, "wall")):
        print(f"{kind} time with the app / without: {in_words(ratios(measured, column))}")
    lags = measured["lags"]
    print(
        f"shown after it was on disk: {np.median(lags):.2f} s, at most {max(lags):.2f} s, "
        f"{len(lags)} times, the slices included in which the app was stopped"
    )
    print(f"the app used {100 * measured['used']:.0f} % of a core")
    if options.json is not None:
        options.json.write_text(json.dumps(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
