"""What the golden files hold, by formula, and how each was written.

``run-1.0.h5`` was written by ``write_1_0`` with the writer of format 1.0, and so on, as
``python tests/recorders/golden_runs.py 1.2 FILE`` does with the repository on the path. They are
never written again: what was written then must be read for ever.
"""

import sys

import numpy as np

STEPS = 2
SNAPSHOTS = (0, 500)
EXAMPLES = ("a", "b ü", "c")
LABELS = (3, None, 0)
METADATA = {"seed": 7, "model": "golden ü", "nested": {"a": [1, 2.5, None]}}
LEFT_OUT = ["queries other than the last", "rank 0 only"]
CHANGED = ["the fast path is off"]


def image(example):
    return (
        np.arange(12, dtype=np.uint8).reshape(3, 4) * 5,
        np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10,
        None,
    )[example]


def regions(example):
    return (
        np.array([[k - 0.5, 0, k + 1.25, 2] for k in range(4)], np.float32) if example < 2 else None
    )


def tokens(example):
    return (None, ("[CLS]", "nä", "💡"), ("x",))[example]


def levels(site, example, step, snapshot, shape):
    """Stored levels, so that the probabilities are exact: (u / 65535)²."""
    seed = 1 + site + 2 * example + 6 * step + 12 * snapshot
    raw = (np.arange(np.prod(shape)).reshape(shape) * 7919 * seed) % 1000 + 1.0
    return np.round(65535 * np.sqrt(raw / raw.sum(-1, keepdims=True)))


def probabilities(*place):
    return (levels(*place) / 65535.0) ** 2


def hard(example, step, snapshot):
    """One glimpse: [1 head, 1 query, 4 keys], one selected."""
    p = probabilities(0, example, step, snapshot, (1, 1, 4))
    return {
        "probabilities": p,
        "selection": np.full((1, 1, 1), (example + step + snapshot) % 4),
        "log_prob": np.full((1, 1), -0.25 * (1 + example + step)),
        "entropy": np.full((1, 1), 0.125 * (1 + step + snapshot)),
    }


def soft(example, step, snapshot, masked=False):
    """A map: [2 heads, 3 queries, 5 keys]; the last query of head 1 sees nothing where masked."""
    p = probabilities(1, example, step, snapshot, (2, 3, 5))
    entropy = np.full((2, 3), 0.5 + example / 8)
    if masked:
        p[1, 2] = 0
        entropy[1, 2] = 0
    return {
        "probabilities": p,
        "selection": None,
        "log_prob": np.full((2, 3), np.nan),
        "entropy": entropy,
    }


def reward(example, step, snapshot):
    return example - step / 3 + snapshot * 1e6


def add(writer, example, sites, snapshots, events=({}, {}), masked=False, media=None):
    """Add everything of one example, in both snapshots."""
    number = np.array(
        [
            writer.add_example(
                EXAMPLES[example],
                label=LABELS[example],
                regions=regions(example),
                tokens=tokens(example),
                **(media or {"image": image(example)}),
            )
        ]
    )
    for moment, snapshot in enumerate(snapshots):
        for step in range(STEPS):
            for site, values in enumerate(
                (hard(example, step, moment), soft(example, step, moment, masked))
            ):
                batch = {k: None if v is None else v[None] for k, v in values.items()}
                writer.add_events(
                    site=sites[site],
                    examples=number,
                    step=step,
                    snapshot=snapshot,
                    temperature=np.nan if site else 1.5,
                    **batch,
                    **events[site],
                )
            writer.add_scalars(
                "reward",
                examples=number,
                steps=step,
                snapshot=snapshot,
                values=reward(example, step, moment),
            )
        writer.add_outcomes(
            examples=number,
            snapshot=snapshot,
            prediction=example + moment,
            confidence=0.5 + example / 8,
            label_probability=np.nan if LABELS[example] is None else 0.25,
        )


SITES = (
    {
        "name": "glimpse",
        "kind": "glimpse",
        "mechanism": "sampled",
        "hard": True,
        "key_axis": "regions",
        "query_axis": "steps",
        "capture": "tap",
        "verified": "told by the model",
    },
    {
        "name": "layers.0.attn",
        "kind": "self",
        "mechanism": "soft",
        "heads": 2,
        "head_indices": (1, 5),
        "key_axis": "keys",
        "query_axis": "queries",
        "capture": "sdpa",
        "verified": "as stored",
    },
)


def write_1_0(path):
    from recorders.run.writer import SegmentWriter

    writer = SegmentWriter(path, metadata=METADATA, producer="golden 1.0")
    sites = [writer.add_site(**facts) for facts in SITES]
    snapshots = [writer.add_snapshot(step) for step in SNAPSHOTS]
    for example in range(3):
        add(writer, example, sites, snapshots)
        writer.flush()
    writer.close()


MORE = ({}, {"layer": 0, "module": "Attention", "special_keys": "[CLS]"})
EVENTS = (
    {},
    {
        "first_query": 4,
        "query_stride": 2,
        "first_key": 1,
        "first_region": 1,
        "windows": 3,
        "sink": True,
    },
)
OWN_BOXES = np.array([[0, 0, 1, 1], [1, 1, 2, 2.5], [0, 1, 0.5, 3]], np.float32)


def add_token(writer, example, axis, snapshot, number=0):
    writer.add_later_tokens(
        examples=np.array([number]),
        step=1,
        snapshot=snapshot,
        axis=axis,
        positions=np.array([5]),
        ids=np.array([40 + example]),
        texts=[f"ä{example}"],
    )


def write_1_1(path):
    from recorders.run.writer import SegmentWriter, new_run

    run = new_run()
    writers = [
        SegmentWriter(path, metadata=METADATA, producer="golden 1.1", rank=r, world=2, run=run)
        for r in (0, 1)
    ]
    for rank, writer in enumerate(writers):
        sites = [writer.add_site(**facts, **more) for facts, more in zip(SITES, MORE, strict=True)]
        snapshots = [writer.add_snapshot(step) for step in SNAPSHOTS]
        events = EVENTS[0], EVENTS[1] | {"region_set": writer.add_region_set(OWN_BOXES)}
        for example in ((0, 2), (1,))[rank]:
            add(writer, example, sites, snapshots, events, masked=example == 2)
            if example < 2:
                add_token(writer, example, rank, snapshots[1])
            writer.flush()
        writer.add_verification(
            sites[1], checked=8, failed=0, unchecked=rank, error=2.5e-7, tolerance=1e-5,
            reason="dropout is active" if rank else "",
        )  # fmt: skip
        writer.describe(left_out=LEFT_OUT[: 2 - rank], changed=CHANGED)
    writers[1].close(join=False)
    writers[0].close()


SOUND = (np.arange(400, dtype=np.int16) * 61) % 3000 - 1500
RATE = 16_000.0
TIMES = (0.0, 0.25, 1.0)
REGION_FRAMES = (0, 1, -1, 2)
LOSSES = (2.5, 0.125)


def video():
    """The image of example 1, and two more."""
    first = image(1)
    return np.stack([first, first // 2, 255 - first])


def write_1_2(path):
    from recorders.run.sounds import checked_sound
    from recorders.run.videos import checked_video
    from recorders.run.writer import SegmentWriter

    writer = SegmentWriter(path, metadata=METADATA, producer="golden 1.2")
    sites = [writer.add_site(**facts, **more) for facts, more in zip(SITES, MORE, strict=True)]
    snapshots = [writer.add_snapshot(step) for step in SNAPSHOTS]
    for snapshot, loss in zip(snapshots, LOSSES, strict=True):
        writer.add_training_scalar("loss", snapshot=snapshot, value=loss)
    events = EVENTS[0], EVENTS[1] | {"region_set": writer.add_region_set(OWN_BOXES)}
    media = (
        {"image": image(0), "sound": checked_sound(SOUND, RATE)},
        {"video": checked_video(video(), times=TIMES, region_frames=REGION_FRAMES)},
        None,
    )
    for example in range(3):
        add(writer, example, sites, snapshots, events, example == 2, media[example])
        if example < 2:
            add_token(writer, example, example, snapshots[1], example)
        writer.flush()
    # What came into a slot of a memory.
    add_token(writer, 2, 2, snapshots[1], 2)
    writer.add_verification(
        sites[1], checked=16, failed=0, unchecked=1, error=2.5e-7, tolerance=1e-5,
        reason="dropout is active",
    )  # fmt: skip
    writer.describe(left_out=LEFT_OUT, changed=CHANGED)
    writer.close()


if __name__ == "__main__":
    {"1.0": write_1_0, "1.1": write_1_1, "1.2": write_1_2}[sys.argv[1]](sys.argv[2])
