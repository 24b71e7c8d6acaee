"""Runs damaged in seeded ways, read in a process of its own, and compared with the truth."""

import json
import os
import random
import select
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
from children import start
from truth import CODEC_NAMES, METADATA, write_step

from recorders.run.writer import SegmentWriter

SEED, STEPS = 6, 26
SECONDS = 20.0
"""How long one damaged run may take to be read; the child measures nothing itself."""

READER = """
    import resource, sys
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from outcomes import outcome
    for line in sys.stdin:
        print(outcome(line.strip()), flush=True)
    """

KINDS = {
    "flipped bits": 5,
    "flipped bytes": 3,
    "cut short": 3,
    "zeroed": 3,
    "random bytes": 2,
    "moved": 2,
    "made longer": 1,
    "hostile attribute": 3,
    "hostile column": 4,
    "hostile shape": 2,
    "hostile link": 1,
}
"""Ways to damage a file, with how often each is chosen."""


def originals(folder):
    """Runs to damage: sealed ones of every codec, and folders of parts. Returns their paths."""
    paths = []
    for codec in CODEC_NAMES:
        path = folder / f"{codec}.h5"
        _write(path, codec).close()
        paths.append(path)
    for codec in CODEC_NAMES[:2]:
        writer = _write(folder / f"{codec}-growing.h5", codec)
        writer.flush()
        writer.release()
        paths.append(writer.parts)
    large = folder / "large-metadata.h5"
    metadata = {**METADATA, "padding": [f"{n:064d}" for n in range(1_500)]}
    _write(large, "sqrt16", metadata).close()
    return [*paths, large]


def _write(path, codec, metadata=METADATA):
    writer = SegmentWriter(path, codec=codec, metadata=metadata)
    for step in range(STEPS):
        write_step(writer, SEED, step)
        if step % 9 == 8:
            writer.flush()
    return writer


def corrupted(original, out, number):
    """Damage a copy of one run; returns the kind of damage in words."""
    pick = random.Random(number)
    if original.is_dir():
        shutil.copytree(original, out)
        target = pick.choice(sorted(out.glob("seg-*")))
    else:
        target = shutil.copy(original, out)
    kind = pick.choices(list(KINDS), list(KINDS.values()))[0]
    if kind.startswith("hostile"):
        _HOSTILE[kind](target, pick)
    else:
        content = bytearray(Path(target).read_bytes())
        _PLAIN[kind](content, pick)
        Path(target).write_bytes(content)
    return kind


def _place(content, pick):
    """A position, the first kilobytes (superblock, root) being hit more often than their share."""
    return pick.randrange(min(len(content), 4096) if pick.random() < 0.2 else len(content))


def _range(content, pick):
    begin = _place(content, pick)
    return begin, min(len(content), begin + int(2 ** pick.uniform(0, 13)))


def _flip_bits(content, pick):
    for _ in range(pick.choice((1, 1, 1, 2, 4, 16, 64))):
        content[_place(content, pick)] ^= 1 << pick.randrange(8)


def _flip_bytes(content, pick):
    for _ in range(pick.choice((1, 2, 8, 32))):
        content[_place(content, pick)] = pick.choice((0, 0xFF, 0x7F, 0x80, pick.randrange(256)))


def _cut(content, pick):
    del content[pick.randrange(len(content)) :]


def _zero(content, pick):
    begin, end = _range(content, pick)
    content[begin:end] = bytes(end - begin)


def _randomise(content, pick):
    begin, end = _range(content, pick)
    content[begin:end] = pick.randbytes(end - begin)


def _move(content, pick):
    begin, end = _range(content, pick)
    to = pick.randrange(len(content) - (end - begin) + 1)
    content[to : to + end - begin] = content[begin:end]


def _lengthen(content, pick):
    content += pick.randbytes(pick.choice((1, 512, 100_000)))


_PLAIN = {
    "flipped bits": _flip_bits,
    "flipped bytes": _flip_bytes,
    "cut short": _cut,
    "zeroed": _zero,
    "random bytes": _randomise,
    "moved": _move,
    "made longer": _lengthen,
}
_TEXTS = (
    b"",
    b"\xff\xfe",
    b"9.9",
    b"1.99",
    b"-1.0",
    b"a" * 5000,
    b"[]",
    b"{",
    b"sqrt8",
    b"float32",
)
_NUMBERS = (-1, 1, 2**31 - 1, -(2**63), 2**62, 255, float("nan"), float("inf"))


def _datasets(file):
    found = []

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            found.append(name)

    file.visititems(note)
    return sorted(found)


def _hostile_attribute(path, pick):
    with h5py.File(path, "r+") as file:
        owner = file if pick.random() < 0.6 else file[pick.choice(_datasets(file))]
        name = pick.choice(sorted(owner.attrs))
        turn = pick.randrange(4)
        if turn == 0:
            del owner.attrs[name]
        elif turn == 1:
            owner.attrs[name] = np.bytes_(pick.choice(_TEXTS) or b"\0")
        elif turn == 2:
            owner.attrs[name] = pick.choice(_NUMBERS)
        else:
            owner.attrs[name] = np.arange(pick.choice((1, 100, 5_000)))


def _hostile_column(path, pick):
    """Numbers that point anywhere, with the checksum that belongs to them."""
    with h5py.File(path, "r+") as file:
        name = pick.choice([name for name in _datasets(file) if "crc32" in file[name].attrs])
        values = file[name][:]
        for _ in range(pick.choice((1, 3, len(values)))):
            number = pick.choice(_NUMBERS)
            if values.dtype.kind in "iu":
                info = np.iinfo(values.dtype)
                number = int(max(info.min, min(info.max, number if number == number else 0)))
            if len(values):
                values[pick.randrange(len(values))] = number
        file[name][:] = values
        from recorders.run.codec import crc32

        file[name].attrs["crc32"] = np.uint32(crc32(values))


def _hostile_shape(path, pick):
    with h5py.File(path, "r+") as file:
        name = pick.choice(_datasets(file))
        dataset = file[name]
        length = pick.choice((0, 1, max(0, len(dataset) - 1), len(dataset) + 1, 10**9))
        most = dataset.maxshape[0]
        if most is None or length <= most:
            dataset.resize((length,))
            return
        # It may not grow in place, so that another one, with its words, takes its place.
        values, words = dataset[:], dict(dataset.attrs)
        del file[name]
        longer = file.create_dataset(
            name, (length,), values.dtype, maxshape=(None,), chunks=(4096,)
        )
        longer[: len(values)] = values
        longer.attrs.update(words)


def _hostile_link(path, pick):
    with h5py.File(path, "r+") as file:
        name = pick.choice(_datasets(file))
        del file[name]
        turn = pick.randrange(5)
        if turn == 0:
            file[name] = h5py.SoftLink("/events/site")
        elif turn == 1:
            file[name] = h5py.ExternalLink("/etc/hostname", "/")
        elif turn == 2:
            file.create_group(name)
        elif turn == 3:
            file[name] = np.arange(12).reshape(3, 4)


_HOSTILE = {
    "hostile attribute": _hostile_attribute,
    "hostile column": _hostile_column,
    "hostile shape": _hostile_shape,
    "hostile link": _hostile_link,
}


class _Reader:
    """The child that reads damaged runs, started again after it died or hung."""

    def __init__(self):
        self._child = None

    def __call__(self, case):
        """The outcome of one case, ``crash …`` or ``hang`` where there is none."""
        if self._child is None:
            self._child = start(READER, stdin=-1)
        self._child.stdin.write(json.dumps(case) + "\n")
        self._child.stdin.flush()
        until = time.monotonic() + SECONDS
        line = ""
        while not line.endswith("\n"):
            ready, _, _ = select.select(
                [self._child.stdout], [], [], max(0, until - time.monotonic())
            )
            if not ready:
                self.close()
                return {"outcome": "hang"}
            piece = os.read(self._child.stdout.fileno(), 65_536).decode()
            if not piece:
                said = self._child.stderr.read()[-500:]
                code = self._child.wait()
                self.close()
                return {"outcome": "crash", "says": f"exit status {code}: {said}"}
            line += piece
        return json.loads(line)

    def close(self):
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def campaign(count, *, first=0, each=lambda number: None):
    """Damage and read this many runs.

    Returns:
        Outcomes counted, outcomes by kind of damage, and every bad one: its number, kind and what
        was said. Bad are crashes, hangs, exceptions other than RunError, numbers that are wrong,
        and refusals that are not one sentence.
    """
    counts, kinds, bad = Counter(), Counter(), []
    folder = Path(tempfile.mkdtemp(prefix="hardattn-corruptions-"))
    reader = _Reader()
    try:
        paths = originals(folder)
        for number in range(first, first + count):
            original = paths[number % len(paths)]
            out = folder / ("damaged.h5" + (".parts" if original.is_dir() else ""))
            kind = corrupted(original, out, number)
            case = {"path": str(out), "seed": SEED, "steps": STEPS, "kind": kind}
            case["sealed"] = not original.is_dir()
            found = reader(case)
            counts[found["outcome"]] += 1
            kinds[kind, found["outcome"]] += 1
            if found["outcome"] not in GOOD:
                bad.append((number, kind, found))
            shutil.rmtree(out) if out.is_dir() else out.unlink()
            each(number - first + 1)
    finally:
        reader.close()
        shutil.rmtree(folder)
    return counts, kinds, bad


GOOD = ("all right", "refused", "read without a part", "other numbers with their checksum")
"""Outcomes that keep the promise.

The last is of hostile columns alone: a file whose numbers were changed together with their
checksum is another run, and nothing tells that it once was different.
"""
