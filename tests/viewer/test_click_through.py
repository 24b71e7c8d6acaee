"""A person at the real window: X server, pointer and keyboard, and what every view then shows."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from text_runs import write_text_run
from x_screen import TracedApp, XScreen, can_start, traced_app, wait_until_true

import sample_runs

HARD, SOFT = sample_runs.paths()
APP = [sys.executable, "-m", "hardattn_viewer", "view"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_start(), reason="Xvfb is not installed"),
]


@pytest.fixture
def screen() -> Iterator[XScreen]:
    with XScreen() as started:
        yield started


def expect(app: TracedApp, seconds: float = 10.0, **place: object) -> None:
    """The session comes to ``place``, and every view says the same of itself."""
    wanted = {name: str(value) for name, value in place.items()}

    def arrived() -> bool:
        return wanted.items() <= app.newest("state").items()

    assert wait_until_true(arrived, seconds), (wanted, app.newest("state"))
    assert wait_until_true(lambda: views_agree(app)), (app.newest("state"), app.newest("shows"))


def views_agree(app: TracedApp) -> bool:
    state, shown = app.newest("state"), app.newest("shows")
    examples = [value for name, value in shown.items() if name.endswith(".example")]
    steps = [value for name, value in shown.items() if name.endswith(".step")]
    return (
        examples == [state["example"]] * 2
        # Timeline, inspector, and every pane that can be seen.
        and steps == [state["step"]] * (4 if shown["view"] == "compare" else 3)
        and (shown["theme"], shown["view"]) == (state["theme"], state["view"])
    )


def test_open_select_step_play_scrub_theme_and_export(screen: XScreen, tmp_path: Path) -> None:
    with traced_app([*APP, str(HARD), str(SOFT), "--theme", "dark"], screen, tmp_path) as app:
        expect(app, example=0, step=0, view="compare", theme="dark", runs=2)
        dark = screen.picture()

        screen.click(*app.centre("examplesTable.line4"))
        expect(app, example=4)
        for key, step in (("Right", 1), ("Right", 2), ("Left", 1), ("End", 5), ("Home", 0)):
            screen.key(key)
            expect(app, example=4, step=step)
        screen.key("Down")
        expect(app, example=5, step=0)

        screen.key("space")
        app.wait_until(lambda line: line.startswith("state ") and "playing=1" in line, "playing=1")
        expect(app, seconds=20, example=5, step=5, playing=0)

        screen.drag(app.centre("timeline.step5"), app.centre("timeline.step2"))
        expect(app, example=5, step=2)
        screen.click(*app.centre("timeline.step3"))
        expect(app, example=5, step=3)

        screen.click(*app.centre("tool_view_overlay"))
        expect(app, view="overlay")
        screen.click(*app.centre("tool_view_compare"))
        expect(app, view="compare")

        screen.click(*app.centre("tool_toggleTheme"))
        expect(app, theme="light", example=5, step=3)
        time.sleep(0.3)
        light = screen.picture()
        assert dark.mean() < 70 < 170 < light.mean()
        assert np.ptp(light) > 200

        screen.click(*app.centre("tool_export"))
        app.wait_for_widget("exportSave")
        screen.focus_top_window()
        screen.click(*app.centre("exportPath"))
        screen.key("Control_L", "a")
        screen.type(str(tmp_path / "figure.svg"))
        screen.click(*app.centre("exportSave"))
        assert wait_until_true((tmp_path / "figure.svg").exists)
        screen.click(*app.centre("exportClose"))
        screen.focus_top_window()

        screen.key("Right")
        expect(app, example=5, step=4, view="compare", theme="light")
        screen.key("Control_L", "q")
        assert app.process.wait(20) == 0
    noise = [line for line in app.lines() if not line.startswith(("state ", "shows ", "at "))]
    assert noise == ["READY"]


def test_the_first_start_opens_the_sample_runs_side_by_side(
    screen: XScreen, tmp_path: Path
) -> None:
    with traced_app(APP, screen, tmp_path) as app:
        expect(app, example=0, step=0, view="compare", runs=2, listed=300)


def test_runs_that_cannot_be_opened_are_said_in_the_window(screen: XScreen, tmp_path: Path) -> None:
    broken = tmp_path / "broken.h5"
    broken.write_bytes(HARD.read_bytes()[:5000])
    with traced_app([*APP, str(broken)], screen, tmp_path) as app:
        assert "broken.h5" in app.newest_line("message")
        screen.key("Control_L", "q")
        assert app.process.wait(20) == 0


def test_sites_and_queries_are_chosen_by_keys_and_pointer(screen: XScreen, tmp_path: Path) -> None:
    path = write_text_run(tmp_path / "text.h5")
    with traced_app([*APP, str(path)], screen, tmp_path) as app:

        def comes(name: str, value: str) -> None:
            found = wait_until_true(lambda: app.newest("state").get(name) == value)
            assert found, app.newest("state")

        screen.key("Shift_L", "braceright")
        comes("site", "encoder.layer.1.attention")
        screen.key("bracketright")
        comes("head", "0")
        screen.key("period")
        comes("query", "1")
        screen.click(*app.centre("siteButton"))
        app.wait_for_widget("siteField")
        screen.focus_top_window()
        screen.type("layer 2")
        screen.key("Return")
        comes("site", "encoder.layer.2.attention")
        screen.focus_top_window()
        screen.click(*app.centre("overlayMatrix"))
        assert wait_until_true(lambda: app.newest("state")["query"] not in ("1", "usual"))
        screen.key("Control_L", "q")
        assert app.process.wait(20) == 0
