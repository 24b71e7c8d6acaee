"""Studies: asked for when a state wants them, read in slices, stopped when nobody wants them."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from small_runs import write_run

from hardattn_viewer.app.main_window import MainWindow
from hardattn_viewer.session import studies
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState
from recorders import Run


@dataclass(frozen=True)
class Names:
    """The names of a run's examples, one more a slice; ``missing`` is asked of the run last."""

    key: int
    missing: bool = False

    @property
    def keys(self) -> tuple[int, ...]:
        return (self.key,)

    def results(self, runs: Mapping[int, Run]) -> Iterator[object]:
        names: list[str] = []
        for example in runs[self.key].examples:
            names.append(example.name)
            yield tuple(names)
            yield None
        if self.missing:
            raise IndexError("there is no such example")


def of_shown(state: SessionState) -> Names | None:
    """Wanted while the comparison is shown; the theme stands for whatever else it depends on."""
    if state.slot_a is None or state.view != "compare":
        return None
    return Names(state.slot_a, missing=state.theme == "light")


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(studies.KINDS, "names", of_shown)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run.h5", hard=False, names=["x", "y", "z"])


def test_a_study_is_read_when_a_state_wants_it_and_forgotten_when_it_does_not(path: Path) -> None:
    session = Session()
    session.open([path])
    assert session.state.studies == {}
    session.set_view("compare")
    result = session.state.studies["names"]
    assert result.value == ("x", "y", "z") and result.finished and result.error == ""
    session.set_view("overlay")
    assert session.state.studies == {}
    session.close()


def test_another_question_is_asked_anew_and_an_error_keeps_what_was_known(path: Path) -> None:
    session = Session()
    session.open([path])
    session.set_view("compare")
    first = session.state.studies["names"]
    session.set_theme("light")
    second = session.state.studies["names"]
    assert second.study == replace(of_shown(session.state) or Names(0)) != first.study
    assert (second.value, second.error) == (("x", "y", "z"), "there is no such example")
    session.close()


def test_the_window_gets_studies_from_the_reader_thread(make_window, qtbot: QtBot, path: Path):
    window: MainWindow = make_window()
    threads: set[str] = set()
    seen: list[object] = []
    plain = Names.results

    def results(self: Names, runs: Mapping[int, Run]) -> Iterator[object]:
        threads.add(threading.current_thread().name)
        return plain(self, runs)

    Names.results = results  # type: ignore[method-assign]
    try:
        window.session.changed.connect(
            lambda new, _: seen.append(r.value) if (r := new.studies.get("names")) else None
        )
        window.session.open([path])
        window.session.set_view("compare")
        qtbot.waitUntil(
            lambda: (
                "names" in window.session.state.studies
                and window.session.state.studies["names"].finished
            ),
            timeout=10_000,
        )
    finally:
        Names.results = plain  # type: ignore[method-assign]
    assert threads == {"hardattn-reader"}
    assert window.session.state.studies["names"].value == ("x", "y", "z")
    assert None in seen
