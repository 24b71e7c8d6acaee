"""Small runs for tests of the app, and waiting for the window to show them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.session.wants import is_settled
from recorders.run.writer import SegmentWriter

EXAMPLES, STEPS, SIDE = 12, 4, 12


def write_run(
    path: Path,
    *,
    hard: bool,
    names: list[str] | None = None,
    steps: int = STEPS,
    heads: int = 1,
    snapshots: tuple[int, ...] = (100,),
    seed: int = 0,
) -> Path:
    """A run over a 3 × 3 grid of regions, with everything that the app can show."""
    rng = np.random.default_rng(seed)
    names = [f"digit-{i}" for i in range(EXAMPLES)] if names is None else names
    boxes = np.array([[x, y, x + 4, y + 4] for y in (0, 4, 8) for x in (0, 4, 8)], dtype=np.float32)
    writer = SegmentWriter(path)
    site = writer.add_site(
        "glimpse",
        kind="glimpse",
        mechanism="sampled" if hard else "soft",
        hard=hard,
        heads=heads,
        key_axis="regions",
        capture="tap",
    )
    images = np.random.default_rng(7).integers(0, 256, (len(names), SIDE, SIDE), dtype=np.uint8)
    examples = np.array(
        [
            writer.add_example(name, label=i % 10, image=images[i], regions=boxes)
            for i, name in enumerate(names)
        ],
        dtype=np.int64,
    )
    n = len(names)
    for training_step in snapshots:
        snapshot = writer.add_snapshot(training_step)
        for step in range(steps):
            p = rng.dirichlet(np.ones(9), (n, heads, 1))
            chosen = p.argmax(-1)[..., None]
            writer.add_events(
                site=site,
                examples=examples,
                step=step,
                snapshot=snapshot,
                probabilities=p,
                log_prob=np.log(p.max(-1)) if hard else np.full(p.shape[:-1], np.nan),
                entropy=-(p * np.log(p)).sum(-1),
                selection=chosen if hard else None,
                temperature=0.5 if hard else np.nan,
            )
        labels = np.arange(n) % 10
        predictions = np.where(np.arange(n) % 3 == 0, (labels + 1) % 10, labels)
        writer.add_outcomes(
            examples=examples,
            snapshot=snapshot,
            prediction=predictions,
            confidence=rng.uniform(0.5, 1, n),
            label_probability=rng.uniform(0, 1, n),
        )
        if hard:
            for step in range(steps):
                for name in ("reward", "baseline"):
                    values = (predictions == labels) if name == "reward" else rng.uniform(0, 1, n)
                    writer.add_scalars(
                        name,
                        examples=examples,
                        steps=step,
                        snapshot=snapshot,
                        values=values.astype(np.float64),
                    )
    writer.close()
    return path


def wait_until_shown(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until what the session is at is on the screen."""

    def shown() -> bool:
        state = window.session.state
        reading = any(run.status == "loading" for run in state.runs)
        settled = not reading and is_settled(state) and bool(state.frames.present)
        return settled and not window.behind.is_late

    qtbot.waitUntil(shown, timeout=10_000)
    QApplication.processEvents()
