"""What is recorded under fault: every number of a step follows from its run's seed and the step."""

import numpy as np

from recorders.run.codec import CODECS

HEADS, QUERIES, CHOSEN = 2, 3, 2
CODEC_NAMES = tuple(CODECS)
METADATA = {"about": "faults"}


def keys_of(step):
    """Keys of a step's map: some small, some over several chunks."""
    return 40_000 if step % 23 == 22 else 5 + step % 40


def values(seed, step):
    """Everything of a step, one example with one event."""
    rng = np.random.default_rng((seed, step))
    keys = keys_of(step)
    rows = (HEADS, QUERIES)
    return {
        "probabilities": rng.dirichlet(np.ones(keys), rows).astype(np.float32),
        "log_prob": -rng.random(rows),
        "entropy": rng.random(rows),
        "selection": rng.integers(0, keys, (*rows, CHOSEN)),
        "temperature": rng.random(),
        "reward": rng.random(),
        "confidence": rng.random(),
        "image": rng.integers(0, 256, (6, 5 + step % 3), dtype=np.uint8),
        "regions": (rng.random((4, 4)) * 9).astype(np.float32),
        "tokens": [f"{seed}-{step}-{n}-ü" for n in range(1 + step % 4)],
        "label": step % 10,
    }


def write_step(writer, seed, step):
    """Add one step to a SegmentWriter; its first call adds the site and the snapshot."""
    if not writer.n_events:
        writer.add_site("look", mechanism="sampled", hard=True, heads=HEADS)
        writer.add_snapshot(0)
    known = values(seed, step)
    described = {name: known[name] for name in ("label", "image", "regions", "tokens")}
    example = np.array([writer.add_example(f"step-{step}", **described)])
    arrays = ("probabilities", "log_prob", "entropy", "selection")
    writer.add_events(
        site=0,
        examples=example,
        step=0,
        snapshot=0,
        temperature=known["temperature"],
        **{name: known[name][None] for name in arrays},
    )
    writer.add_scalars("reward", examples=example, steps=0, snapshot=0, values=known["reward"])
    writer.add_outcomes(
        examples=example, snapshot=0, prediction=step % 7, confidence=known["confidence"]
    )


def stored(probabilities, codec):
    """Probabilities as they come back: the format's rule, written down a second time."""
    p = probabilities
    if codec.startswith("sqrt"):
        levels = np.float32({"sqrt16": 65_535, "sqrt8": 255}[codec])
        dtype = {"sqrt16": np.uint16, "sqrt8": np.uint8}[codec]
        p = (np.sqrt(p) * levels + np.float32(0.5)).astype(dtype).astype(np.float32)
        p = p * np.float32(1.0 / levels)
        p = p * p
    else:
        p = p.astype(codec).astype(np.float32)
    totals = p.sum(axis=-1, keepdims=True)
    return np.divide(p, totals, out=p, where=totals > 0)


def wrong(run, seed, step):
    """What of one step does not come back to the last bit; empty where all of it does."""
    known = values(seed, step)
    site, moment = run.sites[0], run.snapshots[0]
    example, outcome, scalars = run.examples[step], run.outcome(step), run.scalars(step)
    pairs = {
        "site": ((site.name, site.heads, site.hard), ("look", HEADS, True)),
        "snapshot": (moment.step, 0),
        "example": ((example.name, example.label), (f"step-{step}", known["label"])),
        "tokens": (list(run.tokens(step) or ()), known["tokens"]),
        "steps": (run.steps("look", step), 1),
        "prediction": (outcome.prediction, step % 7),
        "confidence": (outcome.confidence, known["confidence"]),
        "reward": (scalars["reward"].tolist(), [known["reward"]]),
        "temperature": (scalars["temperature"].tolist(), [known["temperature"]]),
    }
    arrays = {
        "map": (run.map("look", step), stored(known["probabilities"], run.codec)),
        "selection": (run.selection("look", step), known["selection"]),
        "log_prob": (run.log_prob("look", step), known["log_prob"]),
        "entropy": (run.entropy("look", step), known["entropy"]),
        "image": (run.image(step), known["image"]),
        "regions": (run.regions(step), known["regions"]),
    }
    return [name for name, (read, true) in pairs.items() if read != true] + [
        name for name, (read, true) in arrays.items() if not np.array_equal(read, true)
    ]


def checked(run, seed):
    """Number of steps that a run holds, every one of them bit-exact.

    Raises:
        AssertionError: something is in the run that was not recorded so.
    """
    steps = len(run.examples)
    assert run.n_events == steps, (run.n_events, steps)
    for step in range(steps):
        assert not wrong(run, seed, step), (run.path, step, wrong(run, seed, step))
    return steps
