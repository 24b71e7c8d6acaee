"""Animations by ``hardattn export``: every frame is the still figure of its place."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from commands import output_of, sentence_of
from PIL import Image

from hardattn_viewer.drawing.heads import measure_text
from hardattn_viewer.drawing.text import amount
from hardattn_viewer.figures.embedding import recipe_in
from hardattn_viewer.session.frames import Place
from hardattn_viewer.session.head_atlas import numbers_at
from recorders import read_run

ROOT = Path(__file__).resolve().parents[2]
HARD = ROOT / "sample_runs" / "glimpse-hard.h5"
SOFT = ROOT / "sample_runs" / "glimpse-soft.h5"
TRAINING = ROOT / "sample_runs" / "training-hard.h5"
TEXT = ROOT / "sample_runs" / "minilm-text.h5"
# 85 mm at 300 dots per inch, as a still PNG has.
SAME = ("--width-mm", "85", "--pixels", "1004")


def frames_of(path: Path) -> list[np.ndarray]:
    """The frames as they are shown, int [height, width, 3]."""
    with Image.open(path) as film:
        found = []
        for at in range(film.n_frames):
            film.seek(at)
            found.append(np.asarray(film.convert("RGB"), int))
    return found


def still(capsys: pytest.CaptureFixture[str], path: Path, *words: str) -> np.ndarray:
    output_of(capsys, "export", *words, "--width-mm", "85", "-o", str(path))
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), int)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_frame_is_the_still_figure_of_its_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], theme: str
) -> None:
    about = (str(HARD), "--example", "8", "--theme", theme)
    film = tmp_path / "a.gif"
    assert output_of(capsys, "export", *about, *SAME, "-o", str(film)) == f"{film}\n"
    frames = frames_of(film)
    assert len(frames) == 6
    stills = [still(capsys, tmp_path / "s.png", *about, "--step", str(step)) for step in range(6)]
    for frame, expected in zip(frames, stills, strict=True):
        rows = min(len(frame), len(expected))
        assert 0 <= len(frame) - len(expected) <= 40
        gap = np.abs(frame[:rows] - expected[:rows])
        # 255 colours for thousands: none far from what it was, most of them as they were.
        assert gap.max() <= 32
        assert gap.mean() < 1.5
    # The figures of the steps do differ by more than that.
    rows = min(map(len, stills))
    assert np.abs(stills[0][:rows] - stills[-1][:rows]).max() > 100


def test_one_palette_serves_the_whole_animation_and_the_ground_never_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "a.gif"
    words = (str(TRAINING), "--snapshots", "0:12", "--no-caption", "--pixels", "300")
    output_of(capsys, "export", *words, "--width-mm", "60", "-o", str(film))
    assert local_palettes(film.read_bytes()) == [False] * 12
    frames = np.stack(frames_of(film))
    assert (frames[:, 2, 2] == 255).all()
    # The bar of colours is the same in all of them, with all its colours.
    still_rows = (frames == frames[0]).all((0, 2, 3))
    colours = [len(np.unique(row, axis=0)) for row in frames[0][still_rows]]
    assert max(colours) > 15
    assert not still_rows.all()


def local_palettes(data: bytes) -> list[bool]:
    """Whether each picture in a GIF has a palette of its own, by the blocks of GIF89a."""
    assert data[:6] == b"GIF89a" and data[10] & 0x80
    at = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    found = []
    while data[at] != 0x3B:
        if data[at] == 0x21:
            at += 2
        else:
            assert data[at] == 0x2C
            flags = data[at + 9]
            found.append(bool(flags & 0x80))
            at += 11 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
        while data[at]:
            at += data[at] + 1
        at += 1
    return found


@pytest.mark.parametrize(
    "words",
    [
        (str(HARD), "--example", "8", "--steps", "1:4"),
        (str(HARD), "--view", "compare", "--with", str(SOFT), "--steps", "0:2"),
        (str(TEXT), "--view", "matrix", "--heads", "3,1"),
        (str(TEXT), "--examples", "0:2"),
    ],
)
def test_the_same_animation_gives_the_same_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    made = []
    for name in ("a.gif", "b.gif"):
        output_of(capsys, "export", *words, "-o", str(tmp_path / name))
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    with Image.open(tmp_path / "a.gif") as film:
        assert film.size[0] % 2 == 0 and film.size[1] % 2 == 0
        assert b"Drawn by hardattn" in film.info["comment"]


def test_the_last_frame_is_held_and_time_is_as_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def times(*words: str) -> list[int]:
        output_of(
            capsys, "export", str(HARD), "--pixels", "200", *words, "-o", str(tmp_path / "a.gif")
        )
        with Image.open(tmp_path / "a.gif") as film:
            found = []
            for at in range(film.n_frames):
                film.seek(at)
                found.append(film.info["duration"])
            assert film.info["loop"] == 0
        return found

    assert times() == [500] * 5 + [1500]
    assert times("--fps", "10", "--hold", "0") == [100] * 6
    # Seven hundredths do not divide by six: what is lost at one frame is made up at another.
    assert sum(times("--seconds", "0.7", "--hold", "2")) == 2700


def test_snapshots_share_one_scale_and_say_their_training_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = tmp_path / "t.npz"
    output_of(capsys, "export", str(TRAINING), "--snapshots", "0:31", "-o",
              str(numbers))  # fmt: skip
    with np.load(numbers) as data, read_run(TRAINING) as run:
        site = run.sites[0]
        tops = []
        for at in range(31):
            row = run.map(site, 0, 5, at)[0, 0]
            assert np.array_equal(data[f"{at}_A_probabilities"], row)
            tops.append(row.max())
        assert float(data["scale_max"]) == pytest.approx(max(tops))
        assert data["at"].tolist() == list(range(31))
    assert max(tops) > 1.05 * tops[0]


def test_numbers_of_a_range_are_those_of_its_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "a.csv"
    output_of(capsys, "export", str(HARD), "--example", "8", "--steps", "2:4", "-o", str(table))
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [row["step"] for row in rows] == ["2"] * 49 + ["3"] * 49
    with read_run(HARD) as run:
        for step in (2, 3):
            values = [float(row["probability"]) for row in rows if row["step"] == str(step)]
            assert np.array_equal(np.float32(values), run.map(run.sites[0], 8, step)[0, 0])


def test_numbers_of_heads_of_a_matrix_are_those_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "a.csv"
    output_of(capsys, "export", str(TEXT), "--view", "matrix", "--heads", "2,7", "-o", str(table))
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    with read_run(TEXT) as run:
        whole = run.map(run.sites[0], 0)
    for head in (2, 7):
        values = [float(row["probability"]) for row in rows if row["head"] == str(head)]
        assert np.array_equal(np.float32(values).reshape(whole.shape[1:]), whole[head])
    assert len(rows) == 2 * whole[0].size


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--steps", "6:9"), 1, "steps 6:9: it is empty; there are 6, counted from 0"),
        (("--steps", "3,9"), 1, "there is none with the number 9"),
        (("--steps", "x"), 1, "write a range such as 2:8, a list such as 3,5,8, or all"),
        (("--steps", "0:3", "--step", "1"), 2, "--step is one of --steps"),
        (("--fps", "2", "--seconds", "3"), 2, "--fps and --seconds say the same"),
        (("--fps", "90"), 1, "choose 0.1 … 50"),
        (("--seconds", "0.01"), 1, "6 frames in 0.01 s cannot be shown everywhere"),
        (("--pixels", "9000"), 1, "choose 32 … 3,840 px"),
        (("--view", "training"), 1, "shows several places already"),
        (("--view", "heads", "--heads", "all"), 1, "shows all heads at every place"),
        (("--snapshots", "all"), 1, "holds no snapshots of a training; use --steps instead"),
        (("--keep", "wrong"), 1, "examples"),
    ],
)
def test_what_cannot_be_animated_is_said_in_a_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    target = tmp_path / "a.gif"
    if words == ("--keep", "wrong"):
        words, code, said = ("--steps", "all", "--keep", "wrong"), 2, "--keep chooses examples"
    assert said in sentence_of(capsys, code, "export", str(HARD), *words, "-o", str(target))
    assert not target.exists()


def test_too_many_pixels_are_refused_with_how_many_would_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--examples", "0:100", "--pixels", "3000", "-o", str(tmp_path / "a.gif"))
    sentence = sentence_of(capsys, 1, "export", str(HARD), *words)
    assert "choose at most" in sentence and "or smaller frames" in sentence


def test_without_ffmpeg_a_film_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    nowhere = str(tmp_path / "no-run.h5")
    sentence = sentence_of(capsys, 1, "export", nowhere, "-o", str(tmp_path / "a.mp4"))
    assert "MP4 needs the program ffmpeg" in sentence and "save a GIF" in sentence


def test_a_film_is_what_ffmpeg_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in ffmpeg's place keeps what it was given: its words, and every frame."""
    program = tmp_path / "ffmpeg"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$2" = "-encoders" ]; then echo " V....D libx264 "; exit 0; fi\n'
        f'printf "%s\\n" "$@" > {tmp_path}/words\n'
        f'for last; do :; done; cat > {tmp_path}/frames; cp {tmp_path}/words "$last"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    about = ("export", str(HARD), "--example", "8", "--width-mm", "85", "--pixels", "301")
    output_of(capsys, *about, "--fps", "5", "--hold", "1", "-o", str(tmp_path / "a.mp4"))
    words = (tmp_path / "words").read_text("utf-8").splitlines()
    assert (tmp_path / "a.mp4").read_bytes().startswith((tmp_path / "words").read_bytes())
    assert words[words.index("-pix_fmt", words.index("-c:v")) + 1] == "yuv420p"
    width, height = map(int, words[words.index("-s") + 1].split("x"))
    assert width == 302 and height % 2 == 0
    assert words[words.index("-framerate") + 1] == "10"
    raw = np.frombuffer((tmp_path / "frames").read_bytes(), np.uint8)
    frames = raw.reshape(-1, height, width, 3).astype(int)
    # Six frames for a fifth of a second each, and the last for a second more.
    assert len(frames) == 6 * 2 + 10
    assert (frames[11:] == frames[11]).all() and (frames[0] == frames[1]).all()
    output_of(capsys, *about, "-o", str(tmp_path / "a.gif"))
    for frame, expected in zip(frames[:12:2], frames_of(tmp_path / "a.gif"), strict=True):
        assert np.abs(frame - expected).max() <= 32


def test_what_ffmpeg_cannot_do_is_said_in_its_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text(
        '#!/bin/sh\nif [ "$2" = "-encoders" ]; then echo libx264; exit 0; fi\n'
        'echo "no room left" >&2; exit 3\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    target = tmp_path / "a.mp4"
    sentence = sentence_of(capsys, 1, "export", str(HARD), "-o", str(target))
    assert "ffmpeg could not write the film: no room left; save a GIF instead" in sentence
    assert not target.exists()
    program.write_text("#!/bin/sh\necho none\n")
    assert "install a full ffmpeg" in sentence_of(capsys, 1, "export", str(HARD), "-o", str(target))


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the program ffmpeg")
def test_a_real_film_decodes_to_the_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = []
    for name in ("a.mp4", "b.mp4"):
        words = ("--width-mm", "85", "--pixels", "300", "-o", str(tmp_path / name))
        output_of(capsys, "export", str(HARD), "--example", "8", *words)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    output_of(capsys, "export", str(HARD), "--example", "8", "--width-mm", "85", "--pixels",
              "300", "-o", str(tmp_path / "a.gif"))  # fmt: skip
    expected = frames_of(tmp_path / "a.gif")
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(tmp_path / "a.mp4"), "-f", "rawvideo", "-pix_fmt",
         "rgb24", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    height, width = expected[0].shape[:2]
    frames = np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3).astype(int)
    # Half a second a frame and a second more, at ten a second.
    assert len(frames) == 6 * 5 + 10
    for at, still_frame in enumerate(expected):
        assert np.abs(frames[5 * at + 2] - still_frame).mean() < 6
    assert np.abs(frames[2] - expected[5]).mean() > np.abs(frames[2] - expected[0]).mean()


@pytest.mark.parametrize(
    "words",
    [
        ("--steps", "all", "--measure", "margin", "--cells"),
        ("--snapshots", "0:12", "--one-scale"),
    ],
)
def test_all_heads_move_under_one_scale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    run = TRAINING if "--snapshots" in words else HARD
    film = tmp_path / "a.gif"
    about = (str(run), "--view", "heads", *words, "--width-mm", "85", "--pixels", "400")
    output_of(capsys, "export", *about, "-o", str(film))
    over, count = ("snapshots", 12) if run == TRAINING else ("steps", 6)
    frames = frames_of(film)
    assert len(frames) == count
    caption = recipe_in(film).shown["caption"]
    assert f"the {count} {over} shown" in caption
    with read_run(str(run)) as opened:
        places = [
            Place(step=at) if over == "steps" else Place(snapshot=at, step=5) for at in range(count)
        ]
        numbers = [numbers_at([opened], [place]) for place in places]
    if over == "steps":
        low = min(one.range_of("margin")[0] for one in numbers)
        high = max(one.range_of("margin")[1] for one in numbers)
        ends = [measure_text("margin", low), measure_text("margin", high, unit=True)]
        assert " – ".join(ends) in caption
        assert len({one.range_of("margin") for one in numbers}) > 1
    else:
        assert f"0 – {amount(max(one.largest for one in numbers))}" in caption
    assert any((frame != frames[0]).any() for frame in frames)


def test_timelines_of_examples_have_the_same_axes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "a.gif"
    words = ("--view", "timeline", "--with", str(SOFT), "--examples", "0:4", "--pixels", "400")
    output_of(capsys, "export", str(HARD), *words, "--width-mm", "85", "-o", str(film))
    frames = frames_of(film)
    assert len(frames) == 4
    # Names of tracks, labels and lines of axes stay where they are.
    rows = slice(0, int(0.7 * len(frames[0])))
    left = np.stack([frame[rows, :33] for frame in frames])
    assert (left == left[0]).all() and (left != 255).any()
    assert any((frame != frames[0]).any() for frame in frames)


def test_at_each_step_the_timeline_marks_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "a.gif"
    about = (str(HARD), "--example", "8", "--view", "timeline")
    output_of(capsys, "export", *about, *SAME, "-o", str(film))
    frames = frames_of(film)
    for step in (0, 3):
        alone = still(capsys, tmp_path / "s.png", *about, "--step", str(step))
        rows = min(len(alone), len(frames[step]))
        assert np.abs(frames[step][:rows] - alone[:rows]).max() <= 32
