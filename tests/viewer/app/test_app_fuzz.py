"""Thousands of random acts at the real window: nothing raises, and all views stay together."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot
from random_actions import Act, BrokenError, Person, random_acts, shortest
from small_runs import write_run
from text_runs import write_generated_run, write_patches_run, write_text_run

from hardattn_viewer.app.main_window import MainWindow
from sample_runs import Sample, samples

# A seed that failed elsewhere is tried here with HARDATTN_FUZZ_SEED.
SEED = int(os.environ.get("HARDATTN_FUZZ_SEED", "5"))
TRIES = 40


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Runs of every kind, one that is cut in the middle, and one that is not there."""
    folder = tmp_path_factory.mktemp("fuzz")
    made = [
        write_run(folder / "hard.h5", hard=True, seed=1),
        write_run(folder / "soft.h5", hard=False, heads=3, steps=2, snapshots=(1, 2, 3), seed=2),
        write_run(folder / "none.h5", hard=True, names=[]),
        write_text_run(folder / "text.h5"),
        write_generated_run(folder / "generated.h5"),
        write_patches_run(folder / "patches.h5"),
    ]
    whole = made[0].read_bytes()
    cut = folder / "cut.h5"
    cut.write_bytes(whole[: len(whole) // 2])
    return [*made, cut, folder / "missing.h5"]


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Sample, ...]:
    """Samples of its own: notes are written beside a run, never beside those of hardattn."""
    return tuple(
        replace(one, paths=tuple(Path(shutil.copy(path, tmp_path)) for path in one.paths))
        for one in samples()
    )


@pytest.mark.parametrize(
    "count", [150, pytest.param(2_000, marks=pytest.mark.campaign)], ids=["sample", "all"]
)
def test_random_acts_break_nothing(
    make_window: Callable[[], MainWindow],
    qtbot: QtBot,
    qtlog: Any,
    paths: list[Path],
    copies: tuple[Sample, ...],
    count: int,
) -> None:
    def warnings() -> list[str]:
        return [one.message for one in qtlog.records if not one.ignored]

    def first_fault(acts: Sequence[Act]) -> BrokenError | None:
        window = make_window()
        window.shelf.samples = copies
        window.cards.samples.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        window.session.open(paths[:2])
        try:
            Person(window, paths, warnings).do_all(acts)
        except BrokenError as error:
            return error
        finally:
            window.close()
            window.deleteLater()
        return None

    acts = random_acts(SEED, count)
    fault = first_fault(acts)
    if fault is None:
        return
    failed_at = int(str(fault).split()[1].rstrip(","))
    found = shortest(acts[: failed_at + 1], lambda some: first_fault(some) is not None, TRIES)
    last = first_fault(found) or fault
    listed = "\n".join(f"  {act}" for act in found)
    pytest.fail(f"seed {SEED}: {last}\nthe shortest list of acts that fails:\n{listed}")


def test_the_shortest_list_of_acts_is_found() -> None:
    acts = random_acts(1, 40)
    needed = {acts[7], acts[31]}
    assert set(shortest(acts, lambda some: needed <= set(some), 200)) == needed


def test_a_seed_gives_the_same_acts() -> None:
    assert random_acts(3, 50) == random_acts(3, 50) != random_acts(4, 50)
