"""How fast the desktop app follows a person, and how much memory it takes while it does.

usage: python benchmarks/viewing.py [--only WORDS] [--frames 60] [--quick] [--json FILE]

Every case is a process of its own: the real window, offscreen, on a run that is made first. An act
is done, and the event loop runs until what the session is at is on the screen, in two or three
turns: the new place, what was read of it, and its painting. Of each turn the processor time of the
GUI thread is taken, in ms: nothing else can happen in it, and what the reader thread does at the
same time is not in it. A *frame* is the longest turn of an act: median and 95th percentile over
the acts, and the *worst gap* the longest of all. The *act* is all of its turns together.
Processor time, since other programs may use the machine; it grows nevertheless where they take the
caches. *Filter* and *sort* are wall-clock time from the act to the list. Memory is the resident
set of the process at the end, and how much of it came since the empty window; beside it what it is
once a second run of that size is open too, for the pane link. An act that a view does not offer is
reported as *not offered*.

Limits, marked with ! where they are passed: a frame 16 ms at the 95th percentile, filter and sort
200 ms, the worst gap 50 ms, memory 500 MB.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

FRAME_MS, LIST_MS, GAP_MS, MEMORY_MB = 16.0, 200.0, 50.0, 500.0
LAYERS, HEADS = 12, 12
SECONDS = 20.0
PAINTED_SECONDS = 0.03
Act = Callable[[int], object]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


# --- runs ---------------------------------------------------------------------------------


def attention(rng: np.random.Generator, tokens: int) -> Any:
    """One head's causal map float32 [tokens, tokens] of structured scores."""
    queries, keys = rng.normal(size=(2, tokens, 16)).astype(np.float32)
    scores = queries @ keys.T * np.float32(0.4)
    scores[np.triu_indices(tokens, 1)] = -np.inf
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    return scores / scores.sum(axis=-1, keepdims=True)


def entropy_of(maps: Any) -> Any:
    logs = np.log(np.where(maps > 0, maps, 1))
    return -(maps * logs).sum(axis=-1, dtype=np.float64)


def make_heads(path: Path, tokens: int, seed: int = 0) -> None:
    """12 layers × 12 heads × tokens × tokens, of two texts where that is not too much."""
    from recorders.run.writer import SegmentWriter

    rng = np.random.default_rng(seed)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    sites = [
        writer.add_site(
            f"layers.{layer}.attention",
            kind="self",
            heads=HEADS,
            layer=layer,
            query_axis="tokens",
            key_axis="tokens",
        )
        for layer in range(LAYERS)
    ]
    pool = [attention(rng, tokens) for _ in range(4)]
    for text in range(2 if tokens <= 512 else 1):
        words = [f"word{n} " for n in rng.integers(0, 30_000, tokens)]
        example = np.array([writer.add_example(f"text {text}", tokens=words)])
        for layer, site in enumerate(sites):
            maps = np.stack([pool[(layer + head + text) % len(pool)] for head in range(HEADS)])
            writer.add_events(
                site=site,
                examples=example,
                step=0,
                snapshot=0,
                probabilities=maps[None],
                log_prob=np.full((1, HEADS, tokens), np.nan),
                entropy=entropy_of(maps)[None],
            )
            writer.flush()
    writer.close()


def make_document(path: Path, tokens: int = 20_000, steps: int = 24) -> None:
    """A pointer that reads a long document: a query a step."""
    from recorders.run.writer import SegmentWriter

    rng = np.random.default_rng(1)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site(
        "reader", kind="pointer", heads=4, key_axis="tokens", hard=True, mechanism="argmax"
    )
    words = [f"word{n} " for n in rng.integers(0, 30_000, tokens)]
    example = np.array([writer.add_example("document", tokens=words)])
    for step in range(steps):
        p = rng.dirichlet(np.full(tokens, 0.02), (1, 4, 1)).astype(np.float32)
        writer.add_events(
            site=site,
            examples=example,
            step=step,
            snapshot=0,
            probabilities=p,
            log_prob=np.log(np.maximum(p.max(-1), 1e-30)).astype(np.float64),
            entropy=entropy_of(p),
            selection=p.argmax(-1)[..., None],
        )
    writer.close()


def make_timeline(path: Path, steps: int = 10**6) -> None:
    """One example of very many steps over nine regions."""
    from recorders.run.writer import SegmentWriter

    rng = np.random.default_rng(2)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site("glimpse", kind="glimpse", hard=True, key_axis="regions")
    image = rng.integers(0, 256, (12, 12), dtype=np.uint8)
    boxes = np.array([[x, y, x + 4, y + 4] for y in (0, 4, 8) for x in (0, 4, 8)], np.float32)
    example = writer.add_example("long", image=image, regions=boxes)
    p = rng.dirichlet(np.full(9, 0.5), (steps, 1, 1)).astype(np.float32)
    writer.add_events(
        site=site,
        examples=np.full(steps, example),
        step=0,
        snapshot=0,
        probabilities=p,
        log_prob=np.log(np.maximum(p.max(-1), 1e-30)).astype(np.float64),
        entropy=entropy_of(p),
        selection=p.argmax(-1)[..., None],
    )
    # Added as a batch of examples, then said to be steps: a call a step would take minutes.
    writer._pending._waits.rows["events"][-1][1].columns["events/step"] = np.arange(
        steps, dtype=np.int32
    )
    writer.close()


def make_examples(path: Path, examples: int = 100_000, steps: int = 4) -> None:
    """Very many examples with a prediction each."""
    from recorders.run.writer import SegmentWriter

    rng = np.random.default_rng(3)
    writer = SegmentWriter(path)
    writer.add_snapshot(0)
    site = writer.add_site("glimpse", kind="glimpse", hard=True, key_axis="regions")
    rows = np.array([writer.add_example(f"digit {i:06}", label=i % 10) for i in range(examples)])
    for step in range(steps):
        p = rng.dirichlet(np.full(16, 0.5), (examples, 1, 1)).astype(np.float32)
        writer.add_events(
            site=site,
            examples=rows,
            step=step,
            snapshot=0,
            probabilities=p,
            log_prob=np.log(np.maximum(p.max(-1), 1e-30)).astype(np.float64),
            entropy=entropy_of(p),
            selection=p.argmax(-1)[..., None],
        )
        writer.add_scalars(
            "reward", examples=rows, steps=step, snapshot=0, values=rng.random(examples)
        )
    writer.add_outcomes(examples=rows, snapshot=0, prediction=rng.integers(0, 10, examples))
    writer.close()


# --- the window ---------------------------------------------------------------------------


class Stage:
    """The real window on runs, and a clock.

    Args:
        paths: runs for A and B.
        view: the main view that is shown.
        frames: how often each act is done.
    """

    def __init__(self, paths: list[Path], view: str, frames: int) -> None:
        from PySide6.QtCore import QSize, Qt

        from hardattn_viewer.app.main_window import MainWindow
        from hardattn_viewer.app.memory import leave_alone_what_stays
        from hardattn_viewer.app.settings import Settings, Unkept
        from hardattn_viewer.app.start import Bridge, application
        from hardattn_viewer.session.session import Session

        self.app = application()
        self.bridge = Bridge()
        self.session = Session(wake=self.bridge.woke.emit)
        self.bridge.woke.connect(self.session.collect, Qt.ConnectionType.QueuedConnection)
        self.session.set_theme("dark")
        self.window = MainWindow(self.session, Settings(Unkept()), [], QSize(1600, 1000))
        self.window.show()
        # As the app does.
        leave_alone_what_stays()
        self.frames = frames
        self.worst = 0.0
        for _ in range(5):
            self.app.processEvents()
        self.empty_mb = self.memory_mb()
        self.session.open(paths)
        started = time.perf_counter()
        self.wait()
        self.opened_ms = 1e3 * (time.perf_counter() - started)
        self.session.set_view(view)
        self.wait()
        # Thumbnails, what is read ahead, and studies that the view asks for at once.
        self.idle(1.0)

    def memory_mb(self) -> float:
        from hardattn_viewer.views.status_line import resident_bytes

        return resident_bytes() / 1e6

    def turn(self) -> float:
        """One turn of the event loop; processor time in ms."""
        started = time.thread_time()
        self.app.processEvents()
        took = 1e3 * (time.thread_time() - started)
        self.worst = max(self.worst, took)
        return took

    def idle(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.turn()
            time.sleep(0.002)

    def wait(self) -> float:
        """Run the loop until what is looked at is on the screen; processor time in ms."""
        spent, until = self.turn(), time.perf_counter() + SECONDS
        while not self.is_shown() and time.perf_counter() < until:
            time.sleep(0.0005)
            spent += self.turn()
        if not self.is_shown():
            raise TimeoutError(f"nothing is shown after {SECONDS:g} s")
        # A window is painted up to 5 ms after it was changed, and docks follow the pictures.
        until = time.perf_counter() + PAINTED_SECONDS
        while time.perf_counter() < until:
            time.sleep(0.0005)
            spent += self.turn()
        return spent

    def is_shown(self) -> bool:
        from hardattn_viewer.session.wants import is_settled

        state = self.session.state
        reading = any(run.status == "loading" for run in state.runs)
        return not reading and is_settled(state) and bool(state.frames.present)

    def act(self, do: Act) -> dict[str, float]:
        """Median and 95th percentile of the frames of an act, and the worst gap, in ms."""
        frames, whole, worst = [], [], 0.0
        for number in range(self.frames):
            self.worst = 0.0
            started = time.thread_time()
            do(number)
            first = 1e3 * (time.thread_time() - started)
            self.worst = max(self.worst, first)
            whole.append(first + self.wait())
            frames.append(self.worst)
            worst = max(worst, self.worst)
        return {
            "median": statistics.median(frames),
            "p95": high(frames),
            "act": statistics.median(whole),
            "act p95": high(whole),
            "gap": worst,
        }

    def canvas(self) -> Any | None:
        """The largest picture of the view that is shown that can be pointed at."""
        from PySide6.QtWidgets import QWidget

        shown = self.window.views.currentWidget()
        found = [
            widget
            for widget in shown.findChildren(QWidget)
            if widget.isVisible() and widget.hasMouseTracking() and hasattr(widget, "picture")
        ]
        return max(found, key=lambda w: w.width() * w.height(), default=None)

    def close(self) -> None:
        self.window.close()


def high(times: list[float]) -> float:
    """The 95th percentile."""
    return sorted(times)[min(round(0.95 * len(times)), len(times) - 1)]


def pointed(widget: Any, number: int) -> Any:
    """A point of a widget, another for every number."""
    from PySide6.QtCore import QPointF

    x = 0.1 + 0.8 * ((number * 0.61803) % 1)
    y = 0.1 + 0.8 * ((number * 0.75488) % 1)
    return QPointF(x * widget.width(), y * widget.height())


def hover(stage: Stage) -> Act | None:
    from PySide6.QtCore import QEvent, QPointF, Qt
    from PySide6.QtGui import QMouseEvent

    widget = stage.canvas()
    if widget is None:
        return None

    def do(number: int) -> None:
        point = pointed(widget, number)
        none = Qt.MouseButton.NoButton
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            point,
            QPointF(widget.mapToGlobal(point)),
            none,
            none,
            Qt.KeyboardModifier.NoModifier,
        )
        stage.app.sendEvent(widget, event)

    return do


def zoom(stage: Stage) -> Act | None:
    """The wheel over the picture, in and out; not offered where no pixel changes by it."""
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent

    widget = stage.canvas()
    if widget is None:
        return None

    def wheel(up: bool, held: Qt.KeyboardModifier, number: int) -> None:
        point = pointed(widget, number // 2)
        event = QWheelEvent(
            point,
            QPointF(widget.mapToGlobal(point)),
            QPoint(),
            QPoint(0, 120 if up else -120),
            Qt.MouseButton.NoButton,
            held,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        stage.app.sendEvent(widget, event)

    for held in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier):
        before = widget.grab().toImage()
        for number in range(3):
            wheel(True, held, number)
            stage.wait()
        changed = widget.isVisible() and widget.grab().toImage() != before
        for number in range(3):
            wheel(False, held, number)
            stage.wait()
        if changed:
            return lambda number, held=held: wheel(number % 8 < 4, held, number)
    return None


def step(stage: Stage) -> Act | None:
    steps = stage.session.state.frames.steps
    if steps < 2:
        return None
    stride = max(steps // 97, 1)
    return lambda number: stage.session.go_to_step((number + 1) * stride % steps)


def head(stage: Stage) -> Act | None:
    return (lambda _: stage.session.next_head(1)) if stage.session.state.heads > 1 else None


def layer(stage: Stage) -> Act | None:
    facts = stage.session.state.facts("A")
    if facts is None or len(facts.sites) < 2:
        return None
    names = [site.name for site in facts.sites]
    return lambda number: stage.session.go_to_site(names[(number + 1) % len(names)])


ACTS = {"step": step, "head": head, "layer": layer, "hover": hover, "zoom": zoom}


def listed(stage: Stage) -> dict[str, dict[str, float]]:
    """Wall-clock time of filtering and sorting the table, in ms, and the worst gap."""
    session = stage.session
    filters = ("wrong(A)", "entropy > 2", "correct & steps > 1", "")
    sorts = (("entropy", True), ("outcome", False), ("reward", True), ("index", False))

    def measured(do: Act, count: int) -> dict[str, float]:
        stage.worst, took = 0.0, []
        for number in range(count):
            before = session.state.order
            started, cpu = time.perf_counter(), time.thread_time()
            do(number)
            stage.worst = max(stage.worst, 1e3 * (time.thread_time() - cpu))
            until = started + 2.0
            while session.state.order is before and time.perf_counter() < until:
                stage.turn()
            stage.turn()
            took.append(1e3 * (time.perf_counter() - started))
        took.sort()
        return {"median": statistics.median(took), "p95": took[-1], "gap": stage.worst, "act": 0.0}

    return {
        "filter": measured(lambda n: session.set_filter(filters[n % len(filters)]), 12),
        "sort": measured(lambda n: session.set_sort(*sorts[n % len(sorts)]), 12),
        "example": stage.act(lambda n: session.go_to_row(n * 977 % len(session.state.rows or ()))),
    }


# --- cases --------------------------------------------------------------------------------


def cases(quick: bool) -> dict[str, tuple[Callable[[Path], None], str]]:
    """Name: what makes its run, and the kind of what is measured there."""
    sizes = (128, 512) if quick else (128, 512, 1_024, 2_048)
    found: dict[str, tuple[Callable[[Path], None], str]] = {
        f"12 × 12 heads, {tokens:,} tokens": (lambda p, t=tokens: make_heads(p, t), "views")
        for tokens in sizes
    }
    found["a document of 20,000 tokens"] = (make_document, "views")
    found["a timeline of 10⁶ steps"] = (
        lambda p: make_timeline(p, 10**5 if quick else 10**6),
        "views",
    )
    found["100,000 examples"] = (make_examples, "list")
    return found


def measure(name: str, quick: bool, frames: int, folder: Path) -> dict[str, Any]:
    """One case, in this process."""
    from hardattn_viewer.app.main_views import MAIN_VIEWS

    _, kind = cases(quick)[name]
    path = folder / f"{abs(hash(name))}.h5"
    if not path.exists():
        words = [sys.executable, __file__, "--make", name, str(path)] + ["--quick"] * quick
        # Made elsewhere: what making takes is not the app's memory.
        subprocess.run(words, check=True)
    found: dict[str, Any] = {"acts": {}}
    try:
        stage = Stage([path], "overlay", frames)
    except TimeoutError as error:
        return {"error": str(error)}
    found["opened_ms"] = stage.opened_ms
    if kind == "list":
        found["acts"]["table"] = listed(stage)
    else:
        for view in MAIN_VIEWS:
            stage.session.set_view(view.id)
            try:
                stage.wait()
                stage.idle(0.5)
                acts = {what: act(stage) for what, act in ACTS.items()}
                found["acts"][view.id] = {
                    what: stage.act(do) if do is not None else None for what, do in acts.items()
                }
            except TimeoutError as error:
                found["acts"][view.id] = {"error": str(error)}
        found["memory_mb"] = stage.memory_mb()
        found["acts"]["two panes"] = {"pane link": pane_link(stage, path)}
        found["two_mb"] = stage.memory_mb()
    found.setdefault("memory_mb", stage.memory_mb())
    found["empty_mb"] = stage.empty_mb
    stage.close()
    return found


def pane_link(stage: Stage, path: Path) -> dict[str, float] | None:
    """Hovering and zooming in A while B beside it follows; the run stands beside a copy of it."""
    other = path.with_name(f"other-{path.name}")
    if not other.exists():
        with contextlib.suppress(OSError):
            os.link(path, other)
    if not other.exists():
        return None
    stage.session.open([other])
    stage.wait()
    until = time.perf_counter() + SECONDS
    while stage.session.state.frames.b is None and time.perf_counter() < until:
        # Its table is read first, and nothing is wanted of it until then.
        stage.idle(0.05)
    stage.session.set_view("compare")
    stage.wait()
    # As before: what the view asks for at once.
    stage.idle(1.0)
    do = hover(stage)
    return stage.act(do) if do is not None else None


# --- the table ----------------------------------------------------------------------------


def lines(name: str, found: dict[str, Any]) -> Iterator[str]:
    if "error" in found:
        yield f"{name}: {found['error']}!"
        return
    memory, opened = found["memory_mb"], found["opened_ms"]
    mark = "!" if memory > MEMORY_MB else " "
    two = f", {found['two_mb']:.0f} MB with a second such run" if "two_mb" in found else ""
    yield (
        f"{name}: memory {memory:.0f} MB{mark} ({memory - found['empty_mb']:.0f} more than the "
        f"empty window{two}), first picture after {opened:.0f} ms"
    )
    for view, acts in found["acts"].items():
        if "error" in acts:
            yield f"  {view:10} {acts['error']}"
            continue
        for what, numbers in acts.items():
            if numbers is None:
                yield f"  {view:10} {what:10} not offered"
                continue
            limit = LIST_MS if what in ("filter", "sort") else FRAME_MS
            slow = "!" if numbers["p95"] > limit else " "
            late = "!" if numbers["gap"] > GAP_MS else " "
            act = f"   act {numbers.get('act', 0):6.1f}, 95 % {numbers.get('act p95', 0):6.1f}"
            yield (
                f"  {view:10} {what:10} median {numbers['median']:7.1f}   95 % "
                f"{numbers['p95']:7.1f}{slow}  worst gap {numbers['gap']:7.1f}{late}"
                f"{act if numbers['act'] else ''}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="cases whose name holds these words")
    parser.add_argument("--frames", type=int, default=60, help="how often each act is done")
    parser.add_argument("--quick", action="store_true", help="smaller runs")
    parser.add_argument("--json", type=Path, help="write the numbers there as well")
    parser.add_argument("--folder", type=Path, help="keep the runs there")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--make", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        cases(arguments.quick)[arguments.make[0]][0](Path(arguments.make[1]))
        return
    if arguments.case:
        found = measure(arguments.case, arguments.quick, arguments.frames, arguments.folder)
        print(json.dumps(found))
        return
    results: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for name in cases(arguments.quick):
            if arguments.only not in name:
                continue
            words = [sys.executable, __file__, "--case", name, "--folder", str(folder)]
            words += ["--frames", str(arguments.frames), *["--quick"] * arguments.quick]
            hashed = {**os.environ, "PYTHONHASHSEED": "0"}
            done = subprocess.run(words, check=True, capture_output=True, text=True, env=hashed)
            results[name] = json.loads(done.stdout.splitlines()[-1])
            print("\n".join(lines(name, results[name])), flush=True)
    print(
        f"\nms; ! is over the limit: frames {FRAME_MS:g}, filter and sort {LIST_MS:g}, "
        f"worst gap {GAP_MS:g} ms, memory {MEMORY_MB:g} MB"
    )
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
