"""Sounds, videos, points and memories of examples, from the recorder to the reader."""

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from transformers import WhisperConfig, WhisperModel

from recorders import AttentionTap, Recorder, RunError, read_run
from recorders.run.codec import crc32
from recorders.run.sounds import checked_sound
from recorders.run.validate import findings
from recorders.run.videos import checked_video
from recorders.run.writer import SegmentWriter, new_run

RATE = 8_000


def tone(seconds, hertz=440.0):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def even(*shape):
    return np.full(shape, 1 / shape[-1])


@given(hnp.arrays(np.float64, st.integers(1, 50), elements=st.floats(-2, 2)))
def test_a_sound_comes_back_within_half_a_step_of_16_bits(samples):
    stored = checked_sound(samples, RATE).samples
    np.testing.assert_allclose(stored / 32_767, np.clip(samples, -1, 1), atol=0.5 / 32_767 + 1e-9)


def test_channels_become_their_mean_whichever_axis_they_are():
    two = np.array([[100, 200, 300], [300, 400, 501]], np.int16)
    for sound in (checked_sound(two, RATE), checked_sound(np.tile(two, 4).T, RATE)):
        assert sound.samples[:3].tolist() == [200, 300, 400]
    assert checked_sound(two[:1], RATE).samples.tolist() == [100, 200, 300]


def test_sounds_are_shared_and_frames_are_where_they_are_in_time(tmp_path):
    with Recorder(tmp_path / "run.h5") as recorder:
        for name in ("a", "b"):
            with recorder.example(name=name, audio=tone(0.5), rate=RATE):
                recorder.log("look", probabilities=even(1, 1, 5), key_axis="frames")
        with recorder.example(name="c", audio=tone(0.25), rate=RATE, input_span=(0, 1)):
            recorder.log("look", probabilities=even(1, 1, 4), key_axis="frames")
        with recorder.example(name="silent"):
            recorder.log("look", probabilities=even(1, 1, 4), key_axis="frames")
    with read_run(tmp_path / "run.h5") as run:
        sound = run.sound(0)
        assert (sound.rate, sound.seconds) == (RATE, 0.5)
        np.testing.assert_allclose(sound.samples / 32_767, tone(0.5), atol=2e-5)
        assert run.sound(3) is None and run.frame_times(0) is None
        np.testing.assert_allclose(
            run.regions(0, "look"), [[k / 10, 0, (k + 1) / 10, RATE / 2] for k in range(5)]
        )
        np.testing.assert_allclose(
            run.regions(2, "look"), [[k / 4, 0, (k + 1) / 4, RATE / 2] for k in range(4)]
        )
        assert run.regions(3, "look") is None
        assert run.event("look", 0).region_set == run.event("look", 1).region_set
    with h5py.File(tmp_path / "run.h5") as file:
        assert file["sounds/length"][:].tolist() == [4_000, 2_000]
    assert findings(tmp_path / "run.h5") == []


def test_rows_of_a_batch_have_frames_of_their_own_sounds(tmp_path):
    maps = np.stack([even(1, 2, 4)] * 2) * 1.0
    maps[1, :, :, :2], maps[1, :, :, 2:] = 0.4, 0.1
    with Recorder(tmp_path / "run.h5") as recorder:
        batch = [{"audio": tone(1), "rate": RATE}, {"audio": tone(2), "rate": RATE}]
        with recorder.example(batch=batch):
            recorder.log("look", probabilities=maps, key_axis="frames", temperature=[1.0, 2.0])
    with read_run(tmp_path / "run.h5") as run:
        for example, seconds in enumerate((1, 2)):
            edges = run.regions(example, "look")[:, 2]
            np.testing.assert_allclose(edges, np.arange(1, 5) * seconds / 4)
            np.testing.assert_allclose(run.map("look", example), maps[example], atol=2e-5)
            assert run.event("look", example).temperature == example + 1


def test_whisper_hears_frames_of_its_thirty_seconds(tmp_path):
    torch.manual_seed(0)
    model = WhisperModel(
        WhisperConfig(
            vocab_size=50, d_model=16, encoder_layers=1, decoder_layers=1, num_mel_bins=8,
            encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16,
            decoder_ffn_dim=16, max_source_positions=20, max_target_positions=20, pad_token_id=0,
            bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
        )
    ).eval()  # fmt: skip
    with Recorder(tmp_path / "run.h5", model) as recorder:
        span = (0, 30)
        with recorder.example(audio=tone(2), rate=RATE, input_span=span), torch.no_grad():
            model(input_features=torch.randn(1, 8, 40), decoder_input_ids=torch.tensor([[1, 5]]))
    with read_run(tmp_path / "run.h5") as run:
        heard = next(site for site in run.sites if site.kind == "cross")
        assert heard.key_axis == "frames"
        np.testing.assert_allclose(run.regions(0, heard)[:, 2], 1.5 * np.arange(1, 21))


def video(frames, colour=False):
    shape = (frames, 3, 4, 3) if colour else (frames, 3, 4)
    return (np.arange(np.prod(shape)).reshape(shape) * 7 % 256).astype(np.uint8)


@pytest.mark.parametrize("colour", [False, True])
def test_every_frame_of_a_video_is_read_with_its_time_and_its_regions(tmp_path, colour):
    clip, boxes = video(3, colour), np.array([[0, 0, 2, 2], [1, 1, 3, 3], [0, 0, 4, 3]], float)
    with (
        Recorder(tmp_path / "run.h5") as recorder,
        recorder.example(video=clip, fps=4, regions=boxes, region_frames=[0, 2, -1]),
    ):
        recorder.log("look", probabilities=even(1, 1, 3), key_axis="regions")
    with read_run(tmp_path / "run.h5") as run:
        assert run.frame_times(0).tolist() == [0, 0.25, 0.5]
        for number in range(3):
            np.testing.assert_array_equal(run.frame(0, number), clip[number])
        np.testing.assert_array_equal(run.image(0), clip[0])
        assert run.region_frames(0).tolist() == [0, 2, -1]
        np.testing.assert_array_equal(run.regions(0), boxes)
        with pytest.raises(IndexError, match="the video has 3"):
            run.frame(0, 3)
    assert findings(tmp_path / "run.h5") == []


def test_times_of_frames_may_be_told(tmp_path):
    with Recorder(tmp_path / "run.h5") as recorder:
        with recorder.example(video=video(3), times=[0, 0.1, 5]):
            recorder.log("look", probabilities=even(1, 1, 3))
        with (
            pytest.raises(ValueError, match="another label"),
            recorder.example(name="example-0", video=video(3), times=[0, 0.1, 6]),
        ):
            pass
    with read_run(tmp_path / "run.h5") as run:
        assert run.frame_times(0).tolist() == [0, 0.1, 5]


def test_points_are_boxes_of_no_size(tmp_path):
    points = np.array([[0.5, 2.0], [-1.0, 3.5], [4.0, 0.25]])
    with Recorder(tmp_path / "run.h5") as recorder, recorder.example(points=points):
        for chosen in (2, 0):
            recorder.log(
                "tour", probabilities=even(1, 1, 3), selection=[[[chosen]]], log_prob=[[-1.0986]],
                kind="pointer", key_axis="points",
            )  # fmt: skip
            recorder.step()
    with read_run(tmp_path / "run.h5") as run:
        np.testing.assert_array_equal(run.regions(0), np.concatenate([points, points], axis=1))
        assert [int(run.selection("tour", 0, step)[0, 0, 0]) for step in (0, 1)] == [2, 0]
        assert run.image(0) is None


def test_what_a_memory_holds_is_told_for_each_step(tmp_path):
    with Recorder(tmp_path / "run.h5") as recorder:
        batch = [{"memory": ["empty", "Rome"]}, {"memory": ["x"]}]
        with recorder.example(batch=batch):
            recorder.log("read", probabilities=even(2, 1, 1, 2), key_axis="slots")
            recorder.step()
            recorder.remember(0, ["Paris", None])
            recorder.log("read", probabilities=even(2, 1, 1, 2), key_axis="slots")
            recorder.step()
            with pytest.raises(ValueError, match="one a row"):
                recorder.remember(0, ["only one"])
            with pytest.raises(ValueError, match="counted from 0"):
                recorder.remember(-1, "x")
    with read_run(tmp_path / "run.h5") as run:
        assert run.tokens(0, "slots", step=0) == ("empty", "Rome")
        assert run.tokens(0, "slots", step=1) == ("Paris", "Rome")
        assert run.tokens(1, "slots", step=1) == ("x",)
        assert run.tokens(0) is None
        assert list(run.key_names("read", 0, 1)) == ["Paris", "Rome"]
        assert list(run.key_names("read", 1, 1)) == ["x", "slot 1"]


def test_the_target_of_an_example_names_the_queries(tmp_path):
    with Recorder(tmp_path / "run.h5") as recorder:
        batch = [{"tokens": ["ein", "Haus"], "target": ["a", "house"]}, {"tokens": ["ja"]}]
        with recorder.example(batch=batch):
            shape = {"key_axis": "tokens", "query_axis": "target"}
            recorder.log("cross", probabilities=even(2, 1, 2, 2), **shape)
    with read_run(tmp_path / "run.h5") as run:
        assert run.tokens(0, "target") == ("a", "house")
        assert run.tokens(0) == ("ein", "Haus")
        assert run.tokens(1, "target") is None


class Layers(torch.nn.Module):
    """Calls its layers one by one, as a model does that has no forward of its own."""

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(9, 2)
        self.tap = AttentionTap("look", key_axis="tokens")

    def look(self, numbers):
        self.table(numbers)
        return self.tap(probabilities=torch.full((1, 2), 0.5))


def test_what_else_is_looked_up_does_not_take_the_place_of_told_tokens(tmp_path):
    model = Layers()
    with Recorder(tmp_path / "run.h5", model, nets=()) as recorder:
        with recorder.example(tokens=["ein", "Haus"]):
            model.look(torch.tensor([[4, 5, 6]]))
        with recorder.example():
            model.look(torch.tensor([[4, 5]]))
    with read_run(tmp_path / "run.h5") as run:
        assert run.tokens(0) == ("ein", "Haus")
        assert run.tokens(1) == ("#4", "#5")


def test_what_was_written_is_what_each_step_asked_for(tmp_path):
    words = [["two", "above"], ["six", "left of"]]
    with Recorder(tmp_path / "run.h5") as recorder:
        with pytest.raises(ValueError, match="belongs inside"):
            recorder.written(words)
        with recorder.example(batch=[{"name": "a"}, {"name": "b"}]):
            for _ in range(2):
                recorder.log("look", probabilities=even(2, 1, 1, 3), query_axis="target")
                recorder.log("other", probabilities=even(2, 1, 1, 3))
                recorder.step()
            recorder.written(words)
            with pytest.raises(ValueError, match="one list of texts a row"):
                recorder.written(words[:1])
            with pytest.raises(ValueError, match="one list of texts a row"):
                recorder.written(["two", "above"])
        with recorder.example(name="c"):
            recorder.log("look", probabilities=even(1, 1, 3), query_axis="target")
            recorder.written(["nine"])
    with read_run(tmp_path / "run.h5") as run:
        assert [run.tokens(at, "target") for at in range(3)] == [*map(tuple, words), ("nine",)]
        # The query of step 1 is the second word; a site that asks for no words has none.
        assert [run.event("look", 1, step).first_query for step in (0, 1)] == [0, 1]
        assert [run.event("other", 1, step).first_query for step in (0, 1)] == [0, 0]


def write_media(path):
    with Recorder(path) as recorder:
        with recorder.example(audio=tone(0.1), rate=RATE):
            recorder.log("look", probabilities=even(1, 1, 3), key_axis="frames")
        with recorder.example(video=video(3)):
            recorder.log("look", probabilities=even(1, 1, 3), key_axis="frames")


@pytest.mark.parametrize(
    ("table", "column", "value", "lost"),
    [
        ("sounds", "length", 2**40, "no sounds"),
        ("sounds", "rate", np.nan, "no sounds"),
        ("sounds", "offset", -1, "no sounds"),
        ("frames", "image", 99, "no frames"),
        ("frames", "number", -1, "no frames"),
        ("frames", "time", np.inf, "no frames"),
    ],
)
def test_a_run_opens_without_sounds_or_frames_that_are_damaged(
    tmp_path, table, column, value, lost
):
    write_media(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        values = file[f"{table}/{column}"][:]
        values[0] = value
        file[f"{table}/{column}"][:] = values
        file[f"{table}/{column}"].attrs["crc32"] = np.uint32(crc32(values))
    with read_run(tmp_path / "run.h5") as run:
        assert any(lost in notice for notice in run.notices)
        assert run.map("look", 0).shape == (1, 1, 3)
        if table == "sounds":
            assert run.sound(0) is None
        else:
            assert run.frame_times(1) is None and run.image(1) is not None


def test_a_sound_that_is_another_than_its_digest_says_is_refused(tmp_path):
    write_media(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        digest = file["sounds/sha256"][:]
        digest[0] ^= 1
        file["sounds/sha256"][:] = digest
        file["sounds/sha256"].attrs["crc32"] = np.uint32(crc32(digest))
    with read_run(tmp_path / "run.h5") as run, pytest.raises(RunError, match="SHA-256"):
        run.sound(0)
    assert any("SHA-256" in one.what for one in findings(tmp_path / "run.h5"))


def test_ranks_share_sounds_and_keep_their_videos(tmp_path):
    path, run = tmp_path / "run.h5", new_run()
    writers = [SegmentWriter(path, rank=rank, world=2, run=run) for rank in range(2)]
    for rank, writer in enumerate(writers):
        site, snapshot = writer.add_site("look", key_axis="frames"), writer.add_snapshot(0)
        numbers = [
            writer.add_example(f"sound {rank}", sound=checked_sound(tone(0.1), RATE)),
            writer.add_example(f"video {rank}", video=checked_video(video(2 + rank), 1)),
        ]
        writer.add_events(
            site=site, examples=np.array(numbers), step=0, snapshot=snapshot,
            probabilities=even(2, 1, 1, 3), log_prob=np.zeros((2, 1, 1)),
            entropy=np.full((2, 1, 1), np.log(3)),
        )  # fmt: skip
    writers[1].close(join=False)
    writers[0].close()
    with read_run(path) as run:
        names = [example.name for example in run.examples]
        for rank in range(2):
            np.testing.assert_array_equal(
                run.sound(names.index(f"sound {rank}")).samples,
                checked_sound(tone(0.1), RATE).samples,
            )
            at = names.index(f"video {rank}")
            assert len(run.frame_times(at)) == 2 + rank
            np.testing.assert_array_equal(run.frame(at, 1), video(2 + rank)[1])
    with h5py.File(path) as file:
        assert len(file["sounds/length"]) == 1
