"""What is recorded under fault: every number of a step follows from its run's seed and the step."""

import numpy as np

from recorders import RunError
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


def _pairs(run, seed, step):
    """By name, what a run says of one step, to be asked for, and what is true."""
    known = values(seed, step)
    site = run.sites[0]
    return {
        "site": (lambda: (site.name, site.heads, site.hard), ("look", HEADS, True)),
        "snapshot": (lambda: run.snapshots[0].step, 0),
        "example": (lambda: run.examples[step].name, f"step-{step}"),
        "label": (lambda: run.examples[step].label, known["label"]),
        "tokens": (lambda: list(run.tokens(step) or ()), known["tokens"]),
        "steps": (lambda: run.steps("look", step), 1),
        "prediction": (lambda: run.outcome(step).prediction, step % 7),
        "confidence": (lambda: run.outcome(step).confidence, known["confidence"]),
        "reward": (lambda: run.scalars(step)["reward"], known["reward"]),
        "temperature": (lambda: run.scalars(step)["temperature"], known["temperature"]),
        "map": (lambda: run.map("look", step), stored(known["probabilities"], run.codec)),
        "selection": (lambda: run.selection("look", step), known["selection"]),
        "log_prob": (lambda: run.log_prob("look", step), known["log_prob"]),
        "entropy": (lambda: run.entropy("look", step), _entropy(run, step, known)),
        "image": (lambda: run.image(step), known["image"]),
        "regions": (lambda: run.regions(step), known["regions"]),
    }


def _entropy(run, step, known):
    """The entropy that was given; that of a Recorder, which works it out itself, within 1e-5."""
    if run.sites[0].capture != "tap":
        return known["entropy"]
    p = known["probabilities"].astype(float)
    exact = -np.sum(p * np.log(np.maximum(p, 1e-300)), axis=-1)
    read = run.entropy("look", step)
    return np.where(np.abs(read - exact) < 1e-5, read, exact)


def unlike(run, seed, step):
    """What of one step does not come back to the last bit, by name.

    Returns:
        ``"wrong"`` for another value, ``"missing"`` for none at all, and else the sentence with
        which reading it was refused.
    """
    found = {}
    for name, (read, true) in _pairs(run, seed, step).items():
        try:
            value = read()
        except RunError as problem:
            found[name] = str(problem)
        except (IndexError, KeyError):
            found[name] = "missing"
        else:
            if value is None or (isinstance(value, list) and not value):
                found[name] = "missing"
            elif not np.array_equal(np.squeeze(value), np.squeeze(true)):
                found[name] = "wrong"
    return found


def checked(run, seed):
    """Number of steps that a run holds, every one of them bit-exact.

    Raises:
        AssertionError: something is in the run that was not recorded so.
    """
    steps = len(run.examples)
    assert run.n_events == steps, (run.n_events, steps)
    for step in range(steps):
        found = unlike(run, seed, step)
        assert not found, (run.path, step, found)
    return steps
