"""Sessions as files: what is saved comes back, and what does not fit is refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Literal

import pytest

from hardattn_viewer.session import saved as saved_module
from hardattn_viewer.session.display import Display
from hardattn_viewer.session.frames import Place
from hardattn_viewer.session.history import ViewState, view_of
from hardattn_viewer.session.plain import UnfitError, plain, value_of, with_plain
from hardattn_viewer.session.restoring import Restoring
from hardattn_viewer.session.rows import Sort
from hardattn_viewer.session.saved import (
    LARGEST_BYTES,
    SavedSession,
    SavedSessionError,
    read_session,
    saved_of,
    text_of,
    write_session,
)
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.state import SessionState


@pytest.fixture
def session(hard_path: Path, soft_path: Path) -> Session:
    made = Session()
    made.open([hard_path, soft_path])
    return made


def restored(text: str, path: Path) -> tuple[Session, list[str]]:
    path.write_text(text)
    session, words = Session(), []
    Restoring(session, read_session(path), words.append).begin()
    return session, words


def test_everything_that_undo_knows_comes_back(session: Session, tmp_path: Path) -> None:
    session.swap()
    session.set_view("compare")
    session.go_to_row(7)
    session.go_to_step(2)
    session.pin(3)
    session.look_at("B")
    session.set_display(Display(heat=False, opacity=0.25, scale="step", colours="cividis"))
    session.set_sort("entropy", True)
    session.set_filter("steps > 1")
    session.set_theme("light")
    session.set_speed(4.0)
    path = tmp_path / "s.session.json"
    write_session(path, text_of(saved_of(session.state, "abc")))
    again, words = Session(), list[str]()
    Restoring(again, read_session(path), words.append).begin()
    assert words == [""]
    names = [one.name for one in fields(ViewState) if one.name not in ("slot_a", "slot_b")]
    for name in names:
        assert getattr(again.state, name) == getattr(session.state, name), name
    for slot in ("A", "B"):
        mine, other = again.state.run_in(slot), session.state.run_in(slot)
        assert mine is not None and other is not None and mine.path == other.path
    assert (again.state.theme, again.state.speed) == ("light", 4.0)
    assert again.state.frame is not None and again.state.frame.example_name == "digit-7"
    assert not again.history.can_undo
    session.close()
    again.close()


def test_every_part_of_a_view_can_be_written_as_json() -> None:
    """A new field of ViewState must be of plain types, or sessions lose it."""
    for one in fields(ViewState):
        plain(getattr(view_of(SessionState()), one.name))


def test_missing_runs_are_named_and_the_others_come_back(
    session: Session, hard_path: Path, tmp_path: Path
) -> None:
    saved = saved_of(session.state)
    gone = tmp_path / "gone.h5"
    again, words = Session(), list[str]()
    Restoring(again, replace(saved, runs=(str(hard_path), str(gone))), words.append).begin()
    assert words == ["1 of the session’s 2 runs could not be opened: gone.h5."]
    run = again.state.run_in("A")
    assert run is not None and run.path == hard_path
    assert again.state.slot_b is None
    session.close()
    again.close()


def test_an_example_is_found_by_its_name(session: Session, hard_path: Path, tmp_path: Path) -> None:
    session.go_to_row(5)
    saved = replace(saved_of(session.state), example="digit-9")
    again, words = Session(), list[str]()
    Restoring(again, saved, words.append).begin()
    assert again.state.place.example == 9
    session.close()
    again.close()


def view_data(**changes: object) -> dict[str, object]:
    """A session without runs, changed."""
    return {"format": "hardattn session", "version": 1, "runs": [], **changes}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no session of hardattn, or only a part"),
        (b"\x00\xff\xfe", "is no session of hardattn, or only a part"),
        (b"[" * 100_000, "is no session of hardattn, or only a part"),
        (b"[1, 2]", "is no session of hardattn"),
        (b'{"format": "hardattn session"}', "does not say which version"),
        (b'{"format": "hardattn session", "version": "1"}', "does not say which version"),
        (b'{"format": "hardattn session", "version": 99}', "newer hardattn"),
        (json.dumps(view_data(runs=[1, 2])).encode(), "damaged"),
        (json.dumps(view_data(runs="abc")).encode(), "damaged"),
        (json.dumps(view_data(runs=["x"] * 5_000)).encode(), "damaged"),
        (json.dumps(view_data(a="first")).encode(), "damaged"),
        (json.dumps(view_data(view=[])).encode(), "damaged"),
        (json.dumps(view_data(theme="plaid")).encode(), "damaged"),
        (b'{"format": "hardattn session", "version": 1, "speed": NaN}', "damaged"),
        (b" " * (LARGEST_BYTES + 1), "larger than any session"),
    ],
)
def test_what_is_no_session_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "bad.session.json"
    path.write_bytes(content)
    with pytest.raises(SavedSessionError, match=says) as caught:
        read_session(path)
    assert "bad.session.json" in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_folder_and_a_missing_file_are_no_sessions(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.session.json"):
        with pytest.raises(SavedSessionError, match="is not a file"):
            read_session(path)


def test_a_hostile_view_is_clamped_to_what_the_runs_have(session: Session, tmp_path: Path) -> None:
    session.go_to_row(4)
    data = json.loads(text_of(saved_of(session.state)))
    data["example"] = "no such example"
    data["view"] |= {"pinned": 10**9, "view": "../../etc", "filter": 7, "future": [1]}
    data["view"]["place"] = {
        "example": 2**52, "step": -5, "head": 400, "snapshot": -1, "site": "nowhere", "query": -2,
    }  # fmt: skip
    data["view"]["display"] |= {"opacity": 7, "scale": "all of them"}
    again, words = restored(json.dumps(data), tmp_path / "s.session.json")
    state = again.state
    assert state.place == Place(example=11)
    assert (state.pinned, state.view, state.filter) == (None, "overlay", "")
    assert state.display == Display()
    assert state.frame is not None
    assert words[0].startswith("Not understood, and left as usual: view, ")
    session.close()
    again.close()


def test_runs_that_no_address_can_be_are_missing(tmp_path: Path) -> None:
    text = json.dumps(view_data(runs=["", "a\0b", "ftp://x/y.h5"], a=0))
    again, words = restored(text, tmp_path / "s.session.json")
    assert again.state.runs == ()
    assert words[0].startswith("3 of the session’s 3 runs")
    again.close()


def test_secrets_of_urls_are_not_saved() -> None:
    session = Session()
    from recorders.run.address import address_of

    url = address_of("http://user:secret@127.0.0.1:9/run.h5?token=abc")
    session.open([url])
    text = text_of(saved_of(session.state))
    assert "http://127.0.0.1:9/run.h5" in text
    assert "secret" not in text and "abc" not in text
    session.close()


def test_an_old_session_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renamed(found: dict[str, object]) -> dict[str, object]:
        return {**found, "runs": found["paths"]}

    migrations: dict[int, Callable[[dict[str, object]], dict[str, object]]] = {1: renamed}
    monkeypatch.setattr(saved_module, "VERSION", 2)
    monkeypatch.setattr(saved_module, "MIGRATIONS", migrations)
    path = tmp_path / "old.session.json"
    path.write_text(json.dumps({"format": "hardattn session", "version": 1, "paths": ["x.h5"]}))
    assert read_session(path).runs == ("x.h5",)
    path.write_text(json.dumps({"format": "hardattn session", "version": 1}))
    with pytest.raises(SavedSessionError, match="damaged"):
        read_session(path)


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.session.json"
    write_session(path, text_of(SavedSession(runs=("a.h5",))))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_session(path, text_of(SavedSession(runs=("b.h5",))))
    assert read_session(path).runs == ("a.h5",)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@dataclass(frozen=True)
class Sample:
    flag: bool = False
    kind: Literal["a", "b"] = "a"
    some: tuple[int, ...] = ()
    pair: tuple[str, float] | None = None
    names: frozenset[str] = frozenset()
    sort: Sort = field(default_factory=Sort)


def test_plain_values_come_back_as_they_were() -> None:
    value = Sample(True, "b", (1, 2), ("x", 0.5), frozenset({"q", "p"}), Sort("reward", True))
    unfit: list[str] = []
    assert with_plain(Sample(), json.loads(json.dumps(plain(value))), unfit) == value
    assert unfit == []
    assert value_of(Sample, plain(value)) == value


@pytest.mark.parametrize(
    ("hint", "data"),
    [
        (int, True), (int, 1.0), (int, 2**60), (bool, 1), (str, 5), (float, "1"), (float, None),
        (Literal["a", 1], True), (tuple[int, ...], "12"), (tuple[int, str], [1]), (Sort, []),
        (dict[str, int], [1]), (int | None, "x"), (Path, "/x"),
    ],
)  # fmt: skip
def test_values_of_other_types_do_not_fit(hint: object, data: object) -> None:
    with pytest.raises(UnfitError):
        value_of(hint, data)


def test_what_is_not_plain_is_not_written() -> None:
    for value in (Path("/x"), float("nan"), object(), {1: 2}):
        with pytest.raises(UnfitError):
            plain(value)
