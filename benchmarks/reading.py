"""How fast a run larger than memory is read, beside plain h5py, zarr 3 and numpy.memmap.

usage: python benchmarks/reading.py [--gigabytes 10] [--folder DIR] [--rounds 5] [--json FILE]

The run is made first: 12 layers × 12 heads × 512 × 512 for as many examples as it takes, and a few
maps of 8,192 × 8,192, causal softmax of structured scores, one stored chunk in many places. A
second run holds 100,000 examples with 10 steps of a glimpse each. Reading is timed warm (the
system has the files in memory as far as it can), in rounds that take each side in turn. The other
sides hold the same maps as float16, in chunks of one head (of 512 × 512 for the large map), which
suits what is asked of them. zarr is left out where it is not installed. Memory is the largest
resident set of a process that does all of this to the large run and to nothing else.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders import read_run
from recorders.run import layout
from recorders.run.contents import BulkIndex, Contents, load
from recorders.run.join import seal
from recorders.run.tables import Tables, TextColumn
from recorders.run.writer import SegmentWriter

LAYERS, HEADS, TOKENS = 12, 12, 512
LONG, LONG_HEADS, LONG_EXAMPLES = 8_192, 2, 3
POOL_EXAMPLES = 3
WINDOW = 512

Maps = NDArray[np.float32]
Measured = dict[str, dict[str, list[float]]]


def attention(rng: np.random.Generator, tokens: int) -> Maps:
    """One head's causal map [tokens, tokens]: content, nearness and a first token that many see."""
    queries, keys = rng.normal(size=(2, tokens, 32)).astype(np.float32)
    scores = queries @ keys.T * np.float32(rng.uniform(0.1, 0.5))
    place = np.arange(tokens, dtype=np.float32)
    scores -= np.abs(place[:, None] - place) * np.float32(rng.choice([0.0, 0.002, 0.02]))
    scores[:, 0] += np.float32(rng.uniform(0, 5))
    scores[place[:, None] < place] = -np.inf
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def entropies(maps: Maps) -> NDArray[np.float64]:
    logs = np.log(np.where(maps > 0, maps, 1))
    logs *= maps
    return -logs.sum(axis=-1, dtype=np.float64)


def pool(path: Path, tokens: int, heads: int, examples: int, sites: Sequence[int]) -> Maps:
    """Parts of a run with every site, recorded at ``sites`` only; returns the last map."""
    rng = np.random.default_rng(tokens)
    writer = SegmentWriter(path, metadata={"model": "made up for benchmarks/reading.py"})
    writer.add_snapshot(0)
    for layer in range(LAYERS):
        writer.add_site(
            f"layers.{layer}", kind="self", heads=HEADS, layer=layer, query_axis="tokens",
            key_axis="tokens",
        )  # fmt: skip
    for number in range(examples):
        words = [f"word{word} " for word in rng.integers(0, 50_000, tokens)]
        example = writer.add_example(f"text {tokens}-{number}", tokens=words)
        for site in sites:
            maps = np.stack([attention(rng, tokens) for _ in range(heads)])
            writer.add_events(
                site=site,
                examples=np.array([example]),
                step=0,
                snapshot=0,
                probabilities=maps[None],
                log_prob=np.full((1, heads, tokens), np.nan),
                entropy=np.stack([entropies(one) for one in maps])[None],
            )
        writer.flush()
    writer.release()
    return maps


def tiled(pieces: Sequence[Contents]) -> Contents:
    """These runs as one, each with its examples under names of their own; the sites are shared."""
    whole = pieces[0]
    columns: dict[str, list[NDArray[Any]]] = {}
    texts: dict[str, list[TextColumn]] = {}
    bulks: dict[str, list[BulkIndex]] = {}
    files: dict[Path, int] = {}
    rows = {"examples": 0, "tokens": 0}
    for copy, piece in enumerate(pieces):
        for file in piece.files:
            files.setdefault(file, len(files))
        number = np.array([files[file] for file in piece.files], np.int32)
        lengths = {path: sum(index.length for index in bulks.get(path, ())) for path in piece.bulks}
        shifts = {
            "events/example": rows["examples"],
            "examples/token_offset": rows["tokens"],
            "events/map_offset": lengths["maps/probabilities"],
            "events/row_offset": lengths["rows/entropy"],
        }
        for path, values in piece.tables.columns.items():
            if not copy or path.partition("/")[0] in ("events", "examples"):
                columns.setdefault(path, []).append(values + values.dtype.type(shifts.get(path, 0)))
        for path, column in piece.tables.texts.items():
            if path == "examples/name":
                column = TextColumn.of([f"{name}, copy {copy}".encode() for name in column])
            if not copy or path.partition("/")[0] in ("examples", "tokens"):
                texts.setdefault(path, []).append(column)
        for path, index in piece.bulks.items():
            bulks.setdefault(path, []).append(replace(index, file=number[index.file]))
        rows["examples"] += piece.tables.rows(layout.EXAMPLES)
        rows["tokens"] += piece.tables.rows(layout.TOKENS)
    tables = Tables(
        {path: np.concatenate(values) for path, values in columns.items()},
        {path: TextColumn.joined(column) for path, column in texts.items()},
    )
    joined = {
        path: replace(
            indices[0],
            file=np.concatenate([index.file for index in indices]),
            offset=np.concatenate([index.offset for index in indices]),
            size=np.concatenate([index.size for index in indices]),
            crc32=np.concatenate([index.crc32 for index in indices]),
        )
        for path, indices in bulks.items()
    }
    identities = {
        file: known
        for piece in pieces
        for file, known in zip(piece.files, piece.identities, strict=True)
    }
    return replace(
        whole,
        tables=tables,
        bulks=joined,
        files=tuple(files),
        identities=tuple(identities[file] for file in files),
    )


def make_large(folder: Path, gigabytes: float) -> Path:
    path = folder / "large.h5"
    pool(folder / "short.h5", TOKENS, HEADS, POOL_EXAMPLES, range(LAYERS))
    pool(folder / "long.h5", LONG, LONG_HEADS, 1, [0])
    short, long = (load(folder / f"{name}.h5.parts") for name in ("short", "long"))
    room = gigabytes * 1e9 - LONG_EXAMPLES * long.size
    seal(tiled([short] * max(1, round(room / short.size)) + [long] * LONG_EXAMPLES), path)
    return path


def make_many(folder: Path, examples: int = 100_000, steps: int = 10, regions: int = 16) -> Path:
    path, rng = folder / "many.h5", np.random.default_rng(0)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site("glimpse", kind="glimpse", hard=True, key_axis="regions")
    numbers = np.array([writer.add_example(f"digit {i:06}", label=i % 10) for i in range(examples)])
    for step in range(steps):
        maps = rng.dirichlet(np.full(regions, 0.5), (examples, 1, 1)).astype(np.float32)
        writer.add_events(
            site=site,
            examples=numbers,
            step=step,
            snapshot=0,
            probabilities=maps,
            log_prob=np.log(np.maximum(maps.max(axis=-1), 1e-30)).astype(np.float64),
            entropy=entropies(maps),
            selection=maps.argmax(axis=-1)[..., None],
        )
        writer.add_scalars(
            "reward", examples=numbers, steps=step, snapshot=0, values=rng.random(examples)
        )
    writer.add_outcomes(examples=numbers, snapshot=0, prediction=rng.integers(0, 10, examples))
    writer.close()
    return path


class Hardattn:
    """A run through ``read_run``."""

    def __init__(self, path: Path) -> None:
        self.run = read_run(path)
        names = self.run.examples
        self.short = sum(1 for example in names if example.n_tokens == TOKENS)

    def one(self, event: int, head: int) -> Maps:
        example, layer = divmod(event, LAYERS)
        site = f"layers.{layer}"
        return self.run.window(site, example, heads=slice(head, head + 1))[0]

    def all_heads(self, event: int) -> Maps:
        example, layer = divmod(event, LAYERS)
        return self.run.map(f"layers.{layer}", example)

    def window(self, head: int, query: int, key: int) -> Maps:
        return self.run.window(
            "layers.0",
            self.short,
            heads=slice(head, head + 1),
            queries=slice(query, query + WINDOW),
            keys=slice(key, key + WINDOW),
        )[0]

    def overview(self, head: int) -> Maps:
        return self.run.overview("layers.0", self.short, head=head).values


class Array:
    """The pool's maps as arrays [event, head, query, key] and [head, query, key] of a library."""

    def __init__(self, short: Any, long: Any) -> None:
        self.short, self.long = short, long

    def one(self, event: int, head: int) -> Maps:
        return np.asarray(self.short[event % self.short.shape[0], head], np.float32)

    def all_heads(self, event: int) -> Maps:
        return np.asarray(self.short[event % self.short.shape[0]], np.float32)

    def window(self, head: int, query: int, key: int) -> Maps:
        part = self.long[head, query : query + WINDOW, key : key + WINDOW]
        return np.asarray(part, np.float32)

    def overview(self, head: int) -> Maps:
        whole, block = np.asarray(self.long[head], np.float32), LONG // layout.DETAIL_SIZE
        shape = (layout.DETAIL_SIZE, block, layout.DETAIL_SIZE, block)
        return whole.reshape(shape).max(axis=(1, 3))


def others(folder: Path, run: Hardattn) -> Iterator[tuple[str, Array]]:
    """The same maps in other ways."""
    events = POOL_EXAMPLES * LAYERS
    shapes = (events, HEADS, TOKENS, TOKENS), (LONG_HEADS, LONG, LONG)
    plain = [
        np.memmap(folder / f"{name}.raw", np.float16, "w+", shape=shape)
        for name, shape in zip(("short", "long"), shapes, strict=True)
    ]
    file = h5py.File(folder / "plain.h5", "w")
    chunks = (1, 1, TOKENS, TOKENS), (1, WINDOW, WINDOW)
    gzip = [
        file.create_dataset(name, shape, "f2", chunks=chunk, compression="gzip")
        for name, shape, chunk in zip(("short", "long"), shapes, chunks, strict=True)
    ]
    sides = {"numpy.memmap": plain, "h5py gzip": gzip}
    try:
        import zarr
    except ImportError as problem:
        print(f"zarr is left out: {problem}", file=sys.stderr)
    else:
        sides["zarr 3"] = [
            zarr.create_array(folder / f"{name}.zarr", shape=shape, chunks=chunk, dtype="f2")
            for name, shape, chunk in zip(("short", "long"), shapes, chunks, strict=True)
        ]
    for event in range(events):
        maps = run.all_heads(event)
        for short, _ in sides.values():
            short[event] = maps
    for head in range(LONG_HEADS):
        for query in range(0, LONG, WINDOW):
            rows = run.run.window(
                "layers.0",
                run.short,
                heads=slice(head, head + 1),
                queries=slice(query, query + WINDOW),
            )[0]
            for _, long in sides.values():
                long[head, query : query + WINDOW] = rows
    for name, (short, long) in sides.items():
        yield name, Array(short, long)


def timed(seconds: list[float], action: Callable[..., object], *given: object) -> None:
    started = time.perf_counter()
    action(*given)
    seconds.append(time.perf_counter() - started)


def opened(path: Path) -> None:
    with read_run(path) as run:
        run.window(run.sites[0], len(run.examples) // 2, heads=slice(0, 1), queries=slice(0, 512))


def measure(folder: Path, large: Path, many: Path, rounds: int) -> Measured:
    run = Hardattn(large)
    sides: dict[str, Any] = {"hardattn": run, **dict(others(folder, run))}
    events, rng = run.short * LAYERS, np.random.default_rng(1)
    found: Measured = {
        what: {name: [] for name in (sides if "open" not in what else ["hardattn"])}
        for what in (
            "open, first map", "open 10⁶ events, first map", "map 512²", "all heads 512²",
            "window of 8,192²", "overview of 8,192²",
        )
    }  # fmt: skip
    for _ in range(rounds):
        timed(found["open, first map"]["hardattn"], opened, large)
        timed(found["open 10⁶ events, first map"]["hardattn"], opened, many)
        places = rng.integers(0, events, 40), rng.integers(0, HEADS, 40)
        corners = rng.integers(0, LONG - WINDOW, (8, 2))
        for name, side in sides.items():
            for event, head in zip(*(place.tolist() for place in places), strict=True):
                timed(found["map 512²"][name], side.one, event, head)
            for event in range(int(places[0][0]), int(places[0][0]) + 20):
                timed(found["all heads 512²"][name], side.all_heads, event % events)
            for query, key in np.sort(corners, axis=1)[:, ::-1].tolist():
                timed(found["window of 8,192²"][name], side.window, 0, query, key)
            for head in range(LONG_HEADS):
                timed(found["overview of 8,192²"][name], side.overview, head)
    run.run.close()
    return found


def resident(large: Path) -> float:
    """MB of a process that reads ``large`` in all these ways and has read all sorts of places."""
    words = [sys.executable, __file__, "--only-read", str(large)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def only_read(large: Path) -> None:
    run, rng = Hardattn(large), np.random.default_rng(2)
    for event in rng.integers(0, run.short * LAYERS, 150).tolist():
        run.one(event, 0)
        run.all_heads(event)
    for query, key in rng.integers(0, LONG - WINDOW, (30, 2)).tolist():
        run.window(0, query, key)
        run.overview(0)
    run.run.overview("layers.0", run.short, size=2 * layout.DETAIL_SIZE)
    run.run.columns()
    # The largest that the system's accounting hands on is that of the process that started this.
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def lines(found: Measured) -> Iterator[str]:
    sides = list(found["map 512²"])
    yield "| ms: least, median (95 %) | " + " | ".join(sides) + " |"
    yield "| --- " * (len(sides) + 1) + "|"
    for what, by_side in found.items():
        cells = []
        for side in sides:
            known = sorted(1e3 * second for second in by_side.get(side, []))
            worst = known[min(len(known) - 1, int(0.95 * len(known)))] if known else 0
            middle = statistics.median(known) if known else 0
            cells.append(f"{known[0]:.1f}, {middle:.1f} ({worst:.1f})" if known else "–")
        yield f"| {what} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--folder", type=Path, help="where the files are made, and removed again")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only-read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_read:
        only_read(options.only_read)
        return
    folder = Path(tempfile.mkdtemp(prefix="hardattn-reading-", dir=options.folder))
    try:
        started = time.perf_counter()
        large, many = make_large(folder, options.gigabytes), make_many(folder)
        made = time.perf_counter() - started
        size = large.stat().st_size
        contents = load(large)
        values = contents.bulks["maps/probabilities"].length
        print(
            f"{size / 1e9:.1f} GB, {contents.tables.rows(layout.EXAMPLES):,} examples, "
            f"{contents.tables.rows(layout.EVENTS):,} events, {size / values:.2f} bytes a value, "
            f"made in {made:.0f} s"
        )
        del contents
        print(f"resident: {resident(large):.0f} MB")
        found = measure(folder, large, many, options.rounds)
        print("\n".join(lines(found)))
        scrubs = 1 / statistics.median(found["all heads 512²"]["hardattn"])
        print(f"scrubbing all {HEADS} heads of a layer at {TOKENS} tokens: {scrubs:.0f} a second")
        if options.json:
            options.json.write_text(json.dumps(found))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
