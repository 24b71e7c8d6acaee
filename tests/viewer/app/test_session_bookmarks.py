"""Bookmarks and notes: kept beside the run, never lost, whoever else writes them."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import write_run

from hardattn_viewer.session.bookmarks import (
    VERSION,
    Bookmark,
    NotesError,
    changed_now,
    from_json,
    merged,
    new_bookmark,
    to_json,
)
from hardattn_viewer.session.marking import all_bookmarks, csv_of
from hardattn_viewer.session.session import Session
from hardattn_viewer.session.sidecar import keep_notes, places_of, read_notes
from recorders.run.address import address_of


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "data"
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    return home


@pytest.fixture
def path(tmp_path: Path, hard_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return Path(shutil.copy(hard_path, folder / "run.h5"))


@pytest.fixture
def session(path: Path) -> Iterator[Session]:
    made = Session()
    made.open([path])
    yield made
    made.close()


def sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".notes.json")


def on_disk(path: Path) -> list[Bookmark]:
    return [one for one in from_json(sidecar(path).read_bytes()).values() if not one.deleted]


def notes(session: Session) -> list[str]:
    return [one.mark.note for one in all_bookmarks(session.state)]


texts = st.text(max_size=30)
numbers = st.none() | st.integers(0, 1000)
bookmarks = st.builds(
    Bookmark,
    id=st.sampled_from(["a", "b", "c"]),
    example=texts,
    step=st.integers(0, 1_000_000),
    snapshot=numbers,
    site=st.none() | texts,
    head=numbers,
    query=numbers,
    note=texts,
    created=st.floats(0, 2e9),
    changed=st.floats(0, 3),
    deleted=st.booleans(),
)


@given(st.lists(bookmarks, max_size=6))
@settings(max_examples=200, deadline=None)
def test_notes_come_back_as_they_were_written(entries: list[Bookmark]) -> None:
    kept = merged(entries)
    assert from_json(to_json(kept.values(), "run").encode()) == kept


@given(st.lists(bookmarks, max_size=5), st.lists(bookmarks, max_size=5), st.lists(bookmarks))
@settings(max_examples=200, deadline=None)
def test_windows_come_to_the_same_notes_in_whatever_order(
    a: list[Bookmark], b: list[Bookmark], c: list[Bookmark]
) -> None:
    one = merged(merged(a, b).values(), c)
    assert one == merged(c, merged(b, a).values()) == merged(one.values(), a)
    assert one.keys() == {mark.id for mark in (*a, *b, *c)}


@given(st.binary(max_size=80) | st.text(max_size=60).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_no_file_breaks_the_reading_of_notes(data: bytes) -> None:
    with pytest.raises(NotesError, match="is damaged"):
        from_json(data)


@pytest.mark.parametrize(
    "broken",
    [
        {"id": ""},
        {"id": 7},
        {"step": -1},
        {"step": True},
        {"step": 1.5},
        {"head": "0"},
        {"deleted": 1},
        {"created": float("nan")},
        {"note": None},
        {"note": "x" * 100_001},
    ],
)
def test_a_bookmark_that_makes_no_sense_is_damage(broken: dict[str, object]) -> None:
    held = json.loads(to_json([new_bookmark(example="x")], "run"))
    held["bookmarks"][0] |= broken
    with pytest.raises(NotesError, match="cannot be understood"):
        from_json(json.dumps(held).encode())


def test_a_bookmark_is_kept_beside_the_run_and_comes_back(session: Session, path: Path) -> None:
    session.go_to_row(3)
    session.go_to_step(2)
    marked = session.bookmark()
    assert marked is not None
    session.set_note(marked.key, marked.mark.id, "leaves the stroke\nhere: <b>é</b>")
    (kept,) = on_disk(path)
    assert (kept.example, kept.step, kept.site, kept.head) == ("digit-3", 2, "glimpse", None)
    assert kept.note == "leaves the stroke\nhere: <b>é</b>"
    # The run itself is not touched.
    assert sorted(one.name for one in path.parent.iterdir()) == ["run.h5", "run.h5.notes.json"]
    other = Session()
    other.open([path])
    (found,) = all_bookmarks(other.state)
    other.go_to_bookmark(found.key, found.mark.id)
    assert (other.state.place.example, other.state.place.step) == (3, 2)
    other.close()


def test_b_again_takes_it_away_and_undo_brings_it_back(session: Session, path: Path) -> None:
    session.bookmark()
    assert session.bookmark() is None
    assert on_disk(path) == []
    session.undo()
    assert len(on_disk(path)) == 1
    session.undo()
    assert on_disk(path) == [] and notes(session) == []
    session.redo()
    session.go_to_row(2)
    # The view and the bookmark are taken back one after the other.
    session.undo()
    assert session.state.place.example == 0 and len(on_disk(path)) == 1
    session.undo()
    assert on_disk(path) == []


def test_taking_back_leaves_alone_what_another_window_wrote(path: Path) -> None:
    one, other = Session(), Session()
    one.open([path])
    other.open([path])
    marked = one.bookmark()
    other.go_to_row(5)
    theirs = other.bookmark()
    assert marked is not None and theirs is not None
    other.set_note(theirs.key, theirs.mark.id, "theirs")
    one.refresh_notes()
    assert sorted(notes(one)) == ["", "theirs"]
    one.undo()
    assert [mark.note for mark in on_disk(path)] == ["theirs"]
    other.refresh_notes()
    assert notes(other) == ["theirs"]
    for session in (one, other):
        session.close()


def test_many_writers_at_once_lose_nothing(path: Path) -> None:
    def write(number: int) -> None:
        for at in range(8):
            keep_notes(path, "run", [new_bookmark(example=f"{number}-{at}")])

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = {f"{number}-{at}" for number in range(4) for at in range(8)}
    assert {one.example for one in on_disk(path)} == wanted
    assert sorted(one.name for one in path.parent.iterdir()) == ["run.h5", "run.h5.notes.json"]


def test_of_two_changes_to_one_note_the_later_stays() -> None:
    first = new_bookmark(example="x")
    one = changed_now(first, None, note="one")
    other = changed_now(first, one, note="other")
    assert merged([other], [one])[first.id].note == "other"
    gone = changed_now(other, other, deleted=True)
    assert merged([gone], [other], [one])[first.id].deleted


def test_a_damaged_file_is_kept_aside_and_never_overwritten(path: Path) -> None:
    sidecar(path).write_bytes(b'{"format": "hardattn-notes", ')
    session = Session()
    session.open([path])
    (book,) = session.state.notebooks.values()
    assert book.problem.startswith(f"{sidecar(path)} is damaged: it is not the JSON")
    assert "it stays as it is" in book.problem
    # Looking alone changes nothing.
    assert sidecar(path).read_bytes() == b'{"format": "hardattn-notes", '
    session.bookmark()
    aside = path.with_name("run.h5.notes.json.damaged-1")
    assert aside.read_bytes() == b'{"format": "hardattn-notes", '
    assert len(on_disk(path)) == 1
    session.close()
    sidecar(path).write_bytes(b"\xff")
    keep_notes(path, "run", [new_bookmark(example="y")])
    assert path.with_name("run.h5.notes.json.damaged-2").read_bytes() == b"\xff"


def test_notes_of_a_newer_hardattn_are_left_alone(path: Path) -> None:
    held = json.dumps({"format": "hardattn-notes", "version": VERSION + 1, "shelves": []})
    sidecar(path).write_text(held)
    session = Session()
    session.open([path])
    session.bookmark()
    assert sidecar(path).read_text() == held
    (book,) = session.state.notebooks.values()
    assert "is of a newer hardattn (version 2 of its format)" in book.problem
    assert book.kept_in == str(places_of(path).own)
    session.close()
    assert len(read_notes(path).bookmarks) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_notes_of_a_run_in_a_folder_that_may_only_be_read(path: Path) -> None:
    path.parent.chmod(0o555)
    try:
        book = keep_notes(path, "run", [new_bookmark(example="x")])
    finally:
        path.parent.chmod(0o755)
    assert book.kept_in == str(places_of(path).own)
    assert len(read_notes(path).bookmarks) == 1


def test_where_the_folder_refuses_notes_are_kept_with_the_users_data(
    path: Path, monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    refuse_writing(monkeypatch, path.parent)
    book = keep_notes(path, "run", [new_bookmark(example="x", note="kept")])
    assert Path(book.kept_in).is_relative_to(data)
    assert [one.note for one in read_notes(path).bookmarks] == ["kept"]
    assert not sidecar(path).exists()


def refuse_writing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the system refuse to make files in a folder, as a read-only one does."""
    plain = os.open

    def refusing(name, flags, *rest, **named):
        if flags & os.O_CREAT and Path(name).parent == folder:
            raise PermissionError(13, "Permission denied", str(name))
        return plain(name, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refusing)


def test_notes_that_cannot_be_written_anywhere_are_said_and_written_later(
    path: Path, monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    session = Session()
    session.open([path])
    data.parent.mkdir(exist_ok=True)
    data.write_text("a file where a folder should be")
    with monkeypatch.context() as patched:
        refuse_writing(patched, path.parent)
        session.bookmark()
        (book,) = session.state.notebooks.values()
        assert book.problem.startswith("The notes of run cannot be written:")
        assert len(book.bookmarks) == 1
    data.unlink()
    session.refresh_notes()
    (book,) = session.state.notebooks.values()
    assert book.problem == "" and len(on_disk(path)) == 1
    session.close()


def test_notes_of_remote_runs_are_kept_without_secrets(data: Path) -> None:
    address = address_of("https://me:secret@example.org/runs/a.h5?token=abc")
    book = keep_notes(address, "a", [new_bookmark(example="x")])
    assert Path(book.kept_in).is_relative_to(data)
    everything = b"".join(one.read_bytes() for one in data.rglob("*") if one.is_file())
    assert b"secret" not in everything and b"abc" not in everything
    same = address_of("https://example.org/runs/a.h5")
    assert len(read_notes(same).bookmarks) == 1


def test_notes_of_parts_are_those_of_the_run_that_they_become(tmp_path: Path) -> None:
    parts = places_of(tmp_path / "run.h5.parts")
    assert parts == places_of(tmp_path / "run.h5")


def test_the_csv_has_a_line_a_bookmark_and_no_formulas(session: Session) -> None:
    session.go_to_row(4)
    session.go_to_step(1)
    marked = session.bookmark()
    assert marked is not None
    session.set_note(marked.key, marked.mark.id, '=HYPERLINK("x")\nsecond, line')
    header, line = csv.reader(io.StringIO(csv_of(session.state)))
    assert header == ["run", "example", "step", "snapshot", "site", "head", "query", "note"]
    assert line == [
        *("run", "digit-4", "1", "last", "glimpse", "mean", "usual"),
        '\'=HYPERLINK("x")\nsecond, line',
    ]


def test_a_bookmark_knows_its_moment_of_training(tmp_path: Path) -> None:
    path = write_run(tmp_path / "film.h5", hard=True, snapshots=(10, 20, 30), heads=2)
    session = Session()
    session.open([path])
    session.go_to_snapshot(1)
    session.go_to_head(1)
    marked = session.bookmark()
    assert marked is not None and (marked.mark.snapshot, marked.mark.head) == (20, 1)
    session.go_to_snapshot(None)
    session.go_to_head(None)
    last = session.bookmark()
    assert last is not None and last.mark.snapshot == 30
    session.go_to_bookmark(marked.key, marked.mark.id)
    assert (session.state.place.snapshot, session.state.place.head) == (1, 1)
    session.go_to_bookmark(last.key, last.mark.id)
    assert (session.state.place.snapshot, session.state.place.head) == (None, None)
    session.close()


def test_a_bookmark_of_a_run_that_is_not_shown_is_gone_to(
    session: Session, path: Path, soft_path: Path, tmp_path: Path
) -> None:
    session.go_to_row(7)
    marked = session.bookmark()
    third = write_run(tmp_path / "third.h5", hard=False, names=["a", "b"])
    session.open([soft_path, third])
    key = session.state.runs[2].key
    session.assign(key, "A")
    assert marked is not None and session.state.slot_of(marked.key) is None
    session.go_to_bookmark(marked.key, marked.mark.id)
    assert session.state.slot_a == marked.key
    rows = session.state.rows
    assert rows is not None and rows.names[session.state.place.example] == "digit-7"


def test_examples_are_filtered_by_bookmarks_and_their_notes(session: Session) -> None:
    for row in (2, 5):
        session.go_to_row(row)
        session.bookmark()
    marked = session.bookmarked()
    assert marked is not None
    session.set_note(marked.key, marked.mark.id, "Look Again")
    session.set_filter("bookmarked")
    assert session.state.order == (2, 5)
    session.set_filter('note ~ "again"')
    assert session.state.order == (5,)
    session.delete_bookmark(marked.key, marked.mark.id)
    assert session.state.order == ()
