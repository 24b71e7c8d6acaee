"""`hardattn recover` on whatever a killed recording left behind."""

import os
import shutil

import pytest
from truth import checked, write_step

from hardattn_viewer.cli.main import main
from recorders import RunError, read_run
from recorders.run.recover import recover
from recorders.run.validate import findings
from recorders.run.writer import SegmentWriter, new_run

SEED = 4


@pytest.fixture(scope="module")
def five_parts(tmp_path_factory):
    """The parts of a killed recording: five, with two steps each."""
    path = tmp_path_factory.mktemp("killed") / "run.h5"
    writer = SegmentWriter(path, codec="float32")
    for step in range(10):
        write_step(writer, SEED, step)
        if step % 2:
            writer.flush()
    writer.release()
    return writer.parts


@pytest.fixture
def parts(five_parts, tmp_path):
    return shutil.copytree(five_parts, tmp_path / "run.h5.parts")


def part(parts, number, rank=0):
    return parts / f"seg-{rank:04d}-{number:06d}.h5"


def recovered(parts, capsys, *, code):
    """What `hardattn recover` says; the parts stay as they are."""
    before = {path.name: path.read_bytes() for path in parts.iterdir()}
    assert main(["recover", str(parts)]) == code
    assert {path.name: path.read_bytes() for path in parts.iterdir()} == before
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return told.err if code == 1 else told.out


def steps(path):
    with read_run(path) as run:
        return checked(run, SEED)


def test_whole_parts_are_joined_with_exit_code_0_and_what_was_never_flushed_is_said(parts, capsys):
    said = recovered(parts, capsys, code=0)
    assert "10 examples, 10 events" in said
    assert "left out: recording did not end" in said
    assert steps(parts.with_suffix("")) == 10


@pytest.mark.parametrize("damage", ["cut short", "empty", "zeros", "a flipped table"])
def test_a_damaged_last_part_is_lost_and_all_before_it_is_kept(parts, capsys, damage):
    last = part(parts, 4)
    content = bytearray(last.read_bytes())
    if damage == "zeros":
        content[:] = bytes(len(content))
    elif damage == "a flipped table":
        content[_chunk(last, "events/example")] ^= 0x40
    last.write_bytes(content[: {"cut short": len(content) // 2, "empty": 0}.get(damage)])
    said = recovered(parts, capsys, code=3)
    assert f"lost: part 4 of rank 0 is lost: {last}" in said
    assert steps(parts.with_suffix("")) == 8
    with read_run(parts.with_suffix("")) as run:
        assert any("part 4 of rank 0 is lost" in sentence for sentence in run.left_out)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_lies_before_a_missing_part_is_kept_and_the_run_says_what_is_not(
    parts, capsys, number
):
    part(parts, number).unlink()
    said = recovered(parts, capsys, code=3)
    assert f"part {number} of rank 0 is lost, with the {4 - number} after it: it is missing" in said
    assert steps(parts.with_suffix("")) == 2 * number


def test_a_missing_first_part_leaves_nothing_to_recover(parts, capsys):
    part(parts, 0).unlink()
    said = recovered(parts, capsys, code=1)
    assert "nothing that can be recovered; part 0 of rank 0 is lost, with the 4 after it" in said
    assert not parts.with_suffix("").exists()


def test_a_damaged_map_costs_only_what_lies_in_its_chunk(parts, capsys):
    damaged = part(parts, 1)
    content = bytearray(damaged.read_bytes())
    content[_chunk(damaged, "maps/probabilities")] ^= 1
    damaged.write_bytes(content)
    said = recovered(parts, capsys, code=3)
    assert f"lost: {damaged.name} is damaged: chunk" in said
    with read_run(parts.with_suffix("")) as run:
        assert len(run.examples) == 10
        for step in range(10):
            if step in (2, 3):
                with pytest.raises(RunError, match="does not match its checksum"):
                    run.map("look", step)
                assert run.selection("look", step) is not None
            else:
                run.map("look", step)
        assert any("does not match its checksum" in sentence for sentence in run.left_out)
    wrong = [finding for finding in findings(parts.with_suffix("")) if finding.severity == "error"]
    assert [finding.where for finding in wrong] == ["/maps/probabilities"]


def test_a_last_part_that_the_end_marker_counts_is_missed(tmp_path, capsys):
    writer = SegmentWriter(tmp_path / "run.h5", codec="float32")
    for step in range(4):
        write_step(writer, SEED, step)
        writer.flush()
    writer.close(join=False)
    part(writer.parts, 3).unlink()
    assert "part 3 of rank 0 is lost: it is missing" in recovered(writer.parts, capsys, code=3)
    assert steps(tmp_path / "run.h5") == 3


def test_temporary_files_and_notes_are_not_taken_for_parts(parts, capsys):
    (parts / ".seg-0000-000005.h5.99.tmp").write_bytes(b"half")
    (parts / "notes.txt").write_text("mine")
    recovered(parts, capsys, code=0)
    assert steps(parts.with_suffix("")) == 10


def test_what_a_killed_seal_or_recovery_had_begun_is_removed_by_the_next(parts, capsys):
    begun = parts.with_name(".run.h5.123.tmp")
    begun.write_bytes(b"half of it")
    other = parts.with_name(".other.h5.123.tmp")
    other.write_bytes(b"of another run")
    recovered(parts, capsys, code=0)
    assert other.exists() and not begun.exists()


def test_nothing_flushed_is_nothing_to_recover(tmp_path, capsys):
    empty = tmp_path / "run.h5.parts"
    empty.mkdir()
    assert "no finished part" in recovered(empty, capsys, code=1)
    assert main(["recover", str(tmp_path / "none.h5.parts")]) == 1
    assert "is not a folder of parts" in capsys.readouterr().err


def test_a_run_that_is_there_already_is_never_replaced(parts, capsys):
    parts.with_suffix("").write_bytes(b"precious")
    assert "exists already" in recovered(parts, capsys, code=1)
    assert parts.with_suffix("").read_bytes() == b"precious"


@pytest.mark.parametrize("removed", range(7))
def test_a_kill_while_sealed_parts_were_being_removed_leaves_nothing_to_do(
    tmp_path, capsys, monkeypatch, removed
):
    writer = SegmentWriter(tmp_path / "run.h5", codec="float32")
    for step in range(6):
        write_step(writer, SEED, step)
        writer.flush()
    plain, count = os.unlink, [0]

    def unlink(path, *rest, **options):
        if count[0] == removed:
            raise OSError(5, "Input/output error")
        count[0] += 1
        plain(path, *rest, **options)

    with monkeypatch.context() as patched, pytest.raises(OSError, match="Input/output"):
        patched.setattr(os, "unlink", unlink)
        writer.close()
    assert steps(tmp_path / "run.h5") == 6
    said = recovered(writer.parts, capsys, code=0)
    assert "sealed before" in said and "can be removed" in said
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["run.h5"]


def test_an_earlier_recovery_is_not_taken_for_the_whole_recording(tmp_path, capsys):
    writer = SegmentWriter(tmp_path / "run.h5", codec="float32")
    write_step(writer, SEED, 0)
    writer.flush()
    recover(writer.parts)
    write_step(writer, SEED, 1)
    writer.flush()
    writer.release()
    assert "exists already" in recovered(writer.parts, capsys, code=1)
    assert main(["recover", str(writer.parts), "-o", str(tmp_path / "more.h5")]) == 0
    assert (steps(tmp_path / "run.h5"), steps(tmp_path / "more.h5")) == (1, 2)


def test_parts_that_are_still_growing_are_joined_and_the_run_says_that_more_came(tmp_path, capsys):
    writer = SegmentWriter(tmp_path / "run.h5", codec="float32")
    write_step(writer, SEED, 0)
    writer.flush()
    assert main(["recover", str(writer.parts), "-o", str(tmp_path / "so-far.h5")]) == 0
    assert "rank 0 was still recording" in capsys.readouterr().out
    assert steps(tmp_path / "so-far.h5") == 1
    write_step(writer, SEED, 1)
    writer.close()
    assert steps(tmp_path / "run.h5") == 2


def test_damage_in_one_rank_keeps_all_of_the_others(tmp_path, capsys):
    run = new_run()
    writers = [SegmentWriter(tmp_path / "run.h5", rank=r, world=2, run=run) for r in (0, 1)]
    for rank, writer in enumerate(writers):
        for number in range(3):
            writer.add_example(f"{rank}-{number}")
            writer.flush()
        writer.release()
    part(writers[0].parts, 1, rank=0).write_bytes(b"")
    said = recovered(writers[0].parts, capsys, code=3)
    assert "part 1 of rank 0 is lost, with the 1 after it" in said
    with read_run(tmp_path / "run.h5") as opened:
        assert [e.name for e in opened.examples] == ["0-0", "1-0", "1-1", "1-2"]


def _chunk(path, name):
    """A byte in the middle of the first stored chunk of a dataset."""
    import h5py

    with h5py.File(path) as file:
        where = file[name].id.get_chunk_info(0)
        return where.byte_offset + where.size // 2
