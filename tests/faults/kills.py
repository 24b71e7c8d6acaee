"""Recordings killed at random moments, and what is left of them compared with the truth."""

import random
import shutil
import tempfile
import threading
from collections import Counter
from pathlib import Path

from children import LIMIT, start
from truth import CODEC_NAMES, checked

from recorders import RunError, read_run
from recorders.run.recover import recover
from recorders.run.writer import SegmentWriter

FLUSHES = 5
WRITER = """
    import os, sys
    from recorders.run.writer import SegmentWriter
    from truth import METADATA, write_step
    folder, seed, codec = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    os.write(1, b"ready\\n")
    for turn in range(10**6):
        writer = SegmentWriter(f"{folder}/run-{turn}.h5", codec=codec, metadata=METADATA)
        done = 0
        for flush in range(FLUSHES):
            for step in range(done, done + 1 + (seed + flush) % 4):
                write_step(writer, seed, step)
                done = step + 1
            writer.flush()
            os.write(1, b"%d %d\\n" % (turn, done))
        writer.close()
        os.write(1, b"%d sealed\\n" % turn)
    """.replace("FLUSHES", str(FLUSHES))
RECORDER = """
    import os, sys
    import numpy as np
    import torch
    torch.set_num_threads(1)
    from recorders import AttentionTap, Recorder
    from truth import CHOSEN, HEADS, METADATA, values
    folder, seed, codec = sys.argv[1], int(sys.argv[2]), sys.argv[3]

    class Looks(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.look = AttentionTap("look", mechanism="sampled")

        def forward(self, known):
            arrays = ("probabilities", "selection", "log_prob")
            return self.look(
                **{name: torch.from_numpy(known[name])[None] for name in arrays},
                temperature=known["temperature"],
            )

    model = Looks()
    os.write(1, b"ready\\n")
    for turn in range(10**6):
        path = f"{folder}/run-{turn}.h5"
        with Recorder(path, model, codec=codec, metadata=METADATA, flush_every=1e9) as recorder:
            done = 0
            for flush in range(FLUSHES):
                for step in range(done, done + 1 + (seed + flush) % 4):
                    known = values(seed, step)
                    described = ("label", "image", "regions", "tokens")
                    example = {name: known[name] for name in described}
                    with recorder.example(name=f"step-{step}", **example):
                        model(known)
                        recorder.step(reward=known["reward"])
                        recorder.outcome(prediction=step % 7, confidence=known["confidence"])
                    done = step + 1
                recorder.flush()
                os.write(1, b"%d %d\\n" % (turn, done))
        os.write(1, b"%d sealed\\n" % turn)
    """.replace("FLUSHES", str(FLUSHES))


def total(seed):
    """Steps in each whole run of this seed."""
    return sum(1 + (seed + flush) % 4 for flush in range(FLUSHES))


def killed(seed, *, torch=False):
    """Kill one recording process at a random moment and check all that it left.

    Returns:
        What was found, counted: runs in each state, steps acknowledged, steps read.

    Raises:
        AssertionError: a step that was acknowledged is lost, or any step is wrong.
    """
    pick = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="hardattn-kills-"))
    try:
        code = RECORDER if torch else WRITER
        process = start(code, folder, seed, pick.choice(CODEC_NAMES))
        stop = threading.Timer(LIMIT, process.kill)
        stop.start()
        try:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
            threading.Event().wait(pick.uniform(0, 1.2))
        finally:
            process.kill()
            out, err = process.communicate()
            stop.cancel()
        assert not err, err
        return _checked_all(folder, seed, _acknowledged(out))
    finally:
        shutil.rmtree(folder)


def _acknowledged(out):
    """What was printed: steps on disk by turn, and which turns were sealed."""
    steps, sealed = Counter(), set()
    for line in out.splitlines():
        turn, word = line.split()
        if word == "sealed":
            sealed.add(int(turn))
        else:
            steps[int(turn)] = int(word)
    return steps, sealed


def _checked_all(folder, seed, told):
    steps, sealed = told
    counts = Counter(kills=1)
    turns = {int(entry.name.split("-")[1].split(".")[0]) for entry in folder.glob("run-*")}
    assert turns >= sealed, "a sealed run is gone"
    for turn in sorted(turns | set(steps)):
        path = folder / f"run-{turn}.h5"
        counts["acknowledged"] += steps[turn]
        state, read = _checked(path, seed)
        assert read >= steps[turn], (path, read, steps[turn])
        assert state == "sealed" or turn not in sealed, (state, turn)
        counts["read"] += read
        counts[state] += 1
    return counts


def _checked(path, seed):
    """The state that one run was left in, and how many of its steps are there, all right."""
    parts = path.with_name(f"{path.name}.parts")
    if path.exists():
        with read_run(path) as run:
            read = checked(run, seed)
        assert read == total(seed)
        if not parts.exists():
            return "sealed", read
        assert recover(parts).before
        return "sealed, parts left", read
    if not any(parts.glob("seg-*")):
        _check_refused(parts)
        SegmentWriter(path).release()
        return "nothing flushed", 0
    with read_run(parts) as run:
        read = checked(run, seed)
    _check_busy(path)
    recovered = recover(parts)
    assert not recovered.lost and not recovered.before
    with read_run(path) as run:
        assert checked(run, seed) == read
    return "parts", read


def _check_refused(parts):
    if not parts.exists():
        return
    try:
        read_run(parts)
    except RunError as problem:
        assert "no finished part" in str(problem), problem
    else:
        raise AssertionError(f"{parts} opens though nothing was flushed")


def _check_busy(path):
    """What a killed recording left is never written over."""
    try:
        SegmentWriter(path)
    except FileExistsError as problem:
        assert "hardattn recover" in str(problem), problem
    else:
        raise AssertionError(f"{path} would be recorded over")


def campaign(kills, *, first=0, each=lambda count: None):
    """Kill this many recordings, every tenth a Recorder with torch.

    Returns:
        What was found, counted, and a sentence for each case in which the promise was broken.
    """
    counts, failed = Counter(), []
    for number in range(kills):
        torch = number % 10 == 9
        try:
            counts += killed(first + number, torch=torch)
        except Exception as problem:
            failed.append(f"kill {first + number}: {problem!r}")
        counts["with torch"] += torch
        each(number + 1)
    return counts, failed
